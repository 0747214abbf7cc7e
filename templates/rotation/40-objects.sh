
# ---------------------------------------------------------------------------------------------------------------------
# caBundles with the cluster's CA

resource_of() {
    case $1 in
    validating) echo validatingwebhookconfigurations.v1.admissionregistration.k8s.io ;;
    mutating) echo mutatingwebhookconfigurations.v1.admissionregistration.k8s.io ;;
    crd) echo customresourcedefinitions.v1.apiextensions.k8s.io ;;
    api-service) echo apiservices.v1.apiregistration.k8s.io ;;
    esac
}

# The API server verifies a webhook, the conversion of a CRD and an aggregated API by its caBundle alone. Where the cluster's
# CA stands there, both stand there in phases 1 and 2. What else stands there stays.
step_ca_bundles() {
    [ -n "$OLD_CA" ] || return 0
    bundles=0 waiting=''
    for kind in validating mutating crd api-service; do
        client='{{"\n"}}client - 0 {{.metadata.resourceVersion}} '$kind'/{{.metadata.name}}{{"\n"}}'
        case $kind in
        crd) client=$client'{{with .spec.conversion}}{{with .webhook}}{{with .clientConfig.caBundle}}{{base64decode .}}{{end}}{{end}}{{end}}' ;;
        api-service) client=$client'{{with .spec.caBundle}}{{base64decode .}}{{end}}' ;;
        *)
            client='{{$object := .}}{{range $index, $webhook := .webhooks}}{{"\n"}}client {{$webhook.name}} {{$index}} {{$object.metadata.resourceVersion}} '$kind'/{{$object.metadata.name}}{{"\n"}}{{with $webhook.clientConfig.caBundle}}{{base64decode .}}{{end}}{{end}}'
            ;;
        esac
        found=$(ask get "$(resource_of $kind)" -o "go-template={{range .items}}$client{{end}}{{\"\\n\"}}") || unread
        of='' text='' object='' patch=''
        while IFS= read -r line_of_bundle; do
            case $line_of_bundle in
            'client '*)
                note_bundle
                of=${line_of_bundle#client } text=''
                ;;
            *) text=$text$line_of_bundle$LF ;;
            esac
        done <<TEXT
$found
TEXT
        note_bundle
        write_bundles
    done
    [ $bundles -gt 0 ] || say 'caBundles: none holds the CA of the cluster'
    [ -z "$waiting" ] || first "caBundles hold the old CA still:$waiting$LF  once their servers have certificates of the new CA, run this with --servers-renewed"
}

note_bundle() {
    [ -n "$of" ] || return 0
    webhook=${of%% *} rest_of=${of#* }
    index=${rest_of%% *} rest_of=${rest_of#* }
    version=${rest_of%% *} name=${rest_of#* }
    of=''
    judge "$text" "$OLD_CA" "$NEW_CA"
    [ -n "$HAS_OLD$HAS_NEW" ] || return 0
    bundles=$((bundles + 1))
    label="caBundle of $name"
    [ "$webhook" = - ] || label="$label $webhook"
    held
    if [ -n "$BEFORE" ] && [ "$PHASE" = 3 ]; then
        [ -n "$SERVERS_RENEWED" ] || waiting="$waiting$LF  $label"
        return 0
    fi
    if is_right; then
        say "$label: unchanged, it holds $TRUSTED"
        return 0
    fi
    if [ "$PHASE" = 3 ] && [ -z "$SERVERS_RENEWED" ]; then
        waiting="$waiting$LF  $label"
        return 0
    fi
    changes "$label" written 'would be written' "it held $HELD" || return 0
    read_pem "$OLD_CA"
    known=$BODIES
    read_pem "$NEW_CA"
    known="$known$BODIES"
    read_pem "$text"
    new_text=$TRUST
    for one in $BODIES; do
        case $known in
        *" $one "*) ;;
        *) new_text="$new_text-----BEGIN CERTIFICATE-----$LF$one$LF-----END CERTIFICATE-----$LF" ;;
        esac
    done
    encode "$new_text"
    [ "$name" = "$object" ] || write_bundles
    if [ -z "$patch" ]; then
        # Another writer in between is refused, and the next run does it.
        object=$name patch='{"op":"test","path":"/metadata/resourceVersion","value":"'$version'"}'
    fi
    case $name in
    crd/*) path=/spec/conversion/webhook/clientConfig ;;
    api-service/*) path=/spec ;;
    *) path=/webhooks/$index/clientConfig ;;
    esac
    patch="$patch,"'{"op":"add","path":"'$path'/caBundle","value":"'$ENCODED'"}'
}

write_bundles() {
    [ -n "$patch" ] || return 0
    ask patch "$(resource_of "${object%%/*}")" "${object#*/}" --type=json -p "[$patch]" -o name >/dev/null ||
        first "kubectl could not change $object; what it said stands above, and when it changed meanwhile, run this again"
    patch=''
}

# ---------------------------------------------------------------------------------------------------------------------
# What else holds a CA of the cluster

