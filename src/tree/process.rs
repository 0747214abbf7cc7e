//! The programs of a node, and what their flags, environment and configuration say.
//!
//! Static pods and systemd units say the same things in two forms. Both become a [`Process`].

use super::files::name;
use crate::kubeconfig::resolve;
use crate::kubernetes::Version;
use crate::yaml::{Yaml, YamlLimits};

/// The programs whose flags are known.
pub(crate) const API_SERVER: &str = "kube-apiserver";
pub(crate) const CONTROLLER_MANAGER: &str = "kube-controller-manager";
pub(crate) const SCHEDULER: &str = "kube-scheduler";
pub(crate) const ETCD: &str = "etcd";
pub(crate) const KUBELET: &str = "kubelet";
pub(crate) const KUBE_PROXY: &str = "kube-proxy";
/// Who reads the files of CAs, and those of people.
pub(crate) const KUBEADM: &str = "kubeadm";
pub(crate) const KUBECTL: &str = "kubectl";
pub(crate) const PROGRAMS: [&str; 6] = [API_SERVER, CONTROLLER_MANAGER, SCHEDULER, ETCD, KUBELET, KUBE_PROXY];

/// A program and its settings.
#[derive(Clone)]
pub(crate) struct Process {
    /// The path of the manifest or unit. Empty when no file says how the program is started, and kubeadm's way counts.
    pub(crate) file: String,
    /// The name of the program: one of [`PROGRAMS`], or another.
    pub(crate) program: String,
    /// The namespace and name of the pod, for a static pod.
    pub(crate) pod: Option<String>,
    /// The version of Kubernetes, or of etcd, in the image's tag.
    pub(crate) version: Option<Version>,
    /// The settings in order. The last one with a name counts.
    pub(crate) settings: Vec<Setting>,
    /// The mounts of a container: path in the container and path on the node, both without a `/` at the end. `None` for
    /// a program that runs on the node itself.
    mounts: Option<Vec<(String, String)>>,
}

/// A setting of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    /// The name of the flag without its dashes, whichever way it was set.
    pub(crate) flag: String,
    pub(crate) value: String,
    /// How the file says it: `--cert-file`, `ETCD_CERT_FILE`, `clientCAFile in var/lib/kubelet/config.yaml`.
    pub(crate) said: String,
}

impl Setting {
    fn flag(dashes: &str, flag: &str, value: &str) -> Self {
        Self { said: format!("{dashes}{flag}"), flag: flag.to_owned(), value: value.to_owned() }
    }
}

impl Process {
    /// Returns a program that runs on the node itself.
    pub(crate) fn on_node(file: impl Into<String>, program: &str, settings: Vec<Setting>) -> Self {
        let program = program.to_owned();
        Self { file: file.into(), program, pod: None, version: None, settings, mounts: None }
    }

    /// Reads a manifest: its containers whose program is known, or else its first container. Returns none when it is
    /// not a pod with a container.
    ///
    /// # Errors
    /// Fails with what is wrong with the YAML, and where.
    pub(crate) fn of_manifest(file: &str, text: &str) -> Result<Vec<Self>, String> {
        let documents = Yaml::documents(text, YamlLimits::OBJECTS)?;
        let Some((_, pod)) = documents.into_iter().next() else { return Ok(Vec::new()) };
        if pod.get("kind").and_then(Yaml::text) != Some("Pod") {
            return Ok(Vec::new());
        }
        let text = |path: &[&str]| pod.at(path).and_then(Yaml::text).unwrap_or_default();
        let namespace = Some(text(&["metadata", "namespace"])).filter(|namespace| !namespace.is_empty());
        let title = format!("{}/{}", namespace.unwrap_or("default"), text(&["metadata", "name"]));
        let containers = pod.at(&["spec", "containers"]).map(Yaml::items).unwrap_or_default();
        let all: Vec<_> = containers.iter().map(|container| of_container(file, &pod, container, &title)).collect();
        let known: Vec<_> = all.iter().filter(|process| process.is_known()).cloned().collect();
        Ok(if known.is_empty() { all.into_iter().take(1).collect() } else { known })
    }

    /// Returns whether the flags of the program are known.
    pub(crate) fn is_known(&self) -> bool {
        PROGRAMS.contains(&self.program.as_str())
    }

    /// Returns a setting. As with Go's flags, the last one counts.
    pub(crate) fn setting(&self, wanted: &str) -> Option<&Setting> {
        self.settings.iter().rev().find(|setting| setting.flag == wanted)
    }

