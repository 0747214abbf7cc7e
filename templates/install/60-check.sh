# ---------------------------------------------------------------------------------------------------------------------
# Install

need_tools() {
    for tool in "$@"; do
        command -v "$tool" >/dev/null 2>&1 || cannot "there is no $tool on this node" "install it, or use \`certferry\` instead"
    done
}

# The signer's public key: its file is KEY, its fingerprint FINGERPRINT. A fingerprint may be typed in any case, with blanks,
# colons and hyphens, with or without `sha256:` before; what has its form is never taken for the name of a file.
take_key() {
    KEY=$1
    wanted=
    typed=$(printf '%s' "$1" | tr 'ABCDEFHS' 'abcdefhs' | tr -d ' :\t\n-')
    case $1 in
    [Ss][Hh][Aa]256:* | [Ss][Hh][Aa]256\ *) typed=${typed#sha256} wanted=yes ;;
    *) [ "${#typed}" -lt 40 ] || case $typed in *[!0-9a-f]*) ;; *) wanted=yes ;; esac ;;
    esac
    if [ -n "$wanted" ]; then
        wanted=sha256:$typed
        case $typed in *[!0-9a-f]*) wanted= ;; esac
        [ "${#wanted}" = 71 ] || cannot "--key $1 is not a fingerprint" \
            "a fingerprint is 64 hex digits, in any case and with any blanks"
        [ -z "$PIPED" ] || cannot '--key is a fingerprint, and nothing lies beside the standard input' \
            "give the public key's file to --key"
        # CLUSTER-gN...: a `-g` before a digit ends the cluster's name, most likely the last one; and of several names it is
        # that of the key which has this fingerprint.
        names=$(printf '%s\n' "${BUNDLE##*/}" | awk '{
            for (i = length($0); i > 1; i--) if (substr($0, i, 3) ~ /^-g[0-9]/) print substr($0, 1, i - 1)
        }')
        [ -n "$names" ] || cannot "cannot tell the cluster from the name ${BUNDLE##*/}" \
            "give the public key's file to --key instead of its fingerprint"
        case $BUNDLE in */*) folder=${BUNDLE%/*} ;; *) folder=. ;; esac
        KEY=
        blanks=$IFS
        IFS=$LF
        set -f
        for name in $names; do
            IFS=$blanks
            [ ! -f "$folder/$name.pub" ] || {
                KEY=${KEY:-$folder/$name.pub}
                [ "$(fingerprint_of "$folder/$name.pub")" != "$wanted" ] || KEY=$folder/$name.pub
            }
        done
        set +f
        IFS=$blanks
        KEY=${KEY:-$folder/${names%%"$LF"*}.pub}
    fi
    [ -f "$KEY" ] && [ -r "$KEY" ] || cannot "cannot read the public key $KEY" \
        "--key takes the file CLUSTER.pub, or its fingerprint when that file lies beside the bundle"
    KEY_PEM=$(openssl pkey -pubin -in "$KEY" -pubout </dev/null 2>/dev/null) ||
        cannot "$KEY is not a signer's public key: openssl cannot read it"
    # SubjectPublicKeyInfo of a point on P-256, not compressed.
    case $(openssl pkey -pubin -in "$KEY" -outform DER </dev/null 2>/dev/null | od -An -v -tx1 | tr -d ' \n') in
    3059301306072a8648ce3d020106082a8648ce3d03010703420004*) ;;
    *) cannot "$KEY is not a signer's public key: it is not an ECDSA P-256 key" ;;
    esac
    FINGERPRINT=$(fingerprint_of "$KEY")
    [ -z "$wanted" ] || [ "$wanted" = "$FINGERPRINT" ] ||
        refuse "$KEY is not the key of that fingerprint: it is $(grouped "$FINGERPRINT"), expected $(grouped "$wanted")" \
            "compare the fingerprint with the one on paper; if that is what was typed, somebody else made this bundle"
}

fingerprint_of() { # <file of a public key>
    printf 'sha256:%s\n' "$(openssl pkey -pubin -in "$1" -outform DER </dev/null 2>/dev/null | sha256)"
}

# A fingerprint in groups of four, as it stands on paper.
grouped() {
    printf '%s\n' "${1#sha256:}" | sed 's/..../& /g; s/ $//'
}

# Unpacks the part into a folder that nobody else sees, and checks all of it. TREE holds the files, SAID what the record
# says, RECORD of that the single values, ROWS the paths.
unpack() {
    WORK=$R/$HOME_KUBERNETES/next/work
    must mkdir "$R/$HOME_KUBERNETES/next" "$WORK"
    printf '%s\n' "$KEY_PEM" >"$WORK/signer.pub" || cannot "cannot write $WORK/signer.pub"
    top=$(found top)
    record=$WORK/record.json
    SAID=$WORK/said

    # Without an index it is a slice, and the record alone says where it belongs.
    : >"$WORK/index"
    if [ "$(found shape)" = whole ]; then
        # shellcheck disable=SC2046 # Four numbers.
        set -- $(found index)
        cut_out "$1" "$2" >"$WORK/manifest.json"
        cut_out "$3" "$4" >"$WORK/manifest.json.sig"
        take_document index "$WORK/manifest.json" "$top/manifest.json" "$WORK/index"
        INDEX=$(single_values "$WORK/index")
        check_parts
    fi
    # shellcheck disable=SC2046 # Two numbers.
    set -- $(found own)
    cut_out "$1" "$2" >"$WORK/part.tar" && head -c 1024 /dev/zero >>"$WORK/part.tar" ||
        cannot "cannot write $WORK/part.tar"
    # Read once more: the medium may have been exchanged meanwhile.
    again=$({ echo --; od -An -v -tx1 <"$WORK/part.tar"; } | gate "$NODE" 0) || gate_refuses "$BUNDLE" "$again"
    [ "$(only_entries "$again")" = "$ENTRIES" ] || gate_refuses "$BUNDLE" "refused it changed while it was read"
    # Record and signature stand first, each behind its header.
    tree="$top/nodes/$NODE"
    # shellcheck disable=SC2046 # Two numbers.
    set -- $(found record)
    cut_from "$WORK/part.tar" 512 "$1" >"$record"
    cut_from "$WORK/part.tar" $((1024 + ($1 + 511) / 512 * 512)) "$2" >"$record.sig"
    take_document record "$record" "$tree.json" "$SAID"
    RECORD=$(single_values "$SAID")
    ROWS=$(awk '$1 == "row" { print $NF }' "$SAID")
    check_record

    # The tar of this node must see the same in it.
    {
        printf '%s\n%s\n%s\n' "$tree.json" "$tree.json.sig" "$tree/"
        printf '%s\n' "$ENTRIES" | awk -v tree="$tree/" 'NF { print tree $NF }'
    } >"$WORK/expected"
    tar -tf "$WORK/part.tar" >"$WORK/listed" 2>/dev/null && cmp -s "$WORK/expected" "$WORK/listed" ||
        gate_refuses "$BUNDLE" "refused tar lists other entries than its headers have"
    # -o: owners are not those of the archive; -k: nothing is written over.
    must mkdir "$WORK/unpacked"
    ( cd "$WORK/unpacked" && tar -x -o -k -f ../part.tar ) >/dev/null 2>&1 || cannot "tar cannot unpack the part"
    TREE=$WORK/unpacked/$tree
    awk '$1 == "row" && $2 == "f" { print $5 "  " $6 }' "$SAID" >"$WORK/sums" || cannot "cannot write $WORK/sums"
    [ ! -s "$WORK/sums" ] || wrong=$(cd "$TREE" && sha256sum -c "$WORK/sums" 2>/dev/null) || gate_refuses "$BUNDLE" \
        "refused $tree/$(printf '%s\n' "$wrong" | sed -n '/: FAILED/{s/: FAILED.*//p;q;}') has another sha256 than its record says"
    rm -f "$WORK/part.tar"
}

