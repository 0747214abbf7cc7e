//! Manifests that are away, and the note of the components to start anew: what a killed run leaves for the next one.

use std::collections::BTreeSet;
use std::io::ErrorKind;

use super::super::NodeError;
use super::super::place::{AWAY, RESTART, RESTART_NEW, STATE};
use super::super::state::{ROOT, look, make_folders};
use crate::host::NodeTree;
use crate::kubernetes::{Component, MANIFESTS};

const HEAD: &str = "certferry-restart-1";
const END: &str = "end";
/// The most bytes of a manifest.
const LIMIT: u64 = 1 << 20;
/// The components that may be static pods, in the order in which they start.
const PODS: [Component; 4] =
    [Component::Etcd, Component::ApiServer, Component::ControllerManager, Component::Scheduler];

/// Returns the folder of manifests, with links followed.
fn manifests(tree: &NodeTree) -> Result<String, NodeError> {
    tree.resolve(MANIFESTS).map_err(|error| NodeError::io("follow links of", tree, MANIFESTS, error))
}

fn file(folder: &str, component: Component) -> String {
    format!("{folder}/{}.yaml", component.name())
}

/// Returns the components whose manifests are away.
pub(super) fn away(tree: &NodeTree) -> Result<BTreeSet<Component>, NodeError> {
    let mut found = BTreeSet::new();
    for component in PODS {
        if look(tree, &file(AWAY, component))?.is_some() {
            found.insert(component);
        }
    }
    Ok(found)
}

/// Returns the manifest of a component, whether it is in its place or away. Returns `None` when there is none.
pub(super) fn manifest(tree: &NodeTree, component: Component) -> Result<Option<String>, NodeError> {
    for folder in [manifests(tree)?, AWAY.to_owned()] {
        let place = file(&folder, component);
        match tree.read(&place, LIMIT) {
            Ok(bytes) => return Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(NodeError::io("read", tree, &place, error)),
        }
    }
    Ok(None)
}

/// Returns the components that have a manifest, whether it is in its place or away.
pub(super) fn static_pods(tree: &NodeTree) -> Result<BTreeSet<Component>, NodeError> {
    let mut found = away(tree)?;
    let folder = manifests(tree)?;
    for component in PODS {
        if look(tree, &file(&folder, component))?.is_some() {
            found.insert(component);
        }
    }
    Ok(found)
}

/// Takes the manifests of components away, so that the kubelet stops them. Those that are away already stay there.
pub(super) fn take(tree: &NodeTree, components: &[Component]) -> Result<(), NodeError> {
    make_folders(tree, AWAY, 0o700)?;
    move_all(tree, components, &manifests(tree)?, AWAY)
}

/// Puts the manifests of components back, so that the kubelet starts them. Those that are not away stay where they are.
pub(super) fn give(tree: &NodeTree, components: &[Component]) -> Result<(), NodeError> {
    move_all(tree, components, AWAY, &manifests(tree)?)
}

fn move_all(tree: &NodeTree, components: &[Component], from: &str, to: &str) -> Result<(), NodeError> {
    let mut is_moved = false;
    for &component in components {
        let (from, to) = (file(from, component), file(to, component));
        if look(tree, &from)?.is_none() {
            continue;
        }
        tree.rename(&from, &to).map_err(|error| match error.kind() {
            // Another program has made a second manifest since.
            ErrorKind::AlreadyExists => NodeError::InTheWay { place: to.clone() },
            _ => NodeError::io("move to", tree, &to, error),
        })?;
        is_moved = true;
    }
    for folder in [from, to].into_iter().filter(|_| is_moved) {
        tree.sync_folder(folder).map_err(|error| NodeError::io("sync", tree, folder, error))?;
    }
    Ok(())
}

/// Puts back every manifest that is away, etcd's first, and removes the note. Returns the components whose manifests
/// were away.
pub(super) fn give_all(tree: &NodeTree) -> Result<BTreeSet<Component>, NodeError> {
    let found = away(tree)?;
    if !found.is_empty() {
        give(tree, &PODS)?;
    }
    for place in [RESTART_NEW, RESTART, AWAY] {
        if look(tree, place)?.is_some() {
            forget(tree)?;
            break;
        }
    }
    Ok(found)
}

/// Returns the components that must be started anew, from the note of a run that was not completed.
pub(super) fn noted(tree: &NodeTree) -> Result<BTreeSet<Component>, NodeError> {
    if look(tree, RESTART)?.is_none() {
        return Ok(BTreeSet::new());
    }
    let bytes = tree.read(RESTART, LIMIT).map_err(|error| NodeError::io("read", tree, RESTART, error))?;
    parse(&String::from_utf8_lossy(&bytes)).ok_or(NodeError::BrokenState { file: "restart" })
}

/// Writes the note of the components that must be started anew.
pub(super) fn note(tree: &NodeTree, components: &BTreeSet<Component>) -> Result<(), NodeError> {
    tree.remove_file(RESTART_NEW)
        .and_then(|()| tree.create(RESTART_NEW, 0o600, ROOT, render(components).as_bytes()))
        .and_then(|()| tree.replace(RESTART_NEW, RESTART))
        .and_then(|()| tree.sync_folder(STATE))
        .map_err(|error| NodeError::io("write", tree, RESTART, error))
}

