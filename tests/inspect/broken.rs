//! What nobody should have written: broken, hostile, unreadable. Never a panic, never a lie, the rest is listed.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use certferry::kubernetes::CertificatesDir;
use certferry::report::{Builder, Source, SourceKind};

use crate::common::{certferry, fail, tool};
use crate::inspect::{Ca, STACKED, copy, inspect, names, pem, put, stderr, stdout, unpacked};
use crate::planting::forge::{self, Forge, Key};

const FAR: time::OffsetDateTime = time::macros::datetime!(2100-01-01 0:00 UTC);

#[test]
fn broken_files_are_named_and_the_others_listed() {
    let tree = copy(&unpacked(&STACKED, "cp-1"));
    let kubernetes = tree.path().join("etc/kubernetes");
    let whole = fs::read_to_string(kubernetes.join("pki/apiserver.crt")).unwrap();
    put(&kubernetes, "pki/apiserver.crt", &whole[..whole.len() / 2]);
    put(&kubernetes, "pki/etcd/server.crt", "garbage");
    put(&kubernetes, "pki/etcd/peer.crt", "");
    put(&kubernetes, "scheduler.conf", "a: b: c\n");
    put(&kubernetes, "pki/front-proxy-client.crt", vec![0; 5 << 20]);
    // Others keep such files here.
    put(&kubernetes, "cloud.conf", "[Global]\nuser = a\n");
    put(&kubernetes, "pki/only-a.key.pem", "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n");
    let output = inspect([tree.path()]);
    assert_eq!(output.status.code(), Some(2));
    let listed = stdout(&output);
    assert!(listed.contains("\netcd-healthcheck-client ") && listed.contains("\nkubelet-serving "), "{listed}");
    assert!(!listed.contains("MISSING"), "broken is not missing\n{listed}");
    let error = stderr(&output);
    let mut lines: Vec<_> = error.lines().map(|line| line.rsplit('/').next().unwrap()).collect();
    assert_eq!(lines.remove(0), "error: 5 files cannot be listed");
    lines.sort_unstable();
    assert_eq!(lines[0], "apiserver.crt  has a PEM block that is cut off or not base64");
    assert_eq!(lines[1], "front-proxy-client.crt  cannot be read: longer than 4194304 bytes");
    assert_eq!(lines[2], "peer.crt  is neither PEM nor DER nor a kubeconfig");
    assert!(lines[3].starts_with("scheduler.conf  is no certificate, nor YAML as a kubeconfig is: "), "{error}");
    assert_eq!(lines[4], "server.crt  is neither PEM nor DER nor a kubeconfig");
}

