# The blocks of a PEM file: `NUMBER KIND` a line, where KIND is certificates, private_keys, public_keys, rsa (a public key of
# PKCS #1), sealed, or other.

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
    next
}
kind != "" && $0 == "-----END " label "-----" { print number, kind; kind = "" }
kind != "" && is_first && index($0, ":") {
    # Headers say how a key is sealed.
    kind = label ~ /PRIVATE KEY$/ ? "sealed" : "other"
}
{ is_first = 0 }
