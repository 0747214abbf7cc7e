//! The words for what is wrong with a file that was inspected.

use crate::report::{Embedded, Fault, Problem};
use crate::x509::escape_for_terminal;

/// Returns a line for each problem, below a head.
pub(crate) fn problems(problems: &[Problem]) -> String {
    let lines: String = problems
        .iter()
        .map(|Problem { path, fault }| format!("\n{}", escape_for_terminal(&format!("{path}  {}", text(fault)))))
        .collect();
    let count = problems.len();
    format!("{count} {} listed{lines}", if count == 1 { "file cannot be" } else { "files cannot be" })
}

fn text(fault: &Fault) -> String {
    match fault {
        Fault::Unreadable(reason) => format!("cannot be read: {reason}"),
        Fault::Unknown => "is neither PEM nor DER nor a kubeconfig".to_owned(),
        Fault::Pem => "has a PEM block that is cut off or not base64".to_owned(),
        Fault::NoCertificate => "holds no certificate".to_owned(),
        Fault::Certificate { position: 1, reason } => format!("holds a certificate that cannot be read: {reason}"),
        Fault::Certificate { position, reason } => format!("certificate {position} cannot be read: {reason}"),
        Fault::Yaml(reason) => format!("is no certificate, nor YAML as a kubeconfig is: {reason}"),
        Fault::NotKubeconfig => "is neither certificate nor kubeconfig".to_owned(),
        Fault::Base64(embedded) => format!("the certificate of {} is not base64", field(embedded)),
        Fault::Embedded(embedded, fault) => format!("the certificate of {} {}", field(embedded), text(fault)),
        Fault::MissingFile { embedded, file } => {
            format!("names {file} for {}, which is not there or cannot be read", field(embedded))
        }
    }
}

fn field(embedded: &Embedded) -> String {
    format!("{} {}", embedded.kind.name(), embedded.name)
}
