//! One TOML file describes one cluster.
//!
//! **Why**: the profile is the one input besides the seed, and it is kept for as long as the cluster lives. A slip in
//! it would be signed for 200 years. Everything that can be checked is therefore checked here, all at once, and
//! reported with its line.
//!
//! **Input**: the bytes of a profile, format 1 (`src/manual/formats.md`, section 1).
//!
//! **Output**: a [`Profile`] with defaults filled in, ranges expanded and dates computed, and warnings; or every
//! [`Problem`], ordered by position.
//!
//! **What it refuses**: files that are not plain UTF-8 TOML; unknown, reserved and missing keys; names, addresses,
//! subnets and dates that Kubernetes, X.509 or the archive cannot carry; names and addresses that occur twice;
//! certificates that outlive their CA; clusters that kubeadm cannot run.

mod addons;
mod adoption;
mod authority;
mod binding;
mod ca;
mod cert_manager;
mod client;
mod cluster;
mod collisions;
mod dates;
mod etcd;
mod expiry;
mod metallb;
mod model;
mod names;
mod network;
mod node;
mod period;
mod phase;
mod pool;
mod problem;
mod reader;
mod registry;
mod root_certificate;
mod seal;
mod secret_name;
mod service_account;
mod text;
mod tls;
mod topology;
mod value;
mod webhook;

use sha2::{Digest, Sha256};

pub use addons::{
    Binding, CertManager, Metallb, Rotation, SecretName, SecretType, TlsCertificate, TlsIssuer, Trust, Webhook,
};
pub use ca::{Adoption, Authority, FoundAuthority, FoundCertificate};
pub use model::{
    Cluster, Endpoint, EtcdClient, EtcdTopology, ForeignEtcd, KeyAdoption, Kubelet, Node, Profile, Registry,
    RegistryRoot, ServiceAccountKey, ShipCaKeys, User,
};
pub use phase::PHASES;
pub use problem::{Problem, Severity};
pub use root_certificate::RootCertificate;
pub use seal::{EncryptTo, Seal};

use authority::AuthorityDrafts;
use client::ClientDraft;
use cluster::ClusterDraft;
use problem::Problems;
use reader::TableReader;
use registry::RegistryDraft;
use service_account::ServiceAccountDraft;
use tls::TlsDraft;

/// The profile format that this version reads.
const FORMAT: u32 = 1;

/// A checked profile, and the warnings for its author.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The checked profile.
    pub profile: Profile,
    /// Problems of [`Severity::Warning`], ordered by position.
    pub warnings: Vec<Problem>,
}

/// Reads and checks a profile.
///
/// # Errors
///
/// Returns every problem, errors and warnings, ordered by position. After a syntax error only syntax errors are
/// reported, and after an unknown format only that, because nothing else in such a file can be trusted.
pub fn parse(source: &[u8]) -> Result<Parsed, Vec<Problem>> {
    let problems = Problems::default();
    let profile = read(source, &problems);
    let refused = problems.any_error();
    let problems = problems.into_sorted();
    match profile {
        Some(profile) if !refused => Ok(Parsed { profile, warnings: problems }),
        _ => Err(problems),
    }
}

