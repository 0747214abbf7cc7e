# ---------------------------------------------------------------------------------------------------------------------
# The lock

lock() {
    place="$R/$HOME_KUBERNETES"
    busy="another run holds the lock $R/$LOCK"
    hint="wait until it has ended; \`ps\` shows it"
    if command -v flock >/dev/null 2>&1; then
        # A redirection that fails would end the shell.
        ( : >>"$R/$LOCK" ) 2>/dev/null || cannot "cannot open $R/$LOCK"
        exec 9>>"$R/$LOCK"
        flock -n 9
        case $? in
        0) return ;;
        1) cannot "$busy" "$hint" ;;
        *) cannot "cannot lock $R/$LOCK" ;;
        esac
    fi
    if mkdir "$place/lock.d" 2>/dev/null; then
        printf '%s\n' "$$" >"$place/lock.d/pid"
        LOCKED=$place/lock.d
        return
    fi
    holder=$(cat "$place/lock.d/pid" 2>/dev/null)
    case $holder in '' | *[!0-9]*) cannot "another run holds the lock $place/lock.d" "if none does, remove that folder" ;; esac
    kill -0 "$holder" 2>/dev/null && cannot "another run, process $holder, holds the lock $place/lock.d" "$hint"
    # Whoever takes a dead one's lock moves it away first: of two, one finds it gone, or another's in its place.
    mv "$place/lock.d" "$place/lock.$$" 2>/dev/null && [ "$(cat "$place/lock.$$/pid" 2>/dev/null)" = "$holder" ] &&
        rm -rf "$place/lock.$$" && mkdir "$place/lock.d" 2>/dev/null || cannot "$busy" "$hint"
    printf '%s\n' "$$" >"$place/lock.d/pid"
    LOCKED=$place/lock.d
}

