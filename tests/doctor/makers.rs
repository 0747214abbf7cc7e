//! Trees of other makers, and of people who made theirs by hand: nothing is wrong with them, or one thing is.

use std::os::unix::fs::symlink;

use crate::common::{succeed, tool};
use crate::doctor::planted::sign;
use crate::doctor::{KUBELET_CONFIG, MANIFESTS, Node};
use crate::planting::PKI;
use crate::planting::faults::leaf;

const SERVER: &str = "keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n";
const CLIENT: &str = "keyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n";
const BOTH: &str = "keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n";
const NAMES: &str = "subjectAltName=DNS:cp-1,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,\
                     DNS:kubernetes.default.svc.cluster.local,DNS:k8s.lab,IP:10.96.0.1,IP:192.168.10.5\n";
const ETCD_NAMES: &str = "subjectAltName=DNS:cp-1,DNS:localhost,IP:127.0.0.1,IP:192.168.10.5\n";

/// A healthy control plane.
fn node() -> Node {
    Node::control_plane(|_, _| {})
}

fn is_well(node: &Node) {
    let (said, code) = node.says();
    assert!(said.starts_with("nothing is wrong; ") && code == 0, "{said}");
}

fn openssl(words: &str, node: &Node) {
    let place =
        |word: &str| word.strip_prefix('@').map_or_else(|| word.into(), |place| node.path(place).into_os_string());
    succeed(tool("openssl").args(words.split(' ').map(place)));
}

/// Signs the leaves of the cluster's CA anew, by the file of the CA that is named.
fn sign_all(node: &Node, authority: &str) {
    sign(node, "apiserver", "/CN=kube-apiserver", authority, format!("{SERVER}{NAMES}").as_bytes());
    let subject = "/O=system:masters/CN=kube-apiserver-kubelet-client";
    sign(node, "apiserver-kubelet-client", subject, authority, CLIENT.as_bytes());
}

/// Every tree of another kind than kubeadm's, by its name.
pub(crate) fn trees() -> Vec<(&'static str, Node)> {
    vec![
        ("two tiers", two_tiers()),
        ("other keys", other_keys()),
        ("EKS", eks_worker()),
        ("Talos", talos_control_plane()),
        ("cross-signed", cross_signed()),
    ]
}

/// The trees of kubespray, kubeasz and kind, whose files name each other.
pub(crate) fn followed() -> Vec<(&'static str, Node)> {
    vec![("kubespray", kubespray()), ("kubeasz", kubeasz()), ("kind", kind())]
}

/// Each leaf's file holds the intermediate that signed it, and nothing else does.
fn two_tiers() -> Node {
    let node = node();
    let made = format!("@{PKI}/sub.key -out @{PKI}/sub.csr -subj /CN=sub");
    openssl(&format!("req -new -newkey rsa:2048 -nodes -keyout {made}"), &node);
    node.write("x", "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign\n");
    let by = format!("-CA @{PKI}/ca.crt -CAkey @{PKI}/ca.key -set_serial 7 -days 990 -extfile @x");
    openssl(&format!("x509 -req -in @{PKI}/sub.csr {by} -out @{PKI}/sub.crt"), &node);
    sign_all(&node, "sub");
    let sub = node.text(&format!("{PKI}/sub.crt"));
    for file in ["apiserver", "apiserver-kubelet-client"] {
        let place = format!("{PKI}/{file}.crt");
        let text = node.text(&place);
        node.write(&place, format!("{text}{sub}"));
    }
    for file in ["sub.key", "sub.csr", "sub.crt"] {
        node.remove(&format!("{PKI}/{file}"));
    }
    node
}

#[test]
fn an_intermediate_in_the_files_of_the_leaves_is_followed() {
    let node = two_tiers();
    is_well(&node);
    // Without the intermediate nobody finds the way.
    let place = format!("{PKI}/apiserver.crt");
    let text = node.text(&place);
    node.write(&place, &text[..text.rfind("-----BEGIN CERTIFICATE-----").unwrap()]);
    assert_eq!(node.rules(), ["unknown-authority".to_owned()].into());
}

