//! Bundles that are rightly signed and wrongly made.
//!
//! Genuine files are re-arranged and signed by a test's own key, as a defect of the building side would do it.

pub mod change;
pub mod faults;
pub mod forge;

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certferry::bundle::{Content, Description, File, Head, Mode, Part, PartOwner, Reader, Row, Sha256, Writer};
use certferry::kubernetes::PartName;
use certferry::sign::{PublicKey, SigningFailed};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::pkcs8::EncodePublicKey;

use certferry::lint::RULES;
use certferry::x509::ReadCertificate;

use crate::common::Ended;
use crate::common::desk::{Desk, OTHER_SEED, PROFILE};
use forge::{Forge, Key, pem};

pub const PKI: &str = "etc/kubernetes/pki";
pub const STORE: &str = "var/lib/kubelet/pki/kubelet-client-2026-11-22-00-00-00.pem";

/// A cluster's files by part and path; links by path and target.
#[derive(Clone)]
pub struct Cluster {
    head: Head,
    pub parts: BTreeMap<PartName, Tree>,
}

#[derive(Clone)]
pub struct Tree {
    owner: PartOwner,
    pub files: BTreeMap<String, (Mode, Vec<u8>)>,
    links: BTreeMap<String, String>,
}

/// The cluster `lab` with two more nodes, under the desk's seed and under another.
pub static GENUINE: LazyLock<[Cluster; 2]> = LazyLock::new(|| {
    let profile = format!(
        "{}{}",
        PROFILE.replace("[keys]", "control_plane_endpoint = \"k8s.lab\"\n\n[keys]"),
        "[[node]]\nname = \"cp-2\"\nrole = \"control-plane\"\naddresses = [\"192.168.10.6\"]\n\
         [[node]]\nname = \"w-1\"\nrole = \"worker\"\naddresses = [\"192.168.10.7\"]\n\
         [[etcd_client]]\nname = \"backup\"\n"
    );
    let desk = Desk::new();
    desk.write("lab.toml", profile);
    desk.write("other.seed", format!("certferry-seed-1:{OTHER_SEED}\n"));
    desk.set_mode("other.seed", 0o600);
    ["lab.seed", "other.seed"].map(|seed| {
        let line = format!("build lab.toml --seed {seed} --out {seed}.out --lock {seed}.lock");
        assert_eq!(desk.run(&line).code, Some(0));
        let key = PublicKey::from_pem(&desk.read(&format!("{seed}.out/lab.pub"))).unwrap();
        Cluster::read(&desk.read(&format!("{seed}.out/lab-g1.tar.gz")), &key)
    })
});

impl Cluster {
    fn read(archive: &[u8], key: &PublicKey) -> Self {
        let mut reader = Reader::open(archive, key).unwrap_or_else(|error| panic!("{error:?}"));
        let head = reader.index().unwrap().index().head.clone();
        let mut parts = BTreeMap::new();
        while let Some(part) = reader.next_part().unwrap_or_else(|error| panic!("{error:?}")) {
            let owner = part.record().owner.clone();
            let mut tree = Tree { owner: owner.clone(), files: BTreeMap::new(), links: BTreeMap::new() };
            for (row, content) in part.files() {
                match row {
                    Row::File { path, mode, .. } => {
                        tree.files.insert(path.clone(), (*mode, content.to_vec()));
                    }
                    Row::Link { path, target } => {
                        tree.links.insert(path.clone(), target.clone());
                    }
                }
            }
            parts.insert(owner.part(), tree);
        }
        Self { head, parts }
    }

    pub fn part(&self, part: &str) -> &Tree {
        &self.parts[&part.parse().unwrap()]
    }

    pub fn tree(&mut self, part: &str) -> &mut Tree {
        self.parts.get_mut(&part.parse().unwrap()).unwrap()
    }

