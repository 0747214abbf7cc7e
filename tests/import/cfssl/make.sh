#!/bin/sh
# Makes the files beside it with cfssl (Debian 12's golang-cfssl): three CAs with country, locality, organization and unit,
# and the leaves of the control plane cp-1 at 192.168.10.5 of a Kubernetes 1.24. They are good for nothing but tests.
set -eu
cd "$(dirname "$0")"
rm -f ./*.pem
config=$(mktemp)
trap 'rm -f "$config"' EXIT
dates='"expiry": "1h", "not_before": "2020-01-01T00:00:00Z", "not_after": "2110-01-01T00:00:00Z"'
usages() { printf '%s, "usages": ["signing", "key encipherment", %s]' "$dates" "$1"; }
cat > "$config" <<END
{"signing": {"default": {"expiry": "87600h"}, "profiles": {
  "ca": {$dates, "usages": ["cert sign", "crl sign"], "ca_constraint": {"is_ca": true}},
  "server": {$(usages '"server auth"')},
  "client": {$(usages '"client auth"')},
  "both": {$(usages '"server auth", "client auth"')}}}}
END
ca() { # FILE COMMON-NAME
  printf '{"CN": "%s", "key": {"algo": "rsa", "size": 2048}, "ca": {"expiry": "87600h"},
    "names": [{"C": "KR", "L": "Seoul", "O": "Example", "OU": "Platform"}]}' "$2" |
    cfssl gencert -initca - | cfssljson -bare "$1"
  # Once more, because the first one begins with the day on which it is made.
  cfssl sign -ca "$1.pem" -ca-key "$1-key.pem" -config "$config" -profile ca "$1.csr" | cfssljson -bare "$1"
}
leaf() { # FILE CA PROFILE COMMON-NAME GROUP NAMES
  names=${5:+\{\"O\": \"$5\"\}}
  printf '{"CN": "%s", "key": {"algo": "ecdsa", "size": 256}, "names": [%s], "hosts": [%s]}' "$4" "$names" "$6" |
    cfssl gencert -ca "$2.pem" -ca-key "$2-key.pem" -config "$config" -profile "$3" - | cfssljson -bare "$1"
}
ca ca kubernetes
ca etcd-ca etcd-ca
ca front-proxy-ca front-proxy-ca
kubernetes='"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"'
leaf apiserver ca server kube-apiserver '' "\"cp-1\", $kubernetes, \"10.96.0.1\", \"192.168.10.5\""
leaf apiserver-kubelet-client ca client kube-apiserver-kubelet-client system:masters ''
leaf front-proxy-client front-proxy-ca client front-proxy-client '' ''
etcd='"cp-1", "localhost", "192.168.10.5", "127.0.0.1", "::1"'
leaf etcd-server etcd-ca both cp-1 '' "$etcd"
leaf etcd-peer etcd-ca both cp-1 '' "$etcd"
leaf etcd-healthcheck-client etcd-ca client kube-etcd-healthcheck-client system:masters ''
leaf apiserver-etcd-client etcd-ca client kube-apiserver-etcd-client system:masters ''
leaf admin ca client kubernetes-admin system:masters ''
leaf controller-manager ca client system:kube-controller-manager '' ''
leaf scheduler ca client system:kube-scheduler '' ''
leaf kubelet-client ca client system:node:cp-1 system:nodes ''
leaf kubelet ca server system:node:cp-1 system:nodes '"cp-1", "192.168.10.5"'
rm -f ./*.csr
