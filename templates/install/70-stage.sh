# Builds the slot of a folder: the record's files, and what the old folder has beside them.
stage_folder() { # <folder>
    find_unit "$1"
    prefix=$1/
    make_folder "$R/$UNIT_HOME" 0700
    [ -d "$R/$UNIT_HOME/next" ] || must mkdir "$R/$UNIT_HOME/next"
    target=$R/$UNIT_HOME/next/$UNIT_NAME
    OLD=$R/$UNIT_LIVE NEW=$target
    awk -v prefix="$prefix" '$1 == "row" && index($NF, prefix) == 1' "$SAID" >"$WORK/rows"
    check_ways "$1"
    must mkdir "$target"
    must chmod 00755 "$target"
    own "$target"
    while read -r _ kind first second _ path; do
        [ "$kind" = f ] || path=$second
        name=${path#"$prefix"}
        make_parents "$target" "$name"
        if [ "$kind" = l ]; then
            must ln -s "$first" "$target/$name"
        else
            must cp "$TREE/$path" "$target/$name"
        fi
    done <"$WORK/rows"
    # All of it at once: a process for each file would take longer than all the rest.
    [ "$USER_ID" != 0 ] || must chown -h -R 0:0 "$target"
    # etcd runs as a user of its own where the kubelet does not start it.
    if [ "$ROLE" = etcd ]; then
        while read -r _ kind _ _ _ path; do
            name=${path#"$prefix"}
            [ "$kind" != f ] || [ ! -f "$OLD/$name" ] || copy_owner "$OLD/$name" "$target/$name"
        done <"$WORK/rows"
    fi
    awk '$2 == "f" && !seen[$3]++ { print $3 }' "$WORK/rows" >"$WORK/modes"
    while read -r mode; do
        set_mode "$mode"
    done <"$WORK/modes"
    if [ -d "$OLD" ]; then
        LIVE=$1
        carry '' || {
            case $? in
            3) cannot "a name below $OLD has a line break in it" 'rename that file' ;;
            4) cannot "$LIVE/$(cat "$WORK/special") is a socket, a pipe or a device, and cannot be carried over" \
                'move it elsewhere; nothing was changed' ;;
            *) cannot "cannot carry over what is in $OLD" ;;
            esac
        }
    fi
    add_unit "$1" "$UNIT_LIVE" "$UNIT_HOME/@/$UNIT_NAME"
    rmdir "$R/$UNIT_HOME/next" 2>/dev/null
}

# Gives that mode to the files of the folder that have it in the record.
set_mode() { # <mode>
    mode=$1
    set --
    while read -r _ kind its_mode _ _ path; do
        [ "$kind $its_mode" != "f $mode" ] || set -- "$@" "$target/${path#"$prefix"}"
    done <"$WORK/rows"
    must chmod "$mode" "$@"
}

# Refuses a link, and anything else but a folder, where the record has a folder; and a link where it has a file.
check_ways() { # <folder>
    awk -v prefix="$1/" '{
        count = split(substr($NF, length(prefix) + 1), names, "/")
        way = ""
        for (i = 1; i <= count; i++) {
            way = way (i > 1 ? "/" : "") names[i]
            if (i < count || $2 == "f") print (i < count ? "folder " : "file ") way
        }
    }' "$WORK/rows" >"$WORK/ways"
    while read -r kind name; do
        [ ! -L "$OLD/$name" ] || refuse_link "$1/$name" "$OLD/$name"
        [ "$kind" = file ] || [ ! -e "$OLD/$name" ] || [ -d "$OLD/$name" ] ||
            cannot "$1/$name is not a folder" 'move it elsewhere; nothing was changed'
    done <"$WORK/ways"
}

make_parents() { # <folder> <path below it>
    case $2 in
    */*)
        make_parents "$1" "${2%/*}"
        [ -d "$1/${2%/*}" ] || {
            must mkdir "$1/${2%/*}"
            must chmod 00755 "$1/${2%/*}"
            own "$1/${2%/*}"
        }
        ;;
    esac
}

# Copies what the new folder lacks, with modes, owners and times, and names it in a list. Folders stay as they are.
carry() ( # <path below the folder, ending in a slash>
    cd "$OLD/$1." && copy_mode . "$NEW/$1." || exit 1
    for name in * .[!.]* ..?*; do
        is_there "./$name" || continue
        path=$1$name
        case $name in *"$LF"*) exit 3 ;; esac
        if [ -d "./$name" ] && [ ! -L "./$name" ]; then
            # Where the bundle has a file, nothing of a folder of that name is kept.
            [ ! -e "$NEW/$path" ] || [ -d "$NEW/$path" ] || continue
            [ -d "$NEW/$path" ] || mkdir "$NEW/$path" || exit 1
            carry "$path/" || exit $?
        elif is_there "$NEW/$path" || is_stale "$path"; then
            continue
        elif [ ! -f "./$name" ] && [ ! -L "./$name" ]; then
            printf '%s\n' "$path" >"$WORK/special"
            exit 4
        elif ! is_left_behind "./$name"; then
            cp -pP "./$name" "$NEW/$path" || exit 1
            printf '%s\n' "$LIVE/$path" >>"$WORK/carried"
        fi
    done
)

# Mode and owner of one folder for another.
copy_mode() {
    # shellcheck disable=SC2012
    ls -ldn "$1/." | awk "$AWK_MODE" | {
        read -r mode owner
        if [ "$USER_ID" = 0 ]; then
            chown "$owner" "$2" || exit 1
        fi
        chmod "$mode" "$2"
    }
}

copy_owner() {
    if [ "$USER_ID" = 0 ]; then
        # shellcheck disable=SC2012
        must chown "$(ls -ldn "$1" | awk 'NR == 1 { print $3 ":" $4 }')" "$2"
    fi
}

# The kubelet's own certificates go with the generation that they are of.
is_stale() {
    [ "$LIVE" = "$KUBELET_PKI" ] || return 1
    case $1 in
    */*) return 1 ;;
    kubelet-client-*.pem | kubelet.crt | kubelet.key) return 0 ;;
    esac
    return 1
}