/// A CA on P-521, and a client with an Ed25519 key.
fn other_keys() -> Node {
    let node = node();
    let options = "-nodes -subj /CN=front-proxy-ca -days 1000 -addext keyUsage=critical,keyCertSign";
    let files = format!("-keyout @{PKI}/front-proxy-ca.key -out @{PKI}/front-proxy-ca.crt");
    openssl(&format!("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-521 {options} {files}"), &node);
    openssl(&format!("genpkey -algorithm ed25519 -out @{PKI}/front-proxy-client.key"), &node);
    for key in ["front-proxy-ca.key", "front-proxy-client.key"] {
        node.set_mode(&format!("{PKI}/{key}"), 0o600);
    }
    sign(&node, "front-proxy-client", "/CN=front-proxy-client", "front-proxy-ca", CLIENT.as_bytes());
    node
}

#[test]
fn keys_that_certferry_does_not_make_are_judged_as_well() {
    is_well(&other_keys());
}

#[test]
fn the_service_has_an_address_of_the_first_family_alone() {
    let node = node();
    node.replace(&format!("{MANIFESTS}/kube-apiserver.yaml"), "10.96.0.0/12", "10.96.0.0/12,fd00:10:96::/112");
    is_well(&node);
    node.replace(&format!("{MANIFESTS}/kube-apiserver.yaml"), "10.96.0.0/12,fd00", "fd00");
    assert_eq!(node.rules(), ["service-address".to_owned()].into());
}

#[test]
fn etcd_needs_the_names_by_which_it_is_called() {
    let node = node();
    for (file, subject) in [("etcd/server", "/CN=cp-1"), ("etcd/peer", "/CN=cp-1")] {
        sign(&node, file, subject, "etcd/ca", format!("{BOTH}{ETCD_NAMES}").as_bytes());
    }
    is_well(&node);
    let manifest = format!("{MANIFESTS}/etcd.yaml");
    node.replace(&manifest, "listen-client-urls=https://127.0.0.1:2379", "listen-client-urls=https://[::1]:2379");
    assert_eq!(node.rules(), ["etcd-localhost".to_owned()].into());
}

#[test]
fn a_client_that_could_be_a_server_needs_no_name() {
    let node = node();
    let subject = "/O=system:masters/CN=kube-apiserver-kubelet-client";
    sign(&node, "apiserver-kubelet-client", subject, "ca", BOTH.as_bytes());
    assert_eq!(node.rules(), ["extended-key-usage-alone".to_owned()].into());
    assert_eq!(node.says().1, 0);
}

#[test]
fn a_kubeconfig_without_a_last_line_break_is_one() {
    let node = node();
    let text = node.text("etc/kubernetes/admin.conf");
    let data = |key: &str| text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix(": ")).unwrap();
    let mut changed = text.clone();
    for key in ["client-certificate-data", "client-key-data", "certificate-authority-data"] {
        let decode = |text: &str| base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).unwrap();
        let pem = String::from_utf8(decode(data(key))).unwrap();
        let short = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, pem.trim_end());
        changed = changed.replace(data(key), &short);
    }
    node.write("etc/kubernetes/admin.conf", changed);
    is_well(&node);
}

#[test]
fn the_drop_in_of_the_kubelet_may_name_the_node() {
    let node = node();
    node.write("etc/hostname", "machine-7\n");
    node.write("etc/default/kubelet", "KUBELET_EXTRA_ARGS=\"--v=2 --hostname-override=cp-1\"\n");
    is_well(&node);
    node.write("etc/default/kubelet", "# KUBELET_EXTRA_ARGS=--hostname-override=cp-1\n");
    assert_eq!(node.rules(), ["host-name".to_owned()].into());
}

#[test]
fn the_flags_behind_a_shell_and_beside_another_container_count() {
    let other = |node: &Node| node.replace(&format!("{MANIFESTS}/kube-apiserver.yaml"), "10.96.0.0/12", "10.20.0.8/29");
    let shell = node();
    other(&shell);
    let place = format!("{MANIFESTS}/kube-apiserver.yaml");
    let text = shell.text(&place);
    let flags: Vec<_> =
        text.lines().filter_map(|line| line.strip_prefix("    - --")).map(|flag| format!("--{flag}")).collect();
    let (head, tail) = text.split_once("    - kube-apiserver\n").unwrap();
    let rest: String =
        tail.lines().filter(|line| !line.starts_with("    - --")).map(|line| format!("{line}\n")).collect();
    let command =
        format!("    - /bin/sh\n    - -c\n    - 'exec kube-apiserver {} 1>>/var/log/x 2>&1'\n", flags.join(" "));
    shell.write(&place, format!("{head}{command}{rest}"));
    assert_eq!(shell.rules(), ["service-address".to_owned()].into());

    let second = node();
    other(&second);
    second.replace(&place, "  containers:\n", "  containers:\n  - {name: sidecar, command: [/proxy-server, --x=1]}\n");
    assert_eq!(second.rules(), ["service-address".to_owned()].into());
}

