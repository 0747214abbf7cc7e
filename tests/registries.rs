//! `[[registry]]`: the roots of registries on nodes, by `apply`, by install.sh, and to the containerd of Debian.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::node::{applied, apply, rollback};
use crate::common::registries::{CORP_ROOT, DEBIAN, FIRST, MIRROR, RED_HAT, REGISTRY, SECOND, add};
use crate::common::{
    build_text, certferry, changed_profile, fail, files, is_root, run, skip, succeed, tool, use_fast_keys,
};
use crate::install_sh::node::{Node, TOOLS, state};

const UPDATE: &str =
    "if command -v update-ca-trust >/dev/null; then update-ca-trust; else update-ca-certificates --fresh; fi\n";

/// A mirror that a person has set up already, with a certificate of a client, and another registry beside it.
fn set_up_by_hand(root: &Path) {
    for (place, text) in [
        (format!("{MIRROR}/hosts.toml"), "server = \"https://other.corp.internal\"\n"),
        (format!("{MIRROR}/client.cert"), "by hand"),
        ("etc/containerd/certs.d/docker.io/hosts.toml".to_owned(), "by hand"),
        (format!("{DEBIAN}/corp.crt"), "by hand"),
    ] {
        fs::create_dir_all(root.join(&place).parent().unwrap()).unwrap();
        fs::write(root.join(&place), text).unwrap();
    }
}

#[test]
fn nodes_that_run_containers_have_them() {
    let text = changed_profile("ha-external-etcd", |profile| {
        use_fast_keys(profile);
        add(profile, "registry.corp.internal:5000", "tls", true);
        add(profile, "10.0.0.5", &[CORP_ROOT, "and a word\n", CORP_ROOT].concat(), true);
    });
    let bundle = build_text(&text);
    let own =
        |place: &String| place.contains("containerd") || place.contains("ca-certificates") || place.contains("anchors");
    let trees = ["cp-1", "worker-1", "etcd-1"].map(|node| bundle.unpack(node));
    let found = |tree: &Path| files(tree).into_iter().filter(own).collect::<Vec<_>>();
    let hash = "7212efccf9948402";
    let expected = [
        "etc/containerd/certs.d/10.0.0.5/ca.crt".to_owned(),
        "etc/containerd/certs.d/10.0.0.5/hosts.toml".to_owned(),
        format!("{REGISTRY}/ca.crt"),
        format!("{REGISTRY}/hosts.toml"),
        format!("{RED_HAT}/certferry-{hash}.crt"),
        format!("{RED_HAT}/certferry-tls-ca.crt"),
        format!("{DEBIAN}/certferry-{hash}.crt"),
        format!("{DEBIAN}/certferry-tls-ca.crt"),
    ];
    assert_eq!(found(&trees[0]), expected);
    assert_eq!(found(&trees[1]), expected);
    assert_eq!(found(&trees[2]), [""; 0]);
    let worker = trees[1].clone();
    let read = |place: &str| fs::read_to_string(worker.join(place)).unwrap();
    assert_eq!(read("etc/containerd/certs.d/10.0.0.5/ca.crt"), CORP_ROOT.repeat(2));
    assert_eq!(read(&format!("{DEBIAN}/certferry-{hash}.crt")), CORP_ROOT);
    let hosts = read(&format!("{REGISTRY}/hosts.toml"));
    let settings: Vec<_> = hosts.lines().filter(|line| !line.starts_with('#')).collect();
    let expected = [
        "server = \"https://registry.corp.internal:5000\"",
        "ca = \"ca.crt\"",
        "",
        "[host.\"https://registry.corp.internal:5000\"]",
        "  ca = \"ca.crt\"",
    ];
    assert_eq!(settings, expected);
    // openssl is the judge of whose root it is.
    let leaf = bundle.untar().join("cluster/tls/registry.registry.corp.internal/tls.crt");
    let root = worker.join(REGISTRY).join("ca.crt");
    succeed(tool("openssl").args(["verify", "-CAfile"]).arg(&root).arg(&leaf));
    fail(
        tool("openssl")
            .args(["verify", "-CAfile"])
            .arg(worker.join("etc/containerd/certs.d/10.0.0.5/ca.crt"))
            .arg(&leaf),
        2,
    );
    let listed = succeed(certferry().args(["inspect", "--key"]).arg(&bundle.public_key).arg(&bundle.archive));
    assert!(listed.contains("registry-ca 10.0.0.5"), "{listed}");
}

