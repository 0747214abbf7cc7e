# Reads what asn1parse says of a certificate: where the part that is signed begins and how long it is, the same of the
# signature and of the public key, and the digest (RFC 5280, section 4.1).

{ gsub(/[:=]/, " ") }
$3 == 1 { element++; start[element] = $1; head[element] = $5; bytes[element] = $7 }
$3 == 2 && element == 2 && /OBJECT/ { name = tolower($NF) }
# Version, which may be absent; serial number, algorithm, issuer, validity, subject, key.
$3 == 2 && element == 1 {
    field += field || $8 == "cons" && $9 == "cont" ? 1 : 2
    if (field == 7) { key = $1; key_bytes = $5 + $7 }
}
END {
    if (element != 3 || field < 7) exit 1
    digest = "unknown"
    if (name !~ /pss/ && match(name, /sha(1|224|256|384|512)/)) digest = substr(name, RSTART, RLENGTH)
    print start[1], head[1] + bytes[1], start[3] + head[3] + 1, bytes[3] - 1, key, key_bytes, digest
}
