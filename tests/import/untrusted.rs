//! What nodes say is text. It never becomes TOML, a second line, or an order to a terminal.

use certferry::import::list;

use super::imported;

const EVIL: &str =
    "x\\\" ]\\n[[user]]\\nname = \\\"mallory\\\"\\nbreak_glass = true\\n\\u001B[2J#\\u202E'''\\\"\\\"\\\"";

#[test]
fn nothing_that_a_node_says_becomes_toml() {
    let survey = format!(
        "survey = 1\n[node]\nhost_name = \"{EVIL}\"\nnode_name = \"{EVIL}\"\nrole = \"control-plane\"\nkubernetes = \"{EVIL}\"\n\
         addresses = [\"{EVIL}\"]\n[[program]]\nname = \"kube-apiserver\"\nkind = \"static-pod\"\npath = \"{EVIL}\"\nversion = \"{EVIL}\"\n\
         settings = [{}]\nwithheld = [\"{EVIL}\", \"oidc-issuer-url\"]\n[[configuration]]\npath = \"{EVIL}\"\nkind = \"KubeletConfiguration\"\n\
         settings = [{{ name = \"serverTLSBootstrap\", value = \"{EVIL}\" }}, {{ name = \"clusterDomain\", value = \"{EVIL}\" }}]\n\
         [[file]]\npath = \"{EVIL}\"\nmode = \"{EVIL}\"\nowner = 0\ngroup = 0\ncertificates = [\"{EVIL}\"]\nprivate_keys = [\"{EVIL}\"]\n\
         [[kubeconfig]]\npath = \"etc/kubernetes/admin.conf\"\nmode = \"0600\"\nowner = 0\ngroup = 0\n[[kubeconfig.cluster]]\nname = \"{EVIL}\"\n\
         server = \"{EVIL}\"\n[[kubeconfig.user]]\nname = \"{EVIL}\"\nwithheld = [\"{EVIL}\"]\n[[unread]]\npath = \"{EVIL}\"\nreason = \"{EVIL}\"\n",
        [
            "advertise-address",
            "secure-port",
            "service-cluster-ip-range",
            "etcd-servers",
            "client-ca-file",
            "service-account-issuer"
        ]
        .map(|name| format!("{{ name = \"{name}\", value = \"{EVIL}\" }}"))
        .join(", ")
    );
    let evil = EVIL.replace("\\u001B", "\\e").replace("\\u202E", "\\u202e");
    let objects = format!(
        "apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\nclusterName: \"{evil}\"\nkubernetesVersion: \"{evil}\"\n\
         controlPlaneEndpoint: \"{evil}\"\ncertificatesDir: \"/{evil}\"\nnetworking: {{serviceSubnet: \"{evil}\", dnsDomain: \"{evil}\"}}\n\
         apiServer: {{certSANs: [\"{evil}\"], extraArgs: {{audit-policy-file: \"/{evil}\"}}}}\netcd: {{external: {{endpoints: [\"{evil}\"]}}}}\n---\n\
         kind: Node\nmetadata: {{name: \"{evil}\"}}\nstatus: {{addresses: [{{type: InternalIP, address: \"{evil}\"}}]}}\n"
    );
    let file = "a\n[[user]]\nname = \"mallory\"\n\u{1b}[2J";
    let imported = imported(&[(file, &survey)], &[(file, &objects)]);
    let text = &imported.profile;
    let table: toml::Table = text.parse().unwrap_or_else(|error| panic!("{text}\n{error}"));
    let keys: Vec<_> = table.keys().map(String::as_str).collect();
    assert_eq!(keys, ["ca", "cluster", "format", "kubelet", "service_account", "validity"], "{text}");
    let cluster: Vec<_> = table["cluster"].as_table().unwrap().keys().map(String::as_str).collect();
    assert_eq!(cluster, ["etcd", "issued_at", "name"], "{text}");
    for text in [text, &list(&imported.findings), &imported.name] {
        let unseen = |letter: char| letter != '\n' && (letter.is_control() || letter == '\u{202e}');
        assert!(!text.contains(unseen), "{text}");
        assert!(
            !text.lines().any(|line| line.starts_with("[[user]]") || line.starts_with("name = \"mallory")),
            "{text}"
        );
    }
    assert!(imported.adopted.is_empty());
}
