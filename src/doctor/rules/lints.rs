//! Explains the rules of [`crate::lint`], which say what is wrong with a certificate. The severities are the same.

use super::objects::{METALLB_INJECTS_NOTHING, METALLB_MEND, METALLB_ROTATES};
use crate::doctor::rule::{Rule, problem, warning};

const IT: &str = "{it} {detail}";
const RENEW: &str = "{renew}";
const STRICT: &str = "openssl verify -x509_strict, Python 3.13 and auditors refuse it; Kubernetes itself does not";

pub(super) const RULES: [Rule; 47] = [
    problem(
        "key-pair",
        "{pair}",
        "whoever reads both says `tls: private key does not match public key` and does not start",
        RENEW,
    ),
    problem(
        "right-ca",
        "{it} is signed by {signer}, and belongs under {authority}: the CAs are mixed up",
        "{error}",
        RENEW,
    ),
    problem(
        "kubeconfig-ca",
        "{file} trusts another CA than {authority}",
        "whoever uses it says {error}; kubeadm says `has got the wrong CA cert`",
        RENEW,
    )
    .instead_of(&["unknown-authority", "right-ca"]),
    problem(
        "same-everywhere",
        "{it} differs from the one of {other}, and must be the same everywhere",
        "what one control plane signs, another refuses: `x509: certificate signed by unknown authority`, `invalid bearer token`",
        "copy the files of one control plane to the others, or `certferry apply BUNDLE --node {node} --key PUB` on each",
    ),
    warning(
        "distinct-ca-subjects",
        "{it} has the subject {subject} as {other} has, and another key",
        "programs find an issuer by its name: whoever is given the wrong one of the two says `x509: certificate signed by \
         unknown authority (possibly because of ... while trying to verify candidate authority certificate \"...\")`",
        "give each CA a common name of its own; {renew}",
    ),
    warning(
        "front-proxy-apart",
        "{it} has the key of {authority}",
        "whoever has a client certificate of the cluster can pass as the API server and act as any user towards aggregated \
         API servers",
        RENEW,
    ),
    problem(
        "key-mode",
        "{it} holds a private key and has mode {mode}",
        "every user on the node who may read it can act as its owner; no program says anything",
        "`chmod 0600 {path}`; if others have been on the node, make the key anew",
    )
    .together(
        "{count} files hold a private key and have a mode that lets others in: {files}",
        "`chmod 0600 {paths}`; if others have been on the node, make the keys anew",
    ),
    // Names.
    problem("endpoint", IT, "clients that call that host say `{error}`", NAME),
    problem("service-address", IT, "pods that call https://kubernetes.default say `{error}`", NAME),
    problem("node-name-and-address", IT, "who calls this node by it says `{error}`", NAME),
    problem("kubernetes-service-name", IT, "pods that call the API server by that name say `{error}`", NAME),
    problem("etcd-localhost", IT, "etcd's probe and the API server beside it say `{error}`", NAME),
    problem(
        "alt-name",
        IT,
        "`x509: certificate relies on legacy Common Name field, use SANs instead`, or `is not valid for any names`",
        NAME,
    ),
    problem(
        "wildcard",
        IT,
        "programs in Go, browsers and curl take such a name for no host: `x509: certificate is valid for ..., not ...`",
        "name the hosts themselves, or a star alone before the first dot; {renew}",
    ),
    // Identity.
    problem("extended-key-usage", IT, "`x509: certificate specifies an incompatible key usage`", RENEW),
    problem(
        "common-name",
        IT,
        "the name is the user: the API server says `forbidden: User ... cannot get resource`, or `Unauthorized` where only one \
         name is let in",
        RENEW,
    )
    .instead_of(&["host-name"]),
    problem(
        "node-group",
        IT,
        "the API server says `nodes is forbidden: User \"system:node:...\" cannot create resource \"nodes\"`, and the node never \
         registers",
        RENEW,
    ),
    problem(
        "lower-case-node",
        IT,
        "the API server says `nodes \"...\" is forbidden: node \"...\" is not allowed to modify node \"...\"`",
        "make its certificate for the name in lower case; {renew}",
    ),
    warning(
        "extended-key-usage-alone",
        IT,
        "it works, and whoever steals it can do more with it than they should",
        RENEW,
    ),
    warning(
        "common-name-by-custom",
        IT,
        "it works; whoever looks for this certificate by its usual name does not find it",
        RENEW,
    ),
    warning(
        "node-group-alone",
        IT,
        "the kubelet may do what those groups may: whoever is root on the node may, too",
        RENEW,
    ),
    // RFC 5280 and cryptography.
    problem("negative-serial", IT, "programs built with Go 1.23 or later say `x509: negative serial number`", RENEW)
        .instead_of(&["go-later", "go-version"]),
    problem(
        "signature-algorithm",
        IT,
        "programs built with Go 1.18 or later say `x509: cannot verify signature: insecure algorithm`",
        RENEW,
    )
    .instead_of(&["go-later", "go-version"]),
    problem(
        "rsa-size",
        IT,
        "openssl says `ee key too small`; of a key of less than 1024 bits programs built with Go 1.24 or later say \
         `crypto/rsa: ...-bit keys are insecure`",
        RENEW,
    ),
    problem(
        "ca-basic-constraints",
        IT,
        "`x509: certificate signed by unknown authority (possibly because of \"x509: invalid signature: parent certificate \
         cannot sign this kind of certificate\" while trying to verify candidate authority certificate ...)`; \
         kubeadm says `is not a certificate authority`",
        RENEW,
    ),
    problem(
        "ca-key-usage",
        IT,
        "`x509: certificate signed by unknown authority (possibly because of \"x509: invalid signature: parent certificate \
         cannot sign this kind of certificate\" while trying to verify candidate authority certificate ...)`",
        RENEW,
    ),
    problem(
        "leaf-is-no-ca",
        IT,
        "whoever has its key can make any certificate that the CA's could, if somebody trusts the chain; kubeadm and Go say \
         nothing",
        RENEW,
    ),
    problem(
        "authority-key-identifier",
        IT,
        "openssl and curl say `unable to get local issuer certificate`, while programs in Go go on",
        RENEW,
    ),
    warning("serial", IT, STRICT, RENEW),
    warning("ca-basic-constraints-critical", IT, STRICT, RENEW),
    warning("ca-key-usage-present", IT, STRICT, RENEW),
    warning("ca-subject-key-identifier", IT, STRICT, RENEW),
    warning(
        "authority-key-identifier-present",
        IT,
        "with an old and a new CA of one name, openssl and curl say `certificate signature failure`",
        RENEW,
    ),
    warning("key-usage-key-type", IT, "auditors name it; no program refuses it", RENEW),
    warning("key-usage-leaf", IT, "strict clients of TLS 1.3 say `invalid key usage`; Go does not look at it", RENEW),
    // Time.
    problem(
        "outlives-ca",
        IT,
        "on the day the CA ends it ends, too: `x509: certificate signed by unknown authority`, though the file looks valid",
        "make the CA anew for longer before that day (`certferry help rotation`), or renew this one within it",
    ),
    problem(
        "kubelet-life",
        IT,
        "the kubelet's day of rotation lies in the past: it asks for a new certificate again and again",
        "give it at most 290 years; {renew}",
    ),
    warning(
        "clock-margin",
        IT,
        "on a node whose clock is behind: `x509: certificate has expired or is not yet valid: current time ... is before ...`",
        "wait five minutes, or set the clocks alike (`chronyc tracking`)",
    ),
    // Browsers.
    warning(
        "web-wildcard",
        IT,
        "browsers say `NET::ERR_CERT_COMMON_NAME_INVALID` or `SSL_ERROR_BAD_CERT_DOMAIN`; programs in Go go on",
        "name the hosts themselves, or put them one label deeper",
    ),
    warning(
        "web-life",
        IT,
        "Safari and others on Apple's systems say `This connection is not private`; Kubernetes does not mind",
        "for what people see in a browser make it for at most 825 days",
    ),
    // MetalLB.
    problem("metallb-ca-name", IT, METALLB_ROTATES, METALLB_MEND),
    problem("metallb-usage", IT, METALLB_ROTATES, METALLB_MEND),
    problem("metallb-life", IT, METALLB_ROTATES, METALLB_MEND),
    problem("metallb-ca-rsa", IT, METALLB_INJECTS_NOTHING, METALLB_MEND),
    problem("metallb-server-name", IT, METALLB_ROTATES, METALLB_MEND),
    problem("metallb-chain", IT, METALLB_ROTATES, METALLB_MEND),
    // Of a copy. What is wrong with the node itself comes before.
    warning(
        "copied-modes",
        "none of the {count} files with a private key is for its owner alone: {files}",
        "this may be a copy that kept no modes, as a checkout of git is; where the node has them so, every user on it who may \
         read such a file can act as its owner, and no program says anything",
        "on the node, `chmod 0600 {paths}`; if they were so there and others have been on it, make the keys anew",
    ),
];

/// How to add a name, which a certificate has from the profile or from kubeadm's certSANs.
const NAME: &str =
    "add the name to the profile (`certferry help profile`), or to kubeadm's certSANs; then anew: {renew}";