    /// Returns the value of a flag.
    pub(crate) fn flag(&self, wanted: &str) -> Option<&str> {
        self.setting(wanted).map(|setting| setting.value.as_str())
    }

    /// Returns every value of a flag that may stand several times or hold a list.
    pub(crate) fn values(&self, wanted: &str) -> Vec<&Setting> {
        self.settings.iter().filter(|setting| setting.flag == wanted).collect()
    }

    /// Returns every setting that names a file for the program to read.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Setting> {
        self.settings.iter().filter(|setting| names_file(&setting.flag) && setting.value.starts_with('/'))
    }

    /// Returns the places on the node that are mounted and lie in a folder or are it.
    pub(crate) fn mounted_in<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a str> {
        let places = self.mounts.iter().flatten().map(|(_, outside)| outside.trim_start_matches('/'));
        places.filter(move |place| {
            place.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// Returns the place on the node of a path that the program reads, or `None` when no folder or file of the node is
    /// mounted there.
    pub(crate) fn place(&self, path: &str) -> Option<String> {
        let Some(mounts) = &self.mounts else { return Some(resolve("", path)) };
        let path = format!("/{}", resolve("", path));
        let below = |folder: &str| {
            path.strip_prefix(folder).filter(|rest| rest.is_empty() || rest.starts_with('/') || folder.is_empty())
        };
        let mounted = mounts.iter().filter_map(|(inside, outside)| Some((inside, outside, below(inside)?)));
        let (_, outside, rest) = mounted.max_by_key(|(inside, _, _)| inside.len())?;
        Some(resolve("", &format!("{outside}{rest}")))
    }
}

fn of_container(file: &str, pod: &Yaml, container: &Yaml, title: &str) -> Process {
    let words: Vec<&str> = ["command", "args"]
        .iter()
        .flat_map(|key| container.get(key).map(Yaml::items).unwrap_or_default())
        .filter_map(Yaml::text)
        .collect();
    let words = unwrapped(&words);
    let (program, flags) = program_of(&words);
    let environment = container.get("env").map(Yaml::items).unwrap_or_default();
    let environment = environment.iter().filter_map(|item| {
        Some((item.get("name").and_then(Yaml::text)?, item.get("value").and_then(Yaml::text).unwrap_or_default()))
    });
    let mut settings = if program == ETCD { of_environment(environment) } else { Vec::new() };
    settings.extend(flags);
    Process {
        file: file.to_owned(),
        program,
        pod: Some(title.to_owned()),
        version: container.get("image").and_then(Yaml::text).and_then(version_of_image),
        settings,
        mounts: Some(mounts(pod, container)),
    }
}

/// Returns the version in an image's tag: `k8s.gcr.io/kube-apiserver:v1.20.2`, `registry.k8s.io/etcd:3.5.6-0`.
fn version_of_image(image: &str) -> Option<Version> {
    let tag = image.split('@').next()?.rsplit_once(':')?.1.trim_start_matches('v');
    let mut numbers = tag.split(['.', '-', '+']).map(|number| number.parse::<u32>().ok());
    Some(Version { major: numbers.next()??, minor: numbers.next()??, patch: numbers.next()?? })
}

/// Returns the words of a command that a shell is told to run, or the words as they are.
fn unwrapped(words: &[&str]) -> Vec<String> {
    let is_shell = words.first().is_some_and(|word| matches!(name(word), "sh" | "bash" | "ash" | "dash"));
    let script = words.iter().position(|word| *word == "-c" || *word == "-ec").and_then(|at| words.get(at + 1));
    match script.filter(|_| is_shell) {
        Some(script) => shell_words(script),
        None => words.iter().map(|word| (*word).to_owned()).collect(),
    }
}

/// Splits a text as a shell does, up to what follows the first command with a known program. Variables stay as they
/// are.
pub(crate) fn shell_words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut is_open) = (Vec::new(), String::new(), None, false);
    let mut letters = text.chars().peekable();
    let mut close = |word: &mut String, is_open: &mut bool| {
        if *is_open {
            words.push(std::mem::take(word));
            *is_open = false;
        }
    };
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(end), letter) if letter == end => quote = None,
            (Some('"') | None, '\\') => {
                // A line that goes on.
                match letters.next() {
                    Some('\n') | None => {}
                    Some(letter) => {
                        word.push(letter);
                        is_open = true;
                    }
                }
            }
            (Some(_), letter) => word.push(letter),
            (None, '"' | '\'') => (quote, is_open) = (Some(letter), true),
            (None, letter) if letter.is_whitespace() => close(&mut word, &mut is_open),
            (None, ';' | '|' | '&' | '>' | '<') => {
                // The number of a file descriptor belongs to what follows it.
                if matches!(letter, '>' | '<') && word.bytes().all(|byte| byte.is_ascii_digit()) {
                    word.clear();
                    is_open = false;
                }
                close(&mut word, &mut is_open);
                (word, is_open) = (letter.to_string(), true);
                close(&mut word, &mut is_open);
            }
            (None, letter) => {
                word.push(letter);
                is_open = true;
            }
        }
    }
    close(&mut word, &mut is_open);
    words
}

