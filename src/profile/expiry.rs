//! Checks that no certificate outlives the CA that signs it.

use super::addons::TlsIssuer;
use super::authority::{AuthorityDraft, AuthorityDrafts};
use super::client::ClientDraft;
use super::metallb::MetallbDraft;
use super::node::NodeRow;
use super::period::Period;
use super::problem::Problems;
use super::tls::TlsDraft;
use super::webhook::WebhookDraft;
use crate::kubernetes::Role;

/// Whether kubelets get client and serving certificates, as far as the profile could be read.
pub(super) struct KubeletCertificates {
    pub(super) client: bool,
    pub(super) serving: bool,
}

/// Every table that makes leaf certificates.
pub(super) struct Leaves<'a> {
    pub(super) rows: &'a [NodeRow],
    pub(super) users: &'a [ClientDraft],
    pub(super) etcd_clients: &'a [ClientDraft],
    pub(super) metallb: Option<&'a MetallbDraft>,
    pub(super) webhooks: &'a [WebhookDraft],
    pub(super) tls: &'a [TlsDraft],
}

/// Checks every leaf. When several CAs sign certificates of one table, the CA that ends first is reported, so that one
/// setting is one problem.
pub(super) fn check(
    authorities: &AuthorityDrafts,
    leaves: &Leaves<'_>,
    kubelet: &KubeletCertificates,
    problems: &Problems,
) {
    let AuthorityDrafts { kubernetes, etcd, front_proxy, .. } = authorities;
    for row in leaves.rows {
        let (Some(role), Some(period)) = (&row.role, &row.period) else { continue };
        let issuers = match role.value {
            Role::ControlPlane => [Some(kubernetes), etcd.as_ref(), Some(front_proxy)],
            Role::Worker if kubelet.client || kubelet.serving => [Some(kubernetes), None, None],
            Role::Worker => [None; 3],
            Role::Etcd => [etcd.as_ref(), None, None],
        };
        let issuers: Vec<_> = issuers.into_iter().flatten().collect();
        check_leaf(period, &issuers, row.header.as_ref(), problems);
        if kubelet.client && role.value != Role::Etcd {
            period.check_kubelet_client(row.header.as_ref(), problems);
        }
    }
    for (clients, issuer) in [(leaves.users, Some(kubernetes)), (leaves.etcd_clients, etcd.as_ref())] {
        let Some(issuer) = issuer else { continue };
        for client in clients {
            let place = client.own.name.as_ref().and_then(|name| name.set_at.as_ref());
            if let Some(period) = &client.period {
                check_leaf(period, &[issuer], place, problems);
            }
        }
    }
    check_addons(authorities, leaves, problems);
}

fn check_addons(authorities: &AuthorityDrafts, leaves: &Leaves<'_>, problems: &Problems) {
    let check = |leaf: Option<&Period>, issuer: Option<&AuthorityDraft>, place: Option<&std::ops::Range<usize>>| {
        if let (Some(leaf), Some(issuer)) = (leaf, issuer) {
            check_leaf(leaf, &[issuer], place, problems);
        }
    };
    if let Some(metallb) = leaves.metallb {
        check(metallb.period.as_ref(), authorities.metallb.as_ref(), metallb.header.as_ref());
    }
    for webhook in leaves.webhooks {
        check(webhook.period.as_ref(), authorities.webhook.as_ref(), webhook.header.as_ref());
    }
    if let Some(intermediate) = &authorities.cert_manager {
        check(intermediate.period(), authorities.tls.as_ref(), intermediate.header.as_ref());
    }
    for tls in leaves.tls {
        let issuer = tls.issuer.as_ref().and_then(|issuer| match issuer.value {
            TlsIssuer::Tls => authorities.tls.as_ref(),
            TlsIssuer::Kubernetes => Some(&authorities.kubernetes),
            TlsIssuer::Etcd => authorities.etcd.as_ref(),
        });
        check(tls.period.as_ref(), issuer, tls.header.as_ref());
    }
}

fn check_leaf(
    leaf: &Period,
    issuers: &[&AuthorityDraft],
    fallback: Option<&std::ops::Range<usize>>,
    problems: &Problems,
) {
    // In phase 1 of a rotation the previous CA still signs.
    let previous = issuers.iter().filter_map(|issuer| issuer.previous.as_ref()?.as_deref());
    let all: Vec<_> = issuers.iter().copied().chain(previous).collect();
    let dated = all.iter().filter_map(|issuer| Some((issuer.table, issuer.period()?)));
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
