# ---------------------------------------------------------------------------------------------------------------------
# Journal and swap

# Reads a journal: prints `slot NAME`, then the units; fails if it is not one.
read_journal() {
    awk "$AWK_JOURNAL" "$1"
}

# Renames, or fails with the reason in SAYS. Where a rename is not one step mv would copy, and delete what it copied: it may
# write no byte, so that it deletes none.
move() {
    SAYS=$(
        trap '' XFSZ
        ulimit -f 0
        exec mv -f "$1" "$2" 2>&1
    )
}

# Renames to a name that nothing has. Fails with the reason in SAYS, and then everything is as it was.
rename() {
    is_there "$2" && lost "$2"
    moved=$(inode "$1")
    if ! move "$1" "$2"; then
        # What was copied of it: names alone.
        is_at "$1" "$moved" "$2" && must rm -rf "$2"
        # Overlayfs renames each file, but writes the bytes of one in a lower layer to do so.
        ! is_folder "$1" && is_overlay "$1" || return 1
        SAYS=$(mv -f "$1" "$2" 2>&1) || {
            is_at "$1" "$moved" "$2"
            return 1
        }
    fi
    # Overlayfs may give another number to a file that has further names.
    [ -n "$BY_FACTS" ] || [ "$(inode "$2")" = "$moved" ] ||
        cannot "$1 was copied, not renamed, to $2" "both must lie on one file system; run this once more to complete it"
}

# What could not be renamed is still in its place, or nobody knows where.
is_at() { # <path> <inode> <path it should have gone to>
    [ "$(inode "$1")" = "$2" ] || cannot "cannot move $1 to $3: $SAYS" 'run this once more to complete it'
}

is_folder() {
    [ -d "$1" ] && [ ! -L "$1" ]
}

lost() {
    cannot "cannot complete the interrupted run: $1 is not what the journal $R/$JOURNAL says" \
        "somebody changed it meanwhile; the journal names what belongs there, slots next and previous hold it"
}

# Brings one unit to where the journal wants it, from wherever a run was stopped. Fails where a rename does. What is where is
# known by its number, or by its facts; then the words `new` and `old` stand for the numbers.
settle() { # <kind> <live> <slot> <inode to be live> <inode that was live>
    if [ -n "$BY_FACTS" ]; then
        recognize "$2" "$3"
    else
        is=$(inode "$R/$2")
        in_slot=$(inode "$R/$3")
        out=$(inode "$R/$3.out")
    fi
    case $1 in
    swap)
        case $is:$in_slot:$out in
        "$4:$5:0" | "$4:0:0") ;;
        "$4:0:$5") rename "$R/$3.out" "$R/$3" ;;
        "$5:$4:0") rename "$R/$2" "$R/$3.out" && rename "$R/$3" "$R/$2" && rename "$R/$3.out" "$R/$3" ;;
        "0:$4:$5") rename "$R/$3" "$R/$2" && rename "$R/$3.out" "$R/$3" ;;
        # On the way back, after a rename had failed.
        "0:$5:$4") rename "$R/$3.out" "$R/$2" ;;
        "$5:0:$4") rename "$R/$2" "$R/$3" && rename "$R/$3.out" "$R/$2" ;;
        "0:$4:0") lost "$R/$2" ;;
        # A copy of what was live, where mv could not rename it and deleted it: other scripts let it.
        "$4:0:"*) rename "$R/$3.out" "$R/$3" ;;
        "0:$4:"*) rename "$R/$3" "$R/$2" && rename "$R/$3.out" "$R/$3" ;;
        # The names of a copy that was not allowed.
        "$5:$4:"*)
            must rm -rf "$R/$3.out"
            rename "$R/$2" "$R/$3.out" && rename "$R/$3" "$R/$2" && rename "$R/$3.out" "$R/$3"
            ;;
        *) lost "$R/$2" ;;
        esac
        ;;
    place)
        case $is:$in_slot in
        "$4":*) ;;
        "0:$4") rename "$R/$3" "$R/$2" ;;
        *) lost "$R/$2" ;;
        esac
        ;;
    remove)
        [ "$is" != 0 ] || return 0
        [ "$is" = "$5" ] || lost "$R/$2"
        [ "$in_slot" = 0 ] || must rm -rf "$R/$3"
        rename "$R/$2" "$R/$3"
        ;;
    esac
}

# Overlayfs may number a file or folder anew with each mount, and then what a journal says of it is told by its facts. They
# stand in a file of their own, for each unit those of what arrives, or of what is removed; at its top the hash of the journal.
write_facts() { # <journal>
    list=$R/$JOURNAL.facts
    if ! is_overlay "$R/$HOME_KUBERNETES" && ! is_overlay "$R/${HOME_KUBELET%/*}"; then
        must rm -f "$list"
        return
    fi
    need_tools readlink sha256sum
    {
        sha256 <"$1"
        while read -r kind live in_slot _; do
            case $kind in
            swap | place) printf '%s %s\n' "$(facts "$R/$in_slot")" "$live" ;;
            remove) printf '%s %s\n' "$(facts "$R/$live")" "$live" ;;
            esac
        done <"$1"
    } >"$list" || cannot "cannot write $list"
}

