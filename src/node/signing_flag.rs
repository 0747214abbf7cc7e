//! The flags by which kube-controller-manager knows the certificate with which it signs: where they stand, what they must
//! name, and their edit in the manifest of a static pod.
//!
//! While `ca.crt` holds two certificates, they must name `ca-signing.crt`, which holds one.

use crate::host::{NodeRoot, NodeTree};
use crate::kubernetes::{CA_SIGNING, CLUSTER_CA, CertificatesDir, Component, FILE_LIMIT, MANIFESTS, SIGNING_FLAGS};
use crate::tree::{CONTROLLER_MANAGER, Process, Tree, services};
use crate::yaml::{Yaml, YamlLimits};

use super::NodeError;
use super::place::{AWAY, parent_and_name};
use super::state::real;

/// A flag that must name another file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagEdit {
    /// The flag, without its dashes.
    pub flag: String,
    /// The path that it names.
    pub from: String,
    /// The path that it must name.
    pub to: String,
}

/// What starts kube-controller-manager on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartedBy {
    /// The manifest of a static pod at this place.
    Manifest(String),
    /// A unit of systemd, or a drop-in of it, at this place.
    Unit(String),
}

impl StartedBy {
    /// Returns the place of the file.
    #[must_use]
    pub fn place(&self) -> &str {
        match self {
            Self::Manifest(place) | Self::Unit(place) => place,
        }
    }
}

/// The flags of a node's kube-controller-manager, and what of them must change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningFlags {
    /// What starts it.
    pub started_by: StartedBy,
    /// Whether one of the flags is there, whatever it names.
    pub is_there: bool,
    /// The flags that must name another file.
    pub edits: Vec<FlagEdit>,
    /// The manifest before and after the edit, where certferry can make it.
    pub(super) text: Option<EditedText>,
}

impl SigningFlags {
    /// Returns whether flags must change and certferry does not change them.
    pub(super) fn is_unedited(&self) -> bool {
        !self.edits.is_empty() && self.text.is_none()
    }
}

/// The text of a manifest after an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EditedText {
    /// Where the manifest is now: in its folder, or away while its pod is stopped.
    pub(super) place: String,
    pub(super) after: String,
}

/// The name of the manifest, in its folder and in the folder for those that are away.
fn file_name() -> String {
    format!("{}.yaml", Component::ControllerManager.name())
}

/// Returns the place of the manifest in its folder, with links followed.
pub(super) fn manifest_place(tree: &NodeTree) -> Result<String, NodeError> {
    Ok(format!("{}/{}", real(tree, MANIFESTS)?, file_name()))
}

/// Returns the place of the manifest while its pod is stopped.
pub(super) fn away_place() -> String {
    format!("{AWAY}/{}", file_name())
}

/// Returns the flags on a node, and what must change in them so that they name the file that holds one certificate:
/// `ca-signing.crt` when that `is_there`, else `ca.crt`. Returns `None` when nothing says how kube-controller-manager is
/// started.
pub(super) fn signing_flags(root: &NodeRoot, folder: &CertificatesDir, is_there: bool) -> Option<SigningFlags> {
    let in_folder = root.leads_to(MANIFESTS).unwrap_or_else(|_| MANIFESTS.to_owned());
    for place in [format!("{in_folder}/{}", file_name()), away_place()] {
        let Ok(bytes) = root.read(&place, FILE_LIMIT) else { continue };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let name = format!("{MANIFESTS}/{}", parent_and_name(&place).1);
        let processes = Process::of_manifest(&name, &text).unwrap_or_default();
        let Some(process) = processes.iter().find(|process| process.program == CONTROLLER_MANAGER) else { continue };
        let edits = edits(process, folder, is_there);
        let after = edited(&text, &edits).filter(|_| std::str::from_utf8(&bytes).is_ok());
        let text = after.map(|after| EditedText { place, after });
        return Some(SigningFlags { started_by: StartedBy::Manifest(name), is_there: has_flag(process), edits, text });
    }
    let tree = Tree::read_any(NodeRoot::new(root.path("")));
    let service = services(&tree).into_iter().find(|process| process.program == CONTROLLER_MANAGER)?;
    Some(SigningFlags {
        is_there: has_flag(&service),
        edits: edits(&service, folder, is_there),
        started_by: StartedBy::Unit(service.file),
        text: None,
    })
}

