# ---------------------------------------------------------------------------------------------------------------------
# Places, relative to the root

HOME_KUBERNETES=etc/kubernetes/.certferry
HOME_KUBELET=var/lib/kubelet/.certferry
KUBECONFIGS='admin.conf controller-manager.conf kubelet.conf scheduler.conf super-admin.conf'
KUBELET_LINK=var/lib/kubelet/pki/kubelet-client-current.pem

