# Reads a journal: prints its slot and its units, or fails.

function wrong() { failed = 1; exit 1 }
function is_place(path) {
    return path !~ /(^|\/)\.?\.?(\/|$)/ && path !~ /[\001-\037\177]/
}
ended { wrong() }
NR == 1 { if ($0 != "certferry-journal-1") wrong(); next }
NR == 2 { if ($0 != "slot next" && $0 != "slot previous") wrong(); slot = $2; print; next }
$0 == "end" { ended = 1; next }
{
    if (NF != 5 || $1 !~ /^(swap|place|remove)$/ || $4 ~ /[^0-9]/ || $5 ~ /[^0-9]/) wrong()
    if (!is_place($2) || !is_place($3) || index("/" $3, "/.certferry/" slot "/") == 0) wrong()
    print
}
END { if (failed || !ended) exit 1 }
