# What the tables of certferry say, for every program that needs it. A test writes this file: see the beginning of
# the part of the script that is called facts.

BEGIN {
    format = 1
    phase = 0
    generation_limit = 999999999
    version_limit = 4294967295
    member_limit = 16777216
    compressed_limit = 33554432
    file_limit = 4194304
    index_limit = 12582912
    signature_limit = 72
    entry_limit = 4096
    path_limit = 256
    part_limit = 100000
    current_link = "var/lib/kubelet/pki/kubelet-client-current.pem"
    is_bundle_folder["etc/kubernetes/"] = 1
    is_bundle_folder["etc/kubernetes/pki/"] = 1
    is_bundle_folder["etc/kubernetes/pki/etcd/"] = 1
    is_bundle_folder["var/lib/kubelet/pki/"] = 1
    is_role["control-plane"] = 1
    is_role["worker"] = 1
    is_role["etcd"] = 1
    # Which files a part may hold, by the role of its node, and their modes.
    roles_of["etc/kubernetes/pki/ca.crt"] = " control-plane worker "; mode_of["etc/kubernetes/pki/ca.crt"] = "0644"
    roles_of["etc/kubernetes/pki/ca.key"] = " control-plane "; mode_of["etc/kubernetes/pki/ca.key"] = "0600"
    roles_of["etc/kubernetes/pki/front-proxy-ca.crt"] = " control-plane "; mode_of["etc/kubernetes/pki/front-proxy-ca.crt"] = "0644"
    roles_of["etc/kubernetes/pki/front-proxy-ca.key"] = " control-plane "; mode_of["etc/kubernetes/pki/front-proxy-ca.key"] = "0600"
    roles_of["etc/kubernetes/pki/etcd/ca.crt"] = " control-plane etcd "; mode_of["etc/kubernetes/pki/etcd/ca.crt"] = "0644"
    roles_of["etc/kubernetes/pki/etcd/ca.key"] = " control-plane "; mode_of["etc/kubernetes/pki/etcd/ca.key"] = "0600"
    roles_of["etc/kubernetes/pki/ca-chain.crt"] = " control-plane "; mode_of["etc/kubernetes/pki/ca-chain.crt"] = "0644"
    roles_of["etc/kubernetes/pki/ca-signing.crt"] = " control-plane "; mode_of["etc/kubernetes/pki/ca-signing.crt"] = "0644"
    roles_of["etc/kubernetes/pki/sa.key"] = " control-plane "; mode_of["etc/kubernetes/pki/sa.key"] = "0600"
    roles_of["etc/kubernetes/pki/sa.pub"] = " control-plane "; mode_of["etc/kubernetes/pki/sa.pub"] = "0600"
    roles_of["etc/kubernetes/pki/apiserver.crt"] = " control-plane "; mode_of["etc/kubernetes/pki/apiserver.crt"] = "0644"
    roles_of["etc/kubernetes/pki/apiserver.key"] = " control-plane "; mode_of["etc/kubernetes/pki/apiserver.key"] = "0600"
    roles_of["etc/kubernetes/pki/apiserver-kubelet-client.crt"] = " control-plane "; mode_of["etc/kubernetes/pki/apiserver-kubelet-client.crt"] = "0644"
    roles_of["etc/kubernetes/pki/apiserver-kubelet-client.key"] = " control-plane "; mode_of["etc/kubernetes/pki/apiserver-kubelet-client.key"] = "0600"
    roles_of["etc/kubernetes/pki/front-proxy-client.crt"] = " control-plane "; mode_of["etc/kubernetes/pki/front-proxy-client.crt"] = "0644"
    roles_of["etc/kubernetes/pki/front-proxy-client.key"] = " control-plane "; mode_of["etc/kubernetes/pki/front-proxy-client.key"] = "0600"
    roles_of["etc/kubernetes/pki/etcd/server.crt"] = " control-plane etcd "; mode_of["etc/kubernetes/pki/etcd/server.crt"] = "0644"
    roles_of["etc/kubernetes/pki/etcd/server.key"] = " control-plane etcd "; mode_of["etc/kubernetes/pki/etcd/server.key"] = "0600"
    roles_of["etc/kubernetes/pki/etcd/peer.crt"] = " control-plane etcd "; mode_of["etc/kubernetes/pki/etcd/peer.crt"] = "0644"
    roles_of["etc/kubernetes/pki/etcd/peer.key"] = " control-plane etcd "; mode_of["etc/kubernetes/pki/etcd/peer.key"] = "0600"
    roles_of["etc/kubernetes/pki/etcd/healthcheck-client.crt"] = " control-plane etcd "; mode_of["etc/kubernetes/pki/etcd/healthcheck-client.crt"] = "0644"
    roles_of["etc/kubernetes/pki/etcd/healthcheck-client.key"] = " control-plane etcd "; mode_of["etc/kubernetes/pki/etcd/healthcheck-client.key"] = "0600"
    roles_of["etc/kubernetes/pki/apiserver-etcd-client.crt"] = " control-plane "; mode_of["etc/kubernetes/pki/apiserver-etcd-client.crt"] = "0644"
    roles_of["etc/kubernetes/pki/apiserver-etcd-client.key"] = " control-plane "; mode_of["etc/kubernetes/pki/apiserver-etcd-client.key"] = "0600"
    roles_of["etc/kubernetes/admin.conf"] = " control-plane "; mode_of["etc/kubernetes/admin.conf"] = "0600"
    roles_of["etc/kubernetes/super-admin.conf"] = " control-plane "; mode_of["etc/kubernetes/super-admin.conf"] = "0600"
    roles_of["etc/kubernetes/controller-manager.conf"] = " control-plane "; mode_of["etc/kubernetes/controller-manager.conf"] = "0600"
    roles_of["etc/kubernetes/scheduler.conf"] = " control-plane "; mode_of["etc/kubernetes/scheduler.conf"] = "0600"
    roles_of["etc/kubernetes/kubelet.conf"] = " control-plane worker "; mode_of["etc/kubernetes/kubelet.conf"] = "0600"
    roles_of["var/lib/kubelet/pki/kubelet-client-*.pem"] = " control-plane worker "; mode_of["var/lib/kubelet/pki/kubelet-client-*.pem"] = "0600"
    store = "var/lib/kubelet/pki/kubelet-client-*.pem"
    roles_of["var/lib/kubelet/pki/kubelet.crt"] = " control-plane worker "; mode_of["var/lib/kubelet/pki/kubelet.crt"] = "0644"
    roles_of["var/lib/kubelet/pki/kubelet.key"] = " control-plane worker "; mode_of["var/lib/kubelet/pki/kubelet.key"] = "0600"
    roles_of["etc/kubernetes/certferry-restart-kube-apiserver.sh"] = " control-plane "; mode_of["etc/kubernetes/certferry-restart-kube-apiserver.sh"] = "0644"
    roles_of["etc/kubernetes/certferry-restart-kube-apiserver.service"] = " control-plane "; mode_of["etc/kubernetes/certferry-restart-kube-apiserver.service"] = "0644"
    roles_of["etc/kubernetes/certferry-restart-kube-apiserver.timer"] = " control-plane "; mode_of["etc/kubernetes/certferry-restart-kube-apiserver.timer"] = "0644"
    roles_of["etc/containerd/certs.d/*/ca.crt"] = " control-plane worker "; mode_of["etc/containerd/certs.d/*/ca.crt"] = "0644"
    pattern[1] = "etc/containerd/certs.d/*/ca.crt"
    roles_of["etc/containerd/certs.d/*/hosts.toml"] = " control-plane worker "; mode_of["etc/containerd/certs.d/*/hosts.toml"] = "0644"
    pattern[2] = "etc/containerd/certs.d/*/hosts.toml"
    roles_of["usr/local/share/ca-certificates/certferry-*.crt"] = " control-plane worker "; mode_of["usr/local/share/ca-certificates/certferry-*.crt"] = "0644"
    pattern[3] = "usr/local/share/ca-certificates/certferry-*.crt"
    roles_of["etc/pki/ca-trust/source/anchors/certferry-*.crt"] = " control-plane worker "; mode_of["etc/pki/ca-trust/source/anchors/certferry-*.crt"] = "0644"
    pattern[4] = "etc/pki/ca-trust/source/anchors/certferry-*.crt"
    patterns = 4
    # Files by the beginning of their path, and who reads them; the first that fits counts.
    beginning[1] = "etc/kubernetes/pki/ca.crt"; readers[1] = "kube-apiserver kube-controller-manager kubelet"
    beginning[2] = "etc/kubernetes/pki/ca.key"; readers[2] = "kube-controller-manager"
    beginning[3] = "etc/kubernetes/pki/front-proxy-ca.crt"; readers[3] = "kube-apiserver kube-controller-manager"
    beginning[4] = "etc/kubernetes/pki/front-proxy-ca.key"; readers[4] = ""
    beginning[5] = "etc/kubernetes/pki/etcd/ca.crt"; readers[5] = "etcd kube-apiserver"
    beginning[6] = "etc/kubernetes/pki/etcd/ca.key"; readers[6] = ""
    beginning[7] = "etc/kubernetes/pki/apiserver."; readers[7] = "kube-apiserver"
    beginning[8] = "etc/kubernetes/pki/apiserver-kubelet-client."; readers[8] = "kube-apiserver"
    beginning[9] = "etc/kubernetes/pki/front-proxy-client."; readers[9] = "kube-apiserver"
    beginning[10] = "etc/kubernetes/pki/etcd/server."; readers[10] = "etcd"
    beginning[11] = "etc/kubernetes/pki/etcd/peer."; readers[11] = "etcd"
    beginning[12] = "etc/kubernetes/pki/etcd/healthcheck-client."; readers[12] = ""
    beginning[13] = "etc/kubernetes/pki/apiserver-etcd-client."; readers[13] = "kube-apiserver"
    beginning[14] = "etc/kubernetes/admin.conf"; readers[14] = ""
    beginning[15] = "etc/kubernetes/super-admin.conf"; readers[15] = ""
    beginning[16] = "etc/kubernetes/controller-manager.conf"; readers[16] = "kube-controller-manager"
    beginning[17] = "etc/kubernetes/scheduler.conf"; readers[17] = "kube-scheduler"
    beginning[18] = "etc/kubernetes/kubelet.conf"; readers[18] = "kubelet"
    beginning[19] = "var/lib/kubelet/pki/"; readers[19] = "kubelet"
    beginning[20] = "var/lib/kubelet/pki/kubelet."; readers[20] = "kubelet"
    beginning[21] = "etc/kubernetes/pki/sa."; readers[21] = "kube-apiserver kube-controller-manager"
    beginning[22] = "etc/kubernetes/pki/ca-chain.crt"; readers[22] = "kube-controller-manager"
    beginning[23] = "etc/kubernetes/pki/ca-signing.crt"; readers[23] = "kube-controller-manager"
    reader_rows = 23
    component_names = "etcd kube-apiserver kube-controller-manager kube-scheduler kubelet"
}
