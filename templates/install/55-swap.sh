# ---------------------------------------------------------------------------------------------------------------------
# Journal and swap

# Reads a journal: prints `slot NAME`, `keep NAME`, then the units; fails if a byte of it is another than was written. The
# last line is 72 bytes long.
read_journal() {
    size=$(wc -c <"$1") && [ "$size" -gt 72 ] && hash=$(head -c $((size - 72)) "$1" | sha256) &&
        { head -c $((size - 72)) "$1" && printf 'sha256 %s\n' "$hash"; } | cmp -s - "$1" && awk "$AWK_JOURNAL" "$1"
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
    ! is_there "$2" || stands_there "$2"
    inode "$1"
    moved=$INODE
    if ! move "$1" "$2"; then
        # What was copied of it: names alone.
        is_at "$1" "$2" && must rm -rf "$2"
        # Overlayfs renames each file, but writes the bytes of one in a lower layer to do so.
        ! is_folder "$1" && is_overlay "${1%/*}" || return 1
        SAYS=$(mv -f "$1" "$2" 2>&1) || {
            is_at "$1" "$2"
            return 1
        }
    fi
    inode "$2"
    # Overlayfs may give another number to a file that has further names.
    [ "$INODE" = "$moved" ] || { ! is_folder "$2" && is_overlay "${2%/*}"; } ||
        cannot "$1 was copied, not renamed, to $2" "both must lie on one file system; run this once more to complete it"
}

# What could not be renamed is still in its place, or nobody knows where.
is_at() { # <path> <path it should have gone to>
    inode "$1"
    [ "$INODE" = "$moved" ] || cannot "cannot move $1 to $2: $SAYS" 'run this once more to complete it'
}

# Stops before what a person, or another program, has put where something of the interrupted run belongs.
stands_there() { # <path> [<path beside which it may go>]
    elsewhere=${2-$1}.moved
    while is_there "$elsewhere"; do
        elsewhere=$elsewhere.moved
    done
    cannot "cannot complete the interrupted run while $1 is there" \
        "\`mv $1 $elsewhere\`, then run this once more: it was put there since; what that run moves is in the folders .certferry"
}

# What is to be done with a unit so that it gets to where the journal wants it, from wherever a run was stopped: TODO, see
# below. What is in the slot decides, for nobody but a run writes there; what is live may be another's since. Nothing is
# changed. Units are known by their fingerprints, of which one is taken only where it matters.
judge() { # <kind> <live> <slot> <fingerprint of what is to be live> <of what was live>
    live=$R/$2 slot=$R/$3 out=$R/$3.out
    TODO=none
    in_slot=$(fingerprint "$slot") || exit
    at_out=$(fingerprint "$out") || exit
    case $in_slot:$at_out in
    -:-)
        case $1 in
        # Where the slot was renamed, this unit was done before.
        remove) ! is_slot_there "$3" || TODO=take ;;
        swap) ! is_slot_there "$3" || [ "$(fingerprint "$live")" != "$5" ] || stands_there "$live" ;;
        esac
        ;;
    -:"$4") TODO=back ;;
    -:*) TODO=away ;;
    "$4":-) TODO=swap ;;
    "$4":*)
        TODO=swap
        # The names of a copy that was not allowed are no loss.
        ! is_there "$live" || { is_hollow "$out" && [ "$(fingerprint "$live")" = "$5" ]; } || stands_there "$live"
        ;;
    *:-)
        is=$(fingerprint "$live")
        case $is in
        - | "$in_slot") ;;
        "$5")
            [ "$1" = remove ] && is_hollow "$slot" || stands_there "$live"
            TODO=take
            ;;
        esac
        ;;
    *:"$4")
        ! is_there "$live" || stands_there "$live"
        TODO=back
        ;;
    *)
        TODO=away
        if ! is_hollow "$slot"; then
            ! is_there "$live" && [ "$at_out" != "$5" ] || stands_there "$out" "$live"
            TODO=back
        fi
        ;;
    esac
}

# The same for the way back: all that is not in the slot any more was begun.
judge_back() { # <kind> <live> <slot> <fingerprint of what was to be live>
    TODO=none
    in_slot=$(fingerprint "$R/$3") || exit
    case $in_slot in
    - | "$4")
        if is_there "$R/$3.out"; then
            TODO=back
        elif [ "$1:$in_slot" = place:- ]; then
            TODO=take
        fi
        ;;
    *) TODO=swap ;;
    esac
}

