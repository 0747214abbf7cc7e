# ---------------------------------------------------------------------------------------------------------------------
# The archive, before anything is unpacked

# Where the gzip members end, and what each says it holds: one line `member BYTES` each, from the hex dump of the file.
# Ten bytes begin a member, as in no other gzip; that they stand within compressed data by chance has odds of 2^-80, and
# then the boundaries do not fit the archive, and it is refused.
members_of() {
    od -An -v -tx1 <"$1" | awk "$AWK_FACTS$AWK_MEMBERS"
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

# Looks at every header of the archive; the result is in GATE, of which FOUND has what `found` says, and ENTRIES the entries.
# Nothing is written.
look_through() {
    members=$(members_of "$1") || gate_refuses "$1" "$members"
    GATE=$(
        {
            printf '%s\n--\n' "$members"
            gzip -dc <"$1" 2>/dev/null | od -An -v -tx1
        } | gate "$2" 1
    ) || gate_refuses "$1" "$GATE"
    FOUND=$(printf '%s\n' "$GATE" | awk '$1 != "part" && $1 != "entry"')
    ENTRIES=$(only_entries "$GATE")
    # The checksum and the length of each member. After the gate, which would not read a gigabyte of zeros.
    gzip -t <"$1" >/dev/null 2>&1 || gate_refuses "$1" "refused its compressed data is damaged"
}

gate_refuses() {
    reason=$(printf '%s\n' "$2" | awk '/^refused / { print substr($0, 9); exit }')
    [ -n "$reason" ] || cannot "cannot look through $1: awk failed"
    refuse "$1 is refused: $reason" "nothing was changed; carry the bundle again"
}

# So many bytes of the unpacked archive, or of a file, from an offset.
cut_out() {
    gzip -dc <"$BUNDLE" 2>/dev/null | tail -c "+$(($1 + 1))" | head -c "$2"
}

cut_from() {
    tail -c "+$(($2 + 1))" <"$1" | head -c "$3"
}

