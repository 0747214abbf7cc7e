# Words of a shell, the program among them, and its flags. The same as in src/tree/process.rs.

# Splits a text into words[1..], and returns how many there are.
function shell_words(text, words,    place, letter, quote, word, is_open_, count) {
    split("", words)
    count = 0
    quote = word = ""
    is_open_ = 0
    for (place = 1; place <= length(text); place++) {
        letter = substr(text, place, 1)
        if (quote != "" && letter == quote) quote = ""
        else if (quote != "\047" && letter == "\\") {
            letter = substr(text, ++place, 1)
            if (letter != "" && letter != "\n") { word = word letter; is_open_ = 1 }
        } else if (quote != "") word = word letter
        else if (letter == "\"" || letter == "\047") { quote = letter; is_open_ = 1 }
        else if (index(" \t\r\n\013\014", letter)) {
            if (is_open_) words[++count] = word
            word = ""
            is_open_ = 0
        } else if (index(";|&><", letter)) {
            if (index("><", letter) && word ~ /^[0-9]*$/) { word = ""; is_open_ = 0 }
            if (is_open_) words[++count] = word
            words[++count] = letter
            word = ""
            is_open_ = 0
        } else { word = word letter; is_open_ = 1 }
    }
    if (is_open_) words[++count] = word
    return count
}

function base(text) { sub(/^.*\//, "", text); return text }

function is_program(name) { return name ~ /^(kube-apiserver|kube-controller-manager|kube-scheduler|etcd|kubelet|kube-proxy)$/ }

function is_operator(word) { return length(word) == 1 && index(";|&><", word) }

# Finds the program among words[1..count]: PROGRAM, and its flags: flag[], given[], dashes[] of 1..FLAGS. Fails with 5 if
# there are more than any program has.
function find_program(words, count,    is_hyperkube, place, name, word, start) {
    is_hyperkube = count && base(words[1]) == "hyperkube"
    PROGRAM = count ? base(words[1]) : ""
    start = 2
    for (place = 1; place <= count; place++) {
        name = base(words[place])
        if (is_hyperkube && name ~ /^(apiserver|controller-manager|scheduler)$/) name = "kube-" name
        else if (!is_program(name)) continue
        PROGRAM = name
        start = place + 1
        break
    }
    for (place = start; place <= count && !is_operator(words[place]); place++) {
        word = words[place]
        if (word !~ /^-/) continue
        if (++FLAGS > 4096) exit 5
        dashes[FLAGS] = word ~ /^--/ ? "--" : "-"
        word = substr(word, length(dashes[FLAGS]) + 1)
        start = index(word, "=")
        if (start) {
            flag[FLAGS] = substr(word, 1, start - 1)
            given[FLAGS] = substr(word, start + 1)
        } else {
            flag[FLAGS] = word
            given[FLAGS] = "true"
            if (place < count && !is_operator(words[place + 1]) && words[place + 1] !~ /^-/) given[FLAGS] = words[++place]
        }
    }
}

# Adds the setting that a variable of etcd stands for.
function add_variable(name, text) {
    if (name !~ /^ETCD_/) return
    if (++FLAGS > 4096) exit 5
    flag[FLAGS] = tolower(substr(name, 6))
    gsub(/_/, "-", flag[FLAGS])
    given[FLAGS] = text
    dashes[FLAGS] = ""
}

# A line of an environment file or of `Environment=`, as VARIABLE and CONTENT. Returns whether it is one.
function variable(line,    place) {
    gsub(/^[ \t\r]+|[ \t\r]+$/, "", line)
    place = index(line, "=")
    if (!place || line ~ /^[#;]/) return 0
    VARIABLE = substr(line, 1, place - 1)
    CONTENT = substr(line, place + 1)
    gsub(/^[ \t]+|[ \t]+$/, "", VARIABLE)
    gsub(/^[ \t]+|[ \t]+$/, "", CONTENT)
    while (VARIABLE ~ /^export /) VARIABLE = substr(VARIABLE, 8)
    if (CONTENT ~ /^".*"$/ && length(CONTENT) > 1 || CONTENT ~ /^\047.*\047$/ && length(CONTENT) > 1)
        CONTENT = substr(CONTENT, 2, length(CONTENT) - 2)
    return 1
}
