//! What a survey says, judged by openssl and by the files themselves.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use certferry::survey::{ProgramKind, Survey};

use super::{control_plane, survey, survey_of};
use crate::common::{Ended, succeed, tool};
use crate::doctor::{KUBELET_CONFIG, MANIFESTS, Node};

/// What openssl says is the hash of the public half of a key or certificate.
fn hash(path: &Path, is_key: bool) -> String {
    let name = path.display();
    let public = if is_key { format!("pkey -pubout -in {name}") } else { format!("x509 -noout -pubkey -in {name}") };
    let script = format!("openssl {public} | openssl pkey -pubin -outform DER | openssl dgst -sha256 -r");
    succeed(tool("sh").args(["-c", &script]))[..64].to_owned()
}

#[test]
fn certificates_are_those_of_the_files_and_keys_belong_to_them() {
    let node = control_plane();
    let survey = survey(&node);
    let (mut certificates, mut keys) = (0, 0);
    for file in &survey.files {
        let path = node.path(&file.path);
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!(file.mode, format!("{:04o}", metadata.mode() & 0o7777));
        assert_eq!((file.owner, file.group), (metadata.uid(), metadata.gid()));
        if let Some(stem) = file.path.strip_suffix(".crt") {
            // A reader of PEM of somebody else's writes the same block.
            assert_eq!(file.certificates, [succeed(tool("openssl").args(["x509", "-in"]).arg(&path))]);
            certificates += 1;
            if let Some(key) = survey.file(&format!("{stem}.key")) {
                assert_eq!(key.private_keys, [hash(&path, false)], "{stem}");
                assert_eq!(key.private_keys, [hash(&node.path(&key.path), true)], "{stem}");
                keys += 1;
            }
        }
    }
    assert!(certificates >= 10 && keys >= 9, "{certificates} {keys}");
    let public = survey.file("etc/kubernetes/pki/sa.pub").unwrap();
    assert_eq!(public.public_keys, [node.text("etc/kubernetes/pki/sa.pub")]);
    // The kubelet's pair is one file, which is known by a link.
    let store = survey.file("var/lib/kubelet/pki/kubelet-client-current.pem").unwrap();
    assert_eq!((store.certificates.len(), store.private_keys.len()), (1, 1));
    assert_eq!(survey.unread, []);
}

#[test]
fn a_control_plane_is_known_by_its_files() {
    let node = control_plane();
    let survey = survey(&node);
    let facts = &survey.node;
    assert_eq!((facts.host_name.as_deref(), facts.node_name.as_deref()), (Some("cp-1"), Some("cp-1")));
    assert_eq!((facts.role.as_deref(), facts.kubernetes.as_deref()), (Some("control-plane"), Some("1.20.2")));
    assert!(facts.addresses.is_empty(), "of a disk nobody knows them");
    let names: Vec<_> = survey.programs.iter().map(|program| program.name.as_str()).collect();
    assert_eq!(names, ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]);
    assert_eq!(survey.program("etcd").unwrap().version.as_deref(), Some("3.4.13"));
    let kubeconfig = survey.kubeconfig("etc/kubernetes/admin.conf").unwrap();
    let (cluster, user) = (&kubeconfig.clusters[0], &kubeconfig.users[0]);
    assert!(cluster.server.as_deref().unwrap().starts_with("https://"));
    assert_eq!(cluster.certificates, survey.file("etc/kubernetes/pki/ca.crt").unwrap().certificates);
    assert_eq!((user.certificates.len(), user.private_keys.len(), user.withheld.len()), (1, 1, 0));
    let context = &kubeconfig.contexts[0];
    assert_eq!((&context.cluster, &context.user), (&cluster.name, &user.name));
    assert_eq!(kubeconfig.current_context.as_ref(), Some(&context.name));
    let kubelet = survey.kubeconfig("etc/kubernetes/kubelet.conf").unwrap();
    assert_eq!(kubelet.users[0].client_key.as_deref(), Some("/var/lib/kubelet/pki/kubelet-client-current.pem"));
}

