# One block of a PEM file, by its number.

{ sub(/[ \t\r]+$/, "") }
label == "" && /^-----BEGIN .*-----$/ { label = substr($0, 12, length($0) - 16); number++ }
number == wanted && label != "" { print }
label != "" && $0 == "-----END " label "-----" { if (number == wanted) exit; label = "" }
