//! A small bundle that is right in everything, and rightly signed; each case makes one thing wrong.

use std::sync::LazyLock;

use certferry::bundle::Sha256;
use certferry::sign::PublicKey;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::pkcs8::EncodePublicKey;

use crate::hostile::archive::{BLOCK, Entry, pack, tar};

/// The top folder.
pub const TOP: &str = "lab-g1";
/// The place of the one link that a bundle may hold.
pub const LINK: &str = "var/lib/kubelet/pki/kubelet-client-current.pem";
/// The name of the file to which it leads.
pub const STORE: &str = "kubelet-client-2025-01-01-00-00-00.pem";
/// The last file of the control plane.
pub const LAST: &str = "var/lib/kubelet/pki/kubelet.key";
/// The end of the archive.
pub const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// The signer whose key `verify` is given: whoever has it can sign anything.
static SIGNER: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_slice(&[7; 32]).unwrap());

/// The signer's `.pub`.
pub fn public_key() -> String {
    let der = p256::PublicKey::from(SIGNER.verifying_key()).to_public_key_der().unwrap();
    PublicKey::from_der(der.as_bytes()).unwrap().to_pem()
}

/// The right signature.
pub fn sign(message: &[u8]) -> Vec<u8> {
    let signature: DerSignature = SIGNER.sign(message);
    signature.as_bytes().to_vec()
}

/// The signature of another key.
pub fn sign_with_another_key(message: &[u8]) -> Vec<u8> {
    let signature: DerSignature = SigningKey::from_slice(&[8; 32]).unwrap().sign(message);
    signature.as_bytes().to_vec()
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::of(bytes).to_string()
}

/// A row of a record, in the one form it has.
pub fn row(path: &str, mode: &str, content: &[u8]) -> String {
    let (sha256, size) = (sha256(content), content.len());
    format!(r#"{{"mode": "{mode}", "path": "{path}", "sha256": "{sha256}", "size": {size}}}"#)
}

/// The row of a link.
pub fn link_row(path: &str, target: &str) -> String {
    format!(r#"{{"link": "{target}", "mode": "0777", "path": "{path}"}}"#)
}

/// The elements of an array, each on its line.
pub fn array(elements: &[String]) -> String {
    match elements {
        [] => "[]".to_owned(),
        elements => format!("[\n    {}\n  ]", elements.join(",\n    ")),
    }
}

pub const HEAD: &str = r#""cluster": "lab",
  "cluster_id": "000102030405060708090a0b0c0d0e0f",
"#;

/// A part: its record, and the entries that follow record and signature.
#[derive(Clone)]
pub struct Part {
    /// `node/<name>` or `cluster`.
    pub name: String,
    pub record: Vec<u8>,
    pub tree: Vec<Entry>,
}

impl Part {
    /// A node with these rows and entries.
    pub fn node(name: &str, role: &str, address: &str, rows: &[String], tree: Vec<Entry>) -> Self {
        let record = format!(
            r#"{{
  "addresses": [
    "{address}"
  ],
  {HEAD}  "files": {},
  "format": 1,
  "generation": 1,
  "issued_at": "2026-11-22",
  "kubernetes": "1.24.15",
  "names": [
    "{name}"
  ],
  "part": "node/{name}",
  "phase": 0,
  "role": "{role}"
}}
"#,
            array(rows)
        );
        let folder = Entry::folder(&format!("{TOP}/nodes/{name}/"));
        Self { name: format!("node/{name}"), record: record.into_bytes(), tree: [vec![folder], tree].concat() }
    }

    /// The control plane with these rows and entries.
    pub fn control_plane(rows: &[String], tree: Vec<Entry>) -> Self {
        Self::node("cp-1", "control-plane", "192.168.10.5", rows, tree)
    }

    /// The cluster's part with these rows and entries.
    pub fn cluster(rows: &[String], tree: Vec<Entry>) -> Self {
        let record = format!(
            r#"{{
  {HEAD}  "files": {},
  "format": 1,
  "generation": 1,
  "issued_at": "2026-11-22",
  "kubernetes": "1.24.15",
  "part": "cluster",
  "phase": 0
}}
"#,
            array(rows)
        );
        Self { name: "cluster".to_owned(), record: record.into_bytes(), tree }
    }

    /// With a text of the record replaced, which must be there.
    pub fn with(mut self, from: &str, to: &str) -> Self {
        let record = String::from_utf8(self.record).unwrap();
        assert!(record.contains(from), "{from}");
        self.record = record.replacen(from, to, 1).into_bytes();
        self
    }

    /// Where its record stands.
    pub fn record_path(&self) -> String {
        match self.name.strip_prefix("node/") {
            Some(name) => format!("{TOP}/nodes/{name}.json"),
            None => format!("{TOP}/cluster.json"),
        }
    }

    /// The entries of its member.
    pub fn entries(&self) -> Vec<Entry> {
        [signed(&self.record_path(), &self.record), self.tree.clone()].concat()
    }
}

