//! Stand-ins for what a node has and a test has not: systemd, crictl, a kubelet, the programs of a control plane.
//!
//! They leave what they do in `/run/events`. The kubelet starts real processes by the words of the manifests and ends
//! those whose manifest is gone.

use std::path::Path;

use crate::common::write_program;

/// `PROGRAM` fails while the CA of etcd is the one in `/run/refuse-PROGRAM`.
const REFUSE: &str = r#"cmp -s /run/refuse-$(basename "$0") /etc/kubernetes/pki/etcd/ca.crt && exit 1"#;

const SYSTEMCTL: &str = r#"#!/bin/sh
case "$*" in
"show --property LoadState kubelet") echo LoadState=loaded; exit ;;
"show --property ActiveState kubelet") echo ActiveState=active; exit ;;
"show --property LoadState etcd") [ -e /run/etcd.service ] && echo LoadState=loaded || echo LoadState=not-found; exit ;;
"show "*) echo "$3=not-found"; exit ;;
esac
echo "systemctl $*" >>/run/events
if [ -e /run/kill-at-restart ]; then
    rm /run/kill-at-restart
    kill -9 $PPID
    exit 1
fi
service=$2
kill "$(cat /run/$service.pid)" 2>/dev/null && sleep 0.3
case $service in
kubelet) setsid kubelet </dev/null >/dev/null 2>&1 & ;;
etcd) setsid $(cat /run/etcd.service) </dev/null >>/var/log/etcd.log 2>&1 & ;;
esac
echo $! >/run/$service.pid
"#;

const KUBELET: &str = r#"#!/bin/sh
is_alive() { [ -s /run/pods/$1 ] && [ -n "$(tr -d '\0' </proc/$(cat /run/pods/$1)/cmdline 2>/dev/null)" ]; }
mkdir -p /run/pods
while :; do
    for pod in etcd kube-apiserver kube-controller-manager kube-scheduler; do
        manifest=/etc/kubernetes/manifests/$pod.yaml
        if [ -e $manifest ]; then
            is_alive $pod && continue
            echo "start $pod" >>/run/events
            setsid $(sed -n '/^  - command:/,/^    image:/s/^    - //p' $manifest) </dev/null >>/var/log/$pod.log 2>&1 &
            echo $! >/run/pods/$pod
        elif is_alive $pod; then
            echo "end $pod" >>/run/events
            kill $(cat /run/pods/$pod)
            while is_alive $pod; do sleep 0.1; done
        fi
    done
    sleep 0.1
done
"#;

const CRICTL: &str = r#"#!/bin/sh
if [ "$1 $2 $#" = "ps -q 2" ]; then exit; fi
if [ "$1" = stop ]; then
    echo "crictl $*" >>/run/events
    rm -f /run/stubborn
    exit
fi
[ "$1 $2 $3 $5 $6" = "ps -q --name --label io.kubernetes.pod.namespace=kube-system" ] || exit 1
if [ -e /run/kill ]; then
    rm /run/kill
    kill -9 $PPID
    exit 1
fi
name=${4#^}
name=${name%$}
if [ -e /run/stubborn ] && [ "$name" = "$(cat /run/stubborn)" ]; then
    echo c0ffee
elif [ -n "$(tr -d '\0' </proc/$(cat /run/pods/$name)/cmdline 2>/dev/null)" ]; then
    echo "$name"
fi
"#;

/// openssl in its stead: it wants a certificate of the CA, and answers /readyz.
const API_SERVER: &str = r#"
cd /srv
pki=/etc/kubernetes/pki
exec -a kube-apiserver openssl s_server -quiet -WWW -accept 192.168.10.5:6443 -cert $pki/apiserver.crt \
    -key $pki/apiserver.key -CAfile $pki/ca.crt -Verify 3 -verify_return_error
"#;

/// Writes the stand-ins into a folder; those of the control plane lead to real programs, if there are any.
pub(crate) fn make(folder: &Path, has_crictl: bool, real: Option<&str>) {
    let script = |name: &str, text: &str| write_program(folder, name, text);
    script("systemctl", SYSTEMCTL);
    script("kubelet", KUBELET);
    if has_crictl {
        script("crictl", CRICTL);
    }
    script("etcd", &format!("#!/bin/sh\n{REFUSE}\nexec /usr/bin/etcd \"$@\"\n"));
    match real {
        Some(folder) => {
            for name in ["kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
                script(name, &format!("#!/bin/sh\nexec {folder}/{name} \"$@\"\n"));
            }
        }
        None => {
            script("kube-apiserver", &format!("#!/bin/bash\n{REFUSE}{API_SERVER}"));
            for name in ["kube-controller-manager", "kube-scheduler"] {
                script(name, &format!("#!/bin/bash\nexec -a {name} sleep infinity\n"));
            }
        }
    }
}

/// A manifest as kubeadm writes it, as far as it matters here.
pub(crate) fn manifest(name: &str, words: &[&str]) -> String {
    let words: String = words.iter().map(|word| format!("    - {word}\n")).collect();
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  namespace: kube-system\nspec:\n  containers:\n  \
         - command:\n    - {name}\n{words}    image: {name}:1\n    name: {name}\n    volumeMounts:\n    \
         - mountPath: /etc/kubernetes/pki\n      name: pki\n"
    )
}
