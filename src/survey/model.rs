//! The survey of a node, format number 1.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::reason;
use crate::kubernetes::Role;
use crate::x509::ReadCertificate;

/// The public facts of one node. Every path is relative to the node's root and begins without a `/`.
///
/// A survey comes from a node, so every text in it is untrusted: it may hold any character but those that are not seen,
/// and names nothing that must exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Survey {
    /// The number of the format: 1.
    pub survey: u32,
    /// The node itself.
    pub node: Node,
    /// The programs of Kubernetes and etcd that files on the node start, in the order of the files: static pods, then
    /// services, then environment files without a service.
    #[serde(rename = "program", default)]
    pub programs: Vec<Program>,
    /// The configuration files of those programs, by path.
    #[serde(rename = "configuration", default)]
    pub configurations: Vec<Configuration>,
    /// The files that hold certificates or keys, and those that a setting names, by path.
    #[serde(rename = "file", default)]
    pub files: Vec<File>,
    /// The kubeconfigs, by path.
    #[serde(rename = "kubeconfig", default)]
    pub kubeconfigs: Vec<Kubeconfig>,
    /// The paths that lead to another place, by path.
    #[serde(rename = "link", default)]
    pub links: Vec<Link>,
    /// What exists or is named, and could not be read, by path.
    #[serde(rename = "unread", default)]
    pub unread: Vec<Unread>,
}

/// What the files say of the node itself. What no file says is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// The name that the kubelet gives itself, in lower case: `--hostname-override`, or else the host's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_name: Option<String>,
    /// The node's name in the kubelet's client certificate, without `system:node:`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_name: Option<String>,
    /// The role: `control-plane`, `worker` or `etcd`. A control plane is also a member of etcd if one of the programs is
    /// etcd.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The version of Kubernetes by the images of the static pods: `1.24.15`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<String>,
    /// The addresses of the host's interfaces without those of loopback and link, in numeric order, IPv4 first. Empty
    /// when the root is not that of a running system.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
}

/// A program, and how it is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// The name of the program: `kube-apiserver`, `kube-controller-manager`, `kube-scheduler`, `etcd`, `kubelet`,
    /// `kube-proxy`. Of any other program nothing but its name is known, and it has no settings.
    pub name: String,
    /// What starts it.
    pub kind: ProgramKind,
    /// The manifest, the unit or the environment file.
    pub path: String,
    /// The version in the tag of a static pod's image: `1.24.15`, of etcd `3.5.6`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The flags that name files, addresses, subnets and names, in their order. Of several of one name the last one
    /// counts, but for those that may be repeated (`service-account-key-file`, `service-account-issuer`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<Setting>,
    /// The names of the other flags, sorted. Their values are not in a survey.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<String>,
}

/// What starts a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProgramKind {
    /// The kubelet, by a manifest.
    StaticPod,
    /// systemd, by a unit. What its environment says is among the flags.
    Service,
    /// Something unknown, with the flags or variables of an environment file: `/etc/etcd.env`,
    /// `/var/lib/kubelet/kubeadm-flags.env`.
    Environment,
}

/// A configuration file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// The file.
    pub path: String,
    /// The `kind` of the document: `KubeletConfiguration`, `ClusterConfiguration`, `InitConfiguration`; of the
    /// configuration of etcd `etcd`.
    pub kind: String,
    /// The fields that name files, addresses, subnets and names, in their order. A name is the path of keys:
    /// `authentication.x509.clientCAFile`; an item of a list has its number from 0: `clusterDNS.0`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<Setting>,
}

/// A flag, a variable or a field, with its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// The name, of a flag without its dashes. Variables of etcd have the name of the flag that means the same.
    pub name: String,
    /// The value. A URL has no user, password, query or fragment.
    pub value: String,
    /// For a file or folder: its path on the node, where this is not the value itself without its `/`, because the
    /// static pod mounts another place there. It is empty when nothing of the node is mounted there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// A file. It may hold certificates and keys; a file that a setting names may hold neither.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The path, with every link followed.
    pub path: String,
    /// The permission bits, in four octal digits.
    pub mode: String,
    /// The id of the user that owns the file.
    pub owner: u32,
    /// The id of the file's group.
    pub group: u32,
    /// The certificates in the order of the file, each as PEM (RFC 7468): lines of 64 characters, a line break at the
    /// end. Each has the form of a certificate; whether it can be read is another question.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<String>,
    /// For each private key of the file, the SHA-256 of its public half: of the SubjectPublicKeyInfo in DER, in hex.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub private_keys: Vec<String>,
    /// The public keys of the file, each as PEM of its SubjectPublicKeyInfo.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub public_keys: Vec<String>,
}

