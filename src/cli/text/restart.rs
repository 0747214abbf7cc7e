//! The words and commands for what must restart after a change, and for what remains to be done in the cluster.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::cli::failure::Failure;
use crate::host;
use crate::kubernetes::{CLUSTER_CA, Component, usual_place};
use crate::node::restart::{Effect, Plan, Progress, RestartedBy, Unfinished};
use crate::x509::escape_for_terminal;

/// Returns what restarts or has restarted, with the commands for it. Returns an empty text when nothing does.
pub(crate) fn restarts(effect: &Effect, restarted_by: &RestartedBy) -> String {
    if effect.restarts.is_empty() {
        let reload = "nothing must restart: kube-apiserver reads the two files again within a minute\n";
        return if effect.is_reloaded { reload.to_owned() } else { String::new() };
    }
    let names: Vec<_> = effect.restarts.iter().map(|component| component.name()).collect();
    let names = names.join(", ");
    match restarted_by {
        RestartedBy::Certferry { later } => {
            let later = self::later(later).map(|line| line + "\n").unwrap_or_default();
            format!("restarted on this node: {names}\n{later}")
        }
        RestartedBy::Person { pods } => {
            let mut text = format!("to restart on this node: {names}\n");
            let plan = Plan::by_person(&effect.restarts, pods);
            text.extend(on_all_control_planes(effect).into_iter().flat_map(|note| [note, "\n"]));
            for line in commands(&plan) {
                let _ = writeln!(text, "  {line}");
            }
            text.extend(without_crictl(&plan).into_iter().flat_map(|note| [note, "\n"]));
            text
        }
    }
}

/// Returns a line about components that will be well later, if there are any.
pub(crate) fn later(later: &BTreeSet<Component>) -> Option<String> {
    (!later.is_empty()).then(|| {
        let later = Component::list(later);
        format!("{later} will be well once the other nodes of etcd have its new CA, too: go on with them at once")
    })
}

/// Returns what to know about the members of etcd when its CA is another.
pub(crate) fn on_all_control_planes(effect: &Effect) -> Option<&'static str> {
    effect.replaces_etcd().then_some(
        "etcd's CA is another: where etcd has several members, it and kube-apiserver are well only once most members\n\
         have the new one, so do this on all control planes side by side",
    )
}

/// Returns what to do in place of the loops of [`commands`], if there are any.
pub(crate) fn without_crictl(plan: &Plan) -> Option<&'static str> {
    (!plan.stops().is_empty())
        .then_some("without crictl: instead of the loops look at `ps -e` until they are gone, or there")
}

/// Returns the lines of a shell script that restarts in the order of `--restart`.
pub(crate) fn commands(plan: &Plan) -> Vec<String> {
    const ON: &str = "/etc/kubernetes/manifests";
    const OFF: &str = "/etc/kubernetes/manifests.off";
    // Other pods may have containers called etcd, too.
    const KUBEADM: &str = "--label io.kubernetes.pod.namespace=kube-system";
    let mut lines = Vec::new();
    let mut line = |line: &str| lines.push(line.to_owned());
    let stops: Vec<_> = plan.stops().into_iter().flatten().map(Component::name).collect();
    if !stops.is_empty() {
        line(&format!("mkdir -m 700 {OFF}"));
        line(&format!("for pod in {}; do", stops.join(" ")));
        line(&format!("  mv {ON}/$pod.yaml {OFF}/"));
        line(&format!("  while crictl ps -q --name \"^$pod\\$\" {KUBEADM} | grep -q .; do sleep 2; done"));
        line("done");
    }
    if plan.services.contains(&Component::Kubelet) {
        line("systemctl restart kubelet");
    }
    for stage in plan.starts() {
        let (pods, services): (Vec<Component>, Vec<Component>) =
            stage.iter().partition(|component| plan.pods.contains(component));
        let files: Vec<_> = pods.iter().map(|component| format!("{OFF}/{}.yaml", component.name())).collect();
        if !files.is_empty() {
            line(&format!("mv {} {ON}/", files.join(" ")));
        }
        for component in services {
            line(&format!("systemctl restart {}     # or as it is started here", component.name()));
        }
        match stage.as_slice() {
            [Component::Etcd] if !files.is_empty() => {
                line(&format!("until crictl ps -q --name '^etcd$' {KUBEADM} | grep -q .; do sleep 2; done"));
            }
            [Component::ApiServer] => {
                // It asks this node's API server, where admin.conf may ask any.
                line(
                    "until kubectl --kubeconfig /etc/kubernetes/controller-manager.conf get --raw /readyz; do sleep 2; done",
                );
            }
            _ => {}
        }
    }
    if !stops.is_empty() {
        line(&format!("rmdir {OFF}"));
    }
    lines
}