/// kubespray's files lie in another folder, and its etcd is no static pod.
fn kubespray() -> Node {
    let node = node();
    node.remove(&format!("{MANIFESTS}/etcd.yaml"));
    std::fs::create_dir_all(node.path("etc/ssl/etcd")).unwrap();
    std::fs::rename(node.path(&format!("{PKI}/etcd")), node.path("etc/ssl/etcd/ssl")).unwrap();
    std::fs::rename(node.path(PKI), node.path("etc/kubernetes/ssl")).unwrap();
    symlink("/etc/kubernetes/ssl", node.path(PKI)).unwrap();
    let manifest = format!("{MANIFESTS}/kube-apiserver.yaml");
    for end in ["crt", "key"] {
        let from = node.path(&format!("etc/kubernetes/ssl/apiserver-etcd-client.{end}"));
        std::fs::rename(from, node.path(&format!("etc/ssl/etcd/ssl/node-cp-1.{end}"))).unwrap();
        node.replace(&manifest, &format!("pki/apiserver-etcd-client.{end}"), &format!("ETCD/node-cp-1.{end}"));
    }
    node.replace(&manifest, "/etc/kubernetes/pki/etcd/ca.crt", "/etc/ssl/etcd/ssl/ca.crt");
    let text = node.text(&manifest).replace("/etc/kubernetes/ETCD/", "/etc/ssl/etcd/ssl/");
    let (mounts, volumes) = ("    volumeMounts:\n", "  volumes:\n");
    let text = text.replace(mounts, &format!("{mounts}    - {{mountPath: /etc/ssl/etcd, name: etcd}}\n"));
    let text = text.replace(volumes, &format!("{volumes}  - {{name: etcd, hostPath: {{path: /etc/ssl/etcd}}}}\n"));
    node.write(&manifest, text);
    node.write(
        "etc/etcd.env",
        "ETCD_CERT_FILE=/etc/ssl/etcd/ssl/server.crt\nETCD_KEY_FILE=/etc/ssl/etcd/ssl/server.key\n\
         ETCD_TRUSTED_CA_FILE=/etc/ssl/etcd/ssl/ca.crt\n",
    );
    node
}

#[test]
fn kubesprays_link_and_its_etcd_are_followed() {
    let node = kubespray();
    let (said, code) = node.says();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("nothing else is wrong; "), "{said}");
    // Its contents count, not only that it is there.
    node.write("etc/ssl/etcd/ssl/node-cp-1.crt", "");
    let findings = node.findings();
    assert_eq!(findings[0]["file"], "etc/ssl/etcd/ssl/node-cp-1.crt", "{findings:#?}");
    assert_eq!(findings[0]["rule"], "broken-file");
}

/// kubeasz runs every program as a service, with files in a folder of its own.
fn kubeasz() -> Node {
    let node = node();
    std::fs::remove_dir_all(node.path(MANIFESTS)).unwrap();
    std::fs::rename(node.path(PKI), node.path("etc/kubernetes/ssl")).unwrap();
    let ssl = "/etc/kubernetes/ssl";
    node.replace(KUBELET_CONFIG, "/etc/kubernetes/pki/ca.crt", "/etc/kubernetes/ssl/ca.crt");
    node.write(
        "etc/systemd/system/kube-apiserver.service",
        format!(
            "[Service]\nEnvironmentFile=/etc/kubernetes/apiserver.env\nExecStart=/opt/kube/bin/kube-apiserver \\\n  \
             --client-ca-file={ssl}/ca.crt \\\n  $MORE \\\n  --etcd-servers=https://127.0.0.1:2379\n"
        ),
    );
    let pair = format!("--tls-cert-file={ssl}/apiserver.crt --tls-private-key-file={ssl}/apiserver.key");
    node.write("etc/kubernetes/apiserver.env", format!("MORE=\"{pair}\"\n"));
    node
}