/// Returns the program among the words of a command, and its flags. `exec`, `ionice` and the like may stand before it.
pub(crate) fn program_of(words: &[String]) -> (String, Vec<Setting>) {
    let is_operator = |word: &String| matches!(word.as_str(), ";" | "|" | "&" | ">" | "<");
    let known = |word: &String| match name(word) {
        "apiserver" => Some(API_SERVER),
        "controller-manager" => Some(CONTROLLER_MANAGER),
        "scheduler" => Some(SCHEDULER),
        word => PROGRAMS.into_iter().find(|program| *program == word),
    };
    let is_hyperkube = words.first().is_some_and(|word| name(word) == "hyperkube");
    let is_named = |word: &String| PROGRAMS.contains(&name(word)) || is_hyperkube;
    let found = words.iter().position(|word| known(word).is_some() && is_named(word));
    let (program, rest) = match found {
        Some(position) => {
            let program = words.get(position).and_then(known).unwrap_or_default();
            (program.to_owned(), words.get(position + 1..).unwrap_or_default())
        }
        None => {
            let program = words.first().map(|word| name(word)).unwrap_or_default();
            (program.to_owned(), words.get(1..).unwrap_or_default())
        }
    };
    let end = rest.iter().position(is_operator).unwrap_or(rest.len());
    (program, flags(rest.get(..end).unwrap_or_default()))
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

/// Reads `--a=b`, or `--a` and `b`; one dash is as good as two. A lone `--a` has the value `true`.
fn flags(words: &[String]) -> Vec<Setting> {
    let mut flags = Vec::new();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let dashes = if word.starts_with("--") { "--" } else { "-" };
        let Some(flag) = word.strip_prefix(dashes) else { continue };
        match flag.split_once('=') {
            Some((flag, value)) => flags.push(Setting::flag(dashes, flag, value)),
            None => {
                let value = words.next_if(|next| !next.starts_with('-')).map_or("true", |value| value);
                flags.push(Setting::flag(dashes, flag, value));
            }
        }
    }
    flags
}

/// Returns the settings of etcd in environment variables: `ETCD_CERT_FILE` is `--cert-file`. Source: etcd v3.5,
/// pkg/flags/flag.go `SetFlagsFromEnv`.
pub(crate) fn of_environment<'a>(variables: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<Setting> {
    let setting = |(variable, value): (&str, &str)| {
        let flag = variable.strip_prefix("ETCD_")?.to_ascii_lowercase().replace('_', "-");
        Some(Setting { flag, value: value.to_owned(), said: variable.to_owned() })
    };
    variables.filter_map(setting).collect()
}