/// Reads the profile as far as it can be read. When `problems` then holds an error, the result means nothing.
fn read(source: &[u8], problems: &Problems) -> Option<Profile> {
    let text = text::decode(source, problems)?;
    let document = text::document(text, problems)?;
    let root = TableReader::root(problems, document.get_ref());
    root.required("format", "1", |value| match value.integer(0..=u32::MAX)? {
        FORMAT => Some(()),
        format => value.refuse(
            format!("format {format} is unknown"),
            "this version of certferry reads format 1",
            "write `format = 1`, or use the version of certferry that the profile was written for",
        ),
    })?;

    let cluster = ClusterDraft::read(&root);
    let validity = period::Defaults::read(&root);
    let keys = authority::Keys::read(&root);
    let ship_ca_keys = authority::ship_ca_keys(&root);
    let foreign_etcd = etcd::read(&root);
    let authorities = AuthorityDrafts::read(&root, &cluster, &validity, &keys);
    let service_account = ServiceAccountDraft::read(&root, keys.service_account.as_ref());
    let kubelet = root.table("kubelet");
    let kubelet_client = kubelet.setting("client", true, |value| value.boolean());
    let kubelet_serving = kubelet.optional("serving", true, |value| value.boolean());
    kubelet.refuse_unknown_keys();
    let rows = node::read_rows(&root, &cluster, &validity);
    let users = client::read_users(&root, &cluster, &validity);
    let etcd_clients = client::read_etcd_clients(&root, &cluster, &validity);
    let bundle = root.table("bundle");
    let signer_generation = bundle.generation("signer_generation");
    let signer = adoption::signer(&bundle);
    bundle.refuse_unknown_keys();
    let seal = seal::SealDraft::read(&root);
    let metallb = metallb::read(&root, &cluster, &validity);
    let webhooks = webhook::read(&root, &cluster, &validity);
    webhook::check_shared(&webhooks, authorities.webhook.as_ref(), problems);
    let cert_manager = cert_manager::read(&root);
    let tls = tls::read(&root, &cluster, &validity);
    let registries = registry::read(&root, &cluster);
    root.refuse_unknown_keys();

    topology::check(&cluster, &rows, foreign_etcd.is_some(), kubelet_client.as_ref(), ship_ca_keys.as_ref(), problems);
    if let Some(foreign) = &foreign_etcd {
        foreign.check(&cluster, &rows, &etcd_clients, &tls, problems);
    }
    if !service_account.is_adopted() {
        topology::check_service_account(&cluster, &rows, keys.service_account.as_ref(), problems);
    }
    collisions::check(&cluster, &rows, problems);
    seal.check(rows.iter().map(|row| &row.encrypt), problems);
    let kubelet_certificates = expiry::KubeletCertificates {
        client: kubelet_client.as_ref().is_some_and(|setting| setting.value),
        serving: kubelet_serving == Some(true),
    };
    let leaves = expiry::Leaves {
        rows: &rows,
        users: &users,
        etcd_clients: &etcd_clients,
        metallb: metallb.as_ref(),
        webhooks: &webhooks,
        tls: &tls,
    };
    expiry::check(&authorities, &leaves, &kubelet_certificates, problems);
    if let (Some(metallb), Some(ca)) = (&metallb, &authorities.metallb) {
        metallb::check_rotation(metallb, ca, problems);
    }
    if let Some(cert_manager) = &cert_manager {
        cert_manager.check_clients(&tls, problems);
    }
    registry::check(&registries, &tls, cert_manager.is_some(), problems);
    let secrets = metallb.iter().map(|draft| &draft.secret);
    let secrets = secrets.chain(webhooks.iter().map(|draft| &draft.secret));
    let secrets = secrets.chain(cert_manager.iter().map(|draft| &draft.secret));
    let secrets = secrets.chain(tls.iter().map(|draft| &draft.secret));
    let secrets = secrets.chain(etcd_clients.iter().filter_map(|draft| draft.own.secret.as_ref()));
    secret_name::check_distinct(secrets, problems);
    if problems.any_error() {
        return None;
    }

    let metallb = match metallb {
        Some(draft) => Some(draft.build(authorities.metallb)?),
        None => None,
    };
    let webhook_settings = match authorities.webhook {
        Some(draft) => Some(draft.build()?),
        None => None,
    };
    let webhooks = webhooks.into_iter().map(|draft| draft.build(webhook_settings.as_ref()));
    let webhooks: Vec<_> = webhooks.collect::<Option<_>>()?;
    let cert_manager = match cert_manager {
        Some(draft) => Some(draft.build(authorities.cert_manager)?),
        None => None,
    };
    let tls: Vec<_> = tls.into_iter().map(TlsDraft::build).collect::<Option<_>>()?;
    let needs_tls_ca = cert_manager.is_some() || tls.iter().any(|tls| tls.issuer == TlsIssuer::Tls);
    let tls_ca = match authorities.tls.filter(|_| needs_tls_ca) {
        Some(draft) => Some(draft.build()?),
        None => None,
    };
    let etcd_ca = match authorities.etcd {
        Some(draft) => Some(draft.build()?),
        None => None,
    };
    let foreign_etcd = match foreign_etcd {
        Some(draft) => Some(draft.build()?),
        None => None,
    };
    let nodes = rows.into_iter().map(node::NodeRow::build).collect::<Option<Vec<_>>>()?;
    Some(Profile {
        cluster: cluster.build()?,
        ship_ca_keys: ship_ca_keys?.value,
        kubernetes_ca: authorities.kubernetes.build()?,
        etcd_ca,
        foreign_etcd,
        front_proxy_ca: authorities.front_proxy.build()?,
        leaf_algorithm: keys.leaf?,
        service_account: service_account.build()?,
        phase: 0,
        trust_only: false,
        kubelet: Kubelet { client: kubelet_client?.value, serving: kubelet_serving? },
        nodes: nodes.into_iter().flatten().collect(),
        users: users.into_iter().map(ClientDraft::build_user).collect::<Option<_>>()?,
        etcd_clients: etcd_clients.into_iter().map(ClientDraft::build_etcd_client).collect::<Option<_>>()?,
        metallb,
        webhook_ca: webhook_settings.filter(|_| webhooks.iter().any(|webhook| webhook.own_ca.is_none())),
        webhooks,
        tls_ca,
        cert_manager,
        tls,
        registries: registries.into_iter().map(RegistryDraft::build).collect::<Option<_>>()?,
        seal: seal.build()?,
        signer: signer?.map(|key| KeyAdoption { key, found: None }),
        signer_generation: signer_generation?,
        source: source.to_vec(),
        sha256: Sha256::digest(source).into(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::parse;

    /// Every check needs a profile in `tests/profile_errors` that fails it. Otherwise nobody has ever read its text.
    #[test]
    fn every_check_has_a_profile_that_fails_it() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut sources = vec![b"\xff".to_vec(), b"\xef\xbb\xbf\r".to_vec(), vec![b'\n'; (4 << 20) + 1]];
        for entry in fs::read_dir(root.join("tests/profile_errors")).unwrap() {
            let file = entry.unwrap().path();
            if file.extension().is_some_and(|extension| extension == "toml") {
                sources.push(fs::read(file).unwrap());
            }
        }
        let reached: BTreeSet<(String, usize)> = sources
            .iter()
            .flat_map(|source| parse(source).map_or_else(|problems| problems, |parsed| parsed.warnings))
            .map(|problem| (problem.raised_at.file().to_owned(), problem.raised_at.line() as usize))
            .collect();

        let mut written = BTreeSet::new();
        for entry in fs::read_dir(root.join("src/profile")).unwrap() {
            let name = format!("src/profile/{}", entry.unwrap().file_name().to_str().unwrap());
            let text = fs::read_to_string(root.join(&name)).unwrap();
            let checks = text.lines().enumerate().take_while(|(_, line)| *line != "#[cfg(test)]");
            let markers = ["Problem::error(", "Problem::warning(", ".refuse(", ".refuse::<"];
            let checks = checks.filter(|(_, line)| markers.iter().any(|marker| line.contains(marker)));
            written.extend(checks.map(|(index, _)| (name.clone(), index + 1)));
        }
        assert!(written.len() > 50, "the search itself finds too little: {written:?}");
        let unread: Vec<_> = written.difference(&reached).collect();
        assert!(unread.is_empty(), "no profile fails these checks: {unread:?}");
    }
}
