//! **The** table: every CA, certificate, kubeconfig and key pair that kubeadm 1.20 to 1.37 and the kubelet use.
//!
//! The rows stand in the order in which kubeadm's files have them, each CA before its leaves. Where the source of a row
//! says `certlist.go` or `kubeconfig.go`, it means cmd/kubeadm/app/phases/{certs,kubeconfig}/ of the Kubernetes version
//! named.

use super::certificate_row::{
    AltNameRule, CaName, CaRow, CertificateRow, CommonName, ExpectedOn, Organizations, Output, Scope, Server,
};
use super::component::Component::{self, ApiServer, ControllerManager, Etcd, Kubelet, Scheduler};
use super::purpose::Purpose;
use super::since::Since;
use super::version::Version;
use crate::x509::ExtendedKeyUsage::{ClientAuth, ServerAuth};

/// The three certificate authorities of kubeadm.
pub const AUTHORITIES: [CaRow; 3] = [
    CaRow {
        name: CaName::Kubernetes,
        base_name: "ca",
        kubeadm_name: "ca",
        purpose: Purpose::KubernetesCa,
        readers: &[ApiServer, ControllerManager, Kubelet],
        key_readers: &[ControllerManager],
        expected: ExpectedOn::ControlPlane,
        source: "kubeadm v1.20.2, certlist.go KubeadmCertRootCA",
    },
    CaRow {
        name: CaName::FrontProxy,
        base_name: "front-proxy-ca",
        kubeadm_name: "front-proxy-ca",
        purpose: Purpose::FrontProxyCa,
        readers: &[ApiServer, ControllerManager],
        key_readers: &[],
        expected: ExpectedOn::ControlPlane,
        source: "kubeadm v1.20.2, certlist.go KubeadmCertFrontProxyCA",
    },
    CaRow {
        name: CaName::Etcd,
        base_name: "etcd/ca",
        kubeadm_name: "etcd-ca",
        purpose: Purpose::EtcdCa,
        readers: &[Etcd, ApiServer],
        key_readers: &[],
        expected: ExpectedOn::Etcd,
        source: "kubeadm v1.20.2, certlist.go KubeadmCertEtcdCA",
    },
];

/// The components that read the pair of keys `pki/sa.key` and `pki/sa.pub`, which signs the tokens of service accounts.
pub(super) const SERVICE_ACCOUNT_READERS: &[Component] = &[ApiServer, ControllerManager];

/// From this version on, a CA certificate carries its common name as a DNS name (client-go util/cert/cert.go, v0.22.0).
pub const CA_HAS_ALT_NAME: Since = Since(&[Version::new(22, 0)]);

const ALWAYS: Since = Since(&[]);
/// From kubeadm 1.29 on, admin.conf and apiserver-kubelet-client leave `system:masters` (CHANGELOG-1.29, kubernetes PR
/// 121305).
const RBAC_ADMINS: Since = Since(&[Version::new(29, 0)]);
/// From these versions on, apiserver-kubelet-client has no organization (kubernetes PRs 138957 and 138959, kubeadm
/// issue 3310).
pub(super) const KUBELET_CLIENT_BY_NAME: Since =
    Since(&[Version::new(33, 12), Version::new(34, 8), Version::new(35, 5), Version::new(36, 1), Version::new(37, 0)]);
/// From this version on, ControlPlaneKubeletLocalMode is on by default (CHANGELOG-1.33).
const KUBELET_LOCAL_MODE: Since = Since(&[Version::new(33, 0)]);

const NONE: &[Organizations] = &[];
const MASTERS: &[Organizations] = &[Organizations { since: ALWAYS, values: &["system:masters"] }];
const MASTERS_THEN_NONE: &[Organizations] =
    &[Organizations { since: ALWAYS, values: &["system:masters"] }, Organizations { since: RBAC_ADMINS, values: &[] }];
const MASTERS_THEN_ADMINS: &[Organizations] = &[
    Organizations { since: ALWAYS, values: &["system:masters"] },
    Organizations { since: RBAC_ADMINS, values: &["kubeadm:cluster-admins"] },
];
const KUBELET_CLIENT: &[Organizations] = &[
    Organizations { since: ALWAYS, values: &["system:masters"] },
    Organizations { since: RBAC_ADMINS, values: &["kubeadm:cluster-admins"] },
    Organizations { since: KUBELET_CLIENT_BY_NAME, values: &[] },
];
const NODES: &[Organizations] = &[Organizations { since: ALWAYS, values: &["system:nodes"] }];

