# The data of the first certificate in a file, in base64 with short lines. Fails when there is none.

/^-----BEGIN CERTIFICATE-----/ { inside = 1; next }
/^-----END CERTIFICATE-----/ { exit }
inside { gsub(/[ \t\r]/, ""); data = data $0 }
END {
    if (!inside) exit 1
    while (length(data) > 64) { print substr(data, 1, 64); data = substr(data, 65) }
    print data
}
