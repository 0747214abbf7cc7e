//! trust-root.sh: a node's own programs trust the web root after it, containerd finds it for a registry, and what
//! somebody else wrote stays.
//!
//! These tests run as root, as the script does.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use certferry::layout::scripts::TRUST_ROOT;

use crate::common::network::{Daemon, Network};
use crate::common::node::everything;
use crate::common::rights::{Right, lacks};
use crate::common::shells::{SHELLS, find};
use crate::common::{
    Bundle, Ended, build_text, changed_profile, end, succeed, tool, use_fast_keys, write, write_program,
};

const ADDRESS: &str = "192.168.10.9";
const HOST: &str = "registry.corp.internal";

/// The files of a bundle below `cluster/tls`, with another CA for each generation.
fn files(generation: i64) -> PathBuf {
    static BUNDLES: [LazyLock<(Bundle, PathBuf)>; 2] = [LazyLock::new(|| unpacked(1)), LazyLock::new(|| unpacked(2))];
    let (_, top) = &*BUNDLES[usize::try_from(generation - 1).unwrap()];
    top.join("cluster/tls")
}

fn unpacked(generation: i64) -> (Bundle, PathBuf) {
    let bundle = bundle(generation);
    let top = bundle.untar();
    (bundle, top)
}

fn bundle(generation: i64) -> Bundle {
    build_text(&changed_profile("single-node", |profile| {
        use_fast_keys(profile);
        profile["cluster"]["name"] = "lab".into();
        let more = format!(
            "[ca.tls]\ncommon_name = \"web root {generation}\"\ngeneration = {generation}\n[[tls]]\nnamespace = \"infra\"\nsecret = \"registry\"\n\
             hosts = [\"{HOST}\"]\nvalidity = \"150y\""
        );
        profile.extend(more.parse::<toml::Table>().unwrap());
    }))
}

fn said(ended: &Ended, lines: &[&str]) {
    let text = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str(), ended.code), (text.as_str(), "", Some(0)));
}

const ADVICE: [&str; 5] = [
    "containerd looks there only if /etc/containerd/config.toml says so, which it does not; restart containerd after adding",
    "  in containerd 1.5 to 1.7 (version = 2):  [plugins.\"io.containerd.grpc.v1.cri\".registry]",
    "  in containerd 2 (version = 3):           [plugins.\"io.containerd.cri.v1.images\".registry]",
    "    config_path = \"/etc/containerd/certs.d\"",
    "  and removing registry.mirrors and registry.configs, which exclude it",
];

#[test]
fn shellcheck_has_nothing_to_say() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "trust-root.sh", TRUST_ROOT, 0o644);
    assert_eq!(succeed(tool("shellcheck").args(["--shell=sh", "--norc"]).arg(&path)), "");
    for shell in SHELLS {
        succeed(tool(shell[0]).args(&shell[1..]).arg("-n").arg(&path));
    }
}

/// A machine whose `/etc` and folder of CAs are its own, and the registry that it is to trust.
fn machine() -> Network {
    let setup = "mount -t tmpfs none /mnt\ncp -a /etc /mnt/etc\nmount --bind /mnt/etc /etc\nmkdir /mnt/local\n\
                 mount --bind /mnt/local /usr/local/share/ca-certificates\nrm -rf /etc/containerd /etc/ca-certificates/update.d\n\
                 update-ca-certificates >/dev/null 2>&1";
    Network::new(&[("node", &[ADDRESS])], &format!("{ADDRESS} {HOST}\n"), setup)
}

fn registry(machine: &Network, generation: i64, port: &str) -> Daemon {
    let folder = files(generation).join("infra.registry");
    let [certificate, key] = ["tls.crt", "tls.key"].map(|name| folder.join(name).to_string_lossy().into_owned());
    // It would send what it finds among the machine's CAs.
    let command = [
        &["openssl", "s_server", "-accept", port, "-cert", &certificate, "-key", &key, "-www"][..],
        &["-no-CAfile", "-no-CApath", "-no-CAstore"],
    ]
    .concat();
    let mut server = machine.start("node", &format!("{port}.log"), &folder, &command);
    server.wait_for_line(&["ACCEPT"]);
    server
}

