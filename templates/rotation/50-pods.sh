
# ---------------------------------------------------------------------------------------------------------------------
# Pods that still use what they read before

# The ConfigMap that says since when a phase's trust is everywhere, by the clock of the API server.
marker() { # <phase>
    MARKER=certferry-rotation-$ROTATION-phase-$1
}

read_marker() { # <phase>
    marker "$1"
    SINCE=$(ask --namespace kube-system get configmap "$MARKER" --ignore-not-found -o 'go-template={{.metadata.creationTimestamp}}') || unread
}

step_marker() {
    # What comes after is to be done again.
    for later in 1 2 3; do
        [ "$later" -gt "$STATE" ] || continue
        read_marker $later
        [ -n "$SINCE" ] && [ -z "$DRY_RUN" ] || continue
        ask --namespace kube-system delete configmap "$MARKER" --wait=false -o name >/dev/null ||
            first "kubectl could not delete the ConfigMap $MARKER; what it said stands above"
    done
    [ "$STATE" -gt 0 ] || return 0
    read_marker "$STATE"
    [ -z "$SINCE" ] && [ -z "$DRY_RUN" ] && [ "$LEFT" = 0 ] || return 0
    ask --namespace kube-system create configmap "$MARKER" -o name >/dev/null \
        --from-literal=about="since it was made, phase $STATE of a rotation is complete in the cluster (certferry help rotation)" ||
        first "kubectl could not create the ConfigMap $MARKER; what it said stands above"
    read_marker "$STATE"
}

# Keeps in PODS a line `NAMESPACE/NAME OWNER WHY` for each pod that began before SINCE, and uses what changes.
#
# Which library a program has, an image does not tell. What is known: kube-proxy of 1.36 and later reads the CA again by
# itself (client-go 0.36), and so needs no restart for it. Source: kubernetes pull request 132922.
look_at_pods() {
    PODS='' MIRRORS=0 NEW_ENOUGH=''
    digits_of "$SINCE"
    since=${DIGITS:-99999999999999}
    owners=$(ask get replicasets.apps --all-namespaces -o 'go-template={{range .items}}{{$set := .}}{{range .metadata.ownerReferences}}{{if .controller}} {{$set.metadata.namespace}}/{{$set.metadata.name}}={{.kind}}/{{.name}}{{end}}{{end}}{{end}} ') || unread
    found=$(ask get pods --all-namespaces -o 'go-template={{range .items}}pod {{.metadata.namespace}}/{{.metadata.name}} {{.metadata.creationTimestamp}} {{.status.phase}} {{with .metadata.annotations}}{{if index . "kubernetes.io/config.mirror"}}mirror{{else}}-{{end}}{{else}}-{{end}} {{range .metadata.ownerReferences}}{{if .controller}}{{.kind}}/{{.name}}{{end}}{{end}}{{"\n"}}{{range .spec.containers}}image {{.image}}{{"\n"}}{{end}}{{range .spec.volumes}}{{range .projected.sources}}{{if .serviceAccountToken}}token{{"\n"}}{{end}}{{if .configMap}}config-map {{.configMap.name}}{{"\n"}}{{end}}{{end}}{{if .secret}}secret {{.secret.secretName}}{{"\n"}}{{end}}{{if .configMap}}config-map {{.configMap.name}}{{"\n"}}{{end}}{{if .hostPath}}host {{.hostPath.path}}{{"\n"}}{{end}}{{end}}{{end}}') || unread
    token_secrets=$(ask get secrets --all-namespaces --field-selector type=kubernetes.io/service-account-token -o 'go-template={{range .items}} {{.metadata.namespace}}/{{.metadata.name}}{{end}} ') || unread
    of=''
    while read -r word value began state mirror owner; do
        case $word in
        pod)
            note_pod
            of=$value why='' own_images='' pod_began=$began pod_state=$state pod_mirror=$mirror pod_owner=$owner
            ;;
        image) own_images="$own_images $value" ;;
        token) why=${why:-'it has a token of a service account'} ;;
        config-map)
            [ "$value" != kube-root-ca.crt ] || [ -z "$OLD_CA" ] || why='it has the CA of kube-root-ca.crt'
            ;;
        secret)
            case $token_secrets in
            *" ${of%%/*}/$value "*) why="it has the token Secret $value" ;;
            esac
            ;;
        host)
            case $value in
            /etc/kubernetes/pki*) ;;
            /etc/kubernetes* | *kubeconfig* | *.conf) why="it has $value of its node" ;;
            esac
            ;;
        esac
    done <<TEXT
