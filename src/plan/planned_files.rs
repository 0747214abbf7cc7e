//! Which files each recipient gets, and what is in them.

use super::addons;
use super::api_server_restart;
use super::certificate::{authority_of, ca_key};
use super::certificates::rows_of;
use super::chain;
use super::etcd;
use super::file::{PlannedContent, PlannedFile, file};
use super::kubeadm;
use super::kubeconfig::{self, Credentials};
use super::planned_chain::issuers_of_all;
use super::registry;
use super::rotation;
use crate::kubernetes::{
    CA_CHAIN, CA_SIGNING, CaName, CertificateRow, KUBELET_PKI, KUBERNETES, KeyId, Output, PartName, Role, escape,
};
use crate::profile::{EtcdTopology, Node, Profile, ShipCaKeys};
use crate::x509::ExtendedKeyUsage;

/// The recipient of a part of the bundle.
#[derive(Clone, Copy, Debug)]
pub enum Recipient<'p> {
    /// A node.
    Node(&'p Node),
    /// The people who run the cluster.
    Cluster,
}

impl Recipient<'_> {
    /// Returns the name of the part.
    #[must_use]
    pub fn part(&self) -> PartName {
        match self {
            Self::Node(node) => PartName::Node(node.name.clone()),
            Self::Cluster => PartName::Cluster,
        }
    }
}

/// The file in which kubelet.conf finds certificate and key: a link of the kubelet's own, which it moves at each
/// rotation.
const KUBELET_CURRENT: &str = "/var/lib/kubelet/pki/kubelet-client-current.pem";

/// Plans the files of a node. `control_planes` are all of the profile.
pub(super) fn of_node(profile: &Profile, node: &Node, control_planes: &[&Node]) -> Vec<PlannedFile> {
    let first = control_planes.first().copied();
    let is_first = first.is_some_and(|first| first.name == node.name);
    let mut files = shared_files(profile, node);
    if profile.trust_only {
        // Leaves, keys and client pairs on the node stay as they are.
        files.retain(|file| !matches!(file.content, PlannedContent::PrivateKey(_)));
        return files;
    }
    files.extend(rows_of(profile, node.role, is_first).flat_map(|row| row_files(row, (node, first), profile)));
    files.extend(api_server_restart::files(profile, node, control_planes));
    files.extend(registry::files(profile, node));
    files
}

/// Plans the CAs and the service-account pair, which are the same files on each node that has them.
fn shared_files(profile: &Profile, node: &Node) -> Vec<PlannedFile> {
    let ship_keys = profile.ship_ca_keys == ShipCaKeys::ControlPlane && node.role == Role::ControlPlane;
    let stacked = profile.cluster.etcd == EtcdTopology::Stacked;
    let authorities: &[(CaName, &str, bool)] = match node.role {
        Role::ControlPlane => &[
            (CaName::Kubernetes, "ca", ship_keys),
            (CaName::FrontProxy, "front-proxy-ca", ship_keys),
            // With external etcd, a control plane is only a client of etcd.
            (CaName::Etcd, "etcd/ca", ship_keys && stacked),
        ],
        Role::Worker => &[(CaName::Kubernetes, "ca", false)],
        Role::Etcd => &[(CaName::Etcd, "etcd/ca", false)],
    };
    let pki = profile.cluster.certificates_dir.folder();
    let mut files = Vec::new();
    let is_made = |name: CaName| name != CaName::Etcd || profile.etcd_ca.is_some();
    for (name, base_name, with_key) in authorities.iter().filter(|(name, ..)| is_made(*name)) {
        let id = ca_key(*name);
        if *with_key {
            files.push(file(format!("{pki}/{base_name}.key"), PlannedContent::PrivateKey(id.clone())));
        }
        let known = authority_of(profile, *name).map(|authority| chain::known(id.clone(), authority).into());
        files.push(file(format!("{pki}/{base_name}.crt"), known.unwrap_or(PlannedContent::Certificate(id))));
    }
    if node.role == Role::ControlPlane {
        // By this file pods verify API servers: kube-controller-manager's --root-ca-file. Nobody knows clients by it.
        if !issuers_of_all(&profile.kubernetes_ca).is_empty() {
            let chain = chain::trusted(ca_key(CaName::Kubernetes), &profile.kubernetes_ca);
            files.push(file(profile.cluster.certificates_dir.place(CA_CHAIN).into_owned(), chain.into()));
        }
        if profile.kubernetes_ca.trusted.is_some() {
            // kube-controller-manager ends when there are two certificates in the file by which it signs.
            let signing = PlannedContent::Certificate(ca_key(CaName::Kubernetes));
            files.push(file(profile.cluster.certificates_dir.place(CA_SIGNING).into_owned(), signing));
        }
        files.push(file(format!("{pki}/sa.key"), PlannedContent::PrivateKey(KeyId::ServiceAccount)));
        let trusted = profile.service_account.trusted.as_ref().map(|_| KeyId::TrustedServiceAccount);
        let keys = [KeyId::ServiceAccount].into_iter().chain(trusted).collect();
        files.push(file(format!("{pki}/sa.pub"), PlannedContent::PublicKeys(keys)));
    }
    files
}

