# ---------------------------------------------------------------------------------------------------------------------
# Files below the root

# A line for each fact that was found: `1 TEXT` of the survey's programs, `2 TEXT` of its configurations, `P KIND PATH`,
# `L PATH TAB TARGET`, `U PATH TAB REASON`, `N PROGRAM FLAG TEXT`.
NOTES=
# The survey's tables of files and of kubeconfigs.
FILES=
KUBECONFIGS=

note() {
    NOTES=$NOTES$1$LF
}

unread() { # <path> <reason>
    note "U $1$TAB$2"
}

# The notes that begin with a word, without it.
notes() {
    printf '%s' "$NOTES" | awk -v word="$1" 'index($0, word " ") == 1 { print substr($0, length(word) + 2) }'
}

# A text as a basic string of TOML.
quoted() {
    case $1 in
        *[!A-Za-z0-9/._:@+=~%-]*) printf '%s\n' "$1" | awk "$AWK_QUOTED"'{ print quoted($0) }' ;;
        *) printf '"%s"\n' "$1" ;;
    esac
}

# Finds the path without links to which a path leads below the root: REAL. Fails if the links are a circle.
follow() {
    ahead=$1 REAL='' links=0
    while [ -n "$ahead" ]; do
        step=${ahead%%/*}
        case $ahead in
            */*) ahead=${ahead#*/} ;;
            *) ahead='' ;;
        esac
        case $step in
            '' | .) continue ;;
            ..)
                case $REAL in
                    */*) REAL=${REAL%/*} ;;
                    *) REAL='' ;;
                esac
                continue
                ;;
        esac
        here=${REAL:+$REAL/}$step
        if [ -L "$ROOT/$here" ]; then
            links=$((links + 1))
            [ "$links" -le 40 ] || return 1
            target=$(readlink "$ROOT/$here")
            case $target in /*) REAL='' ;; esac
            ahead=$target${ahead:+/$ahead}
        else
            REAL=$here
        fi
    done
}

# Follows a path, notes a link, and leaves in REAL where it leads. Fails, and notes why, if that is nowhere.
lead() {
    if ! follow "$1"; then
        unread "$1" 'a circle of links'
        return 1
    fi
    [ "$REAL" = "$1" ] || note "L $1$TAB$REAL"
}

# Size, mode and owner of REAL: FACTS.
look() {
    FACTS=$(stat -c '%s %a %u %g' "$ROOT/$REAL")
}

# Whether a file can be read whole, REAL; else it notes why.
is_readable() {
    if [ ! -e "$ROOT/$REAL" ]; then
        unread "$REAL" 'nothing is there'
    elif [ ! -f "$ROOT/$REAL" ]; then
        unread "$REAL" 'not a regular file'
    elif [ ! -r "$ROOT/$REAL" ]; then
        unread "$REAL" 'permission denied'
    elif look && [ "${FACTS%% *}" -gt 4194304 ]; then
        unread "$REAL" 'larger than 4194304 bytes'
    else
        return 0
    fi
    return 1
}

# Whether a path leads to a file that may be read, REAL.
is_plain() {
    follow "$1" && [ -f "$ROOT/$REAL" ] && [ -r "$ROOT/$REAL" ]
}

# Whether a path leads to a folder.
is_folder() {
    follow "$1" && [ -d "$ROOT/$REAL" ]
}

# Whether there is a file, or something else that should be one, by a path that may lead over links. Then REAL can be read.
is_there() {
    follow "${1%/*}" || return 1
    [ -e "$ROOT/$REAL/${1##*/}" ] || [ -L "$ROOT/$REAL/${1##*/}" ] || return 1
    lead "$1" && is_readable
}

# The paths of all that is in a folder, in lines of ENTRIES.
entries() {
    ENTRIES='' count=0
    follow "$1" || return 0
    folder=$ROOT/$REAL
    [ -d "$folder" ] || return 0
    if [ ! -r "$folder" ] || [ ! -x "$folder" ]; then
        unread "$1" 'permission denied'
        return 0
    fi
    for entry in "$folder"/* "$folder"/.[!.]* "$folder"/..?*; do
        [ -e "$entry" ] || [ -L "$entry" ] || continue
        count=$((count + 1))
        if [ "$count" -gt 4096 ]; then
            unread "$1" 'more than 4096 entries'
            ENTRIES=
            return 0
        fi
        case $entry in
            *"$LF"*) unread "$1" 'holds a name with a line break' ;;
            *) ENTRIES=$ENTRIES$1/${entry##*/}$LF ;;
        esac
    done
}

# Notes the certificates and keys below a folder.
below() { # <folder> <depth>
    entries "$1"
    inside=$ENTRIES
    seen=$((seen + count))
    if [ "$seen" -gt 4096 ]; then
        unread "$top" 'more than 4096 entries'
        return 0
    fi
    each "$inside" below_entry "$2"
}

below_entry() { # <path> <depth>
    if [ "$2" -lt 8 ] && is_folder "$1"; then
        below "$1" $(($2 + 1))
    else
        note_pem "$1"
    fi
}

note_pem() {
    case $1 in *.crt | *.key | *.pub | *.pem) note "P pem $1" ;; esac
}

# Calls a function for each line of a text, with what follows.
each() { # <lines> <function> ...
    lines=$1
    shift
    while [ -n "$lines" ]; do
        line=${lines%%"$LF"*}
        case $lines in
            *"$LF"*) lines=${lines#*"$LF"} ;;
            *) lines='' ;;
        esac
        [ -n "$line" ] || continue
        # What is called may call this.
        set -- "$lines" "$@"
        call "$line" "$@"
        lines=$1
        shift
    done
}

call() { # <line> <rest of the lines> <function> ...
    called=$1
    shift 2
    function=$1
    shift
    "$function" "$called" "$@"
}

# Notes lines that a program wrote: `T` for the part of the survey, `P`, `U` and `N` as they are.
note_written() { # <part> <lines>
    NOTES=$NOTES$(printf '%s\n' "$2" | awk -v part="$1" '/^T / { print part substr($0, 2); next } $0 != "" { print }')$LF
}

