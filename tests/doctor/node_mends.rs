//! Every `mend:` of a node's finding, done as it is printed, ends the fault: commands are run, `certferry apply` with
//! the genuine bundle, `kubeadm init phase` by what kubeadm 1.20.2 wrote, and what a person shall edit is edited so.

use std::fs;

use std::process::Command;

use crate::common::desk::Desk;
use crate::common::{certferry, succeed};
use crate::doctor::planted::{lints, nodes};
use crate::doctor::{KUBELET_CONFIG, MANIFESTS, Node, recorded, registries};
use crate::planting::{GENUINE, PKI};

type Edit = fn(&Node);

/// What a person does whom the finding tells to edit something, by the rule.
const BY_HAND: &[(&str, Edit)] = &[
    ("manifest-mount", |node| {
        let from = node.path("etc/kubernetes/audit.yaml");
        fs::rename(from, node.path(&format!("{PKI}/audit.yaml"))).unwrap();
        let manifest = format!("{MANIFESTS}/kube-apiserver.yaml");
        node.replace(&manifest, "=/etc/kubernetes/audit.yaml", "=/etc/kubernetes/pki/audit.yaml");
    }),
    ("manifest-ca", |node| {
        let manifest = format!("{MANIFESTS}/kube-apiserver.yaml");
        node.replace(&manifest, "etcd-cafile=/etc/kubernetes/pki/ca", "etcd-cafile=/etc/kubernetes/pki/etcd/ca");
    }),
    ("manifest-file", |node| {
        let manifest = format!("{MANIFESTS}/kube-apiserver.yaml");
        node.replace(&manifest, "    - --encryption-provider-config=/etc/kubernetes/pki/encryption.yaml\n", "");
    }),
    ("manifest-unread", |node| {
        node.replace(&format!("{MANIFESTS}/kube-scheduler.yaml"), "- /start.sh\n", "- kube-scheduler\n");
    }),
    ("signing-key-absent", |node| {
        let manifest = format!("{MANIFESTS}/kube-controller-manager.yaml");
        for (flag, file) in [("cert", "crt"), ("key", "key")] {
            let flag = format!("--cluster-signing-{flag}-file=");
            node.replace(&manifest, &format!("{flag}/etc/kubernetes/pki/ca.{file}"), &flag);
        }
    }),
    ("signing-cert-count", |node| {
        let both = node.text(&format!("{PKI}/ca.crt"));
        let end = both.find("-----END CERTIFICATE-----\n").unwrap() + "-----END CERTIFICATE-----\n".len();
        node.write(&format!("{PKI}/ca-signing.crt"), &both[..end]);
        let manifest = format!("{MANIFESTS}/kube-controller-manager.yaml");
        node.replace(
            &manifest,
            "signing-cert-file=/etc/kubernetes/pki/ca.crt",
            "signing-cert-file=/etc/kubernetes/pki/ca-signing.crt",
        );
    }),
    ("client-ca-above", |node| {
        let both = node.text(&format!("{PKI}/etcd/ca.crt"));
        let end = both.find("-----END CERTIFICATE-----\n").unwrap() + "-----END CERTIFICATE-----\n".len();
        node.write(&format!("{PKI}/etcd/ca.crt"), &both[..end]);
    }),
    ("root-ca-below", |node| {
        let manifest = format!("{MANIFESTS}/kube-controller-manager.yaml");
        node.replace(&manifest, "pki/below.crt", "pki/ca.crt");
    }),
    ("requestheader-names", |node| {
        node.replace(
            &format!("{MANIFESTS}/kube-apiserver.yaml"),
            "names=aggregator",
            "names=aggregator,front-proxy-client",
        );
    }),
    ("kubelet-field", |node| node.replace(KUBELET_CONFIG, "RotateCertificates", "rotateCertificates")),
    ("kubelet-field-unknown", |node| node.replace(KUBELET_CONFIG, "SyncFrequency", "syncFrequency")),
    ("kubelet-file", |node| {
        let text = node.text(KUBELET_CONFIG).replace("tlsCertFile: /var/lib/kubelet/pki/serving.crt\n", "");
        node.write(KUBELET_CONFIG, text.replace("pki/clients.crt", "pki/ca.crt"));
    }),
    ("kubelet-client-ca", |node| node.replace(KUBELET_CONFIG, "pki/front-proxy-ca.crt", "pki/ca.crt")),
    ("serving-bootstrap", |node| {
        node.replace(KUBELET_CONFIG, "serverTLSBootstrap: true", "serverTLSBootstrap: false");
    }),
    ("host-name", |node| {
        node.write("etc/hostname", "cp-1\n");
        let _ = fs::remove_file(node.path("var/lib/kubelet/kubeadm-flags.env"));
    }),
    ("kubeconfig-dangling", |node| {
        let text = node.text("etc/kubernetes/admin.conf").replace("preferred-context: ", "current-context: ");
        node.write("etc/kubernetes/admin.conf", text.replace("current-context: no-", "current-context: "));
    }),
    ("kubeconfig-duplicate", |node| {
        node.replace("etc/kubernetes/admin.conf", "- name: kubernetes-admin\n  user: {token: abc}\n", "");
    }),
];

