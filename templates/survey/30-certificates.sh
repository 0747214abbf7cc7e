# ---------------------------------------------------------------------------------------------------------------------
# Certificates and keys

# Runs awk, with these arguments, on the file REAL, or on what its field FIELD holds.
scan() {
    if [ -n "$FIELD" ]; then
        flat "$ROOT/$REAL" | awk -v field="$FIELD" "$AWK_FIELD" | openssl base64 -d 2>/dev/null | awk "$@"
    else
        awk "$@" "$ROOT/$REAL"
    fi
}

block() { # <number>
    scan -v wanted="$1" "$AWK_BLOCK"
}

# The SHA-256 of nothing, which is what a program that fails prints.
NOTHING=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855

# Reads the blocks of a file or field into CERTIFICATES, PRIVATE_KEYS and PUBLIC_KEYS, in the form of the survey.
read_blocks() {
    CERTIFICATES='' PRIVATE_KEYS='' PUBLIC_KEYS='' found=''
    for entry in $(scan "$AWK_BLOCKS"); do
        number=${entry%%:*}
        [ "${entry#*:}" != other ] || continue
        found=yes
        case ${entry#*:} in
            certificates)
                pem=$(block "$number" | openssl x509 2>/dev/null)
                add_pem CERTIFICATES "$pem" 'holds a certificate that cannot be read'
                ;;
            private_keys)
                hash=$(block "$number" | openssl pkey -passin pass: -pubout -outform DER 2>/dev/null | sha256sum)
                hash=${hash%% *}
                if [ "$hash" = "$NOTHING" ]; then
                    unread "$REAL" 'holds a private key that cannot be read'
                else
                    PRIVATE_KEYS=$PRIVATE_KEYS${PRIVATE_KEYS:+, }\"$hash\"
                fi
                ;;
            public_keys | rsa)
                set -- pkey -pubin -pubout
                [ "${entry#*:}" = public_keys ] || set -- rsa -RSAPublicKey_in -pubout
                pem=$(block "$number" | openssl "$@" 2>/dev/null)
                add_pem PUBLIC_KEYS "$pem" 'holds a public key that cannot be read'
                ;;
            many) unread "$REAL" 'holds more than 512 blocks' ;;
            sealed) unread "$REAL" 'holds a private key under a passphrase' ;;
            unknown) unread "$REAL" 'holds a private key that cannot be read' ;;
        esac
    done
    [ -n "$found" ] || unread "$REAL" 'holds no certificate and no key as PEM'
}

add_pem() { # <CERTIFICATES or PUBLIC_KEYS> <PEM> <what is said if there is none>
    case $2 in
        '-----BEGIN '*) ;;
        *)
            unread "$REAL" "$3"
            return 0
            ;;
    esac
    added="\"\"\"$LF$2$LF\"\"\",$LF"
    if [ "$1" = CERTIFICATES ]; then CERTIFICATES=$CERTIFICATES$added; else PUBLIC_KEYS=$PUBLIC_KEYS$added; fi
}

# What was read, as lines of the survey.
print_blocks() { # <certificates, private_keys, public_keys>...
    for kind in "$@"; do
        case $kind in
            certificates) [ -z "$CERTIFICATES" ] || printf 'certificates = [\n%s]\n' "$CERTIFICATES" ;;
            private_keys) [ -z "$PRIVATE_KEYS" ] || printf 'private_keys = [%s]\n' "$PRIVATE_KEYS" ;;
            public_keys) [ -z "$PUBLIC_KEYS" ] || printf 'public_keys = [\n%s]\n' "$PUBLIC_KEYS" ;;
        esac
    done
}

# Path, mode and owner of REAL, by FACTS.
rights() {
    # shellcheck disable=SC2086 # Four words.
    set -- $FACTS
    printf 'path = %s\nmode = "%04d"\nowner = %s\ngroup = %s\n' "$(quoted "$REAL")" "$2" "$3" "$4"
}

file() { # <path without links> <pem or opaque>
    REAL=$1 FIELD=''
    if [ "$2" = opaque ]; then
        if [ ! -e "$ROOT/$REAL" ]; then
            unread "$REAL" 'nothing is there'
        else
            look
            FILES="$FILES${LF}[[file]]$LF$(rights)$LF"
        fi
        return 0
    fi
    is_readable || return 0
    read_blocks
    text=$(print_blocks certificates private_keys public_keys)
    FILES="$FILES${LF}[[file]]$LF$(rights)$LF$text${text:+$LF}"
}

kubeconfig() { # <path without links>
    REAL=$1 FIELD='' folder=''
    is_readable || return 0
    is_yaml || return 0
    case $REAL in */*) folder=${REAL%/*} ;; esac
    written=$(flat "$ROOT/$REAL" | awk -v folder="$folder" "$AWK_TABLES$AWK_KUBECONFIG")
    case $? in
        0) ;;
        4)
            unread "$REAL" 'not a kubeconfig'
            return 0
            ;;
        *)
            unread "$REAL" 'YAML in a form that only certferry reads'
            return 0
            ;;
    esac
    KUBECONFIGS="$KUBECONFIGS${LF}[[kubeconfig]]$LF$(rights)$LF"
    each "$written" kubeconfig_line
}

kubeconfig_line() {
    case $1 in
        'T '*) KUBECONFIGS=$KUBECONFIGS${1#T }$LF ;;
        'U '*) unread "$REAL" "${1#U }" ;;
        'D '*)
            FIELD=${1##* }
            if [ -z "$(scan '{ print "x"; exit }')" ]; then
                unread "$REAL" 'holds base64 that cannot be read'
            else
                read_blocks
                kind=${1#D }
                text=$(print_blocks "${kind%% *}")
                KUBECONFIGS=$KUBECONFIGS$text${text:+$LF}
            fi
            FIELD=''
            ;;
        *) note "$1" ;;
    esac
}

# The last common name of the first certificate.
common_name() {
    block "$(scan "$AWK_BLOCKS" | awk -F: '$2 == "certificates" { print $1; exit }')" | openssl x509 -noout -subject -nameopt multiline 2>/dev/null |
        awk '/^ *commonName *= / { sub(/^ *commonName *= /, ""); name = $0 } END { print name }'
}

