//! Rules about files that are broken or out of their time, or that do not fit each other in ways for which
//! [`crate::lint`] has no rule.

use crate::doctor::rule::{Rule, problem, warning};

pub(super) const RULES: [Rule; 14] = [
    problem("expired", "{it} ended at {time}", "`{error}`", "if `date -u` is right: {renew}"),
    problem(
        "not-yet-valid",
        "{it} is not valid before {time}, and the clock says {now}",
        "`{error}`",
        "most likely the clock is wrong: `date -u -s TIME`, then `hwclock --systohc`; else {renew}",
    ),
    problem(
        "broken-file",
        "{it} {detail}",
        "whoever reads it says `tls: failed to find any PEM data` or `x509: malformed certificate` and does not start",
        "{renew}",
    ),
    problem(
        "contents",
        "{it} does not hold exactly what such a file should: one key, or a certificate and its chain",
        "programs take the first block that they find, which may be another than the one you mean",
        "look with `certferry inspect -v {path}`; {renew}",
    ),
    problem(
        "alone",
        "{it} has no {other} beside it",
        "whoever needs both says `no such file or directory` and does not start; kubeadm says `files must exist`",
        "{renew}",
    ),
    problem(
        "sa-key-pair",
        "{it} and sa.pub are not one pair",
        "the API server signs tokens that it refuses itself: pods get `Unauthorized`, its log says `invalid bearer token`",
        "every control plane has the same pair: `certferry apply BUNDLE --node {node} --key PUB`; or where sa.key is right: \
         `openssl pkey -in {path} -pubout -out /etc/kubernetes/pki/sa.pub`; then restart kube-apiserver",
    ),
    problem("unknown-authority", "{it} is not signed by {authority}", "{error}", "{renew}"),
    warning(
        "ca-not-self-signed",
        "{it} is a CA that another one signed: {issuer}",
        "programs in Go take it; openssl and curl say `unable to get issuer certificate`",
        "if you mean it, append the certificates up to the root to {path}; else {renew}",
    ),
    problem("chain", "{it} does not verify for {usage}: {reason}", "programs in Go say `{error}`", "{renew}"),
    problem(
        "etcd-ca-shared",
        "{it} has the key of etc/kubernetes/pki/ca.crt: etcd and the cluster are one CA",
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
         {name}`; in cluster-info, `kubectl -n kube-public edit configmap cluster-info` and put the new CA in",
    ),
    warning(
        "config-map-old-ca",
        "{it} still holds another CA beside etc/kubernetes/pki/ca.crt",
        "the scheduler, the controller-manager and aggregated API servers let the old admin certificate in",
        "once the last API server has the new CA: `kubectl -n {namespace} delete configmap {name}`; it is made anew at once",
    ),
    warning(
        "expiring",
        "{it} ends at {time}, in {left}",
        "from then on: `x509: certificate has expired or is not yet valid`",
        "{renew}",
    ),
];
