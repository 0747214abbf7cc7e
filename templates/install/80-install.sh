install_part() {
    need_tools cat chmod chown cmp cp date gzip head ls mkdir mv od readlink rm rmdir sed sha256sum sort sync tail tar tr uname wc ln id
    if [ "$BUNDLE" = - ]; then
        take_pipe
    else
        [ -f "$BUNDLE" ] && [ -r "$BUNDLE" ] || cannot "cannot read $BUNDLE"
    fi
    take_key "$KEY"
    if [ -z "$PIPED" ] && [ -e "$BUNDLE.sig" ]; then
        [ -r "$BUNDLE.sig" ] && [ -f "$BUNDLE.sig" ] || cannot "cannot read $BUNDLE.sig"
        openssl dgst -sha256 -verify "$KEY" -signature "$BUNDLE.sig" "$BUNDLE" >/dev/null 2>&1 ||
            refuse "$BUNDLE.sig does not hold for $BUNDLE" \
                "the file was changed or cut on its way, or another key signed it; carry it again"
    fi
    # Whoever signs elsewhere signs the checksum: the file has keys in it.
    if [ -z "$PIPED" ] && [ -e "$BUNDLE.sha256.sig" ]; then
        [ -r "$BUNDLE.sha256.sig" ] && [ -f "$BUNDLE.sha256.sig" ] || cannot "cannot read $BUNDLE.sha256.sig"
        [ -r "$BUNDLE.sha256" ] && [ -f "$BUNDLE.sha256" ] || cannot "cannot read $BUNDLE.sha256"
        openssl dgst -sha256 -verify "$KEY" -signature "$BUNDLE.sha256.sig" "$BUNDLE.sha256" >/dev/null 2>&1 ||
            refuse "$BUNDLE.sha256.sig does not hold for $BUNDLE" \
                "the file was changed or cut on its way, or another key signed it; carry it again"
        [ "$(sed 's/  .*//' "$BUNDLE.sha256")" = "$(sha256sum <"$BUNDLE" | sed 's/ .*//')" ] ||
            refuse "$BUNDLE.sha256 does not hold for $BUNDLE" \
                "the file was changed or cut on its way, or another key signed it; carry it again"
    fi
    look_through "$NODE"
    [ -n "$(found own)" ] || refuse "there is no node $NODE in $BUNDLE" \
        "$(printf '%s\n' "$GATE" | awk '$1 == "part" && $2 ~ /^node\// { print substr($2, 6) }' | did_you_mean "$NODE")" \
        "it has $(printf '%s\n' "$GATE" | awk '
            $1 == "part" && $2 ~ /^node\// && ++count <= 10 { text = text (text == "" ? "" : ", ") substr($2, 6) }
            END { print text (count > 10 ? " and " count - 10 " more" : "") }')"

    take_root
    take_places
    if [ -n "$DRY_RUN" ] && [ -f "$R/$JOURNAL" ]; then
        refuse "an interrupted run waits to be completed" "run this without --dry-run, or --rollback: both complete it first"
    fi
    for folder in "${KUBERNETES%/*}" "$KUBERNETES"; do
        follow "$folder"
        make_folder "$AT" 0755
    done
    [ ! -L "$R/$HOME_KUBERNETES" ] || cannot "$R/$HOME_KUBERNETES is a link" 'it must be a folder of root'
    make_folder "$R/$HOME_KUBERNETES" 0700
    lock
    STAGING=1
    recover
    NOTED=
    [ -n "$DRY_RUN" ] || NOTED=$(noted) || exit
    unpack
    take_pki "$RECORD"
    FRESH=
    follow "$PKI"
    [ -d "$AT" ] || FRESH=1
    check_host
    check_generation
    check_pki
    check_clock
    ROLE=$(said "$RECORD" role)
    DROPPED=
    # Of a new generation this is known before anything is staged.
    is_repair || choose_keep
    stage
    ! is_repair || choose_keep
    check_units "$WORK/units"
    tell_written || exit
    if [ -n "$DRY_RUN" ]; then
        report 'would be'
        for place in $DROPPED; do
            printf 'would be dropped: %s\n' "$place"
        done
        echo 'nothing was changed'
        return
    fi
    text=$(report is)
    units=$(cat "$WORK/units")
    PRINTS=$(fingerprints) || exit
    found=$(folders_found) || exit
    must rm -rf "$WORK"
    if [ -n "$units" ]; then
        list="$R/$HOME_KUBERNETES/next/units"
        printf 'certferry-units-1\n%s\nend\n' "$units" >"$list" || cannot "cannot write $list"
        for place in $DROPPED; do
            must rm -rf "$R/$place"
        done
        write_journal "$list" next "$KEEP"
        begin_swap
        tell_meanwhile "$found" "$KEEP"
        text=$text$LF$(tell_kept)
    fi
    printf '%s\n' "$text"
    # Whom it names has been told to a person.
    must rm -f "$R/$RESTART" "$R/$RESTART_NEW"
}

