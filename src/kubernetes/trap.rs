//! What holds the old trust when a CA or the key of service accounts is replaced in phases: the traps of a rotation.

use super::certificate_row::CaName;

/// Something that is replaced in phases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotating {
    /// A CA.
    Ca(CaName),
    /// The key that signs the tokens of service accounts.
    ServiceAccount,
}

/// How whatever holds the old trust learns of the new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learns {
    /// `certferry apply --restart` writes it, and restarts whoever reads it.
    Apply,
    /// It reads it again by itself.
    Itself,
    /// Whoever holds it must be restarted, which is not for `certferry apply` to do.
    Restart,
    /// `rotation/phase-N.sh` of the cluster part writes it, or waits for it.
    Script,
    /// A person does it.
    Hand,
}

/// What proves that it has learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// A rule of the doctor, by its name.
    Rule(&'static str),
    /// A step of `rotation/phase-N.sh`, by the name of its function.
    Step(&'static str),
    /// A line for a shell.
    Line(&'static str),
}

/// A trap: something that still holds the old trust after the files of nodes have changed, or beside them.
#[derive(Clone, Copy, Debug)]
pub struct Trap {
    /// The name: lower case, never changed.
    pub id: &'static str,
    /// What holds the trust, for a person.
    pub holder: &'static str,
    /// What it is about.
    pub of: &'static [Rotating],
    /// How it learns.
    pub learns: Learns,
    /// How it learns, for a person.
    pub how: &'static str,
    /// The phase at whose end it must have learned, 1 to 3.
    pub phase: u32,
    /// What proves it, the best first.
    pub checks: &'static [Check],
    /// The first version of Kubernetes 1 that does otherwise, and how, where there is one.
    pub until: Option<(u32, &'static str)>,
    /// The source of this row.
    pub source: &'static str,
    /// Whether it was seen with programs, and not only read.
    pub is_tried: bool,
}

const KUBERNETES: Rotating = Rotating::Ca(CaName::Kubernetes);
const ETCD: Rotating = Rotating::Ca(CaName::Etcd);
const FRONT_PROXY: Rotating = Rotating::Ca(CaName::FrontProxy);
const SERVICE_ACCOUNT: Rotating = Rotating::ServiceAccount;
const ALL: &[Rotating] = &[KUBERNETES, ETCD, FRONT_PROXY, SERVICE_ACCOUNT];

const STATUS: Check = Check::Line("certferry status");
const ROOT_CA: Check = Check::Step("step_root_ca");
const TOKENS: Check = Check::Step("step_token_secrets");
const PODS: Check = Check::Step("step_pods");
const COPIES: Check = Check::Step("step_copies");

/// Every trap, by the phase in which it closes.
pub const TRAPS: &[Trap] = &[
    Trap {
        id: "trust-files",
        holder: "`ca.crt`, `front-proxy-ca.crt`, `etcd/ca.crt` and `sa.pub` of each component",
        of: ALL,
        learns: Learns::Apply,
        how: "written, and whoever reads them is restarted; kube-apiserver alone reads its client CAs again by itself",
        phase: 1,
        checks: &[STATUS],
        until: None,
        source: "this crate's table of readers; Kubernetes v1.20.2, apiserver dynamiccertificates",
        is_tried: true,
    },
    Trap {
        id: "etcd-members",
        holder: "members of etcd among each other",
        of: &[ETCD],
        learns: Learns::Apply,
        how: "one member at a time, both CAs first",
        phase: 1,
        checks: &[STATUS],
        until: None,
        source: "etcd v3.5, Transport security model",
        is_tried: true,
    },
    Trap {
        id: "etcd-clients",
        holder: "clients of etcd: backup, monitoring",
        of: &[ETCD],
        learns: Learns::Hand,
        how: "give them `etcd-clients/` of the cluster part, or apply its Secrets, in each phase",
        phase: 1,
        checks: &[Check::Line("etcdctl endpoint health")],
        until: None,
        source: "etcd v3.5, Transport security model",
        is_tried: false,
    },
    Trap {
        id: "signing-flags",
        holder: "`--cluster-signing-cert-file` and its like of kube-controller-manager, which take one certificate",
        of: &[KUBERNETES],
        learns: Learns::Apply,
        how: "the flag is edited to name `ca-signing.crt` in phases 1 and 2, and back in phase 3",
        phase: 1,
        checks: &[Check::Rule("signing-cert-count"), Check::Rule("key-pair")],
        until: None,
        source: "Kubernetes v1.20.2, pkg/controller/certificates/signer/ca_provider.go",
        is_tried: true,
    },
    Trap {
        id: "root-ca-file",
        holder: "`--root-ca-file` of kube-controller-manager",
        of: &[KUBERNETES],
        learns: Learns::Apply,
        how: "read once: it is restarted on each control plane",
        phase: 1,
        checks: &[ROOT_CA],
        until: None,
        source: "kubernetes pull request 137410",
        is_tried: true,
    },
    Trap {
        id: "kube-root-ca",
        holder: "ConfigMap `kube-root-ca.crt` in every namespace",
        of: &[KUBERNETES],
        learns: Learns::Script,
        how: "written by the controller manager that leads; the script waits, and names those that lag",
        phase: 1,
        checks: &[ROOT_CA, Check::Rule("object-one-ca"), Check::Rule("config-map-ca")],
        until: None,
        source: "Kubernetes v1.20.2, pkg/controller/certificates/rootcacertpublisher",
        is_tried: true,
    },
    Trap {
        id: "token-secret-ca",
        holder: "`ca.crt` in token Secrets",
        of: &[KUBERNETES],
        learns: Learns::Script,
        how: "written by the controller manager that leads; the script waits",
        phase: 1,
        checks: &[TOKENS, Check::Rule("secret-token-ca"), Check::Rule("object-one-ca")],
        until: None,
        source: "Kubernetes v1.20.2, pkg/controller/serviceaccount/tokens_controller.go",
        is_tried: true,
    },
    Trap {
        id: "cluster-info",
        holder: "ConfigMap `kube-public/cluster-info`, and `--discovery-token-ca-cert-hash` of people",
        of: &[KUBERNETES],
        learns: Learns::Script,
        how: "written, and signed anew for each token; the hash of either CA is good while both stand there",
        phase: 1,
        checks: &[Check::Step("step_cluster_info"), Check::Rule("object-one-ca")],
        until: None,
        source: "kubeadm, discovery/token `CheckAny`; Kubernetes v1.20.2, pkg/controller/bootstrap",
        is_tried: true,
    },
    Trap {
        id: "ca-bundles",
        holder: "caBundles of webhooks, APIServices and CRDs in which this CA stands",
        of: &[KUBERNETES],
        learns: Learns::Script,
        how: "written with both CAs; their servers need certificates of the new CA before phase 3, from whoever made them",
        phase: 1,
        checks: &[Check::Step("step_ca_bundles"), Check::Rule("ca-bundle-old")],
        until: None,
        source: "Kubernetes v1.20.2, apiserver/pkg/util/webhook",
        is_tried: true,
    },
    Trap {
        id: "kubeconfigs-of-nodes",
        holder: "kubeconfigs in `/etc/kubernetes`",
        of: &[KUBERNETES],
        learns: Learns::Apply,
        how: "written with both CAs, and whoever reads them is restarted",
        phase: 1,
        checks: &[Check::Rule("kubeconfig-one-ca"), Check::Rule("kubeconfig-ca")],
        until: None,
        source: "kubeadm v1.20.2, renewal/readwriter.go",
        is_tried: true,
    },
    Trap {
        id: "kubeconfigs-on-hosts",
        holder: "`/etc/cni/net.d` and other kubeconfigs on hosts: with the old CA no pod starts after phase 2",
        of: &[KUBERNETES],
        learns: Learns::Restart,
        how: "a network plugin writes its own anew when its pod starts; others by hand",
        phase: 1,
        checks: &[Check::Rule("kubeconfig-one-ca"), PODS],
        until: None,
        source: "Calico, cni-plugin install; Cilium and others keep none",
        is_tried: false,
    },
    Trap {
        id: "kubeconfigs-of-people",
        holder: "kubeconfigs of people and programs outside",
        of: &[KUBERNETES],
        learns: Learns::Hand,
        how: "hand out those of phase 2: they work from phase 1 on",
        phase: 1,
        checks: &[Check::Rule("user-kubeconfig-ca"), Check::Rule("kubeconfig-one-ca")],
        until: None,
        source: "client-go v0.20.2, transport: a kubeconfig is read once",
        is_tried: true,
    },
    Trap {
        id: "copies-in-objects",
        holder: "kubeconfigs and CAs in ConfigMaps and Secrets of other programs",
        of: &[KUBERNETES],
        learns: Learns::Hand,
        how: "the script names them; whoever wrote them writes them anew",
        phase: 1,
        checks: &[COPIES],
        until: None,
        source: "tried with Kubernetes 1.20.2",
        is_tried: true,
    },
    Trap {
        id: "pods",
        holder: "pods, which read `ca.crt` when they start",
        of: &[KUBERNETES],
        learns: Learns::Script,
        how: "the script lists those from before; `--restart-pods` restarts them by owner",
        phase: 1,
        checks: &[PODS],
        until: Some((36, "client-go 0.36 reads the file again; other libraries do not")),
        source: "kubernetes issue 119483, pull request 132922",
        is_tried: false,
    },
    Trap {
        id: "kube-proxy",
        holder: "kube-proxy",
        of: &[KUBERNETES],
        learns: Learns::Script,
        how: "restarted with the other pods",
        phase: 1,
        checks: &[PODS],
        until: Some((36, "reads it again by itself")),
        source: "kubernetes pull request 132922",
        is_tried: false,
    },
    Trap {
        id: "kubelet-client-ca",
        holder: "the kubelet's `clientCAFile`",
        of: &[KUBERNETES],
        learns: Learns::Apply,
        how: "written, and the kubelet is restarted",
        phase: 1,
        checks: &[Check::Rule("kubelet-client-ca")],
        until: Some((36, "reads it again by itself, and says so to clients")),
        source: "kubernetes pull request 136762",
        is_tried: true,
    },
    Trap {
        id: "aggregated-apis",
        holder: "aggregated API servers, which know the front proxy by `extension-apiserver-authentication`",
        of: &[FRONT_PROXY],
        learns: Learns::Itself,
        how: "each API server adds its CAs to that ConfigMap when it starts",
        phase: 1,
        checks: &[Check::Line("kubectl get apiservices")],
        until: None,
        source: "Kubernetes v1.20.2, pkg/controlplane/controller/clusterauthenticationtrust",
        is_tried: true,
    },
    Trap {
        id: "jwks",
        holder: "whoever verifies tokens by the cluster's JWKS, outside it",
        of: &[SERVICE_ACCOUNT],
        learns: Learns::Hand,
        how: "the API server shows both keys from phase 1 on; who keeps a copy needs it before phase 2",
        phase: 1,
        checks: &[Check::Line("kubectl get --raw /openid/v1/jwks")],
        until: None,
        source: "Kubernetes v1.20.2, pkg/serviceaccount/openidmetadata.go",
        is_tried: false,
    },
    Trap {
        id: "kubeadm-certs",
        holder: "Secret `kube-system/kubeadm-certs`",
        of: ALL,
        learns: Learns::Script,
        how: "deleted",
        phase: 1,
        checks: &[Check::Step("step_kubeadm_certs"), Check::Rule("kubeadm-certs-left")],
        until: None,
        source: "kubeadm v1.20.2, phases/copycerts",
        is_tried: true,
    },
    Trap {
        id: "kubeadm-in-between",
        holder: "`kubeadm certs renew` and `kubeadm upgrade` in phases 1 and 2, which write the first CA alone",
        of: &[KUBERNETES],
        learns: Learns::Hand,
        how: "run neither in between; after it, `certferry apply` of the phase mends the node",
        phase: 1,
        checks: &[Check::Rule("kubeconfig-one-ca"), Check::Rule("changed-since-install")],
        until: None,
        source: "kubeadm v1.20.2, renewal/readwriter.go",
        is_tried: true,
    },
    Trap {
        id: "nodes-outside",
        holder: "nodes that are not in the profile",
        of: &[KUBERNETES],
        learns: Learns::Hand,
        how: "put them into the profile, or take them out of the cluster; phase 2 refuses else",
        phase: 1,
        checks: &[Check::Step("step_nodes")],
        until: None,
        source: "tried with Kubernetes 1.20.2",
        is_tried: true,
    },
    Trap {
        id: "open-requests",
        holder: "CertificateSigningRequests that are open",
        of: &[KUBERNETES],
        learns: Learns::Hand,
        how: "approve or delete them; phase 2 refuses else",
        phase: 1,
        checks: &[Check::Step("step_requests")],
        until: None,
        source: "Kubernetes v1.20.2, pkg/controller/certificates/signer",
        is_tried: true,
    },
    Trap {
        id: "kubelet-client",
        holder: "`apiserver-kubelet-client` in the memory of kube-apiserver",
        of: &[KUBERNETES],
        learns: Learns::Apply,
        how: "kube-apiserver is restarted",
        phase: 2,
        checks: &[Check::Line("kubectl logs")],
        until: None,
        source: "kubernetes issue 114588",
        is_tried: true,
    },
    Trap {
        id: "token-secrets",
        holder: "the token in token Secrets",
        of: &[SERVICE_ACCOUNT],
        learns: Learns::Script,
        how: "made anew with `--renew-tokens`; the one before is refused at once, so programs that hold a copy need the new one",
        phase: 2,
        checks: &[TOKENS],
        until: None,
        source: "Kubernetes v1.20.2, pkg/serviceaccount/legacy.go",
        is_tried: true,
    },
    Trap {
        id: "bound-tokens",
        holder: "tokens of pods, and those that programs asked for",
        of: &[SERVICE_ACCOUNT],
        learns: Learns::Itself,
        how: "the kubelet replaces those of pods within 24 hours; phase 3 waits for that",
        phase: 2,
        checks: &[Check::Step("step_bound_tokens")],
        until: None,
        source: "Kubernetes v1.20.2, pkg/kubelet/token",
        is_tried: false,
    },
    Trap {
        id: "clients-outside",
        holder: "clients whose certificates were issued through CertificateSigningRequests",
        of: &[KUBERNETES],
        learns: Learns::Hand,
        how: "ask anew in phase 2; the cluster forgets requests after an hour, so the list is not whole",
        phase: 2,
        checks: &[Check::Step("step_requests")],
        until: None,
        source: "Kubernetes v1.20.2, pkg/controller/certificates/cleaner",
        is_tried: true,
    },
    Trap {
        id: "client-cas",
        holder: "ConfigMap `kube-system/extension-apiserver-authentication`, by which scheduler, controller manager and aggregated API servers let clients in",
        of: &[KUBERNETES, FRONT_PROXY],
        learns: Learns::Script,
        how: "forgets nothing: deleted after phase 3, and made anew at once",
        phase: 3,
        checks: &[Check::Step("step_client_cas"), Check::Rule("config-map-old-ca")],
        until: None,
        source: "kubernetes issue 82429",
        is_tried: true,
    },
];

impl Rotating {
    /// Returns the name that profiles use: `kubernetes`, or `service_account`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ca(ca) => ca.profile_name(),
            Self::ServiceAccount => "service_account",
        }
    }
}

impl Learns {
    /// Returns the word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::Itself => "by itself",
            Self::Restart => "restart",
            Self::Script => "script",
            Self::Hand => "by hand",
        }
    }
}

