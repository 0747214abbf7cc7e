//! Writes a survey as TOML (the manual, chapter formats, section 7). `survey.sh` writes the same bytes.

use std::fmt::Write;

use super::{Kubeconfig, Node, Program, ProgramKind, Setting, Survey};

/// What stands before the first key, for whoever lets the file pass.
pub(super) const HEAD: &str = "\
# The public facts of a node, for `certferry init --from`: certificates, names, addresses, places, modes, and of private
# keys the SHA-256 of their public halves. There is no key, token or password in it (certferry help survey).
";

impl Survey {
    /// Returns the survey as it is written.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = Text(format!("{HEAD}survey = {}\n", self.survey));
        text.node(&self.node);
        for program in &self.programs {
            text.program(program);
        }
        for configuration in &self.configurations {
            text.table("[configuration]");
            text.pair("path", &configuration.path);
            text.pair("kind", &configuration.kind);
            text.settings(&configuration.settings);
        }
        for file in &self.files {
            text.table("[file]");
            text.rights(&file.path, &file.mode, file.owner, file.group);
            text.pem("certificates", &file.certificates);
            text.list("private_keys", &file.private_keys);
            text.pem("public_keys", &file.public_keys);
        }
        for kubeconfig in &self.kubeconfigs {
            text.kubeconfig(kubeconfig);
        }
        for link in &self.links {
            text.table("[link]");
            text.pair("path", &link.path);
            text.pair("leads_to", &link.leads_to);
        }
        for unread in &self.unread {
            text.table("[unread]");
            text.pair("path", &unread.path);
            text.pair("reason", &unread.reason);
        }
        text.0
    }
}

struct Text(String);

impl Text {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn table(&mut self, name: &str) {
        self.line("");
        self.line(&format!("[{name}]"));
    }

    fn pair(&mut self, key: &str, value: &str) {
        let line = format!("{key} = {}", quoted(value));
        self.line(&line);
    }

    fn optional(&mut self, key: &str, value: Option<&String>) {
        if let Some(value) = value {
            self.pair(key, value);
        }
    }

    fn list(&mut self, key: &str, values: &[String]) {
        if !values.is_empty() {
            let values: Vec<_> = values.iter().map(|value| quoted(value)).collect();
            self.line(&format!("{key} = [{}]", values.join(", ")));
        }
    }

    /// Writes blocks of PEM, which hold nothing that has to be escaped.
    fn pem(&mut self, key: &str, blocks: &[String]) {
        if blocks.is_empty() {
            return;
        }
        self.line(&format!("{key} = ["));
        for block in blocks {
            self.line(&format!("\"\"\"\n{block}\"\"\","));
        }
        self.line("]");
    }

    fn rights(&mut self, path: &str, mode: &str, owner: u32, group: u32) {
        self.pair("path", path);
        self.pair("mode", mode);
        self.line(&format!("owner = {owner}"));
        self.line(&format!("group = {group}"));
    }

    fn settings(&mut self, settings: &[Setting]) {
        if settings.is_empty() {
            return;
        }
        self.line("settings = [");
        for Setting { name, value, at } in settings {
            let at = at.as_ref().map(|at| format!(", at = {}", quoted(at))).unwrap_or_default();
            self.line(&format!("  {{ name = {}, value = {}{at} }},", quoted(name), quoted(value)));
        }
        self.line("]");
    }

    fn node(&mut self, node: &Node) {
        self.table("node");
        self.optional("host_name", node.host_name.as_ref());
        self.optional("node_name", node.node_name.as_ref());
        self.optional("role", node.role.as_ref());
        self.optional("kubernetes", node.kubernetes.as_ref());
        self.list("addresses", &node.addresses);
    }

    fn program(&mut self, program: &Program) {
        self.table("[program]");
        self.pair("name", &program.name);
        let kind = match program.kind {
            ProgramKind::StaticPod => "static-pod",
            ProgramKind::Service => "service",
            ProgramKind::Environment => "environment",
        };
        self.pair("kind", kind);
        self.pair("path", &program.path);
        self.optional("version", program.version.as_ref());
        self.settings(&program.settings);
        self.list("withheld", &program.withheld);
    }

    fn kubeconfig(&mut self, kubeconfig: &Kubeconfig) {
        self.table("[kubeconfig]");
        self.rights(&kubeconfig.path, &kubeconfig.mode, kubeconfig.owner, kubeconfig.group);
        self.optional("current_context", kubeconfig.current_context.as_ref());
        for cluster in &kubeconfig.clusters {
            self.table("[kubeconfig.cluster]");
            self.pair("name", &cluster.name);
            self.optional("server", cluster.server.as_ref());
            self.optional("tls_server_name", cluster.tls_server_name.as_ref());
            self.optional("certificate_authority", cluster.certificate_authority.as_ref());
            self.pem("certificates", &cluster.certificates);
        }
        for user in &kubeconfig.users {
            self.table("[kubeconfig.user]");
            self.pair("name", &user.name);
            self.optional("client_certificate", user.client_certificate.as_ref());
            self.optional("client_key", user.client_key.as_ref());
            self.pem("certificates", &user.certificates);
            self.list("private_keys", &user.private_keys);
            self.list("withheld", &user.withheld);
        }
        for context in &kubeconfig.contexts {
            self.table("[kubeconfig.context]");
            self.pair("name", &context.name);
            self.pair("cluster", &context.cluster);
            self.pair("user", &context.user);
        }
    }
}

