//! What a unit holds, in one number: a crash, a reboot and another program that reads the same file system do not change
//! it. The number of an inode they may: overlayfs gives a file another one with each mount.

use std::collections::BTreeMap;

use super::NodeError;
use crate::bundle::Sha256;
use crate::host::{Found, FoundKind, NodeTree};

/// The entries of a unit by their path in it, each with its kind, mode, owner and content. The unit itself is `.`.
pub(super) type Description = BTreeMap<String, String>;

/// Returns what is at a place. Returns nothing when nothing is there.
///
/// # Errors
/// Fails when an entry cannot be read.
pub(super) fn describe(tree: &NodeTree, place: &str) -> Result<Description, NodeError> {
    let mut description = Description::new();
    let mut open = vec![String::new()];
    while let Some(path) = open.pop() {
        let place = if path.is_empty() { place.to_owned() } else { format!("{place}/{path}") };
        let found = tree.look(&place).map_err(|error| NodeError::io("look at", tree, &place, error))?;
        let Some(found) = found else { continue };
        if found.kind == FoundKind::Folder {
            let names = tree.names(&place).map_err(NodeError::names)?;
            open.extend(names.into_iter().map(|name| if path.is_empty() { name } else { format!("{path}/{name}") }));
        }
        let facts = facts(tree, &place, &found)?;
        description.insert(if path.is_empty() { ".".to_owned() } else { path }, facts);
    }
    Ok(description)
}

/// Returns the fingerprint of what is at a place. Returns `None` when nothing is there.
///
/// # Errors
/// Fails like [`describe`].
pub(super) fn fingerprint(tree: &NodeTree, place: &str) -> Result<Option<Sha256>, NodeError> {
    let description = describe(tree, place)?;
    let mut lines: Vec<String> = description.iter().map(|(path, facts)| format!("{facts} {path}\n")).collect();
    lines.sort_unstable();
    Ok((!lines.is_empty()).then(|| Sha256::of(lines.concat().as_bytes())))
}

fn facts(tree: &NodeTree, place: &str, found: &Found) -> Result<String, NodeError> {
    let content = match &found.kind {
        FoundKind::File => {
            // However large it is: what somebody put there is told apart, too.
            let bytes = tree.read(place, u64::MAX).map_err(|error| NodeError::io("read", tree, place, error))?;
            Sha256::of(&bytes).to_string()
        }
        FoundKind::Link(target) => Sha256::of(format!("{target}\n").as_bytes()).to_string(),
        FoundKind::Folder | FoundKind::Special => "-".to_owned(),
    };
    Ok(format!("{} {}:{} {content}", mode(found), found.owner.user, found.owner.group))
}

/// Returns kind and mode as `ls -l` writes them.
fn mode(found: &Found) -> String {
    let kind = match found.kind {
        FoundKind::File => '-',
        FoundKind::Folder => 'd',
        FoundKind::Link(_) => 'l',
        FoundKind::Special => '?',
    };
    let mut text = String::from(kind);
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = found.mode >> shift;
        text.push(if bits & 4 == 0 { '-' } else { 'r' });
        text.push(if bits & 2 == 0 { '-' } else { 'w' });
        text.push(match (found.mode & special != 0, bits & 1 != 0) {
            (false, false) => '-',
            (false, true) => 'x',
            (true, true) => letter,
            (true, false) => letter.to_ascii_uppercase(),
        });
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop at once")]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::process::Command;

    use super::{describe, fingerprint};
    use crate::host::NodeTree;

    /// `ls` and `sha256sum` are the judges.
    #[test]
    fn says_what_other_programs_say() {
        let root = tempfile::tempdir().unwrap();
        let unit = root.path().join("unit");
        fs::create_dir_all(unit.join("etcd")).unwrap();
        symlink("ca.crt", unit.join("link")).unwrap();
        for mode in [0o644, 0o600, 0o4711, 0o4611, 0o2751, 0o2741, 0o1777, 0o1776, 0o7000] {
            let file = unit.join(format!("etcd/{mode:o}"));
            fs::write(&file, format!("{mode}")).unwrap();
            fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
        }
        let script = "cd \"$1\" && for path in . link etcd etcd/*; do
            set -- $(ls -ldn \"$path\")
            case $1 in
            -*) content=$(sha256sum <\"$path\") ;;
            l*) content=$(readlink \"$path\" | sha256sum) ;;
            *) content=- ;;
            esac
            echo \"$(echo \"$1\" | cut -c 1-10) $3:$4 ${content%% *} $path\"
        done | LC_ALL=C sort | tee \"$0\" | sha256sum";
        let lines = root.path().join("lines");
        let output = Command::new("sh").args(["-c", script]).arg(&lines).arg(&unit).output().unwrap();
        let tree = NodeTree::new(root.path().to_owned());
        let mut said: Vec<_> =
            describe(&tree, "unit").unwrap().into_iter().map(|(path, facts)| format!("{facts} {path}")).collect();
        said.sort();
        assert_eq!(said.len(), 12);
        assert_eq!(said.join("\n") + "\n", fs::read_to_string(lines).unwrap());
        let sum = fingerprint(&tree, "unit").unwrap().unwrap().to_string();
        assert_eq!(format!("{sum}  -\n"), String::from_utf8(output.stdout).unwrap());
        assert_eq!(fingerprint(&tree, "nothing").unwrap(), None);
    }
}
