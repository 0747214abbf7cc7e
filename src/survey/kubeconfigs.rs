//! Kubeconfigs without their secrets.

use super::contents::Contents;
use super::paths::Paths;
use super::value::{VALUE_LIMIT, is_label, is_relative_path, url};
use super::{Kubeconfig, KubeconfigCluster, KubeconfigContext, KubeconfigUser, reason};
use crate::kubeconfig::{self, Held, KubeconfigError, resolve};
use crate::tree::Tree;

/// Returns the kubeconfig at a place, and notes the files that it names. Of a guess only its name says that it is one.
pub(super) fn kubeconfig(tree: &Tree, place: &str, is_guess: bool, paths: &mut Paths) -> Option<Kubeconfig> {
    let rights = paths.rights(tree, place)?;
    let content = paths.content(tree, place)?;
    let has = |word: &[u8]| content.windows(word.len()).any(|window| window == word);
    if is_guess && !has(b"clusters") && !has(b"users") {
        paths.unread(place, reason::OTHER_FILE);
        return None;
    }
    let read = match kubeconfig::Kubeconfig::read(&content) {
        Ok(read) => read,
        Err(KubeconfigError::NotKubeconfig) if is_guess => {
            paths.unread(place, reason::OTHER_FILE);
            return None;
        }
        Err(error) => {
            let reason = match error {
                KubeconfigError::NotUtf8 => reason::NOT_UTF8,
                KubeconfigError::Yaml(_) => reason::NOT_YAML,
                KubeconfigError::NotKubeconfig => reason::NOT_KUBECONFIG,
            };
            paths.unread(place, reason);
            return None;
        }
    };
    let label = |name: String, paths: &mut Paths| {
        if name.is_empty() || is_label(&name) {
            return name;
        }
        paths.unread(place, reason::NAME);
        String::new()
    };
    let current_context = read.current_context.map(|name| label(name, paths)).filter(|name| !name.is_empty());
    let contexts = read.contexts.into_iter().map(|context| KubeconfigContext {
        name: label(context.name, paths),
        cluster: label(context.cluster, paths),
        user: label(context.user, paths),
    });
    let contexts = contexts.collect();
    let mut clusters = Vec::new();
    for cluster in read.clusters {
        let name = label(cluster.name, paths);
        let server_name = cluster.server_name.map(|name| label(name, paths));
        let server = cluster.server.as_deref().and_then(url).filter(|server| !server.contains('='));
        if server.is_none() && cluster.server.is_some() {
            paths.unread(place, reason::SERVER);
        }
        let (contents, file) = held(place, cluster.authority, paths);
        clusters.push(KubeconfigCluster {
            name,
            server,
            tls_server_name: server_name.filter(|name| !name.is_empty()),
            certificate_authority: file,
            certificates: contents.certificates,
        });
    }
    let mut users = Vec::new();
    for user in read.users {
        let (certificate, client_certificate) = held(place, user.certificate, paths);
        let (key, client_key) = held(place, user.key, paths);
        users.push(KubeconfigUser {
            name: label(user.name, paths),
            client_certificate,
            client_key,
            certificates: certificate.certificates,
            private_keys: key.private_keys,
            withheld: user.others.into_iter().map(str::to_owned).collect(),
        });
    }
    Some(Kubeconfig {
        path: place.to_owned(),
        mode: rights.mode,
        owner: rights.owner,
        group: rights.group,
        current_context,
        clusters,
        users,
        contexts,
    })
}

/// Returns what a field holds, or the file that it names.
fn held(place: &str, held: Option<Held>, paths: &mut Paths) -> (Contents, Option<String>) {
    match held {
        None => (Contents::default(), None),
        Some(Held::Inline(content)) => {
            let contents = Contents::read(&content);
            for reason in &contents.unread {
                paths.unread(place, reason);
            }
            (contents, None)
        }
        Some(Held::Broken(_)) => {
            paths.unread(place, reason::BASE64);
            (Contents::default(), None)
        }
        Some(Held::File(file)) if is_relative_path(&file) && file.len() <= VALUE_LIMIT => {
            paths.pem.insert(resolve(place, &file));
            (Contents::default(), Some(file))
        }
        Some(Held::File(_)) => {
            paths.unread(place, reason::PATH);
            (Contents::default(), None)
        }
    }
}
