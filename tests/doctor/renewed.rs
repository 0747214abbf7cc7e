//! What a CA that was renewed over its own key leaves behind: each is named, with the day on which it ends.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use time::macros::datetime;

use crate::common::{succeed, tool};
use crate::doctor::Node;
use crate::doctor::objects::list;
use crate::doctor::planted::sign;
use crate::planting::faults::CP;
use crate::planting::{Cluster, GENUINE, PKI};

/// A file of `lab` as it was before the CA was renewed.
fn before(place: &str) -> String {
    let [mut lab, _] = GENUINE.clone();
    String::from_utf8(lab.tree(CP).get(place)).unwrap()
}

fn old_authority() -> String {
    before(&format!("{PKI}/ca.crt"))
}

/// Renews the cluster's CA.
pub(crate) fn renew(lab: &mut Cluster, _: &Cluster) {
    lab.reissue_ca("ca", |forge| {
        forge.not_after = datetime!(2326-01-01 0:00 UTC);
        forge.serial = vec![0x51];
    });
}

fn cluster_info() -> Value {
    let authority = STANDARD.encode(old_authority());
    let cluster = json!({ "server": "https://k8s.lab:6443", "certificate-authority-data": authority });
    let kubeconfig =
        json!({ "apiVersion": "v1", "kind": "Config", "clusters": [{ "name": "", "cluster": cluster }], "users": [] });
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": "cluster-info", "namespace": "kube-public" },
        "data": { "kubeconfig": kubeconfig.to_string() },
    })
}

pub(crate) fn old_cluster_info(node: &Node) {
    node.save(&list(&[cluster_info()]));
}

/// A client whose certificate openssl signed with `keyid,issuer`, before the renewal.
pub(crate) fn named_by_serial(node: &Node) {
    node.write(&format!("{PKI}/old.crt"), old_authority());
    node.write(&format!("{PKI}/old.key"), node.text(&format!("{PKI}/ca.key")));
    let key = node.path(&format!("{PKI}/dashboard.key"));
    let kind = ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out"];
    succeed(tool("openssl").args(kind).arg(key));
    node.set_mode(&format!("{PKI}/dashboard.key"), 0o600);
    let extensions = b"keyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n\
                       authorityKeyIdentifier=keyid,issuer:always\n";
    sign(node, "dashboard", "/CN=dashboard", "old", extensions);
    node.remove(&format!("{PKI}/old.crt"));
    node.remove(&format!("{PKI}/old.key"));
}

/// The last second of a certificate, as openssl says it.
fn end_of(certificate: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.crt");
    std::fs::write(&file, certificate).unwrap();
    let mut openssl = tool("openssl");
    let said = succeed(openssl.args(["x509", "-noout", "-enddate", "-dateopt", "iso_8601", "-in"]).arg(&file));
    said.trim().strip_prefix("notAfter=").unwrap().replace(' ', "T")
}

fn old_kubeconfig() -> String {
    format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: local\n  cluster:\n    server: https://10.96.0.1:443\n    \
         certificate-authority-data: {}\nusers:\n- name: calico\n  user:\n    token: abc\ncontexts:\n\
         - name: calico-context\n  context: {{cluster: local, user: calico}}\ncurrent-context: calico-context\n",
        STANDARD.encode(old_authority())
    )
}