/// What the two do on a disk, and what they say.
#[test]
fn apply_and_install_sh_do_the_same() {
    let (left, right) = (Node::new(), Node::new());
    for node in [&left, &right] {
        set_up_by_hand(node.root());
    }
    let before = left.live();
    let same = |when: &str| {
        let (left, right) = (left.state(), right.state());
        let differing: Vec<_> =
            left.keys().chain(right.keys()).filter(|path| left.get(*path) != right.get(*path)).collect();
        assert!(differing.is_empty(), "{when}: {differing:?}");
    };
    let kept = |text: &str| format!("  {text}\n");
    let told = "to let this system take note of the roots that it trusts (certferry help tls)";
    let undo = format!("{told}; a rollback and the same command undo it:\n  {UPDATE}");
    let first = succeed(&mut apply(&FIRST, "worker-1", left.root()));
    let by_script = right.install(&TOOLS, &FIRST, "worker-1", &[]).stdout;
    for text in [&first, &by_script] {
        for line in [
            kept(&format!("changed  {MIRROR}/hosts.toml")),
            kept(&format!("kept     {MIRROR}/client.cert")),
            kept(&format!("new      {REGISTRY}/hosts.toml")),
            kept(&format!("new      {DEBIAN}/certferry-tls-ca.crt")),
            undo.clone(),
        ] {
            assert!(text.contains(&line), "{line}: {text}");
        }
        assert!(!text.contains("to restart"), "{text}");
    }
    same("the first");
    let installed = left.live();
    assert_eq!(fs::read_to_string(left.path(&format!("{MIRROR}/client.cert"))).unwrap(), "by hand");
    succeed(certferry().args(["status", "--root"]).arg(left.root()));

    let second = succeed(&mut apply(&SECOND, "worker-1", left.root()));
    let by_script = right.install(&TOOLS, &SECOND, "worker-1", &[]).stdout;
    for text in [&second, &by_script] {
        for line in [
            kept(&format!("removed  {MIRROR}/hosts.toml: this generation does not have it")),
            kept(&format!("removed  {RED_HAT}/certferry-tls-ca.crt: this generation does not have it")),
            undo.clone(),
            // That of the person: the generation before was none of certferry's.
            "what certferry did not install is kept in etc/containerd/certs.d/.certferry/original".to_owned(),
        ] {
            assert!(text.contains(&line), "{line}: {text}");
        }
    }
    same("the second");
    assert!(left.path(&format!("{MIRROR}/client.cert")).exists() && !left.path(&format!("{MIRROR}/ca.crt")).exists());
    let original =
        left.path(&format!("etc/containerd/certs.d/.certferry/original/{}", "mirror.corp.internal/hosts.toml"));
    assert_eq!(fs::read_to_string(original).unwrap(), "server = \"https://other.corp.internal\"\n");

    let foreseen = succeed(rollback(left.root()).arg("--dry-run"));
    let back = succeed(&mut rollback(left.root()));
    let by_script = right.rollback(&TOOLS).stdout;
    for text in [&foreseen, &back, &by_script] {
        assert!(text.contains(&format!("{told}:\n  {UPDATE}")), "{text}");
    }
    same("the way back");
    assert!(left.live() == installed);

    // And to what was there before any.
    let fresh = Node::new();
    set_up_by_hand(fresh.root());
    succeed(&mut apply(&FIRST, "worker-1", fresh.root()));
    succeed(&mut rollback(fresh.root()));
    let now = fresh.live();
    let is_file = |path: &&String| !fresh.path(path).is_dir();
    assert!(now.keys().filter(is_file).eq(before.keys().filter(|path| before[*path].0 & 0o170_000 != 0o040_000)));
    assert!(before.iter().all(|(path, seen)| now.get(path) == Some(seen)));
    // A folder of a registry that is empty would hide containerd's default.
    assert!(!fresh.path(REGISTRY).exists());
}

