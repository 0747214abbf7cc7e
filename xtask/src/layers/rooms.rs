//! The table of rooms, which says which folder of `src` may import which. An arrow that is not here does not exist.

/// A room: a folder or file directly under `src`, which may be a package of its own.
pub(super) struct Room {
    pub(super) name: &'static str,
    /// The rooms that it may import. `room::item` allows only that item.
    pub(super) imports: &'static [&'static str],
    /// Whether it may touch the machine: files, environment, clock, terminal.
    pub(super) touches_machine: bool,
}

const fn pure(name: &'static str, imports: &'static [&'static str]) -> Room {
    Room { name, imports, touches_machine: false }
}

const fn outer(name: &'static str, imports: &'static [&'static str]) -> Room {
    Room { name, imports, touches_machine: true }
}

/// The rooms, from the values at the bottom to the command line on top.
pub(super) const ROOMS: &[Room] = &[
    pure("manual", &[]),
    pure("schema", &[]),
    pure("markdown", &[]),
    pure("template", &[]),
    pure("det_keygen", &[]),
    pure("x509", &[]),
    pure("yaml", &[]),
    pure("kubeconfig", &["template", "yaml"]),
    pure("kubernetes", &["x509"]),
    pure("go", &["x509"]),
    pure("words", &[]),
    pure("shares", &["words"]),
    pure("seal", &[]),
    pure("sign", &["words"]),
    pure("lint", &["kubernetes", "x509"]),
    pure("keys", &["det_keygen", "kubernetes", "x509"]),
    pure("profile", &["kubernetes", "x509", "seal", "sign"]),
    pure("plan", &["profile", "kubernetes", "keys::Label", "x509"]),
    pure("adopted", &["profile", "plan", "keys", "lint", "go", "kubernetes", "x509"]),
    pure("issue", &["plan", "keys", "lint", "kubernetes", "x509"]),
    pure("bundle", &["sign", "kubernetes", "x509"]),
    pure(
        "layout",
        &["plan", "issue", "keys", "bundle", "profile", "kubernetes", "x509", "kubeconfig", "yaml", "template"],
    ),
    pure("lock", &["plan", "issue", "keys", "bundle", "kubernetes", "x509"]),
    pure("verify", &["bundle", "sign", "lint", "kubernetes", "x509", "kubeconfig"]),
    pure(
        "make",
        &[
            "adopted",
            "profile",
            "plan",
            "keys",
            "issue",
            "layout",
            "lock",
            "verify",
            "bundle",
            "seal",
            "sign",
            "kubernetes",
            "x509",
        ],
    ),
    pure("report", &["verify", "kubernetes", "x509", "kubeconfig", "yaml"]),
    pure("diff", &["make::Comparison", "plan", "lock", "report", "bundle", "kubernetes", "x509", "kubeconfig"]),
    outer("host", &["x509::is_unseen"]),
    pure("tree", &["go", "kubernetes", "x509", "kubeconfig", "yaml", "host"]),
    pure("node", &["tree", "verify", "bundle", "sign", "kubernetes", "x509", "kubeconfig", "yaml", "host"]),
    pure(
        "doctor",
        &["tree", "verify", "lint", "report", "go", "node", "kubernetes", "x509", "kubeconfig", "yaml", "host"],
    ),
    pure("survey", &["tree", "go", "kubernetes", "x509", "kubeconfig", "yaml"]),
    pure("import", &["survey", "plan", "kubernetes", "x509", "yaml"]),
    outer(
        "cli",
        &[
            "manual",
            "schema",
            "markdown",
            "template",
            "words",
            "shares",
            "seal",
            "x509",
            "kubeconfig",
            "sign",
            "lint",
            "kubernetes",
            "profile",
            "adopted",
            "keys",
            "plan",
            "issue",
            "bundle",
            "layout",
            "lock",
            "verify",
            "make",
            "report",
            "host",
            "tree",
            "survey",
            "import",
            "doctor",
            "diff",
            "node",
        ],
    ),
    outer("main", &["cli"]),
];

/// Returns the room of that name.
pub(super) fn room(name: &str) -> Option<&'static Room> {
    ROOMS.iter().find(|room| room.name == name)
}

impl Room {
    /// Returns whether this room may import the item at `path`, which begins with the other room's name.
    pub(super) fn may_import(&self, path: &[String]) -> bool {
        let begins = |import: &str| import.split("::").zip(path).all(|(wanted, found)| wanted == found);
        let long_enough = |import: &str| import.split("::").count() <= path.len();
        self.imports.iter().any(|import| long_enough(import) && begins(import))
    }
}

/// The paths that only a room that touches the machine may name, each with what it reaches.
pub(super) const MACHINE: &[(&str, &str)] = &[
    ("std::fs", "the disk"),
    ("rustix", "the disk"),
    ("tempfile", "the disk"),
    ("walkdir", "the disk"),
    ("std::env", "the environment"),
    ("std::process::Command", "other programs"),
    ("std::net::TcpListener", "the network"),
    ("std::net::TcpStream", "the network"),
    ("std::net::UdpSocket", "the network"),
    ("std::thread::sleep", "the clock"),
    ("std::time::Instant", "the clock"),
    ("std::time::SystemTime", "the clock"),
    ("time::OffsetDateTime::now_local", "the clock"),
    ("time::OffsetDateTime::now_utc", "the clock"),
    ("time::UtcDateTime::now", "the clock"),
    ("indicatif", "the terminal"),
    ("std::io::stderr", "the terminal"),
    ("std::io::stdin", "the terminal"),
    ("std::io::stdout", "the terminal"),
];

/// The macros that print.
pub(super) const PRINTING: &[&str] = &["dbg", "eprint", "eprintln", "print", "println"];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{ROOMS, room};

    fn path(text: &str) -> Vec<String> {
        text.split("::").map(str::to_owned).collect()
    }

    /// Returns every room that a room imports, directly or through others.
    fn reach(name: &str) -> BTreeSet<&'static str> {
        let mut reached = BTreeSet::new();
        let mut open = vec![name];
        while let Some(name) = open.pop() {
            for import in room(name).map(|room| room.imports).unwrap_or_default() {
                let import = import.split("::").next().unwrap_or_default();
                if reached.insert(import) {
                    open.push(import);
                }
            }
        }
        reached
    }

    #[test]
    fn every_arrow_leads_down() {
        let mut above = BTreeSet::new();
        for room in ROOMS {
            for import in room.imports {
                let import = import.split("::").next().unwrap_or_default();
                assert!(above.contains(import), "{} imports {import}, which does not stand before it", room.name);
            }
            assert!(above.insert(room.name), "{} stands twice", room.name);
        }
    }

    #[test]
    fn code_on_a_node_cannot_make_keys() {
        for side in ["verify", "report", "tree", "doctor", "node"] {
            for maker in ["profile", "plan", "det_keygen", "keys", "issue"] {
                assert!(!reach(side).contains(maker), "{side} reaches {maker}");
            }
        }
    }

    #[test]
    fn only_the_outer_rooms_reach_the_machine() {
        for room in ROOMS {
            let reaches_host = room.imports.contains(&"host");
            assert_eq!(reaches_host, matches!(room.name, "cli" | "doctor" | "node" | "tree"), "{}", room.name);
            assert_eq!(room.touches_machine, matches!(room.name, "cli" | "host" | "main"), "{}", room.name);
            assert!(room.name == "main" || !room.imports.contains(&"cli"), "{} imports cli", room.name);
        }
    }

    #[test]
    fn an_arrow_may_be_narrow() {
        let allowed = |from: &str, to: &str| room(from).is_some_and(|room| room.may_import(&path(to)));
        assert!(allowed("plan", "profile"));
        assert!(allowed("plan", "profile::Node"));
        assert!(allowed("plan", "keys::Label"));
        assert!(!allowed("plan", "keys::Seed"));
        assert!(!allowed("plan", "keys"));
        assert!(!allowed("plan", "lock::Lock"));
        assert!(!allowed("x509", "sign"));
    }
}
