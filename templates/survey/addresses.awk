# The addresses of `ip -o addr`, without those of loopback, of links and of groups, in numeric order, IPv4 first.

$3 == "inet" { sub(/\/.*$/, "", $4); split($4, part, "."); add(sprintf("4%03d%03d%03d%03d", part[1], part[2], part[3], part[4])) }
$3 == "inet6" { sub(/\/.*$/, "", $4); add("6" whole(tolower($4))) }

function add(key,    number) {
    if ($4 ~ /^(127\.|169\.254\.|0\.0\.0\.0$|22[4-9]\.|23[0-9]\.|::1?$|fe[89ab][0-9a-f]:|ff[0-9a-f][0-9a-f]:)/ || key in seen) return
    seen[key] = 1
    for (number = count++; number > 0 && keys[number] > key; number--) { keys[number + 1] = keys[number]; text[number + 1] = text[number] }
    keys[number + 1] = key
    text[number + 1] = $4
}

# All 32 digits of an address of IPv6.
function whole(address,    place, left, right, count, parts, number, done) {
    place = index(address, "::")
    left = place ? substr(address, 1, place - 1) : address
    right = place ? substr(address, place + 2) : ""
    done = ""
    count = split(left, parts, ":")
    for (number = 1; number <= count; number++) done = done substr("0000" parts[number], length(parts[number]) + 1)
    left = ""
    count = split(right, parts, ":")
    for (number = 1; number <= count; number++) left = left substr("0000" parts[number], length(parts[number]) + 1)
    while (length(done) + length(left) < 32) done = done "0"
    return done left
}

END {
    line = ""
    for (number = 1; number <= count; number++) line = line (number > 1 ? ", " : "") "\"" text[number] "\""
    if (count) print "addresses = [" line "]"
}
