//! What is refused, with which words; nothing is changed, and on a node that has no trace of certferry none is left.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::node::apply;
use crate::common::rights::{Right, lacks, not_as_root};
use crate::common::shells::{PROGRAMS, Tools, find};
use crate::common::{Bundle, build_text, certferry, changed_profile, run, succeed, tool, use_fast_keys, write};
use crate::install_sh::node::{FIRST, Node, SECOND, TOOLS, end, generation, script};

const STATE: &str = "etc/kubernetes/.certferry";

/// The command with these arguments and nothing else.
fn bare(arguments: &[&str]) -> Command {
    let mut command = TOOLS.run(&script(&FIRST));
    command.args(arguments);
    command
}

/// A folder with a bundle in it as it is carried.
fn carried(bundle: &Bundle) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in [&bundle.archive, &bundle.signature, &bundle.public_key, &script(bundle)] {
        fs::copy(file, folder.path().join(file.file_name().unwrap())).unwrap();
    }
    folder
}

/// The command in that folder.
fn there(folder: &Path, node: &Node, key: &str) -> Command {
    let mut command = TOOLS.run(Path::new("install.sh"));
    command.current_dir(folder).args(["lab-g1.tar.gz", "--node", "worker-1", "--key", key, "--root"]).arg(node.root());
    command
}

#[test]
fn the_script_knows_which_it_is() {
    for tools in [&*TOOLS, &Tools::busybox()] {
        let said = succeed(tools.run(&script(&FIRST)).arg("--version"));
        assert_eq!(said, concat!("install.sh of certferry ", env!("CARGO_PKG_VERSION"), ", bundle format 1\n"));
    }
}

#[test]
fn usage_is_told() {
    let node = Node::new();
    let refuse = |arguments: &[&str], message: &str| {
        node.refuse(&mut bare(arguments), 2, &format!("error: {message}\nhint: sh install.sh --help\n"));
    };
    refuse(&[], "no bundle is given");
    refuse(&["b"], "no node is given: --node NAME");
    refuse(&["b", "--node", "x"], "no key is given: --key PUB");
    refuse(&["b", "--node"], "--node needs a value");
    refuse(&["b", "c"], "two bundles are given: b and c");
    refuse(&["-x"], "there is no option -x");
    refuse(&["\u{1b}[2J", "b"], "two bundles are given: ?[2J and b");
    refuse(&["b", "--node", "../x", "--key", "k"], "--node ../x is not a name that a node can have");
    refuse(&["--rollback", "--status"], "--rollback and --status do not go together");
    refuse(&["--rollback", "b"], "--rollback takes --root and nothing else");
    refuse(&["--rollback", "--drop-backup"], "--rollback takes --root and nothing else");
    refuse(&["--status", "--force-node"], "--status takes --root and nothing else");
    // Words that were misspelt. No guess lets through what a check refuses.
    let guess = |arguments: &[&str], message: &str, meant: &str| {
        let hints = format!("hint: did you mean `{meant}`?\nhint: sh install.sh --help\n");
        node.refuse(&mut bare(arguments), 2, &format!("error: {message}\n{hints}"));
    };
    guess(&["b", "--nod", "x"], "there is no option --nod", "--node");
    guess(&["b", "--ndoe=x"], "there is no option --ndoe=x", "--node");
    guess(&["--dry-run=1"], "there is no option --dry-run=1", "--dry-run");
    guess(&["--Dry-Run"], "there is no option --Dry-Run", "--dry-run");
    guess(&["rollback"], "there is no bundle rollback", "--rollback");
    guess(&["statsu", "--root", "x"], "there is no bundle statsu", "--status");
    for switch in ["--force-nod", "--allow-downgrad", "--drop-backu"] {
        refuse(&[switch], &format!("there is no option {switch}"));
    }
    let help = end(&mut bare(&["--help"]));
    assert!(help.stdout.starts_with("usage: sh install.sh BUNDLE --node NAME --key PUB"), "{}", help.stdout);
    let text = "error: there is no folder nowhere\nhint: --root takes the folder that is the root of the node\n";
    node.refuse(&mut bare(&["--rollback", "--root", "nowhere"]), 2, text);
}

#[test]
fn without_root_it_says_so() {
    let Some(mut command) = not_as_root() else { return };
    command.args(["sh", "-s", "--", "--rollback"]);
    command.stdin(fs::File::open(script(&FIRST)).unwrap());
    let output = command.output().unwrap();
    let text = "error: only root can install a node\nhint: run this as root, or try it with --root\n";
    assert_eq!((String::from_utf8_lossy(&output.stderr).as_ref(), output.status.code()), (text, Some(2)));
}

