//! Words that several checks of a node use.

use std::collections::BTreeSet;

use crate::kubernetes::Purpose;

/// The text that people see when a certificate for a purpose is not trusted.
const DISBELIEF: [(Purpose, &str); 12] = [
    (Purpose::ApiServer, "clients say `x509: certificate signed by unknown authority`"),
    (Purpose::ApiServerKubeletClient, "kubelets turn the API server away: kubectl logs and exec say `Unauthorized`"),
    (
        Purpose::FrontProxyClient,
        "aggregated API servers log `x509: certificate signed by unknown authority`; kubectl top says `Metrics API not available`",
    ),
    (
        Purpose::EtcdServer,
        "the API server logs `x509: certificate signed by unknown authority`, and etcd `remote error: tls: bad certificate`",
    ),
    (
        Purpose::EtcdPeer,
        "members of etcd reject each other and log `remote error: tls: bad certificate`: there is no leader",
    ),
    (
        Purpose::EtcdClient,
        "etcd turns it away: the API server logs `remote error: tls: bad certificate` and does not start",
    ),
    (Purpose::ControllerManager, "the API server turns it away: the controller-manager logs `Unauthorized`"),
    (Purpose::Scheduler, "the API server turns it away: the scheduler logs `Unauthorized`, and pods stay `Pending`"),
    (Purpose::User, "kubectl says `error: You must be logged in to the server`"),
    (
        Purpose::KubeletClient,
        "the API server turns the kubelet away: its log says `Unauthorized`, and the node goes `NotReady`",
    ),
    (
        Purpose::KubeletServing,
        "where the API server checks it, kubectl logs says `x509: certificate signed by unknown authority`",
    ),
    (Purpose::Other, "whoever checks it says `x509: certificate signed by unknown authority`"),
];

/// Returns the text that people see when a certificate for this purpose is not trusted.
pub(super) fn disbelief(purpose: Purpose) -> &'static str {
    let known = DISBELIEF.iter().find(|(known, _)| *known == purpose);
    known.map_or("x509: certificate signed by unknown authority", |(_, text)| *text)
}

/// The most files that a sentence names.
const NAMED: usize = 5;

/// Returns files as a list, and of a long one the first and the number of the others.
pub(super) fn listed_files(files: &BTreeSet<String>) -> String {
    let mut named: Vec<String> = files.iter().take(NAMED).cloned().collect();
    if files.len() > NAMED + 1 {
        named.push(format!("{} others", files.len() - NAMED));
    } else {
        named = files.iter().cloned().collect();
    }
    listed(&named)
}

/// Returns texts as a list: `a`, `a and b`, `a, b and c`.
pub(super) fn listed(texts: &[String]) -> String {
    match texts.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

/// Returns values as [`Findings`](super::finding::Findings) takes them.
pub(super) fn as_texts<'a>(values: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    values.iter().map(|(key, value)| (*key, value.as_str())).collect()
}
