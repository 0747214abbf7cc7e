# What a run does, for a person; in certferry's words.
report() { # <is|would be>
    named="$NODE: generation $(said "$RECORD" generation) of $(said "$RECORD" cluster), Kubernetes $(said "$RECORD" kubernetes)"
    if [ ! -s "$WORK/units" ]; then
        printf '%s is installed, and every file is as it must be\n' "$named"
        restarts "$(running_by_record)"
        return
    fi
    repair=
    ! is_repair || [ ! -s "$WORK/changes" ] || repair=1
    before=
    if [ -n "$repair" ]; then
        count=$(awk 'END { print NR }' "$WORK/changes")
        files=files word=repaired
        [ "$count" != 1 ] || files='file'
        [ "$1" = is ] || word='would repair'
        printf '%s\n' "$NODE: $word $count $files of ${named#*: }, which is installed"
    elif [ -f "$WORK/installed.said" ]; then
        before=$(said "$INSTALLED_RECORD" generation)
        if [ "$before" != "$(said "$RECORD" generation)" ]; then
            before=" in the place of generation $before"
        elif cmp -s "$record" "$R/$INSTALLED/record.json"; then
            before=' again'
        else
            before=" in the place of another bundle of generation $before"
        fi
    fi
    if [ -z "$repair" ]; then
        printf '%s %s installed%s\n' "$named" "$1" "$before"
        printf 'signed by %s\n' "$FINGERPRINT"
    fi
    if [ ! -s "$WORK/changes" ]; then
        text=$(restarts "$(running_by_record)")
        if [ -n "$text" ]; then
            printf 'the files are the same\n%s\n' "$text"
        else
            printf 'the files are the same: nothing restarts\n'
        fi
        return
    fi
    awk '
        FILENAME == ARGV[1] { kept = kept "kept " $0 "\n"; next }
        { of[$1] = of[$1] $0 "\n" }
        END { ORS = ""; print of["new"] of["changed"] of["removed"] kept }' "$WORK/carried" "$WORK/changes" |
        while read -r kind path; do
            why=
            case $kind:$path in
            removed:"$KUBERNETES/$BOOTSTRAP" | removed:"$KUBELET_PKI"/kubelet*) why=': the kubelet would go on using it' ;;
            removed:*)
                why=': it belongs to a CA that was replaced'
                ! is_of_registry "$path" || why=': this generation does not have it'
                ;;
            esac
            printf '  %-8s ' "$kind"
            printable "$path"
            printf '%s\n' "$why"
        done
    # The rest of the cluster has trusted the installed generation all along, so that for it nothing is new.
    [ -z "$repair" ] || REPLACED=
    for replaced in $REPLACED; do
        printf 'replaced: the CA in %s\n' "$replaced"
    done
    restarts "$(running_by_record)"
    tell_systemd
    tell_trust '; a rollback and the same command undo it'
    [ -n "$repair" ] || in_cluster
}

# Whether the installed generation is installed once more, so that only what differs from it is mended. It is asked often
# before anything changes, and compared once.
is_repair() {
    [ -n "$REPAIRS" ] || REPAIRS=$(cmp -s "$record" "$R/$INSTALLED/record.json" &&
        cmp -s "$WORK/signer.pub" "$R/$INSTALLED/signer.pub" && echo yes || echo no)
    [ "$REPAIRS" = yes ]
}

# Which slot keeps what was live, KEEP; and whether a generation that certferry did not install must make room, ORIGINAL. A
# backup that would be lost is not, unless a person says so.
choose_keep() {
    ORIGINAL=
    if is_repair; then
        KEEP=repaired
        ! is_all_in_record || KEEP=discard
        [ ! -s "$WORK/units" ] || [ "$KEEP" = discard ] || make_room repaired 'what an earlier repair replaced'
    else
        KEEP=previous
        ! is_foreign all || ORIGINAL=1
        [ -z "$ORIGINAL" ] || make_room original 'what certferry did not install'
    fi
}

