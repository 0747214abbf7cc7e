# ---------------------------------------------------------------------------------------------------------------------
# Programs and their configurations

AWK_TABLES=$AWK_QUOTED$AWK_VALUES$AWK_SETTINGS$AWK_WORDS$AWK_PROGRAM

flat() { # <file>
    awk "$AWK_YAML" "$1"
}

# Whether the file REAL is YAML that is understood here; else it notes that it is not.
is_yaml() {
    flat "$ROOT/$REAL" >/dev/null 2>&1 && return 0
    unread "$REAL" 'YAML in a form that only certferry reads'
    return 1
}

static_pod() { # <path>
    case ${1##*/} in .*) return 0 ;; esac
    ! is_folder "$1" || return 0
    is_there "$1" && is_yaml || return 0
    written=$(flat "$ROOT/$REAL" | awk -v place="$REAL" "$AWK_TABLES$AWK_MANIFEST")
    case $? in
        0) note_written 1 "$written" ;;
        4) unread "$REAL" 'not a pod' ;;
        *) unread "$REAL" 'YAML in a form that only certferry reads' ;;
    esac
}

# The units and drop-ins of a service: its unit is that of the first folder, and of drop-ins of one name the same.
units_of() { # <service>
    unit='' dropped=''
    for folder in $UNIT_FOLDERS; do
        if [ -z "$unit" ] && is_plain "$folder/$1.service"; then unit=$folder/$1.service$LF; fi
        entries "$folder/$1.service.d"
        dropped=$dropped$ENTRIES
    done
    printf '%s' "$unit"
    printf '%s' "$dropped" | awk '/\.conf$/ { name = $0; sub(/^.*\//, "", name); if (!(name in seen)) print name "\t" $0; seen[name] = 1 }' |
        sort | awk '{ sub(/^[^\t]*\t/, ""); print }'
}

# What the units say, with what is in their environment files.
unit_lines() { # <unit or drop-in>
    is_plain "$1" || return 0
    printf 'F %s\n' "$1"
    awk "$AWK_DIRECTIVES" "$ROOT/$REAL" | while IFS= read -r said; do
        case $said in
            'EnvironmentFile '*)
                said=${said#EnvironmentFile }
                while case $said in -*) true ;; *) false ;; esac; do said=${said#-}; done
                is_plain "$said" || continue
                awk '{ line = line $0 } /\\$/ { line = substr(line, 1, length(line) - 1); next } { print "V " line; line = "" }
                    END { if (line != "") print "V " line }' "$ROOT/$REAL"
                ;;
            *) printf '%s\n' "$said" ;;
        esac
    done
}

service() { # <name>
    units=$(units_of "$1")
    if written=$(each "$units" unit_lines | awk "$AWK_TABLES$AWK_SERVICE"); then
        note_written 1 "$written"
    else
        unread "${units%%"$LF"*}" 'holds more than 4096 flags'
    fi
}

# The services whose programs are known, by their names.
services() {
    for folder in $UNIT_FOLDERS; do
        entries "$folder"
        printf '%s' "$ENTRIES"
    done | awk '
        { sub(/^.*\//, "") }
        /^(kube|etcd|k3s|rke2|k0s|snap\.microk8s|apiserver|hyperkube)/ && sub(/\.service(\.d)?$/, "") { print }' | sort -u
}

has_program() {
    [ -n "$(notes N | awk -v name="$1" '$1 == name && $2 == "version" { print name; exit }')" ]
}

# The value that counts of what a program was told, TEXT.
told() { # <program> <flag>
    TEXT=$(notes N | awk -v program="$1" -v flag="$2" '$1 == program && $2 == flag { text = $3 } END { print text }')
}

environment() { # <program> <file>
    is_there "$2" || return 0
    if written=$(awk -v name="$1" -v place="$REAL" "$AWK_TABLES$AWK_ENVIRONMENT" "$ROOT/$REAL"); then
        note_written 1 "$written"
    else
        unread "$REAL" 'holds more than 4096 flags'
    fi
}

configuration() { # <path> <kind, or nothing for those of kubeadm>
    is_there "$1" && is_yaml || return 0
    if written=$(flat "$ROOT/$REAL" | awk -v place="$REAL" -v kind="$2" "$AWK_TABLES$AWK_CONFIGURATION"); then
        note_written 2 "$written"
    else
        unread "$REAL" 'YAML in a form that only certferry reads'
    fi
}

