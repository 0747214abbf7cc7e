//! Finds whether static pods run, and asks the programs of the node that stop and start components.

use std::collections::BTreeMap;
use std::time::Duration;

use super::manifest::Manifest;
use crate::host::{Deadline, is_installed, pause, processes, run_program};
use crate::kubernetes::Component;

/// The time that crictl and systemctl may take to answer a question.
const ANSWER: Duration = Duration::from_secs(30);
/// The time that the kubelet gets to end a pod before its containers are stopped without it. The kubelet looks for
/// changes every 20 seconds, and gives a static pod 30 seconds to end.
const GRACE: Duration = Duration::from_secs(60);
/// The seconds that crictl gives a container to end.
const STOP: &str = "30";

/// The way in which running static pods are seen.
pub(super) enum Seen {
    /// By their containers, which crictl lists.
    Containers,
    /// By their processes, when crictl is missing or does not answer. A component has its manifest here when a process
    /// runs with all the flags of that manifest.
    Processes(BTreeMap<Component, Manifest>),
}

impl Seen {
    /// Chooses the way while the pods of these manifests run.
    pub(super) fn new(manifests: BTreeMap<Component, Manifest>) -> Self {
        if is_installed("crictl") && run_program("crictl", &["ps", "-q"], ANSWER).is_ok_and(|exit| exit.is_success) {
            return Self::Containers;
        }
        let running = processes().unwrap_or_default();
        let is_known = |component: &Component, manifest: &Manifest| {
            running.iter().any(|it| it.program() == component.name() && manifest.has_started(&it.words))
        };
        Self::Processes(manifests.into_iter().filter(|(component, manifest)| is_known(component, manifest)).collect())
    }

    /// Returns the running containers of a component, or its name once for each of its processes. A failed question
    /// counts as a container that runs.
    fn of(&self, component: Component) -> Vec<String> {
        let name = component.name();
        match self {
            Self::Containers => {
                let pattern = format!("^{name}$");
                // Other pods may have containers called etcd, too.
                let of_kubeadm = "io.kubernetes.pod.namespace=kube-system";
                let exit = run_program("crictl", &["ps", "-q", "--name", &pattern, "--label", of_kubeadm], ANSWER);
                match exit {
                    Ok(exit) if exit.is_success => exit.stdout.split_whitespace().map(str::to_owned).collect(),
                    _ => vec![String::new()],
                }
            }
            Self::Processes(known) => {
                let is_it = |words: &[String]| known.get(&component).is_none_or(|manifest| manifest.has_started(words));
                let running = processes().unwrap_or_default().into_iter();
                running.filter(|it| it.program() == name && is_it(&it.words)).map(|_| name.to_owned()).collect()
            }
        }
    }

    /// Waits until the components, whose manifests are away, have ended.
    ///
    /// # Errors
    /// Returns the components that have not ended in time.
    pub(super) fn wait_for_end(&self, components: &[Component], time: Duration) -> Result<(), Vec<Component>> {
        let deadline = Deadline::after(time);
        // Where the kubelet does not run, it does not stop them.
        let kubelet_ends_them = is_active(Component::Kubelet);
        let grace = Deadline::after(if kubelet_ends_them { GRACE.min(time / 2) } else { Duration::ZERO });
        loop {
            let running: Vec<_> = components.iter().map(|component| (*component, self.of(*component))).collect();
            let running: Vec<_> = running.into_iter().filter(|(_, found)| !found.is_empty()).collect();
            if running.is_empty() {
                return Ok(());
            }
            if deadline.left().is_none() {
                return Err(running.into_iter().map(|(component, _)| component).collect());
            }
            if grace.left().is_none() && matches!(self, Self::Containers) {
                for container in running.iter().flat_map(|(_, found)| found).filter(|found| !found.is_empty()) {
                    // The next list of containers shows whether this helped.
                    let _ = run_program("crictl", &["stop", "--timeout", STOP, container], ANSWER * 2);
                }
            }
            pause();
        }
    }
}

/// Returns whether systemd knows a service with the name of the component.
pub(super) fn is_service(component: Component) -> bool {
    property(component, "LoadState").is_some_and(|state| state == "loaded")
}

/// Returns whether that service runs.
pub(super) fn is_active(component: Component) -> bool {
    property(component, "ActiveState").is_some_and(|state| state == "active")
}

/// Returns a property of a service. Does not use `--value`, which came with systemd 230, because RHEL 7 has 219.
fn property(component: Component, name: &str) -> Option<String> {
    let exit = run_program("systemctl", &["show", "--property", name, component.name()], ANSWER).ok()?;
    let line = exit.stdout.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
    Some(line.trim().to_owned())
}

/// Restarts a service. With `may_lag`, the service need not be ready yet when this returns.
///
/// # Errors
/// Returns what systemctl said.
pub(super) fn restart(component: Component, may_lag: bool, time: Duration) -> Result<(), String> {
    let block = may_lag.then_some("--no-block");
    let words: Vec<_> = ["restart"].into_iter().chain(block).chain([component.name()]).collect();
    match run_program("systemctl", &words, time.max(ANSWER)) {
        Ok(exit) if exit.is_success => Ok(()),
        Ok(exit) => Err(exit.stderr.trim().to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
