
# ---------------------------------------------------------------------------------------------------------------------
# What the controller manager writes from its --root-ca-file and its --service-account-private-key-file

# Waits until every namespace has what this phase trusts in kube-root-ca.crt. Nothing else is done before.
step_root_ca() {
    [ -n "$OLD_CA" ] || return 0
    WAITED=0
    while :; do
        look_at_root_cas
        [ -n "$lagging" ] || break
        wait_more || break
    done
    if [ -z "$lagging" ]; then
        say "kube-root-ca.crt: $count namespaces hold $TRUSTED"
    else
        first "kube-root-ca.crt does not hold $TRUSTED in$lagging: give every control plane its files, and restart kube-controller-manager"
        STOPPED=1
    fi
}

look_at_root_cas() {
    namespaces=$(ask get namespaces -o 'go-template={{range .items}}{{if ne .status.phase "Terminating"}}{{.metadata.name}} {{end}}{{end}}') || unread
    found=$(ask get configmaps --all-namespaces --field-selector metadata.name=kube-root-ca.crt -o 'go-template={{range .items}}namespace {{.metadata.namespace}}{{"\n"}}{{with .data}}{{index . "ca.crt"}}{{end}}{{"\n"}}{{end}}') || unread
    right=' ' count=0 lagging='' of='' text=''
    while IFS= read -r line_of_root; do
        case $line_of_root in
        'namespace '*)
            note_root_ca
            of=${line_of_root#namespace } text=''
            ;;
        *) text=$text$line_of_root$LF ;;
        esac
    done <<TEXT
$found
TEXT
    note_root_ca
    for name in $namespaces; do
        case $right in
        *" $name "*) count=$((count + 1)) ;;
        *) lagging="$lagging $name" ;;
        esac
    done
}

note_root_ca() {
    [ -n "$of" ] || return 0
    judge "$text" "$OLD_CA" "$NEW_CA"
    ! is_right || right="$right$of "
}

# ca.crt in each token Secret comes from the controller manager, too. Its token stays what it is until somebody has it made
# anew: the API server refuses a token that is no longer the one in its Secret, so programs that hold a copy need the new one.
# Source: Kubernetes v1.20.2, pkg/serviceaccount/legacy.go, pkg/controller/serviceaccount/tokens_controller.go.
step_token_secrets() {
    [ -n "$OLD_CA$OLD_TOKEN" ] || return 0
    WAITED=0
    while :; do
        look_at_token_secrets
        [ -n "$lagging" ] || break
        wait_more || break
    done
    [ "$count" -gt 0 ] || say 'token Secrets: there are none'
    [ "$count" = 0 ] || [ -n "$lagging" ] || [ -z "$OLD_CA" ] || say "token Secrets: ca.crt of $count is $TRUSTED"
    [ -z "$lagging" ] || first "token Secrets: ca.crt is not $TRUSTED in$lagging: restart kube-controller-manager"
    [ -n "$stale" ] || return 0
    if [ -z "$RENEW_TOKENS" ]; then
        text="token Secrets: the token is signed with the other key in$stale; with --renew-tokens they are made anew, and programs that hold a copy need the new one"
        [ "$PHASE" = 2 ] && [ -z "$BEFORE" ] && say "$text" || first "$text"
        return 0
    fi
    for secret in $stale; do
        changes "token Secret $secret" 'made anew' 'would be made anew' || continue
        ask --namespace "${secret%/*}" patch secret "${secret#*/}" --type=merge -p '{"data":{"token":null}}' -o name >/dev/null ||
            first "kubectl could not change the token Secret $secret; what it said stands above"
    done
    [ -z "$DRY_RUN" ] || return 0
    WAITED=0
    while :; do
        look_at_token_secrets
        [ -n "$stale$empty" ] || break
        wait_more || break
    done
    [ -z "$stale$empty" ] || first "token Secrets: no new token yet in$stale$empty: does kube-controller-manager run, with the key of this phase?"
}

look_at_token_secrets() {
    found=$(ask get secrets --all-namespaces --field-selector type=kubernetes.io/service-account-token -o 'go-template={{range .items}}secret {{.metadata.namespace}}/{{.metadata.name}} {{with .data}}{{with .token}}{{printf "%.90s" (base64decode .)}}{{else}}-{{end}}{{else}}-{{end}}{{"\n"}}{{with .data}}{{with index . "ca.crt"}}{{base64decode .}}{{end}}{{end}}{{"\n"}}{{end}}') || unread
    count=0 lagging='' stale='' empty='' of='' text=''
    while IFS= read -r line_of_secret; do
        case $line_of_secret in
        'secret '*)
            note_token_secret
            of=${line_of_secret#secret } text=''
            token=${of#* } of=${of%% *}
            ;;
        *) text=$text$line_of_secret$LF ;;
        esac
    done <<TEXT
$found
TEXT
    note_token_secret
}