/// A hosts.toml that a person wrote is kept when the generation before is certferry's, too, and until a person drops it.
#[test]
fn what_a_person_wrote_is_never_dropped() {
    let plain = build_text(&crate::common::node::generation(1, |_| {}));
    let second = build_text(&crate::common::node::generation(2, |profile| {
        add(profile, "mirror.corp.internal", CORP_ROOT, false)
    }));
    let third = build_text(&crate::common::node::generation(3, |profile| {
        add(profile, "mirror.corp.internal", CORP_ROOT, false)
    }));
    let original = "etc/containerd/certs.d/.certferry/original/mirror.corp.internal/hosts.toml";
    for by_script in [false, true] {
        let node = Node::new();
        let install = |bundle| match by_script {
            true => node.install(&TOOLS, bundle, "worker-1", &[]).stdout,
            false => succeed(&mut apply(bundle, "worker-1", node.root())),
        };
        install(&plain);
        set_up_by_hand(node.root());
        install(&second);
        // Going back leads to a generation of certferry's, whatever a person wrote beside it.
        let status = succeed(certferry().args(["status", "--root"]).arg(node.root()));
        assert!(status.contains("previous     lab, generation 1, "), "{status}");
        assert!(node.status().contains("previous     lab, generation 1, "), "{}", node.status());
        let text = install(&third);
        assert!(text.contains("is kept in etc/containerd/certs.d/.certferry/original, private keys and all"), "{text}");
        assert!(node.path(original).exists(), "{text}");
        // Changed by hand since, and in the way of the next.
        fs::write(node.path(&format!("{MIRROR}/hosts.toml")), "by hand again").unwrap();
        let fourth = build_text(&crate::common::node::generation(4, |profile| {
            add(profile, "mirror.corp.internal", CORP_ROOT, false)
        }));
        let fifth = build_text(&crate::common::node::generation(5, |_| {}));
        install(&fourth);
        let (code, said) = match by_script {
            true => {
                let ended = node.install(&TOOLS, &fifth, "worker-1", &[]);
                (ended.code, ended.stderr)
            }
            false => {
                let output = run(&mut apply(&fifth, "worker-1", node.root()));
                (output.status.code(), String::from_utf8(output.stderr).unwrap())
            }
        };
        assert_eq!(code, Some(1), "{said}");
        assert!(
            said.contains("/original") && said.contains(" what certferry did not install, and would be dropped\n"),
            "{said}"
        );
    }
}

/// A folder of a registry that is a link may be another program's, Docker's for example.
#[test]
fn a_link_in_place_of_a_registry_is_refused() {
    for place in [MIRROR.to_owned(), format!("{DEBIAN}/certferry-tls-ca.crt")] {
        let node = Node::new();
        fs::create_dir_all(node.path("elsewhere")).unwrap();
        fs::create_dir_all(node.path(&place).parent().unwrap()).unwrap();
        std::os::unix::fs::symlink("/elsewhere", node.path(&place)).unwrap();
        let said = fail(&mut apply(&FIRST, "worker-1", node.root()), 2);
        let start = format!("error: {place} is a link to /elsewhere: the bundle's files are not written through it\n");
        assert!(said.starts_with(&start), "{said}");
        let ended = node.install(&TOOLS, &FIRST, "worker-1", &[]);
        assert!(ended.stderr.starts_with(&start), "{}", ended.stderr);
        assert!(state(&node.path("elsewhere"), |_| true).is_empty());
    }
}

/// A registry that changes alone restarts nobody: containerd reads its folder at each pull.
#[test]
fn nobody_restarts() {
    let before =
        crate::common::node::generation(1, |profile| add(profile, "registry.corp.internal:5000", "tls", false));
    let after = crate::common::node::generation(2, |profile| {
        add(profile, "registry.corp.internal:5000", "tls", false);
        add(profile, "mirror.corp.internal", CORP_ROOT, true);
    });
    let (before, after) = (build_text(&before), build_text(&after));
    let root = applied(&before, "cp-1");
    let text = succeed(&mut apply(&after, "cp-1", root.path()));
    assert!(text.contains(&format!("  new      {MIRROR}/ca.crt\n")) && !text.contains("restart"), "{text}");
    let document = succeed(rollback(root.path()).args(["--dry-run", "-o", "json"]));
    assert!(
        document.contains("update-ca-certificates --fresh") && document.contains("\"components\": []"),
        "{document}"
    );
}

