# What a folder and all in it is: reads paths below it, the same sorted, what ls says of them in that order, the hashes of the
# links and those of the files; an empty line between each two. Prints kind and mode, owner, hash and path, or fails.

$0 == "" { part++; next }
part == 0 { path[++paths] = $0; next }
part == 1 { sorted[++count] = $0; next }
part == 2 {
    name = sorted[++listed]
    # It may write another character for one that moves the cursor; these it writes as they are.
    if (name ~ /^[A-Za-z0-9.\/_-]+$/ && $0 !~ /^l/ && substr($0, length($0) - length(name)) != " " name) {
        failed = 1
        exit 1
    }
    # Behind the mode a plus stands for a list of rights (ACL), which is a fact, and other signs for a label.
    mode = $1
    sub(/[.@]$/, "", mode)
    fact[name] = mode " " $3 ":" $4
    next
}
part == 3 { of_link[++links] = $1; next }
{
    # Before the hash of a file with an odd name stands a backslash.
    sub(/^\\/, "", $1)
    of_file[++files] = $1
}
END {
    if (failed || listed != paths || count != paths) exit 1
    link = file = 0
    for (i = 1; i <= paths; i++) {
        text = fact[path[i]]
        hash = "-"
        if (text ~ /^l/) hash = of_link[++link]
        if (text ~ /^-/) hash = of_file[++file]
        print text, hash, path[i] == "." ? "." : substr(path[i], 3)
    }
    if (link != links + 0 || file != files + 0) exit 1
}
