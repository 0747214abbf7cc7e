//! The names of the fields of the kubelet's configuration.
//!
//! The kubelet decodes its configuration leniently: a field whose name it does not know, and be it for one letter in
//! the wrong case, is dropped with a line in the log.

use crate::yaml::Yaml;

/// The fields of KubeletConfiguration. Source: k8s.io/kubelet/config/v1beta1/types.go, v0.20 to v0.36.
const FIELDS: [&str; 124] = [
    "address",
    "allowedUnsafeSysctls",
    "apiVersion",
    "authentication",
    "authorization",
    "cgroupDriver",
    "cgroupRoot",
    "cgroupsPerQOS",
    "clusterDNS",
    "clusterDomain",
    "configMapAndSecretChangeDetectionStrategy",
    "containerLogMaxFiles",
    "containerLogMaxSize",
    "containerLogMaxWorkers",
    "containerLogMonitorInterval",
    "containerRuntimeEndpoint",
    "contentType",
    "cpuCFSQuota",
    "cpuCFSQuotaPeriod",
    "cpuManagerPolicy",
    "cpuManagerPolicyOptions",
    "cpuManagerReconcilePeriod",
    "crashLoopBackOff",
    "enableContentionProfiling",
    "enableControllerAttachDetach",
    "enableDebugFlagsHandler",
    "enableDebuggingHandlers",
    "enableProfilingHandler",
    "enableServer",
    "enableSystemLogHandler",
    "enableSystemLogQuery",
    "enforceNodeAllocatable",
    "eventBurst",
    "eventRecordQPS",
    "evictionHard",
    "evictionMaxPodGracePeriod",
    "evictionMinimumReclaim",
    "evictionPressureTransitionPeriod",
    "evictionSoft",
    "evictionSoftGracePeriod",
    "failCgroupV1",
    "failSwapOn",
    "featureGates",
    "fileCheckFrequency",
    "hairpinMode",
    "healthzBindAddress",
    "healthzPort",
    "httpCheckFrequency",
    "imageGCHighThresholdPercent",
    "imageGCLowThresholdPercent",
    "imageMaximumGCAge",
    "imageMinimumGCAge",
    "imagePullCredentialsVerificationPolicy",
    "imageServiceEndpoint",
    "iptablesDropBit",
    "iptablesMasqueradeBit",
    "kernelMemcgNotification",
    "kind",
    "kubeAPIBurst",
    "kubeAPIQPS",
    "kubeReserved",
    "kubeReservedCgroup",
    "kubeletCgroups",
    "localStorageCapacityIsolation",
    "logging",
    "makeIPTablesUtilChains",
    "maxOpenFiles",
    "maxParallelImagePulls",
    "maxPods",
    "memoryManagerPolicy",
    "memorySwap",
    "memoryThrottlingFactor",
    "mergeDefaultEvictionSettings",
    "metadata",
    "nodeLeaseDurationSeconds",
    "nodeStatusMaxImages",
    "nodeStatusReportFrequency",
    "nodeStatusUpdateFrequency",
    "oomScoreAdj",
    "podCIDR",
    "podLogsDir",
    "podPidsLimit",
    "podsPerCore",
    "port",
    "preloadedImagesVerificationAllowlist",
    "protectKernelDefaults",
    "providerID",
    "qosReserved",
    "readOnlyPort",
    "registerNode",
    "registerWithTaints",
    "registryBurst",
    "registryPullQPS",
    "reservedMemory",
    "reservedSystemCPUs",
    "resolvConf",
    "rotateCertificates",
    "runOnce",
    "runtimeRequestTimeout",
    "seccompDefault",
    "serializeImagePulls",
    "serverTLSBootstrap",
    "showHiddenMetricsForVersion",
    "shutdownGracePeriod",
    "shutdownGracePeriodByPodPriority",
    "shutdownGracePeriodCriticalPods",
    "staticPodPath",
    "staticPodURL",
    "staticPodURLHeader",
    "streamingConnectionIdleTimeout",
    "syncFrequency",
    "systemCgroups",
    "systemReserved",
    "systemReservedCgroup",
    "tlsCertFile",
    "tlsCipherSuites",
    "tlsCurvePreferences",
    "tlsMinVersion",
    "tlsPrivateKeyFile",
    "topologyManagerPolicy",
    "topologyManagerPolicyOptions",
    "topologyManagerScope",
    "tracing",
    "volumeStatsAggPeriod",
];
/// Fields that lie between others in the source above.
const MORE: [&str; 3] = ["singleProcessOOMKill", "userNamespaces", "volumePluginDir"];
/// The fields of the structures that matter to certificates.
const NESTED: [(&[&str], &[&str]); 4] = [
    (&["authentication"], &["anonymous", "webhook", "x509"]),
    (&["authentication", "x509"], &["clientCAFile"]),
    (&["authentication", "anonymous"], &["enabled"]),
    (&["authentication", "webhook"], &["cacheTTL", "enabled"]),
];
/// The fields about certificates, and what it means when they are dropped.
const EFFECTS: [(&str, &str); 7] = [
    (
        "rotateCertificates",
        "the kubelet does not renew its client certificate, and the node goes `NotReady` when that ends",
    ),
    ("serverTLSBootstrap", "the kubelet serves with a certificate that it signed itself"),
    ("authentication", "the kubelet turns the API server away: kubectl logs and exec say `Unauthorized`"),
    ("x509", "the kubelet turns the API server away: kubectl logs and exec say `Unauthorized`"),
    ("clientCAFile", "the kubelet turns the API server away: kubectl logs and exec say `Unauthorized`"),
    ("tlsCertFile", "the kubelet serves with a certificate that it signed itself"),
    ("tlsPrivateKeyFile", "the kubelet serves with a certificate that it signed itself"),
];