/// A kubeconfig without its keys, tokens and passwords.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kubeconfig {
    /// The path, with every link followed.
    pub path: String,
    /// The permission bits, in four octal digits.
    pub mode: String,
    /// The id of the user that owns the file.
    pub owner: u32,
    /// The id of the file's group.
    pub group: u32,
    /// The name of the current context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_context: Option<String>,
    /// The clusters, in the order of the file.
    #[serde(rename = "cluster", default, skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<KubeconfigCluster>,
    /// The users, in the order of the file.
    #[serde(rename = "user", default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<KubeconfigUser>,
    /// The contexts, in the order of the file.
    #[serde(rename = "context", default, skip_serializing_if = "Vec::is_empty")]
    pub contexts: Vec<KubeconfigContext>,
}

/// A cluster of a kubeconfig.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KubeconfigCluster {
    /// The name of the cluster.
    pub name: String,
    /// The URL of the API server, without user, password, query and fragment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The name that the API server's certificate must have, where it is not the URL's host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_server_name: Option<String>,
    /// The file of the CA, as the kubeconfig names it: relative to the kubeconfig's folder when it begins without a
    /// `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_authority: Option<String>,
    /// The certificates of the CA that stand in the kubeconfig itself, as in [`File::certificates`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<String>,
}

/// A user of a kubeconfig.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KubeconfigUser {
    /// The name of the user in the kubeconfig. Whom the API server takes the user for stands in the certificate.
    pub name: String,
    /// The file of the client certificate, as the kubeconfig names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<String>,
    /// The file of the key, as the kubeconfig names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_key: Option<String>,
    /// The certificates that stand in the kubeconfig itself, as in [`File::certificates`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<String>,
    /// The key that stands in the kubeconfig itself, as in [`File::private_keys`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub private_keys: Vec<String>,
    /// The names of the other ways in which the user proves who it is, sorted: `auth-provider`, `exec`, `password`,
    /// `token`, `tokenFile`, `username`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<String>,
}

/// A context of a kubeconfig.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KubeconfigContext {
    /// The name of the context.
    pub name: String,
    /// The name of its cluster.
    pub cluster: String,
    /// The name of its user.
    pub user: String,
}

/// A path that leads to another place, because it or a folder on its way is a symbolic link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The path.
    pub path: String,
    /// The path to which it leads once every link is followed, below the root. A file or kubeconfig of the survey has it,
    /// or else `unread`.
    pub leads_to: String,
}

/// A file that could not be read, wholly or in part, or a path that is named and where nothing is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unread {
    /// The path.
    pub path: String,
    /// The reason, in words.
    pub reason: String,
}

/// Why a text is no survey. The text of an error continues a sentence that begins with the file's name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SurveyError {
    /// The text is larger than [`Survey::LIMIT`] bytes.
    #[error("is larger than a survey can be")]
    TooLarge,
    /// The text is not UTF-8.
    #[error("is not UTF-8")]
    NotUtf8,
    /// The text is not TOML, or its first key is not `survey`.
    #[error("is no survey")]
    NotASurvey,
    /// The format is another one.
    #[error("is a survey of format {0}; this version reads format 1")]
    Format(u32),
    /// Something is missing, unknown or of the wrong type; the value is what the decoder said, which quotes the text.
    #[error("is a survey that cannot be read: {0}")]
    Syntax(String),
}

impl Survey {
    /// The number of the format that is written and read.
    pub const FORMAT: u32 = 1;
    /// The most bytes of a survey. That of a control plane has about 100,000.
    pub const LIMIT: usize = 16 << 20;

    /// Reads a survey.
    ///
    /// # Errors
    /// Returns the [`SurveyError`] of the first problem.
    pub fn parse(content: &[u8]) -> Result<Self, SurveyError> {
        #[derive(Deserialize)]
        struct AnyFormat {
            survey: u32,
        }
        if content.len() > Self::LIMIT {
            return Err(SurveyError::TooLarge);
        }
        let text = std::str::from_utf8(content).map_err(|_| SurveyError::NotUtf8)?;
        if !Self::is_one(content) {
            return Err(SurveyError::NotASurvey);
        }
        // A newer format may have other keys.
        let AnyFormat { survey } = toml::from_str(text).map_err(syntax)?;
        if survey != Self::FORMAT {
            return Err(SurveyError::Format(survey));
        }
        toml::from_str(text).map_err(syntax)
    }