    /// Signs a certificate anew by the CA of that name (`ca`, `front-proxy-ca`, `etcd/ca`), with changes and its old
    /// key. It stands in a file of its own, before its key, or in a kubeconfig.
    pub fn reissue(&mut self, part: &str, file: &str, ca: &str, change: impl FnOnce(&mut Forge)) {
        let nodes = self.tree("node/cp-1");
        let authority = ReadCertificate::from_pem(&nodes.get(&format!("{PKI}/{ca}.crt"))).unwrap();
        let key = Key::from_pem(&nodes.get(&format!("{PKI}/{ca}.key")));
        let tree = self.tree(part);
        let old = tree.certificate(file);
        let mut forge = tree.forge(file);
        change(&mut forge);
        tree.replace(file, &old, &pem(&forge.sign(Some(authority.subject_der()), &key)));
    }

    /// Signs a CA anew, with changes and its old key, wherever its certificate is.
    pub fn reissue_ca(&mut self, ca: &str, change: impl FnOnce(&mut Forge)) {
        let nodes = self.tree("node/cp-1");
        let old = String::from_utf8(nodes.get(&format!("{PKI}/{ca}.crt"))).unwrap();
        let key = Key::from_pem(&nodes.get(&format!("{PKI}/{ca}.key")));
        let mut forge = Forge::like(&ReadCertificate::from_pem(old.as_bytes()).unwrap());
        change(&mut forge);
        let new = pem(&forge.sign(None, &key));
        for tree in self.parts.values_mut() {
            let holders: Vec<_> = tree.files.iter().filter(|(_, (_, content))| holds(content, &old)).collect();
            let holders: Vec<_> = holders.into_iter().map(|(file, _)| file.clone()).collect();
            holders.iter().for_each(|file| tree.replace(file, &old, &new));
        }
    }

    /// Writes the bundle and its key to a desk, signed by the test.
    pub fn carry(&self) -> Desk {
        let parts: Vec<Part> = self.parts.values().map(Tree::part).collect();
        let description =
            Description { head: self.head.clone(), partial: false, profile_sha256: Sha256::of(b"profile") };
        let signer = SigningKey::from_slice(&[7; 32]).unwrap();
        let sign = |_: &str, message: &[u8]| {
            let signature: DerSignature = signer.try_sign(message).map_err(|_| SigningFailed::Key)?;
            Ok(signature.as_bytes().to_vec())
        };
        let mut writer = Writer::new(description, Cursor::new(Vec::new())).unwrap();
        writer.add(parts.len(), |number| Ok(&parts[number]), &sign).unwrap();
        let mut archive = Vec::new();
        writer.finish().unwrap().write(&sign, &mut archive).unwrap();
        let der = p256::PublicKey::from(signer.verifying_key()).to_public_key_der().unwrap();
        let desk = Desk::new();
        desk.write("lab-g1.tar.gz", archive);
        desk.write("lab.pub", PublicKey::from_der(der.as_bytes()).unwrap().to_pem());
        desk
    }
}

impl Tree {
    fn part(&self) -> Part {
        let files = self.files.iter().map(|(path, (mode, content))| File::Regular {
            path: path.clone(),
            mode: *mode,
            content: Content::new(content.clone()),
        });
        let links = self.links.iter().map(|(path, target)| File::Link { path: path.clone(), target: target.clone() });
        Part::new(self.owner.clone(), files.chain(links).collect()).unwrap_or_else(|error| panic!("{error:?}"))
    }

