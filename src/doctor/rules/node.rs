//! Rules about a node: its manifests, its kubelet, its homes, its owners.

use crate::doctor::rule::{Rule, note, problem, warning};

/// The rules. Their sources stand beside the checks.
pub(super) const RULES: [Rule; 46] = [
    problem(
        "interrupted-apply",
        "`certferry apply` or `rollback` was interrupted: {file} is still there",
        "files of two generations may lie side by side; every other line here may come from that",
        "`certferry status` says what waits; the same `certferry apply` or `certferry rollback` again completes it",
    ),
    problem(
        "changed-since-install",
        "{file} {how} after generation {generation} was installed",
        "what is there now is not what was built: another lifetime, another key or another CA than the plan says",
        "`certferry apply BUNDLE --node {node} --key PUB` with the installed bundle mends it; if the change is wanted, build and \
         apply a new generation",
    )
    .instead_of(&["missing", "missing-folder", "manifest-file"])
    .together(
        "{count} files were changed after they were installed: {files}",
        "`certferry status` says how each; `certferry apply BUNDLE --node {node} --key PUB` with the installed bundle mends \
         them; if the change is wanted (`kubeadm upgrade` renews what it finds), build and apply a new generation",
    ),
    note(
        "taken-away",
        "{file} was taken away, and no program on the node reads it",
        "nothing fails; whoever needs it finds it in the bundle",
        "`certferry status --accept {path}` takes note of it for good",
    ),
    problem(
        "api-server-since",
        "kube-apiserver has run since {time}, and its certificate for calls to itself {verb} at {end}",
        "that certificate lives in its memory alone, whatever the files are valid for: `x509: certificate has expired or is not \
         yet valid`, and its own controllers stop",
        "restart it: `mv {manifest} /root/`, wait until it is gone, `mv /root/kube-apiserver.yaml {manifest}` (`certferry help \
         expired`)",
    ),
    problem(
        "missing-folder",
        "{file} is not there, and {count} files that programs read from it: {files}",
        "whoever reads them says `no such file or directory` and exits",
        "bring the folder back (`certferry apply BUNDLE --node {node} --key PUB`)",
    ),
    problem(
        "missing",
        "{file} is not there, and {program} reads it",
        "{program} says `{text} {named}: no such file or directory` and exits",
        "{renew}",
    ),
    problem(
        "missing-manifest",
        "{file} is not there, and {program} runs on a control plane",
        "the kubelet starts no {program}; programs that call it say `connect: connection refused`, kubectl `The connection to the \
         server ... was refused`",
        "bring the manifest back, or let `kubeadm init phase control-plane all --config CONFIG` write it anew (`kubeadm init \
         phase etcd local --config CONFIG` for etcd)",
    ),
    problem(
        "manifest-yaml",
        "{file} is not YAML: {reason}",
        "the kubelet logs `couldn't parse as pod` and `please check config file`, and does not start the pod",
        "put the file right, or let `kubeadm init phase control-plane all --config CONFIG` write it anew",
    ),
    warning(
        "manifest-unread",
        "the flags of {file} cannot be read: {reason}",
        "what its program reads is not looked at, so this answer is not whole",
        "look at the files that the program names with `certferry inspect --lint FILE`",
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
        "where the CA's key is kept elsewhere, make both flags empty in {manifest}: `--cluster-signing-cert-file=` and \
         `--cluster-signing-key-file=`; else bring the key back",
    ),
    problem(
        "manifest-file",
        "{it} names {named}, which is not there",
        "{program} says `open {named}: no such file or directory` and exits; the kubelet restarts it for ever",
        "bring the file back (`certferry apply BUNDLE --node {node} --key PUB`), or put the flag in {manifest} right",
    ),
    problem(
        "manifest-ca",
        "{it} names {authority}, which did not sign {leaf}",
        "{program} says `x509: certificate signed by unknown authority`, the other side `remote error: tls: bad \
         certificate`",
        "name the CA that signed {leaf}, as kubeadm does, in {path}",
    ),
    problem(
        "signing-cert-count",
        "{it} names {named} with {count} certificates, and there must be one",
        "the controller-manager exits: `error reading CA cert file \"csr-controller::{named}::...\": expected 1 certificate, found \
         {count}`",
        "give the flag a file of its own with the one certificate of the CA that signs, and leave {authority} as it is for \
         those who trust it",
    ),
    warning(
        "client-ca-above",
        "{file} holds {issuer}, which is above {ca}, and {program} knows clients by it",
        "whoever has another CA below {issuer} can sign a client with any name and group, system:masters among them; no program \
         says anything",
        "leave {ca} alone in {path}; issuers belong where servers are verified: kubeconfigs, --root-ca-file (`certferry help \
         existing-clusters`)",
    )
    .instead_of(&["ca-not-self-signed"]),
    warning(
        "root-ca-below",
        "{it} names {named}, which ends below a root: {issuer} is not in it",
        "pods verify API servers by it; programs with OpenSSL, and Python before 3.13, say `unable to get issuer certificate`, and \
         those in Go go on",
        "{how}; kube-controller-manager then writes every ConfigMap kube-root-ca.crt anew",
    ),
    problem(
        "requestheader-names",
        "{it} lets in {allowed}, and {leaf} is for {name}",
        "aggregated API servers answer `Unauthorized`; kubectl top says `Metrics API not available`",
        "add {name} to --requestheader-allowed-names in {path}, as kubeadm does",
    ),
    problem(
        "kubelet-config",
        "{file} is not YAML: {reason}",
        "the kubelet says `failed to load Kubelet config file` and exits; systemd restarts it for ever",
        "put the file right, or let `kubeadm init phase kubelet-start --config CONFIG` write it anew",
    ),
    problem(
        "kubelet-field",
        "{it} is no field that the kubelet knows: it is called {meant}",
        "the kubelet drops it with one line in its log; {effect}",
        "write {meant} in {path}, then `systemctl restart kubelet`",
    ),
    warning(
        "kubelet-field-unknown",
        "{it} is no field that a kubelet up to 1.36 knows",
        "the kubelet drops it with one line in its log, `lenient decoding as strict decoding failed`, `unknown field`, and goes on \
         without it",
        "change {advice} in {path} if you need it, then `systemctl restart kubelet`; else delete it",
    ),
    problem(
        "kubelet-file",
        "{it} names {named}, which is not there",
        "the kubelet says `open {named}: no such file or directory` and exits; systemd restarts it for ever",
        "bring the file back (`certferry apply BUNDLE --node {node} --key PUB`), or put it right in {manifest}",
    ),
    problem(
        "kubelet-client-ca",
        "{file} has the kubelet trust {named}, which is not the CA of etc/kubernetes/pki/ca.crt",
        "the kubelet turns the API server away: kubectl logs and exec say `Unauthorized`",
        "set authentication.x509.clientCAFile to /etc/kubernetes/pki/ca.crt in {path}, then `systemctl restart kubelet`",
    )
    .instead_of(&["manifest-ca"]),
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
    problem(
        "host-name",
        "{file} is for the node {certified}, and the kubelet calls itself {host}",
        "the API server says `nodes \"{host}\" is forbidden: node \"{certified}\" is not allowed to modify node \"{host}\"`, \
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
        "kubectl says `Unable to connect to the server`, `x509: certificate signed by unknown authority`",
        "for whoever runs the cluster `cp /etc/kubernetes/admin.conf {path}`; others need a new kubeconfig (`users/` of the \
         bundle's cluster part)",
    )
    .instead_of(&["user-kubeconfig-credentials"]),
    problem(
        "user-kubeconfig-credentials",
        "{it} is not signed by etc/kubernetes/pki/ca.crt",
        "kubectl says `error: You must be logged in to the server`",
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
        "kubeconfig-data",
        "{it} cannot be used",
        "whoever reads it says `{error}`",
        "{renew}",
    )
    .instead_of(&["contents"]),
    problem(
        "kubeconfig-duplicate",
        "{file} has {name} twice among its {list}",
        "kubectl says `error loading config file`, `duplicate name \"{name}\" in list`",
        "remove the entry that is out of date with an editor; `kubectl config view --kubeconfig {path}` says when it is well",
    ),
    problem(
        "kubeconfig-dangling",
        "in {file} {what}",
        "{shows}",
        "`kubectl config get-contexts --kubeconfig {path}` lists what is there; `kubectl config use-context NAME --kubeconfig \
         {path}`",
    ),
    problem("kubeconfig-refused", "{what}", "{shows}", "{mend}"),
    warning(
        "kubeconfig-insecure",
        "{it} takes any server for the API server (insecure-skip-tls-verify)",
        "it works; whoever stands between the two reads and changes everything, and no program says anything",
        "`kubectl config set-cluster {name} --kubeconfig {kubeconfig} --certificate-authority /etc/kubernetes/pki/ca.crt \
         --embed-certs`",
    ),
    problem(
        "link-as-file",
        "{file} holds the path of {target}: a copy made a file of a link",
        "the kubelet says `data does not contain any valid RSA or ECDSA certificates`, and joins anew or exits",
        "`ln -sf {target_word} {path}`",
    ),
    warning(
        "garbled-name",
        "{it} is for {name}, which is no host",
        "no client can call it so; whoever wrote it meant other names, and those are missing",
        "put the names right where the certificate is made (in openssl's configuration each name is a line of its own), then \
         {renew}",
    ),
    warning(
        "ca-key-kubeadm",
        "{file} is an Ed25519 key, with which kubeadm does not sign",
        "kubeadm says `the private key file {named} is neither in RSA nor ECDSA format`; other programs take it",
        "make what kubeadm would make with another program, or go over to a CA with another key (`certferry help rotation`)",
    ),
    warning(
        "kubeconfig-ca-renewed",
        "{file} has an older certificate of the CA in {authority}: the key is the same, and it was renewed",
        "{works}; kubeadm says `has got the wrong CA cert`",
        "{mend}",
    )
    .together(
        "{count} kubeconfigs have an older certificate of the node's CA: the key is the same, and it was renewed: {files}",
        "`certferry apply BUNDLE --node {node} --key PUB`; or `kubectl config set-cluster kubernetes --kubeconfig FILE \
         --certificate-authority /etc/kubernetes/pki/ca.crt --embed-certs` for each; a network plugin writes its own anew when \
         its pod starts anew",
    ),
    warning(
        "kubeconfig-one-ca",
        "{file} does not trust {missing}, which is in {authority}, too",
        "as soon as an API server has a certificate of that CA, whoever uses it says `x509: certificate signed by unknown \
         authority`; `kubeadm certs renew` and `kubeadm upgrade` write the first CA alone",
        "{mend}; `certferry help rotation`",
    ),
    warning(
        "authority-serial",
        "{it} names the CA that signed it by a serial number that {authority} does not have: the CA was renewed",
        "OpenSSL, and with it curl and Python, says `unable to get local issuer certificate`; Go does not look at it",
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
