//! The settings whose values a survey may hold: a list of names, each with the kind of its value.
//!
//! It is never the other way round. A flag that nobody thought of may hold a password.

use super::value::ValueKind::{
    Folder, Hosts, Issuers, Kubeconfig, Names, Number, Opaque, Pem, Period, Sni, Subnets, Switch, Urls,
};
use super::value::{ValueKind, kept};
use crate::tree::{API_SERVER, CONTROLLER_MANAGER, ETCD, KUBE_PROXY, KUBELET, SCHEDULER};

/// Settings of some programs, or of one kind of configuration, whose values are of one kind.
pub(super) struct Row {
    /// The programs, or the kind of the configuration.
    pub(super) owners: &'static [&'static str],
    pub(super) kind: ValueKind,
    /// The names of flags without dashes; of fields the path of keys, with `*` for the number of an item.
    pub(super) names: &'static [&'static str],
}

const fn row(owners: &'static [&'static str], kind: ValueKind, names: &'static [&'static str]) -> Row {
    Row { owners, kind, names }
}

/// kubeadm's `ClusterConfiguration`, `InitConfiguration` and `JoinConfiguration`.
pub(super) const KUBEADM_KINDS: [&str; 3] = ["ClusterConfiguration", "InitConfiguration", "JoinConfiguration"];
/// The kubelet's configuration.
pub(super) const KUBELET_KIND: &str = "KubeletConfiguration";

const API: &[&str] = &[API_SERVER];
const MANAGER: &[&str] = &[CONTROLLER_MANAGER];
/// etcd's configuration file names no kind, and its fields have the names of the flags.
const ETCDS: &[&str] = &[ETCD];
const KUBELETS: &[&str] = &[KUBELET];
const FIELDS: &[&str] = &[KUBELET_KIND];
/// Flags that the programs of a control plane share, because they serve with the same library.
const SERVERS: &[&str] = &[API_SERVER, CONTROLLER_MANAGER, SCHEDULER];
const CLIENTS: &[&str] = &[CONTROLLER_MANAGER, SCHEDULER];