/// The leaf certificates.
///
/// Source of the readers: the flags in kubeadm v1.20.2, phases/controlplane/manifests.go and phases/etcd/local.go;
/// kubelet v1.20.2, cmd/kubelet/app/server.go. Source of names and phases: phases/certs/renewal/manager.go, `init phase
/// certs --help` and `init phase kubeconfig --help`.
pub const CERTIFICATES: &[CertificateRow] = &[
    CertificateRow {
        base_name: "apiserver",
        kubeadm_name: Some("apiserver"),
        purpose: Purpose::ApiServer,
        ca: CaName::Kubernetes,
        common_name: CommonName::Fixed("kube-apiserver"),
        organizations: NONE,
        usages: &[ServerAuth],
        alt_names: AltNameRule::ApiServer,
        scope: Scope::ControlPlane,
        output: Output::Pair,
        phase: Some("certs apiserver"),
        readers: &[ApiServer],
        expected: ExpectedOn::ControlPlane,
        since: ALWAYS,
        source: "kubeadm v1.20.2, certlist.go KubeadmCertAPIServer",
    },
    CertificateRow {
        base_name: "apiserver-kubelet-client",
        kubeadm_name: Some("apiserver-kubelet-client"),
        purpose: Purpose::ApiServerKubeletClient,
        ca: CaName::Kubernetes,
        common_name: CommonName::Fixed("kube-apiserver-kubelet-client"),
        organizations: KUBELET_CLIENT,
        usages: &[ClientAuth],
        alt_names: AltNameRule::None,
        scope: Scope::ControlPlane,
        output: Output::Pair,
        phase: Some("certs apiserver-kubelet-client"),
        readers: &[ApiServer],
        expected: ExpectedOn::ControlPlane,
        since: ALWAYS,
        source: "kubeadm v1.20.2, certlist.go KubeadmCertKubeletClient; groups: CHANGELOG-1.29, PR 138957",
    },
    CertificateRow {
        base_name: "front-proxy-client",
        kubeadm_name: Some("front-proxy-client"),
        purpose: Purpose::FrontProxyClient,
        ca: CaName::FrontProxy,
        common_name: CommonName::Fixed("front-proxy-client"),
        organizations: NONE,
        usages: &[ClientAuth],
        alt_names: AltNameRule::None,
        scope: Scope::ControlPlane,
        output: Output::Pair,
        phase: Some("certs front-proxy-client"),
        readers: &[ApiServer],
        expected: ExpectedOn::ControlPlane,
        since: ALWAYS,
        source: "kubeadm v1.20.2, certlist.go KubeadmCertFrontProxyClient",
    },
    CertificateRow {
        base_name: "etcd/server",
        kubeadm_name: Some("etcd-server"),
        purpose: Purpose::EtcdServer,
        ca: CaName::Etcd,
        common_name: CommonName::NodeName,
        organizations: NONE,
        // etcd dials itself with its server certificate (comment in certlist.go, etcd issue 9785).
        usages: &[ServerAuth, ClientAuth],
        alt_names: AltNameRule::Etcd,
        scope: Scope::EtcdMember,
        output: Output::Pair,
        phase: Some("certs etcd-server"),
        readers: &[Etcd],
        expected: ExpectedOn::Etcd,
        since: ALWAYS,
        source: "kubeadm v1.20.2, certlist.go KubeadmCertEtcdServer",
    },
    CertificateRow {
        base_name: "etcd/peer",
        kubeadm_name: Some("etcd-peer"),
        purpose: Purpose::EtcdPeer,
        ca: CaName::Etcd,
        common_name: CommonName::NodeName,
        organizations: NONE,
        usages: &[ServerAuth, ClientAuth],
        alt_names: AltNameRule::Etcd,
        scope: Scope::EtcdMember,
        output: Output::Pair,
        phase: Some("certs etcd-peer"),
        readers: &[Etcd],
        expected: ExpectedOn::Etcd,
        since: ALWAYS,
        source: "kubeadm v1.20.2, certlist.go KubeadmCertEtcdPeer",
    },
    CertificateRow {
        base_name: "etcd/healthcheck-client",
        kubeadm_name: Some("etcd-healthcheck-client"),
        purpose: Purpose::EtcdClient,
        ca: CaName::Etcd,
        common_name: CommonName::Fixed("kube-etcd-healthcheck-client"),
        organizations: MASTERS_THEN_NONE,
        usages: &[ClientAuth],
        alt_names: AltNameRule::None,
        scope: Scope::EtcdMember,
        output: Output::Pair,
        phase: Some("certs etcd-healthcheck-client"),
        // Nothing to restart: the health check runs as a new process each time.
        readers: &[],
        expected: ExpectedOn::Etcd,
        since: ALWAYS,
        source: "kubeadm v1.20.2, certlist.go KubeadmCertEtcdHealthcheck; groups: CHANGELOG-1.29",
    },
    CertificateRow {
        base_name: "apiserver-etcd-client",
        kubeadm_name: Some("apiserver-etcd-client"),
        purpose: Purpose::EtcdClient,
        ca: CaName::Etcd,
        common_name: CommonName::Fixed("kube-apiserver-etcd-client"),
        organizations: MASTERS_THEN_NONE,
        usages: &[ClientAuth],
        alt_names: AltNameRule::None,
        scope: Scope::ControlPlane,
        output: Output::Pair,
        phase: Some("certs apiserver-etcd-client"),
        readers: &[ApiServer],
        expected: ExpectedOn::StackedEtcd,
        since: ALWAYS,
        source: "kubeadm v1.20.2, certlist.go KubeadmCertEtcdAPIClient; groups: CHANGELOG-1.29",
    },
    CertificateRow {
        base_name: "admin.conf",
        kubeadm_name: Some("admin.conf"),
        purpose: Purpose::User,
        ca: CaName::Kubernetes,
        common_name: CommonName::Fixed("kubernetes-admin"),
        organizations: MASTERS_THEN_ADMINS,
        usages: &[ClientAuth],
        alt_names: AltNameRule::None,
        scope: Scope::ControlPlane,
        output: Output::Kubeconfig(Server::ControlPlaneEndpoint),
        phase: Some("kubeconfig admin"),
        // Nothing to restart: only people read it.
        readers: &[],
        expected: ExpectedOn::ControlPlane,
        since: ALWAYS,
        source: "kubeadm v1.20.2, kubeconfig.go getKubeConfigSpecs; groups: CHANGELOG-1.29",
    },
    CertificateRow {
        base_name: "super-admin.conf",
        kubeadm_name: Some("super-admin.conf"),
        purpose: Purpose::User,
        ca: CaName::Kubernetes,
        common_name: CommonName::Fixed("kubernetes-super-admin"),
        organizations: MASTERS,
        usages: &[ClientAuth],
        alt_names: AltNameRule::None,
        scope: Scope::FirstControlPlane,
        output: Output::Kubeconfig(Server::ControlPlaneEndpoint),
        phase: Some("kubeconfig super-admin"),
        // Nothing to restart: only people read it, and it is on the first control plane alone.
        readers: &[],
        expected: ExpectedOn::Nowhere,
        since: RBAC_ADMINS,
        source: "kubeadm v1.29, kubeconfig.go getKubeConfigSpecs (init only, never join)",
    },
    CertificateRow {
        base_name: "controller-manager.conf",
        kubeadm_name: Some("controller-manager.conf"),
        purpose: Purpose::ControllerManager,
        ca: CaName::Kubernetes,
        common_name: CommonName::Fixed("system:kube-controller-manager"),
        organizations: NONE,
        usages: &[ClientAuth],
        alt_names: AltNameRule::None,
        scope: Scope::ControlPlane,
        output: Output::Kubeconfig(Server::Local),
        phase: Some("kubeconfig controller-manager"),
        readers: &[ControllerManager],
        expected: ExpectedOn::ControlPlane,
        since: ALWAYS,
        source: "kubeadm v1.20.2, kubeconfig.go getKubeConfigSpecs",
    },
    CertificateRow {
        base_name: "scheduler.conf",
        kubeadm_name: Some("scheduler.conf"),
        purpose: Purpose::Scheduler,
        ca: CaName::Kubernetes,
        common_name: CommonName::Fixed("system:kube-scheduler"),
        organizations: NONE,
        usages: &[ClientAuth],
        alt_names: AltNameRule::None,
        scope: Scope::ControlPlane,
        output: Output::Kubeconfig(Server::Local),
        phase: Some("kubeconfig scheduler"),
        readers: &[Scheduler],
        expected: ExpectedOn::ControlPlane,
        since: ALWAYS,
        source: "kubeadm v1.20.2, kubeconfig.go getKubeConfigSpecs",
    },
    CertificateRow {
        base_name: "kubelet-client",
        kubeadm_name: None,
        purpose: Purpose::KubeletClient,
        ca: CaName::Kubernetes,
        common_name: CommonName::SystemNode,
        organizations: NODES,
        usages: &[ClientAuth],
        alt_names: AltNameRule::None,
        scope: Scope::KubeletClient,
        output: Output::KubeletStore(Server::LocalOnControlPlanes(KUBELET_LOCAL_MODE)),
        phase: Some("kubeconfig kubelet"),
        readers: &[Kubelet],
        expected: ExpectedOn::Nowhere,
        since: ALWAYS,
        source: "kubeadm v1.20.2, kubeconfig.go and kubeletfinalize.go; client-go certificate_store.go",
    },
    CertificateRow {
        base_name: "kubelet",
        kubeadm_name: None,
        purpose: Purpose::KubeletServing,
        ca: CaName::Kubernetes,
        common_name: CommonName::SystemNode,
        organizations: NODES,
        usages: &[ServerAuth],
        alt_names: AltNameRule::Node,
        scope: Scope::KubeletServing,
        output: Output::KubeletServing,
        phase: None,
        readers: &[Kubelet],
        expected: ExpectedOn::Nowhere,
        since: ALWAYS,
        source: "Kubernetes v1.20.2, cmd/kubelet/app/server.go InitializeTLS; names as KEP-4872 checks them",
    },
];

