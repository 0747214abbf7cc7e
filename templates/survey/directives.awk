# The directives of a unit that matter, in order: `KEY VALUE`. A line that ends in a backslash goes on.

function directive(line,    place, key, value) {
    gsub(/^[ \t\r]+|[ \t\r]+$/, "", line)
    place = index(line, "=")
    if (!place || line ~ /^[#;]/) return
    key = substr(line, 1, place - 1)
    value = substr(line, place + 1)
    gsub(/[ \t]+$/, "", key)
    gsub(/^[ \t]+/, "", value)
    if (key ~ /^(ExecStart|Environment|EnvironmentFile)$/) print key " " value
}

{ sub(/\r$/, "") }
{ line = line $0 }
/\\$/ { line = substr(line, 1, length(line) - 1) " "; next }
{ directive(line); line = "" }
END { directive(line) }
