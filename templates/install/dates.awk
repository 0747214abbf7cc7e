# Reads the dates of certificates, and names the first that does not hold `now`; or makes a `list` of when the installed
# ones end, one for each file. Roots in the folders `registries` are of other makers and stop nothing here.

function is_of_registry(path,    i) {
    for (i in folders) if (index(path, folders[i] "/") == 1) return 1
    return 0
}
BEGIN {
    split(registries, folders, " ")
    split("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", names, " ")
    for (i in names) month[names[i]] = i
}
# PATH Before Nov 21 00:00:00 2026 GMT
{
    time = $5
    gsub(/:/, "", time)
    stamp = sprintf("%04d%02d%02d%s", $6, month[$3], $4, time)
    text = sprintf("%04d-%02d-%02dT%sZ", $6, month[$3], $4, $5)
    if (list) {
        # That of the client in a kubeconfig, the first in another file.
        if ($2 == "After" && ($1 ~ /\.conf$/ ? $NF == "client-certificate-data" : !($1 in ends))) ends[$1] = text
        next
    }
    if (is_of_registry($1)) next
    if ($2 == "Before" && stamp "" > now "") { print $1 " is not valid before " text; exit }
    if ($2 == "After" && stamp "" < now "") { print $1 " has ended at " text; exit }
}
END { if (list) for (path in ends) print path " " ends[path] }
