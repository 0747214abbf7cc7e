//! The other CAs as intermediates: of TLS Secrets, of webhooks, of MetalLB, above cert-manager.

use super::intermediate::{NAMED, ROOT, below};
use super::{PROFILE, Shape, authority, certificate, key, openssl};
use crate::common::desk::Desk;
use crate::common::succeed;

const TABLES: &str = r#"
[[tls]]
namespace = "web"
secret = "web-tls"
hosts = ["a.apps.example", "registry.apps.example"]

[[tls]]
namespace = "web"
secret = "caller"
hosts = ["caller.apps.example"]
usages = ["client"]

[[registry]]
host = "registry.apps.example"
root = "tls"
system_trust = true

[cert_manager]
permitted_dns = ["apps.example"]

[metallb]
version = "0.15.2"

[[webhook]]
namespace = "policy"
secret = "policy-tls"
service = "policy"

[ca.tls]
certificate = "adopted/tls.crt"
key = "adopted/tls.key"

[ca.webhook]
certificate = "adopted/webhook.crt"
key = "adopted/webhook.key"

[ca.metallb]
certificate = "adopted/metallb.crt"
key = "adopted/metallb.key"
"#;
const RSA: &[&str] = &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];

/// The values of a Secret, each in a file of its own.
fn values(desk: &Desk, manifest: &str, to: &str) {
    for key in ["ca.crt", "tls.crt"] {
        let text = desk.text(manifest);
        let line = text.lines().find_map(|line| line.trim().strip_prefix(&format!("{key}: "))).unwrap().to_owned();
        desk.write("value", line + "\n");
        succeed(openssl(desk).args(["base64", "-d", "-A", "-in", "value", "-out", &format!("{to}-{key}")]));
    }
}

fn count(desk: &Desk, file: &str) -> usize {
    desk.text(file).matches("-----BEGIN CERTIFICATE-----").count()
}

/// Whether a client that trusts the root alone takes what a server sends.
fn is_sent_whole(desk: &Desk, file: &str) -> bool {
    let mut verify = openssl(desk);
    verify.args(["verify", "-no_check_time", "-x509_strict", "-purpose", "sslserver", "-CAfile", "adopted/root.crt"]);
    verify.args(["-untrusted", file, file]).output().unwrap().status.success()
}

#[test]
fn servers_send_what_is_between_them_and_the_root_and_systems_trust_the_root() {
    let desk = Desk::new();
    authority(&desk, "root", &ROOT);
    below(&desk, "tls", "CN = Example TLS");
    below(&desk, "webhook", "CN = Example webhooks");
    key(&desk, "metallb", RSA);
    let extensions = format!("{NAMED}subjectAltName = DNS:cert\n");
    let own = Shape { subject: "O = metallb\nCN = cert", extensions: &extensions, serial: "05", ..Shape::default() };
    certificate(&desk, "metallb", &own, "root");
    desk.write("adopted/metallb.crt", desk.text("adopted/metallb.crt") + &desk.text("adopted/root.crt"));
    let profile = PROFILE.replace("leaf = \"70y\"", "ca = \"65y\"\nleaf = \"60y\"");
    desk.write("lab.toml", format!("{profile}{TABLES}"));
    let ended = desk.run("build lab.toml --seed lab.seed --out out");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    succeed(crate::common::tool("tar").arg("-xzf").arg(desk.path("out/lab-g1.tar.gz")).arg("-C").arg(desk.path("")));
    let root = desk.text("adopted/root.crt");
    let cluster = "lab-g1/cluster";

    // One certificate, for whoever trusts for all of a system.
    let node = "lab-g1/nodes/worker-1";
    for file in [
        format!("{cluster}/tls/ca.crt"),
        format!("{node}/etc/containerd/certs.d/registry.apps.example/ca.crt"),
        format!("{node}/usr/local/share/ca-certificates/certferry-tls-ca.crt"),
        format!("{node}/etc/pki/ca-trust/source/anchors/certferry-tls-ca.crt"),
    ] {
        assert_eq!(desk.text(&file), root, "{file}");
    }
    let trust = desk.text(&format!("{cluster}/manifests/cert-manager/trust.yaml")).replace("    ", "");
    assert!(trust.contains(root.trim_end()), "{trust}");

    // A server may know clients by the CA beside it; a client verifies servers by it.
    let (server, client) = (format!("{cluster}/tls/web.web-tls"), format!("{cluster}/tls/web.caller"));
    assert_eq!((count(&desk, &format!("{server}/ca.crt")), count(&desk, &format!("{server}/tls.crt"))), (1, 2));
    assert_eq!((count(&desk, &format!("{client}/ca.crt")), count(&desk, &format!("{client}/tls.crt"))), (2, 1));
    assert!(is_sent_whole(&desk, &format!("{server}/tls.crt")));
    for (manifest, to) in
        [("tls/web.web-tls", "server"), ("webhooks/policy.policy-tls", "webhook"), ("metallb/secret", "metallb")]
    {
        values(&desk, &format!("{cluster}/manifests/{manifest}.yaml"), to);
        assert_eq!((count(&desk, &format!("{to}-ca.crt")), count(&desk, &format!("{to}-tls.crt"))), (1, 2), "{to}");
        assert!(is_sent_whole(&desk, &format!("{to}-tls.crt")), "{to}");
    }
    // The API server calls webhooks, and is written in Go.
    let script = desk.text(&format!("{cluster}/manifests/webhooks/policy.policy-tls.ca-bundles.sh"));
    desk.write("one", desk.text("webhook-ca.crt"));
    let one = succeed(openssl(&desk).args(["base64", "-A", "-in", "one"]));
    assert!(script.contains(one.trim()), "{script}");

    // cert-manager sends tls.crt behind what it signs.
    values(&desk, &format!("{cluster}/manifests/cert-manager/secret.yaml"), "issuing");
    assert_eq!((desk.text("issuing-ca.crt"), count(&desk, "issuing-tls.crt")), (root, 2));
    let mut verify = openssl(&desk);
    verify.args(["verify", "-no_check_time", "-x509_strict", "-CAfile", "adopted/root.crt", "-untrusted"]);
    assert!(verify.args(["issuing-tls.crt", "issuing-tls.crt"]).output().unwrap().status.success());
}

/// The CA of TLS Secrets of somebody else, an intermediate, signs nothing here, and its key is nobody's.
#[test]
fn an_issuing_ca_of_somebody_else_is_only_trusted() {
    let desk = Desk::new();
    authority(&desk, "root", &ROOT);
    below(&desk, "tls", "CN = Example TLS");
    key(&desk, "issuing", super::P256);
    certificate(
        &desk,
        "issuing",
        &Shape {
            subject: "CN = Example issuing",
            extensions: NAMED,
            serial: "03",
            end: "20900101000000Z",
            ..Shape::default()
        },
        "tls",
    );
    std::fs::remove_file(desk.path("adopted/tls.key")).unwrap();
    let tables = "\n[cert_manager]\n\n[ca.tls]\ncertificate = \"adopted/tls.crt\"\n\n\
                  [ca.cert-manager]\ncertificate = \"adopted/issuing.crt\"\nkey = \"adopted/issuing.key\"\n";
    desk.write("lab.toml", format!("{PROFILE}{tables}"));
    let ended = desk.run("build lab.toml --seed lab.seed --out out");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let plan = desk.run("plan lab.toml");
    assert!(plan.stdout.contains("  trusted, and signs nothing here"), "{}", plan.stdout);
}