# Whether there are such facts of the journal: BY_FACTS.
find_facts() {
    BY_FACTS=
    [ -f "$R/$JOURNAL.facts" ] || return 0
    need_tools readlink sha256sum
    read -r of_journal <"$R/$JOURNAL.facts"
    [ "$of_journal" != "$(sha256 <"$R/$JOURNAL")" ] || BY_FACTS=1
}

# Which of the two is live, in the slot and on its way: `new`, `old`, or 0 for nothing.
recognize() { # <live> <slot>
    known=$(awk -v live="$1" '$4 == live { print $1, $2, $3; exit }' "$R/$JOURNAL.facts")
    # Where both are the same it does not matter which is which.
    equal=new
    [ "$new" != 0 ] || equal=old
    is=$(name_of "$R/$1")
    [ "$is" != "$equal" ] || known=
    in_slot=$(name_of "$R/$2")
    [ "$in_slot" != "$equal" ] || known=
    out=$(name_of "$R/$2.out")
}

name_of() { # <path>
    if ! is_there "$1"; then
        echo 0
    elif [ "$(facts "$1")" = "$known" ]; then
        echo "$equal"
    elif [ "$old" = 0 ] || [ "$new" = 0 ]; then
        echo other
    else
        echo old
    fi
}

# The units of a journal, or of a list of units, by places without links on the way.
by_real_places() {
    [ -n "$R" ] || {
        printf '%s\n' "$1"
        return
    }
    printf '%s\n' "$1" | while read -r first second third rest; do
        case $third:$second in
        :*/@/*)
            at "$first"
            first=${AT#"$R"/}
            at "$second"
            second=${AT#"$R"/}
            ;;
        ?*:*)
            at "$second"
            second=${AT#"$R"/}
            at "$third"
            third=${AT#"$R"/}
            ;;
        esac
        printf '%s\n' "$first${second:+ $second}${third:+ $third $rest}"
    done
}

# Does what the journal says, or the rest of it: swaps, keeps the generation before, ends the journal. Where a rename fails
# it does the opposite.
complete_journal() {
    # What follows is not left half done because a terminal was closed.
    trap '' HUP INT TERM
    STARTED=1
    journal=$(read_journal "$R/$JOURNAL") ||
        cannot "cannot read the journal $R/$JOURNAL" \
            "it tells how to complete an interrupted run; certferry's manual, chapter formats, explains it"
    journal=$(by_real_places "$journal") || exit
    take_homes
    find_facts
    slot=
    while read -r kind live in_slot new old; do
        case $kind in
        slot) slot=$live ;;
        *)
            name_numbers
            settle "$kind" "$live" "$in_slot" "$new" "$old" || undo_journal
            ;;
        esac
    done <<EOF
$journal
EOF
    must sync
    relabel "$journal"
    if [ "$slot" = next ]; then
        for home in $HOMES; do
            keep "$home" "$journal"
        done
        must sync
    fi
    remove_installed
    must rm -f "$R/$JOURNAL" "$R/$JOURNAL.facts"
    must sync
    for home in $HOMES; do
        must rm -rf "$R/$home/discard"
    done
}

# Where facts tell what is where, numbers do not.
name_numbers() {
    [ -n "$BY_FACTS" ] || return 0
    [ "$new" = 0 ] || new=new
    [ "$old" = 0 ] || old=old
}

# Brings every unit back, the last one first, and ends the journal.
undo_journal() {
    failed="cannot move $R/$live: $SAYS"
    while read -r kind live in_slot new old; do
        case $kind in
        swap) ;;
        place) kind=remove ;;
        remove) kind=place ;;
        *) continue ;;
        esac
        name_numbers
        settle "$kind" "$live" "$in_slot" "$old" "$new" || cannot "$failed; and going back: cannot move $R/$live: $SAYS" \
            'run this once more to complete it'
    done <<EOF
$(printf '%s\n' "$journal" | awk '{ line[NR] = $0 } END { for (i = NR; i > 0; i--) print line[i] }')
EOF
    must sync
    must rm -f "$R/$JOURNAL" "$R/$JOURNAL.facts"
    must sync
    STARTED=
    cannot "$failed" 'every file is as it was: the file system, or a quota on it, does not rename it'
}

# What was live before becomes the generation that a rollback goes back to.
keep() { # <home> <journal>
    staged=
    case " $2" in *" $1/next/"*) staged=1 ;; esac
    if [ -n "$staged" ] && [ ! -d "$R/$1/next" ]; then
        # Done by the run that was stopped.
        return
    fi
    # Where nothing was staged, what is kept is of an older run. What cannot be renamed is deleted where it is.
    if [ -d "$R/$1/previous" ]; then
        must rm -rf "$R/$1/discard"
        move "$R/$1/previous" "$R/$1/discard" || must rm -rf "$R/$1/previous"
    fi
    [ -z "$staged" ] || rename "$R/$1/next" "$R/$1/previous" || cannot "cannot move $R/$1/next: $SAYS" \
        'run this once more to complete it'
}

# Where SELinux is on, files keep the label of the place where they were made.
relabel() {
    [ -z "$R" ] && command -v selinuxenabled >/dev/null 2>&1 && selinuxenabled || return 0
    command -v restorecon >/dev/null 2>&1 || {
        say_error "SELinux is on, but there is no restorecon" "label the files by other means before you restart anything"
        return 0
    }
    printf '%s\n' "$1" | awk '$1 != "slot" { print $2 }' | while read -r live; do
        ! is_there "/$live" || restorecon -RF "/$live" || say_error "restorecon -RF /$live failed"
    done
}

# Writes the journal for the units that a file lists, and what each needs; nothing if nothing is to be done.
write_journal() { # <units> <slot>
    new="$R/$JOURNAL_NEW"
    {
        printf 'certferry-journal-1\nslot %s\n' "$2"
        while read -r live in_slot; do
            [ -n "$in_slot" ] || continue
            in_slot=${in_slot%%/@/*}/$2/${in_slot#*/@/}
            is=$(inode "$R/$live")
            waits=$(inode "$R/$in_slot")
            case $waits:$is in
            0:0) continue ;;
            0:*)
                kind=remove
                make_parents "$R" "$in_slot"
                ;;
            *:0)
                kind=place
                make_parents "$R" "$live"
                ;;
            *) kind=swap ;;
            esac
            printf '%s %s %s %s %s\n' "$kind" "$live" "$in_slot" "$waits" "$is"
        done <"$1"
        printf 'end\n'
    } >"$new" || cannot "cannot write $new"
    read_journal "$new" >/dev/null || cannot "$1 is not a list of units" "there is nothing that can be done with it"
    write_facts "$new"
    must sync
}

