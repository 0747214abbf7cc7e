# Says whose the dates are that openssl prints: reads the path of each certificate, then the text of openssl. Fails when
# there are not as many certificates as paths.

FILENAME == ARGV[1] { owner[++owners] = $1; field[owners] = $2; next }
/^ *Not (Before|After) *: / {
    sub(/^ *Not /, "")
    sub(/ *: /, " ")
    if ($1 == "Before") certificates++
    print owner[certificates], $0, field[certificates]
    dates++
}
END { exit certificates != owners || dates != 2 * owners }
