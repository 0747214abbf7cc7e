//! The whole road of a cluster that runs: surveys, `init --from`, the keys that its list names, a build, the files of the
//! bundle beside those that were there, and what `plan --against` says of them.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certferry::kubeconfig::Kubeconfig;
use certferry::x509::{ReadCertificate, read_pem};

use super::compare::found;
use crate::common::desk::Desk;
use crate::common::{certferry, files, succeed, tool};

/// A cluster on its way: `surveys`, `out` with the profile, and `new/NODE` with the files of the bundle.
pub struct Road {
    pub desk: Desk,
    /// The name of the cluster.
    pub name: String,
    /// What `init --from` said.
    pub said: String,
    /// What was there: each node with its root.
    roots: Vec<(String, PathBuf)>,
}

impl Road {
    /// Surveys the nodes and makes the profile. `roots` holds the root of each node, under the node's name.
    pub fn begin(roots: &Path, further: &[(&str, &str)]) -> Self {
        let mut names: Vec<_> = fs::read_dir(roots).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        let roots: Vec<_> = names.iter().map(|name| (name.to_str().unwrap().to_owned(), roots.join(name))).collect();
        let desk = Desk::new();
        fs::create_dir(desk.path("surveys")).unwrap();
        for (node, root) in &roots {
            let survey = succeed(certferry().arg("survey").arg("--root").arg(root));
            desk.write(&format!("surveys/{node}.toml"), survey);
        }
        for (file, text) in further {
            desk.write(&format!("surveys/{file}"), text);
        }
        let said = desk.succeed("init --from surveys --out out");
        let name = said.lines().next().unwrap().strip_prefix("out/").and_then(|line| line.strip_suffix(".toml"));
        let name = name.unwrap_or_else(|| panic!("{said}")).to_owned();
        Self { desk, name, said, roots }
    }

    pub fn profile(&self) -> String {
        self.desk.text(&format!("out/{}.toml", self.name))
    }

    pub fn root(&self, node: &str) -> &Path {
        &self.roots.iter().find(|(name, _)| name == node).unwrap().1
    }

    /// Brings every key that the profile says to bring. `vault` is where a key lies that is on no node.
    pub fn bring(&self, vault: Option<&Path>) {
        for line in self.profile().lines() {
            let Some((path, source)) = line.strip_prefix("key = \"").and_then(|rest| rest.split_once("\"  # ")) else {
                continue;
            };
            let of_node = source.strip_prefix("bring it: /").and_then(|rest| rest.split_once(" of "));
            let from = match of_node {
                Some((place, node)) => self.root(node).join(place),
                None => {
                    assert_eq!(source, "bring it: it is on no node that was surveyed", "{line}");
                    vault.unwrap_or_else(|| panic!("{line}")).join(path.strip_prefix("adopted/").unwrap())
                }
            };
            succeed(tool("install").args(["-m", "600"]).arg(from).arg(self.desk.path(&format!("out/{path}"))));
        }
    }

    /// Runs what must succeed. Warnings are none of a failure: CAs of others have what strict programs refuse, and nodes of
    /// others have what a profile is warned of.
    fn run(&self, line: &str) -> String {
        let ended = self.desk.run(line);
        assert_eq!(ended.code, Some(0), "{line}: {}", ended.stderr);
        assert!(ended.stderr.is_empty() || ended.stderr.starts_with("warning: "), "{line}: {}", ended.stderr);
        ended.stdout
    }

    /// What becomes of each file: the word for it and the path, node by node.
    pub fn plan(&self) -> Vec<(String, String)> {
        let said = self.run(&format!("plan out/{}.toml --against surveys -v", self.name));
        let rows = said.lines().filter_map(|line| line.strip_prefix("  "));
        let rows = rows.filter_map(|row| row.split_once("  ").map(|(word, rest)| (word.trim(), rest.trim())));
        let rows: Vec<_> = rows.filter(|(_, rest)| rest.contains('/')).collect();
        assert!(rows.len() > 5, "{said}");
        rows.iter().map(|(word, rest)| ((*word).to_owned(), rest.split("  ").next().unwrap().to_owned())).collect()
    }

    /// Builds, and unpacks every node that was surveyed and is in the profile.
    pub fn build(&self) {
        let profile = format!("out/{}.toml", self.name);
        self.run(&format!("build {profile} --seed lab.seed --out built"));
        fs::create_dir(self.desk.path("new")).unwrap();
        let archive = format!("built/{}-g1.tar.gz", self.name);
        self.run(&format!("verify {archive} --key built/{}.pub", self.name));
        for (node, _) in &self.roots {
            if self.profile().contains(&format!("\nname = \"{node}\"")) {
                let key = format!("--key built/{}.pub", self.name);
                self.run(&format!("unpack {archive} {key} --node {node} --root new/{node}"));
            }
        }
    }