only_entries() {
    printf '%s\n' "$1" | awk '$1 == "entry"'
}

# The index must name exactly the parts that are there.
check_parts() {
    printf '%s\n' "$GATE" | awk '$1 == "part" { print $2 }' >"$WORK/parts"
    awk '$1 == "part" { print $2 }' "$WORK/index" | cmp -s - "$WORK/parts" ||
        gate_refuses "$BUNDLE" "refused its parts are not those of its index"
    agree "$INDEX" "$top/manifest.json"
}

# The record must belong to its place: to the folder, to the day of the headers, to the index, to the node.
check_record() {
    agree "$RECORD" "$tree.json"
    [ "$(said "$RECORD" part)" = "node/$NODE" ] || gate_refuses "$BUNDLE" \
        "refused the record of $(said "$RECORD" part) stands where node/$NODE's belongs"
    awk '$1 == "entry"' "$SAID" >"$WORK/recorded"
    printf '%s' "${ENTRIES:+$ENTRIES$LF}" | cmp -s - "$WORK/recorded" ||
        gate_refuses "$BUNDLE" "refused the files of $tree are not those of its record"
    [ -s "$WORK/index" ] || return 0
    [ "$(awk -v part="node/$NODE" '$1 == "part" && $2 == part { print $3 }' "$WORK/index")" = "$(sha256 <"$record")" ] ||
        gate_refuses "$BUNDLE" "refused the record of node/$NODE is not the one that its index names"
    for field in cluster cluster_id generation issued_at kubernetes; do
        [ "$(said "$RECORD" $field)" = "$(said "$INDEX" $field)" ] ||
            gate_refuses "$BUNDLE" "refused $tree.json has another $field than the index"
    done
}