/// A field that the kubelet does not know.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UnknownField {
    /// The name, with those of the structures around it: `authentication.x509.clientCaFile`.
    pub(crate) path: String,
    /// The name that is meant, if the letters are right and their case is not.
    pub(crate) meant: Option<&'static str>,
    /// What it means that the field is dropped, where that concerns certificates.
    pub(crate) effect: Option<&'static str>,
}

/// Returns the fields that the kubelet does not know, in the order of the file.
pub(crate) fn unknown_fields(config: &Yaml) -> Vec<UnknownField> {
    let top: Vec<&'static str> = FIELDS.into_iter().chain(MORE).collect();
    let mut unknown = among(config, "", &top);
    for (path, fields) in NESTED {
        let structure = config.at(path);
        unknown.extend(structure.map(|structure| among(structure, &path.join("."), fields)).unwrap_or_default());
    }
    unknown
}

fn among(structure: &Yaml, path: &str, fields: &[&'static str]) -> Vec<UnknownField> {
    let names = structure.pairs().iter().map(|(name, _)| name);
    let unknown = names.filter(|name| !fields.contains(&name.as_str()));
    let field = |name: &String| {
        let meant = fields.iter().copied().find(|field| field.eq_ignore_ascii_case(name));
        let effect = EFFECTS.iter().find(|(field, _)| Some(*field) == meant).map(|(_, effect)| *effect);
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        UnknownField { path, meant, effect }
    };
    unknown.map(field).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{FIELDS, unknown_fields};
    use crate::yaml::Yaml;

    #[test]
    fn the_table_is_sorted_and_each_name_stands_once() {
        assert!(FIELDS.is_sorted_by(|left, right| left < right));
    }

    #[test]
    fn wrong_letters_are_found_at_any_depth() {
        let text =
            "kind: K\nRotateCertificates: true\nauthentication: {x509: {clientCaFile: /a}, webhook: {}}\nnew: 1\n";
        let found = unknown_fields(&Yaml::read(text).unwrap());
        let found: Vec<_> = found.iter().map(|field| (field.path.as_str(), field.meant)).collect();
        assert_eq!(
            found,
            [
                ("RotateCertificates", Some("rotateCertificates")),
                ("new", None),
                ("authentication.x509.clientCaFile", Some("clientCAFile")),
            ]
        );
    }
}
