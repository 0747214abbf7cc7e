# What the files of a unit come to: reads the facts of what is there, then of what was staged.

function of(name) { return name == "." ? unit : unit "/" name }
{ facts = $1 " " $2 " " $3; name = $0; sub(/^[^ ]+ [^ ]+ [^ ]+ /, "", name) }
FILENAME == ARGV[1] { old[name] = facts; order[++count] = name; next }
{
    seen[name] = 1
    if (!(name in old)) { if (facts !~ /^d/) print "new " of(name); next }
    if (old[name] == facts) next
    split(old[name], before, " ")
    print "changed " of(name) (before[3] == $3 ? ": owner and permissions" : "")
}
END {
    for (i = 1; i <= count; i++) if (!(order[i] in seen) && old[order[i]] !~ /^d/) print "removed " of(order[i])
}