agree() { # <the single values of a document> <its name>
    [ "$(said "$1" cluster)-g$(said "$1" generation)" = "$top" ] || gate_refuses "$BUNDLE" "refused $2 belongs in another folder"
    [ "$(said "$1" mtime)" = "$(found mtime)" ] || gate_refuses "$BUNDLE" "refused $2 is of another day than its header"
}

# Whether this is the node that the record is for.
check_host() {
    [ -z "$FORCE_NODE" ] || return 0
    if [ -z "$R" ]; then
        called=$(uname -n)
    elif follow etc/hostname && [ -f "$AT" ]; then
        called=$(awk '{ gsub(/^[ \t\r]+|[ \t\r]+$/, "") } /^[^#]/ { print; exit }' "$AT")
        # An empty file says no more than none.
        [ -n "$called" ] || return 0
    else
        # A disk says no more about whose it is.
        return 0
    fi
    host=$(printf '%s' "$called" | tr '[:upper:]' '[:lower:]')
    hint='--node names the node that this is; if it is that node all the same, --force-node; nothing was changed'
    # The name of the part is the node's, too.
    awk -v host="$host" -v short="${host%%.*}" '
        $1 == "part" { sub(/^node\//, "", $2) }
        ($1 == "name" || $1 == "part") && ($2 == host || $2 == short) { found = 1 }
        END { exit !found }' "$SAID" ||
        refuse "this host is not $NODE: it is called $called, and the node is called $(said_list name)" "$hint"
    [ -z "$R" ] || return 0
    addresses_of_host | sort >"$WORK/addresses"
    awk 'NR == FNR { here[$1] = 1; next } $1 == "address" && $2 in here { found = 1 } END { exit !found }' \
        "$WORK/addresses" "$SAID" ||
        refuse "this host is not $NODE: it has the addresses $(awk '
            /^127\./ || $1 == "::1" || seen[$1]++ { next }
            { printf "%s%s", comma, $1; comma = ", " }' "$WORK/addresses"), and the node has $(said_list address)" "$hint"
}

# All values of one kind that the record has.
said_list() { # <name|address>
    awk -v key="$1" '$1 == key { printf "%s%s", comma, $2; comma = ", " }' "$SAID"
}

addresses_of_host() {
    if command -v ip >/dev/null 2>&1; then
        ip -o addr 2>/dev/null | awk '{ sub(/\/.*/, "", $4); print $4 }'
    fi
    # What the kernel says: `|-- ADDRESS`, and behind it that it is local.
    [ ! -r /proc/net/fib_trie ] || awk '$1 == "|--" { address = $2 } /\/32 host LOCAL/ { print address }' /proc/net/fib_trie
    [ ! -r /proc/net/if_inet6 ] || awk "$AWK_ADDRESSES"'{
        for (i = 1; i <= 8; i++) {
            groups[i] = substr($1, 4 * i - 3, 4)
            sub(/^0+/, "", groups[i])
            if (groups[i] == "") groups[i] = "0"
        }
        print spell_address6(groups)
    }' /proc/net/if_inet6
}

# What is installed must be older, or this very record.
check_generation() {
    installed=$R/$INSTALLED
    [ -d "$installed" ] || return 0
    read_document record "$installed/record.json" >"$WORK/installed.said" ||
        cannot "cannot read $installed/record.json" "it says what is installed; --rollback may bring back a good one"
    INSTALLED_RECORD=$(single_values "$WORK/installed.said")
    is() { said "$INSTALLED_RECORD" "$1"; }
    if [ "$(is cluster_id)" != "$(said "$RECORD" cluster_id)" ]; then
        [ -n "$FORCE_NODE" ] || refuse \
            "this node belongs to the cluster $(is cluster) ($(is cluster_id)), and the bundle is of $(said "$RECORD" cluster) ($(said "$RECORD" cluster_id))" \
            'if it shall change its cluster, --force-node; nothing was changed'
    elif [ "$(is part)" != "node/$NODE" ]; then
        [ -n "$FORCE_NODE" ] || refuse "this node is $(is part | sed 's/^node.//'), and the files are of $NODE" \
            'if it shall change its name, --force-node; nothing was changed'
    elif [ "$(said "$RECORD" generation)" -lt "$(is generation)" ]; then
        [ -n "$ALLOW_DOWNGRADE" ] || refuse \
            "generation $(is generation) is installed, and the bundle is generation $(said "$RECORD" generation)" \
            '--rollback brings back what was before; to install an older bundle, --allow-downgrade; nothing was changed'
    elif [ "$(said "$RECORD" generation)" -eq "$(is generation)" ] && ! cmp -s "$record" "$installed/record.json"; then
        [ -n "$ALLOW_DOWNGRADE" ] || refuse "another bundle of generation $(is generation) is installed" \
            'two bundles of one generation must not differ: raise the generation and build again; to install this one all the same, --allow-downgrade; nothing was changed'
    fi
}

# Every certificate must be valid now: more often it is the clock that is wrong.
check_clock() {
    must mkdir "$WORK/fields"
    awk '$1 != "row" || $2 != "f" { next }
        $6 ~ /\.(crt|pem)$/ { print $6 }
        $6 ~ /\.conf$/ { kubeconfigs = kubeconfigs $6 "\n" }
        END { printf "%s", kubeconfigs }' "$SAID" | while read -r path; do
        case $path in
        *.conf)
            for field in certificate-authority-data client-certificate-data; do
                dated "$path" $field
                data_of "$TREE/$path" $field >"$DATED"
                [ ! -s "$DATED" ] || printf '%s %s\n' "$path" $field
            done
            ;;
        *) printf '%s\n' "$path" ;;
        esac
    done >"$WORK/dated"
    dates_of_all >"$WORK/dates" || while read -r path field; do
        dates_of "$path" "$field"
    done <"$WORK/dated" >"$WORK/dates"
    silent=$(awk '$2 == "none" { print $1; exit }' "$WORK/dates")
    [ -z "$silent" ] || cannot "openssl does not say how long $silent is valid" \
        'nothing is installed unchecked: look at `openssl version`, or use `certferry apply`'
    problem=$(awk -v now="$(date -u +%Y%m%d%H%M%S)" -v registries="$CERTS_D $TRUST" "$AWK_DATES" "$WORK/dates")
    hint='is the clock right?'
    case $problem in *' has ended at '*) hint="$hint If so: the manual, \`certferry help expired\`" ;; esac
    [ -z "$problem" ] || refuse "$problem; this clock says $(date -u +%Y-%m-%dT%H:%M:%SZ)" "$hint"
}

