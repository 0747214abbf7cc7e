//! Makes the files of each part from keys and certificates.
//!
//! Why: the plan, the derived keys and the issued certificates meet here and nowhere else. After this there are only
//! bytes, paths and modes.
//!
//! Input: a [plan](crate::plan::Plan), its keys and certificates, and the bytes of the profile.
//!
//! Output: a [`Part`] of the bundle for each part of the plan.
//!
//! Refuses a plan that lacks a key or a certificate.

mod api_server_restart;
mod ca_bundles;
mod cert_manager;
mod error;
mod etcd;
mod etcdctl;
mod file_sources;
mod kubeadm;
mod kubeconfig;
mod rbac;
mod registry;
mod rotation;
pub mod scripts;
mod secret;

pub use error::LayoutError;
pub use file_sources::FileSources;
pub use rotation::{Public, Replaced, Rotation};

use zeroize::Zeroizing;

use crate::bundle::{Content, File, Mode, Node, Part, PartOwner};
use crate::kubernetes::CertificatesDir;
use crate::plan::{Manifest, PlannedContent, PlannedFile, Recipient};

/// Makes the planned files of one recipient. The certificates of nodes lie in this folder.
///
/// # Errors
/// Returns a [`LayoutError`], to which no checked profile leads.
pub fn lay_out(
    recipient: Recipient<'_>,
    planned: &[PlannedFile],
    sources: &FileSources<'_>,
    certificates_dir: &CertificatesDir,
) -> Result<Part, LayoutError> {
    let files = planned.iter().map(|file| lay_out_file(file, sources)).collect::<Result<_, _>>()?;
    Ok(Part::new(owner(recipient, certificates_dir), files)?)
}

fn owner(recipient: Recipient<'_>, certificates_dir: &CertificatesDir) -> PartOwner {
    match recipient {
        Recipient::Cluster => PartOwner::Cluster,
        Recipient::Node(node) => {
            let mut names = vec![node.name.clone()];
            names.extend(node.dns_names.iter().filter(|name| **name != node.name).cloned());
            PartOwner::Node(Node {
                name: node.name.clone(),
                role: node.role,
                names,
                addresses: node.addresses.clone(),
                certificates_dir: certificates_dir.clone(),
            })
        }
    }
}

fn lay_out_file(file: &PlannedFile, sources: &FileSources<'_>) -> Result<File, LayoutError> {
    let (mode, content) = match &file.content {
        PlannedContent::Link(target) => {
            return Ok(File::Link { path: file.path.clone(), target: target.clone() });
        }
        PlannedContent::Certificate(id) => (Mode::Public, sources.certificate(id)?.pem().into_bytes().into()),
        PlannedContent::Chain(chain) => (Mode::Public, sources.chain(chain)?.into_bytes().into()),
        PlannedContent::PrivateKey(id) => (Mode::Private, bytes_of(sources.key(id)?.to_pem())),
        PlannedContent::PublicKeys(ids) => (Mode::Private, sources.public_keys(ids)?.into_bytes().into()),
        PlannedContent::CertificateAndKey(id) => {
            let (certificate, key) = (sources.certificate(id)?.pem(), sources.key(id)?.to_pem());
            let mut both = Zeroizing::new(Vec::with_capacity(certificate.len() + key.len()));
            both.extend_from_slice(certificate.as_bytes());
            both.extend_from_slice(key.as_bytes());
            (Mode::Private, both)
        }
        PlannedContent::Kubeconfig(planned) => {
            (Mode::Private, bytes_of(kubeconfig::render_kubeconfig(planned, sources)?))
        }
        PlannedContent::Manifest(manifest) => {
            let mode = if manifest.is_secret() { Mode::Private } else { Mode::Public };
            (mode, bytes_of(render_manifest(manifest, sources)?))
        }
        PlannedContent::Profile => (Mode::Public, sources.profile.to_vec().into()),
    };
    Ok(File::Regular { path: file.path.clone(), mode, content })
}

fn render_manifest(manifest: &Manifest, sources: &FileSources<'_>) -> Result<Zeroizing<String>, LayoutError> {
    match manifest {
        Manifest::Secret(secret) => secret::render(secret, sources),
        Manifest::CaBundles(bundles) => ca_bundles::render(bundles, sources),
        Manifest::ClusterIssuer { name, secret } => cert_manager::cluster_issuer(name, secret),
        Manifest::IngressExample { issuer, host } => cert_manager::ingress_example(issuer, host),
        Manifest::Trust { kind, name, namespace, ca } => {
            cert_manager::trust(*kind, name, namespace, &sources.material(ca)?)
        }
        Manifest::TrustRoot { name } => cert_manager::trust_root(name),
        Manifest::Bindings(bindings) => rbac::render("", bindings),
        Manifest::RequiredBindings(bindings) => rbac::render(rbac::REQUIRED, bindings),
        Manifest::EtcdctlEnvironment { endpoints } => etcdctl::render(endpoints),
        Manifest::ApiServerRestart(file) => api_server_restart::render(file),
        Manifest::Kubeadm(file) => kubeadm::render(file, sources),
        Manifest::Etcd(file) => etcd::render(file),
        Manifest::Registry(file) => registry::render(file),
        Manifest::RotationScript { phase, cluster, nodes } => {
            let rotation = sources.rotation.ok_or(LayoutError::NoRotation)?;
            rotation::script(*phase, cluster, nodes, rotation)
        }
    }
}

/// Returns the buffer of the text as bytes, without a copy. It is still wiped when dropped.
fn bytes_of(mut text: Zeroizing<String>) -> Content {
    Zeroizing::new(std::mem::take(&mut *text).into_bytes())
}
