# Reads the dates of certificates, and names the first that does not hold `now`.

BEGIN {
    split("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", names, " ")
    for (i in names) month[names[i]] = i
}
# PATH Before Nov 21 00:00:00 2026 GMT
{
    time = $5
    gsub(/:/, "", time)
    stamp = sprintf("%04d%02d%02d%s", $6, month[$3], $4, time)
    text = sprintf("%04d-%02d-%02dT%sZ", $6, month[$3], $4, $5)
    if ($2 == "Before" && stamp "" > now "") { print $1 " is not valid before " text; exit }
    if ($2 == "After" && stamp "" < now "") { print $1 " has ended at " text; exit }
}
