//! The chapter `existing-clusters`, as printed: a control plane and a worker of kubeadm 1.24, with CAs of ten years and
//! leaves of one, become 200 and 199 years old in five commands.

use std::fs;
use std::path::Path;

use super::verifies;
use crate::common::desk::Desk;
use crate::common::rights::{Right, lacks};
use crate::common::{place_program, program, succeed, write_program};
use crate::kube::machine::Machine;
use crate::printed_lines::SYSTEMCTL;

/// The cluster as it was: what certferry makes for 1.24 has kubeadm's shape.
const BEFORE: &str = r#"format = 1

[cluster]
name = "before"
kubernetes = "1.24.15"
issued_at = 2020-01-01

[validity]
ca = "10y"
leaf = "1y"

[keys]
ca = "rsa-2048"

[[node]]
name = "cp-1"
role = "control-plane"
addresses = ["192.168.1.11"]

[[node]]
name = "worker-1"
role = "worker"
addresses = ["192.168.1.21"]
"#;

/// The chapter's lines for a shell, joined where they go on, and its profile.
fn chapter() -> (Vec<String>, String) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/manual/existing-clusters.md");
    let text = fs::read_to_string(file).unwrap();
    let (text, _) = text.split_once("## Who still has an old").unwrap();
    let code: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    let lines = code.join("\n").replace("\\\n", " ").lines().map(str::to_owned).collect();
    let (_, profile) = text.split_once("```toml\n").unwrap();
    (lines, profile.split("```").next().unwrap().to_owned())
}

#[test]
fn five_commands_as_printed() {
    if lacks(&[Right::Machine, Right::Owners]) {
        return;
    }
    let desk = Desk::new();
    desk.write("before.toml", BEFORE);
    desk.succeed("build before.toml --seed lab.seed --out before");
    let programs = tempfile::tempdir().unwrap();
    fs::set_permissions(programs.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    place_program(&program(), &programs.path().join("certferry"));
    write_program(programs.path(), "systemctl", SYSTEMCTL);
    let machines = [("cp-1", "192.168.1.11"), ("worker-1", "192.168.1.21")].map(|(name, address)| {
        let tree = format!("tree-{name}");
        let unpack = format!("unpack before/before-g1.tar.gz --key before/before.pub --node {name} --root {tree}");
        assert_eq!(desk.run(&unpack).code, Some(0), "its leaves have ended");
        let machine = Machine::start(programs.path(), &[address], "");
        machine.rename(name);
        machine.install(&desk.path(&tree));
        machine.bind(&desk.path(""), "/work");
        machine
    });
    let [control_plane, worker] = &machines;
    let (lines, profile) = chapter();
    let [take, unpack, build, first, second] = &*lines else { panic!("five commands: {lines:#?}") };
    // The day on which the chapter was written, so that the certificates are valid whenever a test runs.
    assert!(profile.contains("issued_at = 2026-11-29"));
    desk.write("prod-1.toml", profile.replace("2026-11-29", "2020-06-01"));
    let run = |machine: &Machine, line: &str| {
        let mut shell = machine.command("sh");
        succeed(shell.args(["-c", &format!("cd /work && {line}")]))
    };
    run(control_plane, take);
    assert_eq!(desk.mode("adopted.tar"), 0o600);
    run(control_plane, unpack);
    // A person is asked for a passphrase on a terminal; `sealed_seed::terminal` types it there.
    let said = run(control_plane, &build.replace("--new-seed prod-1.seed", "--new-seed prod-1.seed --plain"));
    let fingerprint = said.lines().find_map(|line| line.strip_prefix("signer   ")).unwrap();
    for (machine, line) in [(control_plane, first), (worker, second)] {
        // Nothing runs on these machines that could be restarted, and asked whether it is well: see the tests `restart`.
        assert!(line.ends_with(" --restart"));
        run(machine, &line.replace("sha256:...", fingerprint).replace(" --restart", ""));
    }
    for (name, machine) in [("cp-1", control_plane), ("worker-1", worker)] {
        let file = |path: &str| machine.path("etc/kubernetes/pki").join(path);
        let end = |path: &str| {
            let mut openssl = crate::common::tool("openssl");
            succeed(openssl.args(["x509", "-noout", "-enddate", "-in"]).arg(file(path)))
        };
        assert_eq!(end("ca.crt"), "notAfter=Jun  1 00:00:00 2220 GMT\n", "{name}");
        let (old, new) = (format!("tree-{name}/etc/kubernetes/pki/ca.crt"), format!("{name}-ca.crt"));
        desk.write(&new, fs::read(file("ca.crt")).unwrap());
        let serving = machine.path("var/lib/kubelet/pki/kubelet.crt");
        desk.write("kubelet.crt", fs::read(serving).unwrap());
        for authority in [&old, &new] {
            assert!(verifies(&desk, authority, "kubelet.crt"), "{name}: {authority}");
            assert!(
                verifies(&desk, authority, &format!("tree-{name}/var/lib/kubelet/pki/kubelet.crt")),
                "{name}: {authority}"
            );
        }
        if name == "cp-1" {
            assert_eq!(end("apiserver.crt"), "notAfter=Jun  1 00:00:00 2219 GMT\n");
            for key in ["ca.key", "etcd/ca.key", "front-proxy-ca.key", "sa.key", "sa.pub"] {
                let before = desk.read(&format!("tree-cp-1/etc/kubernetes/pki/{key}"));
                assert!(fs::read(file(key)).unwrap() == before, "{key}");
            }
        }
        // Back to the byte.
        run(machine, "certferry rollback");
        assert!(fs::read(file("ca.crt")).unwrap() == desk.read(&old), "{name}");
    }
}
