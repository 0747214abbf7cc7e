//! What cert-manager will issue from its intermediate, and what `[[tls]]` is: OpenSSL, webpki, curl and Node.js take it
//! for the names it is for, and nothing that lies outside what the intermediate may sign for.

use crate::common;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tempfile::TempDir;
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert};

use crate::common::network::{Daemon, Network};
use crate::common::rights::{Right, lacks};
use crate::common::{Bundle, build_text, changed_profile, run, succeed, tool, use_fast_keys, write};

/// Everything that the example has, with keys that are derived in no time.
static BUNDLE: LazyLock<(Bundle, PathBuf)> = LazyLock::new(|| {
    let bundle = build_text(&changed_profile("every-certificate", use_fast_keys));
    let top = bundle.untar();
    (bundle, top)
});

/// Whatever the tests call stands on this machine.
const MACHINE: &str = "ingress";
const OWN: &str = "192.168.40.9";
const OTHER: &str = "10.9.9.9";
const HOSTS: &str = "192.168.40.9 apps.factory.internal app.apps.factory.internal x.y.apps.factory.internal\n\
                     192.168.40.9 registry.factory.internal evil.factory.internal xapps.factory.internal\n";

fn cluster(path: &str) -> PathBuf {
    BUNDLE.1.join("cluster").join(path)
}

fn root() -> PathBuf {
    cluster("tls/ca.crt")
}

/// A value of a Secret in a manifest.
fn secret(manifest: &str, key: &str) -> String {
    secret_of(&BUNDLE.1, manifest, key)
}

/// A value of a Secret in a manifest of a bundle.
fn secret_of(top: &Path, manifest: &str, key: &str) -> String {
    let text = fs::read_to_string(top.join("cluster").join(manifest)).unwrap();
    let value = text.lines().find_map(|line| line.trim_start().strip_prefix(&format!("{key}: "))).unwrap();
    String::from_utf8(STANDARD.decode(value).unwrap()).unwrap()
}

/// A certificate, its key and the chain that its server sends, as files.
struct Server {
    folder: TempDir,
}

impl Server {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// As cert-manager signs for a Certificate with these names.
    fn issued(alt_names: &str) -> Self {
        Self::issued_by(&BUNDLE.1, "/CN=issued", &format!("subjectAltName={alt_names}\n"))
    }

    /// As cert-manager signs with the intermediate of a bundle.
    fn issued_by(top: &Path, subject: &str, extensions: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Self { folder };
        for (name, key) in [("chain.pem", "tls.crt"), ("ca.key", "tls.key")] {
            write(server.folder.path(), name, &secret_of(top, "manifests/cert-manager/secret.yaml", key), 0o600);
        }
        let extensions = format!("{extensions}basicConstraints=critical,CA:FALSE\n");
        write(server.folder.path(), "extensions", &extensions, 0o600);
        let openssl = |line: &str| {
            let mut command = tool("openssl");
            succeed(command.current_dir(server.folder.path()).args(line.split(' ')));
        };
        openssl(&format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tls.key -subj {subject} -out csr"
        ));
        openssl(
            "x509 -req -in csr -CA chain.pem -CAkey ca.key -set_serial 7 -days 365 -extfile extensions -out tls.crt",
        );
        server
    }

    /// A `[[tls]]` of the profile, which its root signs directly.
    fn of_profile(secret: &str) -> Self {
        let server = Self { folder: tempfile::tempdir().unwrap() };
        for name in ["tls.crt", "tls.key"] {
            fs::copy(cluster(&format!("tls/{secret}/{name}")), server.path(name)).unwrap();
        }
        fs::write(server.path("chain.pem"), "").unwrap();
        server
    }

    fn start(&self, network: &Network) -> Daemon {
        let (certificate, key, chain) = (self.path("tls.crt"), self.path("tls.key"), self.path("chain.pem"));
        let [certificate, key, chain] = [&certificate, &key, &chain].map(|path| path.to_str().unwrap());
        let mut command = vec!["openssl", "s_server", "-accept", "443", "-www", "-cert", certificate, "-key", key];
        if fs::metadata(chain).unwrap().len() > 0 {
            command.extend(["-cert_chain", chain]);
        }
        let mut server = network.start(MACHINE, "s_server.log", self.folder.path(), &command);
        server.wait_for_line(&["ACCEPT"]);
        server
    }

    /// What OpenSSL says of it for a host, offline.
    fn openssl(&self, host: &str) -> Result<(), String> {
        let mut command = tool("openssl");
        command.args(["verify", "-purpose", "sslserver", "-CAfile"]).arg(root());
        if fs::metadata(self.path("chain.pem")).unwrap().len() > 0 {
            command.arg("-untrusted").arg(self.path("chain.pem"));
        }
        command.arg(if is_address(host) { "-verify_ip" } else { "-verify_hostname" }).arg(host);
        answer(command.arg(self.path("tls.crt")))
    }

    /// And webpki.
    fn webpki(&self, host: &str) -> Result<(), Error> {
        self.webpki_for(&root(), KeyUsage::server_auth())?;
        let certificate = CertificateDer::from_pem_file(self.path("tls.crt")).unwrap();
        let leaf = EndEntityCert::try_from(&certificate).unwrap();
        leaf.verify_is_valid_for_subject_name(&ServerName::try_from(host).unwrap())
    }

    /// What webpki says of it below a root, for a usage and whatever name.
    fn webpki_for(&self, root: &Path, usage: KeyUsage) -> Result<(), Error> {
        let certificate = CertificateDer::from_pem_file(self.path("tls.crt")).unwrap();
        let chain = fs::read(self.path("chain.pem")).unwrap();
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&chain).map(Result::unwrap).collect();
        let root = CertificateDer::from_pem_file(root).unwrap();
        let anchors = [anchor_from_trusted_cert(&root).unwrap()];
        let leaf = EndEntityCert::try_from(&certificate).unwrap();
        leaf.verify_for_usage(ALL_VERIFICATION_ALGS, &anchors, &chain, UnixTime::now(), usage, None, None).map(|_| ())
    }
}