#[test]
fn services_of_systemd_say_what_is_read() {
    let (node, ssl) = (kubeasz(), "/etc/kubernetes/ssl");
    let (said, code) = node.says();
    assert_eq!(code, 0, "{said}");
    node.write(
        "etc/systemd/system/kube-apiserver.service.d/10.conf",
        format!("[Service]\nExecStart=\nExecStart=/x/kube-apiserver $MORE --client-ca-file={ssl}/none.crt\n"),
    );
    let findings = node.findings();
    assert_eq!(findings[0]["file"], "etc/kubernetes/ssl/none.crt", "{findings:#?}");
    let what = findings[0]["what"].as_str().unwrap();
    assert!(
        what.starts_with("--client-ca-file in etc/systemd/system/kube-apiserver.service.d/10.conf names "),
        "{what}"
    );
}

#[test]
fn what_nobody_is_known_to_read_is_said_to_be_unchecked() {
    let node = node();
    let lone = "var/lib/rancher/k3s/server/tls/server-ca.crt";
    node.write(lone, node.text(&format!("{PKI}/apiserver.crt")));
    node.write("var/lib/rancher/k3s/server/tls/server-ca.key", node.text(&format!("{PKI}/apiserver.key")));
    is_well(&node);
    openssl(&format!("req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=k3s -keyout /dev/null -out @{lone}"), &node);
    let (said, code) = node.says();
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(code, 1, "{said}");
    for text in [
        "var/lib/rancher/k3s/server/tls/server-ca.crt ended at ",
        "server-ca.key is not the key of ",
        "not checked: who reads the 1 certificate in var/lib/rancher/k3s/server/tls: no flag",
    ] {
        assert!(said.contains(text), "{text}: {said}");
    }
}

/// The unit of the kubelet's package, as kubeadm's own has it.
const DROP_IN: &str = "[Service]
Environment=\"KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf \
--kubeconfig=/etc/kubernetes/kubelet.conf\"
Environment=\"KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml\"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
";

/// The kubelet's unit on kubeadm's nodes.
const KUBELET_UNIT: &str = "etc/systemd/system/kubelet.service";

/// kind's nodes are kubeadm's, with a drop-in and flags of their own.
fn kind() -> Node {
    let (node, folder) = (node(), KUBELET_UNIT);
    node.write(folder, "[Service]\nExecStart=/usr/bin/kubelet\nRestart=always\n");
    node.write(&format!("{folder}.d/10-kubeadm.conf"), DROP_IN);
    let script = "ExecStartPre=/bin/sh -euc \"if [ -f /sys/fs/cgroup/cgroup.controllers ]; then /kind/bin/x.sh; fi\"\n";
    let more =
        "ExecStartPre=/bin/sh -euc \"if [ ! -f /sys/fs/cgroup/cgroup.controllers ] && [ ! -d x ]; then mkdir x; fi\"\n";
    node.write(&format!("{folder}.d/11-kind.conf"), format!("[Service]\n{script}{more}"));
    node.write("etc/default/kubelet", "KUBELET_EXTRA_ARGS=--runtime-cgroups=/system.slice/containerd.service\n");
    node.write(
        "var/lib/kubelet/kubeadm-flags.env",
        "KUBELET_KUBEADM_ARGS=\"--container-runtime-endpoint=unix:///run/containerd/containerd.sock \
         --node-ip=192.168.10.5 --node-labels= --provider-id=kind://docker/kind/cp-1\"\n",
    );
    node.write("kind/kubeadm.conf", "apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\n");
    node
}

#[test]
fn a_node_of_kind_is_well() {
    let (node, folder) = (kind(), KUBELET_UNIT);
    is_well(&node);
    // The drop-in is read: another configuration is missed.
    node.replace(&format!("{folder}.d/10-kubeadm.conf"), "kubelet/config.yaml", "kubelet/none.yaml");
    let findings = node.findings();
    assert_eq!((&findings[0]["rule"], &findings[0]["file"]), (&"missing".into(), &"var/lib/kubelet/none.yaml".into()));
}

