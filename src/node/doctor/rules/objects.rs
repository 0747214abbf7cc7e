//! Rules about objects of the cluster: webhooks, aggregated API servers and the Secrets that they serve with.

use crate::node::doctor::rule::{Rule, problem, warning};

pub(super) const RULES: [Rule; 6] = [
    problem(
        "ca-bundle",
        "the caBundle of {it} is not the CA that signed {secret}",
        "the API server says `{caller}x509: certificate signed by unknown authority`",
        "`{take}`, then `{patch}`",
    ),
    problem(
        "ca-bundle-encoding",
        "the caBundle of {it} is not PEM in base64",
        "the API server says `unable to load root certificates: unable to parse bytes as PEM block`",
        "write it with `base64 -w0 CA.crt`, the PEM encoded once",
    ),
    problem(
        "webhook-alt-name",
        "{secret} is signed by the caBundle of {it}, and is not for {host}",
        "the API server says `{caller}{error}`",
        "make its certificate anew with {host} among the alternative names: clients look at nothing else",
    ),
    problem(
        "secret-broken",
        "tls.crt of {it} is not a certificate in PEM",
        "the server that mounts it says `tls: failed to find any PEM data in certificate input` and does not start",
        "make the Secret anew: `kubectl create secret tls NAME --cert=FILE --key=FILE --dry-run=client -o yaml`",
    ),
    problem(
        "secret-key-pair",
        "tls.key of {it} is not the key of its tls.crt",
        "the server that mounts it says `tls: private key does not match public key` and does not start",
        "make the Secret anew with both halves of one pair",
    ),
    warning(
        "ca-bundle-missing",
        "{it} has no caBundle",
        "the API server asks its system's CAs, and says `{caller}x509: certificate signed by unknown authority`",
        "if nothing fills it in (cert-manager's cainjector, the webhook itself), write the CA that signs for {host} into it",
    ),
];