#[test]
fn a_path_of_a_static_pod_is_told_with_that_of_the_node() {
    let node = control_plane();
    let place = format!("{MANIFESTS}/kube-apiserver.yaml");
    node.replace(&place, "--client-ca-file=/etc/kubernetes/pki/ca.crt", "--client-ca-file=/other/ca.crt");
    node.replace(
        &place,
        "--requestheader-client-ca-file=/etc/kubernetes/pki/",
        "--requestheader-client-ca-file=/nowhere/",
    );
    node.replace(&place, "    volumeMounts:\n", "    volumeMounts:\n    - {mountPath: /other, name: other}\n");
    node.replace(&place, "  volumes:\n", "  volumes:\n  - {name: other, hostPath: {path: /etc/kubernetes/pki}}\n");
    let survey = survey(&node);
    let api_server = survey.program("kube-apiserver").unwrap();
    let setting = |name: &str| api_server.setting(name).unwrap();
    assert_eq!(setting("client-ca-file").place(), Some("etc/kubernetes/pki/ca.crt"));
    assert_eq!(setting("client-ca-file").value, "/other/ca.crt");
    assert_eq!(setting("requestheader-client-ca-file").place(), None, "nothing of the node is mounted there");
    assert_eq!(setting("tls-cert-file").at, None, "the value says it");
    assert_eq!(setting("tls-cert-file").place(), Some("etc/kubernetes/pki/apiserver.crt"));
}

/// What lies outside the PKI is told by its place alone.
#[test]
fn files_that_are_not_opened_are_told_with_mode_and_owner() {
    let node = control_plane();
    for flag in [
        "--encryption-provider-config=/etc/kubernetes/pki/encryption.yaml",
        "--oidc-issuer-url=https://id.corp.example/realm",
        "--audit-policy-file=/etc/kubernetes/pki/none.yaml",
    ] {
        node.flag("kube-apiserver", flag);
    }
    node.write("etc/kubernetes/pki/encryption.yaml", "kind: EncryptionConfiguration\n");
    node.set_mode("etc/kubernetes/pki/encryption.yaml", 0o640);
    let ended = survey_of(&node.path(""));
    let survey = Survey::parse(ended.stdout.as_bytes()).unwrap();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "what is missing is no secret of the disk's");
    let file = survey.file("etc/kubernetes/pki/encryption.yaml").unwrap();
    assert_eq!((file.mode.as_str(), file.certificates.len()), ("0640", 0));
    let api_server = survey.program("kube-apiserver").unwrap();
    assert_eq!(api_server.setting("oidc-issuer-url").unwrap().value, "https://id.corp.example/realm");
    let unread: Vec<_> = survey.unread.iter().map(|unread| (unread.path.as_str(), unread.reason.as_str())).collect();
    assert_eq!(unread, [("etc/kubernetes/pki/none.yaml", "nothing is there")]);
}

#[test]
fn the_kubelet_is_known_by_environment_configuration_and_unit() {
    let node = Node::of("node/w-1", |_, _| {});
    node.write(
        "var/lib/kubelet/kubeadm-flags.env",
        "KUBELET_KUBEADM_ARGS=\"--node-ip=10.1.2.3 --hostname-override=W-7 --v=2\"\n",
    );
    let survey = survey(&node);
    let kubelet = survey.program("kubelet").unwrap();
    assert_eq!((kubelet.kind, kubelet.path.as_str()), (ProgramKind::Environment, "var/lib/kubelet/kubeadm-flags.env"));
    assert_eq!(kubelet.setting("node-ip").unwrap().value, "10.1.2.3");
    assert_eq!(kubelet.withheld, ["v"]);
    assert_eq!((survey.node.host_name.as_deref(), survey.node.node_name.as_deref()), (Some("w-7"), Some("w-1")));
    assert_eq!(survey.node.role.as_deref(), Some("worker"));
    let [configuration] = survey.configurations.as_slice() else { panic!("{:#?}", survey.configurations) };
    assert_eq!((configuration.path.as_str(), configuration.kind.as_str()), (KUBELET_CONFIG, "KubeletConfiguration"));
    let dns = configuration.settings.iter().find(|setting| setting.name == "clusterDNS.0").unwrap();
    assert_eq!(dns.value, "10.96.0.10");
}

#[test]
fn kubeadms_configuration_that_was_left_is_told() {
    let node = control_plane();
    node.write(
        "etc/kubernetes/kubeadm-config.yaml",
        "apiVersion: kubeadm.k8s.io/v1beta3\nkind: InitConfiguration\nnodeRegistration:\n  name: cp-1\n---\n\
         apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\nclusterName: corp\n\
         certificatesDir: /etc/kubernetes/ssl\napiServer:\n  certSANs:\n  - k8s.corp.example\n  - \"10.0.0.1\"\n---\n\
         apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: ipvs\n",
    );
    let survey = survey(&node);
    let told: Vec<_> = survey.configurations.iter().map(|found| (found.kind.as_str(), found.settings.len())).collect();
    assert_eq!(told[..2], [("InitConfiguration", 1), ("ClusterConfiguration", 4)]);
    assert_eq!(survey.configurations[1].settings[3].name, "apiServer.certSANs.1");
}

