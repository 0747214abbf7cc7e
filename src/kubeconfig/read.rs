//! Reads kubeconfigs, whichever program wrote them.

use thiserror::Error;
use zeroize::Zeroizing;

use crate::yaml::{Yaml, decode_base64, decode_text};

/// The certificates, keys and servers in a kubeconfig. Source: client-go tools/clientcmd/api/v1/types.go.
pub struct Kubeconfig {
    /// The elements of the list `clusters`, in order.
    pub clusters: Vec<KubeconfigCluster>,
    /// The elements of the list `users`, in order.
    pub users: Vec<KubeconfigUser>,
    /// The elements of the list `contexts`, in order.
    pub contexts: Vec<KubeconfigContext>,
    /// The name of the context that counts when the caller names none.
    pub current_context: Option<String>,
}

/// A context of a kubeconfig: who calls which cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeconfigContext {
    /// The name in the kubeconfig, or an empty text.
    pub name: String,
    /// The name of a cluster, or an empty text.
    pub cluster: String,
    /// The name of a user, or an empty text.
    pub user: String,
}

/// A cluster of a kubeconfig.
pub struct KubeconfigCluster {
    /// The name in the kubeconfig, or an empty text.
    pub name: String,
    /// The URL of the API server, `https://host:port`.
    pub server: Option<String>,
    /// The name that the server's certificate must have, when it is not the host's.
    pub server_name: Option<String>,
    /// The CA that must have signed the server's certificate.
    pub authority: Option<Held>,
    /// Whether the server's certificate is not checked at all (`insecure-skip-tls-verify`).
    pub is_insecure: bool,
    /// Whether the CA is given twice, as data and as a file, which client-go refuses.
    pub is_given_twice: bool,
}

/// A user of a kubeconfig.
pub struct KubeconfigUser {
    /// The name in the kubeconfig, or an empty text.
    pub name: String,
    /// The client certificate, or `None` for a user with a token or a program.
    pub certificate: Option<Held>,
    /// The key of the client certificate.
    pub key: Option<Held>,
    /// Those of `client-certificate` and `client-key` that are given twice, as data and as a file, which client-go
    /// refuses.
    pub given_twice: Vec<&'static str>,
    /// The names of the fields with which the user proves in another way who it is, in the order of
    /// [`OTHER_CREDENTIALS`].
    pub others: Vec<&'static str>,
}

/// The fields of a user that are neither certificate nor key, and prove who it is: passwords, tokens, and programs that
/// fetch them. Source: client-go tools/clientcmd/api/v1/types.go, v0.36.
pub const OTHER_CREDENTIALS: [&str; 6] = ["auth-provider", "exec", "password", "token", "tokenFile", "username"];

/// How a kubeconfig holds certificates or keys.
pub enum Held {
    /// The field itself holds this PEM.
    Inline(Zeroizing<Vec<u8>>),
    /// The field names this file. A relative path counts from the kubeconfig's folder.
    File(String),
    /// The field itself should hold PEM, but is not base64. The number is that of the first byte at which Go's decoder
    /// stops.
    Broken(usize),
}

/// Why a file cannot be read as a kubeconfig.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KubeconfigError {
    /// The file is not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// The file is not YAML, for this reason and at this line.
    #[error("{0}")]
    Yaml(String),
    /// The file is YAML of another kind, or names no kind and has neither clusters nor users.
    #[error("it has neither clusters nor users")]
    NotKubeconfig,
}

