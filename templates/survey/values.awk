# The kinds of values, and what a survey takes of each: an empty text if a value is not of its kind. The same as in
# src/survey/value.rs.

function kept(kind, value,    parts, count, number, part, done) {
    if (value == "" || length(value) > 4096) return ""
    if (kind ~ /^(pem|kubeconfig|opaque|folder)$/) return is_path(value) ? value : ""
    if (kind == "number") return value ~ /^[0-9]+(-[0-9]+)?$/ ? value : ""
    if (kind == "period") return value ~ /^([0-9][0-9.]*(ms|us|ns|h|m|s))+$/ ? value : ""
    if (kind == "switch") return value ~ /^(true|false)$/ ? value : ""
    if (kind == "sni") {
        count = index(value, ":")
        done = count ? substr(value, count + 1) : "any"
        if (split(count ? substr(value, 1, count - 1) : value, parts, ",") != 2) return ""
        if (!is_path(parts[1]) || !is_path(parts[2])) return ""
        return kept("names", done) == "" ? "" : value
    }
    count = split(value, parts, ",")
    for (number = 1; number <= count; number++) {
        part = parts[number]
        if (kind == "urls") part = url(part)
        else if (kind == "issuers") { if (url(part) != "") part = url(part); else if (!is_name(part)) part = "" }
        else if (kind == "hosts") { if (part !~ /^[][A-Za-z0-9._:%*-]+$/) part = "" }
        else if (kind == "subnets") { if (part !~ /^[0-9A-Fa-f.:]+\/[0-9]+$/) part = "" }
        else if (kind == "names") { if (!is_name(part)) part = "" }
        else part = ""
        if (part == "") return ""
        done = done (number > 1 ? "," : "") part
    }
    return done
}

function is_path(text) { return text ~ /^\/[A-Za-z0-9\/._@+=~%-]*$/ }

function is_name(text) { return text ~ /^[A-Za-z0-9*-][A-Za-z0-9*._:\/-]*$/ && !index(text, "://") }

# Whether a text may be the name of a cluster, a user or a context. A URL and user:password@host are none.
function is_label(text,    user) {
    if (text !~ /^[A-Za-z0-9._:\/@+-]+$/ || length(text) > 253 || index(text, "://")) return 0
    user = text
    if (!sub(/@[^@]*$/, "", user)) return 1
    return !index(user, ":") || user ~ /^system:/
}

# A URL without user, password, query and fragment. It is empty if the text is none or might hide one of them.
function url(text,    place, before, rest, authority, after, path, host, port) {
    place = index(text, "://")
    if (!place) return ""
    before = substr(text, 1, place - 1)
    rest = substr(text, place + 3)
    if (before !~ /^([A-Za-z0-9._-]+=)?[a-z][A-Za-z0-9+.-]*$/) return ""
    place = match(rest, /[\/?#]/) ? RSTART : length(rest) + 1
    authority = substr(rest, 1, place - 1)
    after = substr(rest, place)
    # A password that was not escaped: where it ends nobody knows.
    if (index(after, "@")) return ""
    sub(/^.*@/, "", authority)
    path = after
    sub(/[?#].*$/, "", path)
    if (authority !~ /^(\[[A-Za-z0-9:.%]+\]|[A-Za-z0-9._-]*)(:[0-9]+)?$/) return ""
    host = authority
    port = ""
    if (match(host, /:[0-9]+$/)) { port = substr(host, RSTART + 1); host = substr(host, 1, RSTART - 1) }
    if (length(port) > 5 || path !~ /^[A-Za-z0-9\/._~-]*$/) return ""
    if (host == "" && !(before ~ /^([^=]*=)?unix$/ && path != "")) return ""
    return before "://" authority path
}
