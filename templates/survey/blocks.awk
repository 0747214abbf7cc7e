# The blocks of a PEM file: `NUMBER:KIND` a line, where KIND is certificates, private_keys, public_keys, rsa (a public key of
# PKCS #1), sealed, unknown, or other; and of a file with more than any has only `0:many`.

{ sub(/[ \t\r]+$/, "") }
kind == "" && /^-----BEGIN .*-----$/ {
    label = substr($0, 12, length($0) - 16)
    number++
    kind = "other"
    if (label == "CERTIFICATE") kind = "certificates"
    if (label ~ /^(RSA |EC )?PRIVATE KEY$/) kind = "private_keys"
    else if (label == "ENCRYPTED PRIVATE KEY") kind = "sealed"
    else if (label ~ /PRIVATE KEY$/) kind = "unknown"
    if (label == "PUBLIC KEY") kind = "public_keys"
    if (label == "RSA PUBLIC KEY") kind = "rsa"
    is_first = 1
    begun++
    next
}
kind != "" && $0 == "-----END " label "-----" { found[++blocks] = number ":" kind; kind = "" }
kind != "" && is_first && index($0, ":") {
    # Headers say how a key is sealed.
    kind = label ~ /PRIVATE KEY$/ ? "sealed" : "other"
}
{ is_first = 0 }

# Every beginning counts, as far as it stands in a line.
/-----BEGIN / { begun++ }
END {
    if (begun > 512) print "0:many"
    else for (number = 1; number <= blocks; number++) print found[number]
}
