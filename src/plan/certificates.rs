//! Plans every certificate of a profile, and the key that it certifies.

use super::certificate::{Constraints, PlannedCertificate, PlannedKey, authority_of, ca_key, root};
use super::{addons, alt_names};
use crate::kubernetes::{AUTHORITIES, CA_HAS_ALT_NAME, CERTIFICATES, CaName, CertificateRow, KeyId, Role, Scope};
use crate::profile::{EtcdTopology, Node, Profile};
use crate::x509::{AltName, DistinguishedName, ExtendedKeyUsage, Validity};

/// Plans the CAs, then each node's certificates in the order of the table, then users, etcd clients and add-ons.
pub(super) fn all(profile: &Profile) -> Vec<(PlannedKey, PlannedCertificate)> {
    let mut planned: Vec<_> = AUTHORITIES.iter().map(|row| authority(row.name, profile)).collect();
    planned.extend(addons::authorities(profile));
    for (node, rows) in nodes_with_rows(profile) {
        planned.extend(rows.map(|row| node_certificate(row, node, profile)));
    }
    for user in &profile.users {
        let subject = DistinguishedName { organizations: user.groups.clone(), common_name: user.name.clone() };
        let id = KeyId::User(user.name.clone());
        planned.push(client(id, user.generation, CaName::Kubernetes, subject, user.validity, profile));
    }
    for client_of_etcd in &profile.etcd_clients {
        let subject = DistinguishedName::common(&client_of_etcd.name);
        let id = KeyId::EtcdClient(client_of_etcd.name.clone());
        let (generation, validity) = (client_of_etcd.generation, client_of_etcd.validity);
        planned.push(client(id, generation, CaName::Etcd, subject, validity, profile));
    }
    planned.extend(addons::leaves(profile));
    planned
}

/// Returns each node of the profile with the rows of the table that it gets.
pub(super) fn nodes_with_rows(
    profile: &Profile,
) -> impl Iterator<Item = (&Node, impl Iterator<Item = &'static CertificateRow>)> {
    let first_control_plane = profile.nodes.iter().position(|node| node.role == Role::ControlPlane);
    let nodes = profile.nodes.iter().enumerate();
    nodes.map(move |(index, node)| (node, rows_of(profile, node.role, first_control_plane == Some(index))))
}

fn rows_of(
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
    CERTIFICATES.iter().filter(move |row| {
        row.since.includes(version)
            && match row.scope {
                Scope::ControlPlane => role == Role::ControlPlane,
                Scope::FirstControlPlane => is_first_control_plane,
                Scope::EtcdMember => runs_etcd,
                Scope::KubeletClient => runs_kubelet && kubelet.client,
                Scope::KubeletServing => runs_kubelet && kubelet.serving,
            }
    })
}

fn authority(name: CaName, profile: &Profile) -> (PlannedKey, PlannedCertificate) {
    let authority = authority_of(profile, name);
    let has_alt_name = CA_HAS_ALT_NAME.includes(authority.kubernetes);
    let alt_names = has_alt_name.then(|| AltName::Dns(authority.common_name.clone())).into_iter().collect();
    let (key, certificate) = root(ca_key(name), authority);
    (key, PlannedCertificate { alt_names, ..certificate })
}

fn node_certificate(row: &CertificateRow, node: &Node, profile: &Profile) -> (PlannedKey, PlannedCertificate) {
    let key = PlannedKey {
        id: KeyId::node(&node.name, row.base_name),
        algorithm: profile.leaf_algorithm,
        generation: node.generation,
    };
    let organizations = row.organizations_for(profile.cluster.kubernetes);
    let certificate = PlannedCertificate {
        key: key.id.clone(),
        algorithm: key.algorithm,
        issuer: ca_key(row.ca),
        is_ca: false,
        constraints: Constraints::default(),
        subject: DistinguishedName {
            organizations: organizations.iter().map(|&organization| organization.to_owned()).collect(),
            common_name: row.common_name_on(&node.name),
        },
        usages: row.usages.to_vec(),
        alt_names: alt_names::of(row.alt_names, node, &profile.cluster),
        validity: node.validity.within(authority_of(profile, row.ca).validity),
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
        validity: validity.within(authority_of(profile, ca).validity),
    };
    (PlannedKey { id, algorithm, generation }, certificate)
}