/// The rules whose findings no command ends: a warning about what works, or what only time or another person mends.
const NO_COMMAND: [&str; 8] = [
    // Five minutes later it is no more.
    "clock-margin",
    // A new CA, of another kind, is a rotation.
    "ca-key-kubeadm",
    // The genuine manifest comes from a person: see `by_hand`.
    "missing-manifest",
    // Its journal is no journal of a run that could go on.
    "interrupted-apply",
    // Two CAs are parted by a rotation.
    "etcd-ca-shared",
    // The owner of a test's files is whoever runs it.
    "owner",
    // It works as it is.
    "ca-not-self-signed",
    // A kubelet that has no store yet gets it with the bundle, and a store of another CA is kept for the rollback.
    "kubelet-inline",
];

/// Returns the commands between backticks.
fn commands(mend: &str) -> Vec<&str> {
    mend.split('`').skip(1).step_by(2).collect()
}

/// Runs a command of a shell with the node's root before each of its paths.
fn run_on(node: &Node, command: &str) {
    let root = node.path("").display().to_string();
    let mut script = command.to_owned();
    for folder in ["/etc/", "/var/lib/", "/root/", "/home/"] {
        script = script.replace(&format!(" {folder}"), &format!(" {root}{folder}"));
    }
    // The passphrase that openssl would ask for.
    let script = script.replace("openssl pkey ", "openssl pkey -passin pass:x ");
    fs::create_dir_all(node.path("root")).unwrap();
    succeed(Command::new("sh").args(["-euc", &script]));
}

fn apply(node: &Node, bundle: &Desk) {
    let mut command = certferry();
    command.arg("apply").arg(bundle.path("lab-g1.tar.gz")).arg("--key").arg(bundle.path("lab.pub"));
    command.args(["--node", "cp-1", "--force-node", "--root"]).arg(node.path(""));
    succeed(&mut command);
}

/// Returns whether a flag of the API server names a file that certferry does not make.
fn is_flag(node: &Node) -> bool {
    node.text(&format!("{MANIFESTS}/kube-apiserver.yaml")).contains("--encryption-provider-config")
}

/// Does what the first finding says. Returns whether it said something that can be done here.
fn mend(node: &Node, bundle: &Desk) -> bool {
    let findings = node.findings();
    let (rule, mend) = (findings[0]["rule"].as_str().unwrap(), findings[0]["mend"].as_str().unwrap());
    // Whoever made a certificate that is not kubeadm's makes it anew, or takes it away.
    if rule.starts_with("web-") || mend.contains("make it anew with the program that it is from") {
        let file = findings[0]["file"].as_str().unwrap();
        [file.to_owned(), file.replace(".crt", ".key")].iter().for_each(|file| node.remove(file));
        return true;
    }
    let is_by_hand =
        |known: &str| known == rule && (rule != "manifest-file" || !mend.contains("apply") || is_flag(node));
    if let Some((_, edit)) = BY_HAND.iter().chain(registries::EDITS).find(|(known, _)| is_by_hand(known)) {
        edit(node);
        return true;
    }
    let starts = ["(umask 077; ", "chmod ", "kubectl config ", "ln ", "mv ", "openssl ", "rm ", "sed "];
    let commands = commands(mend);
    let own: Vec<_> = commands.iter().filter(|command| starts.iter().any(|start| command.starts_with(start))).collect();
    let is_first = |text: &str| mend.trim_start_matches('`').starts_with(text);
    if rule == "outlives-ca"
        || commands.iter().any(|command| command.starts_with("certferry apply "))
            && !is_first("openssl")
            && !is_first("rm ")
    {
        apply(node, bundle);
    } else if !own.is_empty() {
        own.into_iter().for_each(|command| run_on(node, command));
    } else if mend.contains("kubeadm init phase control-plane all") {
        for program in ["kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
            node.write(&format!("{MANIFESTS}/{program}.yaml"), recorded(&format!("{program}.yaml")));
        }
    } else if mend.contains("kubeadm init phase kubelet-start") {
        node.write(KUBELET_CONFIG, recorded("kubelet-config.yaml"));
    } else if mend.contains("cp /etc/kubernetes/admin.conf ") {
        let command = commands.iter().find(|command| command.starts_with("cp ")).unwrap();
        run_on(node, command);
    } else {
        return false;
    }
    true
}

/// Mends until nothing is wrong. Returns what is left, or what nobody could do.
fn left(node: &Node, bundle: &Desk) -> Vec<String> {
    for _ in 0..3 {
        let findings = node.findings();
        let wrong: Vec<_> = findings.iter().filter(|finding| finding["severity"] != "note").collect();
        if wrong.is_empty() {
            return Vec::new();
        }
        if !mend(node, bundle) {
            break;
        }
    }
    node.findings().iter().map(|finding| format!("{}: {}", finding["rule"], finding["what"])).collect()
}

#[test]
fn what_is_printed_ends_the_fault() {
    let [lab, _] = GENUINE.clone();
    let bundle = lab.carry();
    let is_nodes = |node: &Node| !node.path("").with_file_name("objects.yaml").exists();
    let flaws = nodes().map(|(flaw, node)| (flaw.rule.to_owned(), node));
    let of_lints = lints().map(|(rule, fault, node)| (format!("{} ({})", rule.id, fault.id), node));
    let mut wrong = Vec::new();
    let mut count = 0;
    for (name, node) in flaws.chain(of_lints) {
        let rule = name.split(' ').next().unwrap().to_owned();
        if !is_nodes(&node) || NO_COMMAND.contains(&rule.as_str()) {
            continue;
        }
        count += 1;
        let left = left(&node, &bundle);
        if !left.is_empty() {
            wrong.push(format!("{name}:\n  {}", left.join("\n  ")));
        }
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 100, "{count}");
}