#[test]
fn what_cannot_be_read_is_told() {
    let node = control_plane();
    let pki = |file: &str| format!("etc/kubernetes/pki/{file}");
    node.write(&pki("a.crt"), "no PEM\n");
    node.write(&pki("b.crt"), "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n");
    node.write(&pki("c.key"), "-----BEGIN RSA PRIVATE KEY-----\nMAA=\n-----END RSA PRIVATE KEY-----\n");
    node.write(&pki("d.pub"), "-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n");
    let key = succeed(tool("openssl").args(["ecparam", "-genkey", "-name", "prime256v1", "-noout"]));
    node.write("plain.pem", &key);
    let seal = |form: &str, options: &[&str]| {
        let mut command = tool("openssl");
        let text = succeed(command.arg(form).arg("-in").arg(node.path("plain.pem")).args(options));
        assert!(text.contains("ENCRYPTED"), "{text}");
        text
    };
    node.write(&pki("e.key"), seal("pkcs8", &["-topk8", "-passout", "pass:x"]));
    node.write(&pki("f.key"), seal("ec", &["-aes256", "-passout", "pass:x"]));
    symlink("/none", node.path(&pki("g.crt"))).unwrap();
    node.write("etc/kubernetes/cloud.conf", "[Global]\nkey = value\n");
    node.write("etc/kubernetes/odd.conf", "[Global]\nclusters = value\n");
    node.write("etc/kubernetes/pod.conf", "kind: Pod\n");
    node.write(&format!("{MANIFESTS}/empty.yaml"), "kind: ConfigMap\n");
    node.write("var/lib/kubelet/kubeadm-flags.env", "");
    let Ended { code, stdout, stderr } = survey_of(&node.path(""));
    assert_eq!(code, Some(2));
    let survey = Survey::parse(stdout.as_bytes()).unwrap();
    let unread: Vec<_> = survey.unread.iter().map(|unread| format!("{}: {}", unread.path, unread.reason)).collect();
    // What is there counts; where nothing is, and where a file is none of those that are looked for, nothing is lacking.
    let root = node.path("");
    let lines = unread.iter().filter(|line| !line.ends_with("nothing is there") && !line.ends_with("nothing names it"));
    let lines: String = lines.map(|line| format!("{}/{}\n", root.display(), line.replacen(": ", "  ", 1))).collect();
    assert_eq!(stderr, format!("error: the survey is not complete: 8 places could not be read\n{lines}"));
    assert_eq!(
        unread,
        [
            "etc/kubernetes/cloud.conf: no kubeconfig, and nothing names it",
            "etc/kubernetes/manifests/empty.yaml: not a pod",
            "etc/kubernetes/odd.conf: not YAML",
            "etc/kubernetes/pki/a.crt: holds no certificate and no key as PEM",
            "etc/kubernetes/pki/b.crt: holds a certificate that cannot be read",
            "etc/kubernetes/pki/c.key: holds a private key that cannot be read",
            "etc/kubernetes/pki/d.pub: holds a public key that cannot be read",
            "etc/kubernetes/pki/e.key: holds a private key under a passphrase",
            "etc/kubernetes/pki/f.key: holds a private key under a passphrase",
            "etc/kubernetes/pod.conf: no kubeconfig, and nothing names it",
            "none: nothing is there",
        ]
    );
    assert_eq!(survey.leads_to("etc/kubernetes/pki/g.crt"), "none");
    // The script reads the same, but that it does not know what odd.conf is.
    let script = super::Script::new();
    let found = script.survey_of(&super::tools().remove(0), &node.path(""));
    let said = lines.replace("not YAML", "YAML in a form that only certferry reads");
    assert_eq!((found.code, found.stderr), (Some(2), format!("error: the survey is not complete\n{said}")));
    let odd = ("etc/kubernetes/odd.conf\"\nreason = \"", "YAML in a form that only certferry reads", "not YAML");
    assert_eq!(found.stdout.replace(&[odd.0, odd.1].concat(), &[odd.0, odd.2].concat()), stdout);
}

/// What no flag names is found beside what flags name: the keys of the front proxy's CA and of etcd's.
#[test]
fn a_folder_of_certificates_is_looked_at_whatever_its_name() {
    let survey = survey(&super::named_folder());
    for file in ["front-proxy-ca.key", "etcd/ca.key", "etcd/healthcheck-client.crt", "ca.key"] {
        assert!(survey.file(&format!("etc/kubernetes/certs.1/{file}")).is_some(), "{file}");
    }
    assert!(survey.file("etc/kubernetes/other/ca.crt").is_none());
}
