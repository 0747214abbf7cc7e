//! What profiles that pass say: defaults, ranges, dates, addresses.

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use certferry::cli::text::problems::render;
use certferry::kubernetes::{Role, Version};
use certferry::profile::{Authority, Endpoint, EtcdTopology, Profile, ShipCaKeys, parse};
use certferry::x509::{AltName, KeyAlgorithm};
use sha2::{Digest, Sha256};
use time::macros::{date, datetime};

fn parsed(source: &str) -> Profile {
    match parse(source.as_bytes()) {
        Ok(parsed) => parsed.profile,
        Err(problems) => panic!("{}", render("test.toml", source.as_bytes(), &problems)),
    }
}

fn example(name: &str) -> Profile {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles").join(name);
    parsed(&fs::read_to_string(file).unwrap())
}

/// The smallest profile, with `cluster` in its table and `rest` behind it.
fn minimal(cluster: &str, rest: &str) -> String {
    format!(
        "format = 1\n[cluster]\nname = \"c\"\nkubernetes = \"1.30.2\"\n{cluster}\n[[node]]\nname = \"n\"\n\
         role = \"control-plane\"\naddresses = [\"192.168.0.2\"]\n{rest}\n"
    )
}

fn issued(rest: &str) -> String {
    minimal("issued_at = 2026-11-22", rest)
}

#[test]
fn every_example_passes_without_a_warning() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        let source = fs::read(&file).unwrap();
        let name = file.to_str().unwrap();
        match parse(&source) {
            Ok(parsed) => assert!(parsed.warnings.is_empty(), "{}", render(name, &source, &parsed.warnings)),
            Err(problems) => panic!("{}", render(name, &source, &problems)),
        }
        count += 1;
    }
    assert_eq!(count, 8);
}

#[test]
fn defaults_are_those_of_the_format() {
    let source = issued("");
    let profile = parsed(&source);
    assert_eq!(profile.source, source.as_bytes());
    assert_eq!(profile.sha256, <[u8; 32]>::from(Sha256::digest(source.as_bytes())));

    let cluster = &profile.cluster;
    assert_eq!((cluster.name.as_str(), cluster.kubernetes), ("c", Version::new(30, 2)));
    assert_eq!((cluster.issued_at, cluster.generation), (date!(2026 - 11 - 22), 1));
    assert_eq!((cluster.control_plane_endpoint.as_ref(), cluster.api_server_port), (None, 6443));
    assert_eq!(cluster.service_subnets, ["10.96.0.0/12".parse().unwrap()]);
    assert_eq!((cluster.dns_domain.as_str(), cluster.etcd), ("cluster.local", EtcdTopology::Stacked));
    assert!(cluster.apiserver_cert_sans.is_empty() && cluster.etcd_cert_sans.is_empty());

    assert_eq!(profile.ship_ca_keys, ShipCaKeys::ControlPlane);
    let authorities = [&profile.kubernetes_ca, profile.etcd_ca.as_ref().unwrap(), &profile.front_proxy_ca];
    assert_eq!(authorities.map(|ca| ca.common_name.as_str()), ["kubernetes", "etcd-ca", "front-proxy-ca"]);
    for Authority { generation, algorithm, kubernetes, validity, .. } in authorities {
        assert_eq!((*generation, *algorithm, *kubernetes), (1, KeyAlgorithm::Rsa4096, Version::new(30, 2)));
        assert_eq!(validity.issued_at, date!(2026 - 11 - 22));
        assert_eq!(validity.not_before, datetime!(2026-11-21 0:00 UTC));
        assert_eq!(validity.not_after, datetime!(2226-11-22 0:00 UTC));
    }
    assert_eq!(profile.leaf_algorithm, KeyAlgorithm::Rsa2048);
    assert_eq!(profile.service_account.algorithm, KeyAlgorithm::Rsa2048);
    assert_eq!((profile.service_account.generation, profile.signer_generation), (1, 1));
    assert!(profile.kubelet.client && profile.kubelet.serving);

    let [node] = profile.nodes.as_slice() else { panic!("{:?}", profile.nodes) };
    assert_eq!((node.name.as_str(), node.role, node.generation), ("n", Role::ControlPlane, 1));
    assert_eq!(node.addresses, ["192.168.0.2".parse::<IpAddr>().unwrap()]);
    assert!(node.dns_names.is_empty());
    assert_eq!(node.validity.not_after, datetime!(2225-11-22 0:00 UTC));
    assert!(profile.users.is_empty() && profile.etcd_clients.is_empty());

    let profile = parsed(&issued("[[user]]\nname = \"alice\"\n[[etcd_client]]\nname = \"backup\"\n"));
    assert!(profile.users[0].groups.is_empty());
    assert_eq!((profile.users[0].generation, profile.etcd_clients[0].generation), (1, 1));
    assert_eq!(profile.users[0].validity.not_after, datetime!(2031-11-22 0:00 UTC));
    assert_eq!(profile.etcd_clients[0].validity.not_after, datetime!(2031-11-22 0:00 UTC));
}

