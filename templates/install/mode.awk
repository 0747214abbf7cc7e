# Reads a line of `ls -ldn`: the mode in octal digits, and the owner.

function bits(text) {
    return (text ~ /^r/ ? 4 : 0) + (text ~ /^.w/ ? 2 : 0) + (text ~ /[xst]$/ ? 1 : 0)
}
NR == 1 {
    special = (substr($1, 4, 1) ~ /[sS]/ ? 4 : 0) + (substr($1, 7, 1) ~ /[sS]/ ? 2 : 0) + (substr($1, 10, 1) ~ /[tT]/ ? 1 : 0)
    print "0" special bits(substr($1, 2, 3)) bits(substr($1, 5, 3)) bits(substr($1, 8, 3)), $3 ":" $4
}