note_token_secret() {
    [ -n "$of" ] || return 0
    count=$((count + 1))
    if [ -n "$OLD_CA" ]; then
        judge "$text" "$OLD_CA" "$NEW_CA"
        is_right || lagging="$lagging $of"
    fi
    [ -n "$OLD_TOKEN" ] || return 0
    case $token in
    -) empty="$empty $of" ;;
    "$UNWANTED_TOKEN") stale="$stale $of" ;;
    esac
}

# ---------------------------------------------------------------------------------------------------------------------
# cluster-info, by which nodes join

step_cluster_info() {
    [ -n "$OLD_CA" ] || return 0
    found=$(ask --namespace kube-public get configmap cluster-info --ignore-not-found -o 'go-template={{.metadata.resourceVersion}}{{"\n"}}{{with .data}}{{.kubeconfig}}{{end}}') || unread
    if [ -z "$found" ]; then
        say 'cluster-info: there is none, so no node joins by it'
        return 0
    fi
    version=${found%%"$LF"*} written='' authorities=0
    kubeconfig=${found#*"$LF"}$LF
    while IFS= read -r line_of_info; do
        case $line_of_info in
        *'certificate-authority-data: '*)
            authorities=$((authorities + 1))
            value=${line_of_info##*'certificate-authority-data: '}
            value=${value#\"} value=${value%\"}
            decode "$value"
            ca_text=$DECODED
            written="$written${line_of_info%%'certificate-authority-data: '*}certificate-authority-data: $TRUST_BASE64$LF"
            ;;
        *) written=$written$line_of_info$LF ;;
        esac
    done <<TEXT
${kubeconfig%"$LF"}
TEXT
    if [ $authorities != 1 ]; then
        first "cluster-info has $authorities lines with certificate-authority-data, and must have one: write it anew with \`kubeadm init phase bootstrap-token\`"
        return 0
    fi
    judge "$ca_text" "$OLD_CA" "$NEW_CA"
    held
    read_pem "$ca_text"
    found_bodies=$BODIES
    read_pem "$TRUST"
    if [ "$found_bodies" = "$BODIES" ]; then
        say "cluster-info: unchanged, it holds $TRUSTED"
        return 0
    fi
    [ "$HAS_OLD$HAS_NEW" ] || {
        first "cluster-info holds neither the old CA nor the new one: this is another cluster, or another rotation"
        return 0
    }
    [ "$HELD" != "$TRUSTED" ] || HELD="$HELD in the other order"
    changes cluster-info written 'would be written' "it held $HELD" || return 0
    signatures before
    quote_json "$written"
    ask --namespace kube-public patch configmap cluster-info --type=merge \
        -p '{"metadata":{"resourceVersion":"'"$version"'"},"data":{"kubeconfig":"'"$QUOTED"'"}}' -o name >/dev/null || {
        first 'kubectl could not change cluster-info; what it said stands above'
        return 0
    }
    # The controller manager signs it anew for each token; a node that joins refuses the old signature.
    WAITED=0
    while :; do
        signatures after
        fresh=1
        for word in $BEFORE_SIGNATURES; do
            case " $AFTER_SIGNATURES " in
            *" $word "*) fresh='' ;;
            esac
        done
        [ -z "$fresh" ] || break
        wait_more || break
    done
    if [ -z "$BEFORE_SIGNATURES" ]; then
        say 'cluster-info: no token has signed it'
    elif [ -n "$fresh" ]; then
        say 'cluster-info: signed anew'
    else
        first 'cluster-info is not signed anew: does kube-controller-manager run, with its bootstrapsigner?'
    fi
}

signatures() { # <before or after>
    found=$(ask --namespace kube-public get configmap cluster-info -o 'go-template={{range $key, $value := .data}}{{if ne $key "kubeconfig"}}{{$key}}={{$value}} {{end}}{{end}}') || unread
    case $1 in
    before) BEFORE_SIGNATURES=$found ;;
    *) AFTER_SIGNATURES=$found ;;
    esac
}