#[test]
fn every_key_is_read() {
    let profile = parsed(
        r#"
format = 1
[cluster]
name = "prod-1"
kubernetes = "v1.24.15"
issued_at = 2026-11-22
generation = 2
control_plane_endpoint = "k8s.corp.internal:443"
api_server_port = 7443
service_subnets = ["fd00:96::/112", "10.96.0.0/16"]
dns_domain = "corp.local"
apiserver_cert_sans = ["*.corp.internal", "127.0.0.1", "k8s"]
etcd = "external"
etcd_cert_sans = ["fd00::e"]
[validity]
ca = "100y"
leaf = 2100-01-01T12:00:00Z
clock_skew = "0h"
[keys]
ca = "rsa-3072"
leaf = "ecdsa-p256"
service_account = "ecdsa-p384"
[ca_keys]
ship_to = "none"
[ca.kubernetes]
generation = 3
common_name = "prod kubernetes"
issued_at = 2020-02-29
validity = "200y"
algorithm = "rsa-4096"
kubernetes = "1.20.2"
[ca.front-proxy]
generation = 4
[service_account]
generation = 5
[kubelet]
client = true
serving = false
[[node]]
name = "cp-1"
role = "control-plane"
addresses = ["fd00::1", "10.0.0.1"]
dns_names = ["cp-1.corp", "a.corp"]
generation = 6
issued_at = 2027-01-01
[[node]]
name = "etcd-1"
role = "etcd"
addresses = ["10.0.1.1"]
[[node_pool]]
role = "worker"
names = "w[08..10].corp"
first_addresses = ["fd00::2:0", "10.1.255.254"]
generation = 7
issued_at = 2028-01-01
[[user]]
name = "system:alice"
groups = ["system:masters", "b", "a"]
allow_system = true
break_glass = true
validity = "90d"
generation = 8
issued_at = 2029-01-01
[[etcd_client]]
name = "backup"
validity = "48h"
generation = 9
issued_at = 2030-01-01
[bundle]
signer_generation = 10
"#,
    );
    let cluster = &profile.cluster;
    assert_eq!((cluster.kubernetes, cluster.generation, cluster.api_server_port), (Version::new(24, 15), 2, 7443));
    let endpoint = Endpoint { host: AltName::Dns("k8s.corp.internal".to_owned()), port: Some(443) };
    assert_eq!(cluster.control_plane_endpoint, Some(endpoint));
    assert_eq!(
        cluster.service_subnets.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["fd00:96::/112", "10.96.0.0/16"]
    );
    assert_eq!((cluster.dns_domain.as_str(), cluster.etcd), ("corp.local", EtcdTopology::External));
    assert_eq!(
        cluster.apiserver_cert_sans,
        [
            AltName::Dns("*.corp.internal".to_owned()),
            AltName::Ip([127, 0, 0, 1].into()),
            AltName::Dns("k8s".to_owned())
        ]
    );
    assert_eq!(cluster.etcd_cert_sans, [AltName::Ip("fd00::e".parse().unwrap())]);
    assert_eq!(profile.ship_ca_keys, ShipCaKeys::None);
    assert_eq!(profile.leaf_algorithm, KeyAlgorithm::EcdsaP256);
    assert_eq!(profile.service_account.algorithm, KeyAlgorithm::EcdsaP384);
    assert_eq!((profile.service_account.generation, profile.signer_generation), (5, 10));
    assert!(profile.kubelet.client && !profile.kubelet.serving);

    let ca = &profile.kubernetes_ca;
    assert_eq!((ca.generation, ca.common_name.as_str()), (3, "prod kubernetes"));
    assert_eq!((ca.algorithm, ca.kubernetes), (KeyAlgorithm::Rsa4096, Version::new(20, 2)));
    assert_eq!(ca.validity.not_before, datetime!(2020-02-29 0:00 UTC));
    assert_eq!(ca.validity.not_after, datetime!(2220-02-29 0:00 UTC));
    let ca = profile.etcd_ca.as_ref().unwrap();
    assert_eq!((ca.generation, ca.algorithm, ca.kubernetes), (1, KeyAlgorithm::Rsa3072, Version::new(24, 15)));
    assert_eq!(ca.validity.not_after, datetime!(2126-11-22 0:00 UTC));
    assert_eq!(profile.front_proxy_ca.generation, 4);

    let names: Vec<_> = profile.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["cp-1", "etcd-1", "w08.corp", "w09.corp", "w10.corp"]);
    assert_eq!(profile.nodes.iter().map(|node| node.generation).collect::<Vec<_>>(), [6, 1, 7, 7, 7]);
    assert_eq!(profile.nodes[0].dns_names, ["cp-1.corp", "a.corp"]);
    assert_eq!(profile.nodes[0].validity.not_before, datetime!(2027-01-01 0:00 UTC));
    assert_eq!(profile.nodes[0].validity.not_after, datetime!(2100-01-01 12:00 UTC));
    assert_eq!(profile.nodes[4].role, Role::Worker);
    assert_eq!(profile.nodes[4].validity.issued_at, date!(2028 - 01 - 01));
    let addresses: Vec<_> = profile.nodes[4].addresses.iter().map(ToString::to_string).collect();
    assert_eq!(addresses, ["fd00::2:2", "10.2.0.0"]);

    let user = &profile.users[0];
    assert_eq!((user.name.as_str(), user.generation), ("system:alice", 8));
    assert_eq!(user.groups, ["system:masters", "b", "a"]);
    assert_eq!(user.validity.not_after, datetime!(2029-04-01 0:00 UTC));
    let client = &profile.etcd_clients[0];
    assert_eq!((client.name.as_str(), client.generation), ("backup", 9));
    assert_eq!(client.validity.not_after, datetime!(2030-01-03 0:00 UTC));
}

