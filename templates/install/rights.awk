# Whether what is kept has the same rights in the slot: reads the names of what is kept, then the facts of the old folder and
# of the new. Who is not root keeps no owners.

FILENAME == ARGV[1] { kept[$0] = 1; next }
{
    name = $0
    sub(/^[^ ]+ [^ ]+ [^ ]+ /, "", name)
    facts = user == 0 ? $1 " " $2 : $1
}
FILENAME == ARGV[2] { if (/^d/ || name in kept) old[name] = facts; next }
name in old && old[name] != facts { differs = 1; exit }
END { exit differs }
