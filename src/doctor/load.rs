//! Reads the files that programs use, as those programs do, and reports what they would not take.

use std::collections::{BTreeMap, BTreeSet};

use zeroize::Zeroizing;

use super::finding::{Findings, shell_word};
use super::secrets::number_of;
use super::time::Clock;
use super::words::{as_texts, listed_files};
use crate::go::{
    Answer, Block, GoCertificate, GoError, GoVersion, PublicKey, blocks, certificates, check_key_pair, private_key,
    public_keys,
};
use crate::kubernetes::Purpose;
use crate::tree::{API_SERVER, CONTROLLER_MANAGER, GatheredFacts, Named, Shape, Tree, Use};
use crate::x509::instant;

/// What a program took from a file.
pub(super) enum Loaded {
    /// Certificates: of a pair the chain, of a file with CAs all of them.
    Certificates(Vec<GoCertificate>),
    /// Public keys, or the public half of a private key.
    Keys(Vec<PublicKey>),
    /// Nothing, and that was reported; or a kubeconfig, which is judged apart.
    Nothing,
}

/// The state of reading.
pub(super) struct Loader<'a> {
    tree: &'a Tree,
    facts: &'a GatheredFacts,
    clock: Clock,
    /// The folders that are missing as a whole, each with the files that programs read from it.
    folders: BTreeMap<String, BTreeSet<String>>,
    /// The certificates that lie in none of the usual folders: file and number.
    elsewhere: BTreeSet<(String, usize)>,
}

impl<'a> Loader<'a> {
    pub(super) const fn new(tree: &'a Tree, facts: &'a GatheredFacts, clock: Clock) -> Self {
        Self { tree, facts, clock, folders: BTreeMap::new(), elsewhere: BTreeSet::new() }
    }

    /// Reads what a program uses.
    pub(super) fn load(&mut self, used: &Use, findings: &mut Findings) -> Loaded {
        if used.shape == Shape::Kubeconfig {
            // Whoever reads it says more; here it only must be there.
            self.content(used, None, findings);
            return Loaded::Nothing;
        }
        let Some(content) = self.content(used, None, findings) else { return Loaded::Nothing };
        let key = match &used.key {
            Some(key) => match self.content(used, Some(key), findings) {
                Some(key) => Some(key),
                None => return Loaded::Nothing,
            },
            None => None,
        };
        match used.shape {
            Shape::Trust => self.trust(used, &content, findings),
            Shape::Pair(_) => self.pair(used, &content, key.as_ref().map(|key| key.as_slice()), findings),
            Shape::Signer(_) => self.signer(used, &content, key.as_deref().map_or(&[], |key| key), findings),
            Shape::PublicKeys => keys(
                used,
                &content,
                public_keys(&content),
                "does not contain any valid RSA or ECDSA public keys",
                findings,
            ),
            Shape::PrivateKey => {
                let found: Vec<_> = first_private_key(&content).into_iter().collect();
                keys(used, &content, found, "does not contain a valid RSA or ECDSA private key", findings)
            }
            Shape::Kubeconfig => Loaded::Nothing,
        }
    }

    /// Reports the folders that are missing.
    pub(super) fn finish(&mut self, findings: &mut Findings) {
        for (folder, files) in std::mem::take(&mut self.folders) {
            let (count, files) = (files.len().to_string(), listed_files(&files));
            findings.add("missing-folder", &folder, &[("count", &count), ("files", &files)]);
        }
    }

    /// Returns how many certificates lie in none of the usual folders.
    pub(super) fn elsewhere(&self) -> usize {
        self.elsewhere.len()
    }

    /// Returns the content of a file, or of the key beside it, and reports one that is not there.
    fn content(&mut self, used: &Use, key: Option<&Named>, findings: &mut Findings) -> Option<Zeroizing<Vec<u8>>> {
        let (place, named, said) = match key {
            Some(key) => (&key.place, &key.named, &key.said),
            None => (&used.place, &used.named, &used.said),
        };
        if let Some(content) = self.tree.content(place) {
            return Some(content);
        }
        if self.tree.is_there(place) || self.tree.dangling.contains(place) {
            // It is a link that leads nowhere, or it cannot be read: both are told elsewhere.
            return None;
        }
        match self.tree.missing_folder(place) {
            Some(folder) if self.tree.is_nodes(&folder) => {
                self.folders.entry(folder).or_default().insert(place.clone());
            }
            // A tree that was copied has only parts of a node.
            Some(_) => findings.unchecked(place, &format!("/{place}: its folder is not in the tree")),
            None => missing(used, place, named, said, findings),
        }
        None
    }

