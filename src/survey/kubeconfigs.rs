//! Kubeconfigs without their secrets.

use super::contents::Contents;
use super::paths::Paths;
use super::value::{VALUE_LIMIT, is_relative_path, url};
use super::{Kubeconfig, KubeconfigCluster, KubeconfigContext, KubeconfigUser, reason};
use crate::kubeconfig::{self, Held, KubeconfigError, resolve};
use crate::tree::Tree;

/// Returns the kubeconfig at a place, and notes the files that it names.
pub(super) fn kubeconfig(tree: &Tree, place: &str, paths: &mut Paths) -> Option<Kubeconfig> {
    let rights = paths.rights(tree, place)?;
    let content = paths.content(tree, place)?;
    let read = match kubeconfig::Kubeconfig::read(&content) {
        Ok(read) => read,
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
    let mut clusters = Vec::new();
    for cluster in read.clusters {
        let server = cluster.server.as_deref().and_then(url).filter(|server| !server.contains('='));
        if server.is_none() && cluster.server.is_some() {
            paths.unread(place, reason::SERVER);
        }
        let (contents, file) = held(place, cluster.authority, paths);
        clusters.push(KubeconfigCluster {
            name: cluster.name,
            server,
            tls_server_name: cluster.server_name,
            certificate_authority: file,
            certificates: contents.certificates,
        });
    }
    let mut users = Vec::new();
    for user in read.users {
        let (certificate, client_certificate) = held(place, user.certificate, paths);
        let (key, client_key) = held(place, user.key, paths);
        users.push(KubeconfigUser {
            name: user.name,
            client_certificate,
            client_key,
            certificates: certificate.certificates,
            private_keys: key.private_keys,
            withheld: user.others.into_iter().map(str::to_owned).collect(),
        });
    }
    let contexts = read.contexts.into_iter().map(|context| KubeconfigContext {
        name: context.name,
        cluster: context.cluster,
        user: context.user,
    });
    Some(Kubeconfig {
        path: place.to_owned(),
        mode: rights.mode,
        owner: rights.owner,
        group: rights.group,
        current_context: read.current_context,
        clusters,
        users,
        contexts: contexts.collect(),
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
