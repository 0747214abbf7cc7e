#!/bin/sh
# Installs one node's part of a certferry bundle where there is no certferry: with a shell, awk, tar, gzip, the coreutils
# and openssl (1.0.2 or later). `sh install.sh --help` has the usage.
#
# Prove this file before you run it, with the signer's public key that was on the node before:
#
#   openssl dgst -sha256 -verify prod-1.pub -signature install.sh.sig install.sh && sh install.sh ...
#
# What it promises. Nothing is touched before everything is verified: signatures, every header of the archive, every hash.
# No file is ever torn. Each unit (the folder pki, each kubeconfig, the kubelet's folder pki) is old or new, but a shell
# cannot exchange two names in one step as `certferry apply` does: it takes two renames, and between them the unit is not
# there. After a power failure in that moment it stays away until the next run of this script, or of certferry, completes
# what the journal says. The generation before is kept whole for --rollback.
#
# The state on the node is that of the manual's chapter `formats`, section "State on a node": this script and certferry
# complete and roll back each other's runs. Exit codes: 0 done, 1 the check says no, 2 it could not run.

# Conditions below are `A && B || stop`, where stop does not return; backticks stand in messages for people.
# shellcheck disable=SC2015,SC2016

set -u
umask 077
LC_ALL=C
export LC_ALL
# What would change the behaviour of the tools below.
unset CDPATH TAR_OPTIONS GZIP POSIXLY_CORRECT
IFS=' 	
'
LF='
'

# ---------------------------------------------------------------------------------------------------------------------
# Messages

usage() {
    cat <<'TEXT'
usage: sh install.sh BUNDLE --node NAME --key PUB [--root DIR] [--dry-run] [--force-node] [--allow-downgrade]
       sh install.sh --rollback [--root DIR]
       sh install.sh --status [--root DIR]

  BUNDLE             a bundle, a partial bundle or a slice
  --node NAME        the node whose part is installed, as the profile names it
  --key PUB          the signer's public key, a file that was on the node before; or its fingerprint `sha256:...`, and
                     then CLUSTER.pub lies beside the bundle
  --root DIR         the root of the node's files, when it is not /
  --dry-run          verify everything, say what would change, change nothing
  --force-node       install though the part is another host's or another cluster's
  --allow-downgrade  install an older generation than the one that is there
  --rollback         back to the generation before; once more: forth again
  --status           what is installed, what is kept for a rollback, whether an interrupted run waits
TEXT
}

