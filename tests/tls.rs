//! Handshakes with the certificates of a bundle: OpenSSL, curl, kubectl and webpki accept each certificate for what it
//! is and for nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use time::OffsetDateTime;
use time::macros::datetime;
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert};

use crate::common::network::{Daemon, Network};
use crate::common::rights::{Right, lacks};
use crate::common::{build_text, changed_profile, files, run, succeed, tool, use_fast_keys};

const PKI: &str = "etc/kubernetes/pki";

/// With the keys of the example: RSA.
#[test]
fn an_api_server_is_known_by_its_names_and_lets_its_clients_in() {
    if lacks(&[Right::Network]) {
        return;
    }
    let bundle = build_text(&changed_profile("ha-stacked-etcd", |_| ()));
    let top = bundle.untar();
    lets_its_clients_in(&top, "cp-1", "k8s.corp.internal", &["192.168.1.11", "192.168.1.100"]);
    knows_its_names(
        &top,
        "cp-1",
        &[
            "cp-1",
            "cp-1.corp.internal",
            "k8s.corp.example",
            "k8s.corp.internal",
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
        ],
        &["10.96.0.1", "192.168.1.11", "192.168.1.100"],
        &[
            "cp-2",
            "cp-2.corp.internal",
            "corp.internal",
            "x.k8s.corp.internal",
            "kubernetes.default.svc.cluster",
            "localhost",
        ],
        &["10.96.0.2", "192.168.1.12", "127.0.0.1", "::ffff:192.168.1.11"],
    );
}

/// With ECDSA keys.
#[test]
fn an_api_server_is_known_by_its_addresses_of_both_families() {
    if lacks(&[Right::Network]) {
        return;
    }
    let bundle = build_text(&changed_profile("dual-stack", use_fast_keys));
    knows_its_names(
        &bundle.untar(),
        "edge-cp-2",
        &[
            "edge-1.corp.internal",
            "edge-cp-2",
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
        ],
        &["10.96.0.1", "10.10.0.12", "10.10.0.100", "fd00:10::100", "fd00:10::12"],
        &["edge-cp-1", "edge-1"],
        // As kubeadm has it, the `kubernetes` service is named by the first family's address alone.
        &["10.10.0.11", "fd00:10::11", "fd00:10:96::1", "::1"],
    );
}

