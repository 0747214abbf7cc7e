# ---------------------------------------------------------------------------------------------------------------------
# The other two

rollback() {
    need_tools awk cat chmod cmp head ls mkdir mv readlink rm rmdir sha256sum sort sync tr wc id
    take_root
    take_places
    [ -d "$R/$HOME_KUBERNETES" ] || refuse 'there is no generation to go back to' 'nothing was ever installed here'
    lock
    recover
    previous="$R/$HOME_KUBERNETES/previous"
    [ -f "$previous/units" ] || refuse 'there is no generation to go back to' \
        "$previous does not hold one; it is made when something is installed over a PKI"
    awk '
        NR == 1 { if ($0 != "certferry-units-1") exit 1; next }
        $0 == "end" { ended = NR; next }
        NF != 2 || $2 !~ /\/@\// || ($1 "/" $2) ~ /(^|\/)\.?\.?(\/|$)/ { exit 1 }
        END { exit !ended || ended != NR }' "$previous/units" ||
        cannot "$previous/units is not a list of units" "there is nothing that can be done with it"
    check_links_above "$previous/units"
    STAGING=1
    name_units
    check_units "$previous/units"
    NOTED=$(noted) || exit
    take_pki_of "$previous/installed" "$R/$INSTALLED"
    WAS_PKI=$PKI
    take_pki_of "$R/$INSTALLED"
    WORK=$R/$HOME_KUBERNETES/next/work
    TREE=$WORK/back
    must mkdir "$R/$HOME_KUBERNETES/next" "$WORK" "$TREE"
    compare_with_previous "$previous/units"
    orders=$(orders_of_going_back) || exit
    PRINTS=$(fingerprints) || exit
    found=$(folders_found) || exit
    must rm -rf "$R/$HOME_KUBERNETES/next"
    write_journal "$previous/units" previous previous
    back=$(printf '%s\n' "$journal" | awk '$1 == "swap" || $1 == "place" { print "  " $2 }')
    gone=$(printf '%s\n' "$journal" | awk '$1 == "remove" { print "  " $2 }')
    [ -n "$back$gone" ] || refuse 'there is no generation to go back to' "$previous holds no file of it"
    begin_swap
    tell_meanwhile "$found" previous
    [ -z "$back" ] || printf 'back in their places:\n%s\n' "$back"
    [ -z "$gone" ] || printf 'taken away, because the generation before has none:\n%s\n' "$gone"
    say_state
    [ -z "$orders" ] || printf '%s\n' "$orders"
    must rm -f "$R/$RESTART" "$R/$RESTART_NEW"
}

# Names the units of the generation before by places without links on the way; and each file of a folder by itself, where the
# folder cannot be known to be renamed. Either list says the same of what is there.
name_units() {
    units=$(cat "$previous/units")
    named=$(by_real_places "$units") || exit
    named=$(printf '%s\n' "$named" | while read -r live in_slot; do
        waits=$R/${in_slot%%/@/*}/previous/${in_slot#*/@/}
        if [ -z "$in_slot" ] || renames_folders "$R/${in_slot%%/@/*}" || { ! is_folder "$R/$live" && ! is_folder "$waits"; }; then
            printf '%s\n' "$live${in_slot:+ $in_slot}"
            continue
        fi
        {
            ! is_folder "$R/$live" || describe "$R/$live" || cannot "cannot read $R/$live"
            echo
            ! is_folder "$waits" || describe "$waits" || cannot "cannot read $waits"
        } | awk -v live="$live" -v in_slot="$in_slot" -v whole="$INSTALLED" "$AWK_DIFFERING"
    done) || exit
    [ "$named" != "$units" ] || return 0
    odd=$(printf '%s\n' "$named" | awk 'NF > 2 { print; exit }')
    [ -z "$odd" ] || cannot "the journal cannot hold a name with white space: $odd" 'rename that file; nothing was changed'
    printf '%s\n' "$named" >"$previous/units.new" || cannot "cannot write $previous/units.new"
    must sync
    must mv -f "$previous/units.new" "$previous/units"
}

