//! Kubeconfigs in the one form certferry and kubeadm write.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::x509::AltName;

/// What a kubeconfig says, as far as it matters to whether it works.
pub(super) struct ReadKubeconfig {
    /// The embedded CA certificate in PEM.
    pub(super) ca: Vec<u8>,
    /// `https://host:port`.
    server: String,
    /// Client certificate and key.
    pub(super) credentials: ReadCredentials,
}

/// Where the client certificate and key are.
pub(super) enum ReadCredentials {
    /// Certificate and key in PEM, one after the other.
    Embedded(Zeroizing<Vec<u8>>),
    /// Both in this file of the node.
    Path(String),
}

/// Reads a kubeconfig whose keys each stand on a line of their own, once, in any order; `None` if it is not so.
pub(super) fn read(yaml: &[u8]) -> Option<ReadKubeconfig> {
    let text = std::str::from_utf8(yaml).ok()?;
    let data = |key| STANDARD.decode(value(text, key)?).ok().map(Zeroizing::new);
    let credentials = match (value(text, "client-certificate"), value(text, "client-key")) {
        (Some(certificate), Some(key)) if certificate == key => ReadCredentials::Path(key.to_owned()),
        (None, None) => {
            let (certificate, key) = (data("client-certificate-data")?, data("client-key-data")?);
            let mut both = Zeroizing::new(Vec::with_capacity(certificate.len() + key.len()));
            both.extend_from_slice(&certificate);
            both.extend_from_slice(&key);
            ReadCredentials::Embedded(both)
        }
        _ => return None,
    };
    let server = value(text, "server")?.to_owned();
    Some(ReadKubeconfig { ca: data("certificate-authority-data")?.to_vec(), server, credentials })
}

/// Whether a kubeconfig is in the form that certferry and kubeadm write, the only one that is judged here.
#[must_use]
pub fn is_kubeadm_form(yaml: &[u8]) -> bool {
    read(yaml).is_some()
}

impl ReadKubeconfig {
    /// The host of the server.
    pub(super) fn server_host(&self) -> Option<AltName> {
        self.server.starts_with("https://").then(|| AltName::of_url(&self.server))?
    }
}

fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let mut values = text.lines().filter_map(|line| line.trim_start().strip_prefix(key)?.strip_prefix(": "));
    let first = values.next()?;
    values.next().is_none().then_some(first)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::read;

    #[test]
    fn the_host_of_a_server_is_a_name_or_an_address() {
        for (server, host) in [
            ("https://k8s.lab:6443", Some("DNS:k8s.lab")),
            ("https://k8s.lab", Some("DNS:k8s.lab")),
            ("https://K8S:6443/prefix", Some("DNS:K8S")),
            ("https://192.168.1.100:6443", Some("IP:192.168.1.100")),
            ("https://192.168.1.100", Some("IP:192.168.1.100")),
            ("https://[fd00::100]:6443", Some("IP:fd00::100")),
            ("https://[fd00::100]", Some("IP:fd00::100")),
            ("https://[fd00::100", None),
            ("http://localhost:8080", None),
        ] {
            let yaml = format!(
                "    certificate-authority-data: QQ==\n    server: {server}\n    client-certificate: /a\n    client-key: /a\n"
            );
            let found = read(yaml.as_bytes()).unwrap().server_host().map(|host| host.labelled());
            assert_eq!(found.as_deref(), host, "{server}");
        }
    }
}
