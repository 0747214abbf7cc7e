# ---------------------------------------------------------------------------------------------------------------------
# Files on the node

# Whether anything has that name, be it a link that leads nowhere.
is_there() {
    [ -e "$1" ] || [ -L "$1" ]
}

# The inode number of what has that name; 0 if nothing has.
inode() {
    if is_there "$1"; then
        # The name is not read: only words before it are. A pattern in it is none.
        set -f
        # shellcheck disable=SC2012,SC2046
        set -- $(ls -id "$1")
        set +f
        echo "$1"
    else
        echo 0
    fi
}

# Kind, mode, owner and content of one thing, without its name.
facts() {
    set -f
    # shellcheck disable=SC2012,SC2046 # Nothing else in POSIX tells the mode.
    set -- "$1" $(ls -ldn "$1")
    set +f
    # Behind the mode some systems tell of a label or a list of rights.
    if [ -L "$1" ]; then
        printf '%s %s:%s %s\n' "${2%[.+@]}" "$4" "$5" "$(readlink "$1" | sha256)"
    elif [ -f "$1" ]; then
        printf '%s %s:%s %s\n' "${2%[.+@]}" "$4" "$5" "$(sha256 <"$1")"
    else
        printf '%s %s:%s -\n' "${2%[.+@]}" "$4" "$5"
    fi
}

# Of the standard input, without the dash behind it.
sha256() {
    # shellcheck disable=SC2046 # Two words.
    set -- $(sha256sum)
    echo "$1"
}

# Every thing below a folder, in one order: its facts, and its path below the folder.
describe() (
    cd "$1" || exit 1
    for name in * .[!.]* ..?*; do
        is_there "./$name" || continue
        case $name in *"$LF"*) exit 3 ;; esac
        printf '%s %s\n' "$(facts "./$name")" "$2$name"
        if [ -d "./$name" ] && [ ! -L "./$name" ]; then
            describe "./$name" "$2$name/" || exit $?
        fi
    done
)

# The facts of a unit: of the folder and all in it, or of the file.
describe_unit() {
    printf '%s .\n' "$(facts "$1")"
    if [ -d "$1" ] && [ ! -L "$1" ]; then
        describe "$1" ''
    fi
}

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

# Where a folder of the node really is, for an operator may have put it elsewhere and left a link: UNIT_LIVE, with its
# slots in the folder UNIT_HOME beside it.
find_unit() { # <folder>
    UNIT_LIVE=$1
    if [ -L "$R/$1" ]; then
        real=$(cd -P "$R/$1" 2>/dev/null && pwd -P) || cannot "$R/$1 is a link that leads nowhere" \
            'make the folder it leads to, mount its disk, or remove the link; nothing was changed'
        UNIT_LIVE=${real#"$R"/}
        [ "$UNIT_LIVE" != "$real" ] || cannot "$R/$1 is a link that leads out of $R"
        case $UNIT_LIVE in *[!A-Za-z0-9._/-]*) cannot "the journal cannot hold the name $real" "use plain names" ;; esac
    fi
    [ ! -e "$R/$1" ] || [ -d "$R/$1" ] || cannot "$R/$1 is not a folder"
    case $UNIT_LIVE in */*) UNIT_HOME=${UNIT_LIVE%/*}/.certferry ;; *) UNIT_HOME=.certferry ;; esac
    UNIT_NAME=${UNIT_LIVE##*/}
}

# Nothing is written through a link: what it leads to may be another program's.
refuse_link() { # <place> <path>
    cannot "$1 is a link to $(readlink "$2"): the bundle's files are not written through it" \
        "what it leads to may be somebody else's, such as a running etcd's; if the bundle's files belong here, remove the link (what it leads to stays) and run this again; nothing was changed"
}

# The folders that hold slots: those of this script, and those of the units in the journal and of the generation before.
# The one that says what is in the others comes last.
homes() {
    {
        printf '%s\n' "$HOME_KUBELET/"
        for list in "$R/$JOURNAL" "$R/$HOME_KUBERNETES/previous/units"; do
            [ ! -f "$list" ] || awk '{ for (i = 2; i <= 3; i++) if ($i ~ /(^|\/)\.certferry\//) print $i }' "$list"
        done
    } | awk -v last="$HOME_KUBERNETES" "$AWK_HOMES"
}

is_mount_point() {
    [ -r /proc/self/mountinfo ] || return 1
    # Names in it have octal escapes for what would end a field.
    awk -v place="$(printf '%s' "$1" | sed 's/\\/\\\\134/g; s/ /\\\\040/g; s/	/\\\\011/g')" \
        '$5 == place { found = 1; exit } END { exit !found }' /proc/self/mountinfo
}

