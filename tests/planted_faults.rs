//! Bundles that are rightly signed and wrongly made: `verify` and `unpack` name each fault with its file.
//!
//! Genuine files are re-arranged and signed by a test's own key, as a defect of the building side would do it.

use crate::planting::{GENUINE, PKI, STORE, Tree, by, plants, unpacks};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certferry::bundle::KUBELET_CLIENT_LINK;

#[test]
fn the_genuine_files_have_no_fault() {
    for cluster in &*GENUINE {
        let desk = cluster.carry();
        let said = desk.succeed("verify lab-g1.tar.gz --key lab.pub --at 2027-01-01");
        assert!(said.starts_with("lab, generation 1, Kubernetes 1.24.15: the whole bundle, 3 nodes and the cluster's"));
    }
}

#[test]
fn the_key_of_another_certificate() {
    let lines =
        [&*by("key-pair", "node/cp-1  etc/kubernetes/pki/apiserver.key  key and certificate do not belong together")];
    let desk = plants(
        |lab, _| {
            let tree = lab.tree("node/cp-1");
            let key = tree.get(&format!("{PKI}/front-proxy-client.key"));
            tree.set(&format!("{PKI}/apiserver.key"), key);
        },
        &lines,
    );
    unpacks(&desk, "cp-1", &lines, "cp-2");
}

#[test]
fn the_key_of_another_seed_in_the_kubelets_store_and_in_kubeconfigs() {
    let data = |conf: &[u8], key: &str| {
        let text = String::from_utf8(conf.to_vec()).unwrap();
        text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix(": ")).unwrap().to_owned()
    };
    plants(
        |lab, other| {
            let (tree, foreign) = (lab.tree("node/cp-1"), &other.parts[&"node/cp-1".parse().unwrap()]);
            let certificate = |pem: &[u8]| {
                let text = String::from_utf8(pem.to_vec()).unwrap();
                text.split_inclusive("-----END CERTIFICATE-----\n").next().unwrap().to_owned()
            };
            let (own, theirs) = (tree.get(STORE), foreign.get(STORE));
            let key = String::from_utf8(theirs.clone()).unwrap().replace(&certificate(&theirs), "");
            tree.set(STORE, certificate(&own) + &key);
            let conf = "etc/kubernetes/scheduler.conf";
            let (own, theirs) = (tree.get(conf), foreign.get(conf));
            let (from, to) = (data(&own, "client-key-data"), data(&theirs, "client-key-data"));
            tree.set(conf, String::from_utf8(own).unwrap().replace(&from, &to));
        },
        &[
            &by("key-pair", &format!("node/cp-1  {STORE}  key and certificate do not belong together")),
            &by("key-pair", "node/cp-1  etc/kubernetes/scheduler.conf  key and certificate do not belong together"),
        ],
    );
}

#[test]
fn the_authority_of_another_seed() {
    let unknown = |file: &str| format!("node/w-1  {file}  no CA beside it signed it; it names CN=kubernetes");
    let lines = [
        unknown(STORE),
        unknown("var/lib/kubelet/pki/kubelet.crt"),
        by("kubeconfig-ca", "node/w-1  etc/kubernetes/kubelet.conf  holds another CA than pki/ca.crt"),
        by(
            "same-everywhere",
            "node/w-1  etc/kubernetes/pki/ca.crt  differs from the one of node/cp-1, and must be the same everywhere",
        ),
    ];
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let ca = format!("{PKI}/ca.crt");
    let desk = plants(|lab, other| lab.tree("node/w-1").set(&ca, other.clone().tree("node/w-1").get(&ca)), &lines);
    unpacks(&desk, "w-1", &lines, "cp-1");
}

#[test]
fn a_whole_node_of_another_seed() {
    let differs = |name: &str| {
        let text =
            format!("node/cp-2  {PKI}/{name}  differs from the one of node/cp-1, and must be the same everywhere");
        by("same-everywhere", &text)
    };
    let names = ["ca.crt", "etcd/ca.crt", "front-proxy-ca.crt", "sa.key", "sa.pub"].map(differs);
    let lines: Vec<_> = names.iter().map(String::as_str).collect();
    let desk = plants(|lab, other| *lab.tree("node/cp-2") = other.clone().tree("node/cp-2").clone(), &lines);
    // It fits itself, and `unpack` still holds it against the others.
    unpacks(&desk, "cp-2", &lines, "w-1");
}

