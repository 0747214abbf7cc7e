//! Checks what client-go refuses in a kubeconfig before it calls anybody, and calls that nobody answers.
//!
//! Source: `ConfirmUsable` in client-go, tools/clientcmd/validation.go, v0.20.2, and `TLSConfigFor` in
//! transport/transport.go.

use super::finding::{Findings, shell_word};
use crate::kubeconfig::{KubeconfigCluster, KubeconfigUser};

/// Checks the fields of a cluster of the kubeconfig at `place`, one that is the node's.
pub(super) fn cluster(place: &str, cluster: &KubeconfigCluster, findings: &mut Findings) {
    let name = &cluster.name;
    let it = format!("the cluster {name} in {place}");
    let unset = |field: &str| unset(place, &format!("clusters.{name}.{field}"));
    if cluster.is_given_twice {
        let error = format!(
            "certificate-authority-data and certificate-authority are both specified for {name}. certificate-authority-data will \
             override."
        );
        let what = "has certificate-authority and certificate-authority-data, and may have one of them";
        refused(place, &it, what, &error, &unset("certificate-authority"), findings);
    }
    if cluster.is_insecure && cluster.authority.is_some() {
        let what = "has a CA, and insecure-skip-tls-verify besides";
        let error = "specifying a root certificates file with the insecure flag is not allowed";
        refused(place, &it, what, error, &unset("insecure-skip-tls-verify"), findings);
    } else if cluster.is_insecure {
        let file = shell_word(&format!("/{place}"));
        findings.add_in("kubeconfig-insecure", place, &it, &[("name", &shell_word(name)), ("kubeconfig", &file)]);
    }
    if let Some(address) = cluster.server.as_ref().and_then(|server| server.strip_prefix("http://")) {
        let set = format!(
            "`kubectl config set-cluster {} --kubeconfig {} --server {}`",
            shell_word(name),
            shell_word(&format!("/{place}")),
            shell_word(&format!("https://{address}"))
        );
        let error = "the server rejected our request for an unknown reason";
        refused(place, &it, "calls the API server by http:", error, &set, findings);
    }
}

/// Checks the fields of a user of the kubeconfig at `place`. `renewal` says how the file is made anew.
pub(super) fn user(place: &str, user: &KubeconfigUser, renewal: &str, findings: &mut Findings) {
    let name = &user.name;
    let it = format!("the user {name} in {place}");
    for field in &user.given_twice {
        let what = format!("has {field} and {field}-data, and may have one of them");
        let error = match *field {
            "client-key" => {
                format!("client-key-data and client-key are both specified for {name}; client-key-data will override")
            }
            _ => format!(
                "client-cert-data and client-cert are both specified for {name}. client-cert-data will override."
            ),
        };
        refused(place, &it, &what, &error, &unset(place, &format!("users.{name}.{field}")), findings);
    }
    if user.certificate.is_some() && user.key.is_none() {
        let error = format!(
            "client-key-data or client-key must be specified for {name} to use the clientCert authentication method."
        );
        refused(place, &it, "has a certificate and no key", &error, renewal, findings);
    }
    if user.key.is_some() && user.certificate.is_none() && user.others.is_empty() {
        let what = format!("{it} has a key and no certificate");
        let shows = "whoever uses it goes on without credentials: kubectl says `Please enter Username`";
        findings.add_in("kubeconfig-refused", place, &it, &[("what", &what), ("shows", shows), ("mend", renewal)]);
    }
}

fn refused(place: &str, it: &str, what: &str, error: &str, mend: &str, findings: &mut Findings) {
    let (what, shows) = (format!("{it} {what}"), format!("whoever reads it says `{error}`"));
    // One entry can be refused for several reasons.
    let values = [("what", what.as_str()), ("shows", &shows), ("mend", mend)];
    findings.add_in("kubeconfig-refused", place, &what, &values);
}

fn unset(place: &str, path: &str) -> String {
    format!("`kubectl config unset {} --kubeconfig {}`", shell_word(path), shell_word(&format!("/{place}")))
}