    fn trust(&mut self, used: &Use, content: &[u8], findings: &mut Findings) -> Loaded {
        let answer = self.facts.go_of(&used.program).ask(|go| certificates(content, go));
        let Some(found) = self.answer(used, content, answer, findings) else { return Loaded::Nothing };
        self.stock(used, &found);
        // One CA that still holds is enough.
        if let Some(last) = found.iter().max_by_key(|authority| authority.not_after()) {
            let first = found.iter().map(GoCertificate::not_before).min().unwrap_or(last.not_before());
            self.clock.check_times(&used.place, &used.place, first, last.not_after(), findings);
        }
        Loaded::Certificates(found)
    }

    fn pair(&mut self, used: &Use, content: &[u8], key: Option<&[u8]>, findings: &mut Findings) -> Loaded {
        let go = self.facts.go_of(&used.program);
        let found = match key {
            Some(key) => {
                let answer = go.ask(|go| check_key_pair(content, key, go));
                self.pair_answer(used, content, key, answer, findings)
            }
            None => self.answer(used, content, go.ask(|go| certificates(content, go)), findings),
        };
        let Some(found) = found else { return Loaded::Nothing };
        self.stock(used, &found);
        if let Some(leaf) = found.first() {
            let own = used.purpose == Purpose::KubeletServing && found.iter().any(|other| leaf.is_signed_by(other));
            if own && self.clock.at > leaf.not_after() {
                let error = GoError::Expired { now: self.clock.at, end: leaf.not_after() }.to_string();
                let values = [("time", instant(leaf.not_after())), ("error", error)];
                findings.add("kubelet-serving-expired", &used.place, &as_texts(&values));
            } else {
                self.clock.check_times(&used.place, &used.place, leaf.not_before(), leaf.not_after(), findings);
            }
            for name in leaf.unusable_names() {
                findings.add_in("garbled-name", &used.place, &used.place, &[("name", &name)]);
            }
            self.later(used, findings, |go| GoCertificate::parse(leaf.der(), go).map(drop));
        }
        Loaded::Certificates(found)
    }

    /// Reports what a program of this version takes and newer ones refuse.
    fn later(&self, used: &Use, findings: &mut Findings, question: impl Fn(GoVersion) -> Result<(), GoError>) {
        if let Answer::Depends { error, who } = self.facts.go_of(&used.program).later().ask(question) {
            let values = [("error", error.to_string()), ("who", who.to_string()), ("program", used.program.clone())];
            findings.add("go-later", &used.place, &as_texts(&values));
        }
    }

    /// Reads the CA with which the controller-manager signs. Source: Kubernetes v1.20.2,
    /// pkg/controller/certificates/signer/ca_provider.go and client-go util/cert `CertsFromFile`.
    fn signer(&mut self, used: &Use, content: &[u8], key: &[u8], findings: &mut Findings) -> Loaded {
        let answer = self.facts.go_of(&used.program).ask(|go| certificates(content, go));
        let Some(found) = self.answer(used, content, answer, findings) else { return Loaded::Nothing };
        if found.len() != 1 && used.program == CONTROLLER_MANAGER {
            let (count, it) = (found.len().to_string(), used.told());
            let values = [("count", count.as_str()), ("named", &used.named), ("authority", &used.place)];
            findings.add_in("signing-cert-count", &used.place, &it, &values);
        }
        let key_place = used.key.as_ref().map_or(&used.place, |key| &key.place);
        match first_private_key(key) {
            None => self.broken_key(
                used,
                key_place,
                key,
                "data does not contain a valid RSA or ECDSA private key",
                findings,
            ),
            Some(key) => {
                if matches!(key, PublicKey::Ed25519(_)) {
                    let named = used.key.as_ref().map_or(&used.named, |key| &key.named);
                    findings.add("ca-key-kubeadm", key_place, &[("named", named)]);
                }
                if found.first().is_some_and(|authority| *authority.key() != key) {
                    let pair = format!("{key_place} is not the key of {}", used.place);
                    findings.add("key-pair", key_place, &[("pair", &pair)]);
                }
            }
        }
        Loaded::Certificates(found)
    }

