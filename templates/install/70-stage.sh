# Builds the slot of a folder: the record's files, and what the old folder has beside them. Where the folder cannot be
# known to be renamed, or what is in it not be copied with all its rights, only the files that change: each is a unit then,
# and all others stay where they are.
stage_folder() { # <folder>
    find_unit "$1"
    prefix=$1/
    make_folder "$R/$UNIT_HOME" 0700
    add_home "$UNIT_HOME"
    [ -d "$R/$UNIT_HOME/next" ] || must mkdir "$R/$UNIT_HOME/next"
    target=$R/$UNIT_HOME/next/$UNIT_NAME
    OLD=$R/$UNIT_LIVE LIVE=$1
    awk -v prefix="$prefix" '$1 == "row" && index($NF, prefix) == 1' "$SAID" >"$WORK/rows"
    check_ways "$1"
    : >"$WORK/old"
    if [ -d "$OLD" ]; then
        describe_unit "$OLD" >"$WORK/old" || {
            [ $? != 3 ] || cannot "a name below $OLD has a line break in it" 'rename that file'
            cannot "cannot carry over what is in $OLD"
        }
    fi
    sort_files
    by_file=1
    if [ ! -d "$OLD" ]; then
        must mkdir "$target"
        must chmod 00755 "$target"
        own "$target"
        by_file=
    elif renames_folders "$R/$UNIT_HOME" && copies_rights; then
        must cp -R -P --preserve=all "$OLD" "$target"
        remove_in_slot
        by_file=
    fi
    sed "s|^|$1/|" "$WORK/kept" >>"$WORK/carried"
    if [ -n "$by_file" ]; then
        stage_files "$1"
    else
        write_rows
        add_unit "$1" "$UNIT_LIVE" "$UNIT_HOME/@/$UNIT_NAME" || {
            must rm -rf "$target"
            stage_files "$1"
        }
    fi
    rmdir "$R/$UNIT_HOME/next" 2>/dev/null
}

# Says what becomes of each file of the folder: `write KIND MODE-OR-TARGET PATH` in sorted, of those that the record does not
# list the paths in removed and kept.
sort_files() {
    is_root=
    [ "$USER_ID" != 0 ] || [ "$ROLE" = etcd ] || is_root=1
    awk -v prefix="$prefix" -v is_root="$is_root" "$AWK_SORT" "$WORK/rows" "$WORK/old" >"$WORK/sorted" ||
        cannot "cannot compare $OLD with the record"
    : >"$WORK/removed"
    : >"$WORK/kept"
    : >"$WORK/covered"
    while IFS= read -r line; do
        path=${line#* }
        case $line in
        covered\ *) printf '%s\n' "$path" >>"$WORK/covered" ;;
        special\ *)
            is_stale "$path" || cannot "$LIVE/$path is a socket, a pipe or a device, and cannot be carried over" \
                'move it elsewhere; nothing was changed'
            printf '%s\n' "$path" >>"$WORK/removed"
            ;;
        beside\ *)
            if is_stale "$path" || is_dropped "$LIVE/$path" || { ! is_of_registry "$LIVE/" && is_left_behind "$OLD/$path"; }; then
                printf '%s\n' "$path" >>"$WORK/removed"
            else
                printf '%s\n' "$path" >>"$WORK/kept"
            fi
            ;;
        esac
    done <"$WORK/sorted"
}

# Whether cp copies lists of rights (ACLs) and attributes with a file. That of busybox does not.
copies_rights() {
    [ -n "$COPIES" ] || COPIES=$(cp -P --preserve=all "$WORK/signer.pub" "$WORK/probe" >/dev/null 2>&1 && echo yes || echo no)
    [ "$COPIES" = yes ]
}

# Removes from the copy of a folder what is not kept, and what is written anew.
remove_in_slot() {
    set --
    while IFS= read -r path; do
        set -- "$@" "$target/$path"
    done <<EOF
$(cat "$WORK/removed" "$WORK/covered" && awk '$1 == "write" { print $4 }' "$WORK/sorted")
EOF
    [ "$*" = "$target/" ] || must rm -rf "$@"
}