/// Where EKS has the kubelet's configuration.
const EKS_CONFIG: &str = "etc/kubernetes/kubelet/kubelet-config.json";

/// A worker of EKS: no kubeadm, a token of the cloud in place of a certificate, a serving certificate that was approved.
fn eks_worker() -> Node {
    let node = node();
    std::fs::create_dir_all(node.path("var/lib/kubelet/pki")).unwrap();
    std::fs::copy(node.path(&format!("{PKI}/apiserver.key")), node.path(&format!("{PKI}/serving.key"))).unwrap();
    let names = format!("{SERVER}subjectAltName=DNS:cp-1,DNS:ip-10-0-1-5.eu.compute.internal,IP:192.168.10.5\n");
    sign(&node, "serving", "/O=system:nodes/CN=system:node:cp-1", "ca", names.as_bytes());
    let serving = [node.text(&format!("{PKI}/serving.crt")), node.text(&format!("{PKI}/serving.key"))].concat();
    let authority = node.text(&format!("{PKI}/ca.crt"));
    for folder in ["etc/kubernetes", "var/lib/kubelet"] {
        std::fs::remove_dir_all(node.path(folder)).unwrap();
    }
    node.write(&format!("{PKI}/ca.crt"), &authority);
    let store = "var/lib/kubelet/pki/kubelet-server-2026-11-01-00-00-00.pem";
    node.write(store, serving);
    node.set_mode(store, 0o600);
    symlink(format!("/{store}"), node.path("var/lib/kubelet/pki/kubelet-server-current.pem")).unwrap();
    node.write(
        EKS_CONFIG,
        r#"{ "kind": "KubeletConfiguration", "apiVersion": "kubelet.config.k8s.io/v1beta1", "address": "0.0.0.0",
            "authentication": { "anonymous": { "enabled": false }, "webhook": { "cacheTTL": "2m0s", "enabled": true },
              "x509": { "clientCAFile": "/etc/kubernetes/pki/ca.crt" } },
            "authorization": { "mode": "Webhook" }, "clusterDomain": "cluster.local",
            "featureGates": { "RotateKubeletServerCertificate": true }, "serverTLSBootstrap": true }"#,
    );
    let kubeconfig = "apiVersion: v1\nkind: Config\nclusters:\n- cluster:\n    \
        certificate-authority: /etc/kubernetes/pki/ca.crt\n    server: https://0123.gr7.eu-west-1.eks.amazonaws.com\n  \
        name: kubernetes\ncontexts:\n- context:\n    cluster: kubernetes\n    user: kubelet\n  name: kubelet\n\
        current-context: kubelet\nusers:\n- name: kubelet\n  user:\n    exec:\n      \
        apiVersion: client.authentication.k8s.io/v1beta1\n      command: /usr/bin/aws-iam-authenticator\n      args:\n      \
        - \"token\"\n      - \"-i\"\n      - \"lab\"\n";
    node.write("var/lib/kubelet/kubeconfig", kubeconfig);
    node.write(
        "etc/systemd/system/kubelet.service",
        "[Service]\nExecStart=/usr/bin/kubelet \\\n    --config /etc/kubernetes/kubelet/kubelet-config.json \\\n    \
         --kubeconfig /var/lib/kubelet/kubeconfig \\\n    $KUBELET_ARGS $KUBELET_EXTRA_ARGS\n",
    );
    node.write(
        "etc/systemd/system/kubelet.service.d/10-kubelet-args.conf",
        "[Service]\nEnvironment='KUBELET_ARGS=--node-ip=192.168.10.5 --hostname-override=cp-1'\n",
    );
    node
}

