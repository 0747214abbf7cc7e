# Says what is not as it was installed, in the words of `certferry status`: reads the rows of the record, then a line
# `WORD PATH` for each difference.

function list(word, one, many,    i, text) {
    if (!count[word]) return
    if (count[word] == 1) { printf "  %-10s %s%s\n", shown[word], place[word, 1], one; return }
    printf "  %-10s %d %s\n", shown[word], count[word], many
    for (i = 1; i <= count[word]; i++) print "    " place[word, i]
}
BEGIN { differing = 0; split("missing changed access note folder", words, " "); for (i in words) count[words[i]] = 0 }
$0 == "--" { differs = 1; next }
!differs { path[++all] = $NF; next }
NF != 2 || ($1 == "folder" && seen[$2]++) { next }
{
    place[$1, ++count[$1]] = $2
    if ($1 == "note") next
    differing += 1
    if ($1 != "folder") next
    differing -= 1
    for (i = 1; i <= all; i++) if (index(path[i], $2 "/") == 1) { below[$2]++; differing++ }
}
END {
    shown["missing"] = "missing"; shown["changed"] = "changed"; shown["access"] = "access"
    if (differing) text = differing " of " all " differ from what was installed"
    else text = "all " all " are as they were installed" (count["note"] ? ", save what is noted" : "")
    printf "%-12s %s\n", "files", text
    for (i = 1; i <= count["folder"]; i++) {
        folder = place["folder", i]
        printf "  %-10s %s, a folder with %d %s\n", "missing", folder, below[folder], below[folder] == 1 ? "file" : "files"
    }
    list("missing", "", "files")
    list("changed", "", "files")
    list("access", ": other permissions than were installed", "files: other permissions than were installed")
    for (i = 1; i <= count["note"]; i++) {
        why = place["note", i] ~ /\.key$/ ? "no flag of a static pod names it" : "nothing on the node reads it"
        printf "  %-10s %s was taken away: %s\n", "note", place["note", i], why
    }
}