    /// Returns what both ends of the range of Go take, and reports what they do not.
    fn answer(
        &self,
        used: &Use,
        content: &[u8],
        answer: Answer<Vec<GoCertificate>>,
        findings: &mut Findings,
    ) -> Option<Vec<GoCertificate>> {
        match answer {
            Answer::Takes(found) => Some(found),
            Answer::Refuses(error) => {
                broken(&used.place, used, content, &error.to_string(), findings);
                None
            }
            Answer::Depends { error, who } => {
                let values =
                    [("error", error.to_string()), ("who", who.to_string()), ("program", used.program.clone())];
                findings.add("go-version", &used.place, &as_texts(&values));
                None
            }
            Answer::Unchecked(error) => {
                findings.unchecked(&used.place, &format!("{}: {error}", used.place));
                None
            }
        }
    }

    fn pair_answer(
        &self,
        used: &Use,
        content: &[u8],
        key: &[u8],
        answer: Answer<Vec<GoCertificate>>,
        findings: &mut Findings,
    ) -> Option<Vec<GoCertificate>> {
        let Answer::Refuses(error) = &answer else { return self.answer(used, content, answer, findings) };
        let key_place = used.key.as_ref().map_or(&used.place, |key| &key.place);
        let text = error.to_string();
        if text.contains("does not match public key")
            && let Some(number) = number_of(key, content)
        {
            let values = [("key", key_place.as_str()), ("number", &number.to_string())];
            findings.add("chain-order", &used.place, &values);
            return None;
        }
        if text.contains("does not match public key") {
            let pair = if *key_place == used.place {
                format!("key and certificate in {key_place} do not belong together")
            } else {
                format!("{key_place} is not the key of {}", used.place)
            };
            findings.add("key-pair", key_place, &[("pair", &pair)]);
            // The certificate by itself may still be judged.
            return certificates(content, self.facts.go_of(&used.program).newest).ok();
        }
        let is_about_key =
            text.contains("key input") || text.contains("private key") && !text.contains("certificate input");
        if is_about_key {
            self.broken_key(used, key_place, key, &text, findings);
            return certificates(content, self.facts.go_of(&used.program).newest).ok();
        }
        broken(&used.place, used, content, &text, findings);
        None
    }

    fn broken_key(&self, used: &Use, place: &str, key: &[u8], error: &str, findings: &mut Findings) {
        if is_encrypted(&blocks(key)) {
            return findings.add("key-encrypted", place, &[("error", error), ("program", &used.program)]);
        }
        broken(place, used, key, error, findings);
    }

    fn stock(&mut self, used: &Use, found: &[GoCertificate]) {
        if !self.tree.pki.contains_key(&used.place) {
            self.elsewhere.extend((0..found.len()).map(|number| (used.place.clone(), number)));
        }
    }
}

fn missing(used: &Use, place: &str, named: &str, said: &str, findings: &mut Findings) {
    let program = used.program.as_str();
    if said.is_empty() {
        let values = [("named", named), ("program", program), ("text", used.missing_text())];
        return findings.add("missing", place, &values);
    }
    let manifest = shell_word(&format!("/{}", used.said_in));
    let values = [("named", named), ("program", program), ("manifest", &manifest)];
    let id = match used.flag {
        flag if flag.starts_with("cluster-signing-") => "signing-key-absent",
        _ if program == crate::tree::KUBELET => "kubelet-file",
        _ => "manifest-file",
    };
    findings.add_in(id, place, said, &values);
}

