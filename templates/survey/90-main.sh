# ---------------------------------------------------------------------------------------------------------------------
# From arguments to the survey

# The script is read whole before any of it runs: one that was cut on its way does nothing.
main() {
    ROOT=
    while [ $# -gt 0 ]; do
        case $1 in
            --root)
                [ $# -gt 1 ] || { echo 'error: --root needs a folder' >&2; exit 2; }
                ROOT=$2
                shift 2
                ;;
            --root=*) ROOT=${1#--root=}; shift ;;
            *)
                printf 'error: %s is not known\nhint: sh survey.sh [--root DIR] > FILE\n' "$1" >&2
                exit 2
                ;;
        esac
    done
    while case $ROOT in */) true ;; *) false ;; esac; do ROOT=${ROOT%/}; done
    case $ROOT in -*) ROOT=./$ROOT ;; esac
    if [ ! -d "$ROOT/" ]; then
        printf 'error: %s is no folder\nhint: --root is the folder that holds etc/kubernetes and var/lib/kubelet\n' "$ROOT" >&2
        exit 2
    fi
    for program in awk openssl sha256sum stat readlink sort; do
        if ! command -v "$program" >/dev/null 2>&1; then
            printf 'error: this needs the program %s\n' "$program" >&2
            exit 2
        fi
    done

    # Services come first, because they say where the kubelet finds the static pods, which stand before them.
    each "$(services)" service
    SERVICES=$NOTES
    NOTES=
    told_by_services() {
        NOTES=$SERVICES
        told "$1" "$2"
        NOTES=
    }
    told_by_services kubelet config
    KUBELET_CONFIG=${TEXT:-$KUBELET_CONFIG}
    configuration "$KUBELET_CONFIG" KubeletConfiguration
    KUBELETS=$NOTES
    told kubelet pod-manifest-path
    folders=$MANIFEST_FOLDERS$LF$TEXT$LF
    NOTES=
    told_by_services kubelet pod-manifest-path
    folders=$(printf '%s%s\n' "$folders" "$TEXT" | awk '$0 != ""' | sort -u)
    pods=
    gather_pods() {
        entries "$1"
        pods=$pods$ENTRIES
    }
    each "$folders" gather_pods
    each "$(printf '%s' "$pods" | sort -u)" static_pod
    NOTES=$NOTES$SERVICES

    if ! has_program kubelet; then
        for file in $KUBELET_ENVIRONMENT; do environment kubelet "$file"; done
    fi
    has_program etcd || environment etcd "$ETCD_ENVIRONMENT"

    # Configurations, by path.
    PROGRAMS=$NOTES
    told etcd config-file
    ETCD_CONFIG=$TEXT
    NOTES=
    with_target() {
        ! follow "$1" || printf '%s=%s\n' "$REAL" "$1"
    }
    # shellcheck disable=SC2086 # A word for each.
    for pair in $(for usual in $KUBEADM_FILES "$KUBELET_CONFIG" $ETCD_CONFIG; do with_target "$usual"; done | sort -u); do
        file=${pair#*=}
        case $file in
            "$KUBELET_CONFIG") NOTES=$NOTES$KUBELETS ;;
            "$ETCD_CONFIG") configuration "$file" etcd ;;
            *) configuration "$file" '' ;;
        esac
    done
    NOTES=$PROGRAMS$NOTES

    # Kubeconfigs.
    # The folder of certificates in etc/kubernetes may have any name.
    others=$(notes 'P pem' | sort -u | awk -F/ -v known=" $PEM_FOLDERS " '
        NF == 4 && $1 == "etc" && $2 == "kubernetes" && $3 ~ /^[A-Za-z0-9][A-Za-z0-9._-]*$/ && length($3) <= 32 {
            folder = $1 "/" $2 "/" $3
            is_taken = tolower($3) ~ /^(manifests|tmp|certferry-.*|.*\.conf)$/
            if (!is_taken && !index(known, " " folder " ") && !seen[folder]++) print folder
        }')
    for folder in $PEM_FOLDERS $others; do
        seen=0 top=$folder
        below "$folder" 0
    done
    for folder in $AGENT_FOLDERS; do
        entries "$folder"
        plain_entry() {
            is_folder "$1" || note_pem "$1"
        }
        each "$ENTRIES" plain_entry
    done
    candidate() { # <path> <pattern>
        for file in $KUBEADM_FILES; do [ "$1" != "$file" ] || return 0; done
        # shellcheck disable=SC2254 # It is a pattern.
        case $1 in $2) note "P kubeconfig $1" ;; esac
    }
    # What ends as one, and is perhaps another file.
    guess() {
        case " $KNOWN_KUBECONFIGS " in
            *" ${1##*/} "*) candidate "$1" '*' ;;
            *) for file in $KUBEADM_FILES; do [ "$1" != "$file" ] || return 0; done
                case $1 in *.conf) note "P guess $1" ;; esac
                ;;
        esac
    }
    entries etc/kubernetes
    each "$ENTRIES" guess
    each "$ENTRIES" candidate '*.kubeconfig'
    for folder in $KUBECONFIG_FOLDERS; do
        entries "$folder"
        each "$ENTRIES" candidate '*kubeconfig'
    done
    person() {
        is_named "$1/.kube/config" && note "P kubeconfig $1/.kube/config"
    }
    is_named() {
        follow "${1%/*}" && { [ -e "$ROOT/$REAL/${1##*/}" ] || [ -L "$ROOT/$REAL/${1##*/}" ]; }
    }
    entries home
    each "${ENTRIES}root" person
    for file in $ADMIN_KUBECONFIGS; do ! is_named "$file" || note "P kubeconfig $file"; done

    # The paths of one kind that were named, without links.
    TARGETS=
    target() {
        ! lead "$1" || TARGETS=$TARGETS$REAL$LF
    }
    each "$(notes 'P kubeconfig' | sort -u)" target
    SURE=$LF$TARGETS
    each "$(notes 'P guess' | sort -u)" target
    CONFIGS=$(printf '%s' "$TARGETS" | sort -u)
    each "$CONFIGS" kubeconfig

    # Files. What is opened for one reason is not listed again for another.
    TARGETS=
    each "$(notes 'P pem' | sort -u)" target
    OPENED=$TARGETS
    TARGETS=
    each "$(notes 'P opaque' | sort -u)" target
    unopened=$(printf '%s' "$TARGETS")
    listed() { # <path>
        file "${1#* }" "${1%% *}"
    }
    each "$({
        printf '%s\n' "$CONFIGS" | awk '$0 != "" { print "0 " $0 }'
        printf '%s' "$OPENED" | awk '{ print "pem " $0 }'
        printf '%s\n' "$unopened" | awk '$0 != "" { print "opaque " $0 }'
    } | awk '{ path = $0; sub(/^[^ ]* /, "", path); if (!(path in seen)) print path "\t" $1; seen[path] = 1 }' |
        sort | awk -F'\t' '$2 != "0" { print $2 " " $1 }')" listed

    # The node.
    told kubelet hostname-override
    HOST=$TEXT
    if [ -z "$HOST" ] && [ -d "$ROOT/proc/self" ] && [ -r "$ROOT/proc/sys/kernel/hostname" ]; then
        HOST=$(cat "$ROOT/proc/sys/kernel/hostname")
    fi
    if [ -z "$HOST" ] && is_plain etc/hostname; then
        HOST=$(head -c 4096 "$ROOT/$REAL" | tr -d '\000')
    fi
    # What cannot be a name is none, because a link may lead to any other file.
    HOST=$(printf '%s\n' "$HOST" | awk '{
        gsub(/^[ \t\r]+|[ \t\r]+$/, "")
        if ($0 == "") next
        if ($0 ~ /^[A-Za-z0-9._-]+$/ && length($0) <= 253) print tolower($0)
        exit
    }')
    NAME=
    FIELD=
    if is_plain "$KUBELET_STORE"; then
        NAME=$(common_name)
    elif is_plain etc/kubernetes/kubelet.conf; then
        FIELD=users.0.user.client-certificate-data
        NAME=$(common_name)
        FIELD=
    fi
    is_present() {
        follow "$1" && [ -e "$ROOT/$REAL" ]
    }
    ROLE=
    if has_program kube-apiserver || is_present etc/kubernetes/pki/apiserver.crt; then
        ROLE=control-plane
    elif has_program kubelet || is_present etc/kubernetes/kubelet.conf || is_present var/lib/kubelet/config.yaml; then
        ROLE=worker
    elif has_program etcd; then
        ROLE=etcd
    fi
    VERSION=
    for program in kube-apiserver kube-controller-manager kube-scheduler; do
        [ -n "$VERSION" ] || VERSION=$(notes "N $program version" | awk '$0 != "" { print; exit }')
    done

    if [ -z "$FILES$KUBECONFIGS$(printf '%s' "$NOTES" | awk '/^[12U] / { print; exit }')" ]; then
        printf 'error: there is nothing of Kubernetes or etcd in %s\n' "${ROOT:-/}" >&2
        exit 2
    fi

    printf '%ssurvey = 1\n\n[node]\n' "$HEAD"
    [ -z "$HOST" ] || printf 'host_name = %s\n' "$(quoted "$HOST")"
    case $NAME in system:node:*) printf 'node_name = %s\n' "$(quoted "${NAME#system:node:}")" ;; esac
    [ -z "$ROLE" ] || printf 'role = "%s"\n' "$ROLE"
    [ -z "$VERSION" ] || printf 'kubernetes = "%s"\n' "$VERSION"
    if [ -z "$ROOT" ]; then
        if command -v ip >/dev/null 2>&1; then
            ip -o addr | awk "$AWK_ADDRESSES"
        else
            echo 'survey.sh: there is no program ip here, so the addresses of the node are not in the survey' >&2
        fi
    fi
    notes 1
    notes 2
    printf '%s' "$FILES$KUBECONFIGS"
    pairs='{ place = index($0, "\t"); print ""; print "[[" table "]]"; print "path = " quoted(substr($0, 1, place - 1)); print key " = " quoted(substr($0, place + 1)) }'
    notes L | sort -u | awk -v table=link -v key=leads_to "$AWK_QUOTED$pairs"
    notes U | sort -u | awk -v table=unread -v key=reason "$AWK_QUOTED$pairs"

    lacking=$(notes U | sort -u | awk -F'\t' '
        $2 == "nothing is there" || $2 == "no kubeconfig, and nothing names it" { next }
        { place = index($0, "\t"); print "/" substr($0, 1, place - 1) "  " substr($0, place + 1) }
    ')
    if [ -n "$lacking" ]; then
        printf 'error: the survey is not complete\n' >&2
        printf '%s\n' "$lacking" | awk -v root="$ROOT" 'NR <= 1000 { gsub(/[^ -~]/, "?"); print root $0 }' >&2
        case $lacking in *'permission denied'*) echo 'hint: keys are for root alone: run it as root' >&2 ;; esac
        exit 2
    fi
}

main "$@"
