# ---------------------------------------------------------------------------------------------------------------------
# Certificates

holds() { # <file> <text>
    awk -v text="$2" 'index($0, text) { found = 1; exit } END { exit !found }' "$1"
}

# The public key of a certificate file's first certificate.
key_of_certificate() {
    holds "$1" '-----BEGIN CERTIFICATE-----' && openssl x509 -in "$1" -noout -pubkey </dev/null 2>/dev/null
}

# The public key that belongs to a private key. A passphrase is not asked for.
key_of_key() {
    holds "$1" 'PRIVATE KEY-----' && openssl pkey -in "$1" -passin pass: -pubout </dev/null 2>/dev/null
}

# Whether a certificate's signature was made by the key in a file. `openssl verify` would ask for more than that, above all
# for dates, and what it can be told to leave out differs between versions.
is_signed_by() { # <certificate> <public key>
    openssl x509 -in "$1" -outform DER </dev/null 2>/dev/null >"$WORK/certificate.der" || return 1
    # Three elements in one: what is signed, the algorithm, the signature in a BIT STRING.
    set -- "$1" "$2" "$(openssl asn1parse -inform DER -in "$WORK/certificate.der" 2>/dev/null | awk "$AWK_SIGNED")" ||
        return 1
    # shellcheck disable=SC2086 # Five words.
    set -- "$1" "$2" $3
    [ $# -eq 7 ] && [ "$7" != unknown ] || return 1
    cut_from "$WORK/certificate.der" "$3" "$4" >"$WORK/signed"
    cut_from "$WORK/certificate.der" "$5" "$6" >"$WORK/signature"
    openssl dgst "-$7" -verify "$2" -signature "$WORK/signature" "$WORK/signed" >/dev/null 2>&1
}

# The data of a kubeconfig's field, as PEM.
data_of() { # <kubeconfig> <field>
    awk -v field="$2:" "$AWK_DATA" "$1" | openssl base64 -d 2>/dev/null
}

# Finds the CAs of the old tree whose key no CA of the new one has: one file of each public key in replaced/.
find_replaced() {
    must mkdir "$WORK/replaced" "$WORK/belongs"
    REPLACED=
    pki=$PKI
    for old in $AUTHORITIES; do
        # Of a CA that the record does not have it says nothing: somebody else's it may be.
        [ -f "$R/$pki/$old" ] && [ -f "$TREE/$pki/$old" ] || continue
        key=$(key_of_certificate "$R/$pki/$old") || continue
        for new in $AUTHORITIES; do
            [ -f "$TREE/$pki/$new" ] || continue
            if [ "$key" = "$(key_of_certificate "$TREE/$pki/$new")" ]; then
                continue 2
            fi
        done
        printf '%s\n' "$key" >"$WORK/replaced/$(printf '%s' "$old" | tr / _)"
        REPLACED="$REPLACED $pki/$old"
    done
}

is_replaced_key() {
    for replaced in "$WORK"/replaced/*; do
        [ -f "$replaced" ] && [ "$1" = "$(cat "$replaced")" ] && return 0
    done
    return 1
}

# Whether a certificate file belongs to a replaced CA.
is_of_replaced() {
    key=$(key_of_certificate "$1") || return 1
    is_replaced_key "$key" && return 0
    for replaced in "$WORK"/replaced/*; do
        [ -f "$replaced" ] && is_signed_by "$1" "$replaced" && return 0
    done
    return 1
}

# The public keys of all certificates below a folder that belong to a replaced CA, into belongs/.
gather_belonging() (
    cd "$1" || exit 1
    for name in * .[!.]* ..?*; do
        if [ -d "./$name" ] && [ ! -L "./$name" ]; then
            gather_belonging "./$name"
        elif [ -f "./$name" ] && [ ! -L "./$name" ] && is_of_replaced "./$name"; then
            key=$(key_of_certificate "./$name")
            printf '%s\n' "$key" >"$WORK/belongs/$(printf '%s\n' "$key" | sha256)"
        fi
    done
)

# Whether a file that the record does not list is left behind: its CA is gone.
is_left_behind() {
    [ -n "$REPLACED" ] && [ -f "$1" ] && [ ! -L "$1" ] || return 1
    is_of_replaced "$1" && return 0
    key=$(key_of_key "$1") || return 1
    [ -f "$WORK/belongs/$(printf '%s\n' "$key" | sha256)" ]
}

