# Writes the programs of a static pod, from its flattened manifest. Fails with 4 if it is not a pod with a container.

BEGIN { FS = "\t" }
first == "" { first = $1 }
$1 == first { found[$2] = $3; order[++lines] = $2 }

function at(path) { return path in found ? found[path] : "" }

END {
    if (at("kind") != "Pod") exit 4
    containers = 0
    for (line = 1; line <= lines; line++)
        if (order[line] ~ /^spec\.containers\.[0-9]+(\.|$)/) {
            split(order[line], keys, ".")
            if (keys[3] + 1 > containers) containers = keys[3] + 1
        }
    if (!containers) exit 4
    if (containers > 512) exit 5
    known = 0
    for (container = 0; container < containers; container++) {
        read_container("spec.containers." container)
        known += is_program(PROGRAM)
    }
    for (container = 0; container < containers; container++) {
        read_container("spec.containers." container)
        if (known ? is_program(PROGRAM) : !container)
            write_program(PROGRAM, "static-pod", place, version_of(at("spec.containers." container ".image")))
    }
}

function read_container(path,    count, words, script, number, key, scripts) {
    count = 0
    for (key = 1; key <= 2; key++)
        for (number = 0; number < 4096; number++) {
            if (!((path (key == 1 ? ".command." : ".args.") number) in found)) break
            words[++count] = found[path (key == 1 ? ".command." : ".args.") number]
        }
    if (count && base(words[1]) ~ /^(sh|bash|ash|dash)$/)
        for (number = 1; number < count; number++)
            if (words[number] == "-c" || words[number] == "-ec") {
                script = words[number + 1]
                count = shell_words(script, words)
                break
            }
    FLAGS = 0
    find_program(words, count)
    if (PROGRAM == "etcd") {
        FLAGS = 0
        for (number = 0; (path ".env." number ".name") in found; number++)
            add_variable(found[path ".env." number ".name"], at(path ".env." number ".value"))
        find_program(words, count)
    }
    MOUNTS = 0
    for (number = 0; number < 512 && (path ".volumeMounts." number ".name") in found; number++)
        add_mount(path ".volumeMounts." number)
}

function add_mount(path,    number, name, outer) {
    if (!((path ".mountPath") in found)) return
    name = found[path ".name"]
    for (number = 0; number < 512 && (("spec.volumes." number ".name") in found); number++)
        if (found["spec.volumes." number ".name"] == name) {
            outer = at("spec.volumes." number ".hostPath.path")
            break
        }
    if (outer == "") return
    MOUNTS++
    inside[MOUNTS] = found[path ".mountPath"]
    sub(/\/+$/, "", inside[MOUNTS])
    sub(/\/+$/, "", outer)
    outside[MOUNTS] = outer ((path ".subPath") in found ? "/" found[path ".subPath"] : "")
}

function version_of(image,    count, numbers) {
    sub(/@.*$/, "", image)
    if (!index(image, ":")) return ""
    sub(/^.*:/, "", image)
    sub(/^v+/, "", image)
    count = split(image, numbers, /[.+-]/)
    if (count < 3 || numbers[1] !~ /^[0-9]+$/ || numbers[2] !~ /^[0-9]+$/ || numbers[3] !~ /^[0-9]+$/) return ""
    return (numbers[1] + 0) "." (numbers[2] + 0) "." (numbers[3] + 0)
}
