//! Input that cannot be looked at.

use std::fs;
use std::os::unix::fs::symlink;

use crate::common::{certferry, fail, run};
use crate::doctor::{AT, Node};
use crate::planting::PKI;

const NOTHING: &str = "hint: name the root of a node's files: the folder with etc/kubernetes or var/lib/kubelet; saved \
                       objects go behind --manifests\n";

#[test]
fn what_is_not_there_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let doctor = |arguments: &[&str]| fail(certferry().arg("doctor").args(arguments).current_dir(folder.path()), 2);
    assert_eq!(doctor(&["nowhere"]), "error: cannot read nowhere: no such file or directory\n");
    assert_eq!(doctor(&["."]), format!("error: there is nothing of Kubernetes in .\n{NOTHING}"));
    fs::create_dir_all(folder.path().join("etc/kubernetes/manifests")).unwrap();
    assert_eq!(doctor(&["."]), format!("error: there is nothing of Kubernetes in .\n{NOTHING}"));
    fs::write(folder.path().join("file"), "x").unwrap();
    assert_eq!(
        doctor(&["file"]),
        "error: file is not a folder\nhint: name the root of a node's files; a single file is for `certferry inspect --lint`\n"
    );
    assert_eq!(
        doctor(&[".", "--at", "tomorrow"]),
        "error: --at tomorrow is not a time\nhint: write 2026-11-22 or 2026-11-22T08:00:00Z\n"
    );
    assert_eq!(doctor(&[".", "--manifests", "nowhere"]), "error: cannot read nowhere: no such file or directory\n");
    assert_eq!(doctor(&[".", "--manifests", "etc"]), "error: there is no .yaml, .yml or .json in etc\n");
}

/// The rest is judged all the same, but the answer is not complete.
#[test]
fn a_file_that_cannot_be_read_is_named() {
    let node = Node::control_plane(|_, _| {});
    // Nobody reads a socket, not even root.
    let key = node.path(&format!("{PKI}/apiserver-etcd-client.key"));
    fs::remove_file(&key).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(&key).unwrap();
    node.set_mode(&format!("{PKI}/ca.crt"), 0o666);
    let output = node.run(&[]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with("problem: etc/kubernetes/pki/ca.crt has mode 0666"), "{said}");
    // Nobody says that it is missing.
    assert_eq!(said.matches("problem: ").count(), 1, "{said}");
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "error: the answer is not complete: 1 file cannot be read\n\
         root/etc/kubernetes/pki/apiserver-etcd-client.key  not a regular file\n"
    );
}

#[test]
fn a_file_that_is_too_long_or_loops_is_named() {
    let node = Node::control_plane(|_, _| {});
    node.write(&format!("{PKI}/dex.crt"), vec![b'x'; (4 << 20) + 1]);
    symlink("loop.crt", node.path(&format!("{PKI}/loop.crt"))).unwrap();
    let output = node.run(&[]);
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), b"".as_slice()));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "error: the answer is not complete: 2 files cannot be read\n\
         root/etc/kubernetes/pki/dex.crt  longer than 4194304 bytes\n\
         root/etc/kubernetes/pki/loop.crt  too many links\n"
    );
}

#[test]
fn objects_that_are_none_say_where() {
    let node = Node::control_plane(|_, _| {});
    let hint = "hint: save them with `kubectl get KIND -A -o yaml`\n";
    let deep = format!("kind: Secret\ndata: {}{}\n", "[".repeat(200), "]".repeat(200));
    for (text, reason) in [
        ("a: b\n", "what begins at line 1 is no object of Kubernetes: it has no kind"),
        ("kind: Pod\n---\n- a\n", "what begins at line 3 is no object of Kubernetes: it has no kind"),
        ("kind: Pod\na: &x 1\n", "it is not YAML: an anchor or alias at line 2"),
        ("{\"kind\": 1,}", "it is not JSON: trailing comma at line 1 column 12"),
        (deep.as_str(), "it is not YAML: nested too deep at line 2"),
    ] {
        node.save(text);
        let output = node.run(&[]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(stderr, format!("error: cannot look at the objects of objects.yaml: {reason}\n{hint}"));
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), b"".as_slice()), "{text}");
    }
    let long = node.0.path().join("long.yaml");
    fs::File::create(&long).unwrap().set_len((64 << 20) + 1).unwrap();
    let stderr = fail(certferry().args(["doctor", "--at", AT, "--manifests"]).arg(&long), 2);
    assert_eq!(stderr, format!("error: cannot read {}: longer than 67108864 bytes\n", long.display()));
}

/// As PowerShell writes files: UTF-16 by `>`, UTF-8 with a byte order mark by what the hint says.
#[test]
fn what_powershell_wrote_is_read_or_named() {
    let node = Node::control_plane(|_, _| {});
    let path = node.0.path().join("objects.yaml");
    let text = "kind: Secret\r\nmetadata: {name: a}\r\n---\r\nkind: Pod\r\n";
    let little = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let big = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    let marked = format!("\u{feff}{text}");
    for content in [little(&marked), big(&marked), little(text), big(text), little("{\"kind\": \"Pod\"}")] {
        fs::write(&path, &content).unwrap();
        let output = node.run(&[]);
        assert_eq!(
            String::from_utf8(output.stderr).unwrap(),
            "error: cannot look at the objects of objects.yaml: it is UTF-16, which PowerShell's > writes\n\
             hint: save them with `kubectl get KIND -A -o yaml | Out-File -Encoding utf8 FILE`\n"
        );
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), b"".as_slice()));
    }
    for (content, objects) in [(marked.as_str(), 2), (text, 2), ("\u{feff}{\"kind\": \"Pod\"}", 1)] {
        fs::write(&path, content).unwrap();
        let output = node.run(&["-o", "json"]);
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["looked_at"]["objects"], objects, "{content:?}");
    }
    fs::write(&path, b"kind: Pod\nname: \xe4\n").unwrap();
    let stderr = String::from_utf8(node.run(&[]).stderr).unwrap();
    let hint = "hint: save them with `kubectl get KIND -A -o yaml`\n";
    assert_eq!(stderr, format!("error: cannot look at the objects of objects.yaml: it is not UTF-8\n{hint}"));
}

/// A terminal is told nothing by what somebody named a webhook.
#[test]
fn names_do_not_reach_the_terminal() {
    let node = Node::control_plane(|_, _| {});
    node.save("kind: ValidatingWebhookConfiguration\nmetadata: {name: \"a\\e[2Jb\"}\nwebhooks: [{name: \"c\\rd\", clientConfig: {caBundle: '!'}}]\n");
    let output =
        run(certferry().current_dir(node.0.path()).args(["doctor", "root", "--at", AT, "--manifests", "objects.yaml"]));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("webhook c\\u{d}d of ValidatingWebhookConfiguration a\\u{1b}[2Jb"), "{said}");
}

/// Other commands call it so.
#[test]
fn the_root_may_be_an_option() {
    let node = Node::control_plane(|_, _| {});
    let said = |arguments: &[&str]| {
        let mut command = certferry();
        let output = run(command.arg("doctor").args(arguments).args(["--at", AT]));
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let root = node.path("").display().to_string();
    assert_eq!(said(&["--root", &root]), said(&[&root]));
    assert_eq!(said(&["--root", &root]).0, Some(0));
}