$found
TEXT
    note_pod
}

note_pod() {
    [ -n "$of" ] && [ -n "$why" ] || return 0
    if [ "$pod_mirror" = mirror ]; then
        MIRRORS=$((MIRRORS + 1))
        return 0
    fi
    case $pod_state in
    Succeeded | Failed) return 0 ;;
    esac
    digits_of "$pod_began"
    [ "${DIGITS:-0}" -lt "$since" ] || return 0
    for image in $own_images; do
        case $image in
        */kube-proxy:v1.3[6-9].* | */kube-proxy:v1.[4-9][0-9].*)
            [ "$STATE" = 1 ] || continue
            NEW_ENOUGH="$NEW_ENOUGH $of"
            return 0
            ;;
        esac
    done
    case $pod_owner in
    ReplicaSet/*)
        case $owners in
        *" ${of%%/*}/${pod_owner#*/}="*)
            pod_owner=${owners#*" ${of%%/*}/${pod_owner#*/}="}
            pod_owner=${pod_owner%% *}
            ;;
        esac
        ;;
    esac
    PODS="$PODS$of ${pod_owner:--} $why$LF"
}

# In phase 1 they read both CAs, in phase 2 they are given tokens of the new key. Pods of the nodes themselves, which come from
# manifests, are restarted by `certferry apply`.
step_pods() {
    case $STATE in
    1) [ -n "$OLD_CA" ] || return 0 ;;
    2) [ -n "$OLD_TOKEN" ] || return 0 ;;
    *) return 0 ;;
    esac
    read_marker "$STATE"
    look_at_pods
    [ -z "$NEW_ENOUGH" ] || say "pods: read the CA again by themselves:$NEW_ENOUGH"
    [ "$MIRRORS" = 0 ] || say "pods: $MIRRORS come from manifests on nodes, and are left to \`certferry apply\`"
    if [ -z "$PODS" ]; then
        say 'pods: none is from before'
        return 0
    fi
    say 'pods: from before, and still with what they read when they began:'
    while read -r pod owner why; do
        [ -z "$pod" ] || say "  $pod, of ${owner}: $why"
    done <<TEXT
$PODS
TEXT
    if [ -n "$RESTART_PODS" ]; then
        restart_pods
    elif [ "$STATE" = 1 ]; then
        first 'restart these pods: run this with --restart-pods, or in an order of your own'
    elif [ -z "$BEFORE" ]; then
        say 'pods: the kubelet gives them a token of the new key within 24 hours; what reads its token only once must be restarted (--restart-pods)'
    fi
}

