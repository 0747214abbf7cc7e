# ---------------------------------------------------------------------------------------------------------------------
# Certificates

holds() { # <file> <text>
    awk -v text="$2" 'index($0, text) { found = 1; exit } END { exit !found }' "$1"
}

# The public key of a certificate file's first certificate. Leaves its DER in certificate.der, and where its parts begin in
# certificate.parts. Of what `openssl x509` says of a certificate this is all that is needed, in a quarter of its time.
key_of_certificate() {
    awk "$AWK_DER" "$1" >"$WORK/certificate.base64" || return 1
    openssl base64 -d -in "$WORK/certificate.base64" 2>/dev/null >"$WORK/certificate.der"
    openssl asn1parse -inform DER -in "$WORK/certificate.der" 2>/dev/null | awk "$AWK_PARTS" >"$WORK/certificate.parts" ||
        return 1
    read -r _ _ _ _ start length _ <"$WORK/certificate.parts"
    echo '-----BEGIN PUBLIC KEY-----'
    cut_from "$WORK/certificate.der" "$start" "$length" | openssl base64
    echo '-----END PUBLIC KEY-----'
}

# The public key that belongs to a private key. A passphrase is not asked for.
key_of_key() {
    holds "$1" 'PRIVATE KEY-----' && openssl pkey -in "$1" -passin pass: -pubout </dev/null 2>/dev/null
}

# Whether the signature of the certificate that was read last was made by the key in a file. `openssl verify` would ask for
# more than that, above all for dates, and what it can be told to leave out differs between versions.
is_signed_by() { # <public key>
    read -r start length signature signature_length _ _ digest <"$WORK/certificate.parts"
    [ "$digest" != unknown ] || return 1
    cut_from "$WORK/certificate.der" "$start" "$length" >"$WORK/signed"
    cut_from "$WORK/certificate.der" "$signature" "$signature_length" >"$WORK/signature"
    openssl dgst "-$digest" -verify "$1" -signature "$WORK/signature" "$WORK/signed" >/dev/null 2>&1
}

# The data of a kubeconfig's field, as PEM.
data_of() { # <kubeconfig> <field>
    awk -v field="$2:" "$AWK_DATA" "$1" | openssl base64 -d 2>/dev/null
}

# Finds the CAs of the old tree whose key no CA of the new one has: one file of each public key in replaced/.
find_replaced() {
    must mkdir "$WORK/replaced" "$WORK/belongs"
    REPLACED=
    new_keys=
    pki=$PKI
    for old in $AUTHORITIES; do
        # Of a CA that the record does not have it says nothing: somebody else's it may be.
        follow "$pki/$old"
        [ -f "$AT" ] && [ -f "$TREE/$pki/$old" ] || continue
        # The same file, as nearly always. To read a key out of it takes twenty times as long.
        ! cmp -s "$AT" "$TREE/$pki/$old" || continue
        key=$(key_of_certificate "$AT") || continue
        [ -n "$new_keys" ] || for new in $AUTHORITIES; do
            [ ! -f "$TREE/$pki/$new" ] || new_keys=$new_keys$LF$(key_of_certificate "$TREE/$pki/$new")
        done
        case $new_keys in *"$key"*) continue ;; esac
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
        [ -f "$replaced" ] && is_signed_by "$replaced" && return 0
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

