//! Every command line of certferry that the chapters show is run as it is printed, on a machine that is the node of the
//! chapter. Of the chapters `quickstart`, `adding-a-node`, `fleet` and `import` the tests of the same names do it, of
//! `existing-clusters` `adopted::chapter`, of `sealing` `sealed_seed::chapter`, of `ceremony` `paper::chapter`, of
//! `signer` `signer::chapter`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::common::desk::Desk;
use crate::common::rights::{Right, lacks};
use crate::common::shells::find;
use crate::common::{Ended, end, place_program, program, write_program};
use crate::kube::machine::Machine;

/// The chapters in which every line succeeds or says no, in the order in which they are read. The node is the first one
/// that a chapter names.
const CHAPTERS: [&str; 9] =
    ["far-side", "json", "inspect", "lints", "doctor", "metallb", "expired", "rotation", "survey"];
/// What others read.
const ELSEWHERE: [&str; 8] =
    ["quickstart", "sealing", "ceremony", "signer", "adding-a-node", "fleet", "existing-clusters", "import"];

/// systemd's place: every service is there and active.
pub const SYSTEMCTL: &str = "#!/bin/sh\ncase \"$2 $3\" in\n'--property LoadState') echo LoadState=loaded ;;\n\
    '--property ActiveState') echo ActiveState=active ;;\nesac\n";

/// The lines of a chapter that are typed, joined where they go on.
pub fn code(chapter: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/manual");
    let text = fs::read_to_string(folder.join(format!("{chapter}.md"))).unwrap();
    let code: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    code.join("\n").replace("\\\n", " ").lines().map(str::to_owned).collect()
}

/// The blocks of a chapter that are typed, lines that go on behind a pipe joined.
pub fn blocks(chapter: &str) -> Vec<String> {
    code(chapter).join("\n").replace("|\n", "|").lines().map(str::to_owned).collect()
}

/// Those that run certferry, or survey.sh.
fn lines(chapter: &str) -> Vec<String> {
    let is_ours = |line: &String| ["certferry ", "sh survey.sh "].iter().any(|beginning| line.starts_with(beginning));
    code(chapter).into_iter().filter(is_ours).collect()
}

/// The folder with what the chapters speak of: two generations, lists of objects, a kubeconfig, a certificate.
fn desk() -> (Desk, String) {
    let desk = Desk::new();
    desk.succeed("init prod-1.toml --kubernetes 1.24.15");
    let quick = desk.text("prod-1.toml").replace("rsa-4096", "ecdsa-p256").replace("rsa-2048", "ecdsa-p256");
    desk.write("prod-1.toml", quick);
    let said = desk.succeed("build prod-1.toml --new-seed prod-1.seed --plain --out out");
    let fingerprint = said.lines().find_map(|line| line.strip_prefix("signer   ")).unwrap().to_owned();
    desk.write("prod-1.toml", desk.text("prod-1.toml").replacen("generation = 1", "generation = 2", 1));
    desk.succeed("build prod-1.toml --seed prod-1.seed --out out");
    for name in desk.names("out") {
        desk.write(&name, desk.read(&format!("out/{name}")));
    }
    let list = "apiVersion: v1\nkind: List\nitems: []\n";
    for name in ["objects", "webhooks", "others", "ingresses", "issuers", "secrets"] {
        desk.write(&format!("{name}.yaml"), list);
    }
    desk.succeed("unpack prod-1-g1.tar.gz --key prod-1.pub --node cp-1 --root disk");
    let [own, office] = ["cp-1.key", "office.key"].map(|file| {
        desk.succeed(&format!("identity new {file} --x25519"));
        desk.text(file).lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap().to_owned()
    });
    let profile: toml::Table = desk.text("prod-1.toml").parse().unwrap();
    let mut to = format!("--to cp-1={own} --cluster-to {office}");
    for node in profile["node"].as_array().unwrap() {
        to += &format!(" --to {}={office}", node["name"].as_str().unwrap());
    }
    assert_eq!(desk.run(&format!("seal prod-1-g1.tar.gz --seed prod-1.seed {to}")).code, Some(0));
    desk.write("apiserver.crt", desk.read("disk/etc/kubernetes/pki/apiserver.crt"));
    (desk, fingerprint)
}

#[test]
fn every_line_of_the_chapters_works_as_printed() {
    if lacks(&[Right::Machine, Right::Owners]) {
        return;
    }
    let (desk, fingerprint) = desk();
    let programs = tempfile::tempdir().unwrap();
    fs::set_permissions(programs.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    place_program(&program(), &programs.path().join("certferry"));
    write_program(programs.path(), "systemctl", SYSTEMCTL);
    // The machine has no alternatives.
    place_program(&find("mawk"), &programs.path().join("awk"));
    let nodes = [("cp-1", "192.168.1.11"), ("cp-2", "192.168.1.12")];
    let machines: BTreeMap<_, _> = nodes
        .iter()
        .map(|(name, address)| {
            let machine = Machine::start(programs.path(), &[*address], "");
            machine.rename(name);
            machine.bind(&desk.path(""), "/work");
            machine.bind(&desk.path("disk"), "/mnt/disk");
            fs::create_dir_all(machine.path("root/.kube")).unwrap();
            fs::copy(desk.path("disk/etc/kubernetes/admin.conf"), machine.path("root/.kube/config")).unwrap();
            fs::copy(desk.path("cp-1.key"), machine.path("root/cp-1.key")).unwrap();
            (*name, machine)
        })
        .collect();
    let mut seen = 0;
    for chapter in CHAPTERS {
        let lines = lines(chapter);
        let node = if lines.iter().any(|line| line.contains("--node cp-2")) { "cp-2" } else { "cp-1" };
        let machine = &machines[node];
        for line in lines {
            let words = line.split('#').next().unwrap();
            // The chapter tells what it is for: a file that somebody has taken away.
            if let Some((_, place)) = words.split_once("--accept ") {
                fs::remove_file(machine.path(place.trim())).unwrap();
            }
            let mut shell = machine.command("sh");
            shell.args(["-c", &format!("cd /work && {}", line.replace("sha256:...", &fingerprint))]);
            let Ended { code, stdout, stderr } = end(&mut shell);
            let command = words.split_whitespace().nth(1).unwrap();
            // What looks at something may say no to what it sees. What does something does it.
            let looks = ["doctor", "inspect", "status", "diff"].contains(&command) && !words.contains("--accept");
            let is_right = code == Some(0) || (looks && code == Some(1));
            assert!(is_right, "{chapter}: {line}\n{code:?}\n{stdout}{stderr}");
            // Where nothing ends soon there is nothing to list.
            let is_quiet = words.contains('>') || words.contains("--expiring-within");
            assert!(!stdout.is_empty() || is_quiet, "{chapter}: {line}");
            seen += 1;
        }
    }
    assert!(seen > 25, "{seen}");
}

/// A chapter with lines that nobody runs would stand in no list.
#[test]
fn no_chapter_is_forgotten() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/manual");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let is_run = CHAPTERS.contains(&&*name) || ELSEWHERE.contains(&&*name);
        assert_eq!(lines(&name).is_empty(), !is_run, "{name}");
    }
}