/// Returns the settings in etcd's configuration file. Source: etcd v3.5, embed/config.go `configYAML`.
pub(crate) fn of_etcd_yaml(file: &str, text: &str) -> Result<Vec<Setting>, String> {
    let yaml = Yaml::read(text)?;
    let mut settings = Vec::new();
    for (section, prefix) in [("client-transport-security", ""), ("peer-transport-security", "peer-")] {
        for field in ["cert-file", "key-file", "trusted-ca-file", "client-cert-auth", "allowed-cn"] {
            let field_value = yaml.at(&[section, field]).and_then(Yaml::text);
            settings.extend(field_value.map(|value| Setting {
                flag: format!("{prefix}{field}"),
                value: value.to_owned(),
                said: format!("{section}.{field} in {file}"),
            }));
        }
    }
    let plain = yaml.pairs().iter().filter_map(|(key, value)| {
        let value = value.text()?.to_owned();
        Some(Setting { flag: key.clone(), value, said: format!("{key} in {file}") })
    });
    settings.extend(plain);
    Ok(settings)
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
    use super::{API_SERVER, Process, of_environment, of_etcd_yaml, program_of, shell_words};
    use crate::kubernetes::Version;

    const POD: &str = "apiVersion: v1
kind: Pod
metadata: {name: kube-apiserver, namespace: kube-system}
spec:
  containers:
  - image: registry/kube-apiserver:v1.20.2
    command:
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

    fn one(text: &str) -> Process {
        let [process] = Process::of_manifest("m.yaml", text).unwrap().try_into().ok().unwrap();
        process
    }

    #[test]
    fn flags_and_mounts_are_read() {
        let pod = one(POD);
        assert_eq!((pod.program.as_str(), pod.pod.as_deref()), ("kube-apiserver", Some("kube-system/kube-apiserver")));
        assert_eq!(pod.version, Some(Version::new(20, 2)));
        assert_eq!(pod.flag("secure-port"), Some("6443"));
        assert_eq!((pod.flag("v"), pod.flag("allow-privileged")), (Some("4"), Some("true")));
        let files: Vec<_> = pod.files().map(|setting| (setting.flag.as_str(), setting.value.as_str())).collect();
        assert_eq!(files, [("tls-cert-file", "/pki/apiserver.crt"), ("client-ca-file", "/etc/ca/ca.crt")]);
        assert_eq!(pod.place("/pki/apiserver.crt").as_deref(), Some("etc/kubernetes/pki/apiserver.crt"));
        assert_eq!(pod.place("/pki/deep/a").as_deref(), Some("srv/deep/a"));
        assert_eq!(pod.place("/pki/../pki/a").as_deref(), Some("etc/kubernetes/pki/a"));
        for outside in ["/etc/ca/ca.crt", "/pkix/a", "/gone/a"] {
            assert_eq!(pod.place(outside), None, "{outside}");
        }
    }

    #[test]
    fn a_program_is_found_behind_a_shell_and_in_any_container() {
        let shell = POD.replace(
            "    - /usr/local/bin/kube-apiserver\n",
            "    - /bin/sh\n    - -c\n    - exec kube-apiserver --a='b c' --d 1>>/var/log/x 2>&1\n",
        );
        let pod = one(&shell);
        assert_eq!((pod.program.as_str(), pod.flag("a"), pod.flag("d")), (API_SERVER, Some("b c"), Some("true")));
        let second = POD.replace("  - image", "  - {name: first, command: [/proxy-server, --x=1]}\n  - image");
        assert_eq!(one(&second).flag("secure-port"), Some("6443"));
        let words = |text: &str| program_of(&shell_words(text)).0;
        assert_eq!(words("/hyperkube apiserver --a"), API_SERVER);
        assert_eq!(words("ionice -c2 /usr/bin/etcd --name=x"), "etcd");
        assert_eq!(words("/start.sh scheduler"), "start.sh");
    }

    #[test]
    fn words_are_those_of_a_shell() {
        assert_eq!(
            shell_words("a \"b c\" 'd \"e' \\\n f\\ g 2>&1|h"),
            ["a", "b c", "d \"e", "f g", ">", "&", "1", "|", "h"]
        );
        assert_eq!(shell_words("  '' "), [""]);
    }

    #[test]
    fn etcd_is_told_by_environment_and_file() {
        let settings = of_environment([("ETCD_PEER_CERT_FILE", "/a"), ("PATH", "/bin")].into_iter());
        assert_eq!(
            (settings.len(), settings[0].flag.as_str(), settings[0].said.as_str()),
            (1, "peer-cert-file", "ETCD_PEER_CERT_FILE")
        );
        let yaml = "name: x\npeer-transport-security: {trusted-ca-file: /ca}\n";
        let settings = of_etcd_yaml("etc/etcd.yaml", yaml).unwrap();
        assert_eq!(settings[0].flag, "peer-trusted-ca-file");
        assert_eq!(settings[0].said, "peer-transport-security.trusted-ca-file in etc/etcd.yaml");
        assert_eq!(settings[1].flag, "name");
    }

    #[test]
    fn what_is_no_pod_is_none_and_what_is_no_yaml_says_so() {
        assert!(Process::of_manifest("m", "kind: ConfigMap\n").unwrap().is_empty());
        assert!(Process::of_manifest("m", "").unwrap().is_empty());
        assert!(Process::of_manifest("m", "kind: Pod\nspec: {containers: []}\n").unwrap().is_empty());
        assert!(Process::of_manifest("m", "kind: Pod\n  spec: [\n").is_err());
    }
}