/// The list. Source: `--help` of v1.20.2 and v1.36; etcd v3.5, embed/config.go; k8s.io/kubelet/config/v1beta1/types.go;
/// kubeadm v1beta1 to v1beta4, types.go.
pub(super) const ROWS: &[Row] = &[
    row(SERVERS, Pem, &["client-ca-file", "requestheader-client-ca-file", "tls-cert-file", "tls-private-key-file"]),
    row(SERVERS, Sni, &["tls-sni-cert-key"]),
    row(SERVERS, Folder, &["cert-dir"]),
    row(SERVERS, Hosts, &["bind-address"]),
    row(SERVERS, Number, &["secure-port"]),
    row(
        SERVERS,
        Names,
        &[
            "requestheader-allowed-names",
            "requestheader-extra-headers-prefix",
            "requestheader-group-headers",
            "requestheader-username-headers",
        ],
    ),
    row(CLIENTS, Kubeconfig, &["authentication-kubeconfig", "authorization-kubeconfig", "kubeconfig"]),
    row(CLIENTS, Hosts, &["address"]),
    row(CLIENTS, Number, &["port"]),
    row(CLIENTS, Urls, &["master"]),
    row(CLIENTS, Switch, &["leader-elect"]),
    row(
        API,
        Pem,
        &[
            "etcd-cafile",
            "etcd-certfile",
            "etcd-keyfile",
            "kubelet-certificate-authority",
            "kubelet-client-certificate",
            "kubelet-client-key",
            "oidc-ca-file",
            "proxy-client-cert-file",
            "proxy-client-key-file",
            "service-account-key-file",
            "service-account-signing-key-file",
        ],
    ),
    row(
        API,
        Opaque,
        &[
            "admission-control-config-file",
            "audit-policy-file",
            "audit-webhook-config-file",
            "authentication-config",
            "authentication-token-webhook-config-file",
            "authorization-config",
            "authorization-policy-file",
            "authorization-webhook-config-file",
            "basic-auth-file",
            "cloud-config",
            "egress-selector-config-file",
            "encryption-provider-config",
            "experimental-encryption-provider-config",
            "token-auth-file",
            "tracing-config-file",
        ],
    ),
    row(API, Folder, &["audit-log-path"]),
    row(API, Hosts, &["advertise-address", "external-hostname", "insecure-bind-address"]),
    row(API, Subnets, &["service-cluster-ip-range"]),
    row(API, Urls, &["etcd-servers", "oidc-issuer-url", "service-account-jwks-uri"]),
    row(API, Issuers, &["api-audiences", "service-account-api-audiences", "service-account-issuer"]),
    row(API, Number, &["insecure-port", "kubelet-port", "service-node-port-range"]),
    row(API, Period, &["service-account-max-token-expiration"]),
    row(
        API,
        Names,
        &[
            "authorization-mode",
            "cloud-provider",
            "disable-admission-plugins",
            "enable-admission-plugins",
            "endpoint-reconciler-type",
            "kubelet-preferred-address-types",
            "oidc-client-id",
            "oidc-groups-claim",
            "oidc-groups-prefix",
            "oidc-username-claim",
            "oidc-username-prefix",
        ],
    ),
    row(
        API,
        Switch,
        &[
            "allow-privileged",
            "anonymous-auth",
            "enable-aggregator-routing",
            "enable-bootstrap-token-auth",
            "service-account-extend-token-expiration",
            "service-account-lookup",
        ],
    ),
    row(
        MANAGER,
        Pem,
        &[
            "cluster-signing-cert-file",
            "cluster-signing-key-file",
            "cluster-signing-kube-apiserver-client-cert-file",
            "cluster-signing-kube-apiserver-client-key-file",
            "cluster-signing-kubelet-client-cert-file",
            "cluster-signing-kubelet-client-key-file",
            "cluster-signing-kubelet-serving-cert-file",
            "cluster-signing-kubelet-serving-key-file",
            "cluster-signing-legacy-unknown-cert-file",
            "cluster-signing-legacy-unknown-key-file",
            "root-ca-file",
            "service-account-private-key-file",
        ],
    ),
    row(MANAGER, Opaque, &["cloud-config"]),
    row(MANAGER, Folder, &["flex-volume-plugin-dir"]),
    row(MANAGER, Subnets, &["cluster-cidr", "service-cluster-ip-range"]),
    row(MANAGER, Number, &["node-cidr-mask-size", "node-cidr-mask-size-ipv4", "node-cidr-mask-size-ipv6"]),
    row(MANAGER, Period, &["cluster-signing-duration", "experimental-cluster-signing-duration"]),
    row(MANAGER, Names, &["cloud-provider", "cluster-name", "controllers"]),
    row(MANAGER, Switch, &["allocate-node-cidrs", "use-service-account-credentials"]),
    row(&[SCHEDULER], Opaque, &["config"]),
    row(
        ETCDS,
        Pem,
        &[
            "cert-file",
            "client-cert-file",
            "client-key-file",
            "key-file",
            "peer-cert-file",
            "peer-client-cert-file",
            "peer-client-key-file",
            "peer-key-file",
            "peer-trusted-ca-file",
            "trusted-ca-file",
        ],
    ),
    row(ETCDS, Opaque, &["client-crl-file", "config-file", "peer-crl-file"]),
    row(ETCDS, Folder, &["data-dir", "wal-dir"]),
    row(
        ETCDS,
        Urls,
        &[
            "advertise-client-urls",
            "initial-advertise-peer-urls",
            "initial-cluster",
            "listen-client-http-urls",
            "listen-client-urls",
            "listen-metrics-urls",
            "listen-peer-urls",
        ],
    ),
    row(
        ETCDS,
        Names,
        &[
            "client-cert-allowed-hostname",
            "initial-cluster-state",
            "name",
            "peer-cert-allowed-cn",
            "peer-cert-allowed-hostname",
        ],
    ),
    row(ETCDS, Switch, &["auto-tls", "client-cert-auth", "peer-auto-tls", "peer-client-cert-auth"]),
    row(KUBELETS, Kubeconfig, &["bootstrap-kubeconfig", "kubeconfig"]),
    row(KUBELETS, Pem, &["client-ca-file", "tls-cert-file", "tls-private-key-file"]),
    row(KUBELETS, Opaque, &["cloud-config", "config", "image-credential-provider-config"]),
    row(
        KUBELETS,
        Folder,
        &[
            "cert-dir",
            "config-dir",
            "image-credential-provider-bin-dir",
            "pod-manifest-path",
            "root-dir",
            "volume-plugin-dir",
        ],
    ),
    row(KUBELETS, Hosts, &["address", "cluster-dns", "node-ip"]),
    row(KUBELETS, Subnets, &["pod-cidr"]),
    row(KUBELETS, Urls, &["container-runtime-endpoint"]),
    row(KUBELETS, Number, &["port", "read-only-port"]),
    row(
        KUBELETS,
        Names,
        &[
            "authorization-mode",
            "cgroup-driver",
            "cloud-provider",
            "cluster-domain",
            "container-runtime",
            "hostname-override",
            "network-plugin",
        ],
    ),
    row(
        KUBELETS,
        Switch,
        &["anonymous-auth", "authentication-token-webhook", "rotate-certificates", "rotate-server-certificates"],
    ),
    row(&[KUBE_PROXY], Kubeconfig, &["kubeconfig"]),
    row(&[KUBE_PROXY], Opaque, &["config"]),
    row(&[KUBE_PROXY], Hosts, &["bind-address"]),
    row(&[KUBE_PROXY], Subnets, &["cluster-cidr"]),
    row(&[KUBE_PROXY], Names, &["hostname-override", "proxy-mode"]),
    row(FIELDS, Pem, &["authentication.x509.clientCAFile", "tlsCertFile", "tlsPrivateKeyFile"]),
    row(FIELDS, Folder, &["staticPodPath", "volumePluginDir"]),
    row(FIELDS, Hosts, &["address", "clusterDNS.*", "healthzBindAddress"]),
    row(FIELDS, Subnets, &["podCIDR"]),
    row(FIELDS, Urls, &["containerRuntimeEndpoint"]),
    row(FIELDS, Number, &["healthzPort", "port", "readOnlyPort"]),
    row(FIELDS, Names, &["authorization.mode", "cgroupDriver", "clusterDomain"]),
    row(
        FIELDS,
        Switch,
        &[
            "authentication.anonymous.enabled",
            "authentication.webhook.enabled",
            "rotateCertificates",
            "serverTLSBootstrap",
        ],
    ),
    row(
        &KUBEADM_KINDS,
        Names,
        &[
            "clusterName",
            "encryptionAlgorithm",
            "imageRepository",
            "kubernetesVersion",
            "networking.dnsDomain",
            "nodeRegistration.name",
        ],
    ),
    row(
        &KUBEADM_KINDS,
        Hosts,
        &[
            "apiServer.certSANs.*",
            "controlPlane.localAPIEndpoint.advertiseAddress",
            "controlPlaneEndpoint",
            "etcd.local.peerCertSANs.*",
            "etcd.local.serverCertSANs.*",
            "localAPIEndpoint.advertiseAddress",
        ],
    ),
    row(&KUBEADM_KINDS, Number, &["controlPlane.localAPIEndpoint.bindPort", "localAPIEndpoint.bindPort"]),
    row(&KUBEADM_KINDS, Subnets, &["networking.podSubnet", "networking.serviceSubnet"]),
    row(&KUBEADM_KINDS, Folder, &["certificatesDir", "etcd.local.dataDir"]),
    row(&KUBEADM_KINDS, Pem, &["etcd.external.caFile", "etcd.external.certFile", "etcd.external.keyFile"]),
    row(&KUBEADM_KINDS, Urls, &["etcd.external.endpoints.*"]),
    row(&KUBEADM_KINDS, Period, &["caCertificateValidityPeriod", "certificateValidityPeriod"]),
];

