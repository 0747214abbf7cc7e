//! Kubeconfigs, whoever wrote them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::{Embedded, EmbeddedKind, Fault};
use crate::yaml::Yaml;

/// What a kubeconfig says about certificates and servers. Source: client-go tools/clientcmd/api/v1/types.go.
pub struct Kubeconfig {
    /// Of the list `clusters`, in order.
    pub clusters: Vec<KubeconfigCluster>,
    /// Of the list `users`, in order.
    pub users: Vec<KubeconfigUser>,
    /// Of the list `contexts`: the names of a cluster and of the user that calls it.
    pub contexts: Vec<(String, String)>,
}

/// A cluster of a kubeconfig.
pub struct KubeconfigCluster {
    /// Its name in the file.
    pub name: String,
    /// `https://host:port`.
    pub server: Option<String>,
    /// The name that the server's certificate must be for, when it is not the host's.
    pub server_name: Option<String>,
    /// The CA that the server's certificate is held against.
    pub authority: Option<Held>,
}

/// A user of a kubeconfig.
pub struct KubeconfigUser {
    /// Its name in the file.
    pub name: String,
    /// The client certificate, if there is one: others have a token or a program.
    pub certificate: Option<Held>,
    /// Its key.
    pub key: Option<Held>,
}

/// How a kubeconfig holds certificates or keys.
pub enum Held {
    /// In the field itself, PEM.
    Inline(Zeroizing<Vec<u8>>),
    /// In this file; a relative one counts from the kubeconfig's folder.
    File(String),
    /// In the field, but not as base64.
    Broken,
}

impl Kubeconfig {
    /// Reads a kubeconfig, whoever wrote it.
    ///
    /// # Errors
    /// [`Fault::Unknown`] when it is no text, [`Fault::Yaml`] and [`Fault::NotKubeconfig`].
    pub fn read(content: &[u8]) -> Result<Self, Fault> {
        let text = std::str::from_utf8(content).map_err(|_| Fault::Unknown)?;
        let yaml = Yaml::read(text).map_err(Fault::Yaml)?;
        // kubectl reads a file that does not say its kind, too.
        let is_kubeconfig = match yaml.get("kind") {
            Some(kind) => kind.text() == Some("Config"),
            None => yaml.get("users").is_some() || yaml.get("clusters").is_some(),
        };
        if !is_kubeconfig {
            return Err(Fault::NotKubeconfig);
        }
        let list = |list: &str| yaml.get(list).map(Yaml::items).unwrap_or_default();
        let clusters = list("clusters").iter().map(|item| KubeconfigCluster {
            name: text_of(item, &["name"]).unwrap_or_default(),
            server: text_of(item, &["cluster", "server"]),
            server_name: text_of(item, &["cluster", "tls-server-name"]),
            authority: held(item, "cluster", "certificate-authority"),
        });
        let users = list("users").iter().map(|item| KubeconfigUser {
            name: text_of(item, &["name"]).unwrap_or_default(),
            certificate: held(item, "user", "client-certificate"),
            key: held(item, "user", "client-key"),
        });
        let contexts = list("contexts")
            .iter()
            .filter_map(|item| Some((text_of(item, &["context", "cluster"])?, text_of(item, &["context", "user"])?)));
        Ok(Self { clusters: clusters.collect(), users: users.collect(), contexts: contexts.collect() })
    }
}

