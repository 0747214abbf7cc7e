//! Rules about a node: its manifests, its kubelet, its homes, its owners.

use crate::doctor::rule::{Rule, problem, warning};

/// The rules. Their sources stand beside the checks.
pub(super) const RULES: [Rule; 22] = [
    problem(
        "interrupted-apply",
        "`certferry apply` or `rollback` was interrupted: {file} is still there",
        "files of two generations may lie side by side; every other line here may come from that",
        "`certferry status` says what waits; the same `certferry apply` or `certferry rollback` again completes it",
    ),
    problem(
        "manifest-yaml",
        "{file} is not YAML: {reason}",
        "the kubelet logs `Could not process manifest file` and does not start the pod",
        "put the file right, or let `kubeadm init phase control-plane all --config CONFIG` write it anew",
    ),
    problem(
        "manifest-twice",
        "{file} and {other} both are the pod {pod}",
        "the kubelet reads every file in the folder, also a backup, and runs one of the two at random",
        "`mv {path} /root/`: backups do not belong there",
    ),
    problem(
        "manifest-mount",
        "{it} names {named}, and nothing of the node is mounted there",
        "{program} says `open {named}: no such file or directory` and exits, though the file is on the node",
        "add a volume of kind hostPath with its volumeMount to {path}, or move the file below /etc/kubernetes/pki",
    ),
    problem(
        "signing-key-absent",
        "{it} names {named}, which is not there",
        "the controller-manager exits: `failed to start kubernetes.io/kubelet-serving certificate controller`",
        "where the CA's key is kept elsewhere, make both flags empty in {path}: `--cluster-signing-cert-file=` and \
         `--cluster-signing-key-file=`; else bring the key back",
    ),
    problem(
        "manifest-file",
        "{it} names {named}, which is not there",
        "{program} says `open {named}: no such file or directory` and exits; the kubelet restarts it for ever",
        "bring the file back (`certferry apply BUNDLE --node {node} --key PUB`), or put the flag in {path} right",
    ),
    problem(
        "manifest-ca",
        "{it} names {authority}, which did not sign {leaf}",
        "{program} says `x509: certificate signed by unknown authority`, the other side `remote error: tls: bad \
         certificate`",
        "name the CA that signed {leaf}, as kubeadm does, in {path}",
    ),
    problem(
        "kubelet-config",
        "{file} is not YAML: {reason}",
        "the kubelet says `failed to load Kubelet config file` and exits; systemd restarts it for ever",
        "put the file right, or let `kubeadm init phase kubelet-start --config CONFIG` write it anew",
    ),
    problem(
        "kubelet-file",
        "{file} names {named} for {it}, which is not there",
        "the kubelet says `unable to load client CA file` or `failed to load TLS cert file`, `no such file or directory`, and \
         exits",
        "bring the file back (`certferry apply BUNDLE --node {node} --key PUB`), or put {it} right in {path}",
    ),
    problem(
        "kubelet-client-ca",
        "{file} has the kubelet trust {named}, which is not the CA of etc/kubernetes/pki/ca.crt",
        "the kubelet turns the API server away: kubectl logs and exec say `Unauthorized`",
        "set authentication.x509.clientCAFile to /etc/kubernetes/pki/ca.crt in {path}, then `systemctl restart kubelet`",
    ),
    problem(
        "kubelet-store-stale",
        "{file} was signed by another CA than the one in etc/kubernetes/kubelet.conf: it is from before the CA changed",
        "the kubelet takes this file before anything in kubelet.conf; the API server answers `Unauthorized`, and the node goes \
         `NotReady`",
        "`systemctl stop kubelet`; {renew}; `systemctl start kubelet`",
    )
    .instead_of(&["unknown-authority", "right-ca"]),
    problem(
        "kubelet-inline",
        "{file} holds the kubelet's credentials, rotateCertificates is on and /var/lib/kubelet/pki holds none",
        "the kubelet takes them for a bootstrap credential and asks for others at its first start: a certificate of 200 years is \
         replaced within seconds by one of 1 year, and without a signer its log says `certificate request was not \
         signed: timed out waiting for the condition`",
        "`certferry apply BUNDLE --node {node} --key PUB` writes the kubelet's store as well; or set rotateCertificates: false \
         in /var/lib/kubelet/config.yaml before the kubelet starts",
    ),
    warning(
        "serving-bootstrap",
        "{file} has serverTLSBootstrap on, and /var/lib/kubelet/pki holds no kubelet-server-current.pem",
        "until somebody approves its request the kubelet serves nothing: kubectl logs says `remote error: tls: internal error`",
        "`kubectl get csr`, then `kubectl certificate approve NAME`; or set serverTLSBootstrap: false and let the kubelet use \
         kubelet.crt",
    ),
    warning(
        "host-name",
        "{file} is for the node {certified}, and the kubelet calls itself {host}",
        "the API server says `node \"{host}\" is forbidden: node \"{certified}\" is not allowed to modify node \"{host}\"`, \
         and the node never registers",
        "`hostnamectl set-hostname {certified}`, or --hostname-override={certified} in \
         /var/lib/kubelet/kubeadm-flags.env; or make the node's files for the name {host}",
    ),
    warning(
        "bootstrap-left",
        "{file} is left over beside kubelet.conf",
        "once the kubelet's certificate ends, it asks anew with this token, and logs `Unauthorized` because that ended long ago; \
         while the token lives, who reads it can join a node",
        "`rm {path}`, unless kubeadm join is running right now",
    ),
    problem(
        "user-kubeconfig-ca",
        "{file} trusts another CA for the cluster {cluster} than etc/kubernetes/pki/ca.crt: it is from before the CA changed",
        "kubectl says `Unable to connect to the server: x509: certificate signed by unknown authority`",
        "for whoever runs the cluster `cp /etc/kubernetes/admin.conf {path}`; others need a new kubeconfig (`users/` of the \
         bundle's cluster part)",
    )
    .instead_of(&["user-kubeconfig-credentials"]),
    problem(
        "user-kubeconfig-credentials",
        "{it} is not signed by etc/kubernetes/pki/ca.crt",
        "kubectl says `error: You must be logged in to the server (Unauthorized)`",
        "for whoever runs the cluster `cp /etc/kubernetes/admin.conf {path}`; others need a new kubeconfig (`users/` of the \
         bundle's cluster part)",
    ),
    problem(
        "kubeconfig-broken",
        "{file} is not a kubeconfig: {reason}",
        "whoever reads it says `error loading config file` and exits",
        "{renew}",
    ),
    problem(
        "kubeconfig-file",
        "{file} names {named}, which is not there",
        "whoever reads it says `unable to read client-cert {named}`, `no such file or directory`",
        "{renew}",
    ),
    problem(
        "broken-link",
        "{file} is a link to a file that is not there",
        "whoever reads it says `open {path}: no such file or directory`; a kubelet joins anew or exits",
        "`ls -l {path}` shows where it leads; {renew}",
    ),
    problem(
        "writable",
        "{file} has mode {mode}: others than its owner may change it",
        "whoever can write there can add a CA or run a pod as root; no program says anything",
        "`chmod go-w {path}`",
    ),
    problem(
        "owner",
        "{file} belongs to the user {user}, and etc/kubernetes to {expected}",
        "that user can read or replace it; a static pod that runs as another says `open {path}: permission denied`",
        "`chown {expected}:{expected} {path}`",
    ),
];
