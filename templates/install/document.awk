# Reads a record or an index in the one form that it has, and prints what it says. Needs facts.awk,
# names.awk and addresses.awk.

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
    for (i = 1; i <= count; i++) if (numbers[i] !~ /^(0|[1-9][0-9]*)$/ || numbers[i] + 0 > version_limit) return 0
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
    if (key == "format") { if (value != format "") wrong(key); return }
    if (key == "phase") { if (value != phase "") wrong(key); return }
    if (key == "generation") {
        if (!is_number(value) || value == "0" || value + 0 > generation_limit) wrong(key)
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
    if (key == "role" && !(text in is_role)) wrong(key)
    if (key == "role") role = text
    if (key == "part") own_name = substr(text, 6)
    if (key == "issued_at") {
        if (mtime_of(text) == "") wrong(key)
        print "mtime " mtime_of(text)
    }
    print key " " text
}
function element(key, value,    text) {
    if (++elements > (key == "parts" ? part_limit : entry_limit)) refuse("it has more than " (elements - 1) " " key)
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
        link_target = target
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
    files++
    file[files] = path; file_mode[files] = mode
    if (!is_hex(hash, 64) || !is_number(bytes) || bytes + 0 > file_limit) wrong("files")
    is_file[path] = 1
    print "row f " mode " " bytes " " hash " " path
    expected = expected "entry f " mode " " bytes " " path "\n"
}
# Paths stand in order, none twice, none a file and a folder, none another in other case; and their folders.
function place(path, kind,    count, names, i, upto, key, folder) {
    if (length(path) > path_limit || !is_node_path(path)) wrong("a path")
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
        if (i < count && usual_place(folder) in is_bundle_folder && !(folder in brought)) {
            brought[folder] = 1
            expected = expected "entry d " folder "\n"
        }
    }
}
# What stands in a path where a place of the table has a star; nothing if it is not that place.
function differing(path, listed,    star, rest) {
    star = index(listed, "*")
    rest = substr(listed, star + 1)
    if (length(path) < length(listed) || substr(path, 1, star - 1) != substr(listed, 1, star - 1)) return ""
    if (substr(path, length(path) - length(rest) + 1) != rest) return ""
    return substr(path, star, length(path) - length(listed) + 1)
}
# The place in the table of places: itself, that of the files in the store of the kubelet, which have a time in them, or one
# with a name in it, which does not begin with a dot.
function place_of(path,    i) {
    if (differing(path, store) ~ /^[0-9-]+$/) return store
    for (i = 1; i <= patterns; i++) if (differing(path, pattern[i]) ~ /^[A-Za-z0-9_][A-Za-z0-9._-]*$/) return pattern[i]
    return path
}
# What a part may never hold, however rightly it is signed.
function check_places(    i, listed) {
    if (!(("names", own_name) in known)) refuse("its names are without the own name of the node, " own_name " (rule names)")
    for (i = 1; i <= files; i++) {
        listed = place_of(usual_place(file[i]))
        # There is one folder of certificates, and the record says which.
        if (index(listed, usual "/") == 1 && index(file[i], certificates "/") != 1) listed = ""
        if (!(listed in roles_of)) refuse(file[i] " is no place of this part (rule place)")
        if (!index(roles_of[listed], " " role " ")) refuse(file[i] " does not belong on a node of role " role " (rule role)")
        if (mode_of[listed] != file_mode[i]) refuse(file[i] " must not have the mode " file_mode[i] " (rule mode)")
    }
    if (target_path != "" && place_of(target_path) != store) {
        refuse("the link to " link_target " is not that of the kubelet (rule link)")
    }
}
BEGIN {
    certificates = usual = "etc/kubernetes/pki"
    keys = document == "index" \
        ? "cluster cluster_id format generation issued_at kubernetes partial parts phase profile_sha256" \
        : "addresses cluster cluster_id files format generation issued_at kubernetes names part phase role"
    keys = split(keys, key_of, " ")
    certificates_start = "  \"certificates_dir\": "
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
document == "record" && key_of[number + 1] == "cluster" && certificates == usual && index($0, certificates_start) == 1 {
    text = substr($0, length(certificates_start) + 1)
    if (text !~ /,$/) wrong("certificates_dir")
    text = unquoted(substr(text, 1, length(text) - 1), "certificates_dir")
    name = substr(text, 17)
    if (substr(text, 1, 16) != "/etc/kubernetes/" || !is_certificates_name(name) || name == "pki") wrong("certificates_dir")
    certificates = substr(text, 2)
    print "certificates_dir " certificates
    next
}
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
    if (target_path != "" && !(target_path in is_file)) refuse("its link leads nowhere (rule link)")
    if (document == "record") check_places()
    printf "%s", expected
    print "done"
}
