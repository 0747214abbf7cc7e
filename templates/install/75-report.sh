# What a run does, for a person; in certferry's words.
report() { # <is|would be>
    named="$NODE: generation $(said "$SAID" generation) of $(said "$SAID" cluster), Kubernetes $(said "$SAID" kubernetes)"
    if [ ! -s "$WORK/units" ]; then
        printf '%s is installed, and every file is as it must be\n' "$named"
        return
    fi
    before=
    if [ -f "$WORK/installed.said" ]; then
        before=$(said "$WORK/installed.said" generation)
        if [ "$before" = "$(said "$SAID" generation)" ]; then before=' again'; else before=" in the place of generation $before"; fi
    fi
    printf '%s %s installed%s\n' "$named" "$1" "$before"
    printf 'signed by %s\n' "$FINGERPRINT"
    if [ ! -s "$WORK/changes" ]; then
        printf 'the files are the same: nothing restarts\n'
        return
    fi
    for kind in new changed removed kept; do
        {
            [ "$kind" != kept ] || sed 's/^/kept /' "$WORK/carried"
            awk -v kind="$kind" '$1 == kind' "$WORK/changes"
        } | while read -r _ path; do
            why=
            case $kind:$path in
            removed:etc/kubernetes/bootstrap-kubelet.conf | removed:var/lib/kubelet/pki/kubelet*) why=': the kubelet would go on using it' ;;
            removed:*) why=': it belongs to a CA that was replaced' ;;
            esac
            printf '  %-8s %s%s\n' "$kind" "$(printable "$path")" "$why"
        done
    done
    for replaced in $REPLACED; do
        printf 'replaced: the CA in %s\n' "$replaced"
    done
    [ -n "$FRESH" ] || restarts
    in_cluster
}

# Who reads the files that change, as certferry's table has it (kubeadm's flags), and how to start them anew.
restarts() {
    has_etcd=
    ! has_rows etc/kubernetes/pki/etcd/server.crt || has_etcd=1
    readers=$(awk -v role="$ROLE" -v has_etcd="$has_etcd" "$AWK_READERS" "$WORK/changes")
    [ -n "$readers" ] || return 0
    printf 'to restart on this node: %s\n' "$readers"
    pods=$(printf '%s\n' "$readers" | sed 's/, kubelet$//; s/^kubelet$//')
    if [ -n "$pods" ]; then
        files=$(printf '%s\n' "$pods" | sed 's/, /.yaml /g; s/$/.yaml/')
        printf '  mkdir /etc/kubernetes/manifests.off\n'
        printf '  cd /etc/kubernetes/manifests && mv %s ../manifests.off/\n' "$files"
        printf "  crictl ps --name '%s'     # again, until the list is empty\n" "$(printf '%s\n' "$pods" | sed 's/, /|/g')"
    fi
    case $readers in *kubelet) printf '  systemctl restart kubelet\n' ;; esac
    [ -z "$pods" ] ||
        printf '  mv /etc/kubernetes/manifests.off/* /etc/kubernetes/manifests/; rmdir /etc/kubernetes/manifests.off\n'
}

# What remains to be done in the cluster.
in_cluster() {
    ca='' front_proxy='' tokens='' number=0
    case "$REPLACED " in *etc/kubernetes/pki/ca.crt\ *) ca=1 ;; esac
    case $REPLACED in *front-proxy-ca.crt*) front_proxy=1 ;; esac
    ! awk '$1 == "changed" && $2 == "etc/kubernetes/pki/sa.pub" { found = 1 } END { exit !found }' "$WORK/changes" || tokens=1
    [ -n "$ca$front_proxy$tokens" ] || return 0
    printf 'in the cluster, once the last node has changed, in this order (the manual, chapter rotation):\n'
    [ -z "$ca$front_proxy" ] || step 'kubectl -n kube-system delete configmap extension-apiserver-authentication
     it holds the old CA, too, and lets the old admin certificate into the scheduler; it is made again at once'
    [ -z "$ca" ] || step 'the CA in ConfigMap kube-public/cluster-info: put the new one into data.kubeconfig'
    [ -z "$tokens" ] || step 'delete every Secret of type kubernetes.io/service-account-token: the tokens in them are dead'
    [ -z "$ca$tokens" ] || step 'restart kube-proxy, CoreDNS, the network plugin, then all other pods'
    [ -z "$ca" ] || step "caBundle of webhooks and APIServices, where this CA signed their certificates; users' kubeconfigs"
}

step() {
    number=$((number + 1))
    printf '  %s. %s\n' "$number" "$1"
}

