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

