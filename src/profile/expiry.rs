//! Which certificate lives under which CA, and that none outlives it.

use super::authority::{Draft as Authority, Drafts as Authorities};
use super::client::Draft as Client;
use super::model::Role;
use super::node::Row;
use super::period::Period;
use super::problem::Problems;

/// Whether kubelets get client and serving certificates, as far as that could be read.
pub(super) struct KubeletCertificates {
    pub(super) client: bool,
    pub(super) serving: bool,
}

/// Checks every leaf against the CA among its issuers that ends first, so that one setting is one problem.
pub(super) fn check(
    authorities: &Authorities,
    rows: &[Row],
    users: &[Client],
    etcd_clients: &[Client],
    kubelet: &KubeletCertificates,
    problems: &Problems,
) {
    let Authorities { kubernetes, etcd, front_proxy } = authorities;
    for row in rows {
        let (Some(role), Some(period)) = (&row.role, &row.period) else { continue };
        let issuers: &[&Authority] = match role.value {
            Role::ControlPlane => &[kubernetes, etcd, front_proxy],
            Role::Worker if kubelet.client || kubelet.serving => &[kubernetes],
            Role::Worker => &[],
            Role::Etcd => &[etcd],
        };
        check_leaf(period, issuers, row.header.as_ref(), problems);
        if kubelet.client && role.value != Role::Etcd {
            period.check_kubelet_client(row.header.as_ref(), problems);
        }
    }
    for (clients, issuer) in [(users, kubernetes), (etcd_clients, etcd)] {
        for client in clients {
            let place = client.name.as_ref().and_then(|name| name.set_at.as_ref());
            if let Some(period) = &client.period {
                check_leaf(period, &[issuer], place, problems);
            }
        }
    }
}

fn check_leaf(leaf: &Period, issuers: &[&Authority], fallback: Option<&std::ops::Range<usize>>, problems: &Problems) {
    let dated = issuers.iter().filter_map(|issuer| Some((issuer.table, issuer.period.as_ref()?)));
    let late = dated.clone().max_by_key(|(_, period)| period.validity.not_before);
    let short = dated.min_by_key(|(_, period)| period.validity.not_after);
    match (short, late) {
        (Some((name, issuer)), _) if leaf.validity.not_after > issuer.validity.not_after => {
            leaf.check_within(issuer, name, fallback, problems);
        }
        (_, Some((name, issuer))) => leaf.check_within(issuer, name, fallback, problems),
        _ => {}
    }
}
