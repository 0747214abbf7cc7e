# Writes the table of a program. Lines of the survey begin with `T `, paths that are named with `P KIND PATH`, and what
# else others need with `N PROGRAM FLAG TEXT`.

# The path without `.`, `..` and empty names, and without a `/` at its beginning.
function resolved(path,    names, count, number, done, left) {
    count = split(path, names, "/")
    left = 0
    for (number = 1; number <= count; number++) {
        if (names[number] == "" || names[number] == ".") continue
        if (names[number] == "..") { if (left) left--; continue }
        names[++left] = names[number]
    }
    done = ""
    for (number = 1; number <= left; number++) done = done (number > 1 ? "/" : "") names[number]
    return done
}

# The path on the node of a path of the program. It is empty if nothing of the node is mounted there.
function on_node(path,    number, rest, best, done) {
    if (MOUNTS < 0) return resolved(path)
    path = "/" resolved(path)
    best = -1
    done = ""
    for (number = 1; number <= MOUNTS; number++) {
        if (inside[number] != "" && substr(path, 1, length(inside[number])) != inside[number]) continue
        rest = substr(path, length(inside[number]) + 1)
        if (rest != "" && substr(rest, 1, 1) != "/" && inside[number] != "") continue
        if (length(inside[number]) < best) continue
        best = length(inside[number])
        done = resolved(outside[number] rest)
    }
    return done
}

function write_program(name, kind, path, version,    number, value, place, lines, names, count, is_known, kind_) {
    is_known = is_program(name)
    if (name !~ /^[A-Za-z0-9._+-]+$/ || length(name) > 64) name = "unknown"
    print "T "
    print "T [[program]]"
    print "T name = " quoted(name)
    print "T kind = " quoted(kind)
    print "T path = " quoted(path)
    if (is_known && version != "") print "T version = " quoted(version)
    lines = names = ""
    count = 0
    for (number = 1; is_known && number <= FLAGS; number++) {
        kind_ = kind_of[name " " flag[number]]
        value = kind_ == "" ? "" : kept(kind_, given[number])
        if (value == "") {
            if (dashes[number] != "-" && flag[number] ~ /^[a-z][a-z0-9._-]*$/ && length(flag[number]) <= 64)
                withheld[++count] = flag[number]
            continue
        }
        lines = lines "T   { name = " quoted(flag[number]) ", value = " quoted(value)
        if (kind_ ~ /^(pem|kubeconfig|opaque|folder)$/) {
            place = on_node(value)
            if (place != "") print "P " kind_ " " place
            if ("/" place != value || place == "") lines = lines ", at = " quoted(place)
        } else
            place = value
        print "N " name " " flag[number] " " place
        lines = lines " },\n"
    }
    if (lines != "") printf "%s", "T settings = [\n" lines "T ]\n"
    write_withheld(count)
    print "N " name " version " version
}

# The names of 1..count, sorted, each once.
function write_withheld(count,    number, other, text, line) {
    if (!count) return
    for (number = 2; number <= count; number++) {
        text = withheld[number]
        for (other = number - 1; other > 0 && withheld[other] > text; other--) withheld[other + 1] = withheld[other]
        withheld[other + 1] = text
    }
    line = ""
    for (number = 1; number <= count; number++)
        if (number == 1 || withheld[number] != withheld[number - 1]) line = line (line == "" ? "" : ", ") quoted(withheld[number])
    print "T withheld = [" line "]"
}
