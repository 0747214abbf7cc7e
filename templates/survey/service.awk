# Writes the program that a service starts, from lines `F PATH` of a unit or drop-in, `ExecStart ...`, `Environment ...`
# of it, and `V ...` of an environment file.

{ key = $1; value = substr($0, length(key) + 2) }
key == "F" { file = value }
key == "ExecStart" && value == "" { commands = 0 }
key == "ExecStart" && value != "" { command[++commands] = value; said_in[commands] = file }
key == "Environment" {
    count = shell_words(value, words)
    for (number = 1; number <= count; number++) if (variable(words[number])) set()
}
key == "V" && variable(value) { set() }

function set() {
    if (!(VARIABLE in environment)) variables[++all] = VARIABLE
    environment[VARIABLE] = CONTENT
}

END {
    if (all > 4096) exit 5
    for (number = 1; number <= commands; number++) {
        read_command(command[number])
        if (is_program(PROGRAM)) break
    }
    if (number > commands) {
        if (!commands) exit
        read_command(command[number = 1])
    }
    MOUNTS = -1
    write_program(PROGRAM, "service", said_in[number], "")
}

function read_command(text,    count, words, number) {
    sub(/^[@:+!-]+/, "", text)
    count = expanded(text, words)
    FLAGS = 0
    find_program(words, count)
    if (PROGRAM == "etcd") {
        FLAGS = 0
        sort_variables()
        for (number = 1; number <= all; number++) add_variable(variables[number], environment[variables[number]])
        find_program(words, count)
    }
}

function sort_variables(    number, other, text) {
    for (number = 2; number <= all; number++) {
        text = variables[number]
        for (other = number - 1; other > 0 && variables[other] > text; other--) variables[other + 1] = variables[other]
        variables[other + 1] = text
    }
}

# `$X` as a word of its own becomes words; `${X}` and `$X` in a word become a part of it.
function expanded(text, words,    raw, count, number, more, inner, done) {
    count = shell_words(text, raw)
    done = 0
    for (number = 1; number <= count; number++) {
        if (raw[number] ~ /^\$[A-Za-z0-9_]+$/) {
            more = shell_words(environment[substr(raw[number], 2)], inner)
            for (text = 1; text <= more; text++) words[++done] = inner[text]
        } else
            words[++done] = substituted(raw[number])
    }
    return done
}

function substituted(word,    done, place, name, end) {
    done = ""
    while ((place = index(word, "$"))) {
        done = done substr(word, 1, place - 1)
        word = substr(word, place + 1)
        end = index(word, "}")
        if (word ~ /^\{/ && end) {
            name = substr(word, 2, end - 2)
            word = substr(word, end + 1)
        } else {
            match(word, /^[A-Za-z0-9_]*/)
            name = substr(word, 1, RLENGTH)
            word = substr(word, RLENGTH + 1)
        }
        done = done environment[name]
    }
    return done word
}