/// A registry that speaks TLS and has no image.
const SERVER: &str = "
import http.server, ssl, sys
class Registry(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(404)
        self.end_headers()
    do_HEAD = do_GET
    def log_message(self, *rest):
        pass
server = http.server.HTTPServer(('127.0.0.1', 0), Registry)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
";

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// containerd's own client finds the root in the folder, by the code that serves the kubelet.
#[test]
fn containerd_finds_the_root() {
    if !is_root() {
        return skip("only root starts containerd");
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let text = crate::common::node::generation(1, |profile| add(profile, "localhost:5000", "tls", false));
    let bundle = build_text(&text);
    let tls = bundle.untar().join("cluster/tls/registry.localhost");
    let mut server = Command::new("python3");
    server.args(["-c", SERVER]).arg(tls.join("tls.crt")).arg(tls.join("tls.key")).stdout(Stdio::piped());
    let mut server = Running(server.spawn().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(server.0.stdout.take().unwrap()), &mut line).unwrap();
    let host = format!("localhost:{}", line.trim());

    let socket = at("containerd.sock");
    let config = format!(
        "version = 2\nroot = {root:?}\nstate = {state:?}\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n\
         [grpc]\n  address = {socket:?}\n[ttrpc]\n  address = {ttrpc:?}\n",
        root = at("root"),
        state = at("state"),
        ttrpc = at("ttrpc.sock"),
    );
    fs::write(at("config.toml"), config).unwrap();
    let log = fs::File::create(at("log")).unwrap();
    let mut containerd = Command::new("containerd");
    containerd.arg("--config").arg(at("config.toml")).stderr(log);
    let _containerd = Running(containerd.spawn().unwrap());
    let end = Instant::now() + Duration::from_secs(60);
    let ctr = || {
        let mut command = Command::new("ctr");
        command.arg("--address").arg(&socket);
        command
    };
    while !ctr().arg("version").output().unwrap().status.success() {
        assert!(Instant::now() < end, "{}", fs::read_to_string(at("log")).unwrap());
        std::thread::sleep(Duration::from_millis(100));
    }

    // The folder is named after the port, and nothing but the port is another than in the bundle.
    let made = bundle.unpack("worker-1").join("etc/containerd/certs.d/localhost_5000_");
    let placed = at("certs.d").join(host.replace(':', "_") + "_");
    fs::create_dir_all(&placed).unwrap();
    let hosts = fs::read_to_string(made.join("hosts.toml")).unwrap();
    fs::write(placed.join("hosts.toml"), hosts.replace("localhost:5000", &host)).unwrap();
    fs::copy(made.join("ca.crt"), placed.join("ca.crt")).unwrap();
    let pull = || {
        let mut command = ctr();
        command.args(["images", "pull", "--hosts-dir"]).arg(at("certs.d")).arg(format!("{host}/some/image:1"));
        let output = command.output().unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    // It has spoken to the registry, which has no such image.
    let said = pull();
    assert!(said.ends_with(&format!("{host}/some/image:1: not found\n")), "{said}");
    fs::write(placed.join("ca.crt"), CORP_ROOT).unwrap();
    let said = pull();
    assert!(said.contains("x509: certificate signed by unknown authority"), "{said}");
}

/// Whom whole nodes will believe is told before anything is built.
#[test]
fn a_plan_says_whom_nodes_will_trust_and_how_far() {
    let text = changed_profile("ha-external-etcd", |profile| {
        use_fast_keys(profile);
        add(profile, "registry.corp.internal:5000", "tls", false);
        add(profile, "10.0.0.5", CORP_ROOT, true);
    });
    let folder = tempfile::tempdir().unwrap();
    let profile = crate::common::write(folder.path(), "lab.toml", &text, 0o644);
    let said = succeed(certferry().arg("plan").arg(&profile));
    let own = "registry registry.corp.internal:5000  root ca/tls: containerd of control planes and workers trusts it\n";
    assert!(said.contains(own), "{said}");
    let line = said.lines().find(|line| line.starts_with("registry 10.0.0.5  root ")).unwrap();
    let (root, far) = line.rsplit_once(": ").unwrap();
    assert!(root.ends_with("(sha256:7212efccf9948402)"), "{line}");
    assert_eq!(far, "every program of control planes and workers trusts it, for EVERY NAME");
    let json: serde_json::Value =
        serde_json::from_str(&succeed(certferry().arg("plan").arg(&profile).args(["-o", "json"]))).unwrap();
    assert_eq!(json["registries"][0]["root"], serde_json::json!(["tls"]));
    assert_eq!(json["registries"][1]["system_trust"], true);
}