# Whether nothing is lost of what a repair replaces: modes and owners alone differ or files are missing, and no folder is
# replaced.
is_all_in_record() {
    awk '$1 == "removed" || ($1 == "changed" && !/: owner and permissions$/) { found = 1 } END { exit found }' \
        "$WORK/changes" || return 1
    while read -r live _; do
        ! is_folder "$R/$live" || return 1
    done <"$WORK/units"
}

# Refuses to take the place of a backup, or drops it later: DROPPED are the folders.
make_room() { # <slot> <what it holds>
    there=
    for home in $HOMES; do
        [ ! -d "$R/$home/$1" ] || there="$there $home/$1"
    done
    [ -n "$there" ] || return 0
    [ -n "$DROP_BACKUP" ] || refuse "$(paths_of "$there") $2, and would be dropped" \
        'look at it, and move it elsewhere if it is of use; --drop-backup drops it; nothing was changed'
    DROPPED=$there
}

# Folders of slots, for a person, and that they hold something.
paths_of() { # <places>
    text='' verb=holds
    for place in $1; do
        [ -z "$text" ] || verb=hold
        text=$text${text:+ and }$R/$place
    done
    printf '%s\n' "$text $verb"
}

# Where what is replaced is kept, and what is dropped for it.
tell_kept() {
    for place in $DROPPED; do
        printf 'dropped: %s\n' "$place"
    done
    [ -z "$ORIGINAL" ] || for home in $HOME_KUBERNETES $HOMES; do
        [ -d "$R/$home/original" ] || continue
        printf '%s\n' "what certferry did not install is kept in $home/original, private keys and all, until a person removes it"
        break
    done
    case $KEEP in
    previous) printf 'back: sh install.sh --rollback\n' ;;
    repaired)
        printf '%s\n' "$journal" | awk '
            $5 == "" || $5 == "-" { next }
            {
                home = substr($3, 1, index($3, ".certferry/next/") + 9)
                if (!seen[home]++) text = text (text == "" ? "" : " and ") home "/repaired"
            }
            END { if (text != "") print "what was replaced is kept in " text }'
        ;;
    esac
}

# The command that lets systemd know the timer of the API server's restart, when its units change.
tell_systemd() {
    awk -v units="$API_SERVER_RESTART" '
        ($1 == "new" || $1 == "changed") && ($2 == units ".service" || $2 == units ".timer") { found = 1 }
        END { exit !found }' "$WORK/changes" || return 0
    printf 'to let systemd restart kube-apiserver in time (certferry help kubeadm):\n  %s\n' "$ENABLE_RESTART"
}

