# A unit for each file that differs: reads the facts of what is in a folder, an empty line, those of what is in its slot. Of
# the folder `whole` a unit for each file.

$0 == "" { next }
/^d/ { next }
{
    name = $0
    sub(/^[^ ]+ [^ ]+ [^ ]+ /, "", name)
    if (!(name in facts)) order[++count] = name
    else if (facts[name] == $0 && live != whole) same[name] = 1
    facts[name] = $0
}
END { for (i = 1; i <= count; i++) if (!(order[i] in same)) print live "/" order[i], in_slot "/" order[i] }