# Whether the slot is there that a place lies in.
is_slot_there() { # <place in a slot>
    below=/$1
    below=${below##*/.certferry/}
    [ -d "$R/${1%"$below"}${below%%/*}" ]
}

# Whether no file there has a byte in it, as where mv copied without being allowed to write.
is_hollow() { # <path>
    describe_unit "$1" | awk '
        /^-/ && $3 != "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" { full = 1 }
        END { exit full || NR == 0 }'
}

# Does what was judged. Fails where a rename does.
settle() { # <todo> <live> <slot>
    live=$R/$2 slot=$R/$3 out=$R/$3.out
    case $1 in
    # What is live goes to the slot, and what is in the slot live.
    swap)
        if is_there "$live"; then
            # Hollow, or it would have been stopped at.
            ! is_there "$out" || must rm -rf "$out"
            rename "$live" "$out" || return 1
        fi
        rename "$slot" "$live" && { ! is_there "$out" || rename "$out" "$slot"; }
        ;;
    # The same when what is to be live is on its way.
    back) { ! is_there "$live" || rename "$live" "$slot"; } && rename "$out" "$live" ;;
    away)
        ! is_there "$slot" || must rm -rf "$slot"
        rename "$out" "$slot"
        ;;
    take)
        is_there "$live" || return 0
        ! is_there "$slot" || must rm -rf "$slot"
        rename "$live" "$slot"
        ;;
    esac
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

# Completes the journal of a run that was stopped. Nothing is begun before all of it was looked at.
complete_journal() {
    # What follows is not left half done because a terminal was closed.
    trap '' HUP INT TERM
    STARTED=1
    folders=$R/$HOME_KUBERNETES
    [ ! -d "$R/$HOME_KUBELET" ] || folders="$folders and $R/$HOME_KUBELET"
    journal=$(read_journal "$R/$JOURNAL") || cannot "the journal $R/$JOURNAL is damaged, and nothing of it was done" \
        "what the interrupted run replaced is in the slots \`next\` (of a rollback: \`previous\`) of the folders .certferry: copy $folders elsewhere, remove the journal and install the bundle again"
    journal=$(by_real_places "$journal") || exit
    take_homes
    steps=
    while read -r kind live_place in_slot_place new old; do
        case $kind in
        swap | place | remove)
            judge "$kind" "$live_place" "$in_slot_place" "$new" "$old"
            steps="$steps$TODO $live_place $in_slot_place$LF"
            ;;
        esac
    done <<EOF
$journal
EOF
    do_journal
    note_written
}

# Where in the slot that keeps it a unit is: NOW.
kept_at() { # <place in the slot of the journal> <slot that keeps it>
    NOW=/$1
    NOW=${NOW##*/.certferry/}
    NOW=${1%"$NOW"}$2/${NOW#*/}
}

# What is kept and is not what the journal says was live somebody has written since: WRITTEN are lines, the place and where it
# is kept.
note_written() {
    kept=${journal#*"${LF}keep "}
    kept=${kept%%"$LF"*}
    while read -r kind live_place in_slot_place new old; do
        case $kind in swap | place | remove) ;; *) continue ;; esac
        kept_at "$in_slot_place" "$kept"
        print=$(fingerprint "$R/$NOW") || exit
        case $print in - | "$new" | "$old") ;; *) WRITTEN=$WRITTEN$live_place\ $NOW$LF ;; esac
    done <<EOF
$journal
EOF
}

# Names what was written before an interrupted run was completed. Before a person has read of it, it is not dropped.
tell_written() {
    printf '%s' "$WRITTEN" | while read -r place kept; do
        [ ! -s "$WORK/units" ] || [ "$KEEP" != previous ] ||
            cannot "an interrupted run was brought to its end; before that somebody had written to $place: it is $kept now, and the next generation would drop it" \
                'look at it, and move it elsewhere if it is of use; then run the same command again'
        printf 'note: %s was written while this ran: it is %s, and not live\n' "$place" "$kept" >&2
    done
}