# The command with which the system takes note of its roots, when these change.
tell_trust() { # [more words]
    while read -r _ path rest; do
        case $path in "$CERTS_D"/*) continue ;; esac
        is_of_registry "$path" && [ -z "$rest" ] || continue
        printf 'to let this system take note of the roots that it trusts (certferry help tls)%s:\n  %s\n' "${1-}" "$UPDATE_TRUST"
        return
    done <"$WORK/changes"
}

# Who runs on a node with this record; nobody yet on a fresh one.
running_by_record() {
    [ -z "$FRESH" ] || return 0
    ! has_rows "$PKI/etcd/server.crt" || echo etcd
    case $ROLE in
    control-plane) echo kube-apiserver kube-controller-manager kube-scheduler kubelet ;;
    worker) echo kubelet ;;
    esac
}

# Who must be started anew, and the commands for it, in the very words of `certferry apply`: a test compares them.
restarts() { # <components that run here>
    running=$(printf '%s\n' "$1" | tr '\n' ' ')
    readers=$(awk -v running="$running" -v noted="$NOTED" "$AWK_FACTS$AWK_NAMES$AWK_READERS" "$WORK/changes")
    [ -n "$readers" ] || return 0
    printf 'to restart on this node: %s\n' "$(printf '%s\n' "$readers" | sed 's/ /, /g')"
    case "$REPLACED " in
    *" $PKI/etcd/ca.crt "*)
        printf "etcd's CA is another: where etcd has several members, it and kube-apiserver are well only once most members\\n"
        printf 'have the new one, so do this on all control planes side by side\n'
        ;;
    esac
    pods=
    for name in $readers; do
        ! is_pod "$name" || pods="$pods $name"
    done
    orders | sed 's/^/  /'
    [ -z "$pods" ] || printf 'without crictl: instead of the loops look at `ps -e` until they are gone, or there\n'
}

# Whether the kubelet starts a component from a manifest of its own. What is none is started in another way.
is_pod() {
    follow "$MANIFESTS"
    case " $STOPS " in *" $1 "*) is_there "$AT/$1.yaml" ;; *) return 1 ;; esac
}

# The commands, in the order of `certferry apply --restart`: each stops when nobody needs it any more, and starts when all
# that it needs is well.
orders() {
    on=/$MANIFESTS off=/$MANIFESTS.off
    # Others may call their containers etcd, too.
    kubeadm='--label io.kubernetes.pod.namespace=kube-system'
    stops=$(among "$STOPS" "$pods")
    if [ -n "$stops" ]; then
        printf '%s\n' "mkdir -m 700 $off" "for pod in $stops; do" "  mv $on/\$pod.yaml $off/" \
            "  while crictl ps -q --name \"^\$pod\\\$\" $kubeadm | grep -q .; do sleep 2; done" 'done'
    fi
    case " $readers " in *' kubelet '*) printf 'systemctl restart kubelet\n' ;; esac
    for stage in $STARTS; do
        stage=$(among "$(printf '%s\n' "$stage" | tr , ' ')" "$readers")
        files=
        for name in $(among "$stage" "$pods"); do
            files="$files $off/$name.yaml"
        done
        [ -z "$files" ] || printf '%s\n' "mv$files $on/"
        for name in $stage; do
            case "$pods " in *" $name "*) ;; *) printf '%s\n' "systemctl restart $name     # or as it is started here" ;; esac
        done
        case $stage:$files in
        etcd:?*) printf '%s\n' "until crictl ps -q --name '^etcd\$' $kubeadm | grep -q .; do sleep 2; done" ;;
        kube-apiserver:*)
            printf '%s\n' "until kubectl --kubeconfig /$KUBERNETES/controller-manager.conf get --raw /readyz; do sleep 2; done"
            ;;
        esac
    done
    [ -z "$stops" ] || printf '%s\n' "rmdir $off"
}

# The words of a list that are in another, too.
among() { # <list> <other>
    words=
    for word in $1; do
        case " $2 " in *" $word "*) words="$words${words:+ }$word" ;; esac
    done
    printf '%s\n' "$words"
}

# Who had to be started anew when a restart by certferry was cut short.
noted() {
    [ -f "$R/$RESTART" ] || return 0
    awk "$AWK_FACTS$AWK_NOTE" "$R/$RESTART" ||
        cannot "$R/$RESTART is not a note of a restart" "restart what reads the node's files, and remove it"
}

# What remains to be done in the cluster.
in_cluster() {
    ca='' front_proxy='' tokens='' number=0
    case "$REPLACED " in *" $PKI/ca.crt "*) ca=1 ;; esac
    case "$REPLACED " in *" $PKI/front-proxy-ca.crt "*) front_proxy=1 ;; esac
    ! awk -v path="$PKI/sa.pub" '$1 == "changed" && $2 == path { found = 1 } END { exit !found }' "$WORK/changes" || tokens=1
    [ -n "$ca$front_proxy$tokens" ] || return 0
    printf 'in the cluster, once the last node has changed, in this order (the manual, `certferry help rotation`):\n'
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