fn is_address(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok()
}

fn answer(command: &mut Command) -> Result<(), String> {
    let output = run(command);
    let said = [output.stdout, output.stderr].concat();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&said).into_owned()) }
}

/// What curl says of the server that is up, and what Node.js does; both know the root alone.
fn by_network(network: &Network, host: &str) -> [Result<(), String>; 2] {
    let url = format!("https://{host}/");
    let mut curl = network.on(MACHINE, "curl");
    curl.args(["--silent", "--show-error", "--output", "/dev/null", "--cacert"]).arg(root()).arg(&url);
    let mut node = network.on(MACHINE, "node");
    // One argument: the URL. Its own list of roots does not count.
    let script = "const [url, ca] = process.argv.slice(1);\n\
                  require('https').get(url, { ca: require('fs').readFileSync(ca) }, (answer) => answer.resume())\n\
                  .on('error', (error) => { console.error(error.code, error.message); process.exitCode = 1; });";
    node.args(["-e", script, &url]).arg(root());
    [answer(&mut curl), answer(&mut node)]
}

fn network() -> Network {
    Network::new(&[(MACHINE, &[OWN, OTHER])], HOSTS, "")
}

/// Everybody takes it for that host.
fn is_taken(server: &Server, network: &Network, host: &str) {
    assert_eq!(server.openssl(host), Ok(()), "{host}");
    assert_eq!(server.webpki(host), Ok(()), "{host}");
    for (program, answer) in ["curl", "node"].iter().zip(by_network(network, host)) {
        assert_eq!(answer, Ok(()), "{program}: {host}");
    }
}

/// Nobody does, and for that reason.
fn is_refused(server: &Server, network: &Network, host: &str, webpki: &Error, reasons: [&str; 3]) {
    let answers = [vec![server.openssl(host)], by_network(network, host).into()].concat();
    for ((program, reason), answer) in ["openssl", "curl", "node"].iter().zip(reasons).zip(answers) {
        let said = answer.unwrap_err();
        assert!(said.contains(reason), "{program} on {host}: {said}");
    }
    let found = server.webpki(host).unwrap_err();
    assert_eq!(std::mem::discriminant(&found), std::mem::discriminant(webpki), "{host}: {found:?}");
}

#[test]
fn what_the_intermediate_signs_is_taken_for_every_name_it_may_sign_for() {
    if lacks(&[Right::Network]) {
        return;
    }
    let network = network();
    let server = Server::issued(
        "DNS:apps.factory.internal,DNS:*.apps.factory.internal,DNS:x.y.apps.factory.internal,IP:192.168.40.9",
    );
    let _running = server.start(&network);
    for host in ["apps.factory.internal", "app.apps.factory.internal", "x.y.apps.factory.internal", OWN] {
        is_taken(&server, &network, host);
    }
}

