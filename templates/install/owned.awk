# Whose each certificate is: reads a line for each file that has certificates, then these files, each behind a word that is
# none. Prints the line of its file for each certificate.

BEGIN { for (i = 2; i < ARGC; i += 2) ARGV[i] = "" }
FILENAME == ARGV[1] { owner[FNR] = $0; next }
# A file may be empty.
FNR == 1 { do file++; while (ARGV[2 * file + 1] != FILENAME) }
/^-----BEGIN CERTIFICATE-----/ { print owner[file] }
