//! The manual. It is inside the program, because an isolated node has no web.

/// A chapter: its name, its purpose in one line, and its text.
pub(crate) type Chapter = (&'static str, &'static str, &'static str);

/// The chapters, in the order in which a newcomer reads them.
pub(crate) const CHAPTERS: &[Chapter] = &[
    ("quickstart", "from nothing to files on a node", include_str!("quickstart.md")),
    ("profile", "every key of a profile, its default, and what a change costs", include_str!("profile.md")),
    ("existing-clusters", "a cluster that runs: keep its CAs, renew everything", include_str!("existing-clusters.md")),
    ("import", "a profile of a cluster that runs, of surveys and kubeadm's configuration", include_str!("import.md")),
    ("far-side", "check and install a bundle on an isolated node", include_str!("far-side.md")),
    ("fleet", "many nodes with Ansible: carry, install in waves, go back", include_str!("fleet.md")),
    ("adding-a-node", "make, carry and install one node's files", include_str!("adding-a-node.md")),
    ("rotation", "other keys for a node, service accounts, a CA", include_str!("rotation.md")),
    ("expired", "certificates have ended: what to do at once, and what then", include_str!("expired.md")),
    ("survey", "the public facts of a node, for a profile of a cluster that already runs", include_str!("survey.md")),
    ("sealing", "seeds, adopted keys and bundles under a passphrase or to recipients", include_str!("sealing.md")),
    ("ceremony", "two people make the keys: a check list, and the seed on paper", include_str!("ceremony.md")),
    ("signer", "a bundle that somebody else signs: a second person, a token, openssl", include_str!("signer.md")),
    ("users", "kubeconfigs, their RBAC, break-glass, clients of etcd", include_str!("users.md")),
    ("metallb", "MetalLB's webhook, with or without its own rotation", include_str!("metallb.md")),
    ("webhooks", "certificates of admission webhooks, and their caBundles", include_str!("webhooks.md")),
    ("cert-manager", "a CA for cert-manager, and who trusts its root", include_str!("cert-manager.md")),
    ("tls", "TLS Secrets: ingress, registry, Prometheus", include_str!("tls.md")),
    ("inspect", "which certificates there are and when they end; JSON and metrics", include_str!("inspect.md")),
    ("doctor", "find why a node says `x509:`, and the way out", include_str!("doctor.md")),
    ("lints", "the rules that certificates must keep, and where they are stated", include_str!("lints.md")),
    ("kubeadm", "what is as kubeadm does it, and what is deliberately not", include_str!("kubeadm.md")),
    (
        "formats",
        "what is written, bit for bit: enough to check or re-create it without certferry",
        include_str!("formats.md"),
    ),
    ("threat-model", "what certferry protects against, and what not", include_str!("threat-model.md")),
    ("exit-codes", "exit codes and output rules", include_str!("exit-codes.md")),
    ("json", "results for programs: every document of -o json, key by key", include_str!("json.md")),
];

/// The chapters that a person on the far side needs, in Korean. `tests/korean.rs` compares them with the English ones.
pub(crate) const KOREAN: &[Chapter] = &[
    ("quickstart", "처음부터 노드에 파일이 놓일 때까지", include_str!("ko/quickstart.md")),
    ("far-side", "격리된 노드에서 번들을 검사하고 설치하기", include_str!("ko/far-side.md")),
    ("rotation", "노드, 서비스 어카운트, CA의 키를 바꾸기", include_str!("ko/rotation.md")),
    ("expired", "인증서가 만료되었을 때 당장 할 일과 그다음 할 일", include_str!("ko/expired.md")),
    ("doctor", "노드가 왜 `x509:`라고 하는지 찾고 벗어나기", include_str!("ko/doctor.md")),
];
