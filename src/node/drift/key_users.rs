//! The flags of static pods that name a CA's key.

use crate::host::{NodeRoot, reason};
use crate::kubernetes::{FILE_LIMIT, MANIFESTS};
use crate::yaml::{Yaml, YamlLimits};

/// A flag of a static pod that names a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUser {
    /// The place of the pod's manifest.
    pub manifest: String,
    /// The flag, with its dashes: `--cluster-signing-key-file`.
    pub flag: String,
}

/// The flags of a node's static pods.
#[derive(Default)]
pub(super) struct KeyUsers {
    /// Each flag, with the place on the node to which its value leads.
    users: Vec<(String, KeyUser)>,
    /// The manifests that cannot be read, each with the reason. Whether they name a key is not known.
    pub(super) unread: Vec<(String, String)>,
}

impl KeyUsers {
    /// Reads the manifests.
    pub(super) fn read(root: &NodeRoot) -> Self {
        let Self { mut users, mut unread } = Self::default();
        let names = root.names(MANIFESTS).unwrap_or_else(|error| {
            unread.push((MANIFESTS.to_owned(), reason(&error)));
            Vec::new()
        });
        // The kubelet reads every file whose name does not begin with a dot (kubelet v1.20.2, config/file.go).
        for name in names.iter().filter(|name| !name.starts_with('.')) {
            let manifest = format!("{MANIFESTS}/{name}");
            let read = root.read(&manifest, FILE_LIMIT).map_err(|error| reason(&error));
            let pods = read.and_then(|bytes| {
                let documents = Yaml::documents(&String::from_utf8_lossy(&bytes), YamlLimits::OBJECTS);
                documents.map_err(|error| format!("not YAML: {error}"))
            });
            let pods = match pods {
                Ok(pods) => pods,
                Err(reason) => {
                    unread.push((manifest, reason));
                    continue;
                }
            };
            for (_, pod) in &pods {
                let flags = containers(pod).flat_map(|container| flags(pod, container));
                users.extend(flags.map(|(flag, place)| (place, KeyUser { manifest: manifest.clone(), flag })));
            }
        }
        Self { users, unread }
    }

    /// Returns the first flag that names one of these places.
    pub(super) fn of(&self, places: &[&str]) -> Option<&KeyUser> {
        self.users.iter().find(|(place, _)| places.contains(&place.as_str())).map(|(_, user)| user)
    }
}

fn containers(pod: &Yaml) -> impl Iterator<Item = &Yaml> {
    pod.at(&["spec", "containers"]).map(Yaml::items).unwrap_or_default().iter()
}

/// Returns the flags of a container whose value is an absolute path, each with the place on the node. Words in a script
/// for `sh -c` count, too.
fn flags(pod: &Yaml, container: &Yaml) -> Vec<(String, String)> {
    let words: Vec<&str> = ["command", "args"]
        .iter()
        .flat_map(|key| container.get(key).map(Yaml::items).unwrap_or_default())
        .filter_map(Yaml::text)
        .flat_map(str::split_whitespace)
        .collect();
    let mut flags = Vec::new();
    for (index, word) in words.iter().enumerate().filter(|(_, word)| word.starts_with('-')) {
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) => (flag, value),
            None => (*word, words.get(index + 1).copied().unwrap_or_default()),
        };
        let value = value.trim_matches(['"', '\'']);
        if value.starts_with('/') {
            flags.push((flag.to_owned(), on_node(pod, container, value)));
        }
    }
    flags
}

/// Returns the place on the node of a path in a container: below the folder of the node that is mounted deepest on the
/// way, or the path itself when none is.
fn on_node(pod: &Yaml, container: &Yaml, path: &str) -> String {
    let text = |yaml: &Yaml, key: &str| yaml.get(key).and_then(Yaml::text).unwrap_or_default().to_owned();
    let volumes = pod.at(&["spec", "volumes"]).map(Yaml::items).unwrap_or_default();
    let mounts = container.get("volumeMounts").map(Yaml::items).unwrap_or_default();
    let mounted = mounts.iter().filter_map(|mount| {
        let inside = text(mount, "mountPath").trim_end_matches('/').to_owned();
        let rest = path.strip_prefix(&inside).filter(|rest| rest.is_empty() || rest.starts_with('/'))?;
        let volume = volumes.iter().find(|volume| text(volume, "name") == text(mount, "name"))?;
        let outside = volume.at(&["hostPath", "path"])?.text()?;
        Some((inside.len(), format!("{}{rest}", outside.trim_end_matches('/'))))
    });
    let place = mounted.max_by_key(|(depth, _)| *depth).map_or_else(|| path.to_owned(), |(_, place)| place);
    place.trim_start_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::{KeyUsers, containers, flags};
    use crate::yaml::Yaml;

    const POD: &str = "kind: Pod
spec:
  containers:
  - command: [sh, -c, 'exec kube-controller-manager --cluster-signing-key-file=/pki/ca.key \"--root-ca-file=/pki/ca.crt\"']
    volumeMounts: [{mountPath: /pki, name: pki}, {mountPath: /, name: root}]
  - command: [other, --key, /etc/kubernetes/pki/etcd/ca.key, --flag, -v]
  volumes:
  - {name: pki, hostPath: {path: /etc/kubernetes/ssl/}}
  - {name: root, emptyDir: {}}
";

    #[test]
    fn flags_name_places_of_the_node() {
        let pod = Yaml::read(POD).unwrap_or(Yaml::Null);
        let found: Vec<_> = containers(&pod).flat_map(|container| flags(&pod, container)).collect();
        let expected = [
            ("--cluster-signing-key-file", "etc/kubernetes/ssl/ca.key"),
            ("\"--root-ca-file", "etc/kubernetes/ssl/ca.crt"),
            ("--key", "etc/kubernetes/pki/etcd/ca.key"),
        ];
        let expected = expected.map(|(flag, place)| (flag.to_owned(), place.to_owned()));
        assert_eq!(found, expected.into_iter().filter(|(flag, _)| flag.starts_with('-')).collect::<Vec<_>>());
        assert!(KeyUsers::default().of(&["etc/kubernetes/pki/ca.key"]).is_none());
    }
}
