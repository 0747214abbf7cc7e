# Whether what was staged for a unit is what the record says: reads the record, then what is known of
# each file. Needs facts.awk.

FILENAME == ARGV[1] {
    path = $NF
    if ($1 != "row" || (path != unit && index(path, unit "/") != 1)) next
    rows++
    if ($2 == "f") is[path] = ($3 == "0600" ? "-rw-------" : "-rw-r--r--") " " $5
    next
}
{
    path = $4 == "." ? unit : unit "/" $4
    # What a list of rights gives that a file inherits from its folder is limited by these modes.
    sub(/\+$/, "", $1)
    if (path in is && is[path] == $1 " " $3) rows--
    if ($1 ~ /^l/ && path == current_link) rows--
}
END { exit rows != 0 }
