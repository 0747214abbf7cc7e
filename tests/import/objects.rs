//! What kubeadm's configuration and a list of nodes say, without a survey.

use certferry::import::{Objects, Subject, list};

use super::{imported, lines};

/// What `kubectl -n kube-system get configmap kubeadm-config -o yaml` prints of a cluster that kubeadm 1.20 made.
const CONFIG_MAP: &str = r#"apiVersion: v1
kind: ConfigMap
metadata:
  name: kubeadm-config
  namespace: kube-system
data:
  ClusterConfiguration: |
    apiServer:
      certSANs:
      - 10.0.0.100
      - K8S-2.lab
      - bad_name
      extraArgs:
        audit-policy-file: /etc/kubernetes/audit.yaml
        authorization-mode: Node,RBAC
        oidc-client-id: a-secret-nobody-wants-to-see
    apiVersion: kubeadm.k8s.io/v1beta2
    certificatesDir: /etc/kubernetes/pki
    clusterName: lab
    controlPlaneEndpoint: k8s.lab:6443
    etcd:
      local:
        dataDir: /var/lib/etcd
        serverCertSANs: [etcd.lab]
    kind: ClusterConfiguration
    kubernetesVersion: v1.20.2
    networking:
      dnsDomain: corp.internal
      serviceSubnet: 10.96.0.0/12
  ClusterStatus: |
    apiEndpoints:
      cp-1:
        advertiseAddress: 192.168.10.5
        bindPort: 6443
    apiVersion: kubeadm.k8s.io/v1beta2
    kind: ClusterStatus
"#;

const NODES: &str = r#"apiVersion: v1
items:
- apiVersion: v1
  kind: Node
  metadata:
    labels: {node-role.kubernetes.io/master: ""}
    name: cp-1
  status:
    addresses: [{address: 192.168.10.5, type: InternalIP}, {address: cp-1, type: Hostname}]
    nodeInfo: {kubeletVersion: v1.20.2}
- apiVersion: v1
  kind: Node
  metadata:
    name: worker-1
  status:
    addresses: [{address: 192.168.10.7, type: InternalIP}, {address: 203.0.113.9, type: ExternalIP}]
    nodeInfo: {kubeletVersion: v1.19.9}
kind: List
"#;

const PROFILE: &str = r#"# The profile of a cluster that runs, written by `certferry init --from`. Behind each value stands where it comes from.
# What is a comment is for a person to decide; the list beside this file says why. `certferry help profile` has every key.
format = 1

[cluster]
name = "lab"  # clusterName in config.yaml
kubernetes = "1.20.2"  # kubernetesVersion in config.yaml
issued_at = 2026-11-22  # the day of this import; validity counts from it
control_plane_endpoint = "k8s.lab:6443"  # controlPlaneEndpoint in config.yaml
api_server_port = 6443  # bindPort in config.yaml
service_subnets = ["10.96.0.0/12"]  # networking.serviceSubnet in config.yaml
dns_domain = "corp.internal"  # networking.dnsDomain in config.yaml
etcd = "stacked"  # etcd in config.yaml
kubeconfig_cluster_name = "lab"  # clusterName in config.yaml
apiserver_cert_sans = [
  "10.0.0.100",  # apiServer.certSANs in config.yaml
  "k8s-2.lab",  # apiServer.certSANs in config.yaml
]
etcd_cert_sans = [
  "etcd.lab",  # the certSANs of etcd.local in config.yaml
]

[validity]
ca = "200y"  # certferry's own; for CAs that are renewed or made
leaf = "199y"  # certferry's own

[ca.kubernetes]
certificate = "adopted/ca.crt"  # not known: no source has it, so bring it
key = "adopted/ca.key"  # bring it: it is on no node that was surveyed
# renew = true  # for a CA that signed itself: the same key and name, with a later end

[ca.etcd]
certificate = "adopted/etcd/ca.crt"  # not known: no source has it, so bring it
key = "adopted/etcd/ca.key"  # bring it: it is on no node that was surveyed
# renew = true  # for a CA that signed itself: the same key and name, with a later end

[ca.front-proxy]
certificate = "adopted/front-proxy-ca.crt"  # not known: no source has it, so bring it
key = "adopted/front-proxy-ca.key"  # bring it: it is on no node that was surveyed
# renew = true  # for a CA that signed itself: the same key and name, with a later end

[service_account]
key = "adopted/sa.key"  # bring it: it is on no node that was surveyed

[kubelet]
# serving = true  # not known

[[node]]
name = "cp-1"  # metadata.name in nodes.yaml
role = "control-plane"  # the labels of cp-1 in nodes.yaml
addresses = ["192.168.10.5"]  # localAPIEndpoint in config.yaml

