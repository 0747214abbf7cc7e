# What is not as it was found in a folder: reads the facts of folders as they were, each behind the place of its folder, an
# empty line, and those of the folder `live` as it is. Prints `written PATH` or `gone PATH`.

$0 == "" { now = 1; next }
!now && $1 != live { next }
!now { $0 = substr($0, length(live) + 2) }
/^d/ { next }
{
    facts = $1 " " $2 " " $3
    name = $0
    sub(/^[^ ]+ [^ ]+ [^ ]+ /, "", name)
}
!now { was[name] = facts; order[++count] = name; next }
{
    is[name] = 1
    if (was[name] != facts) print "written " name
}
END { for (i = 1; i <= count; i++) if (!(order[i] in is)) print "gone " order[i] }