# Takes all steps of the journal, keeps what was live, ends the journal. Where a rename fails everything is undone.
do_journal() {
    while read -r todo live_place in_slot_place; do
        [ -z "$todo" ] || settle "$todo" "$live_place" "$in_slot_place" || undo_journal "$R/$live_place"
    done <<EOF
$steps
EOF
    must sync
    relabel "$journal"
    case $journal in
    "slot next$LF"*)
        kept=${journal#*"${LF}keep "}
        kept=${kept%%"$LF"*}
        if [ "$kept" = previous ] && is_foreign all; then
            forget_record
            for home in $HOMES; do
                is_through "$home" || [ ! -d "$R/$home/previous" ] || keep_original "$home"
            done
            must sync
        fi
        for home in $HOMES; do
            keep "$home" "$kept"
        done
        must sync
        ;;
    esac
    remove_installed
    must rm -f "$R/$JOURNAL"
    must sync
    for home in $HOMES; do
        ! is_there "$R/$home/discard" || must rm -rf "$R/$home/discard"
    done
}

# Brings every unit back, the last one first, and ends the journal.
undo_journal() { # <path that could not be moved>
    failed="cannot move $1: $SAYS"
    while read -r kind live_place in_slot_place new _; do
        case $kind in swap | place | remove) ;; *) continue ;; esac
        judge_back "$kind" "$live_place" "$in_slot_place" "$new"
        settle "$TODO" "$live_place" "$in_slot_place" || cannot "$failed; and going back: cannot move $live: $SAYS" \
            'run this once more to complete it'
    done <<EOF
$(printf '%s\n' "$journal" | awk '{ line[NR] = $0 } END { for (i = NR; i > 0; i--) print line[i] }')
EOF
    must sync
    must rm -f "$R/$JOURNAL"
    must sync
    STARTED=
    cannot "$failed" 'every file is as it was: the file system, or a quota on it, does not rename it'
}

# Whether the journal's run has renamed the slots of a folder before it was stopped.
is_through() { # <home>
    case " $journal" in *" $1/next/"*) [ ! -d "$R/$1/next" ] ;; *) return 1 ;; esac
}

