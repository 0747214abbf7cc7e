# ---------------------------------------------------------------------------------------------------------------------
# Files on the node

# Whether anything has that name, be it a link that leads nowhere.
is_there() {
    [ -e "$1" ] || [ -L "$1" ]
}

# The inode number of what has that name, INODE; 0 if nothing has.
inode() {
    INODE=0
    if is_there "$1"; then
        INODE=$(ls -id "$1") || INODE=0
        # The name is not read: only words before it are.
        INODE=${INODE#"${INODE%%[0-9]*}"}
        INODE=${INODE%%[!0-9]*}
    fi
}

# Kind, mode, owner and content of one thing, without its name.
facts() {
    set -f
    # shellcheck disable=SC2012,SC2046 # Nothing else in POSIX tells the mode.
    set -- "$1" $(ls -ldn "$1")
    set +f
    # Behind the mode a plus stands for a list of rights (ACL), which is a fact, and other signs for a label.
    if [ -L "$1" ]; then
        printf '%s %s:%s %s\n' "${2%[.@]}" "$4" "$5" "$(readlink "$1" | sha256)"
    elif [ -f "$1" ]; then
        printf '%s %s:%s %s\n' "${2%[.@]}" "$4" "$5" "$(sha256 <"$1")"
    else
        printf '%s %s:%s -\n' "${2%[.@]}" "$4" "$5"
    fi
}

# Of the standard input, without the dash behind it.
sha256() {
    # shellcheck disable=SC2046 # Two words.
    set -- $(sha256sum)
    echo "$1"
}

# The facts of a unit, a line for each: of the folder and all in it, or of the file; behind them the path. Fails with 3 if
# there is a line break in a name.
describe_unit() {
    if is_folder "$1"; then
        describe "$1"
    else
        printf '%s .\n' "$(facts "$1")"
    fi
}

# One process for all: one for each file would take longer than all the rest.
describe() (
    cd "$1" || exit 1
    names=$(list .) || exit
    set -f
    IFS=$LF
    # shellcheck disable=SC2086 # A path a line.
    set -- . $names
    {
        printf '%s\n' "$@" ''
        # As ls has them.
        printf '%s\n' "$@" | sort
        echo
        ls -ldn "$@"
        echo
        for name in "$@"; do
            [ ! -L "$name" ] || readlink "$name" | sha256sum
        done
        echo
        files=$(for name in "$@"; do
            [ ! -f "$name" ] || [ -L "$name" ] || printf '%s\n' "$name"
        done)
        # shellcheck disable=SC2086
        [ -z "$files" ] || sha256sum $files
    } | awk "$AWK_DESCRIBE"
)

# Every thing below a folder.
list() {
    for entry in "$1"/* "$1"/.[!.]* "$1"/..?*; do
        is_there "$entry" || continue
        case $entry in *"$LF"*) exit 3 ;; esac
        printf '%s\n' "$entry"
        ! is_folder "$entry" || list "$entry"
    done
}

is_folder() {
    [ -d "$1" ] && [ ! -L "$1" ]
}

# The fingerprint of what has that name, and `-` if nothing has (the manual, chapter formats).
fingerprint() {
    if is_folder "$1"; then
        describe "$1" | awk -v skip=0 "$AWK_PLAIN" | sort | sha256
    elif is_there "$1"; then
        line=$(facts "$1")
        mode=${line%% *}
        printf '%s %s .\n' "${mode%+}" "${line#* }" | sha256
    else
        echo -
    fi
}

# Notes the facts of a unit, for its fingerprint.
note_facts() { # <live> <`n` for what arrives, `o` for what is there> <its description>
    while IFS= read -r line; do
        printf '%s %s %s\n' "$1" "$2" "$line"
    done <"$3" >>"$WORK/lines" || cannot "cannot write $WORK/lines"
}

# The fingerprints of all units of which facts were noted: lines `LIVE n|o FINGERPRINT`.
fingerprints() (
    must mkdir "$WORK/prints"
    cd "$WORK/prints" || exit
    awk -v skip=2 "$AWK_PLAIN" ../lines | sort | awk '
        {
            unit = $1 " " $2
            if (unit != last) {
                if (file != "") close(file)
                file = sprintf("%06d", ++count)
                print unit
                last = unit
            }
            print substr($0, length(unit) + 2) >file
        }' >../keys || exit
    set -- *
    [ "$*" = '*' ] || sha256sum "$@" | awk 'NR == FNR { unit[NR] = $0; next } { print unit[FNR], $1; count = FNR }' ../keys -
)

# Makes a folder of the node's that may be missing, with kubeadm's mode.
make_folder() { # <path> <mode>
    if [ ! -d "$1" ]; then
        must mkdir "$1"
        MADE=$1$LF$MADE
        # Five digits: with four, GNU chmod leaves a folder the set-group-ID bit that it inherited.
        must chmod "0$2" "$1"
        own "$1"
    fi
}

# Gives it to root, whatever the folder's own group or the sticky bits say. Only root can.
own() {
    if [ "$USER_ID" = 0 ]; then
        must chown -h 0:0 "$@"
    fi
}

# Where a place of the node is: AT. Below a root other than / a link on the way leads to what is below that root, as it
# would on the node itself: an absolute target begins at the root, and nothing is above it. So nothing outside is reached.
# A link at the end is not followed.
at() { # <place>
    AT=$R/$1
    [ -z "$R" ] || walk "$1" ''
}

# The same, and a link at the end is followed, too.
follow() { # <place>
    AT=$R/$1
    [ -z "$R" ] || walk "$1" all
}

walk() { # <place> <whether a link at the end is followed>
    AT=$R ahead=$1 links=0
    while [ -n "$ahead" ]; do
        step=${ahead%%/*}
        case $ahead in */*) ahead=${ahead#*/} ;; *) ahead= ;; esac
        case $step in
        '' | .) continue ;;
        ..)
            [ "$AT" = "$R" ] || AT=${AT%/*}
            continue
            ;;
        esac
        AT=$AT/$step
        [ -L "$AT" ] && [ -n "$ahead$2" ] || continue
        links=$((links + 1))
        [ "$links" -le 40 ] || cannot "$R/$1 leads through too many links" 'two links may lead to each other; nothing was changed'
        target=$(readlink "$AT")
        case $target in /*) AT=$R ;; *) AT=${AT%/*} ;; esac
        ahead=$target${ahead:+/$ahead}
    done
}

# The place of a folder of the node without links on its way: PLACE. An operator may have put it elsewhere. The folder
# itself need not be there, but what a link leads to must be.
real_folder() { # <place>
    PLACE=$1
    if [ -n "$R" ]; then
        upto='' rest=$1/
        while [ -n "$rest" ]; do
            upto=$upto${upto:+/}${rest%%/*} rest=${rest#*/}
            at "$upto"
            [ ! -L "$AT" ] || leads_to_folder "$upto"
        done
        follow "$1"
        PLACE=${AT#"$R"/}
        [ "$AT" != "$R" ] || cannot "$R/$1 is a link that leads to $R/ itself"
    elif [ -L "/$1" ]; then
        PLACE=$(cd -P "/$1" 2>/dev/null && pwd -P) || leads_nowhere "/$1"
        PLACE=${PLACE#/}
        [ -n "$PLACE" ] || cannot "/$1 is a link that leads to / itself"
    fi
    case $PLACE in *[!A-Za-z0-9._/-]*) cannot "the journal cannot hold the name $R/$PLACE" "use plain names" ;; esac
}

