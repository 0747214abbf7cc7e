//! Whether the kubelet itself has led its link to another certificate.

use super::certificates::Contents;
use super::finding::Signer;
use crate::host::NodeRoot;
use crate::kubeconfig::resolve;
use crate::kubernetes::FILE_LIMIT;
use crate::node::not_after::leaf;

/// Returns why the file to which the kubelet's link leads is not one that the kubelet has fetched in a rotation: a text
/// that continues a sentence that begins with the file. Returns `None` when it is one: newer than the installed one, of
/// the same subject, and signed by the installed CA.
///
/// Source: client-go v1.20.2, util/certificate/certificate_store.go.
pub(super) fn reason_against(
    root: &NodeRoot,
    contents: &Contents,
    link: &str,
    target: &str,
    installed: &str,
    node: &str,
) -> Option<String> {
    let place = resolve(link, target);
    let Ok(content) = root.read(&place, FILE_LIMIT) else { return Some("cannot be read".to_owned()) };
    let Some(certificate) = leaf(&place, &content) else { return Some("holds no certificate".to_owned()) };
    let subject = (certificate.common_name(), certificate.organizations());
    if subject != (Some(format!("system:node:{node}")), vec!["system:nodes".to_owned()]) {
        return Some("is a certificate for another subject".to_owned());
    }
    match contents.signer(&place, &certificate) {
        Signer::Installed => {}
        Signer::Changed { authority } => return Some(format!("is signed by the CA that is in {authority} now")),
        Signer::Other { issuer } => return Some(format!("is not signed by the installed CA: it names {issuer}")),
        Signer::Unchecked => return Some("has a signature that cannot be checked".to_owned()),
    }
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    // The names are dates.
    (name(target) < name(installed)).then(|| "is older than the installed one".to_owned())
}