    /// Writes the tree to a disk.
    pub fn write(&self, root: &Path) {
        for (path, (mode, content)) in &self.files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, PermissionsExt::from_mode(mode.bits())).unwrap();
        }
        for (path, target) in &self.links {
            symlink(target, root.join(path)).unwrap();
        }
    }

    pub fn get(&self, path: &str) -> Vec<u8> {
        self.files[path].1.clone()
    }

    /// The certificate of a file: its first block, or the client's of a kubeconfig.
    pub fn certificate(&self, file: &str) -> String {
        let text = String::from_utf8(self.get(file)).unwrap();
        let data = text.lines().find_map(|line| line.trim().strip_prefix("client-certificate-data: "));
        let text = data.map_or(text.clone(), |data| String::from_utf8(STANDARD.decode(data).unwrap()).unwrap());
        text.split_inclusive("-----END CERTIFICATE-----\n").next().unwrap().to_owned()
    }

    /// What the certificate of a file would be asked for as.
    pub fn forge(&self, file: &str) -> Forge {
        Forge::like(&ReadCertificate::from_pem(self.certificate(file).as_bytes()).unwrap())
    }

    /// Replaces a text of a file, in base64 if it is so there.
    pub fn replace(&mut self, file: &str, old: &str, new: &str) {
        let text = String::from_utf8(self.get(file)).unwrap();
        let replaced = text.replace(old, new).replace(&STANDARD.encode(old), &STANDARD.encode(new));
        assert_ne!(text, replaced, "{file}");
        self.set(file, replaced);
    }

    /// Adds a file.
    pub fn add(&mut self, path: &str, mode: Mode, content: impl Into<Vec<u8>>) {
        assert!(self.files.insert(path.to_owned(), (mode, content.into())).is_none(), "{path}");
    }

    /// Replaces the content of a file that is there.
    pub fn set(&mut self, path: &str, content: impl Into<Vec<u8>>) {
        self.files.get_mut(path).unwrap_or_else(|| panic!("{path}")).1 = content.into();
    }

    pub fn remove(&mut self, path: &str) {
        assert!(self.files.remove(path).is_some() || self.links.remove(path).is_some(), "{path}");
    }
}

fn holds(content: &[u8], text: &str) -> bool {
    let content = String::from_utf8_lossy(content);
    content.contains(text) || content.contains(&STANDARD.encode(text))
}

/// A text and the rule that says it.
pub fn by(rule: &str, text: &str) -> String {
    let rule = RULES.iter().copied().flatten().find(|known| known.id == rule).unwrap_or_else(|| panic!("{rule}"));
    format!("{text} [{}: {}]", rule.id, rule.clause)
}

/// Plants what only deserves a warning in `lab` and expects `verify` to say just these lines and that all is well.
pub fn warns(change: impl FnOnce(&mut Cluster, &Cluster), lines: &[&str]) {
    let [mut cluster, other] = GENUINE.clone();
    change(&mut cluster, &other);
    let desk = cluster.carry();
    let Ended { code, stdout, stderr } = desk.run("verify lab-g1.tar.gz --key lab.pub --at 2027-01-01");
    let listed: String = lines.iter().map(|line| format!("{line}\n")).collect();
    assert_eq!(stderr, format!("warning: this works, but\n{listed}"));
    assert_eq!(code, Some(0));
    assert!(stdout.starts_with("lab, generation 1, Kubernetes 1.24.15: the whole bundle, 3 nodes"), "{stdout}");
}

/// Plants a fault in `lab` (given `lab` under another seed) and expects `verify` to say just these lines.
pub fn plants(change: impl FnOnce(&mut Cluster, &Cluster), lines: &[&str]) -> Desk {
    let [mut cluster, other] = GENUINE.clone();
    change(&mut cluster, &other);
    let desk = cluster.carry();
    let mut files: Vec<_> = lines.iter().map(|line| line.split("  ").take(2).collect::<Vec<_>>()).collect();
    files.sort_unstable();
    files.dedup();
    let count = match files.len() {
        1 => "1 file is".to_owned(),
        count => format!("{count} files are"),
    };
    let listed: String = lines.iter().map(|line| format!("{line}\n")).collect();
    desk.refuse(
        "verify lab-g1.tar.gz --key lab.pub --at 2027-01-01",
        1,
        &format!("error: every signature and hash holds, but {count} wrong\n{listed}"),
    );
    desk
}

/// `unpack` refuses the node that has the fault and takes the one that has not.
pub fn unpacks(desk: &Desk, wrong: &str, lines: &[&str], right: &str) {
    let unpack = "unpack lab-g1.tar.gz --key lab.pub --quiet --at 2027-01-01 --root";
    let listed: String = lines.iter().map(|line| format!("{line}\n")).collect();
    desk.refuse(
        &format!("{unpack} wrong --node {wrong}"),
        1,
        &format!(
            "error: the files of {wrong} would not work\n{listed}hint: nothing was written; build the bundle again\n"
        ),
    );
    desk.succeed(&format!("{unpack} right --node {right}"));
}
