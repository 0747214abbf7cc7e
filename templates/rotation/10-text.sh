
# ---------------------------------------------------------------------------------------------------------------------
# Text: PEM, base64, JSON

LF='
'
CR=$(printf '\r')
DIGITS64='A B C D E F G H I J K L M N O P Q R S T U V W X Y Z a b c d e f g h i j k l m n o p q r s t u v w x y z 0 1 2 3 4 5 6 7 8 9 + /'
# From the blank to the tilde.
PRINTABLE=" !\"#\$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_\`abcdefghijklmnopqrstuvwxyz{|}~"

# Keeps in BODIES the base64 of every certificate of a text in PEM, however it is indented.
read_pem() { # <text>
    BODIES='' body='' inside=''
    while read -r line || [ -n "$line" ]; do
        line=${line%"$CR"}
        case $line in
        *'-----BEGIN CERTIFICATE-----') inside=1 body='' ;;
        '-----END CERTIFICATE-----'*) BODIES="$BODIES $body" inside='' ;;
        *) [ -z "$inside" ] || body=$body$line ;;
        esac
    done <<TEXT
$1
TEXT
    BODIES="$BODIES "
}

# Sets HAS_OLD, HAS_NEW and HAS_OTHER by the certificates of a text in PEM.
judge() { # <text> <old certificate> <new certificate>
    judged_text=$1
    read_pem "$2"
    old_body=$BODIES
    read_pem "$3"
    new_body=$BODIES
    read_pem "$judged_text"
    HAS_OLD='' HAS_NEW='' HAS_OTHER=''
    for one in $BODIES; do
        case " $one " in
        "$old_body") HAS_OLD=1 ;;
        "$new_body") HAS_NEW=1 ;;
        *) HAS_OTHER=1 ;;
        esac
    done
}

# What was judged, for a person.
held() {
    case $HAS_OLD$HAS_NEW in
    11) HELD='both CAs' ;;
    1) [ -n "$HAS_OLD" ] && HELD='the old CA alone' || HELD='the new CA alone' ;;
    *) [ -n "$HAS_OTHER" ] && HELD='another CA' || HELD='no CA' ;;
    esac
}

# Whether what was judged is what everybody trusts in this phase.
is_right() {
    [ "$HAS_OLD" = "$WANT_OLD" ] && [ "$HAS_NEW" = "$WANT_NEW" ]
}