fn has_flag(process: &Process) -> bool {
    SIGNING_FLAGS.iter().any(|flag| process.setting(flag).is_some())
}

/// Returns the edits that a program's flags need.
fn edits(process: &Process, folder: &CertificatesDir, is_there: bool) -> Vec<FlagEdit> {
    let (from, to) = if is_there { (CLUSTER_CA, CA_SIGNING) } else { (CA_SIGNING, CLUSTER_CA) };
    let from_place = folder.place(from);
    let edit = |flag: &&str| {
        let value = process.flag(flag)?;
        // Where no mount says otherwise, a path is the same in the container.
        let place = process.place(value).unwrap_or_else(|| value.trim_start_matches('/').to_owned());
        let (above, _) = value.rsplit_once('/')?;
        (place == from_place).then(|| FlagEdit {
            flag: (*flag).to_owned(),
            from: value.to_owned(),
            to: format!("{above}/{}", parent_and_name(to).1),
        })
    };
    SIGNING_FLAGS.iter().filter_map(edit).collect()
}

/// Returns the text of a manifest with these edits made, and every other byte as it is. Returns `None` when the flags are
/// written in a way in which that is not sure.
fn edited(text: &str, edits: &[FlagEdit]) -> Option<String> {
    let mut after = text.to_owned();
    for edit in edits {
        after = with_flag(&after, edit)?;
    }
    let (before, now) = (documents(text)?, documents(&after)?);
    let is_same =
        before.len() == now.len() && before.iter().zip(&now).all(|(left, right)| differs_by(left, right, edits));
    let processes = Process::of_manifest("", &after).ok()?;
    let process = processes.iter().find(|process| process.program == CONTROLLER_MANAGER)?;
    let has_all = edits.iter().all(|edit| process.values(&edit.flag).iter().all(|setting| setting.value != edit.from));
    (is_same && has_all).then_some(after)
}

fn documents(text: &str) -> Option<Vec<Yaml>> {
    Some(Yaml::documents(text, YamlLimits::OBJECTS).ok()?.into_iter().map(|(_, document)| document).collect())
}

/// Returns whether two documents are the same but for the edits.
fn differs_by(left: &Yaml, right: &Yaml, edits: &[FlagEdit]) -> bool {
    match (left, right) {
        (Yaml::Null, Yaml::Null) => true,
        (Yaml::Scalar(left), Yaml::Scalar(right)) => {
            left == right || {
                let made = |text: String, edit: &FlagEdit| {
                    let is_value = text == edit.from;
                    if is_value { edit.to.clone() } else { with_flag(&text, edit).unwrap_or(text) }
                };
                edits.iter().fold((**left).clone(), made) == **right
            }
        }
        (Yaml::Sequence(left), Yaml::Sequence(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| differs_by(left, right, edits))
        }
        (Yaml::Mapping(left), Yaml::Mapping(right)) => {
            let is_same = |((key, left), (other, right)): (&(String, Yaml), &(String, Yaml))| {
                key == other && differs_by(left, right, edits)
            };
            left.len() == right.len() && left.iter().zip(right).all(is_same)
        }
        _ => false,
    }
}

