//! Reads the manifests of static pods, as far as they name files and addresses.

use super::tree::name;
use crate::kubeconfig::resolve;
use crate::yaml::{Yaml, YamlLimits};

/// A static pod, of which only the first container counts.
pub(super) struct StaticPod {
    /// The path of the manifest.
    pub(super) file: String,
    /// The name of the program: `kube-apiserver`, `kube-controller-manager`, `kube-scheduler`, `etcd` or another.
    pub(super) program: String,
    /// The namespace and name of the pod.
    pub(super) pod: String,
    /// The flags in order: name without dashes, and value.
    flags: Vec<(String, String)>,
    /// The mounts: path in the container and path on the node, both without a `/` at the end.
    mounts: Vec<(String, String)>,
}

impl StaticPod {
    /// Reads a manifest. Returns `None` when it is not a pod with a container.
    ///
    /// # Errors
    /// Fails with what is wrong with the YAML, and where.
    pub(super) fn read(file: &str, text: &str) -> Result<Option<Self>, String> {
        let documents = Yaml::documents(text, YamlLimits::OBJECTS)?;
        let Some((_, pod)) = documents.into_iter().next() else { return Ok(None) };
        if pod.get("kind").and_then(Yaml::text) != Some("Pod") {
            return Ok(None);
        }
        let text = |path: &[&str]| pod.at(path).and_then(Yaml::text).unwrap_or_default();
        let containers = pod.at(&["spec", "containers"]).map(Yaml::items).unwrap_or_default();
        let Some(container) = containers.first() else { return Ok(None) };
        let words: Vec<&str> = ["command", "args"]
            .iter()
            .flat_map(|key| container.get(key).map(Yaml::items).unwrap_or_default())
            .filter_map(Yaml::text)
            .collect();
        let namespace = Some(text(&["metadata", "namespace"])).filter(|namespace| !namespace.is_empty());
        Ok(Some(Self {
            file: file.to_owned(),
            program: words.first().map(|word| name(word)).unwrap_or_default().to_owned(),
            pod: format!("{}/{}", namespace.unwrap_or("default"), text(&["metadata", "name"])),
            flags: flags(words.get(1..).unwrap_or_default()),
            mounts: mounts(&pod, container),
        }))
    }

    /// Returns the value of a flag. As with Go's flags, the last one counts.
    pub(super) fn flag(&self, wanted: &str) -> Option<&str> {
        self.flags.iter().rev().find(|(flag, _)| flag == wanted).map(|(_, value)| value.as_str())
    }

    /// Returns every flag that names a file for the program to read, with its value.
    pub(super) fn file_flags(&self) -> impl Iterator<Item = (&str, &str)> {
        let flags = self.flags.iter().map(|(flag, value)| (flag.as_str(), value.as_str()));
        flags.filter(|(flag, value)| names_file(flag) && value.starts_with('/'))
    }

    /// Returns the place on the node of a path in the container, or `None` when no folder or file of the node is
    /// mounted there.
    pub(super) fn place(&self, path: &str) -> Option<String> {
        let path = format!("/{}", resolve("", path));
        let below = |folder: &str| {
            path.strip_prefix(folder).filter(|rest| rest.is_empty() || rest.starts_with('/') || folder.is_empty())
        };
        let mounted = self.mounts.iter().filter_map(|(inside, outside)| Some((inside, outside, below(inside)?)));
        let (_, outside, rest) = mounted.max_by_key(|(inside, _, _)| inside.len())?;
        Some(resolve("", &format!("{outside}{rest}")))
    }
}

/// Returns whether the value of a flag of Kubernetes' programs or of etcd is a file that must be there. Source:
/// v1.20.2, `--help` of each.
fn names_file(flag: &str) -> bool {
    const OTHERS: [&str; 7] = [
        "kubelet-client-certificate",
        "kubelet-client-key",
        "kubelet-certificate-authority",
        "kubeconfig",
        "authentication-kubeconfig",
        "authorization-kubeconfig",
        "encryption-provider-config",
    ];
    // The program itself makes the files of the first two. The others are lists of files, of which one is enough.
    const NO_FILE: [&str; 4] = ["log-file", "lock-file", "boot-id-file", "machine-id-file"];
    (flag.ends_with("file") && !NO_FILE.contains(&flag)) || OTHERS.contains(&flag)
}

