//! Rules about files that are broken or out of their time, or that do not fit each other in ways for which
//! [`crate::lint`] has no rule.

use crate::doctor::rule::{Rule, note, problem, warning};

pub(super) const RULES: [Rule; 24] = [
    problem("expired", "{it} ended at {time}", "`{error}`", "if `date -u` is right: {renew}; `certferry help expired`")
        .together(
            "{count} certificates{in_files} have ended: {files}",
            "if `date -u` is right: {because}`certferry help expired` says what to do, in order",
        ),
    problem(
        "not-yet-valid",
        "{it} is not valid before {time}, and the clock says {now}",
        "`{error}`",
        "most likely the clock is wrong: `date -u -s TIME`, then `hwclock --systohc`; else {renew}",
    )
    .together(
        "{count} certificates{in_files} are not valid yet: {files}",
        "the clock is wrong: `date -u -s TIME`, then `hwclock --systohc`",
    ),
    problem(
        "ca-fits-nothing",
        "{file} fits none of the {count} files that it should fit: {files}",
        "whoever trusts it says `x509: certificate signed by unknown authority`, whatever the others hold",
        "{renew}; to go over to another CA, see `certferry help rotation`",
    ),
    problem("broken-file", "{it} {detail}", "{program} says `{error}`", "{renew}"),
    problem(
        "kubelet-serving-expired",
        "{it} ended at {time}: the kubelet signed it itself, and does not renew it",
        "metrics-server, Prometheus and whoever else checks it say `{error}`; kubectl logs and exec go on, because an API \
         server that kubeadm set up does not check it",
        "`rm /var/lib/kubelet/pki/kubelet.crt /var/lib/kubelet/pki/kubelet.key`, then `systemctl restart kubelet`: the kubelet \
         signs a new one; or `certferry apply BUNDLE --node {node} --key PUB`",
    ),
    problem("file-form", "{file} {detail}", "{program} says `{error}`", "{mend}"),
    problem(
        "chain-order",
        "{file} does not begin with the certificate of {key}, which is number {number} there",
        "whoever reads both says `tls: private key does not match public key` and does not start",
        "put that one first, and behind it what signed it (`cat LEAF.crt CA.crt`); or {renew}",
    )
    // They are about the CA that stands in the leaf's place.
    .instead_of(&[
        "alt-name",
        "authority-key-identifier-present",
        "common-name",
        "common-name-by-custom",
        "endpoint",
        "etcd-localhost",
        "extended-key-usage",
        "extended-key-usage-alone",
        "kubernetes-service-name",
        "leaf-is-no-ca",
        "node-name-and-address",
        "service-address",
    ]),
    problem(
        "pem-file-joined",
        "{file} has END and BEGIN of two blocks on one line, so that a line break is missing",
        "{program} says `{error}`",
        "`sed -i 's/----------BEGIN/-----\\n-----BEGIN/' {path}`",
    ),
    problem(
        "key-encrypted",
        "{file} holds a key that is encrypted",
        "{program} says `{error}`: no program of Kubernetes asks for a password",
        "`openssl pkey -in {path} -out {path}.plain`, then `mv {path}.plain {path}`",
    ),
    warning(
        "go-version",
        "{it} is taken by some versions of {program} and refused by others",
        "{who} say `{error}`",
        "{renew}",
    ),
    warning(
        "contents",
        "{it} does not hold exactly what such a file should: one key, or a certificate and its chain",
        "programs take the first block that they find, which may be another than the one you mean",
        "look with `certferry inspect -v {path}`; {renew}",
    ),
    problem(
        "sa-key-pair",
        "{it} and {public} are not one pair",
        "the API server signs tokens that it refuses itself: pods get `Unauthorized`, its log says `invalid bearer token`",
        "every control plane has the same pair: `certferry apply BUNDLE --node {node} --key PUB`; or where {file} is right: \
         `openssl pkey -in {path} -pubout -out /{public}`; then restart kube-apiserver",
    ),
    problem("unknown-authority", "{it} is not signed by {authority}", "{error}", "{renew}"),
    note(
        "ca-not-self-signed",
        "{it} is a CA that another one signed: {issuer}",
        "programs in Go take it, and know clients by it alone; openssl says `unable to get issuer certificate`",
        "leave {path} as it is, and give clients that are not written in Go the root in a file of their own (`certferry help \
         existing-clusters`)",
    ),
    problem("chain", "{it} does not verify for {usage}{because}", "programs in Go say `{error}`", "{renew}").together(
        "{count} chains do not verify{because}: {files}",
        "`certferry apply BUNDLE --node {node} --key PUB`; or let whoever made the CA between make it anew for every usage",
    ),
    warning(
        "go-later",
        "{it} is taken by {program} of this version, and refused by newer programs",
        "{who} say `{error}`: a newer kubectl, or this cluster after an upgrade",
        "{renew}",
    ),
    warning(
        "etcd-ca-shared",
        "{it} has the key of {authority}: etcd and the cluster are one CA",
        "etcd asks for no name: whoever has any certificate of the cluster, each kubelet too, reads and writes everything in \
         etcd; no program says anything",
        "{renew}",
    ),
    problem(
        "ca-bundle-old",
        "the caBundle of {it} is a CA {subject} that is not this node's ca.crt: it is from before the CA changed",
        "`{caller}x509: certificate signed by unknown authority`, as soon as the server has a certificate of the new CA",
        "write the new CA: `CA=$(base64 -w0 /etc/kubernetes/pki/ca.crt)`, then {patches}",
    ),
    problem(
        "config-map-ca",
        "{it} holds another CA than etc/kubernetes/pki/ca.crt",
        "pods and nodes that join say `x509: certificate signed by unknown authority`",
        "kube-root-ca.crt and extension-apiserver-authentication are made anew: `kubectl -n {namespace} delete configmap \
         {name}`; cluster-info is written by `kubeadm init phase bootstrap-token --skip-token-print`, which also makes a token \
         for a day",
    ),
    warning(
        "config-map-old-ca",
        "{it} still holds another CA beside etc/kubernetes/pki/ca.crt",
        "the scheduler, the controller-manager and aggregated API servers let the old admin certificate in",
        "once the last API server has the new CA: `kubectl -n {namespace} delete configmap {name}`; it is made anew at once",
    ),
    warning(
        "object-one-ca",
        "{it} does not hold {missing}, which is in {authority}, too",
        "as soon as an API server has a certificate of that CA, whoever trusts this alone says `x509: certificate signed by \
         unknown authority`",
        "{mend}; `certferry help rotation`",
    ),
    warning(
        "kubeadm-certs-left",
        "{it} has the keys of CAs as they were when it was made, and {authority} holds another CA by now",
        "a control plane that joins with --certificate-key gets the CAs from before, and signs what the others do not trust",
        "`kubectl -n kube-system delete secret kubeadm-certs`",
    ),
    warning(
        "old-ca-certificate",
        "{it} has an older certificate of the CA in {authority}: the key is the same, and it was renewed",
        "{works}",
        "{mend}",
    ),
    warning(
        "expiring",
        "{it} ends at {time}, in {left}",
        "from then on: `x509: certificate has expired or is not yet valid`",
        "{renew}",
    )
    .together("{count} certificates{in_files} end soon: {files}", "`certferry help expired` says what to do, in order"),
];
