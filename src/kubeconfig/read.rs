//! Kubeconfigs, whoever wrote them.

use thiserror::Error;
use zeroize::Zeroizing;

use crate::yaml::{Yaml, decode_base64};

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

/// Why a file is not read as a kubeconfig.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KubeconfigError {
    /// It is no text.
    #[error("not UTF-8")]
    NotUtf8,
    /// It is no YAML; what is wrong, and where.
    #[error("{0}")]
    Yaml(String),
    /// It is YAML of another kind, or has neither clusters nor users.
    #[error("it has neither clusters nor users")]
    NotKubeconfig,
}

impl Kubeconfig {
    /// Reads a kubeconfig, whoever wrote it.
    ///
    /// # Errors
    /// [`KubeconfigError`], for the first thing that is wrong.
    pub fn read(content: &[u8]) -> Result<Self, KubeconfigError> {
        let text = std::str::from_utf8(content).map_err(|_| KubeconfigError::NotUtf8)?;
        let yaml = Yaml::read(text).map_err(KubeconfigError::Yaml)?;
        // kubectl reads a file that does not say its kind, too.
        let is_kubeconfig = match yaml.get("kind") {
            Some(kind) => kind.text() == Some("Config"),
            None => yaml.get("users").is_some() || yaml.get("clusters").is_some(),
        };
        if !is_kubeconfig {
            return Err(KubeconfigError::NotKubeconfig);
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
    data.map(|data| decode_base64(&data).map_or(Held::Broken, Held::Inline))
        .or_else(|| text_of(item, &[element, field]).map(Held::File))
}

/// The places, below the same root, of the files that the kubeconfig at `place` takes certificates from: first the
/// users', then the clusters'. They have to be read too. None when it cannot be read.
#[must_use]
pub fn referenced(place: &str, content: &[u8]) -> Vec<String> {
    let Ok(Kubeconfig { clusters, users, .. }) = Kubeconfig::read(content) else { return Vec::new() };
    let certificates = users.into_iter().map(|user| user.certificate);
    let held = certificates.chain(clusters.into_iter().map(|cluster| cluster.authority));
    let files = held.filter_map(|held| match held? {
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
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{Held, Kubeconfig, KubeconfigError, referenced, resolve};

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
        let read = Kubeconfig::read(MIXED.as_bytes()).unwrap();
        let words = |name: &str, held: &Option<Held>| {
            let held = match held {
                None => "nothing".to_owned(),
                Some(Held::Inline(data)) => String::from_utf8(data.to_vec()).unwrap(),
                Some(Held::File(file)) => file.clone(),
                Some(Held::Broken) => "broken".to_owned(),
            };
            format!("{name} {held}")
        };
        let users: Vec<_> = read.users.iter().map(|user| words(&user.name, &user.certificate)).collect();
        let expected = [
            "inline ABC",
            "folded ABC",
            "file ../certs/me.crt",
            "token nothing",
            "program nothing",
            "broken broken",
            "empty nothing",
            "nobody nothing",
        ];
        assert_eq!(users, expected);
        let clusters: Vec<_> = read.clusters.iter().map(|cluster| words(&cluster.name, &cluster.authority)).collect();
        assert_eq!(clusters, ["prod ca.crt", "open nothing"]);
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
        let read = |content: &[u8]| Kubeconfig::read(content);
        for text in ["", "kind: Pod\n", "- a\n", "text", "kind: Config2\nusers: []\n", "[Global]\n"] {
            assert_eq!(read(text.as_bytes()).err(), Some(KubeconfigError::NotKubeconfig), "{text}");
        }
        assert!(matches!(read(b"a: b: c\n"), Err(KubeconfigError::Yaml(_))));
        assert_eq!(read(b"\xff\xfe").err(), Some(KubeconfigError::NotUtf8));
        let empty = read(b"kind: Config\nusers: {a: b}\nclusters: 5\n").unwrap();
        assert!(empty.users.is_empty() && empty.clusters.is_empty());
        assert!(read(b"users: []\n").unwrap().users.is_empty(), "kubectl takes it, too");
    }
}
