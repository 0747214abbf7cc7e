# ---------------------------------------------------------------------------------------------------------------------
# What the cluster has

# The resource of a kind, with the version that has the fields below.
resource_of() {
    case $1 in
    validating) echo validatingwebhookconfigurations.v1.admissionregistration.k8s.io ;;
    mutating) echo mutatingwebhookconfigurations.v1.admissionregistration.k8s.io ;;
    crd) echo customresourcedefinitions.v1.apiextensions.k8s.io ;;
    api-service) echo apiservices.v1.apiregistration.k8s.io ;;
    esac
}

# Prints a line `object KIND/NAME` for each object and a line `client NAME NAMESPACE/SERVICE =CABUNDLE` for each client
# that it configures, a webhook with its name, then a line `lax NAME =INSECURE` for each APIService.
#
# Each line begins with the line break, not ends with it: kubectl 1.22.0 leaves out what follows a missing field.
read_cluster() { # <kubectl's arguments>
    for kind in validating mutating crd api-service; do
        config=.clientConfig
        case $kind in
        crd) config=.spec.conversion.webhook.clientConfig ;;
        api-service) config=.spec ;;
        esac
        client="{$config.service.namespace}/{$config.service.name} ={$config.caBundle}"
        case $kind in
        crd) client='{"\nclient - "}'$client ;;
        api-service) client='{"\nclient - "}'$client ;;
        *) client='{range .webhooks[*]}{"\nclient "}{.name} '$client'{end}' ;;
        esac
        kubectl "$@" get "$(resource_of "$kind")" -o \
            'jsonpath={range .items[*]}{"\nobject "}'"$kind"'/{.metadata.name}'"$client"'{end}{"\n"}' || return 1
    done
    kubectl "$@" get "$(resource_of api-service)" -o \
        'jsonpath={range .items[*]}{"\nlax "}{.metadata.name} ={.spec.insecureSkipTLSVerify}{end}{"\n"}'
}

# Keeps in FOUND a line `KIND/NAME INDEX WEBHOOK =CABUNDLE` for each client of the Service, counts them in COUNT, and keeps
# all objects in OBJECTS, those that have such a client in REACHED, the APIServices whose server nobody verifies in LAX,
# other Services of the namespace in NEIGHBOURS.
look() { # <kubectl's arguments>
    text=$(read_cluster "$@") || cannot 'kubectl could not read the cluster; what it said stands above' \
        'this needs the rights of an administrator; kubectl takes its usual arguments here, such as `--kubeconfig FILE`'
    FOUND='' COUNT=0 OBJECTS=' ' REACHED=' ' LAX=' ' NEIGHBOURS=' '
    object='' index=0
    while read -r row name service bundle; do
        case $row in
        object)
            object=$name index=0
            OBJECTS="$OBJECTS$object "
            ;;
        client)
            case $service in
            "$SERVICE")
                FOUND="$FOUND$object $index $name ${bundle:-=}$LF"
                COUNT=$((COUNT + 1))
                REACHED="$REACHED$object "
                ;;
            "${SERVICE%/*}/"?*)
                case $NEIGHBOURS in
                *" $service "*) ;;
                *) NEIGHBOURS="$NEIGHBOURS$service " ;;
                esac
                ;;
            esac
            index=$((index + 1))
            ;;
        lax) [ "$service" != =true ] || LAX="$LAX$name " ;;
        esac
    done <<TEXT
$text
TEXT
}

# Everything that the profile names must be there before anything is written.
expect() {
    missing=''
    for word in $EXPECTED; do
        case $REACHED in
        *" $word "*) continue ;;
        esac
        case $OBJECTS in
        *" $word "*) missing="$missing$LF  $word is there, but it is not reached through this Service" ;;
        *) missing="$missing$LF  there is no $word" ;;
        esac
    done
    [ -z "$missing" ] && [ "$COUNT" -gt 0 ] && return
    others=''
    [ "$NEIGHBOURS" = ' ' ] || others="; through other Services of the namespace others are reached:${NEIGHBOURS% }"
    hint="install what brings it first; its version decides which names there are$others"
    [ -z "$missing" ] || refuse "not everything that is expected is reached through $SERVICE:$missing" "$hint"
    refuse "nothing in this cluster is reached through $SERVICE" "$hint"
}

# ---------------------------------------------------------------------------------------------------------------------
# Writing

# Sends PATCH, which is for the object OBJECT.
write_patch() { # <kubectl's arguments>
    [ -n "$PATCH" ] || return 0
    # Its standard input is not the list that is being read.
    kubectl "$@" patch "$(resource_of "${OBJECT%%/*}")" "${OBJECT#*/}" --type=json -p "[$PATCH]" -o name \
        </dev/null >/dev/null ||
        say_error "kubectl could not change $OBJECT; what it said stands above" \
            'when the object changed meanwhile, run this again'
    PATCH=''
}

