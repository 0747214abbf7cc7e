# ---------------------------------------------------------------------------------------------------------------------
# The other two

rollback() {
    need_tools awk cat chmod ls mkdir mv rm rmdir sync tr id
    take_root
    [ -d "$R/$HOME_KUBERNETES" ] || refuse 'there is no generation to go back to' 'nothing was ever installed here'
    lock
    recover
    previous="$R/$HOME_KUBERNETES/previous"
    [ -f "$previous/units" ] || refuse 'there is no generation to go back to' \
        "$previous does not hold one; it is made when something is installed over a PKI"
    awk '
        NR == 1 { if ($0 != "certferry-units-1") exit 1; next }
        $0 == "end" { ended = NR; next }
        NF != 2 || $2 !~ /\/@\// { exit 1 }
        END { exit !ended || ended != NR }' "$previous/units" ||
        cannot "$previous/units is not a list of units" "there is nothing that can be done with it"
    check_units "$previous/units"
    STAGING=1
    write_journal "$previous/units" previous
    units=$(read_journal "$R/$JOURNAL_NEW" | awk '$1 != "slot" { print "  " $2 }')
    [ -n "$units" ] || refuse 'there is no generation to go back to' "$previous holds no file of it"
    begin_swap
    printf 'back in their places:\n%s\n' "$units"
    say_state
    printf 'restart what reads these files, as after an installation; where a CA came back, delete the ConfigMap\n'
    printf 'extension-apiserver-authentication again once the last API server runs\n'
}

# What is installed, and what a rollback brings.
say_state() {
    say_generation installed "$R/$INSTALLED" 'nothing by certferry'
    previous=$R/$HOME_KUBERNETES/previous
    if [ ! -f "$previous/units" ]; then
        printf '%-12s none\n' previous
    elif [ -f "$previous/installed/record.json" ]; then
        say_generation previous "$previous/installed" '' '; `sh install.sh --rollback` brings it back'
    elif awk -v unit="$INSTALLED" '$1 == unit { found = 1 } END { exit found }' "$previous/units"; then
        # Files alone were mended.
        say_generation previous "$R/$INSTALLED" 'nothing by certferry' '; `sh install.sh --rollback` brings it back'
    else
        printf '%-12s what was there before certferry; `sh install.sh --rollback` brings it back\n' previous
    fi
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
    need_tools awk cat ls tr wc id
    take_root
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
}