# Writes those of the record's files that differ.
write_rows() {
    set --
    while read -r word kind first name; do
        [ "$word" = write ] || continue
        make_parents "$target" "$name"
        [ "$kind" != l ] || must ln -s "$first" "$target/$name"
        set -- "$@" "$target/$name"
    done <"$WORK/sorted"
    [ $# -gt 0 ] || return 0
    copy_rows
    # All of them at once: a process for each file would take longer than all the rest.
    own "$@"
    # etcd runs as a user of its own where the kubelet does not start it.
    if [ "$ROLE" = etcd ]; then
        while read -r word kind _ name; do
            [ "$word $kind" != 'write f' ] || [ ! -f "$OLD/$name" ] || copy_owner "$OLD/$name" "$target/$name"
        done <"$WORK/sorted"
    fi
    for mode in 0600 0644; do
        set_mode "$mode"
    done
}

# Copies the files that are written, those of one folder at once.
copy_rows() {
    set --
    into=
    while read -r word kind _ name; do
        [ "$word $kind" = 'write f' ] || continue
        below=/$name
        below=$target${below%/*}
        [ "$below" = "$into" ] || [ $# = 0 ] || {
            must cp "$@" "$into/"
            set --
        }
        into=$below
        set -- "$@" "$TREE/$prefix$name"
    done <"$WORK/sorted"
    [ $# = 0 ] || must cp "$@" "$into/"
}

# Gives that mode to the written files that have it in the record.
set_mode() { # <mode>
    mode=$1
    set --
    while read -r word kind its_mode name; do
        [ "$word $kind $its_mode" != "write f $mode" ] || set -- "$@" "$target/$name"
    done <"$WORK/sorted"
    [ $# = 0 ] || must chmod "$mode" "$@"
}

# Stages the files that change, and notes each as a unit of its own.
stage_files() { # <folder>
    read -r covered <"$WORK/covered" && cannot "$1/$covered is a folder" 'move it elsewhere; nothing was changed'
    must mkdir "$target"
    write_rows
    describe_unit "$target" >"$WORK/staged" || cannot "cannot read $target"
    : >"$WORK/list"
    : >"$WORK/found"
    awk -v list="$WORK/list" -v lines="$WORK/found" -v live="$UNIT_LIVE" "$AWK_FILES" \
        "$WORK/old" "$WORK/staged" "$WORK/removed" >"$WORK/new" ||
        cannot "cannot compare $OLD with the record"
    awk -v unit="$1" "$AWK_FACTS$AWK_STAGED" "$SAID" "$WORK/new" || cannot "$target is not what the record says"
    note_changes "$1" "$WORK/new" "$WORK/old" || {
        must rm -rf "$target"
        return 0
    }
    must cat "$WORK/found" >>"$WORK/lines"
    while read -r word name; do
        case $word in
        unit) printf '%s %s\n' "$UNIT_LIVE/$name" "$UNIT_HOME/@/$UNIT_NAME/$name" >>"$WORK/units" ;;
        same) must rm -f "$target/$name" ;;
        odd) cannot "the journal cannot hold the name $1/$name" 'rename that file; nothing was changed' ;;
        esac
    done <"$WORK/list"
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

# Notes a unit, unless it is there already just so; and what its files come to. Fails if something that is kept has other
# rights in the slot.
add_unit() { # <its name in the record> <live> <slot, with @>
    staged=$R/${3%%/@/*}/next/${3#*/@/}
    describe_unit "$staged" >"$WORK/new" || cannot "cannot read $staged"
    # What was copied and given its mode is read back.
    awk -v unit="$1" "$AWK_FACTS$AWK_STAGED" "$SAID" "$WORK/new" ||
        cannot "$staged is not what the record says"
    : >"$WORK/was"
    if is_there "$R/$2"; then
        if [ "$1" = "${LIVE-}" ]; then
            awk -v user="$USER_ID" "$AWK_RIGHTS" "$WORK/kept" "$WORK/old" "$WORK/new" || return 1
            cat "$WORK/old" >"$WORK/was"
        else
            describe_unit "$R/$2" >"$WORK/was" || cannot "cannot read $R/$2"
        fi
    fi
    note_changes "$1" "$WORK/new" "$WORK/was" || {
        must rm -rf "$staged"
        return 0
    }
    if [ "$1" = "$INSTALLED" ] && [ -d "$R/$2" ] && ! renames_folders "$R/$HOME_KUBERNETES"; then
        awk -v live="$2" '!/^d/ { print live "/" $4, FILENAME == ARGV[1] ? "n" : "o", $1, $2, $3, "." }' \
            "$WORK/new" "$WORK/was" >>"$WORK/lines" || cannot "cannot write $WORK/lines"
        # All of them, so that the generation before is kept whole.
        for name in record.json record.json.sig signer.pub not_after accepted; do
            ! is_there "$R/$2/$name" && ! is_there "$staged/$name" || printf '%s %s\n' "$2/$name" "$3/$name" >>"$WORK/units"
        done
    else
        printf '%s %s\n' "$2" "$3" >>"$WORK/units"
        note_facts "$2" n "$WORK/new"
        note_facts "$2" o "$WORK/was"
    fi
}

# Notes what the files of a unit come to. Fails if nothing changes.
note_changes() { # <its name in the record> <facts of what is new> <facts of what was>
    if cmp -s "$2" "$3"; then
        # What stays because nothing is done is not told.
        awk -v unit="$1/" 'index($0, unit) != 1' "$WORK/carried" >"$WORK/others"
        must mv -f "$WORK/others" "$WORK/carried"
        return 1
    fi
    [ "$1" != "$INSTALLED" ] || return 0
    # Three facts, then the path.
    awk -v unit="$1" "$AWK_CHANGES" "$3" "$2" >>"$WORK/changes" ||
        cannot 'cannot compare what is there with what is new'
}

stage() {
    : >"$WORK/units"
    : >"$WORK/lines"
    : >"$WORK/changes"
    : >"$WORK/carried"
    find_replaced
    if [ -n "$REPLACED" ]; then
        for folder in "$PKI" "$KUBELET_PKI"; do
            find_unit "$folder"
            [ ! -d "$R/$UNIT_LIVE" ] || gather_belonging "$R/$UNIT_LIVE/."
        done
    fi
    for folder in "$PKI" "$KUBELET_PKI"; do
        has_rows "$folder/" || continue
        if [ "$folder" = "$KUBELET_PKI" ]; then
            for above in var var/lib var/lib/kubelet; do
                follow "$above"
                make_folder "$AT" 0755
            done
        fi
        stage_folder "$folder"
    done
    awk '$1 == "row" && $2 == "f" && $6 ~ /^etc\/kubernetes\/[^\/]+$/ { print $3, substr($6, 16) }' "$SAID" >"$WORK/files"
    set --
    while read -r _ name; do
        [ ! -L "$R/$LIVE_KUBERNETES/$name" ] || cannot "$R/$KUBERNETES/$name is a link" \
            'put the file itself in its place, or use `certferry apply`'
        [ ! -d "$R/$LIVE_KUBERNETES/$name" ] || cannot "$R/$KUBERNETES/$name is a folder"
        set -- "$@" "$TREE/$KUBERNETES/$name"
    done <"$WORK/files"
    [ $# = 0 ] || must cp "$@" "$R/$HOME_KUBERNETES/next/"
    for mode in 0600 0644; do
        set --
        while read -r its_mode name; do
            [ "$its_mode" != "$mode" ] || set -- "$@" "$R/$HOME_KUBERNETES/next/$name"
        done <"$WORK/files"
        [ $# = 0 ] || {
            must chmod "$mode" "$@"
            own "$@"
        }
    done
    while read -r _ name; do
        add_unit "$KUBERNETES/$name" "$LIVE_KUBERNETES/$name" "$HOME_KUBERNETES/@/$name"
    done <"$WORK/files"
    stage_removals
    stage_registries

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

# The folders of registries, each of which is a unit, then the roots that the system trusts. What the installed generation has
# and this one has not goes: nobody would trust it if it came now.
stage_registries() {
    awk '$1 == "row" && $2 == "f" { print $6 }' "$SAID" >"$WORK/rows.new"
    : >"$WORK/rows.old"
    [ ! -f "$WORK/installed.said" ] || awk '$1 == "row" && $2 == "f" { print $6 }' "$WORK/installed.said" >"$WORK/rows.old"
    sort -u "$WORK/rows.new" "$WORK/rows.old" >"$WORK/rows.all" || cannot "cannot write $WORK/rows.all"
    awk -v folder="$CERTS_D/" '
        index($0, folder) == 1 { name = substr($0, length(folder) + 1); sub(/\/.*/, "", name); if (!seen[name]++) print name }' "$WORK/rows.all" >"$WORK/registries"
    while read -r name; do
        at "$CERTS_D/$name"
        [ ! -L "$AT" ] || refuse_link "$CERTS_D/$name" "$AT"
        if has_rows "$CERTS_D/$name/"; then
            make_above "$CERTS_D/$name"
            stage_folder "$CERTS_D/$name"
        else
            drop_registry "$CERTS_D/$name"
        fi
    done <"$WORK/registries"
    while read -r place; do
        case $place in "$CERTS_D"/*) continue ;; esac
        ! is_of_registry "$place" || stage_trusted "$place"
    done <"$WORK/rows.all"
}

# Makes the folders above a place that are missing.
make_above() { # <place>
    upto='' ahead_of=$1
    while case $ahead_of in */*) ;; *) false ;; esac; do
        upto=$upto${upto:+/}${ahead_of%%/*} ahead_of=${ahead_of#*/}
        follow "$upto"
        make_folder "$AT" 0755
    done
}

# Whether a place is one of a registry that the installed generation has and this one has not.
is_dropped() { # <place>
    is_of_registry "$1" && awk -v place="$1" '
        $0 == place { found = FILENAME == ARGV[1] ? 1 : 0 } END { exit !found }' "$WORK/rows.old" "$WORK/rows.new"
}

# A root that the system trusts, or its removal.
stage_trusted() { # <place>
    is_new=
    ! awk -v place="$1" '$0 == place { found = 1 } END { exit !found }' "$WORK/rows.new" || is_new=1
    [ -z "$is_new" ] || make_above "$1"
    follow "${1%/*}"
    [ -d "$AT" ] || return 0
    find_beside "$1"
    [ ! -L "$R/$UNIT_LIVE" ] || refuse_link "$1" "$R/$UNIT_LIVE"
    [ ! -d "$R/$UNIT_LIVE" ] || cannot "$R/$1 is a folder"
    [ -n "$is_new" ] || [ -f "$R/$UNIT_LIVE" ] || return 0
    make_folder "$R/$UNIT_HOME" 0700
    add_home "$UNIT_HOME"
    if [ -z "$is_new" ]; then
        make_slot_for "$UNIT_NAME"
        stage_removal "$UNIT_LIVE" "$UNIT_HOME/@/$UNIT_NAME" "$1"
        return
    fi
    in_next=$R/$UNIT_HOME/next/$UNIT_NAME
    make_slot_for "$UNIT_NAME"
    must cp "$TREE/$1" "$in_next"
    must chmod 0644 "$in_next"
    own "$in_next"
    add_unit "$1" "$UNIT_LIVE" "$UNIT_HOME/@/$UNIT_NAME"
    rmdir "${in_next%/*}" "$R/$UNIT_HOME/next" 2>/dev/null
}

# What is installed of a registry goes: its folder, if nothing else is in it, else there is one with the rest.
drop_registry() { # <folder>
    follow "$1"
    [ -d "$AT" ] || return 0
    find_beside "$1"
    describe_unit "$R/$UNIT_LIVE" >"$WORK/was" || cannot "cannot read $R/$UNIT_LIVE"
    awk -v folder="$1/" '
        FILENAME == ARGV[1] { if (index($0, folder) == 1) ours[substr($0, length(folder) + 1)]; next }
        $1 ~ /^d/ { next }
        { sub(/^[^ ]+ [^ ]+ [^ ]+ /, ""); print $0 in ours ? "ours" : "other", $0 }' "$WORK/rows.old" "$WORK/was" >"$WORK/there"
    awk '$1 == "ours" { found = 1 } END { exit !found }' "$WORK/there" || return 0
    if awk '$1 == "other" { found = 1 } END { exit !found }' "$WORK/there"; then
        stage_folder "$1"
        return
    fi
    make_folder "$R/$UNIT_HOME" 0700
    add_home "$UNIT_HOME"
    if renames_folders "$R/$UNIT_HOME"; then
        make_slot_for "$UNIT_NAME"
        printf '%s %s\n' "$UNIT_LIVE" "$UNIT_HOME/@/$UNIT_NAME" >>"$WORK/units"
        note_facts "$UNIT_LIVE" o "$WORK/was"
        sed -n "s|^ours |removed $1/|p" "$WORK/there" >>"$WORK/changes"
        return
    fi
    while read -r _ path; do
        stage_removal "$UNIT_LIVE/$path" "$UNIT_HOME/@/$UNIT_NAME/$path" "$1/$path"
    done <"$WORK/there"
}

# Makes the folders above the place of a unit in its slot, which nobody else sees.
make_slot_for() { # <its name>
    slot=$R/$UNIT_HOME/next rest=$1
    [ -d "$slot" ] || must mkdir "$slot"
    while case $rest in */*) ;; *) false ;; esac; do
        slot=$slot/${rest%%/*} rest=${rest#*/}
        [ -d "$slot" ] || must mkdir "$slot"
    done
}

