# ---------------------------------------------------------------------------------------------------------------------
# Records and the index

# Reads a record ($1 = record) or an index ($1 = index) from the file $2, in the one form that it has, and prints what it
# says, one thing on each line; of a record also the entries that it makes in an archive. Fails with `refused REASON`.
read_document() {
    size=$(wc -c <"$2") || return 1
    awk -v document="$1" -v size="$size" "$AWK_FACTS$AWK_NAMES$AWK_ADDRESSES$AWK_DOCUMENT" "$2"
}

# Of what read_document printed the values of which there is one: the short list that `said` takes.
single_values() { # <file>
    awk 'NF == 2 && $1 != "name" && $1 != "address"' "$1"
}

# One value of a document that was read.
said() { # <its single values> <key>
    words_of "$1" "$2"
    printf '%s\n' "$WORDS"
}

# The folder of certificates of a node is that of a record which was read: PKI, which is what the tables have without one.
take_pki() { # <its single values>
    pki=$(said "$1" certificates_dir)
    PKI=${pki:-$USUAL_PKI}
}

# A file of the tables, where it is on this node: IN_PKI.
in_pki() {
    case $1 in "$USUAL_PKI"/*) IN_PKI=$PKI${1#"$USUAL_PKI"} ;; *) IN_PKI=$1 ;; esac
}

# That of the generation in the first of these folders that has a record.
take_pki_of() { # <folder>...
    PKI=$USUAL_PKI
    for generation in "$@"; do
        [ -f "$generation/record.json" ] || continue
        about=$(read_document record "$generation/record.json") || continue
        pki_of "$about"
        return
    done
}

pki_of() { # <what a record says>
    PKI=$(printf '%s\n' "$1" | awk -v pki="$USUAL_PKI" '$1 == "certificates_dir" { pki = $2; exit } END { print pki }')
}

# Reads a signed document into a file of what it says.
take_document() { # <record|index> <file> <its name> <output>
    openssl dgst -sha256 -verify "$WORK/signer.pub" -signature "$2.sig" "$2" >/dev/null 2>&1 ||
        refuse "the signature of $3 does not hold" \
            "it was changed on its way, or another key signed it: compare the key with the one on paper"
    read_document "$1" "$2" >"$4" ||
        refuse "$3 is rightly signed but not valid: $(awk '/^refused / { print substr($0, 9); exit }' "$4")" \
            "nothing was changed; carry the bundle again"
}

