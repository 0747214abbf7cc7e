//! The roots of registries, for containerd and for the system.

use super::addons::TLS_CA;
use super::chain::anchor;
use super::file::{PlannedContent, PlannedFile, file};
use super::manifest::Manifest;
use super::registry_file::RegistryFile;
use crate::kubernetes::{CERTS_D, HOSTS_TOML, REGISTRY_CA, Role, TRUST_FOLDERS, TRUST_PREFIX, registry_folder};
use crate::profile::{Node, Profile, RegistryRoot, RootCertificate};

/// Plans the files of a node that runs containers.
pub(super) fn files(profile: &Profile, node: &Node) -> Vec<PlannedFile> {
    if node.role == Role::Etcd {
        return Vec::new();
    }
    let root = |certificates: &[RootCertificate]| manifest(RegistryFile::Root(certificates.to_vec()));
    let mut files: Vec<PlannedFile> = Vec::new();
    for registry in &profile.registries {
        let folder = format!("{CERTS_D}/{}", registry_folder(&registry.host));
        let (content, of_system) = match &registry.root {
            RegistryRoot::Tls => {
                let Some(authority) = &profile.tls_ca else { continue };
                let content = PlannedContent::from(anchor(TLS_CA, authority));
                (content.clone(), vec![("tls-ca".to_owned(), content)])
            }
            // `update-ca-certificates` wants one certificate in a file.
            RegistryRoot::Pem(certificates) => {
                let one = |known: &RootCertificate| (known.short_hash().to_owned(), root(std::slice::from_ref(known)));
                (root(certificates), certificates.iter().map(one).collect())
            }
        };
        files.push(file(format!("{folder}/{REGISTRY_CA}"), content));
        files.push(file(format!("{folder}/{HOSTS_TOML}"), manifest(RegistryFile::Hosts(registry.host.clone()))));
        for (name, content) in of_system.into_iter().filter(|_| registry.system_trust) {
            for folder in TRUST_FOLDERS {
                let path = format!("{folder}/{TRUST_PREFIX}{name}.crt");
                // Registries may have a root in common.
                if files.iter().all(|known| known.path != path) {
                    files.push(file(path, content.clone()));
                }
            }
        }
    }
    files
}

fn manifest(content: RegistryFile) -> PlannedContent {
    PlannedContent::Manifest(Box::new(Manifest::Registry(content)))
}