# Notes a file that goes.
stage_removal() { # <live> <slot, with @> <its name in the record>
    printf '%s %s\n' "$1" "$2" >>"$WORK/units"
    describe_unit "$R/$1" >"$WORK/was" || cannot "cannot read $R/$1"
    note_facts "$1" o "$WORK/was"
    printf 'removed %s\n' "$3" >>"$WORK/changes"
}

# Whether the record has a path that begins so.
has_rows() { # <beginning>
    case $LF$ROWS in *"$LF$1"*) ;; *) return 1 ;; esac
}

# Kubeconfigs that nothing would accept any more, and what the kubelet would take for a bootstrap.
stage_removals() {
    for name in $KUBECONFIGS "$BOOTSTRAP"; do
        follow "$KUBERNETES/$name"
        [ -f "$AT" ] && ! has_rows "$KUBERNETES/$name" || continue
        if [ "$name" = "$BOOTSTRAP" ]; then
            has_rows "$KUBERNETES/kubelet.conf" || continue
        else
            data_of "$AT" certificate-authority-data >"$WORK/ca.pem"
            key=$(key_of_certificate "$WORK/ca.pem") && is_replaced_key "$key" || continue
        fi
        stage_removal "$LIVE_KUBERNETES/$name" "$HOME_KUBERNETES/@/$name" "$KUBERNETES/$name"
    done
}