/// Whether curl and openssl trust the certificate of a generation.
fn is_trusted(machine: &Network, generation: i64, port: &str) -> bool {
    // The environment may name other CAs.
    let program = |name: &str| {
        let mut command = machine.on("node", name);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command
    };
    let curl = end(program("curl").args(["--silent", "--show-error", &format!("https://{HOST}:{port}/")]));
    let leaf = files(generation).join("infra.registry/tls.crt");
    let bundle = "/etc/ssl/certs/ca-certificates.crt";
    let by_file = end(program("openssl").args(["verify", "-no-CApath", "-CAfile", bundle]).arg(&leaf));
    // By the names that `openssl rehash` makes.
    let by_name = end(program("openssl").args(["verify", "-no-CAfile", "-CApath", "/etc/ssl/certs"]).arg(&leaf));
    let answers = [curl.code == Some(0), by_file.code == Some(0), by_name.code == Some(0)];
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{curl:?} {by_file:?} {by_name:?}");
    let unknown = curl.stderr.contains("unable to get local issuer certificate");
    assert!(answers[0] || unknown, "{curl:?}");
    answers[0]
}

#[test]
fn a_nodes_programs_trust_the_root_and_after_it_its_successor() {
    if lacks(&[Right::Root, Right::Owners, Right::Network]) {
        return;
    }
    for shell in SHELLS {
        let machine = machine();
        let _registries = [registry(&machine, 1, "5000"), registry(&machine, 2, "5001")];
        let trust = |generation: i64, arguments: &[&str]| {
            let mut command = machine.on("node", shell[0]);
            end(command.args(&shell[1..]).arg(files(generation).join("trust-root.sh")).args(arguments))
        };
        assert!(!is_trusted(&machine, 1, "5000"), "{shell:?}");
        let trusted = "update-ca-certificates: this node trusts the CA; programs that run already have to be restarted";
        said(&trust(1, &[]), &["/usr/local/share/ca-certificates/lab-tls-ca.crt: written", trusted]);
        assert!(is_trusted(&machine, 1, "5000") && !is_trusted(&machine, 2, "5001"), "{shell:?}");
        said(&trust(1, &[]), &["/usr/local/share/ca-certificates/lab-tls-ca.crt: unchanged", trusted]);
        assert!(is_trusted(&machine, 1, "5000"), "{shell:?}");
        let anew =
            "update-ca-certificates --fresh: this node trusts the CA; programs that run already have to be restarted";
        said(&trust(2, &[]), &["/usr/local/share/ca-certificates/lab-tls-ca.crt: replaced", anew]);
        assert!(!is_trusted(&machine, 1, "5000") && is_trusted(&machine, 2, "5001"), "{shell:?}");
    }
}

/// A distribution whose update-ca-certificates does nothing.
#[test]
fn what_did_not_work_is_not_said_to_have_worked() {
    if lacks(&[Right::Root, Right::Owners, Right::Network]) {
        return;
    }
    let machine = machine();
    let folder = tempfile::tempdir().unwrap();
    write_program(folder.path(), "update-ca-certificates", "#!/bin/sh\necho 'not today'\nexit \"$(cat code)\"\n");
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    for (code, said) in [
        (
            "0",
            "update-ca-certificates ran, but /etc/ssl/certs/ca-certificates.crt does not hold the CA\nhint: see what",
        ),
        ("3", "update-ca-certificates failed: not today\nhint: nothing else is missing: mend it and run this again"),
    ] {
        write(folder.path(), "code", code, 0o644);
        let mut command = machine.on("node", "env");
        command.arg("--chdir").arg(folder.path()).arg(format!("PATH={path}")).arg("sh");
        let ended = end(command.arg(files(1).join("trust-root.sh")));
        assert!(ended.code == Some(2) && ended.stderr.starts_with(&format!("error: {said}")), "{ended:?}");
    }
}

/// The root of another node's files.
struct Root(tempfile::TempDir);

impl Root {
    fn new(folders: &[&str]) -> Self {
        let root = Self(tempfile::tempdir().unwrap());
        for folder in folders {
            fs::create_dir_all(root.0.path().join(folder)).unwrap();
        }
        root
    }

    fn debian() -> Self {
        Self::new(&["usr/local/share/ca-certificates"])
    }