#[test]
fn whoever_has_an_older_certificate_of_a_renewed_authority_is_named_with_the_day() {
    let node = Node::control_plane(renew);
    assert_eq!(node.findings(), Vec::<Value>::new());
    node.write("etc/cni/net.d/calico-kubeconfig", old_kubeconfig());
    node.write("root/.kube/config", before("etc/kubernetes/admin.conf"));
    for place in ["etc/cni/net.d/calico-kubeconfig", "root/.kube/config"] {
        node.set_mode(place, 0o600);
    }
    node.write(&format!("{PKI}/bundle.crt"), old_authority());
    named_by_serial(&node);
    let token = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/service-account-token",
        "metadata": { "name": "default-token", "namespace": "apps" },
        "data": { "ca.crt": STANDARD.encode(old_authority()) },
    });
    let service = json!({ "name": "metrics-server", "namespace": "kube-system" });
    let aggregated = json!({
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": { "name": "v1beta1.metrics.k8s.io" },
        "spec": { "service": service, "caBundle": STANDARD.encode(old_authority()) },
    });
    node.save(&list(&[cluster_info(), token, aggregated]));
    let found = node.findings();
    let end = end_of(&old_authority());
    for (rule, what) in [
        ("kubeconfig-ca-renewed", "etc/cni/net.d/calico-kubeconfig has an older certificate of the CA"),
        ("kubeconfig-ca-renewed", "root/.kube/config has an older certificate of the CA"),
        ("old-ca-certificate", "etc/kubernetes/pki/bundle.crt has an older certificate of the CA"),
        ("old-ca-certificate", "ConfigMap kube-public/cluster-info in objects.yaml has an older certificate"),
        ("old-ca-certificate", "Secret apps/default-token in objects.yaml has an older certificate"),
        ("old-ca-certificate", "the caBundle of APIService v1beta1.metrics.k8s.io in objects.yaml has an older"),
    ] {
        let finding = found.iter().find(|finding| finding["what"].as_str().unwrap().starts_with(what));
        let finding = finding.unwrap_or_else(|| panic!("{what}: {found:#?}"));
        assert_eq!((&finding["rule"], &finding["severity"]), (&json!(rule), &json!("warning")), "{finding}");
        let why = finding["why"].as_str().unwrap();
        assert!(why.starts_with(&format!("it works until that older certificate ends, at {end}")), "{why}");
    }
    assert_eq!(found.len(), 7, "{found:#?}");
    let serial = found.iter().find(|finding| finding["rule"] == "authority-serial").unwrap();
    assert_eq!(serial["file"], "etc/kubernetes/pki/dashboard.crt");
    // OpenSSL says what is told, and not of the older certificate.
    let openssl = |authority: &str| {
        let mut openssl = tool("openssl");
        openssl.args(["verify", "-attime", "1798761600", "-CAfile"]).arg(node.path(&format!("{PKI}/{authority}")));
        crate::common::run(openssl.arg(node.path(&format!("{PKI}/dashboard.crt"))))
    };
    let said = String::from_utf8(openssl("ca.crt").stderr).unwrap();
    assert!(said.contains("unable to get local issuer certificate"), "{said}");
    assert!(serial["why"].as_str().unwrap().contains("`unable to get local issuer certificate`"));
    assert!(openssl("bundle.crt").status.success());

    // The mends hold.
    let plugin = found.iter().find(|finding| finding["file"] == "etc/cni/net.d/calico-kubeconfig").unwrap();
    assert_eq!(plugin["mend"], "restart the pod of the network plugin on this node, which writes it anew");
    let home = found.iter().find(|finding| finding["file"] == "root/.kube/config").unwrap();
    let mend = home["mend"].as_str().unwrap();
    assert!(
        mend.starts_with("`kubectl config set-cluster ") && mend.contains(" --kubeconfig /root/.kube/config "),
        "{mend}"
    );
}

/// After the day.
#[test]
fn an_older_certificate_that_has_ended_is_said_to_work_no_more() {
    let node = Node::control_plane(renew);
    node.write("etc/cni/net.d/10-flannel-kubeconfig", old_kubeconfig());
    node.set_mode("etc/cni/net.d/10-flannel-kubeconfig", 0o600);
    let output = node.run(&["-o", "json", "--at", "2310-01-01"]);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let end = end_of(&old_authority());
    let findings = said["findings"].as_array().unwrap();
    let is_it = |finding: &&Value| finding["rule"] == "kubeconfig-ca-renewed";
    let why = findings.iter().find(is_it).unwrap()["why"].as_str().unwrap();
    assert!(why.starts_with(&format!("it works no more: that older certificate ended at {end};")), "{why}");
}
