need_tools() {
    for tool; do
        command -v "$tool" >/dev/null 2>&1 || cannot "there is no $tool on this node"
    done
}

# ---------------------------------------------------------------------------------------------------------------------
# Looking

# One certificate and nothing else: a bundle of several is not what the folders below take, and a key is not for them.
check_ca() {
    [ -f "$CA" ] && [ -r "$CA" ] || cannot "cannot read $CA" 'this file and ca.crt belong into one folder'
    begins=$(grep -c '^-----BEGIN ' "$CA")
    ends=$(grep -c '^-----END CERTIFICATE-----$' "$CA")
    [ "$begins" = 1 ] && [ "$ends" = 1 ] && grep -q '^-----BEGIN CERTIFICATE-----$' "$CA" ||
        refuse "$CA is not one certificate in PEM" 'take both files from the bundle again'
}

# Where this distribution keeps the CAs that its administrator trusts, what reads them, and the file that it makes.
find_store() {
    # SUSE's update-ca-certificates does not read the folder of Debian's.
    if [ -d "$ROOT/etc/pki/trust/anchors" ]; then
        STORE=/etc/pki/trust/anchors UPDATE=update-ca-certificates MADE=/var/lib/ca-certificates/ca-bundle.pem
    elif [ -d "$ROOT/etc/pki/ca-trust/source/anchors" ]; then
        STORE=/etc/pki/ca-trust/source/anchors UPDATE=update-ca-trust MADE=/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem
    elif [ -d "$ROOT/usr/local/share/ca-certificates" ] || [ -f "$ROOT/usr/sbin/update-ca-certificates" ]; then
        STORE=/usr/local/share/ca-certificates UPDATE=update-ca-certificates MADE=/etc/ssl/certs/ca-certificates.crt
    else
        refuse "there is no folder for trusted CAs below ${ROOT:-/}" \
            'install the package ca-certificates first; Debian, Ubuntu, Alpine, the RHEL family and SUSE are known'
    fi
    [ -n "$ROOT" ] || need_tools "$UPDATE"
}

check_registry() { # <REGISTRY[:PORT]>
    case $1 in
    http://* | https://*) refuse "$1 is an address, not a registry" "name it as images do: ${1#*://}" ;;
    */*) refuse "$1 is not a registry" 'name only the host, and its port if images name one' ;;
    '' | .* | -* | :* | *[!][A-Za-z0-9.:-]*)
        refuse "$1 is not the name of a registry" 'name a host or an address, and its port if images name one'
        ;;
    esac
    folder=$CERTS_D/$1
    # containerd prefers this spelling and then never looks at ours.
    case $1 in
    *:*) [ ! -e "$ROOT$CERTS_D/${1%:*}_${1##*:}_" ] || refuse "containerd reads $CERTS_D/${1%:*}_${1##*:}_ for $1" \
        "put \`ca = \"...\"\` into the hosts.toml there by hand" ;;
    esac
    hosts=$(hosts_of "$1")
    if [ -e "$ROOT$folder/hosts.toml" ]; then
        found=$(cat "$ROOT$folder/hosts.toml") || cannot "cannot read $ROOT$folder/hosts.toml"
        [ "$found" = "$hosts" ] || grep -v '^[[:space:]]*#' "$ROOT$folder/hosts.toml" | grep -Fq "$folder/ca.crt" || refuse \
            "$folder/hosts.toml is there and does not name $folder/ca.crt; it stays as it is, and nothing was changed" \
            "add \`ca = \"$folder/ca.crt\"\` on top of it, and to its section of $1, then run this again"
    fi
    # Our own of before is replaced; one that came without our hosts.toml is somebody else's.
    if [ -e "$ROOT$folder/ca.crt" ] && ! cmp -s "$CA" "$ROOT$folder/ca.crt"; then
        [ -e "$ROOT$folder/hosts.toml" ] && [ "$found" = "$hosts" ] || refuse \
            "$folder/ca.crt is another CA; it stays as it is, and nothing was changed" \
            'if the registry does not need it any more, remove it, then run this again'
    fi
}

# The CA stands there twice: on top for the server, which containerd asks last, and for the same server as a host, without
# which some versions refuse the file (containerd issues 10027 and 13212).
hosts_of() {
    printf 'server = "https://%s"\nca = "%s/ca.crt"\n\n[host."https://%s"]\n  ca = "%s/ca.crt"\n' \
        "$1" "$CERTS_D/$1" "$1" "$CERTS_D/$1"
}

# ---------------------------------------------------------------------------------------------------------------------
# Writing

# Puts standard input in a place, whole or not at all. NOW says what came of it.
put() { # <place>
    new=$ROOT${1%/*}/.${1##*/}.new
    mkdir -p "$ROOT${1%/*}" && cat >"$new" && chmod 0644 "$new" || cannot "cannot write $new"
    if [ -e "$ROOT$1" ] && cmp -s "$new" "$ROOT$1"; then
        NOW=unchanged
        rm -f "$new"
    else
        NOW=written
        [ ! -e "$ROOT$1" ] || NOW=replaced
        mv -f "$new" "$ROOT$1" || cannot "cannot write $ROOT$1"
    fi
    printf '%s: %s\n' "$1" "$NOW"
}