fn broken(place: &str, used: &Use, content: &[u8], error: &str, findings: &mut Findings) {
    let program = used.program.as_str();
    let text = match (program, used.flag) {
        (API_SERVER, "client-ca-file") => {
            format!("error loading CA bundle for \"client-ca-bundle::/{place}\": {error}")
        }
        _ => error.to_owned(),
    };
    if content.windows(JOINED.len()).any(|window| window == JOINED) {
        return findings.add("pem-file-joined", place, &[("error", &text), ("program", program)]);
    }
    let path = shell_word(&format!("/{place}"));
    if let Some((detail, mend)) = other_form(content, &path) {
        let values = [("detail", detail), ("error", &text), ("program", program), ("mend", &mend)];
        return findings.add("file-form", place, &values);
    }
    findings.add("broken-file", place, &[("detail", defect(content)), ("error", &text), ("program", program)]);
}

/// Returns in which form a file holds what it should hold as PEM, and the command that makes PEM of it.
fn other_form(content: &[u8], path: &str) -> Option<(&'static str, String)> {
    // Through a second file that nobody else may read, and back, so that the file keeps its mode and its owner.
    let in_place = |command: &str| {
        format!("`(umask 077; {command} {path} > {path}.new) && cat {path}.new > {path} && rm {path}.new`")
    };
    let has = |mark: &[u8]| content.windows(mark.len()).any(|window| window == mark);
    let is_indented = || {
        let mut lines = content.split(|byte| *byte == b'\n');
        lines.any(|line| line.trim_ascii_start().starts_with(b"-----BEGIN ") && line.first() != Some(&b'-'))
    };
    Some(match content {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            ("is UTF-16, and must be UTF-8: Windows wrote it", in_place("iconv -f UTF-16 -t UTF-8"))
        }
        [0xef, 0xbb, 0xbf, ..] => (
            "begins with a byte order mark, over which programs in Go stumble: Windows wrote it",
            in_place("tail -c +4"),
        ),
        _ if private_key(content).is_ok() => ("is DER, and must be PEM", in_place("openssl pkey -inform DER -in")),
        [0x30, 0x82, ..] => ("is DER, and must be PEM", in_place("openssl x509 -inform DER -in")),
        _ if has(b"-----BEGIN TRUSTED CERTIFICATE-----") => {
            ("is a TRUSTED CERTIFICATE, a form that OpenSSL alone reads", in_place("openssl x509 -in"))
        }
        _ if is_indented() => {
            ("has spaces before -----BEGIN, and PEM begins with the line", in_place("sed 's/^[[:blank:]]*//'"))
        }
        _ => return None,
    })
}

fn keys(used: &Use, content: &[u8], found: Vec<PublicKey>, refusal: &str, findings: &mut Findings) -> Loaded {
    if found.is_empty() {
        broken(&used.place, used, content, &format!("data {refusal}"), findings);
        return Loaded::Nothing;
    }
    Loaded::Keys(found)
}

/// What stands between two blocks that were joined without a line break.
const JOINED: &[u8] = b"----------BEGIN ";

/// Returns what is wrong with a file that no program can use.
pub(super) fn defect(content: &[u8]) -> &'static str {
    let has = |mark: &[u8]| content.windows(mark.len()).any(|window| window == mark);
    match content {
        [] => "is empty",
        _ if content.iter().all(u8::is_ascii_whitespace) => "is empty",
        _ if !has(b"-----BEGIN ") => "is not PEM",
        _ => "cannot be used",
    }
}

/// Returns the public half of the first private key. Source: client-go util/keyutil `ParsePrivateKeyPEM`.
pub(super) fn first_private_key(content: &[u8]) -> Option<PublicKey> {
    let kinds = ["EC PRIVATE KEY", "RSA PRIVATE KEY", "PRIVATE KEY"];
    let blocks = blocks(content).into_iter().filter(|block| kinds.contains(&block.kind.as_str()));
    blocks.filter_map(|block| private_key(&block.content).ok()).next()
}

/// Returns whether the first private key is encrypted (RFC 1421 headers, or PKCS#8).
pub(super) fn is_encrypted(blocks: &[Block]) -> bool {
    let key = blocks.iter().find(|block| block.kind.ends_with("PRIVATE KEY"));
    key.is_some_and(|key| key.kind == "ENCRYPTED PRIVATE KEY" || key.headers.iter().any(|header| header == "DEK-Info"))
}