# Whether the generation before is one that certferry did not install: a unit is in it, and no record, or CAs or keys of
# service accounts that are others than those of the record, as after `kubeadm reset` and `kubeadm init`. With `all`, a file for
# a registry that is not as the record has it counts, too: somebody else wrote it.
is_foreign() { # [all]
    before=$R/$HOME_KUBERNETES/previous
    [ -d "$before" ] || return 1
    # Nobody knows what it is.
    [ -f "$before/units" ] || return 0
    shared=none listed=
    if [ -f "$before/installed/record.json" ]; then
        shared=$(shared_in "$before/installed/record.json") || shared=none
        [ -z "${1-}" ] || listed=$(read_document record "$before/installed/record.json" | awk '$1 == "row" && $2 == "f" { print $6, $5 }')
    fi
    while read -r was_live in_slot; do
        case $in_slot in */@/*) ;; *) continue ;; esac
        at "${in_slot%%/@/*}"
        # What is there is of the generation that was replaced since.
        ! is_through "${AT#"$R"/}" || continue
        at "${in_slot%%/@/*}/previous/${in_slot#*/@/}"
        is_there "$AT" || continue
        [ "$shared" != none ] || return 0
        was_kept=$AT
        [ -z "${1-}" ] || ! is_others_registry "$was_live" "$was_kept" || return 0
        while read -r shared_place its_hash; do
            case $shared_place in "$was_live" | "$was_live"/*) ;; *) continue ;; esac
            there=$was_kept${shared_place#"$was_live"}
            [ ! -f "$there" ] || [ "$(sha256 <"$there")" = "$its_hash" ] || return 0
        done <<EOF
$shared
EOF
    done <"$before/units"
    return 1
}

# Whether a unit of the generation before keeps a file for a registry that is not among those listed in its record.
is_others_registry() { # <live> <path in the slot>
    path_in_slot=$2
    known_as "$1"
    is_of_registry "$KNOWN" || return 1
    others=
    case ${KNOWN#"$CERTS_D"/} in
    */ca.crt | */hosts.toml | "$KNOWN") others=/ ;;
    */*) ;;
    *) others=$REGISTRY_FILES ;;
    esac
    for name in $others; do
        below=
        [ "$name" = / ] || below=/$name
        [ -f "$path_in_slot$below" ] || continue
        hash=$(sha256 <"$path_in_slot$below")
        case $LF$listed$LF in *"$LF$KNOWN$below $hash$LF"*) ;; *) return 0 ;; esac
    done
    return 1
}

# The files of a record that all nodes share, each with its hash, by the place where the folder of certificates is now.
shared_in() { # <record>
    about=$(read_document record "$1") || return 1
    # Called in a shell of its own.
    pki_of "$about"
    pki_now=$(find_unit "$PKI" 2>/dev/null && echo "$UNIT_LIVE") || pki_now=$PKI
    printf '%s\n' "$about" | awk -v pki="$PKI/" -v live="$pki_now/" -v authorities="$AUTHORITIES" '
        BEGIN {
            count = split(authorities, list, " ")
            for (i = 1; i <= count; i++) {
                is_shared[list[i]]
                sub(/crt$/, "key", list[i])
                is_shared[list[i]]
            }
            is_shared["sa.key"]
            is_shared["sa.pub"]
        }
        $1 == "row" && $2 == "f" && index($NF, pki) == 1 && substr($NF, length(pki) + 1) in is_shared {
            print live substr($NF, length(pki) + 1), $5
        }'
}

# Removes the record of what certferry installed where something else is the generation before. Without it, a run that
# is stopped while folder after folder is kept knows what the rest is.
forget_record() {
    [ -d "$before/installed" ] || return 0
    must rm -f "$before/installed/record.json"
    must sync
    must rm -rf "$before/installed"
}

# What was live before becomes the generation that a rollback goes back to, or what else the journal says.
keep() { # <home> <slot>
    ! is_through "$1" || return 0
    # Where nothing was staged, what is kept is of an older run.
    if [ "$2" = discard ]; then
        must rm -rf "$R/$1/discard"
    elif [ -d "$R/$1/$2" ]; then
        discard "$1" "$2"
    fi
    case " $journal" in *" $1/next/"*) ;; *) return 0 ;; esac
    rename "$R/$1/next" "$R/$1/$2" || cannot "cannot move $R/$1/next: $SAYS" \
        'run this once more to complete it'
}

# What cannot be renamed is deleted where it is.
discard() { # <home> <slot>
    must rm -rf "$R/$1/discard"
    move "$R/$1/$2" "$R/$1/discard" || must rm -rf "$R/$1/discard" "$R/$1/$2"
}

# Keeps a generation that certferry did not install until a person deletes it.
keep_original() { # <home>
    # Nothing was there.
    describe_unit "$R/$1/previous" | awk '!/^d/ && $4 != "units" { found = 1 } END { exit !found }' || return 0
    if [ -d "$R/$1/original" ]; then
        # All of it was copied there, and not yet deleted here.
        if is_in "$R/$1/previous" "$R/$1/original"; then
            must rm -rf "$R/$1/previous"
            return
        fi
        discard "$1" original
    fi
    move "$R/$1/previous" "$R/$1/original" && return
    # Overlayfs does not rename a folder of a lower layer.
    must rm -rf "$R/$1/original" "$R/$1/discard"
    cp -R -P --preserve=all "$R/$1/previous" "$R/$1/discard" 2>/dev/null || {
        must rm -rf "$R/$1/discard"
        must cp -R -P -p "$R/$1/previous" "$R/$1/discard"
    }
    must sync
    rename "$R/$1/discard" "$R/$1/original" || cannot "cannot move $R/$1/discard: $SAYS" 'run this once more to complete it'
    must sync
    must rm -rf "$R/$1/previous"
}

# Whether no file is in a folder that is not in another.
is_in() { # <folder> <other>
    { describe_unit "$2" && echo && describe_unit "$1"; } | awk '
        $0 == "" { other = 1; next }
        !other { there[$0] = 1; next }
        !($0 in there) && !/^d/ { lacks = 1 }
        END { exit lacks || !other }'
}

# Where SELinux is on, files keep the label of the place where they were made.
relabel() {
    [ -z "$R" ] && command -v selinuxenabled >/dev/null 2>&1 && selinuxenabled || return 0
    command -v restorecon >/dev/null 2>&1 || {
        say_error "SELinux is on, but there is no restorecon" "label the files by other means before you restart anything"
        return 0
    }
    printf '%s\n' "$1" | awk '$1 != "slot" && $1 != "keep" { print $2 }' | while read -r live; do
        ! is_there "/$live" || restorecon -RF "/$live" || say_error "restorecon -RF /$live failed"
    done
}

# Writes the journal for the units that a file lists, and what each needs: `journal` has what it says, `steps` what is done.
write_journal() { # <units> <slot> <slot that keeps what was live>
    new_journal=$R/$JOURNAL_NEW
    steps=
    {
        printf 'certferry-journal-2\nslot %s\nkeep %s\n' "$2" "$3"
        while read -r live in_slot; do
            case $in_slot in */@/*) ;; *) continue ;; esac
            in_slot=${in_slot%%/@/*}/$2/${in_slot#*/@/}
            kind=swap todo=swap new=- old=-
            if is_there "$R/$in_slot"; then
                print_of "$live" n "$R/$in_slot"
                new=$PRINT
            fi
            if is_there "$R/$live"; then
                print_of "$live" o "$R/$live"
                old=$PRINT
            fi
            case $new:$old in
            -:-) continue ;;
            -:*)
                kind=remove todo=take
                make_parents "$R" "$in_slot"
                ;;
            *:-)
                kind=place
                make_parents "$R" "$live"
                ;;
            esac
            printf '%s %s %s %s %s\n' "$kind" "$live" "$in_slot" "$new" "$old"
            steps="$steps$todo $live $in_slot$LF"
        done <"$1"
    } >"$new_journal" || cannot "cannot write $new_journal"
    hash=$(sha256 <"$new_journal") && printf 'sha256 %s\n' "$hash" >>"$new_journal" || cannot "cannot write $new_journal"
    journal=$(awk "$AWK_JOURNAL" "$new_journal") || cannot "$1 is not a list of units" "there is nothing that can be done with it"
    must sync
}