/// The check is never skipped: without openssl, or any other tool, nothing is done.
#[test]
fn a_missing_tool_is_named() {
    let node = Node::new();
    // Without the last two it knows a way, too.
    for name in PROGRAMS.into_iter().filter(|name| !["flock", "stat"].contains(name)) {
        let tools = Tools::new(&["dash"], "mawk", "tar");
        tools.remove(name);
        let hint = match name {
            "openssl" => "nothing is installed unchecked: install openssl 1.0.2 or later, or use `certferry apply`",
            _ => "install it, or use `certferry` instead",
        };
        let text = format!("error: there is no {name} on this node\nhint: {hint}\n");
        node.refuse(&mut node.command(&tools, &FIRST, "worker-1", &[]), 2, &text);
    }
}

#[test]
fn tools_that_fail_are_no_success() {
    let node = Node::new();
    for name in
        ["openssl", "gzip", "tar", "sha256sum", "od", "head", "tail", "cp", "chmod", "mkdir", "ls", "awk", "cmp"]
    {
        let tools = Tools::new(&["dash"], "mawk", "tar");
        tools.add_script(name, "exit 1\n");
        let ended = end(&mut node.command(&tools, &FIRST, "worker-1", &[]));
        assert!(matches!(ended.code, Some(1 | 2)), "{name}: {ended:?}");
        assert!(!node.path("etc/kubernetes/pki").exists(), "{name}");
    }
    // An openssl that believes everything does not help: the hashes must fit, too.
    let tools = Tools::new(&["dash"], "mawk", "tar");
    tools.add_script("sha256sum", &format!("{} \"$@\" | sed s/OK/FAILED/; exit 1\n", find("sha256sum").display()));
    assert_eq!(end(&mut node.command(&tools, &FIRST, "worker-1", &[])).code, Some(1));
    assert!(!node.path("etc/kubernetes/pki").exists());
}

#[test]
fn keys_must_be_the_signers() {
    let node = Node::new();
    let folder = carried(&FIRST);
    let at = |name: &str| folder.path().join(name);
    let refuse = |key: &str, code: i32, text: &str| node.refuse(&mut there(folder.path(), &node, key), code, text);
    let takes = "--key takes the file CLUSTER.pub, or its fingerprint when that file lies beside the bundle";
    refuse("none.pub", 2, &format!("error: cannot read the public key none.pub\nhint: {takes}\n"));
    write(folder.path(), "text.pub", "no key", 0o644);
    refuse("text.pub", 2, "error: text.pub is not a signer's public key: openssl cannot read it\n");
    for (name, options) in [
        ("rsa", "RSA -pkeyopt rsa_keygen_bits:2048"),
        ("p384", "EC -pkeyopt ec_paramgen_curve:P-384"),
        ("ed25519", "ED25519"),
    ] {
        let key = at(&format!("{name}.key"));
        succeed(tool("openssl").args(["genpkey", "-algorithm"]).args(options.split(' ')).arg("-out").arg(&key));
        succeed(tool("openssl").args(["pkey", "-pubout", "-in"]).arg(&key).arg("-out").arg(at(&format!("{name}.pub"))));
        let text = format!("error: {name}.pub is not a signer's public key: it is not an ECDSA P-256 key\n");
        refuse(&format!("{name}.pub"), 2, &text);
    }
    let signer = FIRST.stdout.lines().find_map(|line| line.strip_prefix("signer   ")).unwrap();
    let is_none = "is not a fingerprint\nhint: a fingerprint is 64 hex digits, in any case and with any blanks\n";
    for wrong in
        [&signer[..70], &signer[7..70], &format!("{signer}0"), "sha256:", &signer.replace("sha256:", "SHA256:o")]
    {
        refuse(wrong, 2, &format!("error: --key {wrong} {is_none}"));
    }
    let zeros = "0".repeat(64);
    let grouped = |digits: &str| {
        let groups: Vec<_> = digits.as_bytes().chunks(4).map(|group| std::str::from_utf8(group).unwrap()).collect();
        groups.join(" ")
    };
    let hint =
        "compare the fingerprint with the one on paper; if that is what was typed, somebody else made this bundle";
    let text = format!(
        "error: ./lab.pub is not the key of that fingerprint: it is {}, expected {}\nhint: {hint}\n",
        grouped(&signer[7..]),
        grouped(&zeros)
    );
    for zeros in [format!("sha256:{zeros}"), zeros.clone(), grouped(&zeros), grouped(&zeros).replace(' ', ":")] {
        refuse(&zeros, 1, &text);
    }
    // Another signer's.
    let other = build_text(&generation(1, |profile| {
        let bundle: toml::Table = "signer_generation = 2".parse().unwrap();
        profile.insert("bundle".to_owned(), bundle.into());
    }));
    fs::copy(&other.public_key, at("other.pub")).unwrap();
    let outer = "error: lab-g1.tar.gz.sig does not hold for lab-g1.tar.gz\n\
                 hint: the file was changed or cut on its way, or another key signed it; carry it again\n";
    refuse("other.pub", 1, outer);
    fs::remove_file(at("lab-g1.tar.gz.sig")).unwrap();
    let inner = "error: the signature of lab-g1/manifest.json does not hold\n\
                 hint: it was changed on its way, or another key signed it: compare the key with the one on paper\n";
    refuse("other.pub", 1, inner);
}