/// The days are those of GNU `date -u -d "2026-11-22 + 73000 days"` and of Python's `datetime`.
#[test]
fn durations_follow_the_calendar() {
    let cases = [
        ("2026-11-22", "73000d", datetime!(2226-10-05 0:00 UTC)),
        ("2026-11-22", "87600h", datetime!(2036-11-19 0:00 UTC)),
        ("2026-11-22", "1h", datetime!(2026-11-22 1:00 UTC)),
        ("2024-02-29", "1y", datetime!(2025-02-28 0:00 UTC)),
        ("2024-02-29", "4y", datetime!(2028-02-29 0:00 UTC)),
        ("2000-02-29", "100y", datetime!(2100-02-28 0:00 UTC)),
        ("2000-02-29", "200y", datetime!(2200-02-28 0:00 UTC)),
        ("2000-02-29", "400y", datetime!(2400-02-29 0:00 UTC)),
        ("2200-12-31", "7799y", datetime!(9999-12-31 0:00 UTC)),
        ("2026-11-22", "9999-12-31T23:59:59Z", datetime!(9999-12-31 23:59:59 UTC)),
        ("2026-11-22", "2030-01-01T00:00:00+00:00", datetime!(2030-01-01 0:00 UTC)),
    ];
    for (issued_at, validity, not_after) in cases {
        let source = minimal(
            &format!("issued_at = {issued_at}"),
            &format!("issued_at = {issued_at}\n[validity]\nleaf = \"1h\"\n[ca.etcd]\nvalidity = \"{validity}\"\n"),
        );
        assert_eq!(parsed(&source).etcd_ca.unwrap().validity.not_after, not_after, "{issued_at} {validity}");
    }
}