impl Kubeconfig {
    /// Reads a kubeconfig, whichever program wrote it.
    ///
    /// # Errors
    /// Fails with a [`KubeconfigError`] for the first problem.
    pub fn read(content: &[u8]) -> Result<Self, KubeconfigError> {
        let text = decode_text(content).ok_or(KubeconfigError::NotUtf8)?;
        let yaml = Yaml::read(&text).map_err(KubeconfigError::Yaml)?;
        // kubectl also reads a file that does not name its kind.
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
            is_insecure: item.at(&["cluster", "insecure-skip-tls-verify"]).and_then(Yaml::text) == Some("true"),
            is_given_twice: is_given_twice(item, "cluster", "certificate-authority"),
        });
        let users = list("users").iter().map(|item| KubeconfigUser {
            name: text_of(item, &["name"]).unwrap_or_default(),
            certificate: held(item, "user", "client-certificate"),
            key: held(item, "user", "client-key"),
            given_twice: ["client-certificate", "client-key"]
                .into_iter()
                .filter(|field| is_given_twice(item, "user", field))
                .collect(),
            others: OTHER_CREDENTIALS.into_iter().filter(|field| item.at(&["user", field]).is_some()).collect(),
        });
        let contexts = list("contexts").iter().map(|item| KubeconfigContext {
            name: text_of(item, &["name"]).unwrap_or_default(),
            cluster: text_of(item, &["context", "cluster"]).unwrap_or_default(),
            user: text_of(item, &["context", "user"]).unwrap_or_default(),
        });
        Ok(Self {
            clusters: clusters.collect(),
            users: users.collect(),
            contexts: contexts.collect(),
            current_context: text_of(&yaml, &["current-context"]),
        })
    }
}

/// Returns the text at a path of keys, or `None` when it is empty.
fn text_of(item: &Yaml, path: &[&str]) -> Option<String> {
    item.at(path).and_then(Yaml::text).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Returns the number of the byte at which Go's decoder of base64 stops. Source: encoding/base64/base64.go, Go 1.19.8:
/// line breaks do not count as characters, but as bytes.
fn illegal_byte(text: &str) -> usize {
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'\r' | b'\n');
    // Two signs of padding at most, at the end of a group of four.
    let mut count = 0;
    for (position, byte) in text.bytes().enumerate() {
        match byte {
            b'=' => {
                let rest: Vec<u8> = text.bytes().skip(position).filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
                let is_end = matches!((count % 4, rest.as_slice()), (2, b"==") | (3, b"="));
                if !is_end {
                    let extra = if count % 4 == 2 && rest.starts_with(b"==") { 2 } else { usize::from(count % 4 == 3) };
                    return position + extra;
                }
                return text.len();
            }
            byte if !is_base64(byte) => return position,
            b'\r' | b'\n' => {}
            _ => count += 1,
        }
    }
    text.len() - count % 4
}

/// Returns how an element holds a field. As in client-go, data in the field wins over a file.
fn held(item: &Yaml, element: &str, field: &str) -> Option<Held> {
    let data = text_of(item, &[element, &format!("{field}-data")]).map(Zeroizing::new);
    data.map(|data| decode_base64(&data).map_or_else(|| Held::Broken(illegal_byte(&data)), Held::Inline))
        .or_else(|| text_of(item, &[element, field]).map(Held::File))
}

/// Returns whether an element has a field both as data and as a file.
fn is_given_twice(item: &Yaml, element: &str, field: &str) -> bool {
    text_of(item, &[element, &format!("{field}-data")]).is_some() && text_of(item, &[element, field]).is_some()
}

/// Returns the places of the files from which the kubeconfig at `place` takes certificates: first the users', then the
/// clusters'.
///
/// The caller must read these as well. They are below the same root as `place`. The list is empty when the kubeconfig
/// cannot be read.
#[must_use]
pub fn referenced(place: &str, content: &[u8]) -> Vec<String> {
    let Ok(Kubeconfig { clusters, users, .. }) = Kubeconfig::read(content) else { return Vec::new() };
    let certificates = users.into_iter().map(|user| user.certificate);
    let held = certificates.chain(clusters.into_iter().map(|cluster| cluster.authority));
    let files = held.filter_map(|held| match held? {
        Held::File(file) => Some(resolve(place, &file)),
        Held::Inline(_) | Held::Broken(_) => None,
    });
    files.collect()
}

/// Returns the place of a file that the kubeconfig at `place` names. A leading `/` stands for the root.
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
                Some(Held::Broken(_)) => "broken".to_owned(),
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
        assert_eq!(read(b"a: \xff").err(), Some(KubeconfigError::NotUtf8));
        // Half a unit of UTF-16.
        assert_eq!(read(b"\xff\xfea").err(), Some(KubeconfigError::NotUtf8));
        let empty = read(b"kind: Config\nusers: {a: b}\nclusters: 5\n").unwrap();
        assert!(empty.users.is_empty() && empty.clusters.is_empty());
        assert!(read(b"users: []\n").unwrap().users.is_empty(), "kubectl takes it, too");
    }
}