# Refuses to go back where a folder above a unit has become a link since: its files would be written through it.
check_links_above() { # <units>
    may_be_links=
    for folder in $SLOT_FOLDERS; do
        may_be_links="$may_be_links$folder/ "
    done
    while read -r live in_slot; do
        [ -n "$in_slot" ] || continue
        above=$live
        while case $above in */*) ;; *) false ;; esac; do
            above=${above%/*}
            # Where these are links, units are named by them.
            case " $may_be_links" in *" $above/"*) break ;; esac
            [ ! -L "$R/$above" ] || refuse_link "$above" "$R/$above"
        done
    done <"$1"
}

# What going back means for those who run, in the very words of `certferry rollback`.
orders_of_going_back() {
    trust=$(tell_trust)
    for tool in cp openssl sed; do
        if ! command -v "$tool" >/dev/null 2>&1; then
            printf 'restart what reads these files, as after an installation; where a CA came back, delete the ConfigMap\n'
            printf 'extension-apiserver-authentication again once the last API server runs\n'
            [ -z "$trust" ] || printf '%s\n' "$trust"
            return
        fi
    done
    # The CAs as they will be; an empty file where there will be none.
    for name in $AUTHORITIES; do
        was=$WAS_PKI/$name
        place=$PKI/$name
        make_parents "$TREE" "$place"
        : >"$TREE/$place" || cannot "cannot write $TREE/$place"
        before=$(awk -v place="$was" '
            place == $1 || index(place, $1 "/") == 1 { print $2 substr(place, length($1) + 1); exit }' "$WORK/before")
        follow "${before:-$was}"
        [ ! -f "$AT" ] || must cp "$AT" "$TREE/$place"
    done
    REPLACED=
    if [ -s "$TREE/$PKI/ca.crt" ] || [ -s "$TREE/$PKI/etcd/ca.crt" ]; then
        find_replaced
    else
        # To where nothing was: nobody can start there. A node of etcd alone has no cluster CA.
        : >"$WORK/changes"
    fi
    if is_reloaded; then
        [ -n "$NOTED" ] || printf 'nothing must restart: kube-apiserver reads the two files again within a minute\n'
        restarts ''
    else
        restarts "$(running_by_files)"
    fi
    [ -z "$trust" ] || printf '%s\n' "$trust"
    in_cluster
}

# Who runs on this node: whoever does has a certain file there.
running_by_files() {
    for row in $RUNS; do
        in_pki "${row#*:}"
        follow "$IN_PKI"
        [ ! -e "$AT" ] || printf '%s\n' "${row%%:*}"
    done
}

# Whether nothing changes but files that a running API server reads again, in the folder that it sees.
is_reloaded() {
    follow "$PKI/apiserver.crt"
    [ -s "$WORK/changes" ] && [ -e "$AT" ] || return 1
    # Where the folder is exchanged as a whole, a running container goes on with the old one.
    ! awk -v unit="$PKI" '$1 == unit { found = 1; exit } END { exit !found }' "$WORK/before" || return 1
    reloaded=
    for path in $RELOADED; do
        in_pki "$path"
        reloaded="$reloaded $IN_PKI"
    done
    while read -r _ path; do
        # The record of what is installed is no file of a component.
        # Nor does any read what is there for registries.
        case "$reloaded " in *" $path "*) ;; *) case $path in "$INSTALLED"/*) ;; *) is_of_registry "$path" || return 1 ;; esac ;; esac
    done <"$WORK/changes"
}

# Notes what differs between what is there and the generation before, a line `changed PATH` each, and where the latter keeps
# each unit, by the name that it is known by; and the facts of all units.
compare_with_previous() { # <units>
    : >"$WORK/changes"
    : >"$WORK/before"
    : >"$WORK/lines"
    find_unit "$PKI"
    pki_live=$UNIT_LIVE
    find_unit "$KUBELET_PKI"
    kubelet_live=$UNIT_LIVE
    while read -r live in_slot; do
        [ -n "$in_slot" ] || continue
        in_slot=${in_slot%%/@/*}/previous/${in_slot#*/@/}
        case $live/ in
        "$pki_live"/*) unit=$PKI${live#"$pki_live"} ;;
        "$kubelet_live"/*) unit=$KUBELET_PKI${live#"$kubelet_live"} ;;
        "$LIVE_KUBERNETES"/*) unit=$KUBERNETES${live#"$LIVE_KUBERNETES"} ;;
        *)
            known_as "$live"
            unit=$KNOWN
            ;;
        esac
        printf '%s %s\n' "$unit" "$in_slot" >>"$WORK/before"
        : >"$WORK/old"
        : >"$WORK/new"
        ! is_there "$R/$live" || describe_unit "$R/$live" >"$WORK/old" || cannot "cannot read $R/$live"
        ! is_there "$R/$in_slot" || describe_unit "$R/$in_slot" >"$WORK/new" || cannot "cannot read $R/$in_slot"
        note_facts "$live" o "$WORK/old"
        note_facts "$live" n "$WORK/new"
        awk -v unit="$unit" "$AWK_CHANGES" "$WORK/old" "$WORK/new" |
            awk '!/: owner and permissions$/ { $1 = "changed"; print }' >>"$WORK/changes"
    done <"$1"
}

# What is installed, and what a rollback brings.
say_state() {
    say_generation installed "$R/$INSTALLED" 'nothing by certferry'
    previous=$R/$HOME_KUBERNETES/previous
    if [ ! -f "$previous/units" ]; then
        printf '%-12s none\n' previous
    elif [ -f "$previous/installed/record.json" ] && ! is_foreign; then
        say_generation previous "$previous/installed" '' '; `sh install.sh --rollback` brings it back'
    else
        printf '%-12s what certferry did not install; `sh install.sh --rollback` brings it back\n' previous
    fi
    for slot in original:'what certferry did not install' repaired:'what the last repair replaced'; do
        homes="$HOME_KUBERNETES $HOME_KUBELET"
        for folder in $SLOT_FOLDERS; do
            homes="$homes $folder/.certferry"
        done
        for folder in $homes; do
            [ -d "$R/$folder/${slot%%:*}" ] || continue
            printf '%-12s %s: %s, until a person removes it\n' "${slot%%:*}" "${slot#*:}" "$folder/${slot%%:*}"
            break
        done
    done
}

say_generation() { # <label> <folder> <text if there is none> <what follows>
    text=$3
    if [ -f "$2/record.json" ]; then
        text="what cannot be read: $2/record.json"
        if about=$(read_document record "$2/record.json"); then
            text=$(printf '%s\n' "$about" | awk '
                { is[$1] = $2 }
                END {
                    print is["cluster"] ", generation " is["generation"] ", Kubernetes " is["kubernetes"] \
                        ", node " substr(is["part"], 6)
                }')
        fi
    fi
    printf '%-12s %s%s\n' "$1" "$text" "${4-}"
}

status() {
    need_tools awk cat ls readlink sha256sum tr wc id
    take_root
    take_places
    home="$R/$HOME_KUBERNETES"
    if [ -d "$home" ] && [ ! -r "$home" ]; then
        cannot "cannot read $home" 'run this as root'
    fi
    say_state
    [ ! -f "$home/journal" ] ||
        printf '%-12s a run was cut short: the next `sh install.sh` brings it to its end first\n' interrupted
    [ ! -f "$R/$RESTART" ] || printf '%-12s cut short: %s; the next `sh install.sh` with the same bundle says how to restart it\n' \
        restart "$(noted | sed 's/ /, /g')"
    [ ! -d "$home/manifests" ] || printf '%-12s %s\n' interrupted "$(manifests_are_away)"
    [ ! -f "$R/$INSTALLED/record.json" ] || say_drift
}

# What of the files is not as it was installed, by hash and mode.
say_drift() {
    if [ -f "$home/journal" ]; then
        printf '%-12s not compared: those of two generations may be there\n' files
        return
    fi
    # One that cannot be read was told of.
    about=$(read_document record "$R/$INSTALLED/record.json") || return 0
    pki_of "$about"
    node=$(printf '%s\n' "$about" | awk '$1 == "part" { print substr($2, 6) }')
    rows=$(printf '%s\n' "$about" | awk '$1 == "row"')
    differs=$(printf '%s\n' "$rows" | while read -r _ kind first second third path; do
        case $kind in
        f) compare_file "$path" "$first" "$third" ;;
        l) compare_link "$second" "$first" ;;
        esac
    done)
    { printf '%s\n' "$rows" && printf -- '--\n%s\n' "$differs"; } | awk "$AWK_DRIFT"
    count=$(printf '%s\n' "$differs" | awk '$1 != "" && $1 != "note" { found = 1 } END { print found + 0 }')
    [ "$count" = 0 ] || {
        say_error 'not all files are as they were installed' \
            '`sh install.sh` with the installed bundle mends it; if the change is wanted, build and install a new generation'
        exit 1
    }
}

# Prints `WORD PATH` if a file is not as the record has it.
compare_file() { # <path> <mode> <sha256>
    at "$1"
    if ! is_there "$AT"; then
        above=
        below=$1
        while case $below in */*) ;; *) false ;; esac; do
            above=$above${above:+/}${below%%/*}
            below=${below#*/}
            follow "$above"
            [ -d "$AT" ] || {
                printf 'folder %s\n' "$above"
                return
            }
        done
        case $1 in
        "$KUBERNETES/admin.conf" | "$KUBERNETES/super-admin.conf") may_go "$1" ;;
        "$PKI"/*ca.key) if names_it "$1"; then printf 'missing %s\n' "$1"; else may_go "$1"; fi ;;
        # The kubelet keeps the certificates before, and people remove them.
        "$KUBELET_PKI"/kubelet-client-*.pem) is_rotated || printf 'missing %s\n' "$1" ;;
        *) printf 'missing %s\n' "$1" ;;
        esac
    elif [ ! -f "$AT" ] || [ -L "$AT" ]; then
        printf 'changed %s\n' "$1"
    else
        line=$(facts "$AT")
        [ "${line##* }" = "$3" ] || {
            printf 'changed %s\n' "$1"
            return
        }
        case $2:$line in
        0600:-rw-------[+\ ]* | 0644:-rw-r--r--[+\ ]*) ;;
        *) printf 'access %s\n' "$1" ;;
        esac
    fi
}

# The kubelet leads its link to the newest certificate that it has.
compare_link() { # <path> <target>
    at "$1"
    if ! is_there "$AT"; then
        printf 'missing %s\n' "$1"
    elif [ ! -L "$AT" ] || { [ "$(linked "$1")" != "$2" ] && ! is_rotated; }; then
        printf 'changed %s\n' "$1"
    fi
}

# The name of the file beside a link to which it leads; nothing if it leads elsewhere.
linked() {
    at "$1"
    target=$(readlink "$AT")
    case $target in
    "/${1%/*}"/*) target=${target#"/${1%/*}/"} ;;
    esac
    case $target in */*) ;; *) printf '%s\n' "$target" ;; esac
}

