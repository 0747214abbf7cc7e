
# ---------------------------------------------------------------------------------------------------------------------

read_arguments() {
    DRY_RUN='' BEFORE='' ALLOW_OUTSIDE='' RESTART_PODS='' RENEW_TOKENS='' SERVERS_RENEWED='' BACK='' WAIT=300 ARGUMENTS=''
    while [ $# -gt 0 ]; do
        case $1 in
        --help | -h)
            usage
            exit 0
            ;;
        --dry-run) DRY_RUN=1 ;;
        --before) BEFORE=1 DRY_RUN=1 ;;
        --allow-outside) ALLOW_OUTSIDE=1 ;;
        --restart-pods) RESTART_PODS=1 ;;
        --renew-tokens) RENEW_TOKENS=1 ;;
        --servers-renewed) SERVERS_RENEWED=1 ;;
        --back)
            [ "$PHASE" = 1 ] || cannot 'only phase-1.sh takes --back' "one phase back is the script of the phase before: sh phase-$((PHASE - 1)).sh"
            BACK=1
            ;;
        --dry-run=* | --before=* | --allow-outside=* | --restart-pods=* | --renew-tokens=* | --servers-renewed=* | --back=*)
            cannot "${1%%=*} takes no value" "sh phase-$PHASE.sh --help"
            ;;
        --wait)
            shift
            case ${1-} in
            '' | *[!0-9]*) cannot '--wait needs a number of seconds' "sh phase-$PHASE.sh --help" ;;
            esac
            WAIT=$1
            ;;
        *)
            argument=$1 quoted=''
            while :; do
                case $argument in
                *\'*) quoted="$quoted${argument%%\'*}'\\''" argument=${argument#*\'} ;;
                *) break ;;
                esac
            done
            ARGUMENTS="$ARGUMENTS '$quoted$argument'"
            ;;
        esac
        shift
    done
    [ -z "$BEFORE" ] || [ -z "$BACK" ] || cannot '--before and --back do not go together' "sh phase-$PHASE.sh --help"
}

# Sets what everybody trusts: of this phase, or with --before of the one before.
set_trust() {
    STATE=$PHASE
    [ -z "$BEFORE" ] || STATE=$((PHASE - 1))
    [ -z "$BACK" ] || STATE=0
    WANT_OLD='' WANT_NEW='' UNWANTED='' UNWANTED_TOKEN=''
    case $STATE in
    0) WANT_OLD=1 TRUST=$OLD_CA$LF TRUSTED='the old CA alone' UNWANTED='the new CA' UNWANTED_TOKEN=$NEW_TOKEN ;;
    1) WANT_OLD=1 WANT_NEW=1 TRUST=$OLD_CA$LF$NEW_CA$LF TRUSTED='both CAs' ;;
    2) WANT_OLD=1 WANT_NEW=1 TRUST=$NEW_CA$LF$OLD_CA$LF TRUSTED='both CAs' UNWANTED_TOKEN=$OLD_TOKEN ;;
    *) WANT_NEW=1 TRUST=$NEW_CA$LF TRUSTED='the new CA alone' UNWANTED='the old CA' UNWANTED_TOKEN=$OLD_TOKEN ;;
    esac
    encode "$TRUST"
    TRUST_BASE64=$ENCODED
}

main() {
    read_arguments "$@"
    command -v kubectl >/dev/null 2>&1 || cannot 'there is no kubectl here' \
        'run this where you administer the cluster from; it needs nothing else'
    set_trust
    LEFT=0 STOPPED=''
    if [ -z "$BACK" ]; then
        step_nodes
        step_requests
        # Nothing was changed yet.
        [ "$LEFT" = 0 ] || [ -n "$BEFORE" ] || finish
    fi
    if [ "$STATE" -gt 0 ] || [ -n "$BACK" ]; then
        step_root_ca
        [ -z "$STOPPED" ] || [ -n "$DRY_RUN" ] || finish
        step_token_secrets
        step_cluster_info
        step_ca_bundles
        step_copies
        [ -n "$BEFORE" ] || step_kubeadm_certs
        [ -n "$BEFORE" ] || step_marker
        step_pods
        [ -z "$UNWANTED" ] || [ -n "$BEFORE" ] || step_client_cas
        [ -z "$BEFORE" ] || [ "$PHASE" != 3 ] || step_bound_tokens
    fi
    finish
}

finish() {
    what="phase $PHASE"
    [ -z "$BACK" ] || what='the way back from phase 1'
    case $LEFT in
    0) ;;
    1) refuse "$what: 1 thing must be done first" 'the line above that begins with `first: ` says which; then run this again' ;;
    *) refuse "$what: $LEFT things must be done first" 'the lines above that begin with `first: ` say which; then run this again' ;;
    esac
    if [ -n "$BEFORE" ]; then
        say "$what may begin on the nodes"
    elif [ -n "$DRY_RUN" ]; then
        say "$what: nothing was changed"
    else
        say "$what is complete in the cluster"
    fi
    exit 0
}

# All of it was read before any of it runs: a file that was cut short does nothing.
main "$@"