/// OpenSSL finds exactly those names in the API server's certificate of a node.
fn knows_its_names(
    top: &Path,
    node: &str,
    names: &[&str],
    addresses: &[&str],
    other_names: &[&str],
    other_addresses: &[&str],
) {
    let pki = top.join("nodes").join(node).join(PKI);
    let printed = succeed(
        tool("openssl").args(["x509", "-noout", "-ext", "subjectAltName", "-in"]).arg(pki.join("apiserver.crt")),
    );
    let found: Vec<&str> = printed.lines().nth(1).unwrap().trim().split(", ").collect();
    let expected: Vec<String> = names
        .iter()
        .map(|name| format!("DNS:{name}"))
        .chain(addresses.iter().map(|address| format!("IP Address:{}", as_openssl_prints(address))))
        .collect();
    assert_eq!(found, expected);

    let network = Network::new(&[(node, addresses)], "", "");
    let _server = serve(&network, node, &pki, &pki, &["-www"]);
    let client = |arguments: &[&str]| {
        let mut command = network.on(node, "openssl");
        command.args(["s_client", "-verify_return_error", "-CAfile"]).arg(pki.join("ca.crt")).args(arguments);
        let output = run(&mut command);
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for name in names {
        let (accepted, said) = client(&["-connect", "127.0.0.1:6443", "-verify_hostname", name]);
        assert!(accepted, "{name}: {said}");
    }
    for address in addresses {
        let connect = if address.contains(':') { format!("[{address}]:6443") } else { format!("{address}:6443") };
        let (accepted, said) = client(&["-connect", &connect, "-verify_ip", address]);
        assert!(accepted, "{address}: {said}");
    }
    for name in other_names {
        let (accepted, said) = client(&["-connect", "127.0.0.1:6443", "-verify_hostname", name]);
        assert!(!accepted && said.contains("hostname mismatch"), "{name}: {said}");
    }
    for address in other_addresses {
        let (accepted, said) = client(&["-connect", "127.0.0.1:6443", "-verify_ip", address]);
        assert!(!accepted && said.contains("IP address mismatch"), "{address}: {said}");
    }
    // The last of two options counts.
    for ca in ["front-proxy-ca.crt", "etcd/ca.crt"] {
        let ca = pki.join(ca);
        let (accepted, said) = client(&["-connect", "127.0.0.1:6443", "-CAfile", &ca.to_string_lossy()]);
        assert!(!accepted && said.contains("verify error"), "{ca:?}: {said}");
    }
}

/// All eight groups, upper case, as `openssl x509` shows an address of IPv6.
fn as_openssl_prints(address: &str) -> String {
    match address.parse().unwrap() {
        std::net::IpAddr::V4(address) => address.to_string(),
        std::net::IpAddr::V6(address) => address.segments().map(|group| format!("{group:X}")).join(":"),
    }
}

/// `openssl s_server` on port 6443 with the API server's certificate; `folder` is where it works.
fn serve(network: &Network, machine: &str, pki: &Path, folder: &Path, arguments: &[&str]) -> Daemon {
    let file = |name: &str| pki.join(name).to_string_lossy().into_owned();
    let (certificate, key, ca) = (file("apiserver.crt"), file("apiserver.key"), file("ca.crt"));
    let mut command = vec!["openssl", "s_server", "-accept", "6443", "-cert", &certificate, "-key", &key];
    command.extend(["-CAfile", &ca]);
    command.extend(arguments);
    let mut server = network.start(machine, "s_server.log", folder, &command);
    server.wait_for_line(&["ACCEPT"]);
    server
}

/// With ECDSA keys.
#[test]
fn an_api_server_lets_its_clients_in_by_ipv6() {
    if lacks(&[Right::Network]) {
        return;
    }
    let profile = changed_profile("dual-stack", |profile| {
        use_fast_keys(profile);
        profile["cluster"]["control_plane_endpoint"] = "[fd00:10::100]:6443".into();
        profile["cluster"]["service_subnets"] = vec!["fd00:10:96::/112", "10.96.0.0/12"].into();
        for node in profile["node"].as_array_mut().unwrap() {
            node["addresses"].as_array_mut().unwrap().reverse();
        }
    });
    let bundle = build_text(&profile);
    lets_its_clients_in(&bundle.untar(), "edge-cp-1", "[fd00:10::100]", &["fd00:10::11", "fd00:10::100"]);
}

/// kubectl reaches an API server with each kubeconfig of a node, and nobody does without one; `addresses` are the node's
/// own and that of the endpoint.
fn lets_its_clients_in(top: &Path, node: &str, endpoint: &str, addresses: &[&str]) {
    let root = top.join("nodes").join(node);
    let (kubernetes, pki) = (root.join("etc/kubernetes"), root.join(PKI));
    // On the node kubelet.conf finds what it refers to at the place it names.
    let kubelet = format!(
        "mount -t tmpfs none /var/lib\nmkdir /var/lib/kubelet\nmount --bind '{}' /var/lib/kubelet",
        root.join("var/lib/kubelet").display()
    );
    let hosts = if endpoint.starts_with('[') { String::new() } else { format!("{} {endpoint}\n", addresses[1]) };
    let network = Network::new(&[(node, addresses)], &hosts, &kubelet);
    let folder = tempfile::tempdir().unwrap();
    let version = "{\"major\":\"1\",\"minor\":\"32\",\"gitVersion\":\"v1.32.4\"}";
    let response = format!("HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{version}");
    fs::write(folder.path().join("version"), response).unwrap();
    let must_show_certificate = ["-Verify", "1", "-verify_return_error", "-HTTP"];
    let mut server = serve(&network, node, &pki, folder.path(), &must_show_certificate);

    for file in ["admin.conf", "super-admin.conf", "controller-manager.conf", "scheduler.conf", "kubelet.conf"] {
        let file = kubernetes.join(file);
        let mut command = network.on(node, "kubectl");
        command.env("HOME", folder.path()).arg("--kubeconfig").arg(&file).args(["get", "--raw", "/version"]);
        assert_eq!(succeed(&mut command), version, "{}", file.display());
    }

    let url = format!("https://{endpoint}:6443/version");
    let curl = |client: Option<(&Path, &Path)>| {
        let mut command = network.on(node, "curl");
        command.args(["--silent", "--show-error", "--cacert"]).arg(pki.join("ca.crt")).arg(&url);
        if let Some((certificate, key)) = client {
            command.arg("--cert").arg(certificate).arg("--key").arg(key);
        }
        command
    };
    let admin = fs::read_to_string(kubernetes.join("admin.conf")).unwrap();
    let (certificate, key) = (folder.path().join("admin.crt"), folder.path().join("admin.key"));
    fs::write(&certificate, embedded(&admin, "client-certificate-data")).unwrap();
    fs::write(&key, embedded(&admin, "client-key-data")).unwrap();
    assert_eq!(succeed(&mut curl(Some((&certificate, &key)))), version);

    let pair = |name: &str| (pki.join(format!("{name}.crt")), pki.join(format!("{name}.key")));
    for (client, reason) in [
        (None, "peer did not return a certificate"),
        (Some(pair("front-proxy-client")), "unable to get local issuer certificate"),
        (Some(pair("etcd/healthcheck-client")), "unable to get local issuer certificate"),
        // Signed by the right CA, but to serve.
        (Some(pair("apiserver")), "unsuitable certificate purpose"),
    ] {
        let client = client.as_ref().map(|(certificate, key)| (certificate.as_path(), key.as_path()));
        let output = run(&mut curl(client));
        assert!(!output.status.success() && output.stdout.is_empty(), "{client:?}: {output:?}");
        server.wait_for_line(&[reason]);
    }
}

/// What a kubeconfig embeds in a field.
fn embedded(kubeconfig: &str, field: &str) -> Vec<u8> {
    let line = kubeconfig.lines().find_map(|line| line.trim_start().strip_prefix(field)).unwrap();
    STANDARD.decode(line.trim_start_matches(": ")).unwrap()
}

/// What a leaf certificate may be used for.
struct Leaf {
    path: String,
    certificate: CertificateDer<'static>,
    ca: &'static str,
    server: bool,
    client: bool,
    names: Vec<String>,
    not_after: OffsetDateTime,
}

const AUTHORITIES: [&str; 3] = ["ca", "etcd/ca", "front-proxy-ca"];
const NOT_BEFORE: OffsetDateTime = datetime!(2019-12-31 00:00 UTC);

#[test]
fn webpki_accepts_every_leaf_for_what_it_is() {
    let bundle = build_text(&changed_profile("ha-stacked-etcd", use_fast_keys));
    let top = bundle.untar();
    let roots = AUTHORITIES.map(|name| read_certificate(&top.join("nodes/cp-1").join(PKI).join(format!("{name}.crt"))));
    let anchors = AUTHORITIES.iter().zip(&roots).map(|(name, root)| (*name, anchor_from_trusted_cert(root).unwrap()));
    let anchors: Vec<_> = anchors.collect();
    let leaves: Vec<Leaf> = files(&top).into_iter().filter_map(|path| leaf(&top, path)).collect();
    assert_eq!(leaves.len(), 3 * 12 + 1 + 3 * 2 + 2, "control planes, super-admin.conf, workers, alice and backup");
    for leaf in &leaves {
        verifies(leaf, &anchors);
    }
}

fn verifies(leaf: &Leaf, anchors: &[(&str, TrustAnchor<'_>)]) {
    let path = &leaf.path;
    let certificate = EndEntityCert::try_from(&leaf.certificate).unwrap();
    let verify = |anchor: &TrustAnchor<'_>, at: OffsetDateTime, usage: KeyUsage| {
        let at = UnixTime::since_unix_epoch((at - OffsetDateTime::UNIX_EPOCH).try_into().unwrap());
        let anchors = std::slice::from_ref(anchor);
        certificate.verify_for_usage(ALL_VERIFICATION_ALGS, anchors, &[], at, usage, None, None).map(|_| ())
    };
    let second = time::Duration::SECOND;
    for (name, anchor) in anchors {
        for (usage, allowed) in [(KeyUsage::server_auth(), leaf.server), (KeyUsage::client_auth(), leaf.client)] {
            let found = verify(anchor, NOT_BEFORE, usage);
            if !allowed {
                assert!(matches!(found, Err(Error::RequiredEkuNotFoundContext(_))), "{path}: {found:?}");
            } else if *name != leaf.ca {
                assert_eq!(found, Err(Error::UnknownIssuer), "{path} under {name}");
            } else {
                assert_eq!(found, Ok(()), "{path}");
                assert_eq!(verify(anchor, leaf.not_after, usage), Ok(()), "{path}");
                let early = verify(anchor, NOT_BEFORE - second, usage);
                assert!(matches!(early, Err(Error::CertNotValidYet { .. })), "{path}: {early:?}");
                let late = verify(anchor, leaf.not_after + second, usage);
                assert!(matches!(late, Err(Error::CertExpired { .. })), "{path}: {late:?}");
            }
        }
    }
    for name in &leaf.names {
        let name = ServerName::try_from(name.as_str()).unwrap();
        assert_eq!(certificate.verify_is_valid_for_subject_name(&name), Ok(()), "{path}: {name:?}");
    }
    let dns_names: Vec<&str> = certificate.valid_dns_names().collect();
    let mut expected: Vec<&str> =
        leaf.names.iter().map(String::as_str).filter(|name| name.parse::<std::net::IpAddr>().is_err()).collect();
    expected.sort_unstable();
    assert_eq!(dns_names, expected, "{path}");
    for name in ["cp-9", "corp.internal", "192.168.1.99", "10.0.0.1", "::2"] {
        let name = ServerName::try_from(name).unwrap();
        assert!(certificate.verify_is_valid_for_subject_name(&name).is_err(), "{path}: {name:?}");
    }
}

/// What the leaf certificate in a file is for, by its place alone; nothing for other files.
fn leaf(top: &Path, path: String) -> Option<Leaf> {
    let file =
        path.rsplit_once("etc/kubernetes/pki/").map_or_else(|| path.rsplit('/').next().unwrap(), |(_, file)| file);
    let node = path.strip_prefix("nodes/").and_then(|rest| rest.split('/').next()).unwrap_or("");
    let (ca, server, client, names): (_, _, _, fn(&str) -> Vec<String>) = match file {
        "apiserver.crt" => ("ca", true, false, api_server_names),
        "kubelet.crt" => ("ca", true, false, node_names),
        "etcd/server.crt" | "etcd/peer.crt" => ("etcd/ca", true, true, etcd_names),
        "etcd/healthcheck-client.crt" | "apiserver-etcd-client.crt" | "client.crt" => {
            ("etcd/ca", false, true, no_names)
        }
        "front-proxy-client.crt" => ("front-proxy-ca", false, true, no_names),
        "kubelet.conf" | "kubelet-client-current.pem" => return None,
        "apiserver-kubelet-client.crt" => ("ca", false, true, no_names),
        _ if file.ends_with(".conf") || file.ends_with(".pem") => ("ca", false, true, no_names),
        _ => {
            let is_leaf = file.ends_with(".crt") && !file.ends_with("ca.crt");
            assert!(!is_leaf, "nobody knows what {path} is for");
            return None;
        }
    };
    let full = top.join(&path);
    let certificate = if file.ends_with(".conf") {
        let kubeconfig = fs::read_to_string(full).unwrap();
        CertificateDer::from_pem_slice(&embedded(&kubeconfig, "client-certificate-data")).unwrap()
    } else {
        read_certificate(&full)
    };
    let belongs_to_cluster = path.starts_with("cluster/");
    let not_after = if belongs_to_cluster { datetime!(2170-01-01 00:00 UTC) } else { datetime!(2219-01-01 00:00 UTC) };
    Some(Leaf { names: names(node), path, certificate, ca, server, client, not_after })
}

fn read_certificate(path: &PathBuf) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(&fs::read(path).unwrap()).unwrap()
}

fn no_names(_: &str) -> Vec<String> {
    Vec::new()
}

/// A control plane's or a worker's own names and address in the example.
fn node_names(node: &str) -> Vec<String> {
    let (role, number) = node.split_once('-').unwrap();
    match role {
        "cp" => vec![node.to_owned(), format!("{node}.corp.internal"), format!("192.168.1.1{number}")],
        _ => vec![node.to_owned(), format!("192.168.1.2{number}")],
    }
}

fn etcd_names(node: &str) -> Vec<String> {
    let own = node_names(node);
    own.into_iter().chain(["localhost", "127.0.0.1", "::1"].map(str::to_owned)).collect()
}

fn api_server_names(node: &str) -> Vec<String> {
    let shared = [
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
        "k8s.corp.internal",
        "k8s.corp.example",
        "10.96.0.1",
        "192.168.1.100",
    ];
    node_names(node).into_iter().chain(shared.map(str::to_owned)).collect()
}