/// Returns a basic string of TOML that is printable ASCII.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        let number = u32::from(letter);
        // Writing to a String cannot fail.
        let _ = match letter {
            '"' | '\\' => write!(quoted, "\\{letter}"),
            ' '..='~' => write!(quoted, "{letter}"),
            _ if number <= 0xffff => write!(quoted, "\\u{number:04X}"),
            _ => write!(quoted, "\\U{number:08X}"),
        };
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::quoted;
    use crate::survey::{
        Configuration, File, Kubeconfig, KubeconfigCluster, KubeconfigContext, KubeconfigUser, Link, Node, Program,
        ProgramKind, Setting, Survey, SurveyError, Unread,
    };

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn one(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    /// A survey in which every key stands.
    fn whole() -> Survey {
        let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let settings = vec![
            Setting { name: "a".into(), value: "/x".into(), at: one("y/x") },
            Setting { name: "b".into(), value: "1".into(), at: None },
        ];
        Survey {
            survey: 1,
            node: Node {
                host_name: one("h\u{e9}\u{1f980}\"\\\n"),
                node_name: one("n"),
                role: one("worker"),
                kubernetes: one("1.24.15"),
                addresses: texts(&["10.0.0.1", "fd00::1"]),
            },
            programs: vec![Program {
                name: "etcd".into(),
                kind: ProgramKind::StaticPod,
                path: "p".into(),
                version: one("3.5.6"),
                settings: settings.clone(),
                withheld: texts(&["x", "y"]),
            }],
            configurations: vec![Configuration { path: "c".into(), kind: "K".into(), settings }],
            files: vec![File {
                path: "f".into(),
                mode: "0644".into(),
                owner: 0,
                group: 7,
                certificates: texts(&[pem, pem]),
                private_keys: texts(&["00"]),
                public_keys: texts(&[pem]),
            }],
            kubeconfigs: vec![Kubeconfig {
                path: "k".into(),
                mode: "0600".into(),
                owner: 1,
                group: 2,
                current_context: one("c"),
                clusters: vec![KubeconfigCluster {
                    name: String::new(),
                    server: one("https://h"),
                    tls_server_name: one("t"),
                    certificate_authority: one("ca"),
                    certificates: texts(&[pem]),
                }],
                users: vec![KubeconfigUser {
                    name: "u".into(),
                    client_certificate: one("c"),
                    client_key: one("k"),
                    certificates: texts(&[pem]),
                    private_keys: texts(&["11"]),
                    withheld: texts(&["token"]),
                }],
                contexts: vec![KubeconfigContext { name: "x".into(), cluster: "y".into(), user: "z".into() }],
            }],
            links: vec![Link { path: "l".into(), leads_to: "m".into() }],
            unread: vec![Unread { path: "z".into(), reason: "nothing is there".into() }],
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let survey = whole();
        assert_eq!(Survey::parse(survey.to_text().as_bytes()).unwrap(), survey);
        let least = Survey { node: Node::default(), ..Survey::parse(b"survey = 1\n[node]\n").unwrap() };
        assert_eq!(Survey::parse(least.to_text().as_bytes()).unwrap(), least);
    }

    #[test]
    fn every_text_is_one_line_of_printable_ascii() {
        assert_eq!(quoted("a\"\\\n\u{7f}\u{e9}\u{1f980}"), r#""a\"\\\u000A\u007F\u00E9\U0001F980""#);
        assert!(whole().to_text().bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n')));
    }

    #[test]
    fn what_is_no_survey_says_so() {
        let error = |text: &[u8]| Survey::parse(text).err().map(|error| error.to_string()).unwrap_or_default();
        for (text, expected) in [
            (&b"format = 1\n"[..], "is no survey"),
            (b"", "is no survey"),
            (b"surveys = 1\n", "is no survey"),
            (b"\xff", "is not UTF-8"),
            (b"# head\n\nsurvey = 2\nx = 1\n", "is a survey of format 2; this version reads format 1"),
        ] {
            assert_eq!(error(text), expected);
        }
        assert!(matches!(Survey::parse(b"survey = 1\n"), Err(SurveyError::Syntax(_))), "no node");
        assert!(matches!(Survey::parse(b"survey = 1\n[node]\nx = 1\n"), Err(SurveyError::Syntax(_))));
        assert_eq!(Survey::parse(&vec![b'#'; Survey::LIMIT + 1]), Err(SurveyError::TooLarge));
    }
}