/// Reads `--a=b`, or `--a` and `b`. A lone `--a` has the value `true`.
fn flags(words: &[&str]) -> Vec<(String, String)> {
    let mut flags = Vec::new();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let Some(flag) = word.strip_prefix("--") else { continue };
        match flag.split_once('=') {
            Some((flag, value)) => flags.push((flag.to_owned(), value.to_owned())),
            None => {
                let value = words.next_if(|next| !next.starts_with('-')).map_or("true", |value| *value);
                flags.push((flag.to_owned(), value.to_owned()));
            }
        }
    }
    flags
}

fn mounts(pod: &Yaml, container: &Yaml) -> Vec<(String, String)> {
    let volumes = pod.at(&["spec", "volumes"]).map(Yaml::items).unwrap_or_default();
    let on_node = |volume: &str| {
        let volume = volumes.iter().find(|known| known.get("name").and_then(Yaml::text) == Some(volume))?;
        volume.at(&["hostPath", "path"])?.text()
    };
    let mount = |mount: &Yaml| {
        let inside = mount.get("mountPath")?.text()?.trim_end_matches('/').to_owned();
        let part = mount.get("subPath").and_then(Yaml::text).map(|part| format!("/{part}")).unwrap_or_default();
        let outside = on_node(mount.get("name")?.text()?)?.trim_end_matches('/');
        Some((inside, format!("{outside}{part}")))
    };
    container.get("volumeMounts").map(Yaml::items).unwrap_or_default().iter().filter_map(mount).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::StaticPod;

    const POD: &str = "apiVersion: v1
kind: Pod
metadata: {name: kube-apiserver, namespace: kube-system}
spec:
  containers:
  - command:
    - /usr/local/bin/kube-apiserver
    - --tls-cert-file=/pki/apiserver.crt
    - --secure-port
    - '6443'
    - --v=2
    - --v=4
    - --log-file=/var/log/x
    - --allow-privileged
    args: [--client-ca-file, /etc/ca/ca.crt]
    volumeMounts:
    - {mountPath: /pki/, name: pki}
    - {mountPath: /pki/deep, name: deep}
    - {mountPath: /gone, name: empty}
  volumes:
  - {name: pki, hostPath: {path: /etc/kubernetes/pki}}
  - {name: deep, hostPath: {path: /srv/deep/}}
  - {name: empty, emptyDir: {}}
";

    #[test]
    fn flags_and_mounts_are_read() {
        let pod = StaticPod::read("m.yaml", POD).unwrap().unwrap();
        assert_eq!((pod.program.as_str(), pod.pod.as_str()), ("kube-apiserver", "kube-system/kube-apiserver"));
        assert_eq!(pod.flag("secure-port"), Some("6443"));
        assert_eq!((pod.flag("v"), pod.flag("allow-privileged")), (Some("4"), Some("true")));
        let files: Vec<_> = pod.file_flags().collect();
        assert_eq!(files, [("tls-cert-file", "/pki/apiserver.crt"), ("client-ca-file", "/etc/ca/ca.crt")]);
        assert_eq!(pod.place("/pki/apiserver.crt").as_deref(), Some("etc/kubernetes/pki/apiserver.crt"));
        assert_eq!(pod.place("/pki/deep/a").as_deref(), Some("srv/deep/a"));
        assert_eq!(pod.place("/pki/../pki/a").as_deref(), Some("etc/kubernetes/pki/a"));
        for outside in ["/etc/ca/ca.crt", "/pkix/a", "/gone/a"] {
            assert_eq!(pod.place(outside), None, "{outside}");
        }
    }

    #[test]
    fn what_is_no_pod_is_none_and_what_is_no_yaml_says_so() {
        assert!(StaticPod::read("m", "kind: ConfigMap\n").unwrap().is_none());
        assert!(StaticPod::read("m", "").unwrap().is_none());
        assert!(StaticPod::read("m", "kind: Pod\nspec: {containers: []}\n").unwrap().is_none());
        assert!(StaticPod::read("m", "kind: Pod\n  spec: [\n").is_err());
    }
}
