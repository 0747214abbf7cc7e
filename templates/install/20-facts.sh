# ---------------------------------------------------------------------------------------------------------------------
# Facts: what certferry's own tables say. A test wrote this file and facts.awk, and fails when the tables say
# something else; `CERTFERRY_BLESS=1 cargo test --lib install_facts` writes both anew.

# What `--version` says.
VERSION=0.0.1
BUNDLE_FORMAT=1
# Places, relative to the root.
KUBERNETES=etc/kubernetes
USUAL_PKI=etc/kubernetes/pki
# That of a record may be another: take_pki.
PKI=etc/kubernetes/pki
KUBELET_PKI=var/lib/kubelet/pki
# Those of kubeadm, and what a kubelet begins with.
KUBECONFIGS='admin.conf controller-manager.conf kubelet.conf scheduler.conf super-admin.conf'
BOOTSTRAP=bootstrap-kubelet.conf
# The CAs of a node, in its folder of certificates.
AUTHORITIES='ca.crt front-proxy-ca.crt etcd/ca.crt'
# Where containerd looks for registries, and what of a registry is a bundle's.
CERTS_D=etc/containerd/certs.d
REGISTRY_FILES='ca.crt hosts.toml'
# Where systems take the roots from that all of their programs trust, and what takes them.
TRUST='usr/local/share/ca-certificates etc/pki/ca-trust/source/anchors'
UPDATE_TRUST='if command -v update-ca-trust >/dev/null; then update-ca-trust; else update-ca-certificates --fresh; fi'
# The folders that hold what is not live.
SLOT_FOLDERS='etc/containerd/certs.d etc/kubernetes etc/pki/ca-trust/source usr/local/share var/lib/kubelet'
# What is remembered of a node (the manual, chapter formats).
HOME_KUBERNETES=etc/kubernetes/.certferry
HOME_KUBELET=var/lib/kubelet/.certferry
LOCK=etc/kubernetes/.certferry/lock
JOURNAL=etc/kubernetes/.certferry/journal
JOURNAL_NEW=etc/kubernetes/.certferry/journal.new
INSTALLED=etc/kubernetes/.certferry/installed
# Manifests of static pods, when a restart that was cut short left them away; and who had to restart.
AWAY=etc/kubernetes/.certferry/manifests
RESTART=etc/kubernetes/.certferry/restart
RESTART_NEW=etc/kubernetes/.certferry/restart.new
# Where the kubelet finds the manifests of static pods.
MANIFESTS=etc/kubernetes/manifests
# Static pods in the order in which they stop.
STOPS='kube-controller-manager kube-scheduler kube-apiserver etcd'
# Who starts, in which order; the kubelet comes before them.
STARTS='etcd kube-apiserver kube-controller-manager,kube-scheduler'
# A file that is there if and only if a component runs on the node.
RUNS='etcd:etc/kubernetes/pki/etcd/server.crt
kube-apiserver:etc/kubernetes/pki/apiserver.crt
kube-controller-manager:etc/kubernetes/controller-manager.conf
kube-scheduler:etc/kubernetes/scheduler.conf
kubelet:etc/kubernetes/kubelet.conf'
# The script and the units that restart an API server, and how systemd knows them.
API_SERVER_RESTART=etc/kubernetes/certferry-restart-kube-apiserver
ENABLE_RESTART='systemctl daemon-reload && systemctl link /etc/kubernetes/certferry-restart-kube-apiserver.service && systemctl enable --now /etc/kubernetes/certferry-restart-kube-apiserver.timer'
# What a running API server reads again, in the folder that it sees.
RELOADED='etc/kubernetes/pki/apiserver.crt etc/kubernetes/pki/apiserver.key'