# By their owners. The annotation names rotation and phase, so that a second run restarts nothing again.
restart_pods() {
    owners_done=' ' failed=''
    while read -r pod owner why; do
        [ -n "$pod" ] || continue
        namespace=${pod%%/*}
        case $owners_done in
        *" $namespace/$owner "*) continue ;;
        esac
        case $owner in
        Deployment/* | DaemonSet/* | StatefulSet/*)
            owners_done="$owners_done$namespace/$owner "
            strategy=$(ask --namespace "$namespace" get "$owner" -o 'go-template={{with .spec.updateStrategy}}{{.type}}{{end}}') || unread
            if [ "$strategy" = OnDelete ]; then
                evict_of "$namespace" "$owner"
            else
                changes "$owner in $namespace" restarted 'would be restarted' || continue
                ask --namespace "$namespace" patch "$owner" --type=merge -o name -p '{"spec":{"template":{"metadata":{"annotations":{"certferry-rotation":"'"$ROTATION-phase-$STATE"'"}}}}}' >/dev/null &&
                    ask --namespace "$namespace" rollout status "$owner" --timeout "$((WAIT > 0 ? WAIT : 1))s" >/dev/null || failed="$failed $namespace/$owner"
            fi
            ;;
        - | Node/*) failed="$failed $pod" ;;
        *) evict "$pod" ;;
        esac
    done <<TEXT
$PODS
TEXT
    [ -z "$failed" ] || first "not restarted, nobody would make them again, or they did not become ready in time:$failed"
}

# The pods of an owner that restarts none by itself.
evict_of() { # <namespace> <owner>
    while read -r other other_owner _; do
        [ "${other%%/*}/$other_owner" = "$1/$2" ] && evict "$other"
    done <<TEXT
$PODS
TEXT
}

# An eviction respects disruption budgets: it is refused while too few others are ready.
evict() { # <namespace/name>
    changes "$1" evicted 'would be evicted' || return 0
    WAITED=0
    while :; do
        for api in policy/v1 policy/v1beta1; do
            said=$(printf '{"apiVersion":"%s","kind":"Eviction","metadata":{"name":"%s","namespace":"%s"}}' "$api" "${1#*/}" "${1%%/*}" |
                eval "kubectl $ARGUMENTS"' create --raw "/api/v1/namespaces/${1%%/*}/pods/${1#*/}/eviction" -f - 2>&1') && return 0
            case $said in
            # It is gone already.
            *'(NotFound)'*) return 0 ;;
            esac
        done
        wait_more || break
    done
    printf '%s\n' "$said" >&2
    failed="$failed $1"
}

# ---------------------------------------------------------------------------------------------------------------------
# Tokens of the old key

# The API server refuses them from phase 3 on, however long they are valid. The kubelet replaces a token of a pod at four
# fifths of its life, and after 24 hours. Source: Kubernetes v1.20.2, pkg/kubelet/token. What a program asked for by itself
# (TokenRequest, `kubectl create token`) no object tells.
step_bound_tokens() {
    [ -n "$OLD_TOKEN" ] || return 0
    read_marker 2
    if [ -z "$SINCE" ]; then
        first 'tokens: nothing says that phase 2 is complete in the cluster: run phase-2.sh'
        return 0
    fi
    found=$(ask --namespace kube-system get configmap "$MARKER" --no-headers) || unread
    seconds_of "${found##* }"
    look_at_pods
    if [ -n "$PODS" ] && [ "$SECONDS_OLD" -lt 86400 ]; then
        first "tokens: pods are from before phase 2, which is complete for $((SECONDS_OLD / 3600)) of 24 hours: wait, or run phase-2.sh with --restart-pods"
    elif [ -n "$PODS" ]; then
        say 'tokens: these pods are from before phase 2; the kubelet has replaced their tokens, and what reads its token only once fails in phase 3:'
        while read -r pod owner why; do
            [ -z "$pod" ] || say "  $pod, of $owner"
        done <<TEXT
$PODS
TEXT
    else
        say 'tokens: every pod is from after phase 2'
    fi
    flags=$(ask --namespace kube-system get pods -l component=kube-apiserver -o 'go-template={{range .items}}{{range .spec.containers}}{{range .command}}{{.}}{{"\n"}}{{end}}{{range .args}}{{.}}{{"\n"}}{{end}}{{end}}{{end}}') || unread
    longest='as long as they asked for' extended='' seen=''
    while read -r flag; do
        case $flag in
        *kube-apiserver*) seen=1 ;;
        --service-account-max-token-expiration=*) longest="up to ${flag#*=}" ;;
        --service-account-extend-token-expiration=false) extended=no ;;
        esac
    done <<TEXT
$flags
TEXT
    [ -n "$seen" ] || longest='as long as the API server lets them, whose flags are not seen here'
    say "tokens: those that programs asked for by themselves are not known here; they are valid $longest, and refused from phase 3 on"
    [ -n "$extended" ] || say 'tokens: those of pods say that they are valid for a year; the kubelet replaces them all the same'
}
