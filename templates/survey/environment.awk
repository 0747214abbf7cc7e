# Writes the program `name` that is started with what an environment file says: etcd by its variables, the kubelet by the
# flags in any of them.

{ line = line $0 }
/\\$/ { line = substr(line, 1, length(line) - 1); next }
{ add(line); line = "" }

function add(text,    words, count, number) {
    if (!variable(text)) return
    if (name == "etcd") { add_variable(VARIABLE, CONTENT); return }
    count = shell_words(CONTENT, words)
    for (number = count; number > 0; number--) words[number + 1] = words[number]
    words[1] = name
    find_program(words, count + 1)
}

END {
    add(line)
    MOUNTS = -1
    write_program(name, "environment", place, "")
}