    /// Asserts that the new files of a node are the old ones, but for dates, serials and the keys of leaves. Returns the new
    /// files that were not there.
    pub fn compare(&self, node: &str) -> BTreeSet<String> {
        let (old, new) = (self.root(node), self.desk.path(&format!("new/{node}")));
        let mut missing = BTreeSet::new();
        let mut compared = 0;
        for file in files(&new) {
            // The file in the store has the day in its name; the link to it is compared.
            if file.starts_with("var/lib/kubelet/pki/kubelet-client-2") {
                continue;
            }
            if !old.join(&file).exists() {
                missing.insert(file);
                continue;
            }
            let context = format!("{node} {file}");
            let mode = |root: &Path| fs::metadata(root.join(&file)).unwrap().permissions().mode() & 0o7777;
            assert_eq!(mode(&new), mode(old), "{context}");
            let text = |root: &Path| fs::read_to_string(root.join(&file)).unwrap();
            assert_same_file(&text(old), &text(&new), &context);
            compared += 1;
        }
        assert!(compared > 3, "{node}: only {compared}");
        missing
    }

    /// Goes all the way. Nothing but dates, serials and keys may differ, and the plan must say so: each file is new where it
    /// was not there, and else the same, renewed, or has another key.
    pub fn end(&self, vault: Option<&Path>) {
        self.bring(vault);
        let plan = self.plan();
        for (word, path) in &plan {
            assert!(["same", "renewed", "other key", "new", "stays"].contains(&word.as_str()), "{word} {path}");
        }
        self.build();
        let mut missing = BTreeSet::new();
        let nodes = self.roots.iter().filter(|(node, _)| self.desk.exists(&format!("new/{node}")));
        for (node, _) in nodes {
            missing.extend(self.compare(node));
        }
        let said: BTreeSet<_> = plan.iter().filter(|(word, _)| word == "new").map(|(_, path)| path.clone()).collect();
        let is_store = |path: &&String| path.starts_with("var/lib/kubelet/pki/kubelet-client-");
        assert_eq!(
            said.iter().filter(|path| !is_store(path)).collect::<Vec<_>>(),
            missing.iter().filter(|path| !is_store(path)).collect::<Vec<_>>()
        );
    }
}

pub fn first_certificate(text: &str) -> ReadCertificate {
    const END: &str = "-----END CERTIFICATE-----\n";
    let begin = text.find("-----BEGIN CERTIFICATE-----").unwrap();
    let end = text[begin..].find(END).unwrap() + END.len();
    ReadCertificate::from_pem(&text.as_bytes()[begin..begin + end]).unwrap()
}

fn assert_same_certificate(old: &str, new: &str, context: &str) {
    let (old, new) = (first_certificate(old), first_certificate(new));
    assert_eq!(found(&new), found(&old), "{context}");
    // Go compares names byte for byte.
    assert_eq!(new.issuer_der(), old.issuer_der(), "{context}: {} and {}", new.issuer(), old.issuer());
    assert_eq!(new.is_ca(), old.is_ca(), "{context}");
    if old.is_ca() {
        assert_eq!(new.subject_der(), old.subject_der(), "{context}");
        assert_eq!(new.spki_der(), old.spki_der(), "{context}");
        assert_eq!(new.subject_key_identifier(), old.subject_key_identifier(), "{context}");
    } else {
        assert_ne!(new.spki_der(), old.spki_der(), "{context}");
        assert!(new.not_after() > old.not_after(), "{context}");
    }
}

fn assert_same_file(old: &str, new: &str, context: &str) {
    if context.ends_with(".conf") {
        let read = |text: &str| Kubeconfig::read(text.as_bytes()).unwrap();
        let (there, made) = (read(old), read(new));
        assert_eq!(made.clusters[0].server, there.clusters[0].server, "{context}");
        assert_eq!(made.clusters[0].name, there.clusters[0].name, "{context}");
        assert_eq!(made.current_context, there.current_context, "{context}");
        assert_eq!(made.users[0].name, there.users[0].name, "{context}");
        for field in ["certificate-authority-data", "client-certificate-data"] {
            if let (Some(old), Some(new)) = (embedded(old, field), embedded(new, field)) {
                assert_same_certificate(&old, &new, context);
            }
        }
    } else if new.contains("-----BEGIN CERTIFICATE-----") {
        assert_same_certificate(old, new, context);
    } else {
        let key = |text: &str| {
            // openssl writes the curve in a block of its own before the key.
            let text = text.find("-----BEGIN EC PRIVATE KEY-----").map_or(text, |begin| &text[begin..]);
            read_pem(text.as_bytes()).unwrap_or_else(|error| panic!("{context}: {error}")).public_keys
        };
        let is_kept = ["/ca.key", "/front-proxy-ca.key", "/sa.key"].iter().any(|end| context.ends_with(end));
        match context.ends_with(".pub") {
            true => assert_eq!(new, old, "{context}"),
            false => assert_eq!(key(new) == key(old), is_kept, "{context}"),
        }
    }
}

/// The PEM that a kubeconfig has in a field.
pub fn embedded(kubeconfig: &str, field: &str) -> Option<String> {
    let data = kubeconfig.lines().find_map(|line| line.trim().strip_prefix(field)?.strip_prefix(": "))?;
    Some(String::from_utf8(STANDARD.decode(data).unwrap()).unwrap())
}
