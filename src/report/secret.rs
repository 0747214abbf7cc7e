//! Reads Secrets in a manifest.

use zeroize::Zeroizing;

use crate::yaml::{Yaml, YamlLimits, decode_base64};

/// The keys of a Secret that hold certificates.
const KEYS: [&str; 2] = ["ca.crt", "tls.crt"];

/// Returns, for each Secret and each key of [`KEYS`] that it has, `namespace/name`, the key, and the PEM. Broken YAML
/// and values that are not base64 are left out.
pub(crate) fn read(content: &[u8]) -> Vec<(String, &'static str, Zeroizing<Vec<u8>>)> {
    let documents = std::str::from_utf8(content).map(|text| Yaml::documents(text, YamlLimits::KUBECONFIG));
    let Ok(Ok(documents)) = documents else { return Vec::new() };
    let mut found = Vec::new();
    for (_, object) in documents {
        let text = |path: &[&str]| object.at(path).and_then(Yaml::text).unwrap_or_default();
        if text(&["kind"]) != "Secret" {
            continue;
        }
        let title = format!("{}/{}", text(&["metadata", "namespace"]), text(&["metadata", "name"]));
        for key in KEYS {
            let pem = decode_base64(text(&["data", key])).filter(|pem| !pem.is_empty());
            found.extend(pem.map(|pem| (title.clone(), key, pem)));
        }
    }
    found
}
