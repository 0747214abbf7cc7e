//! Rules about objects of the cluster: webhooks, aggregated API servers, issuers, Ingresses and the Secrets that they
//! serve with.

use crate::doctor::rule::{Rule, problem, warning};

pub(super) const RULES: [Rule; 31] = [
    problem(
        "secret-encoding",
        "the values of {keys} in {it} are not base64",
        "the API server refuses the object: `illegal base64 data at input byte`",
        "values under `data` are base64 (`base64 -w0 FILE`); text as it is goes under `stringData`",
    ),
    problem(
        "pem-joined",
        "in {it} the line of an END goes on with a BEGIN: two files were joined, and the first had no line break at its end",
        "programs in Go find {found} of its {all} blocks: a server says `tls: failed to find any PEM data in certificate \
         input`, a client `x509: certificate signed by unknown authority`; OpenSSL says `bad end line`",
        "{mend}",
    ),
    problem(
        "ca-bundle",
        "the caBundle of {it} is not the CA that signed {secret}",
        "the API server says `{caller}` and at the end of the line `{error}`",
        "`{take}`, then {patches}",
    ),
    problem(
        "ca-bundle-encoding",
        "the caBundle of {it} is not PEM in base64",
        "the API server says `unable to load root certificates: {error}`",
        "{mend}`CA=$(base64 -w0 CA.crt)`, the PEM encoded once, then {patches}",
    ),
    problem(
        "webhook-alt-name",
        "{secret} is signed by the caBundle of {it}, and is not for {host}",
        "the API server says `{caller}` and at the end of the line `{error}`",
        "make its certificate anew with {host} among the alternative names: clients look at nothing else",
    ),
    problem(
        "webhook-certificate",
        "the API server does not accept the certificate of {secret}, with which the server of {it} answers",
        "the API server says `{caller}` and at the end of the line `{error}`",
        "{mend}; then {write}, and restart the server if it does not read it again by itself{bundle}",
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
        "issuer-key",
        "in tls.key of {it}, with which {issuer} signs, a block {kind} stands before the key",
        "cert-manager before its fix of September 2026 reads the first block alone, and the issuer never becomes ready: \
         `unknown private key type: {kind}`",
        "the same key alone: `{take} | openssl pkey | base64 -w0 | sed 's|.*|{\"data\":{\"tls.key\":\"&\"}}|' | {patch}`",
    ),
    problem(
        "issuer-chain",
        "tls.crt and ca.crt of {it}, with which {issuer} signs, are not one chain",
        "the issuer says `Signing CA verified`, and every certificate that one asks it for ends in `certificate chain is \
         malformed or broken`",
        "tls.crt holds the CA that signs and those between it and the root, ca.crt the root alone",
    ),
    problem(
        "issuer-path-length",
        "{it}, with which {issuer} signs, stands too far below {above}, which lets fewer CAs stand below itself (pathlen)",
        "the issuer says `Signing CA verified` and issues; clients say `x509: too many intermediates for path length \
         constraint`",
        "have {above} made anew with a greater path length, or put {above} itself and its key into the Secret",
    ),
    problem(
        "issuer-constraints",
        "{it} asks {issuer} for {hosts}, which the name constraints of its CA in {secret} do not permit",
        "cert-manager does not look at them: it issues and says `Ready`; clients say `{error}`",
        "name another issuer for these hosts, or have the CA made anew with them in `permitted_dns` and `permitted_ips` \
         (`certferry help cert-manager`)",
    ),
    problem(
        "secret-chain",
        "clients do not accept the certificate in {key} of {it}, though its {authority} signed it",
        "they say `{error}`{ready}",
        "{mend}",
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
        "secret-encrypted",
        "{key} of {it} is encrypted, and a server in Go takes no passphrase",
        "the server that mounts it says `{error}` and does not start",
        "`{take} > encrypted.key; openssl pkey -in encrypted.key -out KEY` asks for the passphrase; then {write}",
    ),
    problem(
        "secret-broken",
        "{key} of {it} is not a {what} in PEM that a server in Go can read",
        "the server that mounts it says `{error}` and does not start",
        "{mend}",
    ),
    problem(
        "secret-key-pair",
        "{key} of {it} is not the key of its {chain}",
        "the server that mounts it says `{error}` and does not start",
        "put both halves of one pair in: {write}",
    ),
    problem(
        "secret-chain-order",
        "{chain} of {it} does not begin with the certificate of its {key}, which is number {number} there",
        "the server that mounts it says `{error}` and does not start",
        "put that one first, and behind it what signed it (`cat LEAF.crt CA.crt`): {write}",
    ),
    problem(
        "secret-key-absent",
        "{it} is of type kubernetes.io/tls and has no tls.key",
        "the API server refuses it: `data[tls.key]: Required value`; where the value is empty, the server that mounts it says \
         `tls: failed to find any PEM data in key input`",
        "put the key in: {write}",
    ),
    problem(
        "secret-token-ca",
        "ca.crt of {it} is another CA than etc/kubernetes/pki/ca.crt",
        "pods that mount it say `x509: certificate signed by unknown authority`",
        "restart kube-controller-manager, which writes its --root-ca-file into every such Secret; then restart the pods that \
         mount it",
    ),
    warning(
        "ca-bundle-version",
        "some API servers cannot read the caBundle of {it}",
        "{who} say `unable to load root certificates: {error}`",
        "make that CA anew, and with it the certificate of the server; `CA=$(base64 -w0 CA.crt)`, then {patches}",
    ),
    warning(
        "webhook-certificate-version",
        "some API servers do not accept the certificate of {secret}, with which the server of {it} answers",
        "{who} say `{caller}` and at the end of the line `{error}`",
        "{mend}; then {write}, and restart the server if it does not read it again by itself{bundle}",
    ),
    warning("secret-version", "not every program accepts {key} of {it}", "{who} say `{error}`", "{mend}"),
    warning(
        "issued-outlives",
        "{it} is valid until {end}, and the CA that signed it, {ca}, until {ca_end}",
        "from then on clients say `x509: certificate has expired or is not yet valid`, while cert-manager says `Ready` and renews \
         by the later date",
        "make `spec.duration` of its Certificate shorter, or give the issuer a CA that lives longer; then `{renewal}`",
    ),
    warning(
        "issued-ca",
        "ca.crt of {it} is {subject}, which is no root",
        "`openssl verify -CAfile ca.crt` says `unable to get issuer certificate`; Go and curl take it",
        "give clients the root itself; cert-manager before 1.4 writes no other ca.crt, later ones the first of the ca.crt in \
         the issuer's Secret",
    ),
    warning(
        "object-unchecked",
        "{what} of {it} was not judged",
        "{reason}",
        "`openssl verify -CAfile CA.crt CRT`, on the files, judges what it can",
    ),
    warning(
        "ca-bundle-missing",
        "the caBundle of {it} is missing",
        "the API server asks its system's CAs, and says `{caller}` and at the end of the line `x509: certificate signed by unknown authority`",
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
