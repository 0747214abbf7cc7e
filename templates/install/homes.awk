# The folders of slots in a journal or a list of units: each once. What is no place below the root is left out: who reads
# the list refuses it.

{
    for (i = 2; i <= 3; i++) {
        place = index("/" $i, "/.certferry/")
        if (!place || $i ~ /(^|\/)\.?\.?(\/|$)/) continue
        home = substr($i, 1, place + 9)
        if (!(home in seen)) print home
        seen[home] = 1
    }
}