/// Returns a text in which every occurrence of a flag that names one path names the other. A flag and its path may stand in
/// one word or in two. Returns `None` when there is none.
fn with_flag(text: &str, edit: &FlagEdit) -> Option<String> {
    let name = format!("--{}", edit.flag);
    let (mut after, mut rest, mut count) = (String::new(), text, 0);
    while let Some(at) = rest.find(&name) {
        let (head, tail) = rest.split_at_checked(at + name.len())?;
        let before = format!("{after}{}", rest.get(..at)?);
        let before = before.rsplit('\n').next().unwrap_or_default();
        after.push_str(head);
        rest = tail;
        let begins = before.chars().next_back().is_none_or(|letter| letter.is_whitespace() || "\"'[,".contains(letter));
        if !begins || before.trim_start().starts_with('#') {
            continue;
        }
        let value = value_at(rest);
        let found = rest.get(value..)?;
        let ends =
            |tail: &str| tail.chars().next().is_none_or(|letter| !letter.is_alphanumeric() && !"/._-".contains(letter));
        if let Some(tail) = found.strip_prefix(edit.from.as_str()).filter(|tail| ends(tail)) {
            after.push_str(rest.get(..value)?);
            after.push_str(&edit.to);
            rest = tail;
            count += 1;
        }
    }
    after.push_str(rest);
    (count > 0).then_some(after)
}

