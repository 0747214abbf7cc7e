# Who reads the files that change, of those who are `running`, and who is `noted` besides. Needs facts.awk and
# names.awk.

BEGIN {
    count = split(running, list, " ")
    for (i = 1; i <= count; i++) runs[list[i]] = 1
    count = split(noted, list, " ")
    for (i = 1; i <= count; i++) restarts[list[i]] = 1
}
# What is in a file stays the same then, and whoever runs has read it. A container that sees the folder pki must see the
# new one all the same.
/: owner and permissions$/ && usual_place($2) !~ /^etc\/kubernetes\/pki\// { next }
{
    path = usual_place($2)
    for (i = 1; i <= reader_rows; i++) if (index(path, beginning[i]) == 1) break
    count = i <= reader_rows ? split(readers[i], list, " ") : 0
    for (i = 1; i <= count; i++) if (list[i] in runs) restarts[list[i]] = 1
}
END {
    count = split(component_names, list, " ")
    text = ""
    for (i = 1; i <= count; i++) if (list[i] in restarts) text = text (text == "" ? "" : " ") list[i]
    print text
}
