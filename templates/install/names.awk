# Names that a bundle may hold. Paths are compared component by component: in a key to sort by, the slash is the least of
# all bytes.

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
# Where a file would lie if the folder of certificates had the name that kubeadm gives it, whatever its name is.
function is_certificates_name(name) {
    return length(name) <= 32 && name ~ /^[A-Za-z0-9][A-Za-z0-9._-]*$/ && tolower(name) !~ /^(manifests|tmp|certferry-.*|.*\.conf)$/
}
function usual_place(path,    rest, end) {
    if (substr(path, 1, 15) != "etc/kubernetes/") return path
    rest = substr(path, 16)
    end = index(rest, "/")
    return end && is_certificates_name(substr(rest, 1, end - 1)) ? "etc/kubernetes/pki" substr(rest, end) : path
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
}
