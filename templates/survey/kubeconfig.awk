# Writes the tables of a kubeconfig, from its flattened YAML. `D KIND FIELD` stands for what the field holds, which must be
# decoded; `P pem PATH` names a file, `U REASON` says what is wrong. Fails with 4 if it is no kubeconfig, and
# with 5 if it is larger than any.

BEGIN { FS = "\t" }
first == "" { first = $1 }
$1 == first {
    found[$2] = $3
    split($2, keys, ".")
    if (keys[1] == "clusters" || keys[1] == "users" || keys[1] == "contexts") {
        if (keys[2] ~ /^[0-9]+$/ && keys[2] + 1 > count[keys[1]]) count[keys[1]] = keys[2] + 1
        if (keys[1] == "users" && keys[3] == "user") has[keys[2], keys[4]] = 1
    }
}

function at(path) { return path in found ? found[path] : "" }

# A name as a text of TOML. One of an unusual form may be a secret, and is left out.
function label(path,    name) {
    name = at(path)
    if (name == "" || is_label(name)) return quoted(name)
    print "U holds a name of an unusual form"
    return "\"\""
}

function optional_label(key, path,    name) {
    name = label(path)
    if (name != "\"\"") print "T " key " = " name
}

# A field that holds PEM in base64, or else names a file.
function held(key, field, kind) {
    if (at(field "-data") != "") return "D " kind " " field "-data\n"
    if (at(field) == "") return ""
    if (found[field] !~ /^[A-Za-z0-9\/._@+=~%-]+$/ || length(found[field]) > 4096) print "U names a file in an unusual way"
    else {
        print "T " key " = " quoted(found[field])
        print "P pem " resolved(found[field] ~ /^\// ? found[field] : folder "/" found[field])
    }
    return ""
}

END {
    if ("kind" in found ? found["kind"] != "Config" : !count["clusters"] && !count["users"]) exit 4
    if (count["clusters"] > 512 || count["users"] > 512) exit 5
    optional_label("current_context", "current-context")
    for (number = 0; number < count["clusters"]; number++) {
        path = "clusters." number
        print "T "
        print "T [[kubeconfig.cluster]]"
        print "T name = " label(path ".name")
        server = at(path ".cluster.server")
        if (server != "") {
            server = index(server, ",") ? "" : url(server)
            if (server == "" || index(server, "=")) print "U names a server in an unusual way"
            else print "T server = " quoted(server)
        }
        optional_label("tls_server_name", path ".cluster.tls-server-name")
        printf "%s", held("certificate_authority", path ".cluster.certificate-authority", "certificates")
    }
    for (number = 0; number < count["users"]; number++) {
        path = "users." number
        print "T "
        print "T [[kubeconfig.user]]"
        print "T name = " label(path ".name")
        data = held("client_certificate", path ".user.client-certificate", "certificates")
        data = data held("client_key", path ".user.client-key", "private_keys")
        printf "%s", data
        names = split("auth-provider exec password token tokenFile username", fields, " ")
        others = 0
        for (field = 1; field <= names; field++) if ((number, fields[field]) in has) withheld[++others] = fields[field]
        write_withheld(others)
    }
    for (number = 0; number < count["contexts"]; number++) {
        path = "contexts." number
        print "T "
        print "T [[kubeconfig.context]]"
        print "T name = " label(path ".name")
        print "T cluster = " label(path ".context.cluster")
        print "T user = " label(path ".context.user")
    }
}
