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

mod ca_bundles;
mod cert_manager;
mod etcdctl;
mod kubeconfig;
mod rbac;
pub mod scripts;
mod secret;
mod template;

pub use template::render as render_template;

use thiserror::Error;
use zeroize::Zeroizing;

use crate::bundle::{Content, File, Mode, Node, Owner, Part, RecordError};
use crate::issue::{Certificate, Issued};
use crate::keys::{KeyRing, PrivateKey};
use crate::kubernetes::KeyId;
use crate::plan::{Manifest, PlannedContent, PlannedFile, PlannedPart, Recipient};

/// What a build has made so far.
pub struct Made<'a> {
    /// The derived keys.
    pub keys: &'a KeyRing,
    /// The issued certificates.
    pub certificates: &'a Issued,
    /// The bytes of the profile.
    pub profile: &'a [u8],
}

/// Why the files of a part could not be laid out. No checked profile leads to any of these, so each is a defect of this
/// program.
#[derive(Debug, Error)]
pub enum LayoutError {
    /// The plan names a key that was not derived.
    #[error("the key {0} was not derived")]
    MissingKey(KeyId),
    /// The plan names a certificate that was not issued.
    #[error("the certificate {0} was not issued")]
    MissingCertificate(KeyId),
    /// A template names a value that does not exist; the text is its name.
    #[error("a template: {0}")]
    Template(String),
    /// The part cannot be written as a record of the bundle's format.
    #[error("{0}")]
    Record(#[from] RecordError),
}

impl Made<'_> {
    fn key(&self, id: &KeyId) -> Result<&PrivateKey, LayoutError> {
        self.keys.get(id).ok_or_else(|| LayoutError::MissingKey(id.clone()))
    }

    fn certificate(&self, id: &KeyId) -> Result<&Certificate, LayoutError> {
        self.certificates.get(id).ok_or_else(|| LayoutError::MissingCertificate(id.clone()))
    }
}

/// Makes the files of one part.
///
/// # Errors
/// Returns a [`LayoutError`], to which no checked profile leads.
pub fn lay_out(part: &PlannedPart, made: &Made<'_>) -> Result<Part, LayoutError> {
    let files = part.files.iter().map(|file| lay_out_file(file, made)).collect::<Result<_, _>>()?;
    Ok(Part::new(owner(&part.recipient), files)?)
}

fn owner(recipient: &Recipient) -> Owner {
    match recipient {
        Recipient::Cluster => Owner::Cluster,
        Recipient::Node(node) => {
            let mut names = vec![node.name.clone()];
            names.extend(node.dns_names.iter().filter(|name| **name != node.name).cloned());
            Owner::Node(Node { name: node.name.clone(), role: node.role, names, addresses: node.addresses.clone() })
        }
    }
}

fn lay_out_file(file: &PlannedFile, made: &Made<'_>) -> Result<File, LayoutError> {
    let (mode, content) = match &file.content {
        PlannedContent::Link(target) => {
            return Ok(File::Link { path: file.path.clone(), target: target.clone() });
        }
        PlannedContent::Certificate(id) => (Mode::Public, made.certificate(id)?.pem().into_bytes().into()),
        PlannedContent::PrivateKey(id) => (Mode::Private, bytes_of(made.key(id)?.to_pem())),
        PlannedContent::PublicKey(id) => (Mode::Private, made.key(id)?.public_pem().into_bytes().into()),
        PlannedContent::CertificateAndKey(id) => {
            let (certificate, key) = (made.certificate(id)?.pem(), made.key(id)?.to_pem());
            let mut both = Zeroizing::new(Vec::with_capacity(certificate.len() + key.len()));
            both.extend_from_slice(certificate.as_bytes());
            both.extend_from_slice(key.as_bytes());
            (Mode::Private, both)
        }
        PlannedContent::Kubeconfig(planned) => (Mode::Private, bytes_of(kubeconfig::render_kubeconfig(planned, made)?)),
        PlannedContent::Manifest(manifest) => {
            let mode = if manifest.is_secret() { Mode::Private } else { Mode::Public };
            (mode, bytes_of(render_manifest(manifest, made)?))
        }
        PlannedContent::Profile => (Mode::Public, made.profile.to_vec().into()),
    };
    Ok(File::Regular { path: file.path.clone(), mode, content })
}

fn render_manifest(manifest: &Manifest, made: &Made<'_>) -> Result<Zeroizing<String>, LayoutError> {
    match manifest {
        Manifest::Secret(secret) => secret::render(secret, made),
        Manifest::CaBundles(bundles) => ca_bundles::render(bundles, made),
        Manifest::ClusterIssuer { name, secret } => cert_manager::cluster_issuer(name, secret),
        Manifest::IngressExample { issuer, host } => cert_manager::ingress_example(issuer, host),
        Manifest::Trust { kind, name, namespace, ca } => {
            cert_manager::trust(*kind, name, namespace, &made.certificate(ca)?.pem())
        }
        Manifest::TrustRoot { name } => cert_manager::trust_root(name),
        Manifest::Bindings(bindings) => rbac::render(bindings),
        Manifest::EtcdctlEnvironment { endpoints } => etcdctl::render(endpoints),
    }
}

/// Returns a text from the profile as a scalar of YAML. It is quoted as JSON, which YAML 1.2 reads alike, so that `no`
/// stays a text.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Returns the buffer of the text as bytes, without a copy. It is still wiped when dropped.
fn bytes_of(mut text: Zeroizing<String>) -> Content {
    Zeroizing::new(std::mem::take(&mut *text).into_bytes())
}