test_of() { # <path> <value>
    printf '{"op":"test","path":"%s","value":"%s"}' "$1" "$2"
}

# Writes the CA wherever it is not. A patch begins with tests: the API server refuses all of it unless at that place stands
# what was found there.
write_all() { # <kubectl's arguments>
    OBJECT='' PATCH=''
    while read -r object index name bundle; do
        [ -n "$object" ] && [ "$bundle" != "=$CA" ] || continue
        [ "$object" = "$OBJECT" ] && [ ${#PATCH} -lt "$LONGEST" ] || write_patch "$@"
        OBJECT=$object
        tests='' more=''
        case $object in
        crd/*) config=/spec/conversion/webhook/clientConfig ;;
        api-service/*)
            config=/spec
            # The API takes only one of the two.
            case $LAX in
            *" ${object#*/} "*) more=',{"op":"remove","path":"/spec/insecureSkipTLSVerify"}' ;;
            esac
            ;;
        *)
            config=/webhooks/$index/clientConfig
            tests=$(test_of "/webhooks/$index/name" "$name"),
            ;;
        esac
        tests="$tests$(test_of "$config/service/namespace" "${SERVICE%/*}"),"
        tests="$tests$(test_of "$config/service/name" "${SERVICE#*/}")"
        PATCH="${PATCH:+$PATCH,}$tests$more"',{"op":"add","path":"'"$config"'/caBundle","value":"'"$CA"'"}'
    done <<TEXT
$FOUND
TEXT
    write_patch "$@"
}

# ---------------------------------------------------------------------------------------------------------------------
# What is said

# One line for each client of the Service, as FOUND has them now; BEFORE is what it was when this began.
report() {
    GOOD=0 WRITTEN=0
    while read -r object index name bundle; do
        [ -n "$object" ] || continue
        label=$object
        [ "$name" = - ] || label="$object $name"
        # What it had.
        case "$LF$BEFORE" in
        *"$LF$object $index $name =$CA$LF"*) had='' ;;
        *"$LF$object $index $name =$LF"*) had='it had none' ;;
        *) had='it had another CA' ;;
        esac
        case $LAX_BEFORE in
        *" ${object#api-service/} "*) had="it was not verified; take insecureSkipTLSVerify out of its manifest, too" ;;
        esac
        if [ -z "$had" ]; then
            text=unchanged
            GOOD=$((GOOD + 1))
        elif [ -n "$DRY_RUN" ]; then
            text="would be written, $had"
            WRITTEN=$((WRITTEN + 1))
        elif [ "$bundle" = "=$CA" ]; then
            text="written, $had"
            GOOD=$((GOOD + 1)) WRITTEN=$((WRITTEN + 1))
        else
            text='NOT WRITTEN'
        fi
        printf '%s: %s\n' "$label" "$text"
    done <<TEXT
$FOUND
TEXT
}

main() {
    LF='
'
    DRY_RUN=''
    for argument; do
        shift
        case $argument in
        --help | -h)
            usage
            exit 0
            ;;
        --dry-run) DRY_RUN=1 ;;
        --dry-run=*)
            say_error "this takes --dry-run without a value, not $argument" 'sh ca-bundles.sh --help'
            exit 2
            ;;
        *) set -- "$@" "$argument" ;;
        esac
    done
    command -v kubectl >/dev/null 2>&1 || cannot 'there is no kubectl here' \
        'run this where you administer the cluster from; it needs nothing else'

    look "$@"
    expect
    BEFORE=$FOUND LAX_BEFORE=$LAX before=$COUNT
    if [ -n "$DRY_RUN" ]; then
        report
        printf '%s reached through %s: %s would be written, %s unchanged; nothing was written\n' \
            "$COUNT" "$SERVICE" "$WRITTEN" "$GOOD"
        return
    fi
    write_all "$@"
    # What counts is what the API server has now.
    look "$@"
    report
    [ "$COUNT" = "$before" ] || refuse "the cluster changed meanwhile: $before were reached through $SERVICE, now $COUNT" \
        'run this again'
    [ "$GOOD" = "$COUNT" ] || refuse "$((COUNT - GOOD)) of $COUNT do not hold the CA" \
        'see above; what is written stays written, and the next run does the rest'
    printf '%s of %s reached through %s hold the CA: %s written, %s unchanged\n' \
        "$GOOD" "$COUNT" "$SERVICE" "$WRITTEN" "$((GOOD - WRITTEN))"
}

# All of it was read before any of it runs: a file that was cut short does nothing.
main "$@"
