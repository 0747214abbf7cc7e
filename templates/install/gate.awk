# Reads a tar stream as a hex dump, after lines `member BYTES` and one line `--`. Needs facts.awk and
# names.awk.

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
    if (++parts > part_limit) refuse("it has more than " part_limit " parts")
    end_part()
    part = name
    own = part == "node/" node
    part_at = header_at
    entries = 0
    split("", seen)
    last_key = ""
    tree = part == "cluster" ? top "/cluster/" : top "/nodes/" substr(part, 6) "/"
    print "part " part
    expect(path, file_limit)
    record_size = size
    state = "record.sig"
}
function end_part() {
    if (part != "" && own) print "own " sprintf("%.0f %.0f", part_at, header_at - part_at)
}
function read_entry(    relative, i, upper) {
    relative = substr(path, length(tree) + 1)
    if (length(relative) > path_limit) refuse("the path " relative " is too long")
    if (kind == "d") {
        if (part == "cluster" || !(usual_place(relative) in is_bundle_folder)) {
            refuse(path " cannot be in a bundle")
        }
    } else if (part == "cluster" ? !is_cluster_path(relative) : !is_node_path(relative)) {
        refuse(path " cannot be in a bundle")
    }
    if (kind == "l" && (part == "cluster" || relative != current_link || link ~ /\// || !is_node_path(link))) {
        refuse("the link " path " cannot be in a bundle")
    }
    if (size > file_limit) refuse(path " claims " sprintf("%.0f", size) " bytes, more than " file_limit)
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
        if (top ~ /-g[1-9][0-9]*-p[1-3]$/) {
            refuse("it is of a phase of a rotation, which this script does not install: certferry apply does")
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
        expect(top "/manifest.json", index_limit)
        index_at = header_at + 512
        index_size = size
        state = "index.sig"
    } else if (state == "index.sig") {
        expect(top "/manifest.json.sig", signature_limit)
        print "index " index_at " " index_size " " (header_at + 512) " " size
        state = "nodes"
    } else if (state == "nodes") {
        expect(top "/nodes/", 0)
        state = "part"
    } else if (state == "record.sig") {
        expect(part == "cluster" ? top "/cluster.json.sig" : top "/nodes/" substr(part, 6) ".json.sig", signature_limit)
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
    if (state == "tree" && ++entries > entry_limit - 2) refuse("a part of it has more than " entry_limit " entries")
    if (header_at + 512 + size - part_at > member_limit) refuse("a part unpacks to more than " member_limit " bytes")
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
}
