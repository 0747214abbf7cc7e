//! What `apply` changes, in words.

use std::fmt::Write;

use crate::components::Component;
use crate::node::{Changes, Difference, Method, Reason};

/// The folders whose labels change with the files.
pub(super) const RELABELLED: [&str; 2] = ["/etc/kubernetes", "/var/lib/kubelet/pki"];

/// What would be done.
pub(super) fn dry_run(changes: &Changes<'_>, is_interrupted: bool) -> String {
    let waits = if is_interrupted {
        "an interrupted run waits: `certferry apply` brings it to its end first, and compares only then\n"
    } else {
        ""
    };
    format!("{waits}{}nothing was changed\n", report(changes, true))
}

/// What was done.
pub(super) fn done(changes: &Changes<'_>, recovered: bool) -> String {
    let first = if recovered { "an interrupted run was brought to its end first\n" } else { "" };
    let back = if changes.is_nothing() { "" } else { "back: certferry rollback\n" };
    format!("{first}{}{back}", report(changes, false))
}

fn report(changes: &Changes<'_>, is_dry: bool) -> String {
    let to = &changes.to;
    let mut text = format!("{}: ", to.node);
    let named = format!("generation {} of {}, Kubernetes {}", to.generation, to.cluster, to.kubernetes);
    if changes.is_nothing() {
        return text + &named + " is installed, and every file is as it must be\n";
    }
    let word = if is_dry { "would be installed" } else { "is installed" };
    let _ = match &changes.from {
        Some(from) if from.generation != to.generation => {
            writeln!(text, "{named} {word} in the place of generation {}", from.generation)
        }
        Some(_) => writeln!(text, "{named} {word} again"),
        None => writeln!(text, "{named} {word}"),
    };
    if let Some(from) = &changes.from
        && from.signer != to.signer
    {
        let _ = writeln!(text, "signed by {}, and not by {} as before", to.signer, from.signer);
    }
    if !changes.has_files() {
        return text + "the files are the same: nothing restarts\n";
    }
    files(&mut text, changes);
    methods(&mut text, changes);
    restarts(&mut text, changes);
    in_cluster(&mut text, changes);
    text
}

fn files(text: &mut String, changes: &Changes<'_>) {
    let mut line = |word: &str, place: &str, why: &str| {
        let _ = writeln!(text, "  {word:<8} {place}{why}");
    };
    for file in &changes.files {
        match file.difference {
            Difference::New => line("new", &file.place, ""),
            Difference::Content => line("changed", &file.place, ""),
            Difference::Mode => line("changed", &file.place, ": owner and permissions"),
        }
    }
    for file in &changes.dropped {
        let why = match &file.reason {
            Reason::Replaced(authority) => format!(": it belongs to the CA that was in {authority}"),
            Reason::Stale => ": the kubelet would go on using it".to_owned(),
        };
        line("removed", &file.place, &why);
    }
    for place in &changes.carried {
        line("kept", place, "");
    }
}

fn methods(text: &mut String, changes: &Changes<'_>) {
    for (folder, method) in &changes.methods {
        let how = match method {
            Method::Folder => "changes as a whole",
            Method::Files => "changes file by file: the CAs stay, and what runs sees the new files",
            Method::MountPoint => "changes file by file: it is a mount point",
        };
        let _ = writeln!(text, "{folder} {how}");
    }
}

/// Files that kube-apiserver reads again by itself when they are replaced in the folder that it sees.
///
/// Source: Kubernetes v1.20.2, pkg dynamiccertificates (serving certificate and client CA, every minute); tried with
/// 1.20.2.
const RELOADED: [&str; 2] = ["etc/kubernetes/pki/apiserver.crt", "etc/kubernetes/pki/apiserver.key"];

fn restarts(text: &mut String, changes: &Changes<'_>) {
    if changes.restarts.is_empty() {
        return;
    }
    let is_reloaded = changes.methods.iter().all(|(_, method)| *method != Method::Folder)
        && changes.dropped.is_empty()
        && changes.files.iter().all(|file| RELOADED.contains(&file.place.as_str()));
    if is_reloaded {
        text.push_str("nothing must restart: kube-apiserver reads the two files again within a minute\n");
        return;
    }
    let names: Vec<_> = changes.restarts.iter().map(|component| component.name()).collect();
    let _ = writeln!(text, "to restart on this node: {}", names.join(", "));
    let pods: Vec<_> = names.iter().filter(|name| **name != Component::Kubelet.name()).collect();
    if !pods.is_empty() {
        let files: Vec<_> = pods.iter().map(|name| format!("{name}.yaml")).collect();
        let files = files.join(",");
        let files = if pods.len() == 1 { files } else { format!("{{{files}}}") };
        let pattern: Vec<_> = pods.iter().map(|name| **name).collect();
        let _ = writeln!(
            text,
            "  mkdir /etc/kubernetes/manifests.off\n  mv /etc/kubernetes/manifests/{files} /etc/kubernetes/manifests.off/\n  \
             crictl ps --name '{}'     # again, until the list is empty",
            pattern.join("|")
        );
    }
    if changes.restarts.contains(&Component::Kubelet) {
        text.push_str("  systemctl restart kubelet\n");
    }
    if !pods.is_empty() {
        text.push_str(
            "  mv /etc/kubernetes/manifests.off/* /etc/kubernetes/manifests/; rmdir /etc/kubernetes/manifests.off\n",
        );
    }
}

fn in_cluster(text: &mut String, changes: &Changes<'_>) {
    let has_new_ca = changes.replaced.iter().any(|place| place.ends_with("pki/ca.crt"));
    let has_new_front_proxy = changes.replaced.iter().any(|place| place.ends_with("front-proxy-ca.crt"));
    let has_new_tokens =
        changes.files.iter().any(|file| file.place.ends_with("pki/sa.pub") && file.difference == Difference::Content);
    let mut steps: Vec<&str> = Vec::new();
    if has_new_ca || has_new_front_proxy {
        steps.push(
            "kubectl -n kube-system delete configmap extension-apiserver-authentication\n     \
             it holds the old CA, too, and lets the old admin certificate into the scheduler; it is made again at once",
        );
    }
    if has_new_ca {
        steps.push("the CA in ConfigMap kube-public/cluster-info: put the new one into data.kubeconfig");
    }
    if has_new_tokens {
        steps.push("delete every Secret of type kubernetes.io/service-account-token: the tokens in them are dead");
    }
    if has_new_ca || has_new_tokens {
        steps.push("restart kube-proxy, CoreDNS, the network plugin, then all other pods");
    }
    if has_new_ca {
        steps.push("caBundle of webhooks and APIServices, where this CA signed their certificates; users' kubeconfigs");
    }
    if steps.is_empty() {
        return;
    }
    text.push_str("in the cluster, once the last node has changed, in this order (certferry help rotation):\n");
    for (number, step) in (1..).zip(steps) {
        let _ = writeln!(text, "  {number}. {step}");
    }
}
