# Addresses, in the one spelling that a record has (RFC 5952).

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
}
