//! Kubeconfigs, whoever wrote them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::yaml::Yaml;
use super::{Embedded, EmbeddedKind, Fault};
use crate::x509::{ReadCertificate, read_pem};

/// Where a kubeconfig keeps certificates: list, element, field. Source: client-go tools/clientcmd/api/v1/types.go.
const FIELDS: [(EmbeddedKind, &str, &str, &str); 2] = [
    (EmbeddedKind::User, "users", "user", "client-certificate"),
    (EmbeddedKind::Cluster, "clusters", "cluster", "certificate-authority"),
];

/// A field of a kubeconfig that holds or names certificates.
pub(super) struct Field {
    pub(super) embedded: Embedded,
    pub(super) certificates: Held,
}

/// How a field holds them.
pub(super) enum Held {
    /// In the field itself, PEM.
    Inline(Vec<u8>),
    /// In this file; a relative one counts from the kubeconfig's folder.
    File(String),
    /// In the field, but not as base64.
    Broken,
}

/// The users' certificates, then the clusters' CAs; a user with a token or a program has none.
///
/// # Errors
/// [`Fault::Yaml`] and [`Fault::NotKubeconfig`].
pub(super) fn read(content: &[u8]) -> Result<Vec<Field>, Fault> {
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
    let mut fields = Vec::new();
    for (kind, list, element, field) in FIELDS {
        for item in yaml.get(list).map(Yaml::items).unwrap_or_default() {
            let name = item.get("name").and_then(Yaml::text).unwrap_or_default().to_owned();
            let value = |field: &str| {
                item.get(element)?.get(field).and_then(Yaml::text).filter(|text| !text.is_empty()).map(str::to_owned)
            };
            // As in client-go the data wins over the file.
            let certificates = match (value(&format!("{field}-data")), value(field)) {
                (Some(data), _) => inline(&data),
                (None, Some(file)) => Held::File(file),
                (None, None) => continue,
            };
            fields.push(Field { embedded: Embedded { kind, name }, certificates });
        }
    }
    Ok(fields)
}

fn inline(data: &str) -> Held {
    let packed: Vec<u8> = data.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD.decode(packed).map_or(Held::Broken, Held::Inline)
}

/// The CAs that a kubeconfig holds inside, the first certificate of each; none when it cannot be read.
#[must_use]
pub fn authorities(content: &[u8]) -> Vec<ReadCertificate> {
    let fields = read(content).unwrap_or_default();
    let authorities = fields.into_iter().filter(|field| field.embedded.kind == EmbeddedKind::Cluster);
    let certificates = authorities.filter_map(|field| match field.certificates {
        Held::Inline(pem) => read_pem(&pem).ok()?.certificates.into_iter().next(),
        Held::File(_) | Held::Broken => None,
    });
    certificates.collect()
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
pub(super) fn resolve(place: &str, file: &str) -> String {
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
                    Held::Inline(data) => String::from_utf8(data.clone()).unwrap(),
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
