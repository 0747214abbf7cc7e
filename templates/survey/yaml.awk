# Flattens YAML: for each text a line with the number of its document, the path of keys to it with the numbers of items
# from 0, and the text, with tabs between. Fails with 3 on what it does not know: block scalars, anchors, tags, escapes;
# and on what would take it long: longer brackets and texts over more lines than such files have.

{
    sub(/\r$/, "")
    line = $0
    if (line ~ /^---([ \t]*|[ \t]+#.*)$/ || line ~ /^\.\.\.[ \t]*$/) { mark(); next }
    if (line ~ /^---/ || line ~ /^%/) fail()
    if (line ~ /^[ ]*(#.*)?$/) next
    match(line, /^ */)
    count++
    indent[count] = RLENGTH
    text[count] = substr(line, RLENGTH + 1)
    sub(/[ \t]+$/, "", text[count])
    if (text[count] ~ /^\t/) fail()
    if (text[count] == "" || substr(text[count], 1, 1) == "#") count--
}

END { if (!failed) mark(); exit failed }

function fail() { failed = 3; exit 3 }

# The end of a document.
function mark() {
    if (count > 0) {
        document++
        at = 1
        depth = 0
        node(-1, "")
        if (at <= count) fail()
    }
    count = 0
}

function is_item(text) { return text == "-" || text ~ /^- / }

# The node that begins at the line `at`, which belongs to something with this indentation.
function node(owner, path) {
    if (++depth > 32) fail()
    if (is_item(text[at])) sequence(indent[at], path)
    else if (cut_key(text[at])) mapping(indent[at], path)
    else value(text[at], owner, path)
    depth--
}

function sequence(own, path,    number, rest) {
    number = 0
    while (at <= count && indent[at] == own && is_item(text[at])) {
        rest = substr(text[at], 2)
        match(rest, /^ */)
        text[at] = substr(rest, RLENGTH + 1)
        if (text[at] == "" || text[at] ~ /^#/) {
            at++
            if (at <= count && indent[at] > own) node(own, path "." number)
        } else {
            indent[at] = own + 1 + RLENGTH
            node(own, path "." number)
        }
        number++
    }
    if (at <= count && indent[at] > own) fail()
}

function mapping(own, path,    below) {
    while (at <= count && indent[at] == own && !is_item(text[at])) {
        if (!cut_key(text[at])) fail()
        below = path == "" ? KEY : path "." KEY
        once(below)
        if (REST == "" || REST ~ /^#/) {
            at++
            if (at <= count && (indent[at] > own || indent[at] == own && is_item(text[at]))) node(own, below)
        } else
            value(REST, own, below)
    }
    if (at <= count && indent[at] > own) fail()
}

# Cuts `key: rest` into KEY and REST. Returns whether there is a key.
function cut_key(text,    first, end) {
    first = substr(text, 1, 1)
    if (first == "[" || first == "{") return 0
    if (first == "\"" || first == "\047") {
        end = quote_end(text, 1)
        if (!end || substr(text, end + 1) !~ /^ *:( |$)/) return 0
        KEY = unquoted(substr(text, 1, end))
        REST = substr(text, end + 1)
        sub(/^ *: */, "", REST)
        return 1
    }
    if (!match(text, /: |:$/)) return 0
    KEY = substr(text, 1, RSTART - 1)
    if (KEY ~ /[ \t]#/ || KEY ~ /^[?&*!|>%@`]/) fail()
    sub(/ +$/, "", KEY)
    REST = substr(text, RSTART + 1)
    sub(/^ +/, "", REST)
    return 1
}

# The value that begins in this line, and goes on in lines that are further in.
function value(text_, owner, path,    first, end, lines_) {
    first = substr(text_, 1, 1)
    if (index("|>&*!%@`", first)) fail()
    at++
    if (first == "[" || first == "{") {
        FLOW = ""
        OPEN = QUOTE = LAST = ""
        while (is_open(text_)) {
            if (at > count || length(FLOW = FLOW text_ " ") > 16384) fail()
            text_ = text[at++]
        }
        text_ = FLOW text_
        if (length(text_) > 16384) fail()
        FLOW = text_
        PLACE = 1
        flow(path)
        if (substr(FLOW, PLACE) !~ /^ *(#.*)?$/) fail()
        return
    }
    if (first == "\"" || first == "\047") {
        while (!(end = quote_end(text_, 1))) {
            if (at > count || ++lines_ > 64) fail()
            text_ = text_ " " text[at++]
        }
        if (substr(text_, end + 1) !~ /^ *( #.*)?$/) fail()
        say(path, unquoted(substr(text_, 1, end)))
        return
    }
    text_ = plain(text_)
    while (at <= count && indent[at] > owner) {
        if (++lines_ > 1000) fail()
        text_ = text_ " " plain(text[at++])
    }
    if (!is_null(text_)) say(path, text_)
}

function plain(text) {
    sub(/[ \t]+#.*$/, "", text)
    return text
}

function is_null(text) { return text == "" || text == "~" || text == "null" || text == "Null" || text == "NULL" }

# Where the quotation ends that begins at a place, or 0.
function quote_end(text, from,    quote, place, letter) {
    quote = substr(text, from, 1)
    for (place = from + 1; place <= length(text); place++) {
        letter = substr(text, place, 1)
        if (letter == "\\" && quote == "\"") place++
        else if (letter == quote) {
            if (quote == "\047" && substr(text, place + 1, 1) == quote) place++
            else return place
        }
    }
    return 0
}

function unquoted(text,    quote, inner, done, letter, place) {
    quote = substr(text, 1, 1)
    inner = substr(text, 2, length(text) - 2)
    if (quote == "\047") { gsub(/\047\047/, "\047", inner); return inner }
    done = ""
    while ((place = index(inner, "\\"))) {
        letter = substr(inner, place + 1, 1)
        if (!index("\"\\/ ", letter) || letter == "") fail()
        done = done substr(inner, 1, place - 1) letter
        inner = substr(inner, place + 2)
    }
    return done inner
}

# Whether brackets or quotations are open at the end of a line, and of the lines before it.
function is_open(text,    place, letter) {
    for (place = 1; place <= length(text); place++) {
        letter = substr(text, place, 1)
        if (QUOTE != "") {
            if (letter == "\\" && QUOTE == "\"") place++
            else if (letter == QUOTE) QUOTE = ""
        } else if (letter == "\"" || letter == "\047" && LAST ~ /^[[{,: ]?$/) QUOTE = letter
        else if (letter == "[" || letter == "{") OPEN++
        else if (letter == "]" || letter == "}") OPEN--
        LAST = letter
    }
    LAST = " "
    return OPEN > 0 || QUOTE != ""
}

function blank() { while (substr(FLOW, PLACE, 1) == " ") PLACE++ }

# A value in brackets: FLOW from PLACE on.
function flow(path,    first, number, key, end) {
    if (++depth > 32) fail()
    blank()
    first = substr(FLOW, PLACE, 1)
    if (first == "[") {
        PLACE++
        number = 0
        for (;;) {
            blank()
            if (substr(FLOW, PLACE, 1) == "]") { PLACE++; break }
            flow(path "." number++)
            comma("]")
        }
    } else if (first == "{") {
        PLACE++
        for (;;) {
            blank()
            first = substr(FLOW, PLACE, 1)
            if (first == "}") { PLACE++; break }
            if (first == "\"" || first == "\047") {
                end = quote_end(FLOW, PLACE)
                key = unquoted(substr(FLOW, PLACE, end - PLACE + 1))
                PLACE = end + 1
                blank()
            } else {
                if (!match(substr(FLOW, PLACE), /^[^][{},:&*!?|>"\047%@`][^][{},:]*/)) fail()
                key = substr(FLOW, PLACE, RLENGTH)
                sub(/ +$/, "", key)
                PLACE += RLENGTH
            }
            if (substr(FLOW, PLACE, 1) != ":") fail()
            PLACE++
            key = path == "" ? key : path "." key
            once(key)
            flow(key)
            comma("}")
        }
    } else if (first == "\"" || first == "\047") {
        end = quote_end(FLOW, PLACE)
        say(path, unquoted(substr(FLOW, PLACE, end - PLACE + 1)))
        PLACE = end + 1
    } else {
        if (index("&*!|>%@`", first)) {
            if (first != "") fail()
        }
        match(substr(FLOW, PLACE), /^[^][{},]*/)
        key = substr(FLOW, PLACE, RLENGTH)
        PLACE += RLENGTH
        sub(/ +$/, "", key)
        if (key ~ /: / || key ~ /:$/ || key ~ / #/) fail()
        if (!is_null(key)) say(path, key)
    }
    depth--
}

function comma(end,    letter) {
    blank()
    letter = substr(FLOW, PLACE, 1)
    if (letter == ",") PLACE++
    else if (letter != end) fail()
}

# No key may stand twice in a mapping.
function once(path) {
    if ((document, path) in met) fail()
    met[document, path] = 1
}

function say(path, text) {
    sub(/^\./, "", path)
    if (path ~ /[\001-\037]/ || text ~ /[\001-\037]/) fail()
    print document "\t" path "\t" text
}
