# Which unit is a mount point: reads a list of units, then mountinfo. Names in that have octal escapes for what would end a
# field. The variable `root` of the environment has the path of the root.

BEGIN {
    if ("root" in ENVIRON) root = ENVIRON["root"]
    gsub(/\\/, "\\134", root)
    gsub(/ /, "\\040", root)
    gsub(/\t/, "\\011", root)
    gsub(/\n/, "\\012", root)
}
FILENAME == ARGV[1] { if (NF == 2) place[root "/" $1] = $1; next }
$5 in place { print place[$5]; exit }
