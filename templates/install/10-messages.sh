# ---------------------------------------------------------------------------------------------------------------------
# Messages

usage() {
    cat <<'TEXT'
usage: sh install.sh BUNDLE --node NAME --key PUB [--root DIR] [--dry-run] [--force-node] [--allow-downgrade]
                  [--drop-backup]
       sh install.sh --rollback [--root DIR]
       sh install.sh --status [--root DIR]
       sh install.sh --version

  BUNDLE             a bundle, a partial bundle or a slice; - is the standard input:
                     age -d -i IDENTITY SLICE.age | sh install.sh - ...
  --node NAME        the node whose part is installed, as the profile names it
  --key PUB          the signer's public key, a file that was on the node before; or its fingerprint, 64 digits as they
                     stand on paper, and then CLUSTER.pub lies beside the bundle
  --root DIR         the root of the node's files, when it is not /
  --dry-run          verify everything, say what would change, change nothing
  --force-node       install though the part is another host's or another cluster's
  --allow-downgrade  install an older generation than the one that is there
  --drop-backup      drop a backup, of a repair or of what certferry did not make, that the run would refuse to replace
  --rollback         back to the generation before; once more: forth again
  --status           what is installed, what differs from it, what a rollback brings back, what waits
TEXT
}

# The error, and a hint for each further argument that is not empty.
say_error() {
    printf 'error: %s\n' "$(printable "$1")" >&2
    shift
    for next_step in "$@"; do
        [ -z "$next_step" ] || printf 'hint: %s\n' "$(printable "$next_step")" >&2
    done
}

# "did you mean", if one of the names on the standard input, a line each, is near to what was written.
did_you_mean() { # <what was written>
    case $1 in *"$LF"*) return ;; esac
    # Where a tool is missing, that is not what a person has to be told of now.
    meant=$({ printf '%s\n' "$1" && cat; } 2>/dev/null | awk "$AWK_NEAREST" 2>/dev/null)
    [ -z "$meant" ] || printf 'did you mean `%s`?\n' "$meant"
}

# Names of files may hold what moves the cursor.
printable() {
    case $1 in
    *[!\ -~]*) ;;
    *)
        printf '%s' "$1"
        return
        ;;
    esac
    printf '%s' "$1" | tr '\001-\037\177-\377' '?' 2>/dev/null || printf '%s' "$1"
}

# Runs a command that nothing can go on without.
must() {
    "$@" || cannot "this failed: $*" "the message above says why; nothing is half done that the next run cannot complete"
}

