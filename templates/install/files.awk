# Reads the facts of what is in a folder, those of the files that were staged for it, and the names of what is removed. Prints
# the facts of the folder as it will be; and to the file `list` a line `unit NAME` for each file that changes, `same NAME` for
# one that does not, `odd NAME` for one that the journal cannot hold; and to the file `lines` the facts of those that change, as
# the fingerprints need them: `live` is the place of the folder.

function note(unit, which, facts) {
    split(facts, fact, " ")
    print live "/" unit, which, fact[1], fact[2], fact[3], "." >lines
}
FILENAME == ARGV[3] { removed[$0] = 1; unit[++units] = $0; next }
{
    name = $0
    sub(/^[^ ]+ [^ ]+ [^ ]+ /, "", name)
}
FILENAME == ARGV[1] { old[name] = $0; order[++count] = name; next }
/^d/ { next }
{
    staged[name] = $0
    if (!(name in old)) order[++count] = name
    if (name in old && old[name] == $0) print "same " name >list
    else unit[++units] = name
}
END {
    for (i = 1; i <= count; i++) if (!(order[i] in removed)) print (order[i] in staged ? staged[order[i]] : old[order[i]])
    for (i = 1; i <= units; i++) {
        # The name that a staged file has between two renames.
        parked = unit[i]
        sub(/\.out$/, "", parked)
        is_odd = unit[i] ~ /[ \t\r\v\f]/ || (parked != unit[i] && parked in staged)
        print (is_odd ? "odd " : "unit ") unit[i] >list
        if (unit[i] in staged) note(unit[i], "n", staged[unit[i]])
        if (unit[i] in old) note(unit[i], "o", old[unit[i]])
    }
}