#[test]
fn what_is_no_file_does_not_stop_it() {
    let tree = copy(&unpacked(&STACKED, "worker-1"));
    let pipe = tree.path().join("etc/kubernetes/pki/pipe.crt");
    assert!(tool("mkfifo").arg(&pipe).status().unwrap().success());
    std::os::unix::fs::symlink("loop.crt", tree.path().join("etc/kubernetes/pki/loop.crt")).unwrap();
    std::os::unix::fs::symlink("..", tree.path().join("etc/kubernetes/pki/up")).unwrap();
    let output = inspect([tree.path()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stdout(&output).contains("\nkubelet-client "));
    let error = stderr(&output);
    assert!(error.contains("pki/pipe.crt  cannot be read: not a regular file\n"), "{error}");
    assert!(error.contains("pki/loop.crt  cannot be read: too many links\n"), "{error}");

    let folder = tempfile::tempdir().unwrap();
    let good = put(folder.path(), "good.crt", Ca::new("a").pem());
    let output = inspect([&folder.path().join("nowhere.crt"), &good]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(names(&stdout(&output)), ["CERTIFICATE AUTHORITY", good.to_str().unwrap()]);
    assert!(stderr(&output).contains("nowhere.crt  cannot be read: no such file or directory\n"));
}

#[test]
fn a_name_cannot_speak_to_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let (ca, leaf) = (Ca::new("\u{1b}[31mca\nadmin.conf  "), Ca::new("x"));
    let file = put(folder.path(), "\u{1b}]0;.crt", [pem(&ca.leaf("\u{9b}2J\u{202e}", FAR)), leaf.pem()].concat());
    let output = inspect([file.as_os_str(), "-v".as_ref()]);
    let text = stdout(&output);
    assert!(text.contains("(\\u{1b}[31mca\\u{a}admin.conf  )"), "{text:?}");
    assert!(text.contains("\\u{1b}]0;.crt") && text.contains("\\u{9b}2J\\u{202e}"), "{text:?}");
    let obeyed = |letter: char| (letter.is_control() && letter != '\n') || letter == '\u{202e}';
    assert!(!text.contains(obeyed), "{text:?}");
    let broken = put(folder.path(), "\u{1b}[2J.crt", "");
    let error = fail(certferry().arg("inspect").arg(broken), 2);
    assert!(!error.contains(obeyed), "{error:?}");
}

/// One such file must not keep the others from being listed.
#[test]
fn a_name_of_eleven_thousand_escapes_is_listed_with_the_others() {
    let tree = copy(&unpacked(&STACKED, "worker-1"));
    let pki = tree.path().join("etc/kubernetes/pki");
    let name = "\u{1b}".repeat(11_000);
    put(&pki, "long.crt", Ca::new(&name).pem());
    put(&pki, "leaf.crt", pem(&Ca::new("other").leaf(&name, FAR)));
    for arguments in [&[][..], &["-v"], &["-o", "json"], &["-o", "prometheus"]] {
        let output = inspect([tree.path().as_os_str()].into_iter().chain(arguments.iter().map(AsRef::as_ref)));
        assert_eq!(output.status.code(), Some(0), "{arguments:?}\n{}", stderr(&output));
        let text = stdout(&output);
        assert!(text.contains("kubelet-client"), "{arguments:?}");
        assert!(text.len() < 1_500_000, "{arguments:?}: {}", text.len());
    }
}

/// As many CAs as fit in two files, all of one name: each file is told once of the other, and nothing is said n² times.
#[test]
fn many_authorities_of_one_name_are_one_finding() {
    let tree = copy(&unpacked(&STACKED, "worker-1"));
    let kubernetes = tree.path().join("etc/kubernetes");
    let authorities = |first: u8| -> String {
        (0..100)
            .map(|number| {
                let key = Key::new(first + number);
                forge::pem(&Forge::authority("one", &key).sign(None, &key))
            })
            .collect()
    };
    put(&kubernetes, "pki/ca.crt", authorities(1));
    put(&kubernetes, "pki/etcd/ca.crt", authorities(101));
    let lint = inspect([tree.path().as_os_str(), "--lint".as_ref(), "--at".as_ref(), "2026-11-23".as_ref()]);
    let text = stdout(&lint);
    let told = text.lines().filter(|line| line.contains("has the subject CN=one as"));
    assert_eq!(told.count(), 2, "{text}");
    assert_eq!(stderr(&lint).lines().count(), 1, "{}", stderr(&lint));
    let doctor = crate::common::run(certferry().arg("doctor").arg(tree.path()).args(["--at", "2026-11-23"]));
    let text = stdout(&doctor);
    assert!(text.lines().count() < 200, "{text}");
}

/// What one file has wrong is told up to a bound, and how much more there is.
#[test]
fn what_many_certificates_break_has_a_bound_that_is_said() {
    let tree = copy(&unpacked(&STACKED, "worker-1"));
    let key = Key::new(1);
    // None signed itself, and each names another issuer.
    let authority = |number: usize| {
        let issuer = Forge::authority(&format!("issuer-{number}"), &key).subject;
        forge::pem(&Forge::authority("x", &key).sign(Some(&issuer), &key))
    };
    put(tree.path(), "etc/kubernetes/pki/ca.crt", (0..1_100).map(authority).collect::<String>());
    let output = inspect([tree.path().as_os_str(), "--lint".as_ref()]);
    let text = stdout(&output);
    assert!(text.contains("it names CN=issuer-900\n"), "{text}");
    assert!(text.lines().last().unwrap().starts_with("and 1"), "{text}");
    assert!(text.lines().count() <= 1_030, "{}", text.lines().count());
    let folder = tempfile::tempdir().unwrap();
    let broken = put(
        folder.path(),
        "broken.crt",
        "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n".repeat(1_500),
    );
    let output = inspect([broken.as_os_str()]);
    let error = stderr(&output);
    assert!(error.starts_with("error: 1500 files cannot be listed\n"), "{error}");
    assert!(error.ends_with("\nand 500 more\n"), "{error}");
    assert_eq!(error.lines().count(), 1_002);
}

#[test]
fn the_standard_input_and_der() {
    let folder = tempfile::tempdir().unwrap();
    let ca = Ca::new("kubernetes");
    let leaf = ca.leaf("web", FAR);
    let der = put(folder.path(), "web.der", &leaf);
    let mut command = certferry();
    command.args(["inspect", "-"]).arg(&der).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // As `openssl s_client` prints it.
    let chatter = format!("CONNECTED(00000003)\n---\nServer certificate\n{}subject=CN = web\n", pem(&leaf));
    child.stdin.take().unwrap().write_all(chatter.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = stdout(&output);
    assert_eq!(names(&text), ["CERTIFICATE", "-", der.to_str().unwrap()], "{text}");
    assert!(text.contains(" (kubernetes) "), "nothing proves the issuer\n{text}");
}

/// Every prefix and every flipped byte of a certificate, a PEM file and a kubeconfig.
#[test]
fn no_input_panics() {
    let ca = Ca::new("kubernetes");
    let der = ca.leaf("leaf", FAR);
    let admin = fs::read(unpacked(&STACKED, "cp-1").join("etc/kubernetes/admin.conf")).unwrap();
    // A kubeconfig is mostly base64: its first kilobytes have every kind of line but one.
    let config = [admin[..300].to_vec(), b"\nusers: [{name: a, user: {client-certificate: b}}]\n".to_vec()].concat();
    for content in [der.clone(), pem(&der).into_bytes(), config] {
        for cut in 0..content.len() {
            list(&content[..cut]);
        }
        for place in 0..content.len() {
            for flip in [0x01, 0xa0] {
                let mut changed = content.clone();
                changed[place] ^= flip;
                list(&changed);
            }
        }
    }
}

fn list(content: &[u8]) {
    let files = [("etc/kubernetes/admin.conf", Some(content)), ("etc/kubernetes/pki/ca.crt", Some(content))];
    let mut builder = Builder::new();
    for kind in [SourceKind::Tree, SourceKind::File { place: files[0].0, title: "file" }] {
        let (certificates_dir, files) = (&CertificatesDir::default(), files.into());
        builder.add(&Source { kind, node: Some("a"), mount: "", prefix: "/", certificates_dir, files });
    }
    let inventory = builder.finish();
    let _ = certferry::report::text(&inventory, FAR, true);
    serde_json::to_string(&certferry::report::json(&inventory, FAR)).unwrap();
    certferry::report::write_prometheus(&inventory, FAR, &mut Vec::new()).unwrap();
}
