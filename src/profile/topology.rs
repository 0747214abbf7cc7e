//! Checks that `[cluster]`, the roles of the nodes, `[kubelet]` and `[ca_keys]` fit together.

use super::cluster::ClusterDraft;
use super::model::{EtcdTopology, ShipCaKeys};
use super::network::family;
use super::node::NodeRow;
use super::problem::{Problem, Problems};
use super::value::Setting;
use crate::kubernetes::{API_SERVER_RESTART_DAYS, JOINS_WITH_ECDSA_SERVICE_ACCOUNT, Role};
use crate::x509::KeyAlgorithm;

/// The most control planes. No cluster has as many; each has a file in the part of the whole cluster.
const MOST_CONTROL_PLANES: usize = 200;
/// The most members of external etcd. No etcd has as many (its documentation advises against more than seven); the
/// settings of each name all others.
const MOST_ETCD_MEMBERS: usize = 50;

/// Refuses clusters that kubeadm or Kubernetes could not run.
pub(super) fn check(
    cluster: &ClusterDraft,
    rows: &[NodeRow],
    is_etcd_foreign: bool,
    kubelet_client: Option<&Setting<bool>>,
    ship_ca_keys: Option<&Setting<ShipCaKeys>>,
    problems: &Problems,
) {
    // The node that seems to be missing may be the one that was refused.
    let rows_are_whole = rows.iter().all(|row| row.role.is_some() && !row.names.is_empty());
    if rows_are_whole {
        check_control_planes(cluster, rows, problems);
        check_etcd_nodes(cluster, rows, is_etcd_foreign, problems);
    }
    check_families(cluster, rows, problems);
    check_external_ca(kubelet_client, ship_ca_keys, problems);
}

/// Refuses a cluster without a control plane, and several control planes without an endpoint: kubeadm joins further
/// control planes only with an endpoint that they share.
fn check_control_planes(cluster: &ClusterDraft, rows: &[NodeRow], problems: &Problems) {
    let count = count(rows, Role::ControlPlane);
    if count == 0 {
        problems.add(
            Problem::error("no control plane")
                .at_if(rows.first().and_then(|row| row.header.as_ref()), "none of the nodes has the role")
                .hint("give at least one [[node]] `role = \"control-plane\"`"),
        );
    }
    if count > MOST_CONTROL_PLANES {
        problems.add(
            Problem::error(format!("more than {MOST_CONTROL_PLANES} control planes"))
                .at_if(cluster.header.as_ref(), format!("{count} control planes"))
                .hint("three or five are usual, whatever the number of workers: is it `role = \"worker\"`?"),
        );
    }
    let asks = cluster.api_server_restart.as_ref().filter(|setting| setting.value);
    if let (Some(setting), true) = (asks, count > API_SERVER_RESTART_DAYS) {
        problems.add(
            Problem::error("more control planes than days for `api_server_restart`")
                .at_if(setting.set_at.as_ref(), format!("{count} control planes; at most {API_SERVER_RESTART_DAYS}"))
                .hint("remove the key, and restart each API server within a year by other means"),
        );
    }
    let has_no_endpoint = cluster.control_plane_endpoint.as_ref().is_some_and(|setting| setting.value.is_none());
    if count > 1 && has_no_endpoint {
        problems.add(
            Problem::error("missing key `control_plane_endpoint`")
                .at_if(cluster.header.as_ref(), format!("required with {count} control planes"))
                .hint("add `control_plane_endpoint = \"k8s.corp.internal:6443\"`, the name or address all clients use"),
        );
    }
}

/// Refuses a service-account key with which kubeadm joins no further control plane. With one control plane it only
/// warns: there a second one may come later.
pub(super) fn check_service_account(
    cluster: &ClusterDraft,
    rows: &[NodeRow],
    algorithm: Option<&Setting<KeyAlgorithm>>,
    problems: &Problems,
) {
    let (Some(algorithm), Some(version)) = (algorithm, &cluster.kubernetes) else { return };
    if algorithm.value.is_rsa() || JOINS_WITH_ECDSA_SERVICE_ACCOUNT.includes(version.value) {
        return;
    }
    let title = format!("kubeadm {} joins a further control plane with an RSA service-account key only", version.value);
    let mended: Vec<_> = JOINS_WITH_ECDSA_SERVICE_ACCOUNT.0.iter().map(ToString::to_string).collect();
    let count = count(rows, Role::ControlPlane);
    let (problem, label) = if count > 1 {
        (Problem::error(title), "`kubeadm join` of the others ends with \"... sa.key isn't in RSA format\"")
    } else {
        (Problem::warning(title), "`kubeadm join` of a second one would end with \"... sa.key isn't in RSA format\"")
    };
    problems.add(
        problem
            .at_if(algorithm.set_at.as_ref(), label)
            .related(version.set_at.as_ref(), "the version")
            .hint(format!("write \"rsa-2048\", which all versions take; ECDSA is taken from {}", mended.join(", "))),
    );
}