say_error() {
    printf 'error: %s\n' "$(printable "$1")" >&2
    [ $# -lt 2 ] || printf 'hint: %s\n' "$(printable "$2")" >&2
}

# The check says no.
refuse() {
    say_error "$@"
    exit 1
}

# It could not run.
cannot() {
    say_error "$@"
    exit 2
}

# Names of files may hold what moves the cursor.
printable() {
    printf '%s' "$1" | tr '\001-\037\177-\377' '?' 2>/dev/null || printf '%s' "$1"
}

# Runs a command that nothing can go on without.
must() {
    "$@" || cannot "this failed: $*" "the message above says why; nothing is half done that the next run cannot complete"
}

# ---------------------------------------------------------------------------------------------------------------------
# Places, relative to the root

HOME_KUBERNETES=etc/kubernetes/.certferry
HOME_KUBELET=var/lib/kubelet/.certferry
KUBECONFIGS='admin.conf controller-manager.conf kubelet.conf scheduler.conf super-admin.conf'
KUBELET_LINK=var/lib/kubelet/pki/kubelet-client-current.pem

# Names that a bundle may hold, as functions for awk. Paths are compared component by component: in a key to sort by, the
# slash is the least of all bytes.
AWK_NAMES='
function is_label(text) {
    return length(text) >= 1 && length(text) <= 63 && text !~ /[^a-z0-9-]/ && text !~ /^-/ && text !~ /-$/
}
function is_subdomain(text,    count, labels, i) {
    if (length(text) > 253) return 0
    count = split(text, labels, ".")
    if (count == 0) return 0
    for (i = 1; i <= count; i++) if (!is_label(labels[i])) return 0
    return 1
}
function is_node_path(path,    count, names, i) {
    if (path == "" || path ~ /[^A-Za-z0-9._\/-]/) return 0
    count = split(path, names, "/")
    for (i = 1; i <= count; i++) if (names[i] == "" || names[i] == "." || names[i] == ".." || names[i] ~ /^-/) return 0
    return 1
}
function is_cluster_path(path,    count, names, i, rest) {
    if (path == "" || path ~ /[^A-Za-z0-9._:@%\/-]/) return 0
    count = split(path, names, "/")
    for (i = 1; i <= count; i++) {
        if (names[i] == "" || names[i] == "." || names[i] == "..") return 0
        rest = names[i]
        # A byte is escaped when it has to be, in upper case, and no other is.
        while (match(rest, /%/)) {
            rest = substr(rest, RSTART + 1)
            if (substr(rest, 1, 2) !~ /^[0-9A-F][0-9A-F]$/) return 0
            if (substr(rest, 1, 2) ~ /^(2D|2E|3[0-9A]|4[0-9A-F]|5[0-9A]|5F|6[1-9A-F]|7[0-9A])$/) return 0
        }
    }
    return 1
}
function sort_key(path) {
    gsub(/\//, "\001", path)
    return path
}'

# Addresses, in the one spelling that a record has (RFC 5952).
AWK_ADDRESSES='
function is_address4(text,    count, octets, i) {
    count = split(text, octets, ".")
    if (count != 4) return 0
    for (i = 1; i <= 4; i++) if (octets[i] !~ /^(0|[1-9][0-9]?[0-9]?)$/ || octets[i] + 0 > 255) return 0
    return 1
}
function spell_address6(groups,    i, start, count, best, best_count, text) {
    best = best_count = 0
    for (i = 1; i <= 8; i++) {
        if (groups[i] != "0") { count = 0; continue }
        if (count++ == 0) start = i
        if (count > best_count) { best = start; best_count = count }
    }
    if (best_count < 2) best = 9
    text = ""
    for (i = 1; i <= 8; i++) {
        if (i == best) { text = text "::"; i += best_count - 1; continue }
        text = text (text == "" || text ~ /::$/ ? "" : ":") groups[i]
    }
    return text
}
function is_address6(text,    halves, count, left, right, lefts, rights, groups, i) {
    if (text ~ /^::ffff:[0-9.]+$/) return is_address4(substr(text, 8))
    if (text ~ /[^0-9a-f:]/ || text !~ /:/) return 0
    count = split(text, halves, "::")
    if (count > 2) return 0
    lefts = split(halves[1], left, ":")
    rights = count == 2 ? split(halves[2], right, ":") : 0
    if (count == 1 ? lefts != 8 : lefts + rights > 6) return 0
    for (i = 1; i <= 8; i++) groups[i] = "0"
    for (i = 1; i <= lefts; i++) groups[i] = left[i]
    for (i = 1; i <= rights; i++) groups[8 - rights + i] = right[i]
    for (i = 1; i <= 8; i++) if (groups[i] !~ /^(0|[1-9a-f][0-9a-f]?[0-9a-f]?[0-9a-f]?)$/) return 0
    return spell_address6(groups) == text
}'

# ---------------------------------------------------------------------------------------------------------------------
# The archive, before anything is unpacked

# Where the gzip members end, and what each says it holds: one line `member BYTES` each, from the hex dump of the file.
# Ten bytes begin a member, as in no other gzip; that they stand within compressed data by chance has odds of 2^-80, and
# then the boundaries do not fit the archive, and it is refused.
members_of() {
    od -An -v -tx1 <"$1" | awk '
        function refuse(text) { print "refused " text; refused = 1; exit 1 }
        function value(bytes,    i, sum) {
            sum = 0
            for (i = 12; i >= 3; i -= 3) sum = sum * 256 + 16 * index(digits, substr(bytes, i - 1, 1)) \
                + index(digits, substr(bytes, i, 1))
            return sum
        }
        function end_member(bytes, at,    size) {
            size = value(bytes)
            if (at - start > 33554432) refuse("a part has more than 33554432 compressed bytes")
            if (size == 0) refuse("a part of it is empty")
            if (size > 16777216) refuse("a part unpacks to more than 16777216 bytes")
            if (++members > 100002) refuse("it has more than 100000 parts")
            print "member " size
            start = at
        }
        BEGIN { digits = "123456789abcdef"; head = " 1f 8b 08 00 00 00 00 00 00 ff" }
        {
            # Twelve bytes of the line before stand in front: a head, or the size before it, may be cut by a line.
            text = before $0
            from = 1
            while ((place = index(substr(text, from), head)) > 0) {
                place += from - 1
                at = total + (place - 1 - length(before)) / 3
                if (total == 0 && place == 1) started = 1
                else if (!started) break
                # Found once more in what was kept of the line before.
                else if (at > last) end_member(substr(text, place - 12, 12), at)
                last = at
                from = place + 3
            }
            if (!started) refuse("it is not gzip as a bundle is")
            if (total + 16 - start > 33554432 + 16) refuse("a part has more than 33554432 compressed bytes")
            total += length($0) / 3
            before = substr(text, length(text) - 38)
            if (length(text) <= 39) before = text
        }
        END {
            if (refused) exit 1
            if (NR == 0) refuse("it ends too early")
            # Checksum and length of two zero blocks.
            if (before !~ / 2e af b5 ef 00 04 00 00$/) refuse("it does not end as a bundle does")
            end_member(substr(before, length(before) - 11), total)
            print "members " members
        }'
}

# Reads a tar stream as a hex dump, after lines `member BYTES` and one line `--`, and takes nothing that certferry would
# not have written: every header must be, byte for byte, what its own path, mode and size make it. Prints what it found,
# and each entry of the part of the node $1. With $2 = 0 the members are not known.
gate() {
    awk -v node="$1" -v check_members="$2" "$AWK_NAMES"'
        function refuse(text) { print "refused " text; refused = 1; exit 1 }
        function spelling(path) { refuse("the header of " path " is not as a bundle has it") }
        # The text of a field, which ends with a NUL unless it is full; nothing follows.
        function text_of(at, count,    hex, text, i, pair) {
            hex = substr(header, 2 * at + 1, 2 * count)
            text = ""
            for (i = 1; i < 2 * count; i += 2) {
                pair = substr(hex, i, 2)
                if (pair == "00") break
                if (!(pair in letter)) refuse("a name in it has characters that no bundle has")
                text = text letter[pair]
                sum += code[pair]
            }
            if (substr(hex, i) ~ /[^0]/) refuse("a name in it goes on behind its end")
            return text
        }
        function octal_of(at, count,    hex, value, i) {
            hex = substr(header, 2 * at + 1, 2 * count)
            if (hex !~ /^(3[0-7])+00$/ || length(hex) != 2 * count) return -1
            value = 0
            for (i = 2; i < 2 * count - 1; i += 2) {
                value = value * 8 + substr(hex, i, 1)
                sum += 48 + substr(hex, i, 1)
            }
            return value
        }
        function read_header(    name, prefix, cut, checksum, found, i, magic) {
            sum = 0
            name = text_of(0, 100)
            prefix = text_of(345, 155)
            link = text_of(157, 100)
            path = name
            if (prefix != "") {
                path = prefix "/" name
                # Cut at the first slash that leaves at most 100 bytes, and only if it must be.
                cut = prefix
                if (length(path) <= 100) spelling(path)
                while (match(cut, /\/[^\/]*$/)) {
                    cut = substr(cut, 1, RSTART - 1)
                    if (length(path) - length(cut) - 1 <= 100) spelling(path)
                }
            }
            if (path == "") refuse("an entry in it has no name")
            mode = octal_of(100, 8)
            if (mode != 420 && mode != 384 && mode != 493 && mode != 511) spelling(path)
            if (octal_of(108, 8) != 0 || octal_of(116, 8) != 0) refuse(path " belongs to somebody else than root")
            size = octal_of(124, 12)
            if (size < 0) spelling(path)
            found = octal_of(136, 12)
            if (found < 0) spelling(path)
            found = substr(header, 273, 24)
            if (mtime == "") mtime = found
            if (found != mtime) spelling(path)
            kind = substr(header, 313, 2)
            if (kind == "30") kind = "f"
            else if (kind == "35") kind = "d"
            else if (kind == "32") kind = "l"
            else refuse(path " is neither a file nor a folder nor a link")
            sum += code[substr(header, 313, 2)]
            magic = substr(header, 515, 16)
            if (magic != "7573746172003030") spelling(path)
            # ustar, 00
            sum += 117 + 115 + 116 + 97 + 114 + 48 + 48
            if (substr(header, 531, 160) ~ /[^0]/ || substr(header, 1001) ~ /[^0]/) spelling(path)
            # The sum counts its own field as eight spaces; it is written in six digits.
            found = sum + 8 * 32
            checksum = ""
            for (i = 0; i < 6; i++) { checksum = "3" (found % 8) checksum; found = int(found / 8) }
            if (substr(header, 297, 16) != checksum "0020") spelling(path)
            if (kind == "d") {
                if (mode != 493 || path !~ /\/$/) spelling(path)
            } else if (path ~ /\/$/ || (kind == "l" && mode != 511) || (kind == "f" && mode > 420)) spelling(path)
            if ((kind != "f" && size != 0) || (kind == "l") != (link != "")) spelling(path)
        }
        function expect(wanted, limit) {
            if (path != wanted) refuse(path " stands where " wanted " belongs")
            if (kind != (wanted ~ /\/$/ ? "d" : "f") || (kind == "f" && mode != 420)) spelling(path)
            if (size > limit) refuse(path " claims " sprintf("%.0f", size) " bytes, more than " limit)
        }
        # Skips the content of a file; what fills its last block is looked at.
        function skip_content(    lines) {
            lines = int(size / 16)
            skip = lines
            left = 32 * int((size + 511) / 512) - lines
            inside = size % 16
        }
        # What was read so far must be whole members.
        function end_of_member(    i) {
            if (!check_members) return
            if (++member > members) refuse("its parts are not compressed one by one")
            unpacked += sizes[member]
            if (unpacked != header_at) refuse("its parts are not compressed one by one")
        }
        function begin_part(    name) {
            if (path == top "/cluster.json") name = "cluster"
            else {
                name = path
                if (substr(name, 1, length(top) + 7) != top "/nodes/" || name !~ /\.json$/) {
                    refuse(path " belongs to no part of it")
                }
                name = substr(name, length(top) + 8)
                name = substr(name, 1, length(name) - 5)
                if (!is_subdomain(name)) refuse(path " belongs to no part of it")
                name = "node/" name
            }
            if (parts && shape == "slice") refuse(path " belongs to no part of it")
            # The cluster comes last; nodes stand in the order of their names.
            if (parts && (part == "cluster" || (name != "cluster" && part "" >= name ""))) {
                refuse(path " is out of order")
            }
            if (++parts > 100000) refuse("it has more than 100000 parts")
            end_part()
            part = name
            own = part == "node/" node
            part_at = header_at
            entries = 0
            split("", seen)
            last_key = ""
            tree = part == "cluster" ? top "/cluster/" : top "/nodes/" substr(part, 6) "/"
            print "part " part
            expect(path, 4194304)
            record_size = size
            state = "record.sig"
        }
        function end_part() {
            if (part != "" && own) print "own " sprintf("%.0f %.0f", part_at, header_at - part_at)
        }
        function read_entry(    relative, i, upper) {
            relative = substr(path, length(tree) + 1)
            if (length(relative) > 256) refuse("the path " relative " is too long")
            if (kind == "d") {
                if (part == "cluster" || relative !~ /^(etc\/kubernetes\/(pki\/(etcd\/)?)?|var\/lib\/kubelet\/pki\/)$/) {
                    refuse(path " cannot be in a bundle")
                }
            } else if (part == "cluster" ? !is_cluster_path(relative) : !is_node_path(relative)) {
                refuse(path " cannot be in a bundle")
            }
            if (kind == "l" && (part == "cluster" || relative != current_link || link ~ /\// || !is_node_path(link))) {
                refuse("the link " path " cannot be in a bundle")
            }
            if (size > 4194304) refuse(path " claims " sprintf("%.0f", size) " bytes, more than 4194304")
            if (last_key "" >= sort_key(relative) "") refuse(path " is out of order")
            last_key = sort_key(relative)
            if (own) {
                if (kind == "d") print "entry d " relative
                else if (kind == "l") print "entry l " link " " relative
                else print "entry f " (mode == 384 ? "0600" : "0644") " " size " " relative
            }
        }
        function read_block() {
            if (header !~ /[^0]/) {
                if (state == "end") { state = "ended"; return }
                if (state == "part" || state == "tree") {
                    if (!parts) refuse("there is no part in it")
                    end_of_member()
                    end_part()
                    state = "end"
                    return
                }
                refuse(state == "ended" ? "bytes follow its end" : "it is not a bundle: it ends at its beginning")
            }
            if (state == "end" || state == "ended") refuse("bytes follow its end")
            read_header()
            if (state == "first") {
                if (kind == "d") {
                    shape = "whole"
                    top = substr(path, 1, length(path) - 1)
                    state = "index"
                } else {
                    shape = "slice"
                    top = path
                    if (!match(top, /\/(nodes\/[^\/]*|cluster)\.json$/)) refuse("it is neither a bundle nor a slice")
                    top = substr(top, 1, RSTART - 1)
                    state = "part"
                }
                if (!match(top, /-g[1-9][0-9]*$/) || !is_label(substr(top, 1, RSTART - 1))) {
                    refuse("it is neither a bundle nor a slice")
                }
                print "shape " shape
                print "top " top
                print "mtime " mtime
                if (shape == "whole") { expect(top "/", 0); return }
            }
            if (state == "index") {
                expect(top "/manifest.json", 12582912)
                index_at = header_at + 512
                index_size = size
                state = "index.sig"
            } else if (state == "index.sig") {
                expect(top "/manifest.json.sig", 72)
                print "index " index_at " " index_size " " (header_at + 512) " " size
                state = "nodes"
            } else if (state == "nodes") {
                expect(top "/nodes/", 0)
                state = "part"
            } else if (state == "record.sig") {
                expect(part == "cluster" ? top "/cluster.json.sig" : top "/nodes/" substr(part, 6) ".json.sig", 72)
                if (own) print "record " record_size " " size
                state = part == "cluster" ? "tree" : "folder"
            } else if (state == "folder") {
                expect(tree, 0)
                state = "tree"
            } else if (state == "part" || substr(path, 1, length(tree)) != tree) {
                if (shape == "whole" || parts) end_of_member()
                begin_part()
            } else {
                read_entry()
            }
            # The folder of a node, its record and the signature are entries too.
            if (state == "tree" && ++entries > 4094) refuse("a part of it has more than 4096 entries")
            if (header_at + 512 + size - part_at > 16777216) refuse("a part unpacks to more than 16777216 bytes")
            skip_content()
        }
        BEGIN {
            characters = "!\"#$%&\047()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"
            allowed = "[A-Za-z0-9._:@%/-]"
            for (i = 33; i < 127; i++) {
                pair = sprintf("%02x", i)
                code[pair] = i
                if (substr(characters, i - 32, 1) ~ /[A-Za-z0-9._:@%\/-]/) letter[pair] = substr(characters, i - 32, 1)
            }
            current_link = "'"$KUBELET_LINK"'"
            state = "first"
            shape = part = top = mtime = header = ""
            lines = skip = left = members = member = unpacked = parts = part_at = 0
        }
        skip > 0 { skip--; stream++; next }
        !reading {
            if ($1 == "member") sizes[++members] = $2
            else if ($1 == "--") reading = 1
            next
        }
        {
            stream++
            if (length($0) != 48) refuse("it ends within a block")
        }
        left > 0 {
            left--
            if (substr($0, 3 * inside + 1) ~ /[1-9a-f]/) refuse("bytes follow " path " in its last block")
            inside = 0
            next
        }
        {
            if (lines == 0) header_at = (stream - 1) * 16
            gsub(/ /, "")
            header = header $0
            if (++lines == 32) { read_block(); lines = 0; header = "" }
        }
        END {
            if (refused) exit 1
            if (state != "ended" || lines || skip || left) refuse("it ends too early")
            header_at = stream * 16
            end_of_member()
            if (check_members && member != members) refuse("its parts are not compressed one by one")
            print "done"
        }'
}

# One value of what the gate found.
found() {
    printf '%s\n' "$GATE" | awk -v key="$1" -v field="$2" '$1 == key { print $field; exit }'
}

# Looks at every header of the archive; the result is in GATE. Nothing is written.
look_through() {
    members=$(members_of "$1") || gate_refuses "$1" "$members"
    GATE=$(
        {
            printf '%s\n--\n' "$members"
            gzip -dc <"$1" 2>/dev/null | od -An -v -tx1
        } | gate "$2" 1
    ) || gate_refuses "$1" "$GATE"
    # The checksum and the length of each member. After the gate, which would not read a gigabyte of zeros.
    gzip -t <"$1" >/dev/null 2>&1 || gate_refuses "$1" "refused its compressed data is damaged"
}

gate_refuses() {
    reason=$(printf '%s\n' "$2" | awk '/^refused / { print substr($0, 9); exit }')
    [ -n "$reason" ] || cannot "cannot look through $1: awk failed"
    refuse "$1 is refused: $reason" "nothing was changed; carry the bundle again"
}

# So many bytes of the unpacked archive, or of a file, from an offset.
cut_out() {
    gzip -dc <"$BUNDLE" 2>/dev/null | tail -c "+$(($1 + 1))" | head -c "$2"
}

cut_from() {
    tail -c "+$(($2 + 1))" <"$1" | head -c "$3"
}

# ---------------------------------------------------------------------------------------------------------------------
# Records and the index

# Reads a record ($1 = record) or an index ($1 = index) from the file $2, in the one form that it has, and prints what it
# says, one thing on each line; of a record also the entries that it makes in an archive. Fails with `refused REASON`.
read_document() {
    size=$(wc -c <"$2") || return 1
    awk -v document="$1" -v size="$size" "$AWK_NAMES$AWK_ADDRESSES"'
        function refuse(text) { print "refused " text; refused = 1; exit 1 }
        function wrong(field) { refuse("its line " NR " is not what a " document " has for " field) }
        # The text between quotes. There are no escapes in what a node reads.
        function unquoted(text, field) {
            if (text !~ /^"[^"\\]*"$/) wrong(field)
            return substr(text, 2, length(text) - 2)
        }
        function is_number(text) { return text ~ /^(0|[1-9][0-9]*)$/ && length(text) <= 9 }
        function is_hex(text, count) { return length(text) == count && text !~ /[^0-9a-f]/ }
        function is_version(text,    count, numbers, i) {
            count = split(text, numbers, ".")
            for (i = 1; i <= count; i++) if (!is_number(numbers[i])) return 0
            return count == 3
        }
        function days_of(month, year) {
            if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
            return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31
        }
        # The mtime of every entry, in the eleven octal digits of a header; as hex, as the gate has it.
        function mtime_of(date,    year, month, day, days, i, seconds, hex) {
            if (date !~ /^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]$/) return ""
            year = substr(date, 1, 4) + 0; month = substr(date, 6, 2) + 0; day = substr(date, 9, 2) + 0
            if (year < 2000 || year > 2200 || month < 1 || month > 12 || day < 1 || day > days_of(month, year)) return ""
            days = day - 1
            for (i = 1970; i < year; i++) days += 337 + days_of(2, i)
            for (i = 1; i < month; i++) days += days_of(i, year)
            seconds = days * 86400
            hex = "00"
            for (i = 0; i < 11; i++) { hex = "3" (seconds % 8) hex; seconds = int(seconds / 8) }
            return hex
        }
        function scalar(key, value,    text) {
            if (key == "format") { if (value != "1") wrong(key); return }
            if (key == "phase") { if (value != "0") wrong(key); return }
            if (key == "generation") {
                if (!is_number(value) || value == "0") wrong(key)
                print key " " value
                return
            }
            if (key == "partial") {
                if (value != "true" && value != "false") wrong(key)
                return
            }
            text = unquoted(value, key)
            if (key == "cluster" && !is_label(text)) wrong(key)
            if (key == "cluster_id" && !is_hex(text, 32)) wrong(key)
            if (key == "profile_sha256" && !is_hex(text, 64)) wrong(key)
            if (key == "kubernetes" && !is_version(text)) wrong(key)
            if (key == "part" && !(text ~ /^node\// && is_subdomain(substr(text, 6)))) wrong(key)
            if (key == "role" && text != "control-plane" && text != "worker" && text != "etcd") wrong(key)
            if (key == "issued_at") {
                if (mtime_of(text) == "") wrong(key)
                print "mtime " mtime_of(text)
            }
            print key " " text
        }
        function element(key, value,    text) {
            if (++elements > (key == "parts" ? 100000 : 4096)) refuse("it has more than " (elements - 1) " " key)
            if (key == "files") { row(value); return }
            if (key == "parts") { part_row(value); return }
            text = unquoted(value, key)
            if ((key, text) in known) wrong(key)
            known[key, text] = 1
            if (key == "names") {
                if (!is_subdomain(text ~ /^\*\./ ? substr(text, 3) : text)) wrong(key)
                print "name " text
            } else {
                if (!is_address4(text) && !is_address6(text)) wrong(key)
                print "address " text
            }
        }
        function part_row(value,    name, hash) {
            if (value !~ /^\{"part": "[^"\\]*", "sha256": "[0-9a-f]*"\}$/) wrong("parts")
            name = substr(value, 11)
            hash = substr(name, index(name, "\"") + 14)
            name = substr(name, 1, index(name, "\"") - 1)
            hash = substr(hash, 1, length(hash) - 2)
            if (!is_hex(hash, 64)) wrong("parts")
            if (name != "cluster" && !(name ~ /^node\// && is_subdomain(substr(name, 6)))) wrong("parts")
            if (last_part == "cluster" || (name != "cluster" && last_part "" >= name "")) refuse("its parts are out of order")
            last_part = name
            # `nodes/a.json` is both the record of a and the folder of a.json.
            if (name ~ /\.json(\.sig)?$/) {
                sub(/\.json(\.sig)?$/, "", name)
                if (name in is_part) refuse("two of its parts would share a path")
                name = last_part
            }
            is_part[name] = 1
            print "part " name " " hash
        }
        function row(value,    rest, path, target, mode, hash, bytes) {
            if (value ~ /^\{"link": "[^"\\]*", "mode": "0777", "path": "[^"\\]*"\}$/) {
                target = substr(value, 11)
                path = substr(target, index(target, "\"") + 28)
                target = substr(target, 1, index(target, "\"") - 1)
                path = substr(path, 1, length(path) - 2)
                place(path, "l")
                if (path != current_link || target ~ /\// || !is_node_path(target)) wrong("the link")
                target_path = path
                sub(/[^\/]*$/, target, target_path)
                print "row l " target " " path
                expected = expected "entry l " target " " path "\n"
                return
            }
            if (value !~ /^\{"mode": "0(600|644)", "path": "[^"\\]*", "sha256": "[0-9a-f]*", "size": [0-9]+\}$/) wrong("files")
            mode = substr(value, 11, 4)
            path = substr(value, 27)
            hash = substr(path, index(path, "\"") + 14)
            path = substr(path, 1, index(path, "\"") - 1)
            bytes = substr(hash, index(hash, "\"") + 11)
            hash = substr(hash, 1, index(hash, "\"") - 1)
            bytes = substr(bytes, 1, length(bytes) - 1)
            place(path, "f")
            if (!is_hex(hash, 64) || !is_number(bytes) || bytes + 0 > 4194304) wrong("files")
            is_file[path] = 1
            print "row f " mode " " bytes " " hash " " path
            expected = expected "entry f " mode " " bytes " " path "\n"
        }
        # Paths stand in order, none twice, none a file and a folder, none another in other case; and their folders.
        function place(path, kind,    count, names, i, upto, key, folder) {
            if (length(path) > 256 || !is_node_path(path)) wrong("a path")
            if (last_key "" >= sort_key(path) "") refuse("its files are out of order")
            last_key = sort_key(path)
            count = split(path, names, "/")
            upto = ""
            for (i = 1; i <= count; i++) {
                upto = upto (i > 1 ? "/" : "") names[i]
                key = tolower(upto)
                if (key in spelled && (spelled[key] != upto || i == count || !(key in is_folder))) {
                    refuse("two of its paths differ in case alone, or one is a folder of the other: " upto)
                }
                spelled[key] = upto
                if (i < count) is_folder[key] = 1
                folder = upto "/"
                if (i < count && folder in brings && !(folder in brought)) {
                    brought[folder] = 1
                    expected = expected "entry d " folder "\n"
                }
            }
        }
        BEGIN {
            keys = document == "index" \
                ? "cluster cluster_id format generation issued_at kubernetes partial parts phase profile_sha256" \
                : "addresses cluster cluster_id files format generation issued_at kubernetes names part phase role"
            keys = split(keys, key_of, " ")
            current_link = "'"$KUBELET_LINK"'"
            split("etc/kubernetes/ etc/kubernetes/pki/ etc/kubernetes/pki/etcd/ var/lib/kubelet/pki/", list, " ")
            for (i in list) brings[list[i]] = 1
            target_path = array = last_key = last_part = expected = ""
            number = bytes_read = 0
        }
        {
            bytes_read += length($0) + 1
            if (bytes_read > size) refuse("it does not end as a " document " does")
            if (ended) refuse("something follows its end")
        }
        NR == 1 { if ($0 != "{") wrong("its beginning"); next }
        array != "" {
            if ($0 == "  ]" (number < keys ? "," : "")) {
                if (more || !elements) wrong(array)
                array = ""
                next
            }
            if (!more || substr($0, 1, 4) != "    ") wrong(array)
            value = substr($0, 5)
            more = value ~ /,$/
            if (more) value = substr(value, 1, length(value) - 1)
            element(array, value)
            next
        }
        number == keys { if ($0 != "}") wrong("its end"); ended = 1; next }
        {
            key = key_of[++number]
            start = "  \"" key "\": "
            if (substr($0, 1, length(start)) != start) wrong(key)
            value = substr($0, length(start) + 1)
            if (number < keys) {
                if (value == "[") { array = key; elements = 0; more = 1 }
                else if (value !~ /,$/) wrong(key)
                else value = substr(value, 1, length(value) - 1)
            }
            if (key == "files" || key == "names" || key == "addresses" || key == "parts") {
                # Only a part may have no files.
                if (array == "" && (value != "[]" || key != "files")) wrong(key)
            } else if (array != "") wrong(key)
            else scalar(key, value)
        }
        END {
            if (refused) exit 1
            if (!ended || bytes_read != size) refuse("it does not end as a " document " does")
            if (target_path != "" && !(target_path in is_file)) refuse("its link leads nowhere")
            printf "%s", expected
            print "done"
        }' "$2"
}

# One value of a document that was read.
said() {
    awk -v key="$2" '$1 == key { print $2; exit }' "$1"
}

# Reads a signed document into a file of what it says.
take_document() { # <record|index> <file> <its name> <output>
    openssl dgst -sha256 -verify "$WORK/signer.pub" -signature "$2.sig" "$2" >/dev/null 2>&1 ||
        refuse "the signature of $3 does not hold" \
            "it was changed on its way, or another key signed it: compare the key with the one on paper"
    read_document "$1" "$2" >"$4" ||
        refuse "$3 is rightly signed but not valid: $(awk '/^refused / { print substr($0, 9); exit }' "$4")" \
            "nothing was changed; carry the bundle again"
}

# ---------------------------------------------------------------------------------------------------------------------
# Files on the node

# Whether anything has that name, be it a link that leads nowhere.
is_there() {
    [ -e "$1" ] || [ -L "$1" ]
}

# The inode number of what has that name; 0 if nothing has.
inode() {
    if is_there "$1"; then
        # The name is not read: only words before it are. A pattern in it is none.
        set -f
        # shellcheck disable=SC2012,SC2046
        set -- $(ls -id "$1")
        set +f
        echo "$1"
    else
        echo 0
    fi
}

# Kind, mode, owner and content of one thing, without its name.
facts() {
    set -f
    # shellcheck disable=SC2012,SC2046 # Nothing else in POSIX tells the mode.
    set -- "$1" $(ls -ldn "$1")
    set +f
    # Behind the mode some systems tell of a label or a list of rights.
    if [ -L "$1" ]; then
        printf '%s %s:%s %s\n' "${2%[.+@]}" "$4" "$5" "$(readlink "$1" | sha256)"
    elif [ -f "$1" ]; then
        printf '%s %s:%s %s\n' "${2%[.+@]}" "$4" "$5" "$(sha256 <"$1")"
    else
        printf '%s %s:%s -\n' "${2%[.+@]}" "$4" "$5"
    fi
}

# Of the standard input, without the dash behind it.
sha256() {
    # shellcheck disable=SC2046 # Two words.
    set -- $(sha256sum)
    echo "$1"
}

# Every thing below a folder, in one order: its facts, and its path below the folder.
describe() (
    cd "$1" || exit 1
    for name in * .[!.]* ..?*; do
        is_there "./$name" || continue
        case $name in *"$LF"*) exit 3 ;; esac
        printf '%s %s\n' "$(facts "./$name")" "$2$name"
        if [ -d "./$name" ] && [ ! -L "./$name" ]; then
            describe "./$name" "$2$name/" || exit $?
        fi
    done
)

# The facts of a unit: of the folder and all in it, or of the file.
describe_unit() {
    printf '%s .\n' "$(facts "$1")"
    if [ -d "$1" ] && [ ! -L "$1" ]; then
        describe "$1" ''
    fi
}

# Makes a folder of the node's that may be missing, with kubeadm's mode.
make_folder() { # <path> <mode>
    if [ ! -d "$1" ]; then
        must mkdir "$1"
        MADE=$1$LF$MADE
        # Five digits: with four, GNU chmod leaves a folder the set-group-ID bit that it inherited.
        must chmod "0$2" "$1"
        own "$1"
    fi
}

# Gives it to root, whatever the folder's own group or the sticky bits say. Only root can.
own() {
    if [ "$USER_ID" = 0 ]; then
        must chown -h 0:0 "$1"
    fi
}

# Where a folder of the node really is, for an operator may have put it elsewhere and left a link: UNIT_LIVE, with its
# slots in the folder UNIT_HOME beside it.
find_unit() { # <folder>
    UNIT_LIVE=$1
    if [ -L "$R/$1" ]; then
        real=$(cd -P "$R/$1" 2>/dev/null && pwd -P) || cannot "$R/$1 is a link that leads nowhere"
        UNIT_LIVE=${real#"$R"/}
        [ "$UNIT_LIVE" != "$real" ] || cannot "$R/$1 is a link that leads out of $R"
        case $UNIT_LIVE in *[!A-Za-z0-9._/-]*) cannot "the journal cannot hold the name $real" "use plain names" ;; esac
    fi
    [ ! -e "$R/$1" ] || [ -d "$R/$1" ] || cannot "$R/$1 is not a folder"
    case $UNIT_LIVE in */*) UNIT_HOME=${UNIT_LIVE%/*}/.certferry ;; *) UNIT_HOME=.certferry ;; esac
    UNIT_NAME=${UNIT_LIVE##*/}
}

# The folders that hold slots: those of this script, and those of the units in the journal and of the generation before.
# The one that says what is in the others comes last.
homes() {
    {
        printf '%s\n' "$HOME_KUBELET/"
        for list in "$R/$HOME_KUBERNETES/journal" "$R/$HOME_KUBERNETES/previous/units"; do
            [ ! -f "$list" ] || awk '{ for (i = 2; i <= 3; i++) if ($i ~ /(^|\/)\.certferry\//) print $i }' "$list"
        done
    } | awk -v last="$HOME_KUBERNETES" '
        {
            place = index("/" $0, "/.certferry/")
            home = substr($0, 1, place + 9)
            if (home != last && !(home in seen)) print home
            seen[home] = 1
        }
        END { print last }'
}

is_mount_point() {
    [ -r /proc/self/mountinfo ] || return 1
    # Names in it have octal escapes for what would end a field.
    awk -v place="$(printf '%s' "$1" | sed 's/\\/\\\\134/g; s/ /\\\\040/g; s/	/\\\\011/g')" \
        '$5 == place { found = 1; exit } END { exit !found }' /proc/self/mountinfo
}

# ---------------------------------------------------------------------------------------------------------------------
# Certificates

holds() { # <file> <text>
    awk -v text="$2" 'index($0, text) { found = 1; exit } END { exit !found }' "$1"
}

# The public key of a certificate file's first certificate.
key_of_certificate() {
    holds "$1" '-----BEGIN CERTIFICATE-----' && openssl x509 -in "$1" -noout -pubkey </dev/null 2>/dev/null
}

# The public key that belongs to a private key. A passphrase is not asked for.
key_of_key() {
    holds "$1" 'PRIVATE KEY-----' && openssl pkey -in "$1" -passin pass: -pubout </dev/null 2>/dev/null
}

# Whether a certificate's signature was made by the key in a file. `openssl verify` would ask for more than that, above all
# for dates, and what it can be told to leave out differs between versions.
is_signed_by() { # <certificate> <public key>
    openssl x509 -in "$1" -outform DER </dev/null 2>/dev/null >"$WORK/certificate.der" || return 1
    # Three elements in one: what is signed, the algorithm, the signature in a BIT STRING.
    set -- "$1" "$2" "$(openssl asn1parse -inform DER -in "$WORK/certificate.der" 2>/dev/null | awk '
        { gsub(/[:=]/, " ") }
        $3 == 1 { element++; start[element] = $1; head[element] = $5; bytes[element] = $7 }
        $3 == 2 && element == 2 && /OBJECT/ { name = tolower($NF) }
        END {
            if (element != 3) exit 1
            digest = "unknown"
            if (name !~ /pss/ && match(name, /sha(1|224|256|384|512)/)) digest = substr(name, RSTART, RLENGTH)
            print start[1], head[1] + bytes[1], start[3] + head[3] + 1, bytes[3] - 1, digest
        }')" || return 1
    # shellcheck disable=SC2086 # Five words.
    set -- "$1" "$2" $3
    [ $# -eq 7 ] && [ "$7" != unknown ] || return 1
    cut_from "$WORK/certificate.der" "$3" "$4" >"$WORK/signed"
    cut_from "$WORK/certificate.der" "$5" "$6" >"$WORK/signature"
    openssl dgst "-$7" -verify "$2" -signature "$WORK/signature" "$WORK/signed" >/dev/null 2>&1
}

# The data of a kubeconfig's field, as PEM.
data_of() { # <kubeconfig> <field>
    awk -v field="$2:" '
        $1 == field {
            data = $2
            gsub(/["\047]/, "", data)
            while (length(data) > 64) { print substr(data, 1, 64); data = substr(data, 65) }
            print data
            exit
        }' "$1" | openssl base64 -d 2>/dev/null
}

# Finds the CAs of the old tree whose key no CA of the new one has: one file of each public key in replaced/.
find_replaced() {
    must mkdir "$WORK/replaced" "$WORK/belongs"
    REPLACED=
    pki=etc/kubernetes/pki
    for old in ca.crt front-proxy-ca.crt etcd/ca.crt; do
        # Of a CA that the record does not have it says nothing: somebody else's it may be.
        [ -f "$R/$pki/$old" ] && [ -f "$TREE/$pki/$old" ] || continue
        key=$(key_of_certificate "$R/$pki/$old") || continue
        for new in ca.crt front-proxy-ca.crt etcd/ca.crt; do
            [ -f "$TREE/$pki/$new" ] || continue
            if [ "$key" = "$(key_of_certificate "$TREE/$pki/$new")" ]; then
                continue 2
            fi
        done
        printf '%s\n' "$key" >"$WORK/replaced/$(printf '%s' "$old" | tr / _)"
        REPLACED="$REPLACED $pki/$old"
    done
}

is_replaced_key() {
    for replaced in "$WORK"/replaced/*; do
        [ -f "$replaced" ] && [ "$1" = "$(cat "$replaced")" ] && return 0
    done
    return 1
}

# Whether a certificate file belongs to a replaced CA.
is_of_replaced() {
    key=$(key_of_certificate "$1") || return 1
    is_replaced_key "$key" && return 0
    for replaced in "$WORK"/replaced/*; do
        [ -f "$replaced" ] && is_signed_by "$1" "$replaced" && return 0
    done
    return 1
}

# The public keys of all certificates below a folder that belong to a replaced CA, into belongs/.
gather_belonging() (
    cd "$1" || exit 1
    for name in * .[!.]* ..?*; do
        if [ -d "./$name" ] && [ ! -L "./$name" ]; then
            gather_belonging "./$name"
        elif [ -f "./$name" ] && [ ! -L "./$name" ] && is_of_replaced "./$name"; then
            key=$(key_of_certificate "./$name")
            printf '%s\n' "$key" >"$WORK/belongs/$(printf '%s\n' "$key" | sha256)"
        fi
    done
)

# Whether a file that the record does not list is left behind: its CA is gone.
is_left_behind() {
    [ -n "$REPLACED" ] && [ -f "$1" ] && [ ! -L "$1" ] || return 1
    is_of_replaced "$1" && return 0
    key=$(key_of_key "$1") || return 1
    [ -f "$WORK/belongs/$(printf '%s\n' "$key" | sha256)" ]
}

# ---------------------------------------------------------------------------------------------------------------------
# The lock

lock() {
    place="$R/$HOME_KUBERNETES"
    busy="another run holds the lock $place/lock"
    hint="wait until it has ended; \`ps\` shows it"
    if command -v flock >/dev/null 2>&1; then
        # A redirection that fails would end the shell.
        ( : >>"$place/lock" ) 2>/dev/null || cannot "cannot open $place/lock"
        exec 9>>"$place/lock"
        flock -n 9
        case $? in
        0) return ;;
        1) cannot "$busy" "$hint" ;;
        *) cannot "cannot lock $place/lock" ;;
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

# ---------------------------------------------------------------------------------------------------------------------
# Journal and swap

# Reads a journal: prints `slot NAME`, then the units; fails if it is not one.
read_journal() {
    awk '
        function wrong() { failed = 1; exit 1 }
        function is_place(path) {
            return path !~ /(^|\/)\.?\.?(\/|$)/ && path !~ /[\001-\037\177]/
        }
        ended { wrong() }
        NR == 1 { if ($0 != "certferry-journal-1") wrong(); next }
        NR == 2 { if ($0 != "slot next" && $0 != "slot previous") wrong(); slot = $2; print; next }
        $0 == "end" { ended = 1; next }
        {
            if (NF != 5 || $1 !~ /^(swap|place|remove)$/ || $4 ~ /[^0-9]/ || $5 ~ /[^0-9]/) wrong()
            if (!is_place($2) || !is_place($3) || index("/" $3, "/.certferry/" slot "/") == 0) wrong()
            print
        }
        END { if (failed || !ended) exit 1 }' "$1"
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
    cannot "cannot complete the interrupted run: $1 is not what the journal $R/$HOME_KUBERNETES/journal says" \
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
    journal=$(read_journal "$R/$HOME_KUBERNETES/journal") ||
        cannot "cannot read the journal $R/$HOME_KUBERNETES/journal" \
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
    must rm -f "$R/$HOME_KUBERNETES/journal"
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
    new="$R/$HOME_KUBERNETES/journal.new"
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
    must mv -f "$R/$HOME_KUBERNETES/journal.new" "$R/$HOME_KUBERNETES/journal"
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
    if [ -f "$R/$HOME_KUBERNETES/journal" ]; then
        complete_journal
        trap 'exit 130' HUP INT TERM
        STARTED=
        echo 'note: an interrupted run was completed first' >&2
    else
        clean_up
    fi
    [ ! -d "$R/$HOME_KUBERNETES/manifests" ] || cannot "$(manifests_are_away)" \
        "move what is in it to ${HOME_KUBERNETES%/*}/manifests, etcd first; nothing was changed"
}

# Where certferry was killed in a restart; it would put them back itself.
manifests_are_away() {
    echo "the manifests of static pods are still away, in $HOME_KUBERNETES/manifests, since a restart was cut short"
}

clean_up() {
    for home in $(homes); do
        rm -rf "$R/$home/next" "$R/$home/discard"
    done
    rm -f "$R/$HOME_KUBERNETES/journal.new"
}

# A bundle that is refused leaves no trace on a node that has none.
clear_away() {
    clean_up
    case $MADE in *"/$HOME_KUBERNETES$LF"*) rm -f "$R/$HOME_KUBERNETES/lock" ;; esac
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

# ---------------------------------------------------------------------------------------------------------------------
# Install

need_tools() {
    for tool in "$@"; do
        command -v "$tool" >/dev/null 2>&1 || cannot "there is no $tool on this node" "install it, or use \`certferry\` instead"
    done
}

# The signer's public key: its file is KEY, its fingerprint FINGERPRINT.
take_key() {
    KEY=$1
    wanted=
    case $1 in
    sha256:*)
        wanted=$1
        case ${1#sha256:} in *[!0-9a-f]*) wanted= ;; esac
        [ "${#wanted}" = 71 ] || cannot "--key $1 is not a fingerprint" "a fingerprint is \`sha256:\` and 64 lower-case hex digits"
        # CLUSTER-gN...: the last `-g` before a digit ends the cluster's name.
        name=$(printf '%s' "${BUNDLE##*/}" | awk '{
            place = 0
            for (i = 1; i <= length($0); i++) if (substr($0, i, 3) ~ /^-g[0-9]/) place = i
            print substr($0, 1, place - 1)
        }')
        [ -n "$name" ] || cannot "cannot tell the cluster from the name ${BUNDLE##*/}" \
            "give the public key's file to --key instead of its fingerprint"
        case $BUNDLE in */*) KEY=${BUNDLE%/*}/$name.pub ;; *) KEY=./$name.pub ;; esac
        ;;
    esac
    [ -f "$KEY" ] && [ -r "$KEY" ] || cannot "cannot read the public key $KEY" \
        "--key takes the file CLUSTER.pub, or its fingerprint when that file lies beside the bundle"
    KEY_PEM=$(openssl pkey -pubin -in "$KEY" -pubout </dev/null 2>/dev/null) ||
        cannot "$KEY is not a signer's public key: openssl cannot read it"
    # SubjectPublicKeyInfo of a point on P-256, not compressed.
    case $(openssl pkey -pubin -in "$KEY" -outform DER </dev/null 2>/dev/null | od -An -v -tx1 | tr -d ' \n') in
    3059301306072a8648ce3d020106082a8648ce3d03010703420004*) ;;
    *) cannot "$KEY is not a signer's public key: it is not an ECDSA P-256 key" ;;
    esac
    FINGERPRINT=sha256:$(openssl pkey -pubin -in "$KEY" -outform DER </dev/null 2>/dev/null | sha256)
    [ -z "$wanted" ] || [ "$wanted" = "$FINGERPRINT" ] ||
        refuse "$KEY is not the key of that fingerprint: it is $FINGERPRINT, expected $wanted" \
            "compare the fingerprint with the one on paper; if that is what was typed, somebody else made this bundle"
}

# Unpacks the part into a folder that nobody else sees, and checks all of it. TREE holds the files, SAID what the record
# says.
unpack() {
    WORK=$R/$HOME_KUBERNETES/next/work
    must mkdir "$R/$HOME_KUBERNETES/next" "$WORK"
    printf '%s\n' "$KEY_PEM" >"$WORK/signer.pub" || cannot "cannot write $WORK/signer.pub"
    top=$(found top 2)
    record=$WORK/record.json
    SAID=$WORK/said

    # Without an index it is a slice, and the record alone says where it belongs.
    : >"$WORK/index"
    if [ "$(found shape 2)" = whole ]; then
        cut_out "$(found index 2)" "$(found index 3)" >"$WORK/manifest.json"
        cut_out "$(found index 4)" "$(found index 5)" >"$WORK/manifest.json.sig"
        take_document index "$WORK/manifest.json" "$top/manifest.json" "$WORK/index"
        check_parts
    fi
    cut_out "$(found own 2)" "$(found own 3)" >"$WORK/part.tar" && head -c 1024 /dev/zero >>"$WORK/part.tar" ||
        cannot "cannot write $WORK/part.tar"
    # Read once more: the medium may have been exchanged meanwhile.
    again=$({ echo --; od -An -v -tx1 <"$WORK/part.tar"; } | gate "$NODE" 0) || gate_refuses "$BUNDLE" "$again"
    [ "$(only_entries "$again")" = "$(only_entries "$GATE")" ] || gate_refuses "$BUNDLE" "refused it changed while it was read"
    # Record and signature stand first, each behind its header.
    tree="$top/nodes/$NODE"
    set -- "$(found record 2)" "$(found record 3)"
    cut_from "$WORK/part.tar" 512 "$1" >"$record"
    cut_from "$WORK/part.tar" $((1024 + ($1 + 511) / 512 * 512)) "$2" >"$record.sig"
    take_document record "$record" "$tree.json" "$SAID"
    check_record

    # The tar of this node must see the same in it.
    {
        printf '%s\n%s\n%s\n' "$tree.json" "$tree.json.sig" "$tree/"
        only_entries "$again" | awk -v tree="$tree/" '{ print tree $NF }'
    } >"$WORK/expected"
    tar -tf "$WORK/part.tar" >"$WORK/listed" 2>/dev/null && cmp -s "$WORK/expected" "$WORK/listed" ||
        gate_refuses "$BUNDLE" "refused tar lists other entries than its headers have"
    # -o: owners are not those of the archive; -k: nothing is written over.
    must mkdir "$WORK/unpacked"
    ( cd "$WORK/unpacked" && tar -x -o -k -f ../part.tar ) >/dev/null 2>&1 || cannot "tar cannot unpack the part"
    TREE=$WORK/unpacked/$tree
    awk '$1 == "row" && $2 == "f" { print $5 "  " $6 }' "$SAID" >"$WORK/sums" || cannot "cannot write $WORK/sums"
    [ ! -s "$WORK/sums" ] || wrong=$(cd "$TREE" && sha256sum -c "$WORK/sums" 2>/dev/null) || gate_refuses "$BUNDLE" \
        "refused $tree/$(printf '%s\n' "$wrong" | sed -n '/: FAILED/{s/: FAILED.*//p;q;}') has another sha256 than its record says"
    rm -f "$WORK/part.tar"
}

only_entries() {
    printf '%s\n' "$1" | awk '$1 == "entry"'
}

# The index must name exactly the parts that are there.
check_parts() {
    printf '%s\n' "$GATE" | awk '$1 == "part" { print $2 }' >"$WORK/parts"
    awk '$1 == "part" { print $2 }' "$WORK/index" | cmp -s - "$WORK/parts" ||
        gate_refuses "$BUNDLE" "refused its parts are not those of its index"
    agree "$WORK/index" "$top/manifest.json"
}

# The record must belong to its place: to the folder, to the day of the headers, to the index, to the node.
check_record() {
    agree "$SAID" "$tree.json"
    [ "$(said "$SAID" part)" = "node/$NODE" ] || gate_refuses "$BUNDLE" \
        "refused the record of $(said "$SAID" part) stands where node/$NODE's belongs"
    awk '$1 == "entry"' "$SAID" >"$WORK/recorded"
    only_entries "$GATE" | cmp -s - "$WORK/recorded" ||
        gate_refuses "$BUNDLE" "refused the files of $tree are not those of its record"
    [ -s "$WORK/index" ] || return 0
    [ "$(awk -v part="node/$NODE" '$1 == "part" && $2 == part { print $3 }' "$WORK/index")" = "$(sha256 <"$record")" ] ||
        gate_refuses "$BUNDLE" "refused the record of node/$NODE is not the one that its index names"
    for field in cluster cluster_id generation issued_at kubernetes; do
        [ "$(said "$SAID" $field)" = "$(said "$WORK/index" $field)" ] ||
            gate_refuses "$BUNDLE" "refused $tree.json has another $field than the index"
    done
}

agree() { # <what a document says> <its name>
    [ "$(said "$1" cluster)-g$(said "$1" generation)" = "$top" ] || gate_refuses "$BUNDLE" "refused $2 belongs in another folder"
    [ "$(said "$1" mtime)" = "$(found mtime 2)" ] || gate_refuses "$BUNDLE" "refused $2 is of another day than its header"
}

# Whether this is the node that the record is for.
check_host() {
    [ -z "$FORCE_NODE" ] || return 0
    if [ -z "$R" ]; then
        host=$(uname -n)
    elif [ -f "$R/etc/hostname" ]; then
        host=$(awk '!/^#/ && NF { print $1; exit }' "$R/etc/hostname")
    else
        # A disk says no more about whose it is.
        return 0
    fi
    host=$(printf '%s' "$host" | tr '[:upper:]' '[:lower:]')
    names=$(awk '$1 == "name" { printf "%s%s", comma, $2; comma = ", " }' "$SAID")
    awk -v host="$host" -v short="${host%%.*}" '
        $1 == "name" && ($2 == host || $2 == short) { found = 1 }
        END { exit !found }' "$SAID" ||
        refuse "this host is $host, the part is for $names" \
            "give the name of this node to --node; --force-node installs it nevertheless"
    [ -z "$R" ] || return 0
    addresses_of_host | sort >"$WORK/addresses"
    awk 'NR == FNR { here[$1] = 1; next } $1 == "address" && $2 in here { found = 1 } END { exit !found }' \
        "$WORK/addresses" "$SAID" ||
        refuse "this host has none of the addresses of $NODE: $(awk '$1 == "address" { printf "%s%s", comma, $2; comma = ", " }' "$SAID")" \
            "compare them with the profile; --force-node installs it nevertheless"
}

addresses_of_host() {
    if command -v ip >/dev/null 2>&1; then
        ip -o addr 2>/dev/null | awk '{ sub(/\/.*/, "", $4); print $4 }'
    fi
    # What the kernel says: `|-- ADDRESS`, and behind it that it is local.
    [ ! -r /proc/net/fib_trie ] || awk '$1 == "|--" { address = $2 } /\/32 host LOCAL/ { print address }' /proc/net/fib_trie
    [ ! -r /proc/net/if_inet6 ] || awk "$AWK_ADDRESSES"'{
        for (i = 1; i <= 8; i++) {
            groups[i] = substr($1, 4 * i - 3, 4)
            sub(/^0+/, "", groups[i])
            if (groups[i] == "") groups[i] = "0"
        }
        print spell_address6(groups)
    }' /proc/net/if_inet6
}

# What is installed must be older, or this very record.
check_generation() {
    installed=$R/$HOME_KUBERNETES/installed
    [ -d "$installed" ] || return 0
    read_document record "$installed/record.json" >"$WORK/installed.said" ||
        cannot "cannot read $installed/record.json" "it says what is installed; --rollback may bring back a good one"
    is() { said "$WORK/installed.said" "$1"; }
    if [ "$(is cluster_id)" != "$(said "$SAID" cluster_id)" ]; then
        [ -n "$FORCE_NODE" ] || refuse \
            "this node belongs to the cluster $(is cluster) ($(is cluster_id)), and the bundle is of $(said "$SAID" cluster) ($(said "$SAID" cluster_id))" \
            'if it shall change its cluster, --force-node; nothing was changed'
    elif [ "$(is part)" != "node/$NODE" ]; then
        [ -n "$FORCE_NODE" ] || refuse "this node is $(is part | sed 's/^node.//'), and the files are of $NODE" \
            'if it shall change its name, --force-node; nothing was changed'
    elif [ "$(said "$SAID" generation)" -lt "$(is generation)" ]; then
        [ -n "$ALLOW_DOWNGRADE" ] || refuse \
            "generation $(is generation) is installed, and the bundle is generation $(said "$SAID" generation)" \
            '--rollback brings back what was before; to install an older bundle, --allow-downgrade; nothing was changed'
    elif [ "$(said "$SAID" generation)" -eq "$(is generation)" ] && ! cmp -s "$record" "$installed/record.json"; then
        [ -n "$ALLOW_DOWNGRADE" ] || refuse "another bundle of generation $(is generation) is installed" \
            'two bundles of one generation must not differ: raise the generation and build again; to install this one all the same, --allow-downgrade; nothing was changed'
    fi
}

# Every certificate must be valid now: more often it is the clock that is wrong.
check_clock() {
    {
        awk '$1 == "row" && $2 == "f" && $6 ~ /\.(crt|pem)$/ { print $6 }' "$SAID" | while read -r path; do
            dates_of "$path" <"$TREE/$path"
        done
        awk '$1 == "row" && $2 == "f" && $6 ~ /\.conf$/ { print $6 }' "$SAID" | while read -r path; do
            for field in certificate-authority-data client-certificate-data; do
                data_of "$TREE/$path" $field >"$WORK/certificate.pem"
                [ ! -s "$WORK/certificate.pem" ] || dates_of "$path" <"$WORK/certificate.pem"
            done
        done
    } >"$WORK/dates"
    problem=$(awk -v now="$(date -u +%Y%m%d%H%M%S)" '
        BEGIN {
            split("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", names, " ")
            for (i in names) month[names[i]] = i
        }
        # PATH notBefore=Nov 21 00:00:00 2026 GMT
        {
            split($2, name, "=")
            time = $4
            gsub(/:/, "", time)
            stamp = sprintf("%04d%02d%02d%s", $5, month[name[2]], $3, time)
            text = sprintf("%04d-%02d-%02dT%sZ", $5, month[name[2]], $3, $4)
            if (name[1] == "notBefore" && stamp "" > now "") { print $1 " is not valid before " text; exit }
            if (name[1] == "notAfter" && stamp "" < now "") { print $1 " has ended at " text; exit }
        }' "$WORK/dates")
    [ -z "$problem" ] || refuse "$problem; this clock says $(date -u +%Y-%m-%dT%H:%M:%SZ)" "is the clock right?"
}

dates_of() {
    openssl x509 -noout -startdate -enddate 2>/dev/null | awk -v path="$1" '{ print path, $0 }'
}

# Builds the slot of a folder: the record's files, and what the old folder has beside them.
stage_folder() { # <folder>
    find_unit "$1"
    prefix=$1/
    make_folder "$R/$UNIT_HOME" 0700
    [ -d "$R/$UNIT_HOME/next" ] || must mkdir "$R/$UNIT_HOME/next"
    target=$R/$UNIT_HOME/next/$UNIT_NAME
    OLD=$R/$UNIT_LIVE NEW=$target
    must mkdir "$target"
    must chmod 00755 "$target"
    own "$target"
    awk -v prefix="$prefix" '$1 == "row" && index($NF, prefix) == 1' "$SAID" >"$WORK/rows"
    while read -r _ kind first second _ path; do
        [ "$kind" = f ] || path=$second
        name=${path#"$prefix"}
        make_parents "$target" "$name"
        if [ "$kind" = l ]; then
            must ln -s "$first" "$target/$name"
            own "$target/$name"
        else
            must cp "$TREE/$path" "$target/$name"
            own "$target/$name"
            # etcd runs as a user of its own where the kubelet does not start it.
            if [ "$ROLE" = etcd ] && [ -f "$OLD/$name" ]; then
                copy_owner "$OLD/$name" "$target/$name"
            fi
            must chmod "$first" "$target/$name"
        fi
    done <"$WORK/rows"
    if [ -d "$OLD" ]; then
        LIVE=$1
        carry '' || {
            case $? in
            3) cannot "a name below $OLD has a line break in it" 'rename that file' ;;
            4) cannot "$LIVE/$(cat "$WORK/special") is a socket, a pipe or a device, and cannot be carried over" \
                'move it elsewhere; nothing was changed' ;;
            *) cannot "cannot carry over what is in $OLD" ;;
            esac
        }
    fi
    add_unit "$1" "$UNIT_LIVE" "$UNIT_HOME/@/$UNIT_NAME"
    rmdir "$R/$UNIT_HOME/next" 2>/dev/null
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

# Copies what the new folder lacks, with modes, owners and times, and names it in a list. Folders stay as they are.
carry() ( # <path below the folder, ending in a slash>
    cd "$OLD/$1." && copy_mode . "$NEW/$1." || exit 1
    for name in * .[!.]* ..?*; do
        is_there "./$name" || continue
        path=$1$name
        case $name in *"$LF"*) exit 3 ;; esac
        if [ -d "./$name" ] && [ ! -L "./$name" ]; then
            # Where the bundle has a file, nothing of a folder of that name is kept.
            [ ! -e "$NEW/$path" ] || [ -d "$NEW/$path" ] || continue
            [ -d "$NEW/$path" ] || mkdir "$NEW/$path" || exit 1
            carry "$path/" || exit $?
        elif is_there "$NEW/$path" || is_stale "$path"; then
            continue
        elif [ ! -f "./$name" ] && [ ! -L "./$name" ]; then
            printf '%s\n' "$path" >"$WORK/special"
            exit 4
        elif ! is_left_behind "./$name"; then
            cp -pP "./$name" "$NEW/$path" || exit 1
            printf '%s\n' "$LIVE/$path" >>"$WORK/carried"
        fi
    done
)

# Mode and owner of one folder for another.
copy_mode() {
    # shellcheck disable=SC2012
    ls -ldn "$1/." | awk '
        function bits(text) {
            return (text ~ /^r/ ? 4 : 0) + (text ~ /^.w/ ? 2 : 0) + (text ~ /[xst]$/ ? 1 : 0)
        }
        NR == 1 {
            special = (substr($1, 4, 1) ~ /[sS]/ ? 4 : 0) + (substr($1, 7, 1) ~ /[sS]/ ? 2 : 0) + (substr($1, 10, 1) ~ /[tT]/ ? 1 : 0)
            print "0" special bits(substr($1, 2, 3)) bits(substr($1, 5, 3)) bits(substr($1, 8, 3)), $3 ":" $4
        }' | {
        read -r mode owner
        if [ "$USER_ID" = 0 ]; then
            chown "$owner" "$2" || exit 1
        fi
        chmod "$mode" "$2"
    }
}

copy_owner() {
    if [ "$USER_ID" = 0 ]; then
        # shellcheck disable=SC2012
        must chown "$(ls -ldn "$1" | awk 'NR == 1 { print $3 ":" $4 }')" "$2"
    fi
}

# The kubelet's own certificates go with the generation that they are of.
is_stale() {
    [ "$LIVE" = var/lib/kubelet/pki ] || return 1
    case $1 in
    */*) return 1 ;;
    kubelet-client-*.pem | kubelet.crt | kubelet.key) return 0 ;;
    esac
    return 1
}

# Notes a unit, unless it is there already just so; and what its files come to.
add_unit() { # <its name in the record> <live> <slot, with @>
    staged=$R/${3%%/@/*}/next/${3#*/@/}
    describe_unit "$staged" >"$WORK/new" || cannot "cannot read $staged"
    # What was copied and given its mode is read back.
    awk -v unit="$1" -v link="$KUBELET_LINK" '
        FILENAME == ARGV[1] {
            path = $NF
            if ($1 != "row" || (path != unit && index(path, unit "/") != 1)) next
            rows++
            if ($2 == "f") is[path] = ($3 == "0600" ? "-rw-------" : "-rw-r--r--") " " $5
            next
        }
        {
            path = $4 == "." ? unit : unit "/" $4
            if (path in is && is[path] == $1 " " $3) rows--
            if ($1 ~ /^l/ && path == link) rows--
        }
        END { exit rows != 0 }' "$SAID" "$WORK/new" || cannot "$staged is not what the record says"
    : >"$WORK/old"
    if is_there "$R/$2"; then
        describe_unit "$R/$2" >"$WORK/old" || cannot "cannot read $R/$2"
    fi
    if cmp -s "$WORK/old" "$WORK/new"; then
        must rm -rf "$staged"
        # What stays because nothing is done is not told.
        awk -v unit="$1/" 'index($0, unit) != 1' "$WORK/carried" >"$WORK/others"
        must mv -f "$WORK/others" "$WORK/carried"
        return
    fi
    printf '%s %s\n' "$2" "$3" >>"$WORK/units"
    [ "$2" != "$HOME_KUBERNETES/installed" ] || return 0
    # Four facts, then the path.
    awk -v unit="$1" '
        function of(name) { return name == "." ? unit : unit "/" name }
        { facts = $1 " " $2 " " $3; name = $0; sub(/^[^ ]+ [^ ]+ [^ ]+ /, "", name) }
        FILENAME == ARGV[1] { old[name] = facts; order[++count] = name; next }
        {
            seen[name] = 1
            if (!(name in old)) { if (facts !~ /^d/) print "new " of(name); next }
            if (old[name] == facts) next
            split(old[name], before, " ")
            print "changed " of(name) (before[3] == $3 ? ": owner and permissions" : "")
        }
        END {
            for (i = 1; i <= count; i++) if (!(order[i] in seen) && old[order[i]] !~ /^d/) print "removed " of(order[i])
        }' "$WORK/old" "$WORK/new" >>"$WORK/changes" || cannot 'cannot compare what is there with what is new'
}

stage() {
    : >"$WORK/units"
    : >"$WORK/changes"
    : >"$WORK/carried"
    find_replaced
    if [ -n "$REPLACED" ]; then
        for folder in etc/kubernetes/pki var/lib/kubelet/pki; do
            [ ! -d "$R/$folder" ] || gather_belonging "$R/$folder/."
        done
    fi
    # What this script knows a place for, and nothing else.
    odd=$(awk '
        $1 == "row" && $NF !~ /^etc\/kubernetes\/pki\// && $NF !~ /^var\/lib\/kubelet\/pki\/[^\/]+$/ &&
            ($NF !~ /^etc\/kubernetes\/[^\/]+$/ || $NF ~ /\/(\.certferry|manifests|pki)$/) { print $NF; exit }' "$SAID")
    [ -z "$odd" ] || cannot "this script does not know how to install $odd" "a newer install.sh or certferry may"

    for folder in etc/kubernetes/pki var/lib/kubelet/pki; do
        has_rows $folder/ || continue
        if [ $folder = var/lib/kubelet/pki ]; then
            for above in var var/lib var/lib/kubelet; do
                make_folder "$R/$above" 0755
            done
        fi
        stage_folder $folder
    done
    awk '$1 == "row" && $2 == "f" && $6 ~ /^etc\/kubernetes\/[^\/]+$/ { print $3, substr($6, 16) }' "$SAID" >"$WORK/files"
    while read -r mode name; do
        [ ! -d "$R/etc/kubernetes/$name" ] || cannot "$R/etc/kubernetes/$name is a folder"
        [ ! -L "$R/etc/kubernetes/$name" ] || cannot "$R/etc/kubernetes/$name is a link" \
            'put the file itself in its place, or use `certferry apply`'
        must cp "$TREE/etc/kubernetes/$name" "$R/$HOME_KUBERNETES/next/$name"
        must chmod "$mode" "$R/$HOME_KUBERNETES/next/$name"
        own "$R/$HOME_KUBERNETES/next/$name"
        add_unit "etc/kubernetes/$name" "etc/kubernetes/$name" "$HOME_KUBERNETES/@/$name"
    done <"$WORK/files"
    stage_removals

    slot="$R/$HOME_KUBERNETES/next/installed"
    must mkdir "$slot"
    must cp "$record" "$slot/record.json"
    must cp "$record.sig" "$slot/record.json.sig"
    must cp "$WORK/signer.pub" "$slot/signer.pub"
    for name in record.json record.json.sig signer.pub; do
        must chmod 0644 "$slot/$name"
        own "$slot/$name"
    done
    must chmod 00700 "$slot"
    own "$slot"
    add_unit "$HOME_KUBERNETES/installed" "$HOME_KUBERNETES/installed" "$HOME_KUBERNETES/@/installed"
}

has_rows() {
    awk -v prefix="$1" '$1 == "row" && index($NF, prefix) == 1 { found = 1; exit } END { exit !found }' "$SAID"
}

# Kubeconfigs that nothing would accept any more, and what the kubelet would take for a bootstrap.
stage_removals() {
    for name in $KUBECONFIGS bootstrap-kubelet.conf; do
        live=etc/kubernetes/$name
        [ -f "$R/$live" ] && ! awk -v path="$live" '$1 == "row" && $NF == path { found = 1 } END { exit !found }' "$SAID" ||
            continue
        if [ "$name" = bootstrap-kubelet.conf ]; then
            has_rows etc/kubernetes/kubelet.conf || continue
        else
            data_of "$R/$live" certificate-authority-data >"$WORK/ca.pem"
            key=$(key_of_certificate "$WORK/ca.pem") && is_replaced_key "$key" || continue
        fi
        printf '%s %s\n' "$live" "$HOME_KUBERNETES/@/$name" >>"$WORK/units"
        printf 'removed %s\n' "$live" >>"$WORK/changes"
    done
}

# What a run does, for a person; in certferry's words.
report() { # <is|would be>
    named="$NODE: generation $(said "$SAID" generation) of $(said "$SAID" cluster), Kubernetes $(said "$SAID" kubernetes)"
    if [ ! -s "$WORK/units" ]; then
        printf '%s is installed, and every file is as it must be\n' "$named"
        return
    fi
    before=
    if [ -f "$WORK/installed.said" ]; then
        before=$(said "$WORK/installed.said" generation)
        if [ "$before" = "$(said "$SAID" generation)" ]; then before=' again'; else before=" in the place of generation $before"; fi
    fi
    printf '%s %s installed%s\n' "$named" "$1" "$before"
    printf 'signed by %s\n' "$FINGERPRINT"
    if [ ! -s "$WORK/changes" ]; then
        printf 'the files are the same: nothing restarts\n'
        return
    fi
    for kind in new changed removed kept; do
        {
            [ "$kind" != kept ] || sed 's/^/kept /' "$WORK/carried"
            awk -v kind="$kind" '$1 == kind' "$WORK/changes"
        } | while read -r _ path; do
            why=
            case $kind:$path in
            removed:etc/kubernetes/bootstrap-kubelet.conf | removed:var/lib/kubelet/pki/kubelet*) why=': the kubelet would go on using it' ;;
            removed:*) why=': it belongs to a CA that was replaced' ;;
            esac
            printf '  %-8s %s%s\n' "$kind" "$(printable "$path")" "$why"
        done
    done
    for replaced in $REPLACED; do
        printf 'replaced: the CA in %s\n' "$replaced"
    done
    [ -n "$FRESH" ] || restarts
    in_cluster
}

# Who reads the files that change, as certferry's table has it (kubeadm's flags), and how to start them anew.
restarts() {
    has_etcd=
    ! has_rows etc/kubernetes/pki/etcd/server.crt || has_etcd=1
    readers=$(awk -v role="$ROLE" -v has_etcd="$has_etcd" '
        function mark(names,    list, i) { split(names, list, " "); for (i in list) reads[list[i]] = 1 }
        { path = $2; sub(/:$/, "", path); sub(/^etc\/kubernetes\//, "", path) }
        path == "pki/ca.crt" { mark("kube-apiserver kube-controller-manager kubelet") }
        path == "pki/ca.key" { mark("kube-controller-manager") }
        path ~ /^pki\/(apiserver(-etcd-client|-kubelet-client)?|front-proxy-client)\./ { mark("kube-apiserver") }
        path ~ /^pki\/(front-proxy-ca\.crt|sa\.)/ { mark("kube-apiserver kube-controller-manager") }
        path == "pki/etcd/ca.crt" { mark("etcd kube-apiserver") }
        path ~ /^pki\/etcd\/(server|peer)\./ { mark("etcd") }
        path == "controller-manager.conf" { mark("kube-controller-manager") }
        path == "scheduler.conf" { mark("kube-scheduler") }
        path == "kubelet.conf" || path ~ /^var\/lib\/kubelet\/pki\// { mark("kubelet") }
        END {
            count = split("etcd kube-apiserver kube-controller-manager kube-scheduler kubelet", order, " ")
            for (i = 1; i <= count; i++) {
                name = order[i]
                if (!(name in reads)) continue
                if (name == "etcd" ? !has_etcd : name == "kubelet" ? role == "etcd" : role != "control-plane") continue
                text = text (text == "" ? "" : ", ") name
            }
            print text
        }' "$WORK/changes")
    [ -n "$readers" ] || return 0
    printf 'to restart on this node: %s\n' "$readers"
    pods=$(printf '%s\n' "$readers" | sed 's/, kubelet$//; s/^kubelet$//')
    if [ -n "$pods" ]; then
        files=$(printf '%s\n' "$pods" | sed 's/, /.yaml /g; s/$/.yaml/')
        printf '  mkdir /etc/kubernetes/manifests.off\n'
        printf '  cd /etc/kubernetes/manifests && mv %s ../manifests.off/\n' "$files"
        printf "  crictl ps --name '%s'     # again, until the list is empty\n" "$(printf '%s\n' "$pods" | sed 's/, /|/g')"
    fi
    case $readers in *kubelet) printf '  systemctl restart kubelet\n' ;; esac
    [ -z "$pods" ] ||
        printf '  mv /etc/kubernetes/manifests.off/* /etc/kubernetes/manifests/; rmdir /etc/kubernetes/manifests.off\n'
}

# What remains to be done in the cluster.
in_cluster() {
    ca='' front_proxy='' tokens='' number=0
    case "$REPLACED " in *etc/kubernetes/pki/ca.crt\ *) ca=1 ;; esac
    case $REPLACED in *front-proxy-ca.crt*) front_proxy=1 ;; esac
    ! awk '$1 == "changed" && $2 == "etc/kubernetes/pki/sa.pub" { found = 1 } END { exit !found }' "$WORK/changes" || tokens=1
    [ -n "$ca$front_proxy$tokens" ] || return 0
    printf 'in the cluster, once the last node has changed, in this order (the manual, chapter rotation):\n'
    [ -z "$ca$front_proxy" ] || step 'kubectl -n kube-system delete configmap extension-apiserver-authentication
     it holds the old CA, too, and lets the old admin certificate into the scheduler; it is made again at once'
    [ -z "$ca" ] || step 'the CA in ConfigMap kube-public/cluster-info: put the new one into data.kubeconfig'
    [ -z "$tokens" ] || step 'delete every Secret of type kubernetes.io/service-account-token: the tokens in them are dead'
    [ -z "$ca$tokens" ] || step 'restart kube-proxy, CoreDNS, the network plugin, then all other pods'
    [ -z "$ca" ] || step "caBundle of webhooks and APIServices, where this CA signed their certificates; users' kubeconfigs"
}

step() {
    number=$((number + 1))
    printf '  %s. %s\n' "$number" "$1"
}

install_part() {
    need_tools cat chmod chown cmp cp date gzip head ls mkdir mv od readlink rm rmdir sed sha256sum sort sync tail tar tr uname wc ln id
    [ -f "$BUNDLE" ] && [ -r "$BUNDLE" ] || cannot "cannot read $BUNDLE"
    take_key "$KEY"
    if [ -e "$BUNDLE.sig" ]; then
        [ -r "$BUNDLE.sig" ] && [ -f "$BUNDLE.sig" ] || cannot "cannot read $BUNDLE.sig"
        openssl dgst -sha256 -verify "$KEY" -signature "$BUNDLE.sig" "$BUNDLE" >/dev/null 2>&1 ||
            refuse "$BUNDLE.sig does not hold for $BUNDLE" \
                "the file was changed or cut on its way, or another key signed it; carry it again"
    fi
    look_through "$BUNDLE" "$NODE"
    [ -n "$(found own 2)" ] || refuse "there is no node $NODE in $BUNDLE" \
        "it has $(printf '%s\n' "$GATE" | awk '
            $1 == "part" && $2 ~ /^node\// && ++count <= 10 { text = text (text == "" ? "" : ", ") substr($2, 6) }
            END { print text (count > 10 ? " and " count - 10 " more" : "") }')"

    take_root
    if [ -n "$DRY_RUN" ] && [ -f "$R/$HOME_KUBERNETES/journal" ]; then
        refuse "an interrupted run waits to be completed" "run this without --dry-run, or --rollback: both complete it first"
    fi
    for folder in etc etc/kubernetes; do
        make_folder "$R/$folder" 0755
    done
    [ ! -L "$R/$HOME_KUBERNETES" ] || cannot "$R/$HOME_KUBERNETES is a link" 'it must be a folder of root'
    make_folder "$R/$HOME_KUBERNETES" 0700
    lock
    STAGING=1
    recover
    FRESH=
    [ -d "$R/etc/kubernetes/pki" ] || FRESH=1
    unpack
    check_host
    check_generation
    check_clock
    ROLE=$(said "$SAID" role)
    stage
    check_units "$WORK/units"
    if [ -n "$DRY_RUN" ]; then
        report 'would be'
        echo 'nothing was changed'
        return
    fi
    text=$(report is)
    units=$(cat "$WORK/units")
    must rm -rf "$WORK"
    if [ -n "$units" ]; then
        list="$R/$HOME_KUBERNETES/next/units"
        printf 'certferry-units-1\n%s\nend\n' "$units" >"$list" || cannot "cannot write $list"
        write_journal "$list" next
        begin_swap
        text=$text${LF}'back: sh install.sh --rollback'
    fi
    printf '%s\n' "$text"
}

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
    units=$(read_journal "$R/$HOME_KUBERNETES/journal.new" | awk '$1 != "slot" { print "  " $2 }')
    [ -n "$units" ] || refuse 'there is no generation to go back to' "$previous holds no file of it"
    begin_swap
    printf 'back in their places:\n%s\n' "$units"
    say_state
    printf 'restart what reads these files, as after an installation; where a CA came back, delete the ConfigMap\n'
    printf 'extension-apiserver-authentication again once the last API server runs\n'
}

# What is installed, and what a rollback brings.
say_state() {
    say_generation installed "$R/$HOME_KUBERNETES/installed" 'nothing by certferry'
    previous=$R/$HOME_KUBERNETES/previous
    if [ ! -f "$previous/units" ]; then
        printf '%-12s none\n' previous
    elif [ -f "$previous/installed/record.json" ]; then
        say_generation previous "$previous/installed" '' '; `sh install.sh --rollback` brings it back'
    elif awk -v unit="$HOME_KUBERNETES/installed" '$1 == unit { found = 1 } END { exit found }' "$previous/units"; then
        # Files alone were mended.
        say_generation previous "$R/$HOME_KUBERNETES/installed" 'nothing by certferry' '; `sh install.sh --rollback` brings it back'
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
    [ ! -d "$home/manifests" ] || printf '%-12s %s\n' interrupted "$(manifests_are_away)"
}

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

bad_usage() {
    say_error "$1" 'sh install.sh --help'
    exit 2
}

main() {
    ACTION=install BUNDLE='' NODE='' KEY='' ROOT=/ DRY_RUN='' FORCE_NODE='' ALLOW_DOWNGRADE=''
    STAGING='' STARTED='' LOCKED='' MADE='' only_install=''
    while [ $# -gt 0 ]; do
        case $1 in
        --help | -h)
            usage
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
            --key) KEY=$2 ;;
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
        -*) bad_usage "there is no option $1" ;;
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
