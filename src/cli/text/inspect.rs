//! The words for what is wrong with a file that was inspected.

use crate::cli::failure::Failure;
use crate::cli::text::bounded;
use crate::report::{Embedded, Fault, Problem};
use crate::x509::escape_for_terminal;

/// Returns the failure that has a line for each problem.
pub(crate) fn failure(problems: &[Problem]) -> Failure {
    let line = |Problem { path, fault }: &Problem| escape_for_terminal(&format!("{path}  {}", text(fault))) + "\n";
    let count = problems.len();
    let files = if count == 1 { "file cannot be" } else { "files cannot be" };
    Failure::cannot_run(format!("{count} {files} listed")).lines(bounded::lines(problems.iter().map(line)))
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