[[node]]
name = "worker-1"  # metadata.name in nodes.yaml
role = "worker"  # the labels of worker-1 in nodes.yaml
addresses = ["192.168.10.7"]  # InternalIP of worker-1 in nodes.yaml
"#;

const LIST: &str = "\
Not known: fill it in
- `serving` in [kubelet]: no source says whether kubelets ask the cluster for their serving certificates (serverTLSBootstrap); without it a profile means `true`: every kubelet gets one from the bundle

Bring: to the folder of the profile, with mode 0600
- adopted/ca.crt: the certificate of the CA of [ca.kubernetes]; no survey of such a node was given
- adopted/ca.key: the key of the CA of [ca.kubernetes]; it is on no node that was surveyed
- adopted/etcd/ca.crt: the certificate of the CA of [ca.etcd]; no survey of such a node was given
- adopted/etcd/ca.key: the key of the CA of [ca.etcd]; it is on no node that was surveyed
- adopted/front-proxy-ca.crt: the certificate of the CA of [ca.front-proxy]; no survey of such a node was given
- adopted/front-proxy-ca.key: the key of the CA of [ca.front-proxy]; it is on no node that was surveyed
- adopted/sa.key: the key that signs the tokens of service accounts; it is on no node that was surveyed

Keep: the cluster needs it, and no bundle has it
- --audit-policy-file=/etc/kubernetes/audit.yaml of kube-apiserver, extraArgs in config.yaml: audit
- --oidc-client-id (its value is not shown) of kube-apiserver, extraArgs in config.yaml: people log in by it

Otherwise: what a bundle makes in another shape than it is
- apiServer.certSANs in config.yaml asks for \"bad_name\", which no profile can name
";

#[test]
fn every_value_has_its_source_behind_it() {
    let imported = imported(&[], &[("config.yaml", CONFIG_MAP), ("nodes.yaml", NODES)]);
    assert_eq!(imported.profile, PROFILE);
    assert_eq!(list(&imported.findings), LIST);
    assert!(imported.adopted.is_empty());
    let parsed = certferry::profile::parse(imported.profile.as_bytes()).ok().unwrap();
    assert_eq!(parsed.profile.nodes.len(), 2);
}

/// The same cluster in every version of kubeadm's configuration.
#[test]
fn every_version_of_kubeadms_configuration_is_read() {
    for version in ["v1beta1", "v1beta2", "v1beta3", "v1beta4"] {
        let arguments = match version {
            "v1beta4" => "[{name: encryption-provider-config, value: /etc/kubernetes/enc.yaml}]",
            _ => "{encryption-provider-config: /etc/kubernetes/enc.yaml}",
        };
        let text = format!(
            "apiVersion: kubeadm.k8s.io/{version}\nkind: ClusterConfiguration\nkubernetesVersion: 1.31.4\nclusterName: prod-9\n\
             controlPlaneEndpoint: \"[fd00::100]:6443\"\nnetworking: {{serviceSubnet: \"fd00:10:96::/112\"}}\n\
             apiServer: {{extraArgs: {arguments}}}\netcd: {{external: {{endpoints: [\"https://[fd00::31]:2379\"]}}}}\n---\n\
             apiVersion: kubeadm.k8s.io/{version}\nkind: InitConfiguration\nlocalAPIEndpoint: {{advertiseAddress: \"fd00::11\", bindPort: 7443}}\n\
             nodeRegistration: {{name: a}}\nbootstrapTokens: [{{token: abcdef.0123456789abcdef}}]\n---\n\
             apiVersion: kubeadm.k8s.io/{version}\nkind: JoinConfiguration\nnodeRegistration: {{name: b}}\n\
             controlPlane: {{localAPIEndpoint: {{advertiseAddress: \"fd00::12\"}}}}\ndiscovery: {{tlsBootstrapToken: abcdef.0123456789abcdef}}\n"
        );
        let imported = imported(&[], &[("kubeadm.yaml", &text)]);
        for line in [
            "name = \"prod-9\"  # clusterName in kubeadm.yaml",
            "kubernetes = \"1.31.4\"  # kubernetesVersion in kubeadm.yaml",
            "control_plane_endpoint = \"[fd00::100]:6443\"  # controlPlaneEndpoint in kubeadm.yaml",
            "api_server_port = 7443  # bindPort in kubeadm.yaml",
            "service_subnets = [\"fd00:10:96::/112\"]  # networking.serviceSubnet in kubeadm.yaml",
            "etcd = \"external\"  # etcd in kubeadm.yaml",
            "addresses = [\"fd00::11\"]  # localAPIEndpoint in kubeadm.yaml",
            "addresses = [\"fd00::12\"]  # localAPIEndpoint in kubeadm.yaml",
            "# A member of etcd at [fd00::31]:2379: etcd.external.endpoints in kubeadm.yaml",
            "# addresses = [\"fd00::31\"]",
        ] {
            assert!(imported.profile.lines().any(|written| written == line), "{version}: {line}\n{}", imported.profile);
        }
        let keep = "--encryption-provider-config=/etc/kubernetes/enc.yaml of kube-apiserver, extraArgs in kubeadm.yaml: without its \
                    keys, what etcd has encrypted is lost";
        assert_eq!(lines(&imported, Subject::Keep), [keep]);
        assert!(!imported.profile.contains("abcdef") && !list(&imported.findings).contains("abcdef"), "{version}");
    }
}

