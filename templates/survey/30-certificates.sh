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

# The base64 of a block.
block() { # <number>
    scan -v wanted="$1" "$AWK_PEM"
}

# A block as PEM.
pem() { # <number> <label>
    printf -- '-----BEGIN %s-----\n%s\n-----END %s-----\n' "$2" "$(block "$1")" "$2"
}

# The base64 of PEM on one line.
packed() {
    awk '!/^-/ { line = line $0 } END { print line }'
}

# Whether the base64 of a SubjectPublicKeyInfo is that of a kind of key that certferry knows: P-256, P-384, P-521 with a point
# that is written out, Ed25519, and RSA with numbers of a usual size.
is_known() { # <base64>
    case $1 in
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE* | MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE*) ;;
        MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQ* | MCowBQYDK2VwAyEA*) ;;
        M*ANBgkqhkiG9w0BAQEFAAOC* | MIGfMA0GCSqGSIb3DQEBAQUAA4* | MIG?MA0GCSqGSIb3DQEBAQUAA4* | M??wDQYJKoZIhvcNAQEBBQAD*)
            printf '%s' "$1" | openssl base64 -d -A | openssl pkey -pubin -inform DER -noout -text 2>/dev/null |
                awk '/^ *Exponent: [0-9]/ { usual = 1 } /^ *(Modulus|Exponent):.*-/ { negative = 1 } END { exit !usual || negative }'
            ;;
        *) return 1 ;;
    esac
}

# The base64 of the SubjectPublicKeyInfo of a private key, which a curve gives anew: a file may say another one.
public_half() { # <number>
    half=$(block "$1" | openssl base64 -d | openssl pkey -inform DER -passin pass: -pubout 2>/dev/null | packed)
    case $half in
        M*BgcqhkjOPQIB* | M*GByqGSM49AgE* | M*YHKoZIzj0CAQ*)
            half=$(block "$1" | openssl base64 -d | openssl pkey -inform DER -passin pass: 2>/dev/null |
                openssl ec -no_public 2>/dev/null | openssl pkey -pubout 2>/dev/null | packed)
            ;;
    esac
    printf '%s\n' "$half"
}

# Reads the blocks of a file or field into CERTIFICATES, PRIVATE_KEYS and PUBLIC_KEYS, in the form of the survey.
read_blocks() {
    CERTIFICATES='' PRIVATE_KEYS='' PUBLIC_KEYS='' found=''
    for entry in $(scan -v wanted=0 "$AWK_PEM"); do
        number=${entry%%:*}
        [ "${entry#*:}" != other ] || continue
        found=yes
        case ${entry#*:} in
            certificates) CERTIFICATES=$CERTIFICATES"\"\"\"$LF$(pem "$number" CERTIFICATE)$LF\"\"\",$LF" ;;
            broken) unread "$REAL" 'holds a certificate that cannot be read' ;;
            private_keys)
                half=$(public_half "$number")
                if is_known "$half"; then
                    hash=$(printf '%s' "$half" | openssl base64 -d -A | sha256sum)
                    PRIVATE_KEYS=$PRIVATE_KEYS${PRIVATE_KEYS:+, }\"${hash%% *}\"
                else
                    unread "$REAL" 'holds a private key that cannot be read'
                fi
                ;;
            public_keys) add_public "$(block "$number" | packed)" -pubin ;;
            rsa) add_public '' -RSAPublicKey_in ;;
            broken_public) add_public '' '' ;;
            many) unread "$REAL" 'holds more than 512 blocks' ;;
            sealed) unread "$REAL" 'holds a private key under a passphrase' ;;
            unknown) unread "$REAL" 'holds a private key that cannot be read' ;;
        esac
    done
    [ -n "$found" ] || unread "$REAL" 'holds no certificate and no key as PEM'
}

# Adds the public key of the block `number`. One that openssl would write otherwise is not taken.
add_public() { # <its base64, if that has to stay> <how openssl reads it, or nothing if it cannot>
    case $2 in
        -pubin) text=$(block "$number" | openssl base64 -d | openssl pkey -inform DER -pubin -pubout 2>/dev/null) ;;
        -RSA*) text=$(block "$number" | openssl base64 -d | openssl rsa -inform DER -RSAPublicKey_in -pubout 2>/dev/null) ;;
        *) text='' ;;
    esac
    half=$(printf '%s\n' "$text" | packed)
    if is_known "$half" && [ "${1:-$half}" = "$half" ]; then
        PUBLIC_KEYS=$PUBLIC_KEYS"\"\"\"$LF$text$LF\"\"\",$LF"
    else
        unread "$REAL" 'holds a public key that cannot be read'
    fi
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
    none='not a kubeconfig'
    case $SURE in
        *"$LF$REAL$LF"*) ;;
        *)
            none='no kubeconfig, and nothing names it'
            if ! awk '/clusters|users/ { found = 1; exit } END { exit !found }' "$ROOT/$REAL"; then
                unread "$REAL" "$none"
                return 0
            fi
            ;;
    esac
    is_yaml || return 0
    case $REAL in */*) folder=${REAL%/*} ;; esac
    written=$(flat "$ROOT/$REAL" | awk -v folder="$folder" "$AWK_TABLES$AWK_KUBECONFIG")
    case $? in
        0) ;;
        4)
            unread "$REAL" "$none"
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
    first=$(scan -v wanted=0 "$AWK_PEM" | awk -F: '$2 == "certificates" { print $1; exit }')
    [ -n "$first" ] || return 0
    pem "$first" CERTIFICATE | openssl x509 -noout -subject -nameopt multiline 2>/dev/null |
        awk '/^ *commonName *= / { sub(/^ *commonName *= /, ""); name = $0 } END { print name }'
}

