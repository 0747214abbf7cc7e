//! A restart: stops components, makes the swap, starts them again, and goes back when one does not come up.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::install::back;
use super::super::place::Slot;
use super::super::{NodeError, Session};
use super::effect::Effect;
use super::error::{RestartError, StartFailure};
use super::health::{Endpoint, answering, endpoints, members, url, wait};
use super::manifest::Manifest;
use super::plan::Plan;
use super::progress::Progress;
use super::running::{Seen, is_service, restart};
use super::stopped_manifests::{away, forget, give, give_all, manifest, note, noted, take};
use crate::host::NodeTree;
use crate::kubernetes::{CertificatesDir, Component};

/// A restart around a swap, before anything is done.
pub(crate) struct Restart<'a> {
    session: &'a Session<'a>,
    plan: Plan,
    asked: BTreeMap<Component, Asked>,
    seen: Seen,
    /// The time that each component may take to end, and again to be well.
    time: Duration,
    /// The folder of the certificates with which components are asked.
    certificates_dir: CertificatesDir,
    /// Whether an earlier run was interrupted in its restart.
    is_resumed: bool,
}

/// The endpoints at which a component is asked, and what is expected of it.
struct Asked {
    endpoints: Vec<Endpoint>,
    expected: Expected,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// The component was well before. If it does not come up, the files before come back.
    Back,
    /// The component was not well before, so the files before are no better.
    Perhaps,
    /// The component cannot be well before other nodes have changed, too.
    Later,
}

impl<'a> Restart<'a> {
    /// Finds the components that must be restarted, who runs them, and whether they are well now. Returns `None` when
    /// none must be restarted.
    ///
    /// # Errors
    /// Returns [`RestartError::Unmanaged`], or [`RestartError::Node`] when files cannot be read.
    pub(super) fn prepare(
        session: &'a Session<'a>,
        effect: &Effect,
        time: Duration,
    ) -> Result<Option<Self>, RestartError> {
        let tree = session.tree();
        let (noted, away) = (noted(tree)?, away(tree)?);
        let is_resumed = !noted.is_empty() || !away.is_empty();
        let components: BTreeSet<_> = effect.restarts.iter().chain(&noted).chain(&away).copied().collect();
        let mut manifests = BTreeMap::new();
        for component in components.iter().copied().filter(|component| *component != Component::Kubelet) {
            let text = manifest(tree, component)?;
            manifests.extend(text.map(|text| (component, Manifest::read(&text))));
        }
        let is_pod = |component| manifests.contains_key(&component);
        let plan = Plan::new(&components, is_pod, is_service).map_err(RestartError::Unmanaged)?;
        if plan.is_empty() {
            return Ok(None);
        }
        let folder = &effect.certificates_dir;
        let alone = !effect.replaces_etcd() || members(tree, folder, manifests.get(&Component::Etcd)) == Some(1);
        let asked = components.iter().map(|&component| {
            let depends_on_etcd = matches!(component, Component::Etcd | Component::ApiServer);
            (component, Asked::new((tree, folder), component, manifests.get(&component), alone || !depends_on_etcd))
        });
        let asked = asked.collect();
        Ok(Some(Self {
            session,
            plan,
            asked,
            seen: Seen::new(manifests),
            time,
            certificates_dir: folder.clone(),
            is_resumed,
        }))
    }