/// A step that remains to be done in the cluster.
pub(crate) struct Step {
    pub(crate) step: &'static str,
    pub(crate) why: Option<&'static str>,
}

/// Returns what remains to be done in the cluster once the last node has changed, in order.
pub(crate) fn in_cluster_steps(effect: &Effect) -> Vec<Step> {
    let has_new = |usual: &str| effect.replaced.iter().any(|place| usual_place(place) == usual);
    let has_new_ca = has_new(CLUSTER_CA);
    let has_new_front_proxy = has_new("etc/kubernetes/pki/front-proxy-ca.crt");
    let mut steps = Vec::new();
    let mut add = |step, why| steps.push(Step { step, why });
    if has_new_ca || has_new_front_proxy {
        add(
            "kubectl -n kube-system delete configmap extension-apiserver-authentication",
            Some(
                "it holds the old CA, too, and lets the old admin certificate into the scheduler; it is made again at \
                 once",
            ),
        );
    }
    if has_new_ca {
        add("the CA in ConfigMap kube-public/cluster-info: put the new one into data.kubeconfig", None);
    }
    if effect.has_new_tokens {
        add("delete every Secret of type kubernetes.io/service-account-token: the tokens in them are dead", None);
    }
    if has_new_ca || effect.has_new_tokens {
        add("restart kube-proxy, CoreDNS, the network plugin, then all other pods", None);
    }
    if has_new_ca {
        add("caBundle of webhooks and APIServices, where this CA signed their certificates; users' kubeconfigs", None);
    }
    steps
}

/// Returns the text of what remains to be done in the cluster. It is empty when nothing does.
pub(crate) fn in_cluster(effect: &Effect) -> String {
    let steps = in_cluster_steps(effect);
    if steps.is_empty() {
        return String::new();
    }
    let mut text =
        "in the cluster, once the last node has changed, in this order (the manual, `certferry help rotation`):\n"
            .to_owned();
    for (number, Step { step, why }) in (1..).zip(steps) {
        let why = why.map(|why| format!("\n     {why}")).unwrap_or_default();
        let _ = writeln!(text, "  {number}. {step}{why}");
    }
    text
}

/// Returns a function that tells a person of each step, and of what the person must know. When `is_quiet`, it tells
/// only the latter.
pub(crate) fn write_progress(is_quiet: bool) -> impl FnMut(&Progress<'_>) {
    move |event| {
        if !(is_quiet && event.is_step()) {
            host::write_stderr(&progress(event));
        }
    }
}

/// Returns the line for a step or a message.
pub(crate) fn progress(progress: &Progress<'_>) -> String {
    match progress {
        Progress::Changes(_) | Progress::Effect(_) => String::new(),
        Progress::Stopping(components) => format!("stopping {}\n", Component::list(*components)),
        Progress::Swapping => "changing the files\n".to_owned(),
        Progress::Restarting(component) => format!("restarting {}\n", component.name()),
        Progress::Starting(components) => format!("starting {}\n", Component::list(*components)),
        Progress::Asking(url) => format!("asking {}\n", escape_for_terminal(url)),
        Progress::Back(failure) => format!("{failure}\ngoing back\n"),
        Progress::Unlabelled(reason) => {
            format!("warning: the files have no SELinux labels yet: {}\n", escape_for_terminal(reason))
        }
        Progress::PutBack(pods) => {
            let pods = Component::list(*pods);
            format!("{pods} had been stopped by a run that was cut short; the manifests are back\n")
        }
        Progress::StillAway(error) => {
            format!("warning: static pods stay stopped: {}", Failure::of_node(error).text())
        }
    }
}

/// Returns the lines of `status` about an interrupted restart. Returns an empty text when none was interrupted.
pub(crate) fn unfinished(unfinished: &Unfinished) -> String {
    let mut text = String::new();
    if !unfinished.away.is_empty() {
        let _ = writeln!(
            text,
            "stopped      {}: their manifests are in /etc/kubernetes/.certferry/manifests; the next `certferry apply` or \
             `certferry rollback` puts them back",
            Component::list(&unfinished.away)
        );
    }
    if !unfinished.restarts.is_empty() {
        let _ = writeln!(
            text,
            "restart      cut short: {}; `certferry apply --restart` with the same bundle brings it to its end",
            Component::list(&unfinished.restarts)
        );
    }
    text
}