/// A document and its signature.
pub fn signed(path: &str, document: &[u8]) -> Vec<Entry> {
    vec![Entry::file(path, 0o644, document), Entry::file(&format!("{path}.sig"), 0o644, &sign(document))]
}

/// Where a file of the control plane stands.
pub fn at(path: &str) -> String {
    format!("{TOP}/nodes/cp-1/{path}")
}

/// The control plane's rows.
pub fn rows() -> Vec<String> {
    vec![
        row("etc/kubernetes/certferry-restart-kube-apiserver.sh", "0644", b"a note\n"),
        row("etc/kubernetes/kubelet.conf", "0600", b"a secret\n"),
        row(&format!("var/lib/kubelet/pki/{STORE}"), "0600", b"a store\n"),
        link_row(LINK, STORE),
        row(LAST, "0600", b"a key\n"),
    ]
}

/// The control plane's entries, behind its folder.
pub fn tree() -> Vec<Entry> {
    vec![
        Entry::folder(&at("etc/kubernetes/")),
        Entry::file(&at("etc/kubernetes/certferry-restart-kube-apiserver.sh"), 0o644, b"a note\n"),
        Entry::file(&at("etc/kubernetes/kubelet.conf"), 0o600, b"a secret\n"),
        Entry::folder(&at("var/lib/kubelet/pki/")),
        Entry::file(&at(&format!("var/lib/kubelet/pki/{STORE}")), 0o600, b"a store\n"),
        Entry::link(&at(LINK), STORE),
        Entry::file(&at(LAST), 0o600, b"a key\n"),
    ]
}

/// A whole bundle before it is packed.
#[derive(Clone)]
pub struct Bundle {
    pub parts: Vec<Part>,
    /// Texts of the index to replace, which must be there.
    pub changes: Vec<(String, String)>,
}

impl Bundle {
    /// A control plane with every kind of entry, a worker, the cluster.
    pub fn genuine() -> Self {
        let kubeconfig = [row("etc/kubernetes/kubelet.conf", "0600", b"")];
        let worker_tree = vec![
            Entry::folder(&format!("{TOP}/nodes/w-1/etc/kubernetes/")),
            Entry::file(&format!("{TOP}/nodes/w-1/etc/kubernetes/kubelet.conf"), 0o600, b""),
        ];
        let users = [row("users/a%2Fb@c.conf", "0600", b"c\n")];
        let parts = vec![
            Part::control_plane(&rows(), tree()),
            Part::node("w-1", "worker", "192.168.10.6", &kubeconfig, worker_tree),
            Part::cluster(&users, vec![Entry::file(&format!("{TOP}/cluster/users/a%2Fb@c.conf"), 0o600, b"c\n")]),
        ];
        Self { parts, changes: Vec::new() }
    }

    /// With another control plane.
    pub fn with(mut self, part: Part) -> Self {
        self.parts[0] = part;
        self
    }

    /// With a text of the index replaced.
    pub fn with_index(mut self, from: &str, to: &str) -> Self {
        self.changes.push((from.to_owned(), to.to_owned()));
        self
    }

    /// The index.
    pub fn index(&self) -> String {
        let part = |part: &Part| format!(r#"{{"part": "{}", "sha256": "{}"}}"#, part.name, sha256(&part.record));
        let parts: Vec<_> = self.parts.iter().map(part).collect();
        let mut index = format!(
            r#"{{
  {HEAD}  "format": 1,
  "generation": 1,
  "issued_at": "2026-11-22",
  "kubernetes": "1.24.15",
  "partial": false,
  "parts": {},
  "phase": 0,
  "profile_sha256": "{}"
}}
"#,
            array(&parts),
            sha256(b"a profile")
        );
        for (from, to) in &self.changes {
            assert!(index.contains(from), "{from}");
            index = index.replacen(from, to, 1);
        }
        index
    }

    /// Index, parts: the entries of each member but the last.
    pub fn members(&self) -> Vec<Vec<Entry>> {
        let index = first_member(self.index().as_bytes());
        [vec![index], self.parts.iter().map(Part::entries).collect()].concat()
    }

    /// Each member's bytes, the end's too.
    pub fn tars(&self) -> Vec<Vec<u8>> {
        tars(&self.members())
    }

    /// The file.
    pub fn packed(&self) -> Vec<u8> {
        pack(&self.tars())
    }
}

/// Each member's bytes, and the end.
pub fn tars(members: &[Vec<Entry>]) -> Vec<Vec<u8>> {
    let members = members.iter().map(|entries| tar(entries));
    members.chain([END.to_vec()]).collect()
}

/// Top folder, index, signature, `nodes`.
pub fn first_member(index: &[u8]) -> Vec<Entry> {
    let index = signed(&format!("{TOP}/manifest.json"), index);
    [vec![Entry::folder(&format!("{TOP}/"))], index, vec![Entry::folder(&format!("{TOP}/nodes/"))]].concat()
}