# Whether the kubelet's link leads to a certificate of this node beside it.
is_rotated() {
    target=$(linked "$KUBELET_PKI/kubelet-client-current.pem")
    case $target in kubelet-client-*.pem) ;; *) return 1 ;; esac
    follow "$KUBELET_PKI/$target"
    client=$AT
    follow "$PKI/ca.crt"
    [ -f "$client" ] && command -v openssl >/dev/null 2>&1 || return 1
    subject=$(openssl x509 -in "$client" -noout -subject </dev/null 2>/dev/null | tr -d ' ')
    case $subject in *CN=system:node:"$node" | *CN=system:node:"$node"[/,]*) ;; *) return 1 ;; esac
    # Its own signature is certferry's to check.
    issuer=$(openssl x509 -in "$client" -noout -issuer_hash </dev/null 2>/dev/null)
    [ "$issuer" = "$(openssl x509 -in "$AT" -noout -subject_hash </dev/null 2>/dev/null)" ]
}

# What people may take away is worth a note, until it is accepted.
may_go() {
    [ -f "$R/$INSTALLED/accepted" ] && awk -v place="$1" '$0 == place { found = 1 } END { exit !found }' "$R/$INSTALLED/accepted" ||
        printf 'note %s\n' "$1"
}

# Whether the manifest of a static pod names a file.
names_it() {
    follow "$MANIFESTS"
    for manifest in "$AT"/*; do
        follow "${manifest#"$R"/}"
        manifest=$AT
        [ ! -f "$manifest" ] || ! awk -v path="/$1" '{
            place = index($0, path)
            if (place && substr($0, place + length(path), 1) !~ /[A-Za-z0-9._\/-]/) found = 1
        } END { exit !found }' "$manifest" || return 0
    done
    return 1
}
