# The blocks of a PEM file, as Go finds them (encoding/pem): `NUMBER:KIND` a line, where KIND is certificates, private_keys,
# public_keys, rsa (a public key of PKCS #1), sealed, unknown, broken (no certificate), or other; and of a file with more than
# any has only `0:many`. With another number in `wanted` than 0,
# the base64 of the block of that number. The same as in src/survey/contents.rs.

BEGIN { begun = 0 }
{ line[NR] = $0 }

# Every beginning counts, as far as it stands in a line.
/-----BEGIN / { begun++ }

function trimmed(text) { sub(/\r$/, "", text); sub(/[ \t]+$/, "", text); return text }

# The six bits of a sign, and an octet, counted from 0, of BODY.
function sextet(place) { return index("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", substr(BODY, place, 1)) - 1 }
function octet(at,    place, rest) {
    rest = at % 3
    place = (at - rest) / 3 * 4 + 1 + rest
    if (rest == 0) return sextet(place) * 4 + int(sextet(place + 1) / 16)
    if (rest == 1) return sextet(place) % 16 * 16 + int(sextet(place + 1) / 4)
    return sextet(place) % 4 * 64 + sextet(place + 1)
}

# The element of DER at START, before END: its tag, BEGINS, and where it ENDS. Returns 0 if it is none.
function element(start, end,    count, size, number) {
    if (start + 2 > end) return -1
    size = octet(start + 1)
    BEGINS = start + 2
    if (size >= 128) {
        count = size - 128
        if (count < 1 || count > 3 || BEGINS + count > end) return -1
        size = 0
        for (number = 0; number < count; number++) size = size * 256 + octet(BEGINS + number)
        # A length is as short as it can be.
        if (size < 128 || !octet(BEGINS)) return -1
        BEGINS += count
    }
    ENDS = BEGINS + size
    return ENDS > end ? -1 : octet(start)
}

# Whether BODY is one SEQUENCE and nothing else.
function is_whole() { return element(0, SIZE) == 48 && ENDS == SIZE }

# Whether the elements from START to END have these tags, in hex.
function has_tags(start, end, tags,    count, tag, number) {
    count = split(tags, tag, " ")
    for (number = 1; number <= count; number++) {
        if (element(start, end) != tag[number]) return 0
        start = ENDS
    }
    AFTER = start
    return 1
}

# Whether BODY has the form of a certificate (RFC 5280, section 4.1), which no key has.
function is_certificate(    end, tbs, tbs_end, spki, spki_end, tag) {
    if (!is_whole() || !has_tags(BEGINS, SIZE, "48 48 3") || AFTER != SIZE) return 0
    element(0, SIZE)
    element(BEGINS, SIZE)
    tbs = BEGINS
    tbs_end = ENDS
    if (element(tbs, tbs_end) == 160) tbs = ENDS
    if (!has_tags(tbs, tbs_end, "2 48 48 48 48")) return 0
    if (element(AFTER, tbs_end) != 48) return 0
    spki = BEGINS
    spki_end = ENDS
    if (!has_tags(spki, spki_end, "48 3") || AFTER != spki_end) return 0
    for (end = spki_end; end < tbs_end; end = ENDS) {
        tag = element(end, tbs_end)
        if (tag < 128 || tag > 191) return 0
    }
    return 1
}

# Whether BODY is no key of a form that certferry does not read: PKCS #8 of another version than 0, or SEC 1 of another than 1
# or with a number that is too long for its curve. OpenSSL reads these as well.
function is_key(    start, version, size) {
    if (!is_whole()) return 0
    start = BEGINS
    if (has_tags(start, SIZE, "2 48")) {
        element(start, SIZE)
        return ENDS == BEGINS + 1 && octet(BEGINS) == 0
    }
    if (!has_tags(start, SIZE, "2 4")) return 1
    element(start, SIZE)
    version = octet(BEGINS)
    element(ENDS, SIZE)
    size = ENDS - BEGINS
    return version == 1 && (size <= 32 || size == 48 || size == 66)
}

function kind_of(label, headers) {
    if (label == "CERTIFICATE") return is_certificate() ? "certificates" : "broken"
    if (label ~ /PRIVATE KEY$/) {
        if (label ~ /^ENCRYPTED/ || headers) return "sealed"
        return label ~ /^(RSA |EC )?PRIVATE KEY$/ && is_key() ? "private_keys" : "unknown"
    }
    if (label == "PUBLIC KEY") return is_whole() ? "public_keys" : "broken_public"
    if (label == "RSA PUBLIC KEY") return is_whole() ? "rsa" : "broken_public"
    return "other"
}

# Leaves in BODY the base64 of some lines, without the bits behind the last octet. Returns whether it is that.
function read_body(first, last,    number, bits) {
    BODY = ""
    for (number = first; number <= last; number++) BODY = BODY line[number]
    gsub(/[ \t\r]/, "", BODY)
    if (BODY !~ /^[A-Za-z0-9+\/]*=?=?$/ || length(BODY) % 4) return 0
    SIZE = length(BODY) / 4 * 3
    if (BODY ~ /=$/) {
        bits = BODY ~ /==$/ ? 16 : 4
        SIZE -= bits == 16 ? 2 : 1
        number = length(BODY) - (bits == 16 ? 2 : 1)
        bits = sextet(number) - sextet(number) % bits
        BODY = substr(BODY, 1, number - 1) substr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", bits + 1, 1) substr(BODY, number + 1)
    }
    return 1
}

function blocks(    number, at, end, label, headers) {
    at = 1
    number = 0
    while (at <= NR) {
        label = line[at++]
        if (label !~ /^-----BEGIN /) continue
        label = substr(trimmed(label), 12)
        if (label !~ /-----$/) continue
        label = substr(label, 1, length(label) - 5)
        for (headers = 0; at <= NR && index(trimmed(line[at]), ":"); at++) headers = 1
        if (at > NR) return
        end = at
        if (headers || line[end] !~ /^-----END /) for (end++; end <= NR && line[end] !~ /^-----END /; end++);
        if (end > NR) return
        if (trimmed(line[end]) != "-----END " label "-----" || !read_body(at, end - 1)) continue
        at = end + 1
        if (++number == wanted) {
            for (; length(BODY) > 64; BODY = substr(BODY, 65)) print substr(BODY, 1, 64)
            print BODY
            return
        }
        if (!wanted) print number ":" kind_of(label, headers)
    }
}

END {
    if (!wanted && begun > 512) print "0:many"
    else blocks()
}