/// As it was copied, with capital letters, in pairs, in groups, in groups without quotes.
#[test]
fn a_fingerprint_is_taken_as_it_stands_on_paper() {
    let (node, folder) = (Node::new(), carried(&FIRST));
    let signer = FIRST.stdout.lines().find_map(|line| line.strip_prefix("signer   ")).unwrap();
    let in_groups = |size| {
        let groups = signer.as_bytes()[7..].chunks(size).map(|group| std::str::from_utf8(group).unwrap());
        groups.collect::<Vec<_>>()
    };
    let (pairs, fours) = (in_groups(2).join(":").to_uppercase(), in_groups(4));
    let text = format!("SHA256: {}\n {}", fours[..8].join(" "), fours[8..].join(" "));
    let begun = format!("sha256:{}", fours[0]);
    let cases: [&[&str]; 6] = [
        &[&signer.to_uppercase()],
        &[&signer[7..]],
        &[&pairs],
        &[&text],
        &fours,
        &[&[begun.as_str()], &fours[1..]].concat(),
    ];
    for (place, key) in cases.into_iter().enumerate() {
        let tools = if place % 2 == 0 { &*TOOLS } else { &Tools::busybox() };
        let mut command = tools.run(Path::new("install.sh"));
        command.current_dir(folder.path()).arg("--key").args(key).args(["lab-g1.tar.gz", "--node", "worker-1"]);
        let said = succeed(command.arg("--dry-run").arg("--root").arg(node.root()));
        assert!(said.contains(&format!("signed by {signer}\n")), "{key:?}: {said}");
    }
}

#[test]
fn changed_files_are_refused() {
    let node = Node::new();
    let folder = carried(&FIRST);
    let at = |name: &str| folder.path().join(name);
    let outer = "error: lab-g1.tar.gz.sig does not hold for lab-g1.tar.gz\n\
                 hint: the file was changed or cut on its way, or another key signed it; carry it again\n";
    let (archive, signature) = (fs::read(at("lab-g1.tar.gz")).unwrap(), fs::read(at("lab-g1.tar.gz.sig")).unwrap());
    for wrong in [&b""[..], &signature[..signature.len() - 1], b"text"] {
        fs::write(at("lab-g1.tar.gz.sig"), wrong).unwrap();
        node.refuse(&mut there(folder.path(), &node, "lab.pub"), 1, outer);
    }
    fs::remove_file(at("lab-g1.tar.gz.sig")).unwrap();
    fs::create_dir(at("lab-g1.tar.gz.sig")).unwrap();
    node.refuse(&mut there(folder.path(), &node, "lab.pub"), 2, "error: cannot read lab-g1.tar.gz.sig\n");
    fs::remove_dir(at("lab-g1.tar.gz.sig")).unwrap();
    // Without the outer signature the archive itself says no, wherever a byte is another.
    for place in (0..archive.len()).step_by(archive.len() / 12) {
        let mut changed = archive.clone();
        changed[place] ^= 0x10;
        fs::write(at("lab-g1.tar.gz"), &changed).unwrap();
        let before = node.state();
        let ended = end(&mut there(folder.path(), &node, "lab.pub"));
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{place}: {ended:?}");
        assert!(node.state() == before, "{place}");
    }
    fs::remove_file(at("lab-g1.tar.gz")).unwrap();
    node.refuse(&mut there(folder.path(), &node, "lab.pub"), 2, "error: cannot read lab-g1.tar.gz\n");
}