begin_swap() {
    # From here on the next run would complete it.
    trap '' HUP INT TERM
    must mv -f "$R/$JOURNAL_NEW" "$R/$JOURNAL"
    STARTED=1
    must sync
    complete_journal
}

# Refuses what one rename cannot replace.
check_units() { # <units>
    mounted=
    [ ! -r /proc/self/mountinfo ] || mounted=$(root=$R awk "$AWK_MOUNTED" "$1" /proc/self/mountinfo)
    [ -z "$mounted" ] || cannot "$R/$mounted is a mount point, which cannot be renamed" \
        "unmount it, or use \`certferry apply\`"
}

# Completes what an interrupted run left, and throws away what was staged and never came to be.
recover() {
    if [ -f "$R/$JOURNAL" ]; then
        complete_journal
        trap 'exit 130' HUP INT TERM
        STARTED=
        echo 'note: an interrupted run was completed first' >&2
    else
        take_homes
        clean_up
    fi
    remove_installed
    [ ! -d "$R/$AWAY" ] || cannot "$(manifests_are_away)" \
        "move what is in it to $MANIFESTS, etcd first; nothing was changed"
}

# What is left of the folder where each file in it was moved by itself: nothing is installed.
remove_installed() {
    [ ! -d "$R/$INSTALLED" ] || [ -e "$R/$INSTALLED/record.json" ] || rmdir "$R/$INSTALLED" 2>/dev/null
}

# Where certferry was killed in a restart; it would put them back itself.
manifests_are_away() {
    echo "the manifests of static pods are still away, in $AWAY, since a restart was cut short"
}

clean_up() {
    for home in $HOMES; do
        rm -rf "$R/$home/next" "$R/$home/discard"
    done
    rm -f "$R/$JOURNAL_NEW" "$R/$JOURNAL.facts"
}

# A bundle that is refused leaves no trace on a node that has none.
clear_away() {
    clean_up
    case $MADE in *"/$HOME_KUBERNETES$LF"*) rm -f "$R/$LOCK" ;; esac
    [ -z "$LOCKED" ] || rm -rf "$LOCKED"
    printf '%s' "$MADE" | while read -r folder; do
        # Only if there is nothing in it.
        rmdir "$folder" 2>/dev/null
    done
}

at_exit() {
    code=$?
    # A run that has begun to swap is left to the next one; without the lock, what is there is another's.
    if [ -n "$STAGING" ] && [ -z "$STARTED" ]; then
        clear_away
    fi
    [ -z "$LOCKED" ] || rm -rf "$LOCKED"
    exit "$code"
}

