# Facts as a fingerprint has them: reads lines with the facts behind `skip` words. What stands behind the ten characters of
# kind and mode is a mark of ls.

{
    at = 1
    for (i = 0; i < skip; i++) at += index(substr($0, at), " ")
    stop = index(substr($0, at), " ")
    print substr($0, 1, at + 9) substr($0, at + stop - 1)
}
