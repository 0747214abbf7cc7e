//! The components that are stopped and started, and their order.

use std::collections::BTreeSet;

use crate::kubernetes::Component;

/// The stages of a start, from the component on which all others depend to those on which none depends.
const STAGES: [&[Component]; 3] =
    [&[Component::Etcd], &[Component::ApiServer], &[Component::ControllerManager, Component::Scheduler]];

/// The components that are started anew, by the program that runs them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Static pods, which the kubelet stops and starts when their manifests go and come.
    pub pods: BTreeSet<Component>,
    /// Services of systemd.
    pub services: BTreeSet<Component>,
}

impl Plan {
    /// Divides components by the program that runs them.
    ///
    /// # Errors
    /// Returns the first component that is neither a static pod nor a service.
    pub(super) fn new(
        components: &BTreeSet<Component>,
        is_pod: impl Fn(Component) -> bool,
        is_service: impl Fn(Component) -> bool,
    ) -> Result<Self, Component> {
        let mut plan = Self::default();
        for &component in components {
            if is_pod(component) {
                plan.pods.insert(component);
            } else if is_service(component) {
                plan.services.insert(component);
            } else {
                return Err(component);
            }
        }
        Ok(plan)
    }

    /// Divides components for a person, who runs all those that are no static pods.
    #[must_use]
    pub fn by_person(components: &BTreeSet<Component>, pods: &BTreeSet<Component>) -> Self {
        let (pods, services) = components.iter().partition(|component| pods.contains(component));
        Self { pods, services }
    }

    /// Returns whether no component is started anew.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pods.is_empty() && self.services.is_empty()
    }

    /// Returns the static pods in the order in which they stop. Each stage stops when the stage before has ended.
    /// Services do not stop, but are restarted when their time to start comes.
    #[must_use]
    pub fn stops(&self) -> Vec<Vec<Component>> {
        self.stages(|component| self.pods.contains(&component)).into_iter().rev().collect()
    }

    /// Returns all components except the kubelet in the order in which they start. Each stage starts when the stage
    /// before is well. The kubelet comes before them, because it starts the static pods.
    #[must_use]
    pub fn starts(&self) -> Vec<Vec<Component>> {
        self.stages(|component| self.pods.contains(&component) || self.services.contains(&component))
    }

    fn stages(&self, takes_part: impl Fn(Component) -> bool) -> Vec<Vec<Component>> {
        let stage = |stage: &[Component]| stage.iter().copied().filter(|it| takes_part(*it)).collect::<Vec<_>>();
        STAGES.into_iter().map(stage).filter(|stage| !stage.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Plan;
    use crate::kubernetes::Component::{self, ApiServer, ControllerManager, Etcd, Kubelet, Scheduler};

    fn plan(components: &[Component], pods: &[Component]) -> Result<Plan, Component> {
        let components = BTreeSet::from_iter(components.iter().copied());
        Plan::new(&components, |component| pods.contains(&component), |component| component == Kubelet)
    }

    #[test]
    fn etcd_stops_last_and_starts_first() {
        let all = [Scheduler, Kubelet, ControllerManager, Etcd, ApiServer];
        let plan = plan(&all, &[Etcd, ApiServer, ControllerManager, Scheduler]);
        let plan = plan.unwrap_or_default();
        assert_eq!(plan.stops(), [vec![ControllerManager, Scheduler], vec![ApiServer], vec![Etcd]]);
        assert_eq!(plan.starts(), [vec![Etcd], vec![ApiServer], vec![ControllerManager, Scheduler]]);
        assert_eq!(plan.services, BTreeSet::from([Kubelet]));
    }

    #[test]
    fn only_who_must_takes_part() {
        let some = plan(&[Scheduler], &[Etcd, ApiServer, ControllerManager, Scheduler]).unwrap_or_default();
        assert_eq!((some.stops(), some.starts()), (vec![vec![Scheduler]], vec![vec![Scheduler]]));
        let worker = plan(&[Kubelet], &[]).unwrap_or_default();
        assert!(worker.stops().is_empty() && worker.starts().is_empty() && !worker.is_empty());
        assert!(plan(&[], &[Etcd]).is_ok_and(|plan| plan.is_empty()));
    }

    #[test]
    fn services_do_not_stop_and_who_is_nobodys_is_named() {
        let services = Plan::new(&BTreeSet::from([Etcd, ApiServer]), |component| component == ApiServer, |_| true);
        let services = services.unwrap_or_default();
        assert_eq!(services.stops(), [vec![ApiServer]]);
        assert_eq!(services.starts(), [vec![Etcd], vec![ApiServer]]);
        assert_eq!(plan(&[Etcd, Kubelet], &[]), Err(Etcd));
    }
}
