//! The configuration files of a node's programs, with what a survey holds of their fields.

use super::paths::Paths;
use super::settings::{KUBEADM_KINDS, KUBELET_KIND, kind_of};
use super::value::kept;
use super::{Configuration, Program, Setting, reason};
use crate::kubeconfig::resolve;
use crate::tree::{ETCD, KUBELET, KUBELET_CONFIG, Tree, of_etcd_yaml};
use crate::yaml::{Yaml, YamlLimits};

/// Where kubespray and kind leave kubeadm's configuration, which holds tokens.
pub(super) const KUBEADM_FILES: [&str; 3] =
    ["etc/kubernetes/kubeadm-client.conf", "etc/kubernetes/kubeadm-config.yaml", "kind/kubeadm.conf"];

/// Returns the configurations, by path.
pub(super) fn configurations(tree: &Tree, programs: &[Program], paths: &mut Paths) -> Vec<Configuration> {
    let mut found = Vec::new();
    for place in KUBEADM_FILES {
        let Some((place, documents)) = documents(tree, place, paths) else { continue };
        for document in documents {
            let kind = document.get("kind").and_then(Yaml::text).unwrap_or_default();
            if let Some(kind) = KUBEADM_KINDS.iter().find(|known| **known == kind) {
                found.push(configuration(&place, kind, fields(&document), paths));
            }
        }
    }
    let named = |program: &str, flag: &str| {
        let setting = programs.iter().filter(|known| known.name == program).find_map(|program| program.setting(flag));
        setting.and_then(Setting::place).map(|place| resolve("", place))
    };
    let kubelets = named(KUBELET, "config").unwrap_or_else(|| KUBELET_CONFIG.to_owned());
    if let Some((place, documents)) = documents(tree, &kubelets, paths)
        && let Some(document) = documents.first()
    {
        found.push(configuration(&place, KUBELET_KIND, fields(document), paths));
    }
    if let Some(place) = named(ETCD, "config-file")
        && let Some((place, text)) = paths.text(tree, &place)
    {
        match of_etcd_yaml(&place, &text) {
            Ok(settings) => {
                let fields = settings.into_iter().map(|setting| (setting.flag, setting.value)).collect();
                found.push(configuration(&place, ETCD, fields, paths));
            }
            Err(_) => paths.unread(&place, reason::NOT_YAML),
        }
    }
    // Documents of one file stay in its order.
    found.sort_by(|left, right| left.path.cmp(&right.path));
    found
}

fn documents(tree: &Tree, place: &str, paths: &mut Paths) -> Option<(String, Vec<Yaml>)> {
    let (place, text) = paths.text(tree, place)?;
    let Ok(documents) = Yaml::documents(&text, YamlLimits::KUBECONFIG) else {
        paths.unread(&place, reason::NOT_YAML);
        return None;
    };
    Some((place, documents.into_iter().map(|(_, document)| document).collect()))
}

fn configuration(place: &str, kind: &str, fields: Vec<(String, String)>, paths: &mut Paths) -> Configuration {
    let mut settings = Vec::new();
    for (name, value) in fields {
        let kept = kind_of(kind, &name).and_then(|kind| Some((kind, kept(kind, &value)?)));
        let Some((kind, value)) = kept else { continue };
        paths.name(kind, &resolve("", &value));
        settings.push(Setting { name, value, at: None });
    }
    Configuration { path: place.to_owned(), kind: kind.to_owned(), settings }
}

/// Returns the texts of a document in order, each with the path of keys to it.
fn fields(document: &Yaml) -> Vec<(String, String)> {
    let mut found = Vec::new();
    walk(document, "", &mut found);
    found
}

/// The reader of YAML limits the depth.
fn walk(yaml: &Yaml, path: &str, found: &mut Vec<(String, String)>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match yaml {
        Yaml::Null => {}
        Yaml::Scalar(text) => found.push((path.to_owned(), text.to_string())),
        Yaml::Sequence(items) => {
            for (number, item) in items.iter().enumerate() {
                walk(item, &below(&number.to_string()), found);
            }
        }
        Yaml::Mapping(pairs) => {
            for (key, value) in pairs {
                walk(value, &below(key), found);
            }
        }
    }
}
