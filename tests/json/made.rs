//! `build` and `split` for programs, and what they would do.

use std::fs;

use serde_json::{Value, json};

use super::Documents;
use crate::common::desk::Desk;
use crate::common::{end, succeed, tool};

const BUILD: &str = "build lab.toml --seed lab.seed --out out";
const SAN: (&str, &str) = ("issued_at = 2026-11-22\n", "issued_at = 2026-11-22\napiserver_cert_sans = [\"vip.lab\"]\n");
const NEXT: (&str, &str) =
    ("issued_at = 2026-11-22\n", "issued_at = 2026-11-22\ngeneration = 2\napiserver_cert_sans = [\"vip.lab\"]\n");

fn changes(document: &Value) -> Vec<&Value> {
    document["files"].as_array().unwrap().iter().map(|file| &file["change"]).collect()
}

#[test]
fn a_build_is_foreseen_and_told_in_json() {
    let (mut documents, desk) = (Documents::default(), Desk::new());
    let before = desk.state();
    let dry = documents.of(&mut desk.command(&format!("{BUILD} --dry-run")));
    let text = desk.succeed(&format!("{BUILD} --dry-run"));
    assert!(desk.state() == before, "a dry run writes nothing");
    assert!(
        text.starts_with("lab, generation 1, Kubernetes ") && text.ends_with("\n\nnothing was written\n"),
        "{text}"
    );
    let text = desk.succeed(BUILD);
    fs::remove_dir_all(desk.path("out")).unwrap();
    fs::remove_file(desk.path("lab.lock.toml")).unwrap();
    let made = documents.of(&mut desk.command(BUILD));
    for key in ["cluster", "generation", "nodes", "certificates", "keys", "valid_from", "first_to_end", "break_glass"] {
        assert_eq!(dry[key], made[key], "{key}");
    }
    assert_eq!((&dry["changed"], &made["changed"], &dry["signer"]), (&json!(true), &json!(true), &Value::Null));
    assert_eq!((changes(&dry), changes(&made)), (vec![&json!("new"); 6], vec![&json!("new"); 6]));
    // What the text says stands in the document.
    for line in
        [&made["signer"], &made["content_sha256"], &made["check"], &made["valid_from"], &made["first_to_end"]["id"]]
    {
        assert!(text.contains(line.as_str().unwrap()), "{line}\n{text}");
    }
    for file in made["files"].as_array().unwrap() {
        assert!(text.contains(file["path"].as_str().unwrap()) && desk.exists(file["path"].as_str().unwrap()), "{file}");
    }
    let again = documents.of(&mut desk.command(BUILD));
    assert_eq!((&again["changed"], changes(&again)), (&json!(false), vec![&json!("same"); 6]));
    let dry = documents.of(&mut desk.command(&format!("{BUILD} --dry-run")));
    assert_eq!((&dry["changed"], &dry["changes"]), (&json!(false), &json!([])));

    // What a build refuses, a dry run refuses in the same words.
    desk.profile_with(&[SAN]);
    let before = desk.state();
    for more in ["", " --locked", " --only cp-9"] {
        let [dry, real] = [" --dry-run", ""].map(|dry| {
            let mut command = desk.command(&format!("{BUILD}{more}{dry}"));
            documents.ends(&mut command)
        });
        assert_eq!(dry, real, "{more}");
        assert_eq!((dry.0, &dry.1), (if more.contains("only") { 2 } else { 1 }, &Value::Null), "{more} {}", dry.2);
    }
    desk.write("other.seed", format!("certferry-seed-1:{}\n", crate::common::desk::OTHER_SEED));
    desk.set_mode("other.seed", 0o600);
    let other = documents.error(&mut desk.command("build lab.toml --seed other.seed --out out --dry-run"), 1);
    assert!(other["error"].as_str().unwrap().starts_with("this is another seed: "), "{other}");
    fs::remove_file(desk.path("other.seed")).unwrap();
    assert!(desk.state() == before);

    desk.profile_with(&[NEXT]);
    let plan = documents.of(&mut desk.command("plan lab.toml"));
    let dry = documents.of(&mut desk.command(&format!("{BUILD} --dry-run")));
    let made = documents.of(&mut desk.command(BUILD));
    for document in [&dry, &made] {
        assert_eq!((&document["changes"], &document["effects"]), (&plan["changes"], &plan["effects"]));
    }
    assert_eq!(dry["files"][0], json!({ "what": "bundle", "path": "out/lab-g2.tar.gz", "change": "new" }));
    assert_eq!(made["files"][5]["change"], "replaced", "the lock");
    let partial = documents.of(&mut desk.command(&format!("{BUILD} --only cp-1 --dry-run")));
    assert_eq!(
        (&partial["partial"], &partial["nodes"], &partial["files"][0]["path"]),
        (&json!(true), &json!(1), &Value::Null)
    );
    let partial = documents.of(&mut desk.command(&format!("{BUILD} --only cp-1")));
    assert!(partial["files"][0]["path"].as_str().unwrap().starts_with("out/lab-g2-only-"), "{partial}");

    let fresh = Desk::new();
    let made = documents.of(&mut fresh.command("build lab.toml --new-seed new.seed --plain --out out --dry-run"));
    assert_eq!(made["files"][6], json!({ "what": "seed", "path": "new.seed", "change": "new" }));
    assert!(!fresh.exists("new.seed") && !fresh.exists("out"));
    let split = "build lab.toml --seed lab.seed --out out --split slices";
    let dry = documents.of(&mut fresh.command(&format!("{split} --dry-run")));
    assert_eq!(dry["files"][6], json!({ "what": "slices", "path": "slices", "change": "new" }));
    fresh.write("slices", "a file");
    let [dry, real] = [" --dry-run", ""].map(|more| documents.error(&mut fresh.command(&format!("{split}{more}")), 2));
    assert_eq!(dry, real);
    let folder =
        "error: a build is several files, and --out their folder\nhint: `certferry split --out -` prints one part\n";
    fresh.refuse("build lab.toml --new-seed new.seed --plain --out -", 2, folder);
}