    fn write(&self, place: &str, text: &str) {
        let path = self.0.path().join(place);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn command(&self, shell: &[&str], script: &Path) -> Command {
        let mut command = Command::new(find(shell[0]));
        command.args(&shell[1..]).arg(script).arg("--root").arg(self.0.path());
        command
    }

    fn trust(&self, generation: i64, registries: &[&str]) -> Ended {
        end(self.command(&["dash"], &files(generation).join("trust-root.sh")).args(registries))
    }

    fn state(&self) -> BTreeMap<String, (u32, Vec<u8>)> {
        everything(self.0.path())
    }

    /// What must be refused with exactly this text, changing nothing.
    #[track_caller]
    fn refuses(&self, registries: &[&str], code: i32, stderr: &str) {
        let before = self.state();
        let ended = self.trust(1, registries);
        assert_eq!((ended.stderr.as_str(), ended.stdout.as_str(), ended.code), (stderr, "", Some(code)));
        assert!(self.state() == before, "{stderr}: something changed");
    }
}

#[test]
fn each_distribution_gets_the_file_where_it_looks() {
    for (folder, command) in [
        ("usr/local/share/ca-certificates", "update-ca-certificates"),
        ("etc/pki/ca-trust/source/anchors", "update-ca-trust"),
        ("etc/pki/trust/anchors", "update-ca-certificates"),
    ] {
        for shell in SHELLS {
            let root = Root::new(&[folder]);
            let ended = end(&mut root.command(shell, &files(1).join("trust-root.sh")));
            let advice = format!("to be run on that node, or here with chroot: {command}");
            said(&ended, &[&format!("/{folder}/lab-tls-ca.crt: written"), &advice]);
            let ca = fs::read(files(1).join("ca.crt")).unwrap();
            assert_eq!(root.state()[&format!("{folder}/lab-tls-ca.crt")], (0o644, ca));
        }
    }
    let image = Root::new(&["usr/sbin"]);
    image.write("usr/sbin/update-ca-certificates", "");
    assert_eq!(image.trust(1, &[]).code, Some(0));
    let bare = Root::new(&["etc"]);
    bare.refuses(
        &[],
        1,
        &format!(
            "error: there is no folder for trusted CAs below {}\nhint: install the package ca-certificates first; \
             Debian, Ubuntu, Alpine, the RHEL family and SUSE are known\n",
            bare.0.path().display()
        ),
    );
}

#[test]
fn containerd_finds_the_root_for_each_registry() {
    for shell in SHELLS {
        let root = Root::debian();
        let names = ["registry.corp.internal", "10.20.0.5:5000", "[fd00::5]:5000"];
        let run = |generation: i64| end(root.command(shell, &files(generation).join("trust-root.sh")).args(names));
        let lines = |store: &str, ca: &str, hosts: &str, update: &str| {
            let mut lines = vec![format!("/usr/local/share/ca-certificates/lab-tls-ca.crt: {store}")];
            for name in names {
                lines.push(format!("/etc/containerd/certs.d/{name}/ca.crt: {ca}"));
                lines.push(format!("/etc/containerd/certs.d/{name}/hosts.toml: {hosts}"));
            }
            lines.push(format!("to be run on that node, or here with chroot: {update}"));
            lines.extend(ADVICE.map(str::to_owned));
            lines
        };
        let expect =
            |ended: &Ended, lines: &[String]| said(ended, &lines.iter().map(String::as_str).collect::<Vec<_>>());
        expect(&run(1), &lines("written", "written", "written", "update-ca-certificates"));
        for name in names {
            let folder = format!("etc/containerd/certs.d/{name}");
            let state = root.state();
            let hosts = String::from_utf8(state[&format!("{folder}/hosts.toml")].1.clone()).unwrap();
            let table: toml::Table = hosts.parse().unwrap();
            let host = format!("https://{name}");
            assert_eq!(table["server"].as_str(), Some(host.as_str()));
            for table in [&table, table["host"][&host].as_table().unwrap()] {
                assert_eq!(table["ca"].as_str(), Some(format!("/{folder}/ca.crt").as_str()));
            }
            let ca = fs::read(files(1).join("ca.crt")).unwrap();
            assert_eq!(state[&format!("{folder}/ca.crt")], (0o644, ca));
        }
        let before = root.state();
        expect(&run(1), &lines("unchanged", "unchanged", "unchanged", "update-ca-certificates"));
        assert!(root.state() == before, "{shell:?}");
        expect(&run(2), &lines("replaced", "replaced", "unchanged", "update-ca-certificates --fresh"));
        assert!(root.state().keys().eq(before.keys()), "{shell:?}");
    }
}

#[test]
fn nothing_is_said_where_containerd_looks_into_the_folder_already() {
    for (config, is_set) in [
        (
            "version = 2\n  [plugins.\"io.containerd.grpc.v1.cri\".registry]\n    config_path = \"/etc/containerd/certs.d\"\n",
            true,
        ),
        ("config_path = '/etc/containerd/certs.d'\n", true),
        // containerd 2.2 writes this and reads it as one name (containerd/containerd#12808).
        ("config_path = '/etc/containerd/certs.d:/etc/docker/certs.d'\n", false),
        ("# config_path = \"/etc/containerd/certs.d\"\n", false),
        ("config_path = \"\"\n", false),
    ] {
        let root = Root::debian();
        root.write("etc/containerd/config.toml", config);
        let ended = root.trust(1, &["registry.corp.internal"]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(!ended.stdout.contains("containerd looks there only if"), is_set, "{config}");
    }
}

#[test]
fn what_somebody_else_wrote_for_a_registry_stays() {
    let folder = "etc/containerd/certs.d/harbor:5000";
    let names = format!("/{folder}/ca.crt");
    let mirror = "server = \"https://harbor:5000\"\n[host.\"https://mirror\"]\n  skip_verify = false\n";
    let root = Root::debian();
    root.write(&format!("{folder}/hosts.toml"), &format!("{mirror}# ca = \"{names}\"\n"));
    root.refuses(
        &["other", "harbor:5000"],
        1,
        &format!(
            "error: /{folder}/hosts.toml is there and does not name {names}; it stays as it is, and nothing was changed\n\
             hint: add `ca = \"{names}\"` on top of it, and to its section of harbor:5000, then run this \
             again\n"
        ),
    );
    // As the hint has it.
    let mended = format!("{mirror}  ca = \"{names}\"\n");
    root.write(&format!("{folder}/hosts.toml"), &mended);
    assert_eq!(root.trust(1, &["harbor:5000"]).code, Some(0));
    assert_eq!(root.state()[&format!("{folder}/hosts.toml")].1, mended.as_bytes());
    assert_eq!(root.state()[&format!("{folder}/ca.crt")].1, fs::read(files(1).join("ca.crt")).unwrap());

    let root = Root::debian();
    root.write(&format!("{folder}/ca.crt"), "another\n");
    root.refuses(
        &["harbor:5000"],
        1,
        &format!(
            "error: {names} is another CA; it stays as it is, and nothing was changed\n\
             hint: if the registry does not need it any more, remove it, then run this again\n"
        ),
    );
    let root = Root::debian();
    root.write("etc/containerd/certs.d/harbor_5000_/hosts.toml", mirror);
    root.refuses(
        &["harbor:5000"],
        1,
        "error: containerd reads /etc/containerd/certs.d/harbor_5000_ for harbor:5000\n\
         hint: put `ca = \"...\"` into the hosts.toml there by hand\n",
    );
}

#[test]
fn what_is_not_asked_for_rightly_is_refused() {
    let root = Root::debian();
    let host = "hint: name a host or an address, and its port if images name one\n";
    for (name, stderr) in [
        ("https://harbor", "error: https://harbor is an address, not a registry\nhint: name it as images do: harbor\n"),
        (
            "harbor/library",
            "error: harbor/library is not a registry\nhint: name only the host, and its port if images name one\n",
        ),
        ("..", &format!("error: .. is not the name of a registry\n{host}")),
        ("_default", &format!("error: _default is not the name of a registry\n{host}")),
        ("a b", &format!("error: a b is not the name of a registry\n{host}")),
        ("--root", &format!("error: --root is not the name of a registry\n{host}")),
    ] {
        root.refuses(&["harbor", name], 1, stderr);
    }
    let ended = root.trust(1, &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let mut help = Command::new("sh");
    let help = end(help.arg(files(1).join("trust-root.sh")).arg("--help"));
    assert!(help.code == Some(0) && help.stdout.starts_with("usage: sh trust-root.sh "), "{help:?}");

    // Beside anything but one certificate.
    let folder = tempfile::tempdir().unwrap();
    fs::copy(files(1).join("trust-root.sh"), folder.path().join("trust-root.sh")).unwrap();
    let ca = fs::read_to_string(files(1).join("ca.crt")).unwrap();
    let key = fs::read_to_string(files(1).join("infra.registry/tls.key")).unwrap();
    let run = || end(&mut Root::debian().command(&["dash"], &folder.path().join("trust-root.sh")));
    assert!(run().stderr.starts_with("error: cannot read "));
    for wrong in [ca.repeat(2), ca.clone() + &key, ca.replace("END CERTIFICATE", "END"), String::new(), key] {
        fs::write(folder.path().join("ca.crt"), wrong).unwrap();
        let ended = run();
        assert!(ended.code == Some(1) && ended.stderr.contains("is not one certificate in PEM"), "{ended:?}");
    }
}

/// A file that was cut on its way does nothing: all of it is read before any of it runs.
#[test]
fn a_script_that_was_cut_does_nothing() {
    let text = fs::read_to_string(files(1).join("trust-root.sh")).unwrap();
    let main = text.rfind("\nmain \"$@\"\n").unwrap() + 1;
    let folder = tempfile::tempdir().unwrap();
    fs::copy(files(1).join("ca.crt"), folder.path().join("ca.crt")).unwrap();
    for end_of_text in [main, text.len() / 2, text.len() / 3, main - 40] {
        let cut = write(folder.path(), "trust-root.sh", &text[..end_of_text], 0o644);
        let root = Root::debian();
        let before = root.state();
        end(&mut root.command(&["dash"], &cut));
        assert!(root.state() == before, "{end_of_text}");
    }
}