#[test]
fn a_kubeconfig_of_another_seed() {
    // It fits itself: certificate, key and embedded CA are of one seed.
    let conf = "etc/kubernetes/admin.conf";
    let lines = [&*by("kubeconfig-ca", "node/cp-1  etc/kubernetes/admin.conf  holds another CA than pki/ca.crt")];
    let desk = plants(|lab, other| lab.tree("node/cp-1").set(conf, other.clone().tree("node/cp-1").get(conf)), &lines);
    unpacks(&desk, "cp-1", &lines, "w-1");
    // A user's lies in a part without ca.crt.
    let conf = "users/alice.conf";
    let line = by("kubeconfig-ca", "cluster  users/alice.conf  holds another CA than pki/ca.crt");
    let desk = plants(|lab, other| lab.tree("cluster").set(conf, other.clone().tree("cluster").get(conf)), &[&line]);
    let hint = "hint: nothing was written; build the bundle again";
    desk.refuse(
        "unpack lab-g1.tar.gz --key lab.pub --at 2027-01-01 --with-cluster --root wrong --quiet",
        1,
        &format!("error: the files of the cluster's part would not work\n{line}\n{hint}\n"),
    );
    // No node is concerned.
    desk.succeed("unpack lab-g1.tar.gz --key lab.pub --at 2027-01-01 --node cp-1 --root right --quiet");
}

#[test]
fn a_kubeconfig_with_another_authority() {
    let conf = "etc/kubernetes/controller-manager.conf";
    plants(
        |lab, other| {
            let tree = lab.tree("node/cp-1");
            let ca = |tree: &Tree| STANDARD.encode(tree.get(&format!("{PKI}/ca.crt")));
            let text = String::from_utf8(tree.get(conf)).unwrap();
            let (from, to) = (ca(tree), ca(other.clone().tree("node/cp-1")));
            assert!(text.contains(&from));
            tree.set(conf, text.replace(&from, &to));
        },
        &[
            &by("kubeconfig-ca", "node/cp-1  etc/kubernetes/controller-manager.conf  holds another CA than pki/ca.crt"),
            "node/cp-1  etc/kubernetes/controller-manager.conf  no CA beside it signed it; it names CN=kubernetes",
        ],
    );
}

#[test]
fn an_etcd_clients_other_authority() {
    let differs = |file: &str| {
        by(
            "same-everywhere",
            &format!(
                "cluster  etcd-clients/backup/{file}  differs from the one of node/cp-1, and must be the same everywhere"
            ),
        )
    };
    plants(
        |lab, other| {
            for file in ["ca.crt", "client.crt", "client.key"] {
                let path = format!("etcd-clients/backup/{file}");
                lab.tree("cluster").set(&path, other.clone().tree("cluster").get(&path));
            }
        },
        &[&differs("ca.crt")],
    );
}

#[test]
fn missing_halves() {
    let alone = "key or certificate is missing beside it";
    let lines = [
        format!("node/cp-1  {PKI}/apiserver.crt  {alone}"),
        format!("node/cp-1  {PKI}/front-proxy-client.key  {alone}"),
        format!("node/cp-1  {PKI}/sa.key  {alone}"),
        format!("node/cp-1  var/lib/kubelet/pki/kubelet.crt  {alone}"),
    ];
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    plants(
        |lab, _| {
            let tree = lab.tree("node/cp-1");
            for name in ["apiserver.key", "front-proxy-client.crt", "sa.pub"] {
                tree.remove(&format!("{PKI}/{name}"));
            }
            tree.remove("var/lib/kubelet/pki/kubelet.key");
        },
        &lines,
    );
    // A CA's key may be missing: that is external-CA mode. Its certificate may not.
    let [mut lab, _] = GENUINE.clone();
    for name in ["ca.key", "front-proxy-ca.key", "etcd/ca.key"] {
        lab.tree("node/cp-1").remove(&format!("{PKI}/{name}"));
    }
    lab.carry().succeed("verify lab-g1.tar.gz --key lab.pub --at 2027-01-01 --quiet");
    plants(
        |lab, _| lab.tree("node/cp-1").remove(&format!("{PKI}/front-proxy-ca.crt")),
        &[
            &format!("node/cp-1  {PKI}/front-proxy-client.crt  no CA beside it signed it; it names CN=front-proxy-ca"),
            &format!("node/cp-1  {PKI}/front-proxy-ca.key  {alone}"),
        ],
    );
}

