# Writes the tables of a configuration file, from its flattened YAML. `kind` is that of the kubelet, `etcd`, or empty for the
# documents of kubeadm, which say theirs. Lines are those of program.awk.

BEGIN { FS = "\t" }
{ document[NR] = $1; key[NR] = $2; text[NR] = $3 }
$2 == "kind" { kinds[$1] = $3 }

END {
    if (kind == "etcd") {
        begin(kind)
        section("client-transport-security", "")
        section("peer-transport-security", "peer-")
        for (line = 1; line <= NR; line++) if (document[line] == document[1]) add(key[line], text[line])
        finish()
        exit
    }
    for (line = 1; line <= NR; line++) {
        if (line > 1 && document[line] == document[line - 1]) {
            if (is_written) add(key[line], text[line])
            continue
        }
        finish()
        if (kind != "" && line > 1) exit
        found = kind == "" ? kinds[document[line]] : kind
        is_written = kind != "" || found ~ /^(Cluster|Init|Join)Configuration$/
        if (is_written) { begin(found); add(key[line], text[line]) }
    }
    finish()
}

# Of a section these fields are read, in this order.
function section(name, prefix,    count, fields, number, line) {
    count = split("cert-file key-file trusted-ca-file client-cert-auth allowed-cn", fields, " ")
    for (number = 1; number <= count; number++)
        for (line = 1; line <= NR; line++)
            if (document[line] == document[1] && key[line] == name "." fields[number]) add(prefix fields[number], text[line])
}

function begin(name) {
    owner = name
    is_open_ = 1
    rows = ""
    print "T "
    print "T [[configuration]]"
    print "T path = " quoted(place)
    print "T kind = " quoted(name)
}

function add(name, given,    pattern, value, kind_) {
    pattern = "." name "."
    while (match(pattern, /\.[0-9]+\./)) pattern = substr(pattern, 1, RSTART) "*" substr(pattern, RSTART + RLENGTH - 1)
    pattern = substr(pattern, 2, length(pattern) - 2)
    kind_ = kind_of[owner " " pattern]
    value = kind_ == "" ? "" : kept(kind_, given)
    if (value == "") return
    if (kind_ ~ /^(pem|kubeconfig|opaque)$/) print "P " kind_ " " resolved(value)
    if (owner == "KubeletConfiguration" && name == "staticPodPath") print "N kubelet pod-manifest-path " resolved(value)
    rows = rows "T   { name = " quoted(name) ", value = " quoted(value) " },\n"
}

function finish() {
    if (is_open_ && rows != "") printf "%s", "T settings = [\n" rows "T ]\n"
    is_open_ = 0
}