#[test]
fn a_worker_of_eks_is_well() {
    let node = eks_worker();
    is_well(&node);
    // A person's, as `aws eks update-kubeconfig` writes it.
    let authority = node.text(&format!("{PKI}/ca.crt"));
    let data = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &authority);
    let mine = node
        .text("var/lib/kubelet/kubeconfig")
        .replace("certificate-authority: /etc/kubernetes/pki/ca.crt", &format!("certificate-authority-data: {data}"));
    node.write("root/.kube/config", mine);
    node.set_mode("root/.kube/config", 0o600);
    is_well(&node);
    // Both files are read: another field, and a CA that is not there.
    node.replace(EKS_CONFIG, "clientCAFile", "clientCaFile");
    let findings = node.findings();
    assert_eq!(
        (&findings[0]["rule"], &findings[0]["file"]),
        (&"kubelet-field".into(), &EKS_CONFIG.into()),
        "{findings:#?}"
    );
    node.replace(EKS_CONFIG, "clientCaFile", "clientCAFile");
    node.replace("var/lib/kubelet/kubeconfig", "pki/ca.crt", "pki/none.crt");
    let findings = node.findings();
    assert_eq!(findings[0]["severity"], "problem", "{findings:#?}");
    assert!(findings[0]["what"].as_str().unwrap().contains("etc/kubernetes/pki/none.crt"), "{findings:#?}");
}

/// Talos keeps a control plane's secrets in folders of its own, and its kubelet gets the manifests over the network.
fn talos_control_plane() -> Node {
    let node = node();
    let secrets = "system/secrets";
    let copies = [
        ("ca.crt", "kubernetes/kube-apiserver/ca.crt"),
        ("apiserver.crt", "kubernetes/kube-apiserver/apiserver.crt"),
        ("apiserver.key", "kubernetes/kube-apiserver/apiserver.key"),
        ("apiserver-kubelet-client.crt", "kubernetes/kube-apiserver/apiserver-kubelet-client.crt"),
        ("apiserver-kubelet-client.key", "kubernetes/kube-apiserver/apiserver-kubelet-client.key"),
        ("front-proxy-ca.crt", "kubernetes/kube-apiserver/aggregator-ca.crt"),
        ("front-proxy-client.crt", "kubernetes/kube-apiserver/front-proxy-client.crt"),
        ("front-proxy-client.key", "kubernetes/kube-apiserver/front-proxy-client.key"),
        ("sa.key", "kubernetes/kube-apiserver/service-account.key"),
        ("ca.crt", "kubernetes/kube-controller-manager/ca.crt"),
        ("ca.key", "kubernetes/kube-controller-manager/ca.key"),
        ("etcd/ca.crt", "etcd/ca.crt"),
        ("etcd/server.crt", "etcd/server.crt"),
        ("etcd/server.key", "etcd/server.key"),
    ];
    for (from, to) in copies {
        node.write(&format!("{secrets}/{to}"), node.text(&format!("{PKI}/{from}")));
        node.set_mode(&format!("{secrets}/{to}"), 0o600);
    }
    let authority = node.text(&format!("{PKI}/ca.crt"));
    let kubeconfig = node.text("etc/kubernetes/kubelet.conf");
    let config = node.text(KUBELET_CONFIG);
    std::fs::remove_dir_all(node.path("etc/kubernetes")).unwrap();
    node.remove(KUBELET_CONFIG);
    node.write(&format!("{PKI}/ca.crt"), authority);
    node.write("etc/kubernetes/kubeconfig-kubelet", kubeconfig);
    node.set_mode("etc/kubernetes/kubeconfig-kubelet", 0o600);
    node.write("etc/kubernetes/kubelet.yaml", config);
    std::fs::create_dir_all(node.path(MANIFESTS)).unwrap();
    node
}

#[test]
fn a_control_plane_of_talos_is_well() {
    let node = talos_control_plane();
    let secrets = "system/secrets";
    let (said, code) = node.says();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("nothing else is wrong; ") && said.contains("not checked: who reads the "), "{said}");
    assert!(!said.contains("problem: ") && !said.contains("warning: "), "{said}");
    // Their keys are looked at.
    let key = node.text(&format!("{secrets}/etcd/server.key"));
    node.write(&format!("{secrets}/kubernetes/kube-apiserver/apiserver.key"), key);
    assert_eq!(node.rules(), ["key-pair".to_owned()].into());
}

