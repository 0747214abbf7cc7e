//! The command in the manifest of a static pod.

use crate::yaml::texts;

/// The texts of a manifest in their order, which include the words of its command.
#[derive(Default)]
pub(super) struct Manifest {
    texts: Vec<String>,
}

impl Manifest {
    /// Reads a manifest in YAML or JSON, as far as it is that.
    pub(super) fn read(text: &str) -> Self {
        Self { texts: texts(text) }
    }

    /// Returns the value of a flag, which is given as `--flag=value` or as two words. The last one counts, as with Go's
    /// flags.
    pub(super) fn flag(&self, name: &str) -> Option<&str> {
        let mut value = None;
        for (index, text) in self.texts.iter().enumerate() {
            let Some(rest) = text.strip_prefix("--").and_then(|text| text.strip_prefix(name)) else { continue };
            match rest.strip_prefix('=') {
                Some(rest) => value = Some(rest),
                None if rest.is_empty() => value = self.texts.get(index + 1).map(String::as_str),
                None => {}
            }
        }
        value
    }

    /// Returns whether a process was started with every flag of the command. Returns `false` for a command without
    /// flags, because then it is not known.
    pub(super) fn has_started(&self, words: &[String]) -> bool {
        let mut flags = self.texts.iter().filter(|text| text.starts_with("--")).peekable();
        flags.peek().is_some() && flags.all(|flag| words.contains(flag))
    }
}

#[cfg(test)]
mod tests {
    use super::Manifest;

    const POD: &str = "apiVersion: v1
kind: Pod
metadata: {name: etcd, annotations: {kubeadm.kubernetes.io/etcd.advertise-client-urls: 'https://10.0.0.1:2379'}}
spec:
  containers:
  - command:
    - etcd
    - --listen-client-urls=https://127.0.0.1:2379,https://10.0.0.1:2379
    - --name
    - cp-1
    - --v=2
    - \"--v=4\"
    image: etcd:3.4
";

    #[test]
    fn flags_are_read_however_they_are_written() {
        let json = r#"{"spec": {"containers": [{"command": ["etcd", "--name", "cp-1", "--v=2", "--v=4",
            "--listen-client-urls=https://127.0.0.1:2379,https://10.0.0.1:2379"]}]}}"#;
        for text in [POD, json] {
            let manifest = Manifest::read(text);
            assert_eq!(manifest.flag("name"), Some("cp-1"));
            assert_eq!(manifest.flag("v"), Some("4"));
            let urls = "https://127.0.0.1:2379,https://10.0.0.1:2379";
            assert_eq!(manifest.flag("listen-client-urls"), Some(urls));
            for absent in ["listen", "nam", "names", "etcd", ""] {
                assert_eq!(manifest.flag(absent), None, "{absent}");
            }
        }
        assert_eq!(Manifest::read("- a\n- [broken").flag("a"), None);
    }

    #[test]
    fn a_process_is_known_by_its_flags() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let manifest = Manifest::read("command: [etcd, --a=1, --b, c]");
        assert!(manifest.has_started(&words("/usr/bin/etcd --b c --a=1")));
        assert!(!manifest.has_started(&words("etcd --a=2 --b c")));
        assert!(!Manifest::read("command: [etcd]").has_started(&words("etcd")));
    }
}
