# Reads the note of who had to be started anew: prints their names, or fails. Needs facts.awk.

BEGIN {
    count = split(component_names, list, " ")
    for (i = 1; i <= count; i++) is_component[list[i]] = 1
}
NR == 1 { if ($0 != "certferry-restart-1") broken = 1; next }
$0 == "end" { ended = NR; next }
{
    if (!($0 in is_component)) broken = 1
    text = text (text == "" ? "" : " ") $0
}
END {
    if (broken || !ended || ended != NR) exit 1
    print text
}