# Only said: whoever wrote it writes it anew. A Secret with a kubeconfig is named, and not read: there are keys in it.
step_copies() {
    [ -n "$OLD_CA" ] || return 0
    found=$(ask get configmaps --all-namespaces -o 'go-template={{range .items}}{{if not (or (eq .metadata.name "kube-root-ca.crt") (eq .metadata.name "cluster-info") (eq .metadata.name "extension-apiserver-authentication"))}}copy ConfigMap {{.metadata.namespace}}/{{.metadata.name}}{{"\n"}}{{range .data}}{{.}}{{"\n"}}{{end}}{{end}}{{end}}') || unread
    secrets=$(ask get secrets --all-namespaces -o 'go-template={{range .items}}{{if ne .type "kubernetes.io/service-account-token"}}copy Secret {{.metadata.namespace}}/{{.metadata.name}}{{"\n"}}{{range $key, $value := .data}}{{if eq $key "ca.crt"}}{{base64decode $value}}{{"\n"}}{{else if or (eq $key "kubeconfig") (eq $key "kubeconfig.conf") (eq $key "config") (eq $key "value")}}may hold a kubeconfig{{"\n"}}{{end}}{{end}}{{end}}{{end}}') || unread
    of='' text='' unread_secrets=''
    while IFS= read -r line_of_copy; do
        case $line_of_copy in
        'copy ConfigMap '* | 'copy Secret '*)
            note_copy
            of=${line_of_copy#copy } text=''
            ;;
        'may hold a kubeconfig') unread_secrets="$unread_secrets ${of#Secret }" ;;
        *'certificate-authority-data: '*)
            decode "${line_of_copy##*'certificate-authority-data: '}"
            text=$text$DECODED$LF
            ;;
        *) text=$text$line_of_copy$LF ;;
        esac
    done <<TEXT
$found
$secrets
TEXT
    note_copy
    [ -z "$unread_secrets" ] || say "Secrets that may hold a kubeconfig, not read, because there are keys in it; look at their CA:$unread_secrets"
}

note_copy() {
    [ -n "$of" ] || return 0
    case $text in
    *'-----BEGIN CERTIFICATE-----'*) ;;
    *) return 0 ;;
    esac
    judge "$text" "$OLD_CA" "$NEW_CA"
    [ -n "$HAS_OLD$HAS_NEW" ] && ! is_right || return 0
    held
    say "$of: holds $HELD, and should hold $TRUSTED; whoever wrote it writes it anew"
}

# Holds what every API server says, and forgets nothing. Source: kubernetes issue 82429. The scheduler, the controller
# manager and aggregated API servers let clients of every CA in it in.
step_client_cas() {
    [ -n "$OLD_CA$OLD_FRONT_PROXY_CA" ] || return 0
    look_at_client_cas
    [ -n "$unwanted" ] || {
        say "extension-apiserver-authentication: unchanged, $UNWANTED is not in it"
        return 0
    }
    changes extension-apiserver-authentication deleted 'would be deleted' "$UNWANTED was in it" || return 0
    ask --namespace kube-system delete configmap extension-apiserver-authentication --wait=false -o name >/dev/null || {
        first 'kubectl could not delete extension-apiserver-authentication; what it said stands above'
        return 0
    }
    WAITED=0
    while :; do
        look_at_client_cas
        [ -z "$found" ] || break
        wait_more || break
    done
    if [ -z "$found" ]; then
        first 'extension-apiserver-authentication is not there again: does kube-apiserver run?'
    elif [ -n "$unwanted" ]; then
        first "extension-apiserver-authentication holds $UNWANTED again: an API server still trusts it, or has not been restarted"
    else
        say "extension-apiserver-authentication: made anew without $UNWANTED"
    fi
}

look_at_client_cas() {
    found=$(ask --namespace kube-system get configmap extension-apiserver-authentication --ignore-not-found -o 'go-template={{range .data}}{{.}}{{"\n"}}{{end}}') || unread
    unwanted=''
    look_for_unwanted "$OLD_CA" "$NEW_CA"
    look_for_unwanted "$OLD_FRONT_PROXY_CA" "$NEW_FRONT_PROXY_CA"
}

look_for_unwanted() { # <old certificate> <new certificate>
    judge "$found" "$1" "$2"
    if [ -z "$WANT_OLD" ] && [ -n "$HAS_OLD" ]; then unwanted=1; fi
    if [ -z "$WANT_NEW" ] && [ -n "$HAS_NEW" ]; then unwanted=1; fi
}

# kubeadm would give a control plane that joins the CAs that it was made from.
step_kubeadm_certs() {
    found=$(ask --namespace kube-system get secret kubeadm-certs --ignore-not-found -o name) || unread
    [ -n "$found" ] || return 0
    changes kubeadm-certs deleted 'would be deleted' 'it holds CAs from before' || return 0
    ask --namespace kube-system delete secret kubeadm-certs --wait=false -o name >/dev/null ||
        first 'kubectl could not delete the Secret kubeadm-certs; what it said stands above'
}