#[test]
fn the_part_must_be_this_nodes() {
    let node = Node::new();
    let archive = FIRST.archive.display().to_string();
    let text = format!("error: there is no node cp-9 in {archive}\nhint: it has cp-1, worker-1\n");
    node.refuse(&mut node.command(&TOOLS, &FIRST, "cp-9", &[]), 1, &text);
    for tools in [&*TOOLS, &Tools::busybox()] {
        let text = format!(
            "error: there is no node wroker-1 in {archive}\nhint: did you mean `worker-1`?\nhint: it has cp-1, worker-1\n"
        );
        node.refuse(&mut node.command(tools, &FIRST, "wroker-1", &[]), 1, &text);
    }
    // What is at the root says whose it is.
    fs::create_dir(node.path("etc")).unwrap();
    write(&node.path("etc"), "hostname", "cp-1\n", 0o644);
    let text = "error: this host is not worker-1: it is called cp-1, and the node is called worker-1\n\
                hint: --node names the node that this is; if it is that node all the same, --force-node; nothing was changed\n";
    node.refuse(&mut node.command(&TOOLS, &FIRST, "worker-1", &[]), 1, text);
    // In the words of certferry, and as certferry judges.
    let by_certferry = || run(apply(&FIRST, "worker-1", node.root()).arg("--dry-run"));
    assert_eq!(String::from_utf8(by_certferry().stderr).unwrap(), text);
    for (name, code) in [
        ("worker-1", 0),
        ("WORKER-1", 0),
        ("worker-1.corp.internal", 0),
        ("# a comment\n\n worker-1 \r\ncp-1", 0),
        ("", 0),
        ("# worker-9", 0),
        ("worker-1 cp-1", 1),
        ("worker", 1),
        ("worker-1-corp", 1),
    ] {
        write(&node.path("etc"), "hostname", &format!("{name}\n"), 0o644);
        assert_eq!(node.install(&TOOLS, &FIRST, "worker-1", &["--dry-run"]).code, Some(code), "{name}");
        assert_eq!(by_certferry().status.code(), Some(code), "{name}");
    }
    write(&node.path("etc"), "hostname", "cp-1\n", 0o644);
    assert_eq!(node.install(&TOOLS, &FIRST, "worker-1", &["--force-node"]).code, Some(0));
    // And so does what is installed.
    fs::remove_file(node.path("etc/hostname")).unwrap();
    let text = "error: this node is worker-1, and the files are of cp-1\n\
                hint: if it shall change its name, --force-node; nothing was changed\n";
    node.refuse(&mut node.command(&TOOLS, &SECOND, "cp-1", &[]), 1, text);
    assert_eq!(node.install(&TOOLS, &SECOND, "cp-1", &["--force-node"]).code, Some(0));
}

#[test]
fn another_cluster_and_an_older_generation_are_refused() {
    let id = |bundle: &Bundle| {
        let lock = fs::read_to_string(&bundle.lock).unwrap();
        lock.lines()
            .find_map(|line| line.strip_prefix("cluster_id = \"")?.strip_suffix('"').map(str::to_owned))
            .unwrap()
    };
    let other = build_text(&generation(5, |profile| profile["cluster"]["name"] = "other".into()));
    let node = Node::with(&SECOND, "worker-1");
    let text = format!(
        "error: this node belongs to the cluster lab ({}), and the bundle is of other ({})\n\
         hint: if it shall change its cluster, --force-node; nothing was changed\n",
        id(&FIRST),
        id(&other)
    );
    node.refuse(&mut node.command(&TOOLS, &other, "worker-1", &[]), 1, &text);
    assert_eq!(node.copy().install(&TOOLS, &other, "worker-1", &["--force-node"]).code, Some(0));

    let text = "error: generation 2 is installed, and the bundle is generation 1\n\
                hint: --rollback brings back what was before; to install an older bundle, --allow-downgrade; \
                nothing was changed\n";
    node.refuse(&mut node.command(&TOOLS, &FIRST, "worker-1", &[]), 1, text);
    node.refuse(&mut node.command(&TOOLS, &FIRST, "worker-1", &["--force-node"]), 1, text);
    assert_eq!(node.copy().install(&TOOLS, &FIRST, "worker-1", &["--allow-downgrade"]).code, Some(0));

    let same = build_text(&generation(2, |_| {}));
    let text = "error: another bundle of generation 2 is installed\n\
                hint: two bundles of one generation must not differ: raise the generation and build again; to install \
                this one all the same, --allow-downgrade; nothing was changed\n";
    node.refuse(&mut node.command(&TOOLS, &same, "worker-1", &[]), 1, text);
    assert_eq!(node.install(&TOOLS, &same, "worker-1", &["--allow-downgrade"]).code, Some(0));

    let record = node.path(STATE).join("installed/record.json");
    fs::write(&record, "{}\n").unwrap();
    let text = format!(
        "error: cannot read {}\nhint: it says what is installed; --rollback may bring back a good one\n",
        record.display()
    );
    node.refuse(&mut node.command(&TOOLS, &SECOND, "worker-1", &[]), 2, &text);
}