/// A CA that another one signed as well, for the time in which half of the programs know the old one and half the new.
fn cross_signed() -> Node {
    let node = node();
    let made = "-nodes -keyout @x.key -out @x.csr -subj /CN=kubernetes-next";
    openssl(&format!("req -new -newkey rsa:2048 {made}"), &node);
    node.write(
        "x",
        "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,digitalSignature,keyEncipherment,keyCertSign\n",
    );
    // The new CA by itself, and by the old one.
    openssl("x509 -req -in @x.csr -signkey @x.key -days 990 -extfile @x -out @next.crt", &node);
    let by = format!("-CA @{PKI}/ca.crt -CAkey @{PKI}/ca.key -set_serial 9");
    openssl(&format!("x509 -req -in @x.csr {by} -days 990 -extfile @x -out @cross.crt"), &node);
    for end in ["crt", "key"] {
        let from = if end == "crt" { "next.crt" } else { "x.key" };
        std::fs::copy(node.path(from), node.path(&format!("{PKI}/next.{end}"))).unwrap();
    }
    // The API server shows the new CA's certificate with the way to the old one, which is all that its clients know.
    sign(&node, "apiserver", "/CN=kube-apiserver", "next", format!("{SERVER}{NAMES}").as_bytes());
    for end in ["crt", "key"] {
        node.remove(&format!("{PKI}/next.{end}"));
    }
    let place = format!("{PKI}/apiserver.crt");
    let shown = [node.text(&place), node.text("cross.crt")].concat();
    node.write(&place, shown);
    node
}

#[test]
fn cross_signed_authorities_are_well() {
    is_well(&cross_signed());
}

#[test]
fn a_kubelet_configuration_without_kubeadm_is_one() {
    let node = Node::of("node/w-1", |_, _| {});
    node.replace(KUBELET_CONFIG, "/etc/kubernetes/pki/ca.crt", "/etc/kubernetes/clients.pem");
    node.write("etc/kubernetes/clients.pem", node.text(&format!("{PKI}/ca.crt")));
    is_well(&node);
}

#[test]
fn a_clock_in_1970_and_an_expired_cluster_are_one_paragraph() {
    let node = node();
    for (at, begins) in [
        ("1970-01-01", "problem: 19 certificates in 16 files are not valid yet: "),
        ("2301-01-01", "problem: 19 certificates in 16 files have ended: "),
    ] {
        let output = crate::common::run(crate::common::certferry().args(["doctor", "--at", at]).arg(node.path("")));
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.starts_with(begins), "{said}");
        assert_eq!(said.matches("problem: ").count(), 1, "{said}");
        assert_eq!(output.status.code(), Some(1));
    }
    // What helps against the end of a CA depends on where its key is.
    let renewed = "  mend: if `date -u` is right: etc/kubernetes/pki/ca.crt, etc/kubernetes/pki/front-proxy-ca.crt, \
                   etc/kubernetes/pki/etcd/ca.crt can be renewed under the same name and key, so that nobody has to trust \
                   another CA (section 7)";
    let lost = "; look for etc/kubernetes/pki/etcd/ca.key on every control plane, because only a key that is lost makes a \
                new CA necessary";
    let chapter = ": `certferry help expired` says what to do, in order";
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let says = || {
        let mut doctor = crate::common::certferry();
        let output = crate::common::run(doctor.args(["doctor", "--at", "2301-01-01"]).arg(node.path("")));
        words(&String::from_utf8(output.stdout).unwrap())
    };
    assert!(says().contains(&words(&format!("{renewed}{chapter}"))), "{}", says());
    node.remove(&format!("{PKI}/etcd/ca.key"));
    assert!(says().contains(&words(&format!("{renewed}{lost}{chapter}"))), "{}", says());
    let node = Node::control_plane(|lab, _| {
        leaf(lab, "apiserver.crt", |forge| forge.not_after = time::macros::datetime!(2026-12-31 0:00 UTC));
    });
    assert!(node.says().0.starts_with(&format!("problem: {PKI}/apiserver.crt ended at ")));
}

/// Whoever looks at nothing has not found that nothing is wrong.
#[test]
fn a_tree_without_a_certificate_is_not_called_well() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("var/lib/kubelet")).unwrap();
    std::fs::write(root.path().join(KUBELET_CONFIG), "kind: KubeletConfiguration\n").unwrap();
    let output = crate::common::run(crate::common::certferry().arg("doctor").arg(".").current_dir(root.path()));
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "error: nothing was judged: there is no certificate in . where a program of the node is known to look for one\n\
         hint: certificates in other places are for `certferry inspect --lint FILE`\n"
    );
}