    /// Returns whether a file means to be a survey: its first line that is neither empty nor a comment sets `survey`.
    #[must_use]
    pub fn is_one(content: &[u8]) -> bool {
        let lines = content.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        let first = lines.into_iter().find(|line| !line.is_empty() && !line.starts_with(b"#"));
        let after = first.and_then(|line| line.strip_prefix(b"survey"));
        after.is_some_and(|rest| rest.trim_ascii_start().starts_with(b"="))
    }

    /// Takes the certificates out that this version cannot read, and notes where they were. A survey has every certificate
    /// as it is.
    pub fn set_aside_unreadable(&mut self) {
        let is_readable = |pem: &String| ReadCertificate::from_pem(pem.as_bytes()).is_ok();
        let mut places = BTreeSet::new();
        let mut keep = |path: &str, certificates: &mut Vec<String>| {
            let before = certificates.len();
            certificates.retain(is_readable);
            if certificates.len() < before {
                places.insert(path.to_owned());
            }
        };
        for file in &mut self.files {
            keep(&file.path, &mut file.certificates);
        }
        for Kubeconfig { path, clusters, users, .. } in &mut self.kubeconfigs {
            let lists = clusters.iter_mut().map(|cluster| &mut cluster.certificates);
            for certificates in lists.chain(users.iter_mut().map(|user| &mut user.certificates)) {
                keep(path, certificates);
            }
        }
        let unread = places.into_iter().map(|path| Unread { path, reason: reason::CERTIFICATE.to_owned() });
        self.unread.extend(unread);
        self.unread.sort_by(|left, right| (&left.path, &left.reason).cmp(&(&right.path, &right.reason)));
        self.unread.dedup();
    }

    /// Returns the place to which a path leads in this survey.
    #[must_use]
    pub fn leads_to<'a>(&'a self, path: &'a str) -> &'a str {
        self.links.iter().find(|link| link.path == path).map_or(path, |link| link.leads_to.as_str())
    }

    /// Returns the file at a path, with links followed.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&File> {
        let place = self.leads_to(path);
        self.files.iter().find(|file| file.path == place)
    }

    /// Returns the kubeconfig at a path, with links followed.
    #[must_use]
    pub fn kubeconfig(&self, path: &str) -> Option<&Kubeconfig> {
        let place = self.leads_to(path);
        self.kubeconfigs.iter().find(|kubeconfig| kubeconfig.path == place)
    }

    /// Returns the program of that name which is started. Of several the last one counts.
    #[must_use]
    pub fn program(&self, name: &str) -> Option<&Program> {
        self.programs.iter().rev().find(|program| program.name == name)
    }
}

fn syntax(error: toml::de::Error) -> SurveyError {
    SurveyError::Syntax(error.to_string().trim_end().to_owned())
}

impl Unread {
    /// Returns whether the file could not be read because of its rights.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        self.reason == reason::DENIED
    }

    /// Returns whether nothing is at the path, which only something else names.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.reason == reason::NOTHING
    }

    /// Returns whether the survey lacks something because of it: not where nothing is, and not where a file turned out to be
    /// none of those that a survey has.
    #[must_use]
    pub fn is_lacking(&self) -> bool {
        !self.is_missing() && self.reason != reason::OTHER_FILE
    }
}

impl Node {
    /// Returns the role, or `None` when the survey has none that is known.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        Role::parse(self.role.as_deref()?)
    }
}

impl Program {
    /// Returns the setting of that name that counts, the last one.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&Setting> {
        self.settings.iter().rev().find(|setting| setting.name == name)
    }

    /// Returns every setting of that name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Setting> {
        self.settings.iter().filter(move |setting| setting.name == name)
    }
}

impl Setting {
    /// Returns the path on the node of the file or folder that the value names, or `None` when nothing of the node is
    /// mounted there, or the value is not an absolute path.
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        match self.at.as_deref() {
            Some("") => None,
            Some(place) => Some(place),
            None => self.value.strip_prefix('/'),
        }
    }
}