#[test]
fn a_kubelets_certificate_that_is_not_where_its_kubeconfig_looks() {
    let missing = "node/w-1  etc/kubernetes/kubelet.conf  refers to /var/lib/kubelet/pki/kubelet-client-current.pem, \
                   which is not there";
    let desk = plants(|lab, _| lab.tree("node/w-1").remove(KUBELET_CLIENT_LINK), &[missing]);
    unpacks(&desk, "w-1", &[missing], "cp-1");
    plants(
        |lab, _| {
            lab.tree("node/w-1").remove(KUBELET_CLIENT_LINK);
            lab.tree("node/w-1").remove(STORE);
        },
        &[missing],
    );
}

#[test]
fn service_account_keys_that_differ_between_control_planes() {
    let differs = |file: &str| {
        let text =
            format!("node/cp-2  {PKI}/{file}  differs from the one of node/cp-1, and must be the same everywhere");
        by("same-everywhere", &text)
    };
    let (key, public) = (format!("{PKI}/sa.key"), format!("{PKI}/sa.pub"));
    plants(
        |lab, other| {
            for path in [&key, &public] {
                lab.tree("node/cp-2").set(path, other.clone().tree("node/cp-2").get(path));
            }
        },
        &[&differs("sa.key"), &differs("sa.pub")],
    );
    plants(
        |lab, other| lab.tree("node/cp-2").set(&public, other.clone().tree("node/cp-2").get(&public)),
        &[
            &by("key-pair", &format!("node/cp-2  {key}  key and certificate do not belong together")),
            &differs("sa.pub"),
        ],
    );
}

#[test]
fn files_that_hold_something_else() {
    let line = |file: &str, fault: &str| format!("node/cp-1  {PKI}/{file}  {fault}");
    let lines = [
        line("apiserver-etcd-client.crt", "is not PEM"),
        line("apiserver-kubelet-client.crt", "is not PEM"),
        line("apiserver.key", "holds a key that is broken or of an unknown kind"),
        line("etcd/peer.crt", "holds something that is neither certificate nor key"),
        line("etcd/healthcheck-client.crt", "does not hold exactly what such a file should"),
        "node/cp-1  etc/kubernetes/scheduler.conf  is not a kubeconfig as certferry writes it".to_owned(),
    ];
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    plants(
        |lab, _| {
            let tree = lab.tree("node/cp-1");
            let path = |name: &str| format!("{PKI}/{name}");
            tree.set(&path("apiserver-etcd-client.crt"), "nothing of the kind\n");
            tree.set(&path("apiserver-kubelet-client.crt"), "");
            // The last digits of the key, where its public half stands.
            let key = String::from_utf8(tree.get(&path("apiserver.key"))).unwrap();
            tree.set(&path("apiserver.key"), key.replacen("\nMHcCAQEE", "\nMHcCAQEF", 1));
            let request = String::from_utf8(tree.get(&path("etcd/peer.crt"))).unwrap();
            tree.set(&path("etcd/peer.crt"), request.replace("CERTIFICATE-", "CERTIFICATE REQUEST-"));
            let twice = tree.get(&path("etcd/healthcheck-client.crt")).repeat(2);
            tree.set(&path("etcd/healthcheck-client.crt"), twice);
            tree.set("etc/kubernetes/scheduler.conf", "apiVersion: v1\nkind: Config\n");
        },
        &lines,
    );
}

#[test]
fn a_kubeconfig_that_says_the_same_in_other_bytes() {
    for (from, to) in [("kind: Config", "kind: 'Config'"), ("apiVersion: v1\n", "apiVersion: v1\n\n")] {
        let conf = "etc/kubernetes/controller-manager.conf";
        plants(
            |lab, _| {
                let tree = lab.tree("node/cp-1");
                let text = String::from_utf8(tree.get(conf)).unwrap();
                let other = text.replacen(from, to, 1);
                assert_ne!(other, text);
                tree.set(conf, other);
            },
            &[&format!("node/cp-1  {conf}  is not a kubeconfig as certferry writes it")],
        );
    }
}

#[test]
fn a_certificate_that_cannot_be_read() {
    let [mut cluster, _] = GENUINE.clone();
    let path = format!("{PKI}/apiserver.crt");
    let text = String::from_utf8(cluster.tree("node/cp-1").get(&path)).unwrap();
    // One line less in the middle: still PEM.
    let cut: String =
        text.split_inclusive('\n').enumerate().filter(|(line, _)| *line != 3).map(|(_, line)| line).collect();
    cluster.tree("node/cp-1").set(&path, cut);
    let ended = cluster.carry().run("verify lab-g1.tar.gz --key lab.pub --at 2027-01-01");
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains(&format!("node/cp-1  {path}  holds a certificate that cannot be read: ")),
        "{}",
        ended.stderr
    );
}