leads_to_folder() { # <place of a link>
    link=$AT
    follow "$1"
    [ -d "$AT" ] || leads_nowhere "$link"
}

leads_nowhere() {
    cannot "$1 is a link that leads nowhere" \
        'make the folder it leads to, mount its disk, or remove the link; nothing was changed'
}

# A folder that is a unit: where it is, UNIT_LIVE, with its slots in the folder UNIT_HOME beside it.
find_unit() { # <folder>
    real_folder "$1"
    UNIT_LIVE=$PLACE
    [ ! -e "$R/$UNIT_LIVE" ] || [ -d "$R/$UNIT_LIVE" ] || cannot "$R/$1 is not a folder"
    case $HOME_KUBERNETES/ in "$UNIT_LIVE"/*) cannot "$R/$1 is a link that leads to a folder above it" ;; esac
    case $UNIT_LIVE in */*) UNIT_HOME=${UNIT_LIVE%/*}/.certferry ;; *) UNIT_HOME=.certferry ;; esac
    UNIT_NAME=${UNIT_LIVE##*/}
}

# Whether a place is one of those of registries.
is_of_registry() { # <place>
    for registries in $CERTS_D $TRUST; do
        case $1 in "$registries"/*) return 0 ;; esac
    done
    return 1
}

# A unit in a folder where other people's files lie beside it: where it is, UNIT_LIVE, and its slots, UNIT_HOME. Those of a root
# that the system trusts lie beside the folder, for what lies in it is trusted.
find_beside() { # <place>
    real_folder "${1%/*}"
    UNIT_LIVE=$PLACE/${1##*/}
    case ${1%/*} in
    "$CERTS_D") UNIT_HOME=$PLACE/.certferry UNIT_NAME=${1##*/} ;;
    *)
        case $PLACE in */*) UNIT_HOME=${PLACE%/*}/.certferry ;; *) UNIT_HOME=.certferry ;; esac
        UNIT_NAME=${PLACE##*/}/${1##*/}
        ;;
    esac
}

