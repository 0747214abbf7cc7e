# Who reads the files that change, as far as it runs on the node.

function mark(names,    list, i) { split(names, list, " "); for (i in list) reads[list[i]] = 1 }
{ path = $2; sub(/:$/, "", path); sub(/^etc\/kubernetes\//, "", path) }
path == "pki/ca.crt" { mark("kube-apiserver kube-controller-manager kubelet") }
path == "pki/ca.key" { mark("kube-controller-manager") }
path ~ /^pki\/(apiserver(-etcd-client|-kubelet-client)?|front-proxy-client)\./ { mark("kube-apiserver") }
path ~ /^pki\/(front-proxy-ca\.crt|sa\.)/ { mark("kube-apiserver kube-controller-manager") }
path == "pki/etcd/ca.crt" { mark("etcd kube-apiserver") }
path ~ /^pki\/etcd\/(server|peer)\./ { mark("etcd") }
path == "controller-manager.conf" { mark("kube-controller-manager") }
path == "scheduler.conf" { mark("kube-scheduler") }
path == "kubelet.conf" || path ~ /^var\/lib\/kubelet\/pki\// { mark("kubelet") }
END {
    count = split("etcd kube-apiserver kube-controller-manager kube-scheduler kubelet", order, " ")
    for (i = 1; i <= count; i++) {
        name = order[i]
        if (!(name in reads)) continue
        if (name == "etcd" ? !has_etcd : name == "kubelet" ? role == "etcd" : role != "control-plane") continue
        text = text (text == "" ? "" : ", ") name
    }
    print text
}