# The file that holds the certificates of a path, or of a field of the kubeconfig there: DATED.
dated() { # <path> <field>
    DATED=$TREE/$1
    [ -z "$2" ] || DATED=$WORK/fields/${1##*/}.$2
}

# The dates of every certificate in a file, each with the path. OpenSSL 3 takes five times as long for `openssl x509`.
dates_of() { # <path> <field>
    dated "$1" "$2"
    openssl crl2pkcs7 -nocrl -certfile "$DATED" 2>/dev/null |
        openssl pkcs7 -print_certs -text -noout 2>/dev/null | awk -v path="$1" -v field="$2" '
            /^ *Not (Before|After) *: / { sub(/^ *Not /, ""); sub(/ *: /, " "); print path, $0, field; count++ }
            END { if (count < 2) print path, "none" }'
}

# The same of all files, which takes one call in place of two for each of them. Fails unless openssl tells the dates of
# just as many certificates as there are.
dates_of_all() {
    set --
    while read -r path field; do
        dated "$path" "$field"
        set -- "$@" -certfile "$DATED"
    done <"$WORK/dated"
    [ $# -gt 0 ] || return 0
    awk "$AWK_OWNED" "$WORK/dated" "$@" >"$WORK/owners" || return 1
    openssl crl2pkcs7 -nocrl "$@" 2>/dev/null | openssl pkcs7 -print_certs -text -noout 2>/dev/null >"$WORK/texts"
    awk "$AWK_OWNERS" "$WORK/owners" "$WORK/texts"
}