# The place of registries by which a place without links on its way is known: KNOWN, or the same if it is none.
known_as() { # <live>
    KNOWN=$1
    for registries in $CERTS_D $TRUST; do
        known_live=$registries
        if [ -n "$R" ]; then
            follow "$registries"
            known_live=${AT#"$R"/}
        elif [ -L "/$registries" ]; then
            known_live=$(cd -P "/$registries" 2>/dev/null && pwd -P)
            known_live=${known_live#/}
        fi
        case $1 in "$known_live"/?*) KNOWN=$registries${1#"$known_live"} ;; esac
    done
}

# Below a root other than /: where the folders that hold the state really are there, and that nothing of the state is a
# link.
take_places() {
    LIVE_KUBERNETES=$KUBERNETES
    [ -n "$R" ] || return 0
    real_folder "$KUBERNETES"
    if [ "$PLACE" != "$KUBERNETES" ]; then
        LIVE_KUBERNETES=$PLACE
        HOME_KUBERNETES=$PLACE/.certferry
        LOCK=$HOME_KUBERNETES/lock
        JOURNAL=$HOME_KUBERNETES/journal
        JOURNAL_NEW=$HOME_KUBERNETES/journal.new
        INSTALLED=$HOME_KUBERNETES/installed
        AWAY=$HOME_KUBERNETES/manifests
        RESTART=$HOME_KUBERNETES/restart
        RESTART_NEW=$HOME_KUBERNETES/restart.new
    fi
    real_folder "${KUBELET_PKI%/*}"
    HOME_KUBELET=$PLACE/.certferry
    refuse_links "$HOME_KUBERNETES"
    refuse_links "$HOME_KUBELET"
    for place in "$LOCK" "$LOCK.d" "$JOURNAL" "$JOURNAL_NEW" "$RESTART" "$RESTART_NEW" "$HOME_KUBERNETES/previous/units" \
        "$HOME_KUBERNETES/previous/installed" "$HOME_KUBERNETES/previous/installed/record.json" "$INSTALLED" \
        "$INSTALLED/record.json" "$INSTALLED/record.json.sig" "$INSTALLED/signer.pub" "$INSTALLED/not_after" \
        "$INSTALLED/accepted"; do
        [ ! -L "$R/$place" ] || cannot "$R/$place is a link" 'it must be a file or folder of root itself; nothing was changed'
    done
}

# Refuses a folder of slots that is a link, or a slot.
refuse_links() { # <folder of slots>
    for place in "$1" "$1/next" "$1/previous" "$1/repaired" "$1/original" "$1/discard"; do
        [ ! -L "$R/$place" ] || cannot "$R/$place is a link" 'it must be a folder of root'
    done
}

is_overlay() {
    file_system "$1"
    [ "$KIND" = 794c7630 ]
}

# The number of the kind of file system that a folder is on, as statfs(2) lists it: KIND. Without `stat` it is not known.
file_system() { # <folder>
    [ "$1" != "${ASKED-}" ] || return 0
    KIND=$(stat -f -c %t "$1" 2>/dev/null) ASKED=$1
}

# Whether every folder in a folder can be renamed. Overlayfs does not rename one of a lower layer.
renames_folders() { # <folder>
    file_system "$1"
    case $KIND in
    # ext2 to ext4, XFS, Btrfs, F2FS, ZFS, bcachefs, JFS, ReiserFS, tmpfs, ramfs, NFS.
    ef53 | 58465342 | 9123683e | f2f52010 | 2fc12fc1 | ca451a4e | 3153464a | 52654973 | 1021994 | 858458f6 | 6969) ;;
    *) return 1 ;;
    esac
}

