//! Rules about objects of the cluster: webhooks, aggregated API servers, issuers, Ingresses and the Secrets that they
//! serve with.

use crate::doctor::rule::{Rule, problem, warning};

pub(super) const RULES: [Rule; 15] = [
    problem(
        "ca-bundle",
        "the caBundle of {it} is not the CA that signed {secret}",
        "the API server says `{caller}x509: certificate signed by unknown authority`",
        "`{take}`, then {patches}",
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
        "ingress-host",
        "{secret}, with which {it} serves, is not for {hosts}",
        "browsers say `NET::ERR_CERT_COMMON_NAME_INVALID`; ingress-nginx serves its `Kubernetes Ingress Controller Fake \
         Certificate` instead",
        "make its certificate anew with {hosts} among the alternative names, or name another Secret in spec.tls",
    ),
    problem(
        "issuer-no-ca",
        "the first certificate in tls.crt of {it}, with which {issuer} signs, is no CA",
        "the issuer never becomes ready: `Error getting keypair for CA issuer: certificate is not a CA`",
        "put the certificate of the CA that signs first, those above it behind, and the root into ca.crt",
    ),
    problem(
        "issuer-chain",
        "tls.crt and ca.crt of {it}, with which {issuer} signs, are not one chain",
        "the issuer says `Signing CA verified`, and every certificate that one asks it for ends in `certificate chain is \
         malformed or broken`",
        "tls.crt holds the CA that signs and those between it and the root, ca.crt the root alone; or leave ca.crt out",
    ),
    problem("metallb-ca-pair", "ca.crt and ca.key of {it} are not one pair", METALLB_ROTATES, METALLB_MEND),
    problem(
        "metallb-ca-absent",
        "{it} is without ca.crt or ca.key, and the controller of MetalLB beside it rotates certificates",
        METALLB_ROTATES,
        METALLB_MEND,
    ),
    problem(
        "metallb-ca-pkcs1",
        "ca.key of {it} is not PKCS#1: it does not begin with BEGIN RSA PRIVATE KEY",
        METALLB_INJECTS_NOTHING,
        "`openssl pkey -traditional -in ca.key -out pkcs1.key` writes the same key in that form; put it into the Secret, \
         then restart the controller",
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
    problem(
        "secret-key-absent",
        "{it} is of type kubernetes.io/tls and has no tls.key",
        "the API server refuses it: `data[tls.key]: Required value`; where the value is empty, the server that mounts it says \
         `tls: failed to find any PEM data in key input`",
        "make the Secret anew: `kubectl create secret tls NAME --cert=FILE --key=FILE --dry-run=client -o yaml`",
    ),
    warning(
        "ca-bundle-missing",
        "the caBundle of {it} is missing",
        "the API server asks its system's CAs, and says `{caller}x509: certificate signed by unknown authority`",
        "if nothing fills it in (cert-manager's cainjector, the webhook itself), write the CA that signs for {host} into it",
    ),
    warning(
        "issuer-namespace",
        "{it} takes Secret {secret} from the namespace {namespace}, and it lies in {other}",
        "`Error getting keypair for CA issuer: secret \"{secret}\" not found`; a ClusterIssuer looks where cert-manager's \
         --cluster-resource-namespace says, cert-manager by default",
        "make it there as well: `kubectl -n {other_word} get secret {name_word} -o yaml`, with namespace {namespace}, then \
         `kubectl apply -f FILE`",
    ),
    warning(
        "ingress-acme",
        "{it} keeps {names}, and {issuer} does not speak ACME",
        "nothing happens as long as the issuer is named; once it is not, the certificate is asked of an ACME server, which a \
         closed network does not reach",
        "`{command}`",
    ),
];

/// What the controller of MetalLB does with a Secret that it does not accept.
pub(super) const METALLB_ROTATES: &str = "the controller of MetalLB looks at start, every 12 hours and at each change of \
                                          the Secret; it says `{log}` and {replaces}";
pub(super) const METALLB_INJECTS_NOTHING: &str = "the controller of MetalLB says `secret is not well-formed, cannot update webhook configurations`, writes no caBundle \
     and stops: `could not inject certs to webhooks`";
pub(super) const METALLB_MEND: &str = "make the Secret anew as MetalLB wants it (`[metallb]` in the profile), or start the controller with \
     `--disable-cert-rotation=true` and write every caBundle yourself";
