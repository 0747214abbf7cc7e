# ---------------------------------------------------------------------------------------------------------------------
# The archive, before anything is unpacked

# The most lines of 64 letters that hold what came through a pipe: 64 MiB and some.
PIPE_LINES=1400000

# Takes the bundle from the standard input. It is read more than once, and a slice that was sealed must not lie on a disk in the
# clear: so it is held as text, in the memory of this shell.
take_pipe() {
    # As a program, printf would show it to every other user.
    case $(command -v printf) in
    /*) cannot 'the printf of this shell is a program of its own' 'run this with dash, bash or busybox sh, or give the bundle as a file' ;;
    esac
    PIPED=$(head -c $(((PIPE_LINES + 1) * 48)) | openssl base64 2>/dev/null)
    BUNDLE='the standard input'
    [ -n "$PIPED" ] || cannot 'nothing came through the standard input' 'what stands before the | says why'
    [ "${#PIPED}" -lt $((PIPE_LINES * 65)) ] || cannot "the standard input is longer than $((PIPE_LINES * 48)) bytes" \
        'give the bundle as a file, or a slice of it'
}

# The bytes of the bundle.
bundle_bytes() {
    if [ -n "$PIPED" ]; then
        printf '%s\n' "$PIPED" 2>/dev/null | openssl base64 -d
    else
        cat <"$BUNDLE"
    fi
}

# Where the gzip members end, and what each says it holds: one line `member BYTES` each, from the hex dump of the bundle.
# Ten bytes begin a member, as in no other gzip; that they stand within compressed data by chance has odds of 2^-80, and
# then the boundaries do not fit the archive, and it is refused.
members_of() {
    bundle_bytes | od -An -v -tx1 | awk "$AWK_FACTS$AWK_MEMBERS"
}

# Reads a tar stream as a hex dump, after lines `member BYTES` and one line `--`, and takes nothing that certferry would
# not have written: every header must be, byte for byte, what its own path, mode and size make it. Prints what it found,
# and each entry of the part of the node $1. With $2 = 0 the members are not known.
gate() {
    awk -v node="$1" -v check_members="$2" "$AWK_FACTS$AWK_NAMES$AWK_GATE"
}

# The words behind a key, WORDS, in a list of lines; nothing if no line begins with it. It takes no process, and a time that
# grows with the square of the list: only for short ones.
words_of() { # <list> <key>
    WORDS=
    case $LF$1 in
    *"$LF$2 "*)
        WORDS=$LF$1
        WORDS=${WORDS#*"$LF$2 "}
        WORDS=${WORDS%%"$LF"*}
        ;;
    esac
}

# What the gate found of the archive as a whole and of the part.
found() { # <key>
    words_of "$FOUND" "$1"
    printf '%s\n' "$WORDS"
}

# Looks at every header of the archive for the part of the node $1; the result is in GATE, of which FOUND has what `found` says,
# and ENTRIES the entries. Nothing is written.
look_through() {
    members=$(members_of) || gate_refuses "$BUNDLE" "$members"
    GATE=$(
        {
            printf '%s\n--\n' "$members"
            bundle_bytes | gzip -dc 2>/dev/null | od -An -v -tx1
        } | gate "$1" 1
    ) || gate_refuses "$BUNDLE" "$GATE"
    FOUND=$(printf '%s\n' "$GATE" | awk '$1 != "part" && $1 != "entry"')
    ENTRIES=$(only_entries "$GATE")
    # The checksum and the length of each member. After the gate, which would not read a gigabyte of zeros.
    bundle_bytes | gzip -t >/dev/null 2>&1 || gate_refuses "$BUNDLE" "refused its compressed data is damaged"
}

gate_refuses() {
    reason=$(printf '%s\n' "$2" | awk '/^refused / { print substr($0, 9); exit }')
    [ -n "$reason" ] || cannot "cannot look through $1: awk failed"
    refuse "$1 is refused: $reason" "nothing was changed; carry the bundle again"
}

# So many bytes of the unpacked archive, or of a file, from an offset.
cut_out() {
    bundle_bytes | gzip -dc 2>/dev/null | tail -c "+$(($1 + 1))" | head -c "$2"
}

cut_from() {
    tail -c "+$(($2 + 1))" <"$1" | head -c "$3"
}