/// The text at a path; nothing when it is empty.
fn text_of(item: &Yaml, path: &[&str]) -> Option<String> {
    item.at(path).and_then(Yaml::text).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// As in client-go the data wins over the file.
fn held(item: &Yaml, element: &str, field: &str) -> Option<Held> {
    let data = text_of(item, &[element, &format!("{field}-data")]).map(Zeroizing::new);
    data.map(|data| inline(&data)).or_else(|| text_of(item, &[element, field]).map(Held::File))
}

/// A field of a kubeconfig that holds or names certificates.
pub(super) struct Field {
    pub(super) embedded: Embedded,
    pub(super) certificates: Held,
}

/// The users' certificates, then the clusters' CAs; a user with a token or a program has none.
///
/// # Errors
/// As [`Kubeconfig::read`].
pub(super) fn read(content: &[u8]) -> Result<Vec<Field>, Fault> {
    let Kubeconfig { clusters, users, .. } = Kubeconfig::read(content)?;
    let users = users.into_iter().map(|user| (EmbeddedKind::User, user.name, user.certificate));
    let clusters = clusters.into_iter().map(|cluster| (EmbeddedKind::Cluster, cluster.name, cluster.authority));
    let fields = users.chain(clusters).filter_map(|(kind, name, held)| {
        held.map(|certificates| Field { embedded: Embedded { kind, name }, certificates })
    });
    Ok(fields.collect())
}

fn inline(data: &str) -> Held {
    let packed = Zeroizing::new(data.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect::<Vec<u8>>());
    STANDARD.decode(&packed).map_or(Held::Broken, |decoded| Held::Inline(Zeroizing::new(decoded)))
}

/// The places, below the same root, of the files that the kubeconfig at `place` takes certificates from. They have to
/// be read too. None when it cannot be read.
#[must_use]
pub fn referenced(place: &str, content: &[u8]) -> Vec<String> {
    let fields = read(content).unwrap_or_default();
    let files = fields.into_iter().filter_map(|field| match field.certificates {
        Held::File(file) => Some(resolve(place, &file)),
        Held::Inline(_) | Held::Broken => None,
    });
    files.collect()
}

/// The place of a file that the kubeconfig at `place` names; a leading `/` is the root.
#[must_use]
pub fn resolve(place: &str, file: &str) -> String {
    let folder = if file.starts_with('/') { "" } else { place.rsplit_once('/').map_or("", |(folder, _)| folder) };
    let mut names: Vec<&str> = Vec::new();
    for name in folder.split('/').chain(file.split('/')) {
        match name {
            "" | "." => {}
            ".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    names.join("/")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use super::{Held, read, referenced, resolve};
    use crate::report::Fault;

    const MIXED: &str = "apiVersion: v1
kind: Config
clusters:
- name: prod
  cluster: {certificate-authority: ca.crt, server: https://k8s:6443}
- name: open
  cluster: {insecure-skip-tls-verify: true, server: https://k8s:6443}
users:
- name: inline
  user:
    client-certificate-data: QUJD
    client-certificate: ignored.crt
- name: folded
  user:
    client-certificate-data: >-
      QU
      JD
- name: file
  user: {client-certificate: ../certs/me.crt, client-key: ../certs/me.key}
- name: token
  user: {token: abc}
- name: program
  user: {exec: {command: aws}}
- name: broken
  user: {client-certificate-data: '!'}
- name: empty
  user: {client-certificate-data: '', client-certificate: null}
- name: nobody
";

    #[test]
    fn every_way_to_hold_a_certificate_is_read() {
        let fields = read(MIXED.as_bytes()).unwrap();
        let words: Vec<_> = fields
            .iter()
            .map(|field| {
                let held = match &field.certificates {
                    Held::Inline(data) => String::from_utf8(data.to_vec()).unwrap(),
                    Held::File(file) => file.clone(),
                    Held::Broken => "broken".to_owned(),
                };
                format!("{} {} {held}", field.embedded.kind.name(), field.embedded.name)
            })
            .collect();
        assert_eq!(
            words,
            [
                "user inline ABC",
                "user folded ABC",
                "user file ../certs/me.crt",
                "user broken broken",
                "cluster prod ca.crt"
            ]
        );
    }

    #[test]
    fn files_count_from_the_kubeconfigs_folder() {
        assert_eq!(
            referenced("home/me/.kube/config", MIXED.as_bytes()),
            ["home/me/certs/me.crt", "home/me/.kube/ca.crt"]
        );
        for (place, file, expected) in [
            ("etc/kubernetes/kubelet.conf", "/var/lib/kubelet/pki/x.pem", "var/lib/kubelet/pki/x.pem"),
            ("config", "./a//b/../c", "a/c"),
            ("a/config", "../../../etc/shadow", "etc/shadow"),
        ] {
            assert_eq!(resolve(place, file), expected);
        }
    }

    #[test]
    fn what_is_no_kubeconfig_says_so() {
        let fault = |text: &str| read(text.as_bytes()).err().unwrap_or_else(|| panic!("{text}"));
        for text in ["", "kind: Pod\n", "- a\n", "text", "kind: Config2\nusers: []\n", "[Global]\n"] {
            assert_eq!(fault(text), Fault::NotKubeconfig, "{text}");
        }
        assert!(matches!(fault("a: b: c\n"), Fault::Yaml(_)));
        assert!(matches!(read(b"\xff\xfe"), Err(Fault::Unknown)));
        assert!(read(b"kind: Config\nusers: {a: b}\nclusters: 5\n").unwrap().is_empty());
        assert!(read(b"users: []\n").unwrap().is_empty(), "kubectl takes it, too");
    }
}
