//! Kubeconfigs in the one form certferry writes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

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

impl ReadKubeconfig {
    /// The host of the server, without brackets.
    pub(super) fn server_host(&self) -> Option<String> {
        let (host, _port) = self.server.strip_prefix("https://")?.rsplit_once(':')?;
        Some(host.trim_start_matches('[').trim_end_matches(']').to_owned())
    }
}

fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let mut values = text.lines().filter_map(|line| line.trim_start().strip_prefix(key)?.strip_prefix(": "));
    let first = values.next()?;
    values.next().is_none().then_some(first)
}