/// Removes the note, once every component has been started anew and no manifest is away.
pub(super) fn forget(tree: &NodeTree) -> Result<(), NodeError> {
    for place in [RESTART_NEW, RESTART] {
        tree.remove_file(place).map_err(|error| NodeError::io("remove", tree, place, error))?;
    }
    let is_empty = tree.names(AWAY).is_ok_and(|names| names.is_empty());
    if is_empty && look(tree, AWAY)?.is_some() {
        tree.remove_folder(AWAY).map_err(|error| NodeError::io("remove", tree, AWAY, error))?;
    }
    Ok(())
}

fn render(components: &BTreeSet<Component>) -> String {
    let names: String = components.iter().map(|component| format!("{}\n", component.name())).collect();
    format!("{HEAD}\n{names}{END}\n")
}

fn parse(text: &str) -> Option<BTreeSet<Component>> {
    let mut lines = text.strip_suffix('\n')?.split('\n');
    if lines.next() != Some(HEAD) || lines.next_back() != Some(END) {
        return None;
    }
    let known = |name: &str| PODS.into_iter().chain([Component::Kubelet]).find(|component| component.name() == name);
    lines.map(known).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::os::unix::fs::symlink;

    use tempfile::tempdir;

    use super::super::super::NodeError;
    use super::{away, forget, give, give_all, manifest, note, noted, parse, render, take};
    use crate::host::NodeTree;
    use crate::kubernetes::Component::{ApiServer, Etcd, Kubelet, Scheduler};

    #[test]
    fn a_note_is_read_as_it_was_written_and_not_otherwise() {
        let components = BTreeSet::from([Etcd, Kubelet]);
        let text = render(&components);
        assert_eq!(text, "certferry-restart-1\netcd\nkubelet\nend\n");
        assert_eq!(parse(&text), Some(components));
        for cut in 0..text.len() {
            assert_eq!(parse(&text[..cut]), None, "{cut}");
        }
        assert_eq!(parse(&text.replace("etcd", "docker")), None);
    }

    #[test]
    fn manifests_go_and_come_back() {
        let root = tempdir().unwrap();
        let at = |place: &str| root.path().join(place);
        fs::create_dir_all(at("etc/kubernetes/.certferry")).unwrap();
        fs::create_dir_all(at("srv/pods")).unwrap();
        symlink("/srv/pods", at("etc/kubernetes/manifests")).unwrap();
        for name in ["etcd", "kube-apiserver", "my-own"] {
            fs::write(at(&format!("srv/pods/{name}.yaml")), name).unwrap();
        }
        let tree = NodeTree::new(root.path().to_owned());
        note(&tree, &BTreeSet::from([Etcd])).unwrap();
        note(&tree, &BTreeSet::from([Etcd, ApiServer])).unwrap();
        take(&tree, &[ApiServer, Scheduler]).unwrap();
        take(&tree, &[Etcd, ApiServer]).unwrap();
        assert_eq!(away(&tree).unwrap(), BTreeSet::from([Etcd, ApiServer]));
        assert_eq!(manifest(&tree, Etcd).unwrap().as_deref(), Some("etcd"));
        assert_eq!(manifest(&tree, Scheduler).unwrap(), None);
        assert!(at("srv/pods/my-own.yaml").exists(), "not ours");
        give(&tree, &[Etcd]).unwrap();
        assert_eq!(away(&tree).unwrap(), BTreeSet::from([ApiServer]));
        forget(&tree).unwrap();
        assert_eq!(away(&tree).unwrap(), BTreeSet::from([ApiServer]), "not forgotten");
        note(&tree, &BTreeSet::from([ApiServer])).unwrap();
        assert_eq!(noted(&tree).unwrap(), BTreeSet::from([ApiServer]));
        assert_eq!(give_all(&tree).unwrap(), BTreeSet::from([ApiServer]));
        assert_eq!(fs::read(at("srv/pods/kube-apiserver.yaml")).unwrap(), b"kube-apiserver");
        assert!(noted(&tree).unwrap().is_empty() && !at("etc/kubernetes/.certferry/manifests").exists());
    }

    #[test]
    fn a_second_manifest_is_not_overwritten() {
        let root = tempdir().unwrap();
        let at = |place: &str| root.path().join(place);
        fs::create_dir_all(at("etc/kubernetes/manifests")).unwrap();
        fs::create_dir_all(at("etc/kubernetes/.certferry")).unwrap();
        fs::write(at("etc/kubernetes/manifests/etcd.yaml"), "first").unwrap();
        let tree = NodeTree::new(root.path().to_owned());
        take(&tree, &[Etcd]).unwrap();
        fs::write(at("etc/kubernetes/manifests/etcd.yaml"), "second").unwrap();
        let Err(NodeError::InTheWay { place }) = give_all(&tree) else { panic!("given") };
        assert_eq!(place, "etc/kubernetes/manifests/etcd.yaml");
        assert_eq!(fs::read(at(&place)).unwrap(), b"second");
        assert_eq!(away(&tree).unwrap(), BTreeSet::from([Etcd]));
    }
}