# Lets the distribution take it in, and looks whether it did.
update() {
    command=$UPDATE
    # Only then are the names by hash made anew; with the old ones openssl would go on finding the CA of before.
    [ "$UPDATE/$1" != update-ca-certificates/replaced ] || command="$UPDATE --fresh"
    if [ -n "$ROOT" ]; then
        printf 'to be run on that node, or here with chroot: %s\n' "$command"
        return
    fi
    # All that it says is for people; what counts is looked at below.
    said=$($command 2>&1) || cannot "$command failed: $said" 'nothing else is missing: mend it and run this again'
    [ -r "$MADE" ] && ! grep -Fqvx -f "$MADE" "$CA" ||
        cannot "$command ran, but $MADE does not hold the CA" "see what is wrong with this node's package ca-certificates"
    printf '%s: this node trusts the CA; programs that run already have to be restarted\n' "$command"
}

# Whether containerd looks into its folder is its own matter; nobody but its owner changes that file.
advise_containerd() {
    config=$ROOT/etc/containerd/config.toml
    ! grep -Eq "^[[:space:]]*config_path[[:space:]]*=[[:space:]]*[\"']${CERTS_D}[\"']" "$config" 2>/dev/null || return 0
    cat <<TEXT
containerd looks there only if /etc/containerd/config.toml says so, which it does not; restart containerd after adding
  in containerd 1.5 to 1.7 (version = 2):  [plugins."io.containerd.grpc.v1.cri".registry]
  in containerd 2 (version = 3):           [plugins."io.containerd.cri.v1.images".registry]
    config_path = "$CERTS_D"
  and removing registry.mirrors and registry.configs, which exclude it
TEXT
}

main() {
    ROOT='' CERTS_D=/etc/containerd/certs.d
    while [ $# -gt 0 ]; do
        case $1 in
        --help | -h)
            usage
            exit 0
            ;;
        --root)
            [ $# -gt 1 ] && [ -n "$2" ] || {
                say_error '--root needs a value' 'sh trust-root.sh --help'
                exit 2
            }
            ROOT=$2
            shift
            ;;
        --root=*)
            value=${1#*=}
            shift
            set -- --root "$value" "$@"
            continue
            ;;
        -*)
            say_error "there is no option $1" 'sh trust-root.sh --help'
            exit 2
            ;;
        *) break ;;
        esac
        shift
    done
    need_tools cat chmod cmp grep id mkdir mv rm
    case $0 in
    */*) CA=${0%/*}/ca.crt ;;
    *) CA=./ca.crt ;;
    esac
    if [ -n "$ROOT" ]; then
        [ -d "$ROOT" ] || cannot "there is no folder $ROOT" "--root takes the folder that is the root of the node's files"
        ROOT=$(cd -- "$ROOT" && pwd -P) || cannot 'cannot go to the folder of --root'
        # The root itself is this node.
        [ "$ROOT" != / ] || ROOT=''
    fi
    [ -n "$ROOT" ] || [ "$(id -u)" = 0 ] || cannot 'only root can change what a node trusts' 'run this as root'
    check_ca
    find_store
    for registry; do
        check_registry "$registry"
    done

    put "$STORE/$NAME.crt" <"$CA"
    store_is=$NOW
    for registry; do
        put "$CERTS_D/$registry/ca.crt" <"$CA"
        if [ -e "$ROOT$CERTS_D/$registry/hosts.toml" ]; then
            printf '%s: unchanged\n' "$CERTS_D/$registry/hosts.toml"
        else
            hosts_of "$registry" | put "$CERTS_D/$registry/hosts.toml" || exit
        fi
    done
    update "$store_is"
    [ $# = 0 ] || advise_containerd
}

# All of it was read before any of it runs: a file that was cut short does nothing.
main "$@"
