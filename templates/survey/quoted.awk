# Writes texts as TOML does: basic strings of printable ASCII.

BEGIN { for (number = 1; number < 256; number++) octet[sprintf("%c", number)] = number }

function quoted(text,    done, place, letter, number, more, least, taken) {
    if (text !~ /[^] !#-[^-~]/) return "\"" text "\""
    done = ""
    for (place = 1; place <= length(text); place++) {
        letter = substr(text, place, 1)
        number = octet[letter]
        if (letter == "\"" || letter == "\\") done = done "\\" letter
        else if (number >= 32 && number < 127) done = done letter
        else if (number < 128) done = done sprintf("\\u%04X", number)
        else {
            # UTF-8.
            more = number >= 240 && number < 245 ? 3 : number >= 224 && number < 240 ? 2 : number >= 194 && number < 224
            least = more == 3 ? 65536 : more == 2 ? 2048 : 128
            number = more == 3 ? number - 240 : more == 2 ? number - 224 : number - 192
            for (taken = 0; taken < more; taken++) {
                letter = octet[substr(text, place + taken + 1, 1)]
                if (letter < 128 || letter > 191) break
                number = number * 64 + letter - 128
            }
            if (!more || taken < more || number < least || number > 1114111 || number >= 55296 && number < 57344) {
                done = done "\\uFFFD"
                continue
            }
            place += more
            done = done sprintf(number > 65535 ? "\\U%08X" : "\\u%04X", number)
        }
    }
    return "\"" done "\""
}
