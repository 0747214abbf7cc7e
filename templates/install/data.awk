# The data of a field of a kubeconfig, in base64 with short lines.

$1 == field {
    data = $2
    gsub(/["\047]/, "", data)
    while (length(data) > 64) { print substr(data, 1, 64); data = substr(data, 65) }
    print data
    exit
}