/// Returns the kind of a setting's value, or `None` when its value is not for a survey.
pub(super) fn kind_of(owner: &str, name: &str) -> Option<ValueKind> {
    let name = pattern(name);
    let rows = ROWS.iter().filter(|row| row.owners.contains(&owner));
    rows.filter(|row| row.names.contains(&name.as_str())).map(|row| row.kind).next()
}

/// Returns what a survey would have of a setting's value: of a URL no password, and of a text that has not the form of
/// its setting nothing. `owner` is the program, or the kind of the configuration.
#[must_use]
pub fn shown(owner: &str, name: &str, value: &str) -> Option<String> {
    kept(kind_of(owner, name)?, value)
}

/// Returns a path of keys with `*` for each number.
fn pattern(name: &str) -> String {
    let is_number = |key: &str| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit());
    name.split('.').map(|key| if is_number(key) { "*" } else { key }).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{ROWS, kind_of};
    use crate::survey::value::ValueKind;
    use crate::tree::{Shape, file_flags};

    #[test]
    fn a_name_has_one_kind() {
        let mut seen = BTreeSet::new();
        for row in ROWS {
            assert!(row.names.is_sorted(), "{:?}", row.names);
            for (owner, name) in row.owners.iter().flat_map(|owner| row.names.iter().map(move |name| (owner, name))) {
                assert!(seen.insert((*owner, *name)), "{owner} {name} stands twice");
            }
        }
        assert_eq!(kind_of("KubeletConfiguration", "clusterDNS.12"), Some(ValueKind::Hosts));
        assert_eq!(kind_of("kubelet", "token"), None);
    }

    #[test]
    fn nothing_of_this_list_sounds_like_a_secret_itself() {
        for row in ROWS.iter().filter(|row| !row.kind.is_path()) {
            for name in row.names {
                let is_about = matches!(row.kind, ValueKind::Switch | ValueKind::Period);
                let sounds = ["password", "secret", "token", "credential"].iter().any(|word| name.contains(word));
                assert!(is_about || !sounds, "{name}");
            }
        }
    }

    #[test]
    fn the_manual_has_the_list() {
        let chapter = include_str!("../manual/survey.md");
        let names: BTreeSet<_> = ROWS.iter().flat_map(|row| row.names).collect();
        let missing: Vec<_> = names.iter().filter(|name| !chapter.contains(&format!("`{name}`"))).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    /// Who reads which certificate and key is known once, to the doctor, too.
    #[test]
    fn every_flag_that_names_a_certificate_is_in_the_list() {
        for (program, flag, shape) in file_flags() {
            // kubeadm, kubectl and the kubelet's store name their files without a flag.
            if ["kubeadm", "kubectl"].contains(&program) || flag == "kubelet-client-current" {
                continue;
            }
            let expected = if shape == Shape::Kubeconfig { ValueKind::Kubeconfig } else { ValueKind::Pem };
            assert_eq!(kind_of(program, flag), Some(expected), "{program} {flag}");
        }
    }
}