# The fingerprint of a unit, PRINT, from its facts if they were noted, else of what is there.
print_of() { # <live> <n|o> <path>
    words_of "$PRINTS" "$1 $2"
    PRINT=$WORDS
    [ -n "$PRINT" ] || PRINT=$(fingerprint "$3") || exit
}

begin_swap() {
    # From here on the next run would complete it.
    trap '' HUP INT TERM
    must mv -f "$R/$JOURNAL_NEW" "$R/$JOURNAL"
    STARTED=1
    must sync
    do_journal
}

# The facts of the folders that will be exchanged as they were found.
folders_found() {
    awk -v installed="$INSTALLED" '
        $2 != "o" || $1 == installed { next }
        $NF == "." && NF == 6 { is_folder[$1] = $3 ~ /^d/ }
        is_folder[$1] { sub(/ o/, ""); print }' "$WORK/lines"
}

# Names what was written into an exchanged folder after it was looked at.
tell_meanwhile() { # <what folders_found said> <slot>
    [ -n "$1" ] || return 0
    printf '%s\n' "$journal" | while read -r kind live_place in_slot_place _; do
        case $kind:$LF$1 in swap:*"$LF$live_place "*) ;; *) continue ;; esac
        kept_at "$in_slot_place" "$2"
        is_folder "$R/$NOW" || continue
        { printf '%s\n' "$1" && echo && describe_unit "$R/$NOW"; } |
            awk -v live="$live_place" "$AWK_MEANWHILE" | while read -r word name; do
            if [ "$word" = gone ]; then
                ! is_there "$R/$live_place/$name" || printf 'note: %s was removed while this ran, and is live all the same\n' \
                    "$(printable "$live_place/$name")" >&2
            elif ! cmp -s "$R/$live_place/$name" "$R/$NOW/$name" 2>/dev/null; then
                printf 'note: %s was written while this ran: it is %s, and not live\n' \
                    "$(printable "$live_place/$name")" "$(printable "$NOW/$name")" >&2
            fi
        done
    done
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
        journal=
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
        ! { is_there "$R/$home/next" || is_there "$R/$home/discard"; } || rm -rf "$R/$home/next" "$R/$home/discard"
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

