# R is what stands before every path: nothing for the root itself.
take_root() {
    USER_ID=$(id -u) || cannot 'cannot tell who runs this'
    [ -d "$ROOT" ] || cannot "there is no folder $ROOT" '--root takes the folder that is the root of the node'
    ROOT_REAL=$(cd -- "$ROOT" && pwd -P) || cannot "cannot go to $ROOT"
    [ "$ROOT_REAL" != / ] || ROOT_REAL=
    R=$ROOT_REAL
    [ -n "$R" ] || [ "$USER_ID" = 0 ] || cannot 'only root can install a node' 'run this as root, or try it with --root'
    trap at_exit EXIT
    trap 'exit 130' HUP INT TERM
}

bad_usage() { # <what is wrong> [<hint>]
    say_error "$1" "${2-}" 'sh install.sh --help'
    exit 2
}

# No option that lets through what a check has refused is among them.
guess_option() { # <what was written>
    printf '%s\n' --node --key --root --dry-run --rollback --status --version --help | did_you_mean "$1"
}

main() {
    ACTION=install BUNDLE='' NODE='' KEY='' ROOT=/ DRY_RUN='' FORCE_NODE='' ALLOW_DOWNGRADE='' DROP_BACKUP=''
    PIPED='' STAGING='' STARTED='' LOCKED='' MADE='' HOMES='' COPIES='' REPAIRS='' WRITTEN='' journal='' only_install='' typing=''
    while [ $# -gt 0 ]; do
        # A fingerprint on paper stands in groups, and without quotes each of them is an argument.
        case $typing$1 in
        yes[0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f])
            KEY="$KEY $1"
            shift
            continue
            ;;
        esac
        typing=
        case $1 in
        --help | -h)
            usage
            exit 0
            ;;
        --version)
            printf 'install.sh of certferry %s, bundle format %s\n' "$VERSION" "$BUNDLE_FORMAT"
            exit 0
            ;;
        --rollback | --status)
            [ "$ACTION" = install ] || [ "$ACTION" = "${1#--}" ] || bad_usage "--$ACTION and $1 do not go together"
            ACTION=${1#--}
            ;;
        --node | --key | --root)
            [ $# -gt 1 ] || bad_usage "$1 needs a value"
            case $1 in
            --node) NODE=$2 ;;
            --key)
                KEY=$2
                case ${KEY#[Ss][Hh][Aa]256} in
                : | [0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f]) typing=yes ;;
                :[0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f]) typing=yes ;;
                esac
                ;;
            --root) ROOT=$2 ;;
            esac
            [ "$1" = --root ] || only_install=$1
            shift
            ;;
        --node=* | --key=* | --root=*)
            option=${1%%=*} value=${1#*=}
            shift
            set -- "$option" "$value" "$@"
            continue
            ;;
        --dry-run) DRY_RUN=1 only_install=$1 ;;
        --force-node) FORCE_NODE=1 only_install=$1 ;;
        --allow-downgrade) ALLOW_DOWNGRADE=1 only_install=$1 ;;
        --drop-backup) DROP_BACKUP=1 only_install=$1 ;;
        -?*) bad_usage "there is no option $1" "$(guess_option "${1%%=*}")" ;;
        *)
            [ -z "$BUNDLE" ] || bad_usage "two bundles are given: $BUNDLE and $1"
            BUNDLE=$1
            ;;
        esac
        shift
    done
    if [ "$ACTION" != install ]; then
        [ -z "$BUNDLE$only_install" ] || bad_usage "--$ACTION takes --root and nothing else"
        "$ACTION"
        return
    fi
    [ -n "$BUNDLE" ] || bad_usage 'no bundle is given'
    if [ "$BUNDLE" = - ]; then
        [ ! -t 0 ] || bad_usage 'no bundle comes through the standard input'
    elif [ ! -e "$BUNDLE" ]; then
        # What is a word to certferry is an option here.
        meant=$(guess_option "--$BUNDLE")
        [ -z "$meant" ] || bad_usage "there is no bundle $BUNDLE" "$meant"
    fi
    [ -n "$NODE" ] || bad_usage 'no node is given: --node NAME'
    [ -n "$KEY" ] || bad_usage 'no key is given: --key PUB'
    case $NODE in *[!a-z0-9.-]*) bad_usage "--node $NODE is not a name that a node can have" ;; esac
    need_tools awk tr
    # The one thing that is never done without.
    command -v openssl >/dev/null 2>&1 || cannot 'there is no openssl on this node' \
        'nothing is installed unchecked: install openssl 1.0.2 or later, or use `certferry apply`'
    install_part
}

# All of it was read before any of it runs: a file that was cut short does nothing.
main "$@"
