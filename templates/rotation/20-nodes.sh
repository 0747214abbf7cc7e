
# ---------------------------------------------------------------------------------------------------------------------
# Nodes, requests and clients that are not in the profile

# A node that the profile does not have is given no files: it trusts the old CA alone, and has a certificate of it.
step_nodes() {
    found=$(ask get nodes -o 'go-template={{range .items}}{{.metadata.name}}{{"\n"}}{{end}}') || unread
    outside='' absent='' all=' '
    for name in $found; do
        all="$all$name "
        case " $NODES " in
        *" $name "*) ;;
        *) outside="$outside $name" ;;
        esac
    done
    for name in $NODES; do
        case $all in
        *" $name "*) ;;
        *) absent="$absent $name" ;;
        esac
    done
    [ -z "$absent" ] || say "nodes: not in the cluster, so give them their files before they join:$absent"
    if [ -z "$outside" ]; then
        say 'nodes: all are in the profile'
    else
        outside "nodes: not in the profile:$outside"
    fi
}

# A request that is open would be signed by whichever CA signs when somebody approves it. A certificate that was issued
# through a request is of the old CA, and ends to work in phase 3. The cluster forgets requests after an hour or a day.
step_requests() {
    found=$(ask get certificatesigningrequests -o 'go-template={{range .items}}{{.metadata.name}}|{{.spec.username}}|{{.spec.signerName}}|{{if .status.certificate}}issued{{else if .status.conditions}}{{range .status.conditions}}{{.type}}{{end}}{{else}}pending{{end}}{{"\n"}}{{end}}') || unread
    open='' issued=''
    while IFS='|' read -r name user signer state; do
        case $state/$signer in
        pending/* | Approved/*) open="$open $name" ;;
        issued/kubernetes.io/kube-apiserver-client | issued/kubernetes.io/legacy-unknown | issued/'<no value>')
            issued="$issued$LF  $name, asked for by $user"
            ;;
        esac
    done <<TEXT
$found
TEXT
    [ -z "$open" ] || outside "certificate requests: open, approve or delete them:$open"
    [ -z "$issued" ] || outside "clients: certificates that were issued through requests, and end to work in phase 3:$issued"
    [ -n "$open$issued" ] || say 'certificate requests: none is open, and none of a client is kept'
}

# In phase 1 it is only said, and from phase 2 on it counts.
outside() { # <what>
    if [ "$PHASE" = 1 ] || [ -n "$ALLOW_OUTSIDE" ]; then
        say "$1"
    else
        first "$1"
    fi
}
