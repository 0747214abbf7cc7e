# ---------------------------------------------------------------------------------------------------------------------
# Journal and swap

# Reads a journal: prints `slot NAME`, then the units; fails if it is not one.
read_journal() {
    awk "$AWK_JOURNAL" "$1"
}

# Renames to a name that nothing has; on one file system, so that it is one step.
rename() {
    is_there "$2" && lost "$2"
    moved=$(inode "$1")
    must mv -f "$1" "$2"
    [ "$(inode "$2")" = "$moved" ] ||
        cannot "$1 was copied, not renamed, to $2" "both must lie on one file system; run this once more to complete it"
}

lost() {
    cannot "cannot complete the interrupted run: $1 is not what the journal $R/$JOURNAL says" \
        "somebody changed it meanwhile; the journal names what belongs there, slots next and previous hold it"
}

# Brings one unit to where the journal wants it, from wherever a run was stopped.
settle() { # <kind> <live> <slot> <inode to be live> <inode that was live>
    is=$(inode "$R/$2")
    in_slot=$(inode "$R/$3")
    out=$(inode "$R/$3.out")
    case $1 in
    swap)
        case $is:$in_slot:$out in
        "$4:$5:0" | "$4:0:0") ;;
        "$4:0:$5") rename "$R/$3.out" "$R/$3" ;;
        "$5:$4:0")
            rename "$R/$2" "$R/$3.out"
            rename "$R/$3" "$R/$2"
            rename "$R/$3.out" "$R/$3"
            ;;
        "0:$4:$5")
            rename "$R/$3" "$R/$2"
            rename "$R/$3.out" "$R/$3"
            ;;
        # certferry was on its way back, after a rename had failed.
        "0:$5:$4") rename "$R/$3.out" "$R/$2" ;;
        "$5:0:$4")
            rename "$R/$2" "$R/$3"
            rename "$R/$3.out" "$R/$2"
            ;;
        *) lost "$R/$2" ;;
        esac
        ;;
    place)
        [ "$is" != "$4" ] || return 0
        [ "$is" = 0 ] && [ "$in_slot" = "$4" ] || lost "$R/$2"
        rename "$R/$3" "$R/$2"
        ;;
    remove)
        [ "$is" != 0 ] || return 0
        [ "$is" = "$5" ] && [ "$in_slot" = 0 ] || lost "$R/$2"
        rename "$R/$2" "$R/$3"
        ;;
    esac
}

# Does what the journal says, or the rest of it: swaps, keeps the generation before, ends the journal.
complete_journal() {
    # What follows is not left half done because a terminal was closed.
    trap '' HUP INT TERM
    STARTED=1
    journal=$(read_journal "$R/$JOURNAL") ||
        cannot "cannot read the journal $R/$JOURNAL" \
            "it tells how to complete an interrupted run; certferry's manual, chapter formats, explains it"
    slot=
    while read -r kind live in_slot new old; do
        case $kind in
        slot) slot=$live ;;
        *) settle "$kind" "$live" "$in_slot" "$new" "$old" ;;
        esac
    done <<EOF
$journal
EOF
    must sync
    relabel "$journal"
    if [ "$slot" = next ]; then
        for home in $(homes); do
            keep "$home" "$journal"
        done
        must sync
    fi
    homes=$(homes)
    must rm -f "$R/$JOURNAL"
    must sync
    for home in $homes; do
        must rm -rf "$R/$home/discard"
    done
}

# What was live before becomes the generation that a rollback goes back to.
keep() { # <home> <journal>
    staged=
    case " $2" in *" $1/next/"*) staged=1 ;; esac
    if [ -n "$staged" ] && [ ! -d "$R/$1/next" ]; then
        # Done by the run that was stopped.
        return
    fi
    # Where nothing was staged, what is kept is of an older run.
    if [ -d "$R/$1/previous" ]; then
        must rm -rf "$R/$1/discard"
        rename "$R/$1/previous" "$R/$1/discard"
    fi
    [ -z "$staged" ] || rename "$R/$1/next" "$R/$1/previous"
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
            0:*) kind=remove ;;
            *:0) kind=place ;;
            *) kind=swap ;;
            esac
            printf '%s %s %s %s %s\n' "$kind" "$live" "$in_slot" "$waits" "$is"
        done <"$1"
        printf 'end\n'
    } >"$new" || cannot "cannot write $new"
    read_journal "$new" >/dev/null || cannot "$1 is not a list of units" "there is nothing that can be done with it"
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
    while read -r live in_slot; do
        [ -n "$in_slot" ] || continue
        ! is_mount_point "$ROOT_REAL/$live" || cannot "$R/$live is a mount point, which cannot be renamed" \
            "unmount it, or use \`certferry apply\`"
    done <"$1"
}

# Completes what an interrupted run left, and throws away what was staged and never came to be.
recover() {
    if [ -f "$R/$JOURNAL" ]; then
        complete_journal
        trap 'exit 130' HUP INT TERM
        STARTED=
        echo 'note: an interrupted run was completed first' >&2
    else
        clean_up
    fi
    [ ! -d "$R/$AWAY" ] || cannot "$(manifests_are_away)" \
        "move what is in it to $MANIFESTS, etcd first; nothing was changed"
}

# Where certferry was killed in a restart; it would put them back itself.
manifests_are_away() {
    echo "the manifests of static pods are still away, in $AWAY, since a restart was cut short"
}

clean_up() {
    for home in $(homes); do
        rm -rf "$R/$home/next" "$R/$home/discard"
    done
    rm -f "$R/$JOURNAL_NEW"
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

