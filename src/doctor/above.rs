//! Looks at what is above the CAs that are intermediates: where clients are known it must not be, and where servers are
//! verified it must.

use super::finding::Findings;
use super::load::Loaded;
use crate::go::GoCertificate;
use crate::kubernetes::CA_CHAIN;
use crate::tree::{API_SERVER, CONTROLLER_MANAGER, ETCD, KUBELET, Shape, Tree, Use};
use crate::x509::ReadCertificate;

/// The flags of the files by which programs know their clients. Source: Kubernetes v1.20.2 and etcd v3.5, `--help`.
const CLIENTS: [(&str, &str); 5] = [
    (API_SERVER, "client-ca-file"),
    (API_SERVER, "requestheader-client-ca-file"),
    (KUBELET, "client-ca-file"),
    (ETCD, "trusted-ca-file"),
    (ETCD, "peer-trusted-ca-file"),
];

/// Looks at every file with CAs.
pub(super) fn check(tree: &Tree, loaded: &[(Use, Loaded)], findings: &mut Findings) {
    for (used, loaded) in loaded {
        let (Shape::Trust, Loaded::Certificates(authorities)) = (used.shape, loaded) else { continue };
        if CLIENTS.contains(&(used.program.as_str(), used.flag)) {
            check_clients(used, authorities, findings);
        }
        if (used.program.as_str(), used.flag) == (CONTROLLER_MANAGER, "root-ca-file") {
            check_servers(tree, used, authorities, findings);
        }
    }
}

/// Reports a file in which there is the issuer of another CA in it: whomever any CA below that issuer signs is believed.
fn check_clients(used: &Use, authorities: &[GoCertificate], findings: &mut Findings) {
    for ca in authorities.iter().filter(|ca| !is_root(ca)) {
        if let Some(issuer) = authorities.iter().find(|other| is_issuer(other, ca)) {
            let values = [("issuer", issuer.common_name()), ("ca", ca.common_name()), ("program", &used.program)];
            findings.add("client-ca-above", &used.place, &values);
        }
    }
}

/// Reports a file that ends below a root.
fn check_servers(tree: &Tree, used: &Use, authorities: &[GoCertificate], findings: &mut Findings) {
    let is_last = |ca: &&GoCertificate| !is_root(ca) && !authorities.iter().any(|other| is_issuer(other, ca));
    let Some(last) = authorities.iter().find(is_last) else { return };
    let chain = tree.certificates_dir.place(CA_CHAIN);
    let mend = match tree.is_there(&chain) && used.place != chain {
        true => format!("put `--root-ca-file=/{chain}`, which has the issuers, into {{manifest}}"),
        false => format!(
            "put the CA and its issuers up to the root into a file of its own below {}, and name that in {{manifest}}; never \
             into the CA's own file, by which clients are known",
            tree.certificates_dir
        ),
    };
    let manifest = if used.said_in.is_empty() { "kube-controller-manager.yaml" } else { used.said_in.as_str() };
    let mend = mend.replace("{manifest}", &format!("/{manifest}"));
    let it = used.told();
    let issuer = ReadCertificate::from_der(last.der()).map(|last| last.issuer()).unwrap_or_default();
    let values = [("issuer", issuer), ("named", used.named.clone()), ("how", mend)];
    findings.add_in("root-ca-below", &used.place, &it, &super::words::as_texts(&values));
}

fn is_root(ca: &GoCertificate) -> bool {
    ca.issuer_der() == ca.subject_der()
}

fn is_issuer(other: &GoCertificate, ca: &GoCertificate) -> bool {
    other.der() != ca.der() && ca.issuer_der() == other.subject_der()
}
