#!/bin/sh
# Restarts this node's API server before the certificate ends that it makes, in memory, for its calls to itself: a year
# after its start, from Kubernetes 1.33 on three years. No file on the disk shows that certificate or renews it.
#
# It does nothing while the API server is younger than {{days}} days, while another API server of the cluster is not ready,
# or while somebody exchanges the files of this node. It needs a shell, and kubectl or openssl to ask API servers. Exit
# codes: 0 restarted, or too young; 1 it was time and nothing was restarted, or it is not well since.

set -u
LC_ALL=C
export LC_ALL

PROC=/proc
ETC=/etc/kubernetes
# This API server, and all others.
OWN='{{own}}'
OTHERS='{{others}}'
DAYS='{{days}}'
# Seconds for it to end, and again to be ready.
PATIENCE=300

no() {
    printf 'error: %s; nothing was restarted\n' "$1" >&2
    exit 1
}

# The processes of a name, in PIDS.
find_processes() { # <name>
    PIDS=
    for folder in "$PROC"/[0-9]*; do
        name=
        { read -r name <"$folder/comm"; } 2>/dev/null
        [ "$name" != "$1" ] || PIDS="$PIDS${PIDS:+ }${folder##*/}"
    done
}

# When a process began, in ticks since the boot: the number tells it from a later process of the same number. No clock is
# asked, for clocks are set.
find_start() { # <process>
    START=
    { read -r stat <"$PROC/$1/stat"; } 2>/dev/null || return 1
    # The name in parentheses may hold anything; 19 fields stand between it and the start.
    # shellcheck disable=SC2086
    set -- ${stat##*) }
    [ $# -gt 19 ] || return 1
    shift 19
    START=$1
}

find_age() { # <process>
    find_start "$1" || no "cannot read $PROC/$1/stat"
    ticks=$(getconf CLK_TCK 2>/dev/null) || ticks=100
    read -r up _ <"$PROC/uptime" || no "cannot read $PROC/uptime"
    AGE_DAYS=$(((${up%%.*} - START / ${ticks:-100}) / 86400))
}

# Who starts it again when it ends: the kubelet, systemd, or nobody who is known.
find_keeper() { # <process>
    KEEPER=
    while read -r group; do
        case $group in
        */kube-apiserver.service) KEEPER=systemd ;;
        *kubepods*) KEEPER=kubelet ;;
        esac
    done <"$PROC/$1/cgroup"
}

# Whether an API server says that it is ready, and is the one that the cluster's CA signed for. Every user of the cluster
# may ask; the controller manager's kubeconfig lies on every control plane, and may do less than an administrator's.
is_ready() { # <address:port>
    if command -v kubectl >/dev/null 2>&1; then
        answer=$(kubectl --kubeconfig "$ETC/controller-manager.conf" --server "https://$1" --request-timeout 10s \
            get --raw /readyz 2>/dev/null)
        [ "$answer" = ok ]
    else
        address=${1%:*} address=${address#[} address=${address%]}
        answer=$(printf 'GET /readyz HTTP/1.0\r\n\r\n' | timeout 10 openssl s_client -quiet -connect "$1" \
            -verify_return_error -verify_ip "$address" -CAfile "$ETC/pki/ca.crt" \
            -cert "$ETC/pki/apiserver-kubelet-client.crt" -key "$ETC/pki/apiserver-kubelet-client.key" 2>/dev/null)
        case $answer in "HTTP/1."[01]" 200 "*) return 0 ;; esac
        return 1
    fi
}

find_processes kube-apiserver
case $PIDS in
'') no 'there is no kube-apiserver on this node' ;;
*' '*) no "there are several processes kube-apiserver: $PIDS" ;;
esac
OLD=$PIDS
find_age "$OLD"
if [ "$AGE_DAYS" -lt "$DAYS" ]; then
    printf 'kube-apiserver is %s days old: nothing to do before %s\n' "$AGE_DAYS" "$DAYS"
    exit 0
fi
OLD_START=$START

command -v kubectl >/dev/null 2>&1 || command -v openssl >/dev/null 2>&1 ||
    no 'there is neither kubectl nor openssl on this node to ask the other API servers'
for left in journal restart; do
    [ ! -e "$ETC/.certferry/$left" ] || no "a run of certferry or install.sh was cut short: $ETC/.certferry/$left"
done
find_keeper "$OLD"
case $KEEPER in
kubelet)
    [ -f "$ETC/manifests/kube-apiserver.yaml" ] || no "there is no $ETC/manifests/kube-apiserver.yaml"
    find_processes kubelet
    [ -n "$PIDS" ] || no 'the kubelet, which would start it again, does not run'
    ;;
systemd) ;;
*) no "neither the kubelet nor a service kube-apiserver runs process $OLD" ;;
esac
for other in $OTHERS; do
    is_ready "$other" || no "the API server at $other is not ready"
done

printf 'kube-apiserver is %s days old: restarting it\n' "$AGE_DAYS"
# A signal, and no manifest that is moved away: were this script to end here, nothing would stay stopped.
case $KEEPER in
kubelet) kill -TERM "$OLD" || no "cannot end process $OLD" ;;
systemd) systemctl restart kube-apiserver.service || no 'systemctl restart kube-apiserver.service failed' ;;
esac

waited=0
until ! find_start "$OLD" || [ "$START" != "$OLD_START" ]; do
    if [ "$waited" -ge "$PATIENCE" ]; then
        printf 'error: process %s has not ended in %s seconds\n' "$OLD" "$PATIENCE" >&2
        exit 1
    fi
    sleep 1
    waited=$((waited + 1))
done
waited=0
until is_ready "$OWN"; do
    if [ "$waited" -ge "$PATIENCE" ]; then
        printf 'error: kube-apiserver was restarted, and is not ready after %s seconds\n' "$PATIENCE" >&2
        exit 1
    fi
    sleep 1
    waited=$((waited + 1))
done
printf 'kube-apiserver is ready again\n'
