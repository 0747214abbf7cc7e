//! What `init --from` refuses, word for word.

use std::fs;

use crate::common::desk::Desk;
use crate::common::{end, succeed, tool};

const HINT: &str = "hint: give surveys (`certferry survey`), roots or tar archives of nodes, folders of these, kubeadm's configuration, or the output \
                    of `kubectl get nodes -o yaml`\n";

#[test]
fn sources_that_say_nothing_are_refused() {
    let desk = Desk::new();
    fs::create_dir(desk.path("empty")).unwrap();
    fs::create_dir(desk.path("others")).unwrap();
    desk.write("others/readme", "kind: Pod\n");
    desk.write("pod.yaml", "kind: Pod\n");
    desk.write("old.yaml", "apiVersion: kubeadm.k8s.io/v1alpha3\nkind: ClusterConfiguration\n");
    desk.write("next.toml", "survey = 2\n[node]\n");
    desk.write("key.toml", "survey = 1\n# -----BEGIN EC PRIVATE KEY-----\n");
    desk.write("wrong.toml", "survey = 1\nnode = 7\n");
    desk.write("octets", b"\xff\xfe\xfd");
    desk.write("not.tar.gz", b"\x1f\x8b\x08nothing");
    succeed(tool("tar").current_dir(desk.path("")).args(["-cf", "pod.tar", "pod.yaml"]));
    succeed(tool("mkfifo").arg(desk.path("pipe")));
    for (path, said) in [
        ("nowhere", "error: cannot read nowhere: no such file or directory\n".to_owned()),
        ("empty", format!("error: nothing in empty says anything of a cluster\n{HINT}")),
        ("others", format!("error: nothing in others says anything of a cluster\n{HINT}")),
        ("pod.yaml", format!("error: pod.yaml says nothing of a cluster: it holds the kind Pod\n{HINT}")),
        (
            "old.yaml",
            format!(
                "error: old.yaml has the version `kubeadm.k8s.io/v1alpha3`; this version of certferry reads kubeadm.k8s.io/v1beta1 to v1beta4\n{HINT}"
            ),
        ),
        ("next.toml", format!("error: next.toml is a survey of format 2; this version reads format 1\n{HINT}")),
        (
            "key.toml",
            "error: key.toml is not a survey: there is a private key in it\nhint: nothing of it is shown here; were two arguments exchanged?\n".to_owned(),
        ),
        ("octets", format!("error: octets is neither text nor a tar archive\n{HINT}")),
        ("pod.tar", format!("error: pod.tar holds no file of a node\n{HINT}")),
        ("pipe", format!("error: pipe is not a regular file\n{HINT}")),
    ] {
        desk.refuse(&format!("init --from {path} --out out"), 2, &said);
    }
    for (path, begins) in [
        (
            "wrong.toml",
            "error: wrong.toml is a survey that cannot be read: TOML parse error at line 2, column 8\nhint: give surveys",
        ),
        ("not.tar.gz", "error: not.tar.gz cannot be unpacked: "),
        ("lab.seed", "error: lab.seed "),
    ] {
        let ended = desk.run(&format!("init --from {path} --out out"));
        assert!(ended.code == Some(2) && ended.stderr.starts_with(begins), "{ended:?}");
        assert!(!desk.exists("out"));
    }
    // Nothing was made by a run that failed late.
    desk.refuse(
        "init --from pod.yaml --out out --name Prod_1",
        2,
        "error: \"Prod_1\" cannot be the name of a cluster\nhint: 1 to 63 lower-case letters, digits and `-`, the first and last a letter or digit, as in prod-1\n",
    );
}

#[test]
fn a_profile_is_never_overwritten() {
    let desk = Desk::new();
    desk.write(
        "nodes.yaml",
        "kind: Node\nmetadata: {name: w-1}\nstatus: {addresses: [{type: InternalIP, address: 10.0.0.1}]}\n",
    );
    let foreseen = desk.succeed("init --from nodes.yaml --out out --name lab --dry-run");
    assert!(
        foreseen
            .starts_with("out/lab.toml  would be written\nout/lab.list.txt  would be written\nout/.gitignore  would"),
        "{foreseen}"
    );
    assert!(foreseen.ends_with("\nnothing was written\n") && !desk.exists("out"), "{foreseen}");
    let said = desk.succeed("init --from nodes.yaml --out out --name lab");
    assert!(said.starts_with("out/lab.toml\nout/lab.list.txt\nout/.gitignore\n\nNot known: fill it in\n"), "{said}");
    assert!(
        said.ends_with("\nBring the keys, look at every line of the profile, then: certferry plan out/lab.toml\n"),
        "{said}"
    );
    assert_eq!(desk.mode("out/adopted"), 0o700);
    // The same again changes nothing.
    let foreseen = desk.succeed("init --from nodes.yaml --out out --name lab --dry-run");
    assert!(
        foreseen.starts_with("out/lab.toml  is there already\nout/lab.list.txt  is there already\n\nNot"),
        "{foreseen}"
    );
    desk.succeed("init --from nodes.yaml --out out --name lab");
    desk.write("out/lab.toml", "mine");
    for dry_run in ["", " --dry-run"] {
        desk.refuse(
            &format!("init --from nodes.yaml --out out --name lab{dry_run}"),
            2,
            "error: cannot create out/lab.toml: file exists\nhint: a profile is never overwritten: name another folder with --out, or move the old one away\n",
        );
    }
    assert_eq!(desk.text("out/lab.toml"), "mine");
    assert_eq!(desk.text("out/.gitignore").lines().nth(1), Some("adopted/**/*.key"));
    for line in ["adopted.tar", "*.tar"] {
        assert!(desk.text("out/.gitignore").lines().any(|found| found == line), "{line}");
    }
}

#[test]
fn what_does_not_go_together_is_a_matter_of_usage() {
    let desk = Desk::new();
    for (line, said) in [
        ("init --from x", "error: the following required arguments were not provided:\n  --out <DIR>"),
        ("init --out x", "error: the following required arguments were not provided:\n  --from <PATH>..."),
        (
            "init --from x --out y --nodes 3",
            "error: the argument '--from <PATH>...' cannot be used with '--nodes <COUNT[@ADDRESS]>'",
        ),
        ("init z.toml --from x --out y", "error: the argument '[FILE]' cannot be used with '--from <PATH>...'"),
    ] {
        let ended = end(&mut desk.command(line));
        assert!(ended.code == Some(2) && ended.stderr.starts_with(said), "{line}: {}", ended.stderr);
    }
}
