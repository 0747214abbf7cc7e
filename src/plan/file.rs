//! A file of a part.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::kubeconfig::PlannedKubeconfig;
use super::manifest::Manifest;
use super::planned_chain::PlannedChain;
use crate::kubernetes::KeyId;

/// What each file of a part holds, by path, in the words of [`PlannedContent::outline`]. Nodes can share the texts, most
/// of which all of them have.
pub type FileOutlines = BTreeMap<Arc<str>, Arc<str>>;

/// A file of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedFile {
    /// The path relative to the part's tree, without a leading slash.
    pub path: String,
    /// The content, which also decides the mode.
    pub content: PlannedContent,
}

/// The content of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlannedContent {
    /// A certificate in PEM.
    Certificate(KeyId),
    /// Certificates in PEM, each the issuer of the one before.
    Chain(PlannedChain),
    /// A private key in PEM.
    PrivateKey(KeyId),
    /// Public keys in PEM, with the mode of a private one, as kubeadm writes `sa.pub`: one, or in a phase of a rotation two.
    PublicKeys(Vec<KeyId>),
    /// A certificate and then its key, as the kubelet stores them.
    CertificateAndKey(KeyId),
    /// A kubeconfig.
    Kubeconfig(Box<PlannedKubeconfig>),
    /// A symbolic link to a file in the same folder.
    Link(String),
    /// The profile itself.
    Profile,
    /// A file that is rendered from a template.
    Manifest(Box<Manifest>),
}

impl PlannedContent {
    /// Describes the content as far as it is known without keys and certificates: which of them the file holds, the
    /// server of a kubeconfig, the target of a link.
    ///
    /// The text is not secret. A lock keeps it.
    #[must_use]
    pub fn outline(&self) -> String {
        match self {
            Self::Certificate(id) => format!("certificate {id}"),
            Self::Chain(chain) => chain.outline(),
            Self::PrivateKey(id) => format!("key {id}"),
            Self::PublicKeys(ids) => match &**ids {
                [id] => format!("public key {id}"),
                ids => format!("public keys {}", ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
            },
            Self::CertificateAndKey(id) => format!("certificate and key {id}"),
            Self::Kubeconfig(kubeconfig) => kubeconfig.outline(),
            Self::Link(target) => format!("link {target}"),
            Self::Profile => "profile".to_owned(),
            Self::Manifest(manifest) => manifest.outline(),
        }
    }
}

pub(super) fn file(path: String, content: PlannedContent) -> PlannedFile {
    PlannedFile { path, content }
}
