# Reads the dates of certificates, and names the first that does not hold `now`.

BEGIN {
    split("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", names, " ")
    for (i in names) month[names[i]] = i
}
# PATH notBefore=Nov 21 00:00:00 2026 GMT
{
    split($2, name, "=")
    time = $4
    gsub(/:/, "", time)
    stamp = sprintf("%04d%02d%02d%s", $5, month[name[2]], $3, time)
    text = sprintf("%04d-%02d-%02dT%sZ", $5, month[name[2]], $3, $4)
    if (name[1] == "notBefore" && stamp "" > now "") { print $1 " is not valid before " text; exit }
    if (name[1] == "notAfter" && stamp "" < now "") { print $1 " has ended at " text; exit }
}
