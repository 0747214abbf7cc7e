//! The components of a node, and which of them reads which file and so must be restarted when it changes.

use super::certificate::{AUTHORITIES, CERTIFICATES, SERVICE_ACCOUNT_READERS};
use super::place::{KUBELET_CONF, PKI};
use super::role::Role;

/// A component that runs on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    /// The etcd member.
    Etcd,
    /// kube-apiserver.
    ApiServer,
    /// kube-controller-manager.
    ControllerManager,
    /// kube-scheduler.
    Scheduler,
    /// The kubelet.
    Kubelet,
}

impl Component {
    /// Returns the name that processes and static pods have.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::ApiServer => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
            Self::Scheduler => "kube-scheduler",
            Self::Kubelet => "kubelet",
        }
    }

    /// Every component, in the order in which a list names them.
    pub const ALL: [Self; 5] = [Self::Etcd, Self::ApiServer, Self::ControllerManager, Self::Scheduler, Self::Kubelet];

    /// Names components for a person: `etcd`, `etcd and kubelet`, `etcd, kube-apiserver and kubelet`.
    #[must_use]
    pub fn list<'a>(components: impl IntoIterator<Item = &'a Self>) -> String {
        let names: Vec<_> = components.into_iter().map(|component| component.name()).collect();
        match names.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, first)) => format!("{} and {last}", first.join(", ")),
            None => String::new(),
        }
    }

    /// Returns the place of a file that is on a node if and only if the component runs there.
    #[must_use]
    pub const fn mark(self) -> &'static str {
        match self {
            Self::Etcd => "etc/kubernetes/pki/etcd/server.crt",
            Self::ApiServer => "etc/kubernetes/pki/apiserver.crt",
            Self::ControllerManager => "etc/kubernetes/controller-manager.conf",
            Self::Scheduler => "etc/kubernetes/scheduler.conf",
            Self::Kubelet => KUBELET_CONF,
        }
    }

    /// Returns whether the component runs on a node of this role.
    ///
    /// A file alone does not tell: a worker has `ca.crt` as a control plane does, but no API server to read it.
    #[must_use]
    pub const fn runs(self, role: Role, has_etcd: bool) -> bool {
        match self {
            Self::Etcd => has_etcd,
            Self::ApiServer | Self::ControllerManager | Self::Scheduler => matches!(role, Role::ControlPlane),
            Self::Kubelet => !matches!(role, Role::Etcd),
        }
    }
}

/// Returns the beginnings of paths in a node's tree, each with the components that read the files there.
///
/// The first beginning that fits a path counts. A file that fits none is read by people, or by a new process each time.
pub fn readers_by_path() -> impl Iterator<Item = (String, &'static [Component])> {
    let authorities = AUTHORITIES.iter().flat_map(|row| {
        let file = |extension: &str| format!("{PKI}/{}.{extension}", row.base_name);
        [(file("crt"), row.readers), (file("key"), row.key_readers)]
    });
    let leaves = CERTIFICATES.iter().flat_map(|row| row.output.paths(row.base_name).map(|path| (path, row.readers)));
    authorities.chain(leaves).chain([(format!("{PKI}/sa."), SERVICE_ACCOUNT_READERS)])
}

/// Returns the components that read a file of a node's tree.
#[must_use]
pub fn readers(path: &str) -> &'static [Component] {
    readers_by_path().find(|(beginning, _)| path.starts_with(beginning)).map_or(&[], |(_, readers)| readers)
}

#[cfg(test)]
mod tests {
    use super::{Component, readers};

    #[test]
    fn who_reads_what() {
        use Component::{ApiServer, ControllerManager, Etcd, Kubelet, Scheduler};

        for (path, expected) in [
            ("etc/kubernetes/pki/ca.crt", &[ApiServer, ControllerManager, Kubelet][..]),
            ("etc/kubernetes/pki/ca.key", &[ControllerManager]),
            ("etc/kubernetes/pki/apiserver.crt", &[ApiServer]),
            ("etc/kubernetes/pki/apiserver-etcd-client.key", &[ApiServer]),
            ("etc/kubernetes/pki/apiserver-kubelet-client.crt", &[ApiServer]),
            ("etc/kubernetes/pki/front-proxy-ca.crt", &[ApiServer, ControllerManager]),
            ("etc/kubernetes/pki/front-proxy-ca.key", &[]),
            ("etc/kubernetes/pki/front-proxy-client.key", &[ApiServer]),
            ("etc/kubernetes/pki/sa.key", &[ApiServer, ControllerManager]),
            ("etc/kubernetes/pki/sa.pub", &[ApiServer, ControllerManager]),
            ("etc/kubernetes/pki/etcd/ca.crt", &[Etcd, ApiServer]),
            ("etc/kubernetes/pki/etcd/ca.key", &[]),
            ("etc/kubernetes/pki/etcd/server.crt", &[Etcd]),
            ("etc/kubernetes/pki/etcd/peer.key", &[Etcd]),
            ("etc/kubernetes/pki/etcd/healthcheck-client.crt", &[]),
            ("etc/kubernetes/admin.conf", &[]),
            ("etc/kubernetes/super-admin.conf", &[]),
            ("etc/kubernetes/controller-manager.conf", &[ControllerManager]),
            ("etc/kubernetes/scheduler.conf", &[Scheduler]),
            ("etc/kubernetes/kubelet.conf", &[Kubelet]),
            ("var/lib/kubelet/pki/kubelet-client-current.pem", &[Kubelet]),
            ("var/lib/kubelet/pki/kubelet.key", &[Kubelet]),
            ("etc/kubernetes/pki/dex.crt", &[]),
        ] {
            assert_eq!(readers(path), expected, "{path}");
        }
    }
}