#[test]
fn slices_are_foreseen_told_in_json_and_printed() {
    let (mut documents, desk) = (Documents::default(), Desk::new());
    desk.succeed(BUILD);
    let before = desk.state();
    let all = "split out/lab-g1.tar.gz --all --out slices";
    let dry = documents.of(&mut desk.command(&format!("{all} --dry-run")));
    let text = desk.succeed(&format!("{all} --dry-run"));
    assert_eq!(text, "slices  2 slices, would be written; nothing was\n");
    assert!(desk.state() == before, "a dry run writes nothing");
    let done = documents.of(&mut desk.command(all));
    assert_eq!(dry["slices"], done["slices"]);
    assert_eq!(
        done["slices"],
        json!([
            { "part": "node/cp-1", "file": "slices/nodes/cp-1/lab-g1.tar.gz" },
            { "part": "cluster", "file": "slices/cluster/lab-g1.tar.gz" },
        ])
    );
    let one = "split out/lab-g1.tar.gz --node cp-1 --out slice";
    let [dry, done] = [" --dry-run", ""].map(|more| documents.of(&mut desk.command(&format!("{one}{more}"))));
    assert_eq!((&dry["slices"], &dry["changed"], &done["changed"]), (&done["slices"], &json!(true), &json!(true)));
    // What is there and right is not touched.
    let [dry, done] = [" --dry-run", ""].map(|more| documents.of(&mut desk.command(&format!("{one}{more}"))));
    assert_eq!([&dry["changed"], &done["changed"]], [&json!(false); 2]);
    desk.write("other", "other bytes");
    // What is refused is refused in the same words.
    for line in [
        all,
        "split out/lab-g1.tar.gz --with-cluster --out other",
        "split out/lab-g1.tar.gz --node cp-9 --out third",
        "split lab.toml --all --out third",
    ] {
        let [dry, real] = [" --dry-run", ""].map(|more| documents.ends(&mut desk.command(&format!("{line}{more}"))));
        assert_eq!(dry, real, "{line}");
        assert_ne!(dry.0, 0);
    }

    let printed = desk.command("split out/lab-g1.tar.gz --node cp-1 --out -").output().unwrap();
    assert!(printed.status.success() && printed.stderr.is_empty());
    assert_eq!(printed.stdout, desk.read("slice"));
    let mut pipe = tool("sh");
    pipe.args(["-c", "cat out/lab-g1.tar.gz | \"$0\" split - --node cp-1 --out - | \"$0\" verify - --key out/lab.pub"]);
    assert!(succeed(pipe.arg(crate::common::program()).current_dir(desk.path(""))).contains(": a slice, 1 node\n"));
    // A terminal, as script(1) makes one.
    let line = format!("{} split out/lab-g1.tar.gz --node cp-1 --out -", crate::common::program().display());
    let mut script = tool("script");
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]).current_dir(desk.path(""));
    let told = end(&mut script);
    assert_eq!(told.code, Some(2));
    assert!(
        told.stdout.contains("a slice holds private keys, and is not printed on a terminal\r\n"),
        "{}",
        told.stdout
    );
    for (line, text) in [
        (
            "split out/lab-g1.tar.gz --all --out -",
            "error: several slices are several files, and --out their folder\nhint: `--out -` prints the slice of one part\n",
        ),
        (
            "unpack out/lab-g1.tar.gz --key out/lab.pub --node cp-1 --root -",
            "error: a part is many files, and --root their folder\nhint: `certferry split --out -` prints one part\n",
        ),
    ] {
        desk.refuse(line, 2, text);
    }
    let both = documents.error(&mut desk.command("split out/lab-g1.tar.gz --node cp-1 --out -"), 2);
    assert_eq!(both["error"], "the slice and the document cannot both be printed");
}