# Keeps in ENCODED the base64 of a text of ASCII.
encode() { # <text>
    ENCODED='' carry=''
    rest=$1
    while [ -n "$rest" ]; do
        line=${rest%%"$LF"*}
        if [ "$line" = "$rest" ]; then rest=''; else
            rest=${rest#*"$LF"}
            line=$line$LF
        fi
        carry=$carry$line
        while [ ${#carry} -ge 3 ] || { [ -z "$rest" ] && [ -n "$carry" ]; }; do
            group='' size=0
            while [ -n "$carry" ] && [ $size -lt 3 ]; do
                after=${carry#?}
                code_of "${carry%"$after"}"
                group="$group $CODE" size=$((size + 1)) carry=$after
            done
            # shellcheck disable=SC2086
            encode_group $size $group 0 0
        done
    done
}

encode_group() { # <how many are characters> <code> <code> <code>...
    number=$((($2 << 16) + ($3 << 8) + $4)) kept=$1
    # shellcheck disable=SC2086
    set -- $DIGITS64
    eval "ENCODED=\$ENCODED\${$(((number >> 18) + 1))}\${$((((number >> 12) & 63) + 1))}"
    case $kept in
    1) ENCODED=$ENCODED== ;;
    2) eval "ENCODED=\$ENCODED\${$((((number >> 6) & 63) + 1))}=" ;;
    *) eval "ENCODED=\$ENCODED\${$((((number >> 6) & 63) + 1))}\${$(((number & 63) + 1))}" ;;
    esac
}

code_of() { # <character>
    case $1 in
    "$LF") CODE=10 ;;
    *)
        before=${PRINTABLE%%"$1"*}
        CODE=$((${#before} + 32))
        ;;
    esac
}

# Keeps in DECODED the text of ASCII that base64 stands for. What is none has a question mark.
decode() { # <base64>
    DECODED='' number=0 bits=0
    rest=${1%%=*}
    alphabet=$DIGITS64
    while [ -n "$rest" ]; do
        after=${rest#?}
        before=${alphabet%%"${rest%"$after"}"*}
        rest=$after
        number=$(((number << 6 | ${#before} / 2) & 65535)) bits=$((bits + 6))
        [ $bits -ge 8 ] || continue
        bits=$((bits - 8))
        character_of $((number >> bits & 255))
        DECODED=$DECODED$CHARACTER
    done
}

character_of() { # <code>
    case $1 in
    10 | 13) CHARACTER=$LF ;;
    *)
        CHARACTER=\?
        [ "$1" -ge 32 ] && [ "$1" -le 126 ] || return 0
        skipped=$(($1 - 32)) tail=$PRINTABLE
        while [ $skipped -ge 8 ]; do tail=${tail#????????} skipped=$((skipped - 8)); done
        while [ $skipped -gt 0 ]; do tail=${tail#?} skipped=$((skipped - 1)); done
        CHARACTER=${tail%"${tail#?}"}
        ;;
    esac
}

# Keeps in QUOTED a text as JSON has it between quotation marks.
quote_json() { # <text>
    QUOTED='' rest=$1
    while [ -n "$rest" ]; do
        plain=${rest%%[\\\""$LF"	]*}
        QUOTED=$QUOTED$plain
        rest=${rest#"$plain"}
        case $rest in
        '') ;;
        \\*) QUOTED="$QUOTED\\\\" ;;
        \"*) QUOTED="$QUOTED\\\"" ;;
        "$LF"*) QUOTED="$QUOTED\\n" ;;
        *) QUOTED="$QUOTED\\t" ;;
        esac
        rest=${rest#?}
    done
}

# Keeps in DIGITS those of a time such as 2026-11-30T22:50:30Z, as a number.
digits_of() { # <time>
    DIGITS='' rest=$1
    while [ -n "$rest" ]; do
        after=${rest#?}
        case $rest in
        [0-9]*) DIGITS=$DIGITS${rest%"$after"} ;;
        esac
        rest=$after
    done
}

# Keeps in SECONDS_OLD what kubectl means by an age such as 2d3h, 45m or 119s.
seconds_of() { # <age>
    SECONDS_OLD=0 number='' rest=$1
    while [ -n "$rest" ]; do
        after=${rest#?}
        case $rest in
        [0-9]*) number=$number${rest%"$after"} ;;
        y*) SECONDS_OLD=$((SECONDS_OLD + number * 31536000)) number='' ;;
        d*) SECONDS_OLD=$((SECONDS_OLD + number * 86400)) number='' ;;
        h*) SECONDS_OLD=$((SECONDS_OLD + number * 3600)) number='' ;;
        m*) SECONDS_OLD=$((SECONDS_OLD + number * 60)) number='' ;;
        s*) SECONDS_OLD=$((SECONDS_OLD + number)) number='' ;;
        *) SECONDS_OLD=0 rest=x after='' ;;
        esac
        rest=$after
    done
}

# ---------------------------------------------------------------------------------------------------------------------
# The cluster, and what is said

# kubectl with the arguments that this script was given.
ask() { # <kubectl's arguments>
    eval "kubectl $ARGUMENTS"' "$@"' </dev/null
}

unread() {
    cannot 'kubectl could not read the cluster; what it said stands above' \
        'this needs the rights of an administrator; kubectl takes its usual arguments here, such as `--kubeconfig FILE`'
}

say() {
    printf '%s\n' "$1"
}

# Something that must be done before the phase is complete.
first() {
    printf 'first: %s\n' "$1"
    LEFT=$((LEFT + 1))
}

# The word for something that is changed, and whether it is.
changes() { # <what> <the word> <what it would be> [more]
    if [ -n "$BEFORE" ]; then
        first "$1: $3${4:+, $4}; phase-$STATE.sh does it"
        return 1
    fi
    if [ -n "$DRY_RUN" ]; then
        say "$1: $3${4:+, $4}"
        return 1
    fi
    say "$1: $2${4:+, $4}"
}

# Sleeps a little, and fails when the time is over. WAITED is how long it was.
wait_more() {
    [ -z "$DRY_RUN" ] && [ "$WAITED" -lt "$WAIT" ] || return 1
    sleep 2
    WAITED=$((WAITED + 2))
}
