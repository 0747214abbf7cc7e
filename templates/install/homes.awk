# The folders of slots in a list of places: each once, the one that is `last` at the end.

{
    place = index("/" $0, "/.certferry/")
    home = substr($0, 1, place + 9)
    if (home != last && !(home in seen)) print home
    seen[home] = 1
}
END { print last }
