//! Which component reads which file, and so must be started anew when it changes.

/// A component of a node.
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
    /// Its name as processes and static pods have it.
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
}

/// Files by the beginning of their path in a node's tree, and who reads them. The first row that fits counts.
///
/// Source: the flags in kubeadm v1.20.2, phases/controlplane/manifests.go and phases/etcd/local.go; kubelet
/// v1.20.2, cmd/kubelet/app/server.go. kube-apiserver reloads some of these by itself, but not from a folder that was
/// exchanged under a running container, so all are named.
pub(crate) const READERS: [(&str, &[Component]); 18] = [
    ("etc/kubernetes/pki/ca.crt", &[Component::ApiServer, Component::ControllerManager, Component::Kubelet]),
    ("etc/kubernetes/pki/ca.key", &[Component::ControllerManager]),
    ("etc/kubernetes/pki/apiserver-etcd-client.", &[Component::ApiServer]),
    ("etc/kubernetes/pki/apiserver-kubelet-client.", &[Component::ApiServer]),
    ("etc/kubernetes/pki/apiserver.", &[Component::ApiServer]),
    ("etc/kubernetes/pki/front-proxy-ca.crt", &[Component::ApiServer, Component::ControllerManager]),
    ("etc/kubernetes/pki/front-proxy-ca.key", &[]),
    ("etc/kubernetes/pki/front-proxy-client.", &[Component::ApiServer]),
    ("etc/kubernetes/pki/sa.", &[Component::ApiServer, Component::ControllerManager]),
    ("etc/kubernetes/pki/etcd/ca.crt", &[Component::Etcd, Component::ApiServer]),
    ("etc/kubernetes/pki/etcd/server.", &[Component::Etcd]),
    ("etc/kubernetes/pki/etcd/peer.", &[Component::Etcd]),
    // The health check runs as a new process each time.
    ("etc/kubernetes/pki/etcd/", &[]),
    ("etc/kubernetes/controller-manager.conf", &[Component::ControllerManager]),
    ("etc/kubernetes/scheduler.conf", &[Component::Scheduler]),
    ("etc/kubernetes/kubelet.conf", &[Component::Kubelet]),
    ("var/lib/kubelet/pki/", &[Component::Kubelet]),
    // admin.conf and super-admin.conf are read by people.
    ("", &[]),
];

/// Who reads a file of a node's tree.
#[must_use]
pub fn readers(path: &str) -> &'static [Component] {
    READERS.iter().find(|(beginning, _)| path.starts_with(beginning)).map_or(&[], |(_, readers)| readers)
}