fn row_files(row: &CertificateRow, (node, first): (&Node, Option<&Node>), profile: &Profile) -> Vec<PlannedFile> {
    let id = KeyId::node(&node.name, row.base_name);
    let user = row.common_name_on(&node.name);
    let authority = authority_of(profile, row.ca).filter(|_| row.usages.contains(&ExtendedKeyUsage::ServerAuth));
    let sent = authority.map(|authority| chain::sent(id.clone(), (ca_key(row.ca), authority)).into());
    let certificate = sent.unwrap_or_else(|| PlannedContent::Certificate(id.clone()));
    let pair = |folder: &str| {
        vec![
            file(format!("{folder}/{}.crt", row.base_name), certificate.clone()),
            file(format!("{folder}/{}.key", row.base_name), PlannedContent::PrivateKey(id.clone())),
        ]
    };
    match row.output {
        Output::Pair => pair(profile.cluster.certificates_dir.folder()),
        Output::KubeletServing => pair(KUBELET_PKI),
        Output::Kubeconfig(server) => {
            let kubeconfig = kubeconfig::for_node(profile, (node, first), server, user, Credentials::Embedded(id));
            vec![file(format!("{KUBERNETES}/{}", row.base_name), PlannedContent::Kubeconfig(Box::new(kubeconfig)))]
        }
        Output::KubeletStore(server) => {
            let credentials = Credentials::Path(KUBELET_CURRENT);
            let kubeconfig = kubeconfig::for_node(profile, (node, first), server, user, credentials);
            // client-go certificate_store.go names the file by the local time at which it was stored.
            let dated = format!("kubelet-client-{}-00-00-00.pem", node.validity.issued_at);
            vec![
                file(format!("{KUBERNETES}/kubelet.conf"), PlannedContent::Kubeconfig(Box::new(kubeconfig))),
                file(format!("{KUBELET_PKI}/{dated}"), PlannedContent::CertificateAndKey(id)),
                file(format!("{KUBELET_PKI}/kubelet-client-current.pem"), PlannedContent::Link(dated)),
            ]
        }
    }
}

/// Plans the files of the cluster's own part. `first` is the first control plane.
pub(super) fn of_cluster(profile: &Profile, first: Option<&Node>) -> Vec<PlannedFile> {
    let mut files = vec![file("profile.toml".to_owned(), PlannedContent::Profile)];
    files.extend(rotation::script(profile));
    if profile.trust_only {
        return files;
    }
    for user in &profile.users {
        let kubeconfig = kubeconfig::for_user(profile, first, &user.name);
        files
            .push(file(format!("users/{}.conf", escape(&user.name)), PlannedContent::Kubeconfig(Box::new(kubeconfig))));
    }
    for client in &profile.etcd_clients {
        let id = KeyId::EtcdClient(client.name.as_str().into());
        let folder = format!("etcd-clients/{}", escape(&client.name));
        // A client verifies servers by it, and nobody is known by it.
        let trusted = profile.etcd_ca.as_ref().map(|authority| chain::trusted(ca_key(CaName::Etcd), authority).into());
        let authority = trusted.unwrap_or_else(|| PlannedContent::Certificate(ca_key(CaName::Etcd)));
        files.push(file(format!("{folder}/ca.crt"), authority));
        files.push(file(format!("{folder}/client.crt"), PlannedContent::Certificate(id.clone())));
        files.push(file(format!("{folder}/client.key"), PlannedContent::PrivateKey(id)));
    }
    files.extend(kubeadm::files(profile, first));
    files.extend(etcd::files(profile));
    files.extend(addons::files(profile));
    files
}