#[test]
fn kubelets_that_ask_for_serving_certificates_get_none() {
    let kubelet = "apiVersion: v1\nkind: ConfigMap\ndata:\n  kubelet: |\n    kind: KubeletConfiguration\n    serverTLSBootstrap: true\n";
    let imported = imported(&[], &[("kubelet.yaml", kubelet)]);
    let line = "serving = false  # kubelets ask the cluster for theirs: serverTLSBootstrap in kubelet.yaml";
    assert!(imported.profile.lines().any(|written| written == line), "{}", imported.profile);
}

#[test]
fn what_says_nothing_is_refused_with_the_reason() {
    for (text, reason) in [
        ("a: [", "is not YAML: "),
        (
            "apiVersion: kubeadm.k8s.io/v1alpha3\nkind: ClusterConfiguration\n",
            "has the version `kubeadm.k8s.io/v1alpha3`; this version of certferry reads kubeadm.k8s.io/v1beta1 to v1beta4",
        ),
        ("kind: Pod\n---\nkind: Secret\n", "says nothing of a cluster: it holds the kind Pod, the kind Secret"),
        ("kind: ConfigMap\ndata: {a: b}\n", "says nothing of a cluster: it holds a ConfigMap"),
        ("a: b\n", "says nothing of a cluster: it holds something without a kind"),
        ("", "says nothing of a cluster: it holds no object"),
    ] {
        let error = Objects::default().add("x.yaml", text.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(reason), "{error}");
    }
}

/// What a person writes into the wrong place may be a password.
#[test]
fn a_value_of_no_form_is_not_repeated() {
    let words = ["root:SECRETWORD@lb.corp:6443", "https://u:SECRETWORD@x", "a?SECRETWORD"];
    let [endpoint, name, domain] = words;
    let text = format!(
        "apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\nkubernetesVersion: \"{domain}\"\n\
         controlPlaneEndpoint: \"{endpoint}\"\napiServer: {{certSANs: [\"{name}\"]}}\n\
         etcd: {{local: {{serverCertSANs: [\"{name}\"]}}}}\n\
         networking: {{serviceSubnet: \"{endpoint}\", dnsDomain: \"{domain}\"}}\n---\n\
         apiVersion: kubeadm.k8s.io/v1beta3\nkind: InitConfiguration\nnodeRegistration: {{name: \"{name}\"}}\n\
         localAPIEndpoint: {{advertiseAddress: \"{endpoint}\"}}\n"
    );
    let imported = imported(&[], &[("kubeadm.yaml", &text)]);
    let said: String = imported.findings.iter().map(|finding| format!("{}\n", finding.text)).collect();
    assert!(
        said.contains("controlPlaneEndpoint in kubeadm.yaml, a text that is not shown, is no host and port"),
        "{said}"
    );
    assert!(!said.contains("SECRETWORD") && !imported.profile.contains("SECRETWORD"), "{said}{}", imported.profile);
}

/// Documents in ConfigMaps in documents lead nowhere, however deep.
#[test]
fn a_config_map_holds_configurations_and_no_further_config_maps() {
    let mut text =
        "kind: ClusterConfiguration\napiVersion: kubeadm.k8s.io/v1beta3\nkubernetesVersion: v1.24.15\n".to_owned();
    for _ in 0..2 {
        let inner: String = text.lines().map(|line| format!("    {line}\n")).collect();
        text = format!("kind: ConfigMap\ndata:\n  a: |\n{inner}");
    }
    let mut objects = Objects::default();
    let said = objects.add("deep.yaml", text.as_bytes()).unwrap_err().to_string();
    assert_eq!(said, "says nothing of a cluster: it holds a ConfigMap");
}