#[test]
fn what_lies_outside_is_refused() {
    if lacks(&[Right::Network]) {
        return;
    }
    const VIOLATION: [&str; 3] = ["permitted subtree violation"; 3];
    for (alt_names, host) in [
        ("DNS:evil.factory.internal", "evil.factory.internal"),
        // The end of a name is no part of it.
        ("DNS:xapps.factory.internal", "xapps.factory.internal"),
        ("DNS:*.factory.internal", "evil.factory.internal"),
        ("IP:10.9.9.9", OTHER),
        // One good name does not make up for it.
        ("DNS:app.apps.factory.internal,IP:10.9.9.9", "app.apps.factory.internal"),
    ] {
        let (network, server) = (network(), Server::issued(alt_names));
        let _running = server.start(&network);
        is_refused(&server, &network, host, &Error::NameConstraintViolation, VIOLATION);
    }
}

/// Without a range of addresses, domains permit none.
#[test]
fn domains_alone_permit_no_address() {
    if lacks(&[Right::Network]) {
        return;
    }
    let bundle = build_text(&changed_profile("every-certificate", |profile| {
        use_fast_keys(profile);
        profile["cert_manager"].as_table_mut().unwrap().remove("permitted_ips");
    }));
    let top = bundle.untar();
    let text = fs::read_to_string(top.join("cluster/manifests/cert-manager/secret.yaml")).unwrap();
    let value = text.lines().find_map(|line| line.trim_start().strip_prefix("tls.crt: ")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ca.crt"), STANDARD.decode(value).unwrap()).unwrap();
    let shown = succeed(tool("openssl").args(["x509", "-noout", "-text", "-in"]).arg(folder.path().join("ca.crt")));
    let lines: Vec<&str> = shown.lines().map(str::trim).collect();
    let start = lines.iter().position(|line| *line == "X509v3 Name Constraints: critical").unwrap();
    assert_eq!(
        lines[start + 1..start + 6],
        [
            "Permitted:",
            "DNS:apps.factory.internal",
            "Excluded:",
            "IP:0.0.0.0/0.0.0.0",
            "IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0"
        ]
    );
}

/// No constraint limits a common name, a mail address or a URI: the usage does, and only of clients.
#[test]
fn what_the_intermediate_signs_is_no_client_unless_the_profile_says_so() {
    let client_too = build_text(&changed_profile("every-certificate", |profile| {
        use_fast_keys(profile);
        profile["cert_manager"].as_table_mut().unwrap().insert("usages".to_owned(), vec!["server", "client"].into());
    }));
    let client_too = client_too.untar();
    let host = "subjectAltName=DNS:app.apps.factory.internal\n";
    for (subject, extensions) in [
        // cert-manager's default has no extendedKeyUsage at all.
        ("/CN=prometheus", host.to_owned()),
        ("/CN=prometheus", "extendedKeyUsage=clientAuth\n".to_owned()),
        ("/O=system:masters/CN=kubernetes-admin", "extendedKeyUsage=clientAuth\n".to_owned()),
        ("/CN=a", "extendedKeyUsage=clientAuth\nsubjectAltName=email:bob@evil.example\n".to_owned()),
        ("/CN=a", "extendedKeyUsage=clientAuth\nsubjectAltName=URI:spiffe://evil.example/ns/default\n".to_owned()),
        ("/CN=a", format!("extendedKeyUsage=serverAuth,clientAuth\n{host}")),
    ] {
        for (top, is_taken) in [(&BUNDLE.1, false), (&client_too, true)] {
            let issued = Server::issued_by(top, subject, &extensions);
            let root = top.join("cluster/tls/ca.crt");
            let mut openssl = tool("openssl");
            openssl.args(["verify", "-purpose", "sslclient", "-CAfile"]).arg(&root);
            openssl.arg("-untrusted").arg(issued.path("chain.pem")).arg(issued.path("tls.crt"));
            let webpki = issued.webpki_for(&root, KeyUsage::client_auth());
            match (answer(&mut openssl), is_taken) {
                (Ok(()), true) => {}
                (Err(said), false) if said.contains("unsuitable certificate purpose") => {}
                (answer, _) => panic!("{subject} {extensions}: {answer:?}"),
            }
            assert_eq!(webpki.is_ok(), is_taken, "{subject} {extensions}: {webpki:?}");
            // As a server it is what it was.
            if extensions.contains("app.apps") {
                let webpki = issued.webpki_for(&root, KeyUsage::server_auth());
                assert_eq!(webpki, Ok(()), "{subject} {extensions}");
            }
        }
    }
    // Among servers nothing changes.
    let server = Server::issued("DNS:app.apps.factory.internal");
    assert_eq!(server.openssl("app.apps.factory.internal"), Ok(()));
}

/// What a person sees of the intermediate.
#[test]
fn the_intermediate_says_that_it_is_for_servers() {
    let server = Server::issued("DNS:app.apps.factory.internal");
    let mut openssl = tool("openssl");
    openssl.args(["x509", "-noout", "-ext", "extendedKeyUsage", "-in"]).arg(server.path("chain.pem"));
    let shown = succeed(&mut openssl);
    assert_eq!(shown, "X509v3 Extended Key Usage: \n    TLS Web Server Authentication\n");
}

/// pathLen 0: what it signs is no CA to anybody.
#[test]
fn no_further_ca_stands_below_the_intermediate() {
    if lacks(&[Right::Network]) {
        return;
    }
    let server = Server::issued("DNS:app.apps.factory.internal");
    let openssl = |line: &str| {
        succeed(tool("openssl").current_dir(server.folder.path()).args(line.split(' ')));
    };
    write(server.folder.path(), "extensions", "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n", 0o600);
    openssl("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout sub.key -subj /CN=sub -out csr");
    openssl("x509 -req -in csr -CA chain.pem -CAkey ca.key -set_serial 8 -days 365 -extfile extensions -out sub.crt");
    write(server.folder.path(), "extensions", "subjectAltName=DNS:app.apps.factory.internal\n", 0o600);
    openssl("req -new -key tls.key -subj /CN=leaf -out csr");
    openssl("x509 -req -in csr -CA sub.crt -CAkey sub.key -set_serial 9 -days 365 -extfile extensions -out tls.crt");
    let chain =
        fs::read_to_string(server.path("sub.crt")).unwrap() + &fs::read_to_string(server.path("chain.pem")).unwrap();
    fs::write(server.path("chain.pem"), chain).unwrap();
    let said = server.openssl("app.apps.factory.internal").unwrap_err();
    assert!(said.contains("path length constraint exceeded"), "{said}");
    assert_eq!(server.webpki("app.apps.factory.internal"), Err(Error::PathLenConstraintViolated));
}

#[test]
fn a_wildcard_of_the_profile_is_for_one_label() {
    if lacks(&[Right::Network]) {
        return;
    }
    let (network, server) = (network(), Server::of_profile("ingress-nginx.default-certificate"));
    let _running = server.start(&network);
    for host in ["apps.factory.internal", "app.apps.factory.internal"] {
        is_taken(&server, &network, host);
    }
    let reasons =
        ["hostname mismatch", "no alternative certificate subject name matches", "ERR_TLS_CERT_ALTNAME_INVALID"];
    is_refused(
        &server,
        &network,
        "x.y.apps.factory.internal",
        &Error::CertNotValidForName(webpki::InvalidNameContext {
            expected: ServerName::try_from("x").unwrap(),
            presented: Vec::new(),
        }),
        reasons,
    );
}

#[test]
fn a_registry_is_known_by_name_and_address_and_is_a_client_too() {
    if lacks(&[Right::Network]) {
        return;
    }
    let (network, server) = (network(), Server::of_profile("registry.registry-tls"));
    let _running = server.start(&network);
    is_taken(&server, &network, "registry.factory.internal");
    for (secret, purpose, expected) in [
        ("registry.registry-tls", "sslclient", true),
        ("monitoring.prometheus-client", "sslclient", true),
        ("monitoring.prometheus-client", "sslserver", false),
        ("ingress-nginx.default-certificate", "sslclient", false),
    ] {
        let mut command = tool("openssl");
        command.args(["verify", "-purpose", purpose, "-CAfile"]).arg(root());
        let found = answer(command.arg(cluster(&format!("tls/{secret}/tls.crt"))));
        assert_eq!(found.is_ok(), expected, "{secret} as {purpose}: {found:?}");
    }
}

/// Files and manifest are the same certificate, and each CA beside it is the one that signed.
#[test]
fn a_secret_holds_what_the_files_hold() {
    for stem in ["ingress-nginx.default-certificate", "registry.registry-tls", "monitoring.prometheus-client"] {
        for key in ["ca.crt", "tls.crt", "tls.key"] {
            let file = fs::read_to_string(cluster(&format!("tls/{stem}/{key}"))).unwrap();
            assert_eq!(secret(&format!("manifests/tls/{stem}.yaml"), key), file, "{stem}: {key}");
        }
    }
    let etcd = |name: &str| fs::read_to_string(cluster(&format!("etcd-clients/prometheus/{name}"))).unwrap();
    for (key, file) in [("ca.crt", "ca.crt"), ("tls.crt", "client.crt"), ("tls.key", "client.key")] {
        assert_eq!(secret("manifests/etcd-clients/monitoring.etcd-client-certs.yaml", key), etcd(file), "{key}");
    }
    assert_eq!(secret("manifests/cert-manager/secret.yaml", "ca.crt"), fs::read_to_string(root()).unwrap());
}

/// MetalLB's, webhooks' and all others: certificate, key and CA of each Secret belong together, strictly.
#[test]
fn openssl_takes_what_each_secret_holds() {
    let bundle = build_text(&fs::read_to_string(common::profile("every-certificate")).unwrap());
    let manifests = bundle.untar().join("cluster/manifests");
    let mut found = Vec::new();
    for name in common::files(&manifests) {
        let text = fs::read_to_string(manifests.join(&name)).unwrap();
        if !text.contains("\nkind: Secret\n") {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        for line in text.lines().filter_map(|line| line.strip_prefix("  ")) {
            let Some((key, value)) = line.split_once(": ").filter(|(key, _)| key.contains('.')) else { continue };
            fs::write(folder.path().join(key), STANDARD.decode(value).unwrap()).unwrap();
        }
        let openssl = |line: &str| {
            let mut command = tool("openssl");
            succeed(command.current_dir(folder.path()).args(line.split(' ')))
        };
        openssl("verify -x509_strict -check_ss_sig -CAfile ca.crt ca.crt");
        openssl("verify -x509_strict -check_ss_sig -CAfile ca.crt tls.crt");
        let of_certificate = openssl("x509 -in tls.crt -noout -pubkey");
        assert_eq!(openssl("pkey -in tls.key -pubout"), of_certificate, "{name}");
        if folder.path().join("ca.key").exists() {
            assert_eq!(openssl("pkey -in ca.key -pubout"), openssl("x509 -in ca.crt -noout -pubkey"), "{name}");
            assert!(fs::read_to_string(folder.path().join("ca.key")).unwrap().contains("BEGIN RSA PRIVATE KEY"));
        }
        let subject = openssl("x509 -in tls.crt -noout -subject -nameopt RFC2253");
        found.push(format!("{name} {}", subject.trim()));
    }
    found.sort();
    assert_eq!(
        found,
        [
            "cert-manager/secret.yaml subject=CN=factory-2-cert-manager-ca",
            "etcd-clients/monitoring.etcd-client-certs.yaml subject=CN=prometheus",
            "metallb/secret.yaml subject=CN=metallb-webhook-service.metallb-system.svc",
            "tls/ingress-nginx.default-certificate.yaml subject=CN=*.apps.factory.internal",
            "tls/monitoring.prometheus-client.yaml subject=CN=prometheus",
            "tls/registry.registry-tls.yaml subject=CN=registry.factory.internal",
            "webhooks/plc-system.plc-operator-serving-cert.yaml subject=CN=plc-operator-webhook.plc-system.svc",
            "webhooks/policy-system.policy-tls.yaml subject=CN=policy.policy-system.svc",
        ]
    );
}

/// Nothing is wrong with what is to be applied, in the eyes of those who look for it.
#[test]
fn the_doctor_has_nothing_to_say_of_the_manifests() {
    let mut doctor = common::certferry();
    doctor.current_dir(cluster("")).args(["doctor", "."]);
    for folder in ["metallb", "webhooks", "cert-manager", "tls", "etcd-clients", "users"] {
        doctor.arg("--manifests").arg(Path::new("manifests").join(folder));
    }
    let output = run(&mut doctor);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.starts_with("nothing is wrong; "), "{said}");
}
