# Who reads the files that change, as far as it runs on the node, and who is noted besides. Needs facts.awk.

!is_fresh {
    for (i = 1; i <= reader_rows; i++) if (index($2, beginning[i]) == 1) break
    count = i <= reader_rows ? split(readers[i], list, " ") : 0
    for (i = 1; i <= count; i++) {
        name = list[i]
        if (name == "etcd" ? has_etcd : name == "kubelet" ? role != "etcd" : role == "control-plane") restarts[name] = 1
    }
}
END {
    count = split(noted, list, " ")
    for (i = 1; i <= count; i++) restarts[list[i]] = 1
    count = split(component_names, list, " ")
    text = ""
    for (i = 1; i <= count; i++) if (list[i] in restarts) text = text (text == "" ? "" : " ") list[i]
    print text
}
