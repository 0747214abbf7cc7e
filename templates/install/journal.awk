# Reads a journal but for its hash: prints its slot, the slot that keeps what was live, and its units, or fails.

function wrong() { failed = 1; exit 1 }
function is_place(path) {
    return path !~ /(^|\/)\.?\.?(\/|$)/ && path !~ /[\001-\037\177]/
}
function is_print(text) {
    return length(text) == 64 && text !~ /[^0-9a-f]/
}
ended { wrong() }
NR == 1 { if ($0 != "certferry-journal-2") wrong(); next }
NR == 2 { if ($0 !~ /^slot (next|previous|repaired|discard)$/) wrong(); slot = $2; print; next }
NR == 3 {
    if ($0 !~ /^keep (previous|repaired|discard)$/ || (slot != "next" && $2 != slot)) wrong()
    print
    next
}
$1 == "sha256" { if ($0 != "sha256 " $2 || !is_print($2)) wrong(); ended = 1; next }
{
    if ($0 != $1 " " $2 " " $3 " " $4 " " $5) wrong()
    if ($1 == "swap" ? !is_print($4) || !is_print($5) : $1 == "place" ? !is_print($4) || $5 != "-" : \
        $1 != "remove" || $4 != "-" || !is_print($5)) wrong()
    if (!is_place($2) || !is_place($3) || index("/" $3, "/.certferry/" slot "/") == 0) wrong()
    print
}
END { if (failed || !ended) exit 1 }