# Nothing is written through a link: what it leads to may be another program's.
refuse_link() { # <place> <path>
    cannot "$1 is a link to $(readlink "$2"): the bundle's files are not written through it" \
        "what it leads to may be somebody else's, such as a running etcd's; if the bundle's files belong here, remove the link (what it leads to stays) and run this again; nothing was changed"
}

# The folders that hold slots, in HOMES: those of the units, and those of the units in the journal and of the generation
# before. The one that says what is in the others comes last.
take_homes() {
    listed=$(
        for list in "$R/$JOURNAL" "$R/$HOME_KUBERNETES/previous/units"; do
            [ ! -f "$list" ] || cat "$list"
        done | awk "$AWK_HOMES"
    )
    HOMES=
    add_home "$HOME_KUBELET"
    for folder in "$USUAL_PKI" "$KUBELET_PKI" $(linked_folders); do
        follow "$folder"
        [ ! -d "$AT" ] || {
            find_unit "$folder"
            add_home "$UNIT_HOME"
        }
    done
    for folder in $CERTS_D $TRUST; do
        follow "$folder"
        [ ! -d "$AT" ] || {
            find_beside "$folder/"
            add_home "$UNIT_HOME"
        }
    done
    set -f
    for home in $listed; do
        add_home "$home"
    done
    set +f
    HOMES="$HOMES $HOME_KUBERNETES"
}

# The folders in that of kubeconfigs that may be that of the certificates.
other_folders() {
    for folder in "$R/$LIVE_KUBERNETES"/*; do
        case ${folder##*/} in
        manifests | tmp | pki | *[!A-Za-z0-9._-]*) ;;
        *) [ ! -d "$folder/" ] || printf '%s\n' "$KUBERNETES/${folder##*/}" ;;
        esac
    done
}

linked_folders() {
    for name in $(other_folders); do
        [ ! -L "$R/$LIVE_KUBERNETES/${name##*/}" ] || printf '%s\n' "$name"
    done
}

# Refuses certificates for another folder than that in which this node has them: nobody there would look.
check_pki() {
    [ -n "$FRESH" ] || return 0
    # Where certferry has put them before, they were moved away, and come back.
    [ -z "${INSTALLED_RECORD-}" ] ||
        [ "$(said "$INSTALLED_RECORD" certificates_dir)" != "$(said "$RECORD" certificates_dir)" ] || return 0
    for folder in "$USUAL_PKI" $(other_folders); do
        for name in ca.crt etcd/ca.crt; do
            follow "$folder/$name"
            [ ! -f "$AT" ] || refuse \
                "this node has its certificates in /$folder, and the bundle brings them for /$PKI" \
                "set certificates_dir = \"/$folder\" in [cluster] of the profile, and build again; where the folder is to change, make /$PKI first; nothing was changed"
        done
    done
}

add_home() {
    at "$1"
    case "$HOMES $HOME_KUBERNETES " in *" ${AT#"$R"/} "*) return ;; esac
    [ -z "$R" ] || refuse_links "${AT#"$R"/}"
    HOMES="$HOMES ${AT#"$R"/}"
}

