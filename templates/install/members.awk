# Reads the hex dump of a bundle and finds where its gzip members end: a line `member BYTES` each. Needs facts.awk.

function refuse(text) { print "refused " text; refused = 1; exit 1 }
function value(bytes,    i, sum) {
    sum = 0
    for (i = 12; i >= 3; i -= 3) sum = sum * 256 + 16 * index(digits, substr(bytes, i - 1, 1)) \
        + index(digits, substr(bytes, i, 1))
    return sum
}
function end_member(bytes, at,    size) {
    size = value(bytes)
    if (at - start > compressed_limit) refuse("a part has more than " compressed_limit " compressed bytes")
    if (size == 0) refuse("a part of it is empty")
    if (size > member_limit) refuse("a part unpacks to more than " member_limit " bytes")
    # The index and the end of the archive are members, too.
    if (++members > part_limit + 2) refuse("it has more than " part_limit " parts")
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
    if (total + 16 - start > compressed_limit + 16) refuse("a part has more than " compressed_limit " compressed bytes")
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
}
