//! The words for what is wrong with certificates in a bundle.

use crate::verify::{Fault, Finding};
use crate::x509::instant;

/// Returns a line for each finding.
pub(crate) fn lines(findings: &[&Finding]) -> String {
    findings.iter().map(|finding| format!("{}  {}  {}\n", finding.part, finding.file, fault(&finding.fault))).collect()
}

/// Returns what is wrong, and the rule that says so.
pub(crate) fn fault(fault: &Fault) -> String {
    let text = words(fault);
    fault.rule().map_or_else(|| text.clone(), |rule| format!("{text} [{}: {}]", rule.id, rule.clause))
}

fn words(fault: &Fault) -> String {
    match fault {
        Fault::Pem(error) => error.to_string(),
        Fault::Contents => "does not hold exactly what such a file should".to_owned(),
        Fault::KeyMismatch => "key and certificate do not belong together".to_owned(),
        Fault::Alone => "key or certificate is missing beside it".to_owned(),
        Fault::UnknownAuthority { issuer } => format!("no CA beside it signed it; it names {issuer}"),
        Fault::WrongAuthority { signer } => format!("is signed by the CA of {signer}, and belongs to another"),
        Fault::Chain { usage, reason } => format!("does not verify for {usage}: {reason}"),
        Fault::Expired { not_after } => format!("expired at {}", instant(*not_after)),
        Fault::NotYetValid { not_before } => {
            format!("is not valid before {}; is the clock right?", instant(*not_before))
        }
        Fault::Kubeconfig => "is not a kubeconfig as certferry writes it".to_owned(),
        Fault::NotKubeconfig => "cannot be read as a kubeconfig and was not checked".to_owned(),
        Fault::OtherAuthority => "holds another CA than pki/ca.crt".to_owned(),
        Fault::MissingFile { path } => format!("refers to {path}, which is not there"),
        Fault::SameSubject { subject, other } => {
            format!("has the subject {subject} as {other} has, and another key")
        }
        Fault::FrontProxyShared => "has the key of pki/ca.crt".to_owned(),
        Fault::InlineKubelet => {
            "holds the kubelet's credentials; with rotateCertificates the kubelet replaces them at once".to_owned()
        }
        Fault::Mode { mode } => format!("is a secret and has mode {mode:04o}"),
        Fault::Rule(breach) => breach.detail.clone(),
        Fault::Differs { from } => format!("differs from the one of {from}, and must be the same everywhere"),
    }
}