# Notes a unit, unless it is there already just so; and what its files come to.
add_unit() { # <its name in the record> <live> <slot, with @>
    staged=$R/${3%%/@/*}/next/${3#*/@/}
    describe_unit "$staged" >"$WORK/new" || cannot "cannot read $staged"
    # What was copied and given its mode is read back.
    awk -v unit="$1" "$AWK_FACTS$AWK_STAGED" "$SAID" "$WORK/new" ||
        cannot "$staged is not what the record says"
    : >"$WORK/old"
    if is_there "$R/$2"; then
        describe_unit "$R/$2" >"$WORK/old" || cannot "cannot read $R/$2"
    fi
    if cmp -s "$WORK/old" "$WORK/new"; then
        must rm -rf "$staged"
        # What stays because nothing is done is not told.
        awk -v unit="$1/" 'index($0, unit) != 1' "$WORK/carried" >"$WORK/others"
        must mv -f "$WORK/others" "$WORK/carried"
        return
    fi
    printf '%s %s\n' "$2" "$3" >>"$WORK/units"
    [ "$2" != "$INSTALLED" ] || return 0
    # Four facts, then the path.
    awk -v unit="$1" "$AWK_CHANGES" "$WORK/old" "$WORK/new" >>"$WORK/changes" ||
        cannot 'cannot compare what is there with what is new'
}

stage() {
    : >"$WORK/units"
    : >"$WORK/changes"
    : >"$WORK/carried"
    find_replaced
    if [ -n "$REPLACED" ]; then
        for folder in "$PKI" "$KUBELET_PKI"; do
            [ ! -d "$R/$folder" ] || gather_belonging "$R/$folder/."
        done
    fi
    for folder in "$PKI" "$KUBELET_PKI"; do
        has_rows "$folder/" || continue
        if [ "$folder" = "$KUBELET_PKI" ]; then
            for above in var var/lib var/lib/kubelet; do
                make_folder "$R/$above" 0755
            done
        fi
        stage_folder "$folder"
    done
    awk '$1 == "row" && $2 == "f" && $6 ~ /^etc\/kubernetes\/[^\/]+$/ { print $3, substr($6, 16) }' "$SAID" >"$WORK/files"
    while read -r mode name; do
        [ ! -d "$R/$KUBERNETES/$name" ] || cannot "$R/$KUBERNETES/$name is a folder"
        [ ! -L "$R/$KUBERNETES/$name" ] || cannot "$R/$KUBERNETES/$name is a link" \
            'put the file itself in its place, or use `certferry apply`'
        must cp "$TREE/$KUBERNETES/$name" "$R/$HOME_KUBERNETES/next/$name"
        must chmod "$mode" "$R/$HOME_KUBERNETES/next/$name"
        own "$R/$HOME_KUBERNETES/next/$name"
        add_unit "$KUBERNETES/$name" "$KUBERNETES/$name" "$HOME_KUBERNETES/@/$name"
    done <"$WORK/files"
    stage_removals

    slot="$R/$HOME_KUBERNETES/next/installed"
    must mkdir "$slot"
    must cp "$record" "$slot/record.json"
    must cp "$record.sig" "$slot/record.json.sig"
    must cp "$WORK/signer.pub" "$slot/signer.pub"
    {
        printf 'certferry-not-after-1\n'
        awk -v list=1 "$AWK_DATES" "$WORK/dates" | sort
        printf 'end\n'
    } >"$slot/not_after" || cannot "cannot write $slot/not_after"
    must chmod 0644 "$slot/record.json" "$slot/record.json.sig" "$slot/signer.pub" "$slot/not_after"
    own "$slot/record.json" "$slot/record.json.sig" "$slot/signer.pub" "$slot/not_after"
    # What a person accepted stays accepted when the installed generation is mended.
    if is_repair && [ -f "$R/$INSTALLED/accepted" ]; then
        must cp -p "$R/$INSTALLED/accepted" "$slot/accepted"
    fi
    must chmod 00700 "$slot"
    own "$slot"
    add_unit "$INSTALLED" "$INSTALLED" "$HOME_KUBERNETES/@/installed"
}

has_rows() {
    awk -v prefix="$1" '$1 == "row" && index($NF, prefix) == 1 { found = 1; exit } END { exit !found }' "$SAID"
}

# Kubeconfigs that nothing would accept any more, and what the kubelet would take for a bootstrap.
stage_removals() {
    for name in $KUBECONFIGS "$BOOTSTRAP"; do
        live=$KUBERNETES/$name
        [ -f "$R/$live" ] && ! awk -v path="$live" '$1 == "row" && $NF == path { found = 1 } END { exit !found }' "$SAID" ||
            continue
        if [ "$name" = "$BOOTSTRAP" ]; then
            has_rows "$KUBERNETES/kubelet.conf" || continue
        else
            data_of "$R/$live" certificate-authority-data >"$WORK/ca.pem"
            key=$(key_of_certificate "$WORK/ca.pem") && is_replaced_key "$key" || continue
        fi
        printf '%s %s\n' "$live" "$HOME_KUBERNETES/@/$name" >>"$WORK/units"
        printf 'removed %s\n' "$live" >>"$WORK/changes"
    done
}

