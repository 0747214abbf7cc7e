# ---------------------------------------------------------------------------------------------------------------------
# Facts: what certferry's own tables say. A test wrote this file and settings.awk, and fails when the tables say
# something else; `CERTFERRY_BLESS=1 cargo test --lib survey::script_facts` writes both anew.

HEAD='# The public facts of a node, for `certferry init --from`: certificates, names, addresses, places, modes, and of private
# keys the SHA-256 of their public halves. There is no key, token or password in it (certferry help survey).
'
UNIT_FOLDERS='etc/systemd/system run/systemd/system usr/lib/systemd/system lib/systemd/system'
MANIFEST_FOLDERS='etc/kubernetes/manifests
var/lib/rancher/rke2/agent/pod-manifests'
PEM_FOLDERS='etc/kubernetes/pki var/lib/kubelet/pki etc/kubernetes/ssl etc/ssl/etcd/ssl etc/etcd/pki etc/etcd/ssl var/lib/rancher/k3s/server/tls var/lib/rancher/rke2/server/tls var/snap/microk8s/current/certs var/lib/k0s/pki system/secrets'
AGENT_FOLDERS='var/lib/rancher/k3s/agent var/lib/rancher/rke2/agent'
KUBECONFIG_FOLDERS='etc/cni/net.d var/lib/rancher/k3s/server/cred var/lib/rancher/rke2/server/cred'
ADMIN_KUBECONFIGS='etc/rancher/k3s/k3s.yaml etc/rancher/rke2/rke2.yaml'
KNOWN_KUBECONFIGS='admin.conf bootstrap-kubelet.conf controller-manager.conf kubelet.conf scheduler.conf super-admin.conf'
KUBEADM_FILES='etc/kubernetes/kubeadm-client.conf etc/kubernetes/kubeadm-config.yaml kind/kubeadm.conf'
KUBELET_CONFIG=var/lib/kubelet/config.yaml
KUBELET_ENVIRONMENT='var/lib/kubelet/kubeadm-flags.env etc/default/kubelet etc/sysconfig/kubelet'
KUBELET_STORE=var/lib/kubelet/pki/kubelet-client-current.pem
ETCD_ENVIRONMENT=etc/etcd.env