    /// Stops the static pods, makes the change, and starts all components again, each when those on which it depends
    /// are well. Brings the files before back when a component does not come up that was well before. Returns the
    /// components that will be well only once other nodes have changed, too, and for which this does not wait.
    ///
    /// # Errors
    /// Returns the [`RestartError`] that says what failed, and which files are live.
    pub(super) fn run(
        &self,
        change: impl FnOnce(&mut dyn FnMut(&Progress<'_>)) -> Result<Slot, NodeError>,
        progress: &mut dyn FnMut(&Progress<'_>),
    ) -> Result<BTreeSet<Component>, RestartError> {
        let tree = self.session.tree();
        let everybody = self.plan.pods.union(&self.plan.services).copied().collect();
        note(tree, &everybody)?;
        // A manifest that cannot be put back stays away, and the next run finds it there.
        let again = |error| {
            let _ = give_all(tree);
            error
        };
        self.down(progress).map_err(again)?;
        progress(&Progress::Swapping);
        let kept = change(progress).map_err(|error| again(RestartError::Node(error)))?;
        let Some(failure) = self.up(true, progress) else {
            forget(tree)?;
            return Ok(self.later());
        };
        if !self.leads_back(&failure) {
            return Err(again(RestartError::Unwell(failure)));
        }
        progress(&Progress::Back(&failure));
        // A component that does not end now may never end, and the files matter more.
        let _ = self.down(progress);
        progress(&Progress::Swapping);
        if let Err(cause) = back(self.session, kept, true) {
            let _ = give_all(tree);
            return Err(RestartError::Stuck { failure, cause });
        }
        let still = self.up(false, progress);
        Err(again(RestartError::Back { failure, still }))
    }

    fn later(&self) -> BTreeSet<Component> {
        let later = self.asked.iter().filter(|(_, asked)| asked.expected == Expected::Later);
        later.map(|(component, _)| *component).collect()
    }

    /// Stops the static pods, beginning with those on which no other depends.
    fn down(&self, progress: &mut dyn FnMut(&Progress<'_>)) -> Result<(), RestartError> {
        for stage in self.plan.stops() {
            progress(&Progress::Stopping(&stage));
            take(self.session.tree(), &stage)?;
            self.seen
                .wait_for_end(&stage, self.time)
                .map_err(|components| RestartError::Running { components, within: self.time })?;
        }
        Ok(())
    }

    /// Starts all components. With `may_go_back`, ends at the first that does not come up and leads back. Otherwise
    /// starts all, and returns the first that did not come up.
    fn up(&self, may_go_back: bool, progress: &mut dyn FnMut(&Progress<'_>)) -> Option<StartFailure> {
        let kubelet = self.plan.services.contains(&Component::Kubelet).then(|| vec![Component::Kubelet]);
        let mut first = None;
        for stage in kubelet.into_iter().chain(self.plan.starts()) {
            let Some(failure) = self.start(&stage, first.is_none(), progress) else { continue };
            let is_over = may_go_back && self.leads_back(&failure);
            first.get_or_insert(failure);
            if is_over {
                break;
            }
        }
        first
    }

    fn start(
        &self,
        stage: &[Component],
        is_awaited: bool,
        progress: &mut dyn FnMut(&Progress<'_>),
    ) -> Option<StartFailure> {
        let (services, pods): (Vec<_>, Vec<_>) =
            stage.iter().copied().partition(|component| self.plan.services.contains(component));
        if !pods.is_empty() {
            progress(&Progress::Starting(&pods));
            if let Err(error) = give(self.session.tree(), &pods) {
                return Some(StartFailure::Manifest(Box::new(error)));
            }
        }
        for service in services {
            progress(&Progress::Restarting(service));
            let expected = self.asked.get(&service).map(|asked| asked.expected);
            if let Err(reason) = restart(service, expected == Some(Expected::Later), self.time) {
                return Some(StartFailure::Service(service, reason));
            }
        }
        if !is_awaited {
            return None;
        }
        let asked = |component: &Component| Some((*component, self.asked.get(component)?));
        for (component, asked) in stage.iter().filter_map(asked) {
            // A kubelet may be configured not to tell its health.
            let is_mute = component == Component::Kubelet && asked.expected != Expected::Back;
            if let Some(endpoint) = asked.endpoints.first()
                && asked.expected != Expected::Later
                && !is_mute
            {
                progress(&Progress::Asking(&url(component, endpoint)));
                let files = (self.session.tree(), &self.certificates_dir);
                if let Err(unwell) = wait(files, component, &asked.endpoints, self.time) {
                    return Some(StartFailure::Unwell { unwell: Box::new(unwell), within: self.time });
                }
            }
        }
        None
    }

    /// Returns whether the files before promise better than those with which a component does not come up.
    fn leads_back(&self, failure: &StartFailure) -> bool {
        let expected = |component| self.asked.get(component).map(|asked| asked.expected);
        match failure {
            StartFailure::Unwell { unwell, .. } => expected(&unwell.component) == Some(Expected::Back),
            // After an interrupted run it is not known how the service was before.
            StartFailure::Service(..) => !self.is_resumed,
            StartFailure::Manifest(_) => false,
        }
    }
}

impl Asked {
    fn new(
        files: (&NodeTree, &CertificatesDir),
        component: Component,
        manifest: Option<&Manifest>,
        alone: bool,
    ) -> Self {
        let endpoints = endpoints(component, manifest);
        if !alone {
            return Self { endpoints, expected: Expected::Later };
        }
        match answering(files, component, &endpoints) {
            Ok(endpoint) => Self { endpoints: vec![endpoint], expected: Expected::Back },
            Err(_) => Self { endpoints, expected: Expected::Perhaps },
        }
    }
}