impl Check {
    /// Returns what a person looks at.
    #[must_use]
    pub fn told(self) -> String {
        match self {
            Self::Rule(rule) => format!("doctor: `{rule}`"),
            Self::Step(step) => format!("script: {}", step.trim_start_matches("step_").replace('_', " ")),
            Self::Line(line) => format!("`{line}`"),
        }
    }
}

impl Trap {
    /// Returns the row of the table in `certferry help rotation`.
    #[must_use]
    pub fn row(&self) -> String {
        let of = if self.of.len() == ALL.len() {
            "all".to_owned()
        } else {
            self.of.iter().map(|rotating| rotating.name()).collect::<Vec<_>>().join(", ")
        };
        let until = self.until.map(|(minor, what)| format!("; from 1.{minor} {what}")).unwrap_or_default();
        let checks: Vec<_> = self.checks.iter().map(|check| check.told()).collect();
        let (holder, how, phase) = (self.holder, self.how, self.phase);
        let (learns, checks) = (self.learns.name(), checks.join(", "));
        format!("| {phase} | {holder} | {of} | {learns}: {how}{until} | {checks} |")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::TRAPS;

    #[test]
    fn rows_are_whole_and_in_order() {
        let mut seen = BTreeSet::new();
        for trap in TRAPS {
            assert!(seen.insert(trap.id), "{} stands twice", trap.id);
            assert!(!trap.of.is_empty() && !trap.checks.is_empty() && !trap.source.is_empty(), "{}", trap.id);
            assert!((1..=3).contains(&trap.phase), "{}", trap.id);
        }
        assert!(TRAPS.is_sorted_by_key(|trap| trap.phase));
    }
}