impl CertificateRow {
    /// Returns the row with this base name, or `None` when no leaf certificate has it.
    #[must_use]
    pub fn named(base_name: &str) -> Option<&'static Self> {
        CERTIFICATES.iter().find(|row| row.base_name == base_name)
    }
}

#[cfg(test)]
mod tests {
    use super::{AUTHORITIES, CERTIFICATES, CaName, ExpectedOn};
    use crate::kubernetes::{KeyId, Purpose};

    #[test]
    fn what_a_purpose_says_is_what_its_rows_say() {
        for row in CERTIFICATES {
            assert_eq!(row.purpose.usages(), row.usages, "{}", row.base_name);
            let authority = AUTHORITIES.iter().find(|ca| ca.name == row.ca).map(|ca| ca.purpose);
            assert_eq!(row.purpose.authority(), authority, "{}", row.base_name);
            assert!(!row.purpose.is_ca() && row.purpose != Purpose::Other, "{}", row.base_name);
        }
        for ca in &AUTHORITIES {
            assert_eq!(CaName::of_profile(ca.name.profile_name()), Some(ca.name));
            assert!(ca.purpose.is_ca() && ca.purpose.authority().is_none(), "{}", ca.base_name);
        }
    }

    #[test]
    fn names_are_given_once_and_a_phase_is_one_of_kubeadms() {
        for (number, row) in CERTIFICATES.iter().enumerate() {
            for other in &CERTIFICATES[..number] {
                assert_ne!(row.base_name, other.base_name);
                assert!(row.kubeadm_name.is_none() || row.kubeadm_name != other.kubeadm_name, "{}", row.base_name);
                assert!(row.phase.is_none() || row.phase != other.phase, "{}", row.base_name);
            }
            let phase = row.phase.unwrap_or("certs x");
            assert!(phase.starts_with("certs ") || phase.starts_with("kubeconfig "), "{phase}");
            assert_eq!(
                row.kubeadm_name.is_none(),
                row.expected == ExpectedOn::Nowhere && row.base_name.starts_with("kubelet")
            );
            assert_eq!(KeyId::node("n", row.base_name).to_string().parse(), Ok(KeyId::node("n", row.base_name)));
        }
    }
}
