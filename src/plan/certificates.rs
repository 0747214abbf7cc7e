//! Plans every certificate of a profile, and the key that it certifies.

use super::certificate::{Constraints, PlannedCertificate, PlannedKey, authority_of, ca_key, root};
use super::{addons, alt_names};
use crate::kubernetes::{AUTHORITIES, CA_HAS_ALT_NAME, CERTIFICATES, CaName, CertificateRow, KeyId, Role, Scope};
use crate::profile::{Authority, EtcdTopology, Node, Profile};
use crate::x509::{AltName, DistinguishedName, ExtendedKeyUsage, Validity};

/// Plans the CAs, then each node's certificates in the order of the table, then users, etcd clients and add-ons.
pub(super) fn all(profile: &Profile) -> impl Iterator<Item = (PlannedKey, PlannedCertificate)> {
    let authorities = AUTHORITIES.iter().flat_map(|row| authority(row.name, profile));
    let of_nodes = nodes_with_rows(profile)
        .flat_map(move |(node, rows)| rows.map(move |row| node_certificate(row, node, profile)));
    let users = profile.users.iter().map(|user| {
        let subject = DistinguishedName { organizations: user.groups.clone(), ..DistinguishedName::common(&user.name) };
        let id = KeyId::User(user.name.as_str().into());
        client(id, user.generation, CaName::Kubernetes, subject, user.validity, profile)
    });
    let etcd_clients = profile.etcd_clients.iter().map(|client_of_etcd| {
        let subject = DistinguishedName::common(&client_of_etcd.name);
        let id = KeyId::EtcdClient(client_of_etcd.name.as_str().into());
        client(id, client_of_etcd.generation, CaName::Etcd, subject, client_of_etcd.validity, profile)
    });
    let authorities = authorities.chain(addons::authorities(profile));
    authorities.chain(of_nodes).chain(users).chain(etcd_clients).chain(addons::leaves(profile))
}

/// Returns each node of the profile with the rows of the table that it gets.
fn nodes_with_rows(profile: &Profile) -> impl Iterator<Item = (&Node, impl Iterator<Item = &'static CertificateRow>)> {
    let first_control_plane = profile.nodes.iter().position(|node| node.role == Role::ControlPlane);
    let nodes = profile.nodes.iter().enumerate();
    nodes.map(move |(index, node)| (node, rows_of(profile, node.role, first_control_plane == Some(index))))
}

/// Returns the rows of the table that a node of this role gets.
pub(super) fn rows_of(
    profile: &Profile,
    role: Role,
    is_first_control_plane: bool,
) -> impl Iterator<Item = &'static CertificateRow> + use<> {
    let version = profile.cluster.kubernetes;
    let runs_etcd = match profile.cluster.etcd {
        EtcdTopology::Stacked => role == Role::ControlPlane,
        EtcdTopology::External => role == Role::Etcd,
    };
    let runs_kubelet = matches!(role, Role::ControlPlane | Role::Worker);
    let kubelet = profile.kubelet;
    let has_etcd_ca = profile.etcd_ca.is_some();
    CERTIFICATES.iter().filter(move |row| {
        row.since.includes(version)
            && (row.ca != CaName::Etcd || has_etcd_ca)
            && match row.scope {
                Scope::ControlPlane => role == Role::ControlPlane,
                Scope::FirstControlPlane => is_first_control_plane,
                Scope::EtcdMember => runs_etcd,
                Scope::KubeletClient => runs_kubelet && kubelet.client,
                Scope::KubeletServing => runs_kubelet && kubelet.serving,
            }
    })
}

/// Plans a CA of kubeadm, and the one that is trusted beside it.
fn authority(name: CaName, profile: &Profile) -> impl Iterator<Item = (PlannedKey, PlannedCertificate)> + use<> {
    let of = |(id, authority): (KeyId, &Authority)| {
        let (key, mut certificate) = root(id, authority);
        if certificate.existing.is_none() && CA_HAS_ALT_NAME.includes(authority.kubernetes) {
            certificate.alt_names.push(AltName::Dns(authority.common_name.clone()));
        }
        (key, certificate)
    };
    let own = authority_of(profile, name);
    let trusted = own.and_then(|own| own.trusted.as_deref()).zip(ca_key(name).trusted()).map(|(ca, id)| (id, ca));
    let all: Vec<_> = own.map(|own| (ca_key(name), own)).into_iter().chain(trusted).map(of).collect();
    all.into_iter()
}

/// Returns a leaf's validity, which does not begin before its CA's.
fn within(validity: Validity, profile: &Profile, ca: CaName) -> Validity {
    authority_of(profile, ca).map_or(validity, |authority| validity.within(authority.validity))
}

fn node_certificate(row: &CertificateRow, node: &Node, profile: &Profile) -> (PlannedKey, PlannedCertificate) {
    let key = PlannedKey::derived(KeyId::node(&node.name, row.base_name), profile.leaf_algorithm, node.generation);
    let organizations = row.organizations_for(profile.cluster.kubernetes);
    let certificate = PlannedCertificate {
        key: key.id.clone(),
        algorithm: key.algorithm,
        issuer: ca_key(row.ca),
        is_ca: false,
        constraints: Constraints::default(),
        subject: DistinguishedName {
            organizations: organizations.iter().map(|&organization| organization.to_owned()).collect(),
            ..DistinguishedName::common(row.common_name_on(&node.name))
        },
        usages: row.usages.to_vec(),
        alt_names: alt_names::of(row.alt_names, node, &profile.cluster),
        validity: within(node.validity, profile, row.ca),
        existing: None,
    };
    (key, certificate)
}

fn client(
    id: KeyId,
    generation: u32,
    ca: CaName,
    subject: DistinguishedName,
    validity: Validity,
    profile: &Profile,
) -> (PlannedKey, PlannedCertificate) {
    let algorithm = profile.leaf_algorithm;
    let certificate = PlannedCertificate {
        key: id.clone(),
        algorithm,
        issuer: ca_key(ca),
        is_ca: false,
        constraints: Constraints::default(),
        subject,
        usages: vec![ExtendedKeyUsage::ClientAuth],
        alt_names: Vec::new(),
        validity: within(validity, profile, ca),
        existing: None,
    };
    (PlannedKey::derived(id, algorithm, generation), certificate)
}