/// The clock is wrong more often than a certificate.
#[test]
fn certificates_must_be_valid_by_this_clock() {
    let with = |issued_at: &str, leaf: &str| {
        build_text(&changed_profile("single-node", |profile| {
            use_fast_keys(profile);
            profile["cluster"]["name"] = "lab".into();
            profile["cluster"]["issued_at"] = toml::Value::Datetime(issued_at.parse().unwrap());
            profile["node"][0]["name"] = "cp-1".into();
            let validity: toml::Table = format!("leaf = \"{leaf}\"").parse().unwrap();
            profile.insert("validity".to_owned(), validity.into());
        }))
    };
    let node = Node::new();
    let now = |stderr: &str| -> String {
        let (before, after) = stderr.split_once("this clock says ").unwrap();
        let (clock, rest) = after.split_at("2026-01-01T00:00:00Z".len());
        assert!(clock.starts_with("20") && clock.ends_with('Z'), "{stderr}");
        format!("{before}this clock says NOW{rest}")
    };
    let refused = |bundle: &Bundle, place: &str, problem: &str| {
        let ended = end(&mut node.command(&TOOLS, bundle, "cp-1", &[]));
        let hint = if problem.starts_with("has ended") { " If so: the manual, `certferry help expired`" } else { "" };
        let text = format!("error: {place} {problem}; this clock says NOW\nhint: is the clock right?{hint}\n");
        assert_eq!((now(&ended.stderr), ended.code), (text, Some(1)));
        assert!(node.state().is_empty());
    };
    let first = "etc/kubernetes/pki/apiserver-etcd-client.crt";
    refused(&with("2150-01-01", "30y"), first, "is not valid before 2149-12-31T00:00:00Z");
    refused(&with("2020-01-01", "30d"), first, "has ended at 2020-01-31T00:00:00Z");
}

/// An openssl that does not print dates as it should would have every clock pass.
#[test]
fn dates_that_openssl_does_not_tell_are_not_passed_over() {
    let node = Node::new();
    let openssl = find("openssl");
    for (program, output) in
        [("crl2pkcs7", ""), ("pkcs7", ""), ("pkcs7", "echo '  Not Before: Nov 21 00:00:00 2026 GMT'\n")]
    {
        let tools = Tools::new(&["dash"], "mawk", "tar");
        let other = format!("[ \"$1\" = {program} ] || exec {} \"$@\"\n{output}", openssl.display());
        tools.add_script("openssl", &other);
        let text = "error: openssl does not say how long etc/kubernetes/pki/ca.crt is valid\n\
                    hint: nothing is installed unchecked: look at `openssl version`, or use `certferry apply`\n";
        node.refuse(&mut node.command(&tools, &FIRST, "worker-1", &[]), 2, text);
    }
}

/// What a slice says must be so, too.
#[test]
fn a_part_that_is_carried_alone_proves_itself() {
    let folder = carried(&FIRST);
    let slice = folder.path().join("lab-g1.tar.gz");
    fs::remove_file(&slice).unwrap();
    fs::remove_file(folder.path().join("lab-g1.tar.gz.sig")).unwrap();
    succeed(certferry().arg("split").arg(&FIRST.archive).args(["--node", "cp-1", "--out"]).arg(&slice));
    let node = Node::new();
    let text = "error: there is no node worker-1 in lab-g1.tar.gz\nhint: it has cp-1\n";
    node.refuse(&mut there(folder.path(), &node, "lab.pub"), 1, text);
}

#[test]
fn a_mount_point_is_told_before_anything_moves() {
    if lacks(&[Right::Mounts]) {
        return;
    }
    let node = Node::with(&FIRST, "worker-1");
    let command = node.command(&TOOLS, &SECOND, "worker-1", &[]);
    let pki = node.path("etc/kubernetes/pki").display().to_string();
    let before = node.state();
    let mut mounted = Command::new("unshare");
    mounted.args(["--mount", "sh", "-c", "mount --bind \"$0\" \"$0\" && exec \"$@\"", &pki]);
    mounted.arg(command.get_program()).args(command.get_args());
    let ended = end(&mut mounted);
    let hint = "unmount it, or use `certferry apply`";
    let text = format!("error: {pki} is a mount point, which cannot be renamed\nhint: {hint}\n");
    assert_eq!((ended.stderr, ended.code), (text, Some(2)));
    assert!(node.state() == before);
}
