//! Rules about registries: what containerd reads of them, and roots that the system trusts.

use crate::doctor::rule::{Rule, problem, warning};

const MEND: &str = "`certferry apply BUNDLE --node {node} --key PUB`, where a bundle has it; else put it right by hand (`certferry help tls`)";

/// The rules. Their sources stand beside the checks.
pub(super) const RULES: [Rule; 8] = [
    problem(
        "containerd-registry",
        "{file} has config_path, and {tables}, too",
        "containerd starts without its part for Kubernetes: the kubelet finds no service runtime.v1.RuntimeService, and no pod \
         starts",
        "remove {tables} from {path}: what they say belongs into files hosts.toml; then `systemctl restart containerd`",
    ),
    warning(
        "containerd-config-path",
        "{file} does not name /etc/containerd/certs.d in config_path",
        "containerd before 2.2 does not look there: `x509: certificate signed by unknown authority` when it pulls an image",
        "write `config_path = \"/etc/containerd/certs.d\"` below `{section}` in {path}, where no registry.mirrors and \
         registry.configs may stand, then `systemctl restart containerd`",
    ),
    problem("registry-ca", "{it} names {named}, which {detail}", "containerd pulls nothing from {registry}", MEND),
    problem(
        "registry-ca-expired",
        "the root of {registry}, {it}, ended at {time}",
        "containerd no longer trusts the registry: no pod starts whose image is not on the node",
        "put the registry's present root into [[registry]] of the profile, build and apply (`certferry help tls`)",
    ),
    warning(
        "registry-hosts",
        "{file} {detail}",
        "containerd passes over it (for want of a section, up to 1.7), and logs `failed to decode hosts.toml`",
        MEND,
    ),
    warning(
        "registry-shadowed",
        "{file} is not read: containerd looks into {other} first",
        "what stands there alone does not count; no program says anything",
        "move what is of use into /{other}, and the folder away",
    ),
    warning(
        "registry-certificate",
        "{it} is for {registry}, and not signed by its root, {root}",
        "`x509: certificate signed by unknown authority` when nodes pull from it, unless their system trusts its CA",
        "where [[registry]] has `root = \"tls\"`, write the bundle's `manifests/tls/NAMESPACE.SECRET.yaml`; else put its CA into \
         `root`, build and apply",
    ),
    warning(
        "system-trust",
        "{file} is not among the roots that this system trusts, in {made}",
        "programs say `x509: certificate signed by unknown authority`, as before",
        "`{update}`, then restart the programs that shall trust it",
    ),
];
