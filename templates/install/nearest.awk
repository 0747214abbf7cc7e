# The name that was most likely meant, if there is one, by the rule of `certferry` (cli/text/nearest.rs): the first line is
# what was written, the others are names.

function digits(text) {
    gsub(/[^0-9]/, "", text)
    return text
}
function least(left, right) { return left < right ? left : right }
# How many letters are inserted, left out, exchanged with others or with their neighbours (Damerau and Levenshtein).
function distance(left, right,    lefts, rights, far, i, j, at, same, row, column, letter, last, cost) {
    lefts = length(left); rights = length(right); far = lefts + rights
    split("", cost); split("", last)
    cost[0, 0] = far
    for (i = 0; i <= lefts; i++) { cost[i + 1, 0] = far; cost[i + 1, 1] = i }
    for (j = 0; j <= rights; j++) { cost[0, j + 1] = far; cost[1, j + 1] = j }
    for (i = 1; i <= lefts; i++) {
        column = 0
        for (j = 1; j <= rights; j++) {
            letter = substr(right, j, 1)
            row = letter in last ? last[letter] : 0
            same = substr(left, i, 1) == letter
            at = cost[row, column] + (i - row - 1) + 1 + (j - column - 1)
            at = least(at, least(cost[i, j + 1], cost[i + 1, j]) + 1)
            cost[i + 1, j + 1] = least(at, cost[i, j] + !same)
            if (same) column = j
        }
        last[substr(left, i, 1)] = i
    }
    return cost[lefts + 1, rights + 1]
}
NR == 1 { written = tolower($0); number = digits(written); next }
# Another number is another node, and no slip; and where so many letters are more or less, the distance is no smaller.
digits($0) != number || length($0) - length(written) > 2 || length(written) - length($0) > 2 { next }
{
    found = distance(written, $0)
    if (best != "" && found == far_off) is_only = 0
    if (best == "" || found < far_off) { best = $0; far_off = found; is_only = 1 }
}
END { if (best != "" && is_only && far_off <= 2 && far_off < length(best)) print best }