/// Returns where the value begins after the name of a flag: past `=`, or past what ends one word and begins the next.
fn value_at(text: &str) -> usize {
    if let Some(value) = text.strip_prefix('=') {
        return 1 + value.len() - value.trim_start_matches(['"', '\'', '\\']).len();
    }
    let value = text.trim_start_matches(|letter: char| letter.is_whitespace() || "\"',-\\".contains(letter));
    text.len() - value.len()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;

    use super::{FlagEdit, SigningFlags, StartedBy, signing_flags};
    use crate::host::NodeTree;
    use crate::kubernetes::CertificatesDir;

    const MANIFEST: &str = "etc/kubernetes/manifests/kube-controller-manager.yaml";

    fn pod(words: &str) -> String {
        format!(
            "# by hand: --cluster-signing-cert-file=/etc/kubernetes/pki/ca.crt\napiVersion: v1\nkind: Pod\nmetadata:\n  name: kube-controller-manager\nspec:\n  containers:\n  - command:\n    - kube-controller-manager\n{words}    image: kube-controller-manager:v1.20.2   # pinned\n"
        )
    }

    fn read(place: &str, text: &str, is_there: bool) -> Option<SigningFlags> {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join(place);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        let tree = NodeTree::new(root.path().to_owned());
        signing_flags(tree.reading(), &CertificatesDir::default(), is_there)
    }

    #[test]
    fn the_flag_alone_changes_forth_and_back() {
        for (words, other) in [
            (
                "    - --cluster-signing-cert-file=/etc/kubernetes/pki/ca.crt\n",
                "    - --cluster-signing-cert-file=/etc/kubernetes/pki/ca-signing.crt\n",
            ),
            (
                "    - --root-ca-file=/etc/kubernetes/pki/ca.crt\n    - --cluster-signing-cert-file\n    - /etc/kubernetes/pki/ca.crt\n",
                "    - --root-ca-file=/etc/kubernetes/pki/ca.crt\n    - --cluster-signing-cert-file\n    - /etc/kubernetes/pki/ca-signing.crt\n",
            ),
            (
                "    - \"--cluster-signing-cert-file=/etc/kubernetes/pki/ca.crt\"\n    - '--cluster-signing-kubelet-client-cert-file'\n    - '/etc/kubernetes/pki/ca.crt'\n",
                "    - \"--cluster-signing-cert-file=/etc/kubernetes/pki/ca-signing.crt\"\n    - '--cluster-signing-kubelet-client-cert-file'\n    - '/etc/kubernetes/pki/ca-signing.crt'\n",
            ),
            (
                "    - --client-ca-file=/etc/kubernetes/pki/ca.crt\n    - --cluster-signing-legacy-unknown-cert-file=/etc/kubernetes/pki/ca.crt\n    - --cluster-signing-cert-file=/etc/kubernetes/pki/ca.crt.old\n",
                "    - --client-ca-file=/etc/kubernetes/pki/ca.crt\n    - --cluster-signing-legacy-unknown-cert-file=/etc/kubernetes/pki/ca-signing.crt\n    - --cluster-signing-cert-file=/etc/kubernetes/pki/ca.crt.old\n",
            ),
        ] {
            let (text, other) = (pod(words), pod(other));
            for (text, other, is_there) in [(&text, &other, true), (&other, &text, false)] {
                let flags = read(MANIFEST, text, is_there).unwrap();
                assert_eq!(flags.text.unwrap().after, *other);
                assert!(flags.is_there && !flags.edits.is_empty());
                assert_eq!(read(MANIFEST, other, is_there).unwrap().edits, [], "it has it already");
            }
        }
    }

    #[test]
    fn in_a_shell_and_in_json_and_while_the_pod_is_stopped() {
        let json = r#"{"kind": "Pod", "spec": {"containers": [{"command": ["kube-controller-manager", "--cluster-signing-cert-file", "/etc/kubernetes/pki/ca.crt"]}]}}"#;
        let shell = "kind: Pod\nspec:\n  containers:\n  - command: [sh, -c, 'exec kube-controller-manager --cluster-signing-cert-file=/etc/kubernetes/pki/ca.crt --v=2']\n";
        for text in [json, shell] {
            let flags = read("etc/kubernetes/.certferry/manifests/kube-controller-manager.yaml", text, true).unwrap();
            assert_eq!(flags.started_by, StartedBy::Manifest(MANIFEST.to_owned()));
            let edited = flags.text.unwrap();
            assert_eq!(edited.after, text.replace("pki/ca.crt", "pki/ca-signing.crt"));
            assert_eq!(edited.place, "etc/kubernetes/.certferry/manifests/kube-controller-manager.yaml");
        }
    }

    #[test]
    fn mounts_say_which_file_a_path_is() {
        let mounted = |outside: &str| {
            pod("    - --cluster-signing-cert-file=/pki/ca.crt\n")
                + "    volumeMounts: [{name: pki, mountPath: /pki}]\n  volumes: [{name: pki, hostPath: {path: "
                + outside
                + "}}]\n"
        };
        let found = read(MANIFEST, &mounted("/etc/kubernetes/pki"), true).unwrap();
        let [flag, from, to] = ["cluster-signing-cert-file", "/pki/ca.crt", "/pki/ca-signing.crt"].map(str::to_owned);
        assert_eq!(found.edits, [FlagEdit { flag, from, to }]);
        assert_eq!(read(MANIFEST, &mounted("/srv/other"), true).unwrap().edits, []);
    }

    #[test]
    fn what_is_written_otherwise_is_left_to_a_person() {
        // A variable of the pod's environment, or an escape of YAML.
        for words in [
            "    - \"--cluster-signing-cert-file=/etc/kubernetes/pki/\\x63a.crt\"\n",
            "    - --cluster-signing-cert-file\n    # the CA\n    - /etc/kubernetes/pki/ca.crt\n",
        ] {
            let flags = read(MANIFEST, &pod(words), true).unwrap();
            assert_eq!((flags.text, flags.edits.len()), (None, 1), "{words}");
        }
        assert!(!read(MANIFEST, &pod(""), true).unwrap().is_there);
        assert_eq!(read("etc/hostname", "cp-1", true), None);
    }

    #[test]
    fn a_unit_of_systemd_is_found_and_not_edited() {
        let place = "etc/systemd/system/kube-controller-manager.service";
        let unit = "[Service]\nExecStart=/usr/bin/kube-controller-manager \\\n  --cluster-signing-cert-file=/etc/kubernetes/pki/ca.crt\n";
        let flags = read(place, unit, true).unwrap();
        assert_eq!((flags.started_by, flags.text), (StartedBy::Unit(place.to_owned()), None));
        assert_eq!(flags.edits.len(), 1);
    }
}