#[test]
fn clock_skew_moves_the_first_second() {
    let cases = [
        ("2024-02-29", "0h", datetime!(2024-02-29 0:00 UTC)),
        ("2024-02-29", "1y", datetime!(2023-02-28 0:00 UTC)),
        ("2024-03-01", "25h", datetime!(2024-02-28 23:00 UTC)),
        ("2000-01-01", "366d", datetime!(1998-12-31 0:00 UTC)),
        ("2000-01-01", "8784h", datetime!(1998-12-31 0:00 UTC)),
    ];
    for (issued_at, skew, not_before) in cases {
        let rest = format!("[validity]\nclock_skew = \"{skew}\"");
        let profile = parsed(&minimal(&format!("issued_at = {issued_at}"), &rest));
        assert_eq!(profile.nodes[0].validity.not_before, not_before, "{issued_at} {skew}");
        assert_eq!(profile.kubernetes_ca.validity.not_before, not_before, "{issued_at} {skew}");
    }
}

/// Equal ends are the last that pass; `profile_errors` has the first that do not.
#[test]
fn limits_are_inclusive() {
    parsed(&issued("[validity]\nca = \"199y\"\nleaf = \"199y\""));
    parsed(&issued("[validity]\nca = \"300y\"\nleaf = \"290y\""));
    parsed(&issued("[validity]\nca = \"400y\"\nleaf = \"400y\"\n[kubelet]\nclient = false"));
    parsed(&issued("[ca.etcd]\ngeneration = 999999999\nvalidity = \"199y\""));
    for subnet in ["10.96.0.0/28", "10.96.0.0/12", "fd00::/108", "fd00::/124"] {
        let address = if subnet.starts_with('f') { "fd01::1" } else { "192.168.0.2" };
        let cluster = format!("issued_at = 2026-11-22\nservice_subnets = [\"{subnet}\"]");
        parsed(&minimal(&cluster, "").replace("192.168.0.2", address));
    }
    for version in ["1.20.0", "v1.37.99"] {
        parsed(&issued("").replace("1.30.2", version));
    }
    let longest = format!("{}.{}", "n".repeat(63), "n".repeat(27));
    assert_eq!(parsed(&issued("").replace("name = \"n\"", &format!("name = \"{longest}\""))).nodes[0].name.len(), 91);
    let user = "u".repeat(95);
    parsed(&issued(&format!("[[user]]\nname = \"{user}\"")));
}

/// A worker without kubelet certificates has none that could outlive a CA; an etcd node knows only etcd's.
#[test]
fn only_certificates_that_exist_are_held_to_their_ca() {
    let worker = "[[node]]\nname = \"w\"\nrole = \"worker\"\naddresses = [\"192.168.0.3\"]\nissued_at = 2200-01-01\n";
    assert!(parse(issued(worker).as_bytes()).is_err());
    parsed(&issued(&format!("{worker}[kubelet]\nclient = false\nserving = false")));
    let etcd = "[[node]]\nname = \"e\"\nrole = \"etcd\"\naddresses = [\"192.168.0.3\"]\nissued_at = 2200-01-01\n\
                [ca.etcd]\nvalidity = \"400y\"\n";
    parsed(&minimal("issued_at = 2026-11-22\netcd = \"external\"", etcd));
}

