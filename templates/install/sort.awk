# What becomes of the files of a folder: reads the rows of the record for it, then the facts of what is there. Prints
# `write KIND MODE-OR-TARGET PATH` for a file of the record that differs; `beside PATH` or `special PATH` for what the record
# does not list, `covered PATH` for a folder where the record has a file.

FILENAME == ARGV[1] {
    path = substr($NF, length(prefix) + 1)
    order[++count] = path
    kind[path] = $2
    first[path] = $3
    if ($2 == "f") is[path] = ($3 == "0600" ? "-rw-------" : "-rw-r--r--") " " $5
    next
}
{
    name = $0
    sub(/^[^ ]+ [^ ]+ [^ ]+ /, "", name)
    if (covered != "" && index(name, covered "/") == 1) next
    mode = $1
    sub(/\+$/, "", mode)
    if (name in kind) {
        if (mode " " $3 == is[name] && (!is_root || $2 == "0:0")) stays[name] = 1
        if (mode ~ /^d/) print "covered " (covered = name)
    } else if (mode !~ /^d/) print (mode ~ /^[-l]/ ? "beside " : "special ") name
}
END { for (i = 1; i <= count; i++) if (!(order[i] in stays)) print "write", kind[order[i]], first[order[i]], order[i] }