fn check_etcd_nodes(cluster: &ClusterDraft, rows: &[NodeRow], is_foreign: bool, problems: &Problems) {
    let Some(etcd) = &cluster.etcd else { return };
    let place = etcd.set_at.as_ref().or(cluster.header.as_ref());
    let members = match etcd.value {
        EtcdTopology::External => count(rows, Role::Etcd),
        EtcdTopology::Stacked => count(rows, Role::ControlPlane),
    };
    if etcd.value == EtcdTopology::External && members == 0 && !is_foreign {
        problems
            .add(Problem::error("external etcd without etcd nodes").at_if(place, "no node has the role \"etcd\"").hint(
            "add a [[node]] with `role = \"etcd\"` for each member, or [etcd] when somebody else has them; or write \
                     `etcd = \"stacked\"`",
        ));
    }
    if etcd.value == EtcdTopology::Stacked {
        for role in rows.iter().filter(|row| row.has_role(Role::Etcd)).filter_map(|row| row.role.as_ref()) {
            problems.add(
                Problem::error("an etcd node in a cluster with stacked etcd")
                    .at_if(role.set_at.as_ref(), "with stacked etcd, the control planes are the members")
                    .related(etcd.set_at.as_ref(), "set here")
                    .hint("write `etcd = \"external\"` in [cluster], or choose another role"),
            );
        }
    }
    if etcd.value == EtcdTopology::External && members > MOST_ETCD_MEMBERS {
        problems.add(
            Problem::error(format!("more than {MOST_ETCD_MEMBERS} members of etcd"))
                .at_if(place, format!("{members} nodes of role \"etcd\""))
                .hint("three or five members are usual: each of them has to agree to whatever is written"),
        );
    }
    if members > 0 && members % 2 == 0 {
        problems.add(
            Problem::warning(format!("etcd has {members} members"))
                .at_if(place, format!("it stops with {} of them down, as with one member less", members / 2))
                .hint("three or five members are usual"),
        );
    }
}

fn count(rows: &[NodeRow], role: Role) -> usize {
    rows.iter().filter(|row| row.has_role(role)).map(|row| row.names.len()).sum()
}

/// Checks the families of nodes' addresses against the service subnets.
///
/// kube-apiserver asks that its advertise address and the first service subnet be of one family.
fn check_families(cluster: &ClusterDraft, rows: &[NodeRow], problems: &Problems) {
    let Some(subnet) = cluster.service_subnets.first() else { return };
    let first_is_ipv4 = subnet.value.addr().is_ipv4();
    let second = cluster.service_subnets.get(1).filter(|second| second.value.addr().is_ipv4() != first_is_ipv4);
    for row in rows.iter().filter(|row| row.role.is_some() && !row.has_role(Role::Etcd)) {
        let Some(advertise) = row.first_addresses.first() else { continue };
        let has = |is_ipv4: bool| row.first_addresses.iter().any(|address| address.value.is_ipv4() == is_ipv4);
        if !has(first_is_ipv4) || (row.has_role(Role::ControlPlane) && advertise.value.is_ipv4() != first_is_ipv4) {
            problems.add(
                Problem::error("the advertise address and the service subnet are of two families")
                    .at_if(
                        advertise.set_at.as_ref(),
                        format!("{}, but services are in {}", family(!first_is_ipv4), subnet.value),
                    )
                    .related(subnet.set_at.as_ref(), "the first service subnet")
                    .hint(format!(
                        "begin the addresses with an {0} one, or `service_subnets` with an {1} one",
                        family(first_is_ipv4),
                        family(!first_is_ipv4)
                    )),
            );
        } else if second.is_some() && !has(!first_is_ipv4) {
            problems.add(
                Problem::warning("a node of a dual-stack cluster has addresses of one family")
                    .at_if(advertise.set_at.as_ref(), format!("no {} address", family(!first_is_ipv4)))
                    .related(second.and_then(|subnet| subnet.set_at.as_ref()), "dual stack")
                    .hint("add the node's second address, so that its certificates have it too"),
            );
        }
    }
}

/// Refuses kubeadm's external-CA mode without client certificates for kubelets. In that mode kubeadm asks for
/// kubelet.conf, because it neither bootstraps a kubelet nor signs the kubelet's request.
fn check_external_ca(
    kubelet_client: Option<&Setting<bool>>,
    ship_ca_keys: Option<&Setting<ShipCaKeys>>,
    problems: &Problems,
) {
    let (Some(client), Some(ship_to)) = (kubelet_client, ship_ca_keys) else { return };
    if ship_to.value == ShipCaKeys::None && !client.value {
        problems.add(
            Problem::error("no CA key and no kubelet client certificates")
                .at_if(ship_to.set_at.as_ref(), "without a CA key nothing in the cluster can sign for a kubelet")
                .related(client.set_at.as_ref(), "and the bundle brings none")
                .hint("write `client = true` in [kubelet], or `ship_to = \"control-plane\"` in [ca_keys]"),
        );
    }
}