#[test]
fn endpoints_are_read_in_every_form() {
    let cases = [
        ("k8s.corp.internal", "k8s.corp.internal", None),
        ("k8s:1", "k8s", Some(1)),
        ("10.0.0.100:65535", "10.0.0.100", Some(65535)),
        ("10.0.0.100", "10.0.0.100", None),
        ("fd00::100", "fd00::100", None),
        ("[fd00:0:0::100]:6443", "fd00::100", Some(6443)),
        ("[fd00::100]", "fd00::100", None),
    ];
    for (written, host, port) in cases {
        let cluster = format!("issued_at = 2026-11-22\ncontrol_plane_endpoint = \"{written}\"");
        let endpoint = parsed(&minimal(&cluster, "")).cluster.control_plane_endpoint.unwrap();
        assert_eq!((endpoint.host.to_string().as_str(), endpoint.port), (host, port), "{written}");
    }
}

#[test]
fn a_pool_counts_with_carry() {
    let profile = example("thousand-nodes.toml");
    assert_eq!(profile.nodes.len(), 1000);
    let node = |name: &str| profile.nodes.iter().find(|node| node.name == name).unwrap().addresses[0].to_string();
    assert_eq!(node("worker-001"), "10.20.0.1");
    assert_eq!(node("worker-255"), "10.20.0.255");
    assert_eq!(node("worker-256"), "10.20.1.0");
    assert_eq!(node("worker-997"), "10.20.3.229");
}

/// As a shell counts in {8..11}, {08..11} and {1..2}.
#[test]
fn the_numbers_of_a_pool_are_as_wide_as_they_are_written() {
    for (range, expected) in [
        ("app-[8..11].lab", &["app-8.lab", "app-9.lab", "app-10.lab", "app-11.lab"][..]),
        ("app-[08..11]", &["app-08", "app-09", "app-10", "app-11"]),
        ("app-[1..2]", &["app-1", "app-2"]),
        ("app-[0..0]", &["app-0"]),
    ] {
        let pool = format!("[[node_pool]]\nrole = \"worker\"\nnames = \"{range}\"\nfirst_addresses = [\"10.0.0.8\"]");
        let profile = parsed(&issued(&pool));
        let nodes = profile.nodes.iter().filter(|node| node.name.starts_with("app-"));
        let found: Vec<_> = nodes.map(|node| (node.name.as_str(), node.addresses[0].to_string())).collect();
        let expected: Vec<_> = expected.iter().zip(8..).map(|(name, last)| (*name, format!("10.0.0.{last}"))).collect();
        assert_eq!(found, expected, "{range}");
    }
}

#[test]
fn the_largest_cluster_fits() {
    let profile = parsed(&issued(
        "[[node_pool]]\nrole = \"worker\"\nnames = \"w-[00001..99998]\"\nfirst_addresses = [\"10.0.0.1\"]",
    ));
    assert_eq!(profile.nodes.len(), 99_999);
}

#[test]
fn the_closed_network_example_says_true_dates() {
    let profile = example("closed-network-1.24.toml");
    assert_eq!(profile.kubernetes_ca.validity.not_after, datetime!(2226-10-05 0:00 UTC));
    assert_eq!(profile.nodes[0].validity.not_after, datetime!(2225-11-22 0:00 UTC));
    assert_eq!(profile.nodes[0].validity.not_before, datetime!(2026-11-15 0:00 UTC));
    assert_eq!(profile.kubernetes_ca.algorithm, KeyAlgorithm::Rsa2048);
}

#[test]
fn versions_are_full_or_nothing() {
    for (text, expected) in [
        ("1.24.15", Some(Version::new(24, 15))),
        ("v1.24.15", Some(Version::new(24, 15))),
        ("1.24.0", Some(Version::new(24, 0))),
        ("1.24", None),
        ("1.24.15.0", None),
        ("1.024.15", None),
        ("1.24.", None),
        ("1.24.+5", None),
        ("vv1.24.15", None),
        ("1.24.15-rc.1", None),
        ("1.24.4294967296", None),
        ("", None),
    ] {
        assert_eq!(Version::parse(text), expected, "{text:?}");
    }
}
