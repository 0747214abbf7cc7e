//! A bundle unpacked by GNU tar, and every certificate in it: in files of their own, in the kubelet's store, in
//! kubeconfigs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::common::{self, Bundle};

/// Who signs what, by the names of kubeadm's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ca {
    Kubernetes,
    Etcd,
    FrontProxy,
}

impl Ca {
    pub(crate) const ALL: [Self; 3] = [Self::Kubernetes, Self::Etcd, Self::FrontProxy];
}

/// What a certificate is good for, by the name of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Purpose {
    pub(crate) server: bool,
    pub(crate) client: bool,
}

const SERVER: Purpose = Purpose { server: true, client: false };
const CLIENT: Purpose = Purpose { server: false, client: true };
const BOTH: Purpose = Purpose { server: true, client: true };

/// A certificate of the bundle, alone in a file of [`Unpacked::flat`].
#[derive(Debug)]
pub(crate) struct Found {
    /// Where it was: its file's path in the archive.
    pub(crate) place: String,
    /// Its file in the flat folder.
    pub(crate) file: String,
    pub(crate) ca: Ca,
    /// `None` for the CA itself.
    pub(crate) purpose: Option<Purpose>,
    /// Its private key's file in the flat folder, if the bundle has it.
    pub(crate) key: Option<String>,
}

pub(crate) struct Unpacked {
    pub(crate) bundle: Bundle,
    /// The archive's top folder.
    pub(crate) top: PathBuf,
    /// Where the certificates and keys lie side by side.
    pub(crate) flat: PathBuf,
    /// The CAs, then every leaf.
    pub(crate) found: Vec<Found>,
    /// Pairs of a private and a public key: the service account's, once for each node that has it.
    pub(crate) bare_pairs: Vec<(PathBuf, PathBuf)>,
}

impl Unpacked {
    /// Builds a profile and takes it apart.
    pub(crate) fn build(profile: &Path) -> Self {
        let bundle = common::build(profile);
        let (tree, flat) = (bundle.folder.path().join("tree"), bundle.folder.path().join("flat"));
        fs::create_dir(&tree).unwrap();
        fs::create_dir(&flat).unwrap();
        common::succeed(common::tool("tar").arg("-xzf").arg(&bundle.archive).arg("-C").arg(&tree));
        let top = tree.join(bundle.top());
        let mut unpacked = Self { bundle, top, flat, found: Vec::new(), bare_pairs: Vec::new() };
        unpacked.take_apart();
        let lock = fs::read_to_string(&unpacked.bundle.lock).unwrap();
        assert_eq!(unpacked.found.len(), lock.matches("[[certificate]]").count(), "each certificate is somewhere");
        unpacked
    }

    /// The file of a CA's certificate in the flat folder.
    pub(crate) fn ca_file(&self, ca: Ca) -> &str {
        &self.found.iter().find(|found| found.ca == ca && found.purpose.is_none()).unwrap().file
    }

    /// The leaves of a CA.
    pub(crate) fn leaves(&self, ca: Ca) -> impl Iterator<Item = &Found> {
        self.found.iter().filter(move |found| found.ca == ca && found.purpose.is_some())
    }

    fn take_apart(&mut self) {
        let paths = common::files(&self.top);
        let (mut authorities, mut leaves) = (BTreeMap::new(), Vec::new());
        let mut pairs = 0;
        for place in &paths {
            let text = || fs::read_to_string(self.top.join(place)).unwrap();
            let mut authority = |ca: Ca, pem: &str, key: Option<String>| {
                let (_, known, known_key) =
                    authorities.entry(ca).or_insert_with(|| (place.clone(), pem.to_owned(), None));
                assert_eq!(known, pem, "{place} is the same CA everywhere");
                *known_key = known_key.take().or(key);
            };
            let beside = |extension: &str| {
                let path = place.strip_suffix(extension).map(|stem| format!("{stem}.key"));
                path.filter(|path| paths.contains(path)).map(|path| fs::read_to_string(self.top.join(path)).unwrap())
            };
            if place.ends_with(".crt") {
                match authority_of(place) {
                    Some(ca) => authority(ca, &text(), beside(".crt")),
                    None => leaves.push((place.clone(), text(), beside(".crt").unwrap())),
                }
                pairs += usize::from(beside(".crt").is_some());
            } else if place.ends_with(".pem") && !self.top.join(place).is_symlink() {
                let (certificate, key) = text().split_once("-----BEGIN RSA").map_or_else(
                    || split(&text(), "-----BEGIN EC"),
                    |(certificate, key)| (certificate.to_owned(), format!("-----BEGIN RSA{key}")),
                );
                leaves.push((place.clone(), certificate, key));
            } else if place.ends_with(".conf") {
                let text = text();
                authority(Ca::Kubernetes, &embedded(&text, "certificate-authority-data: ").unwrap(), None);
                match embedded(&text, "client-certificate-data: ") {
                    Some(pem) => leaves.push((place.clone(), pem, embedded(&text, "client-key-data: ").unwrap())),
                    None => assert!(place.ends_with("/kubelet.conf"), "{place}"),
                }
            } else if place.ends_with(".pub") {
                let public = self.top.join(place);
                self.bare_pairs.push((public.with_extension("key"), public));
            }
        }
        let keys = paths.iter().filter(|path| path.ends_with(".key")).count();
        assert_eq!(keys, pairs + self.bare_pairs.len(), "no key is alone");
        for (ca, (place, pem, key)) in authorities {
            self.add(ca, None, place, &pem, key.as_deref());
        }
        for (place, pem, key) in leaves {
            let (ca, purpose) = role(&place);
            self.add(ca, Some(purpose), place, &pem, Some(&key));
        }
    }

    fn add(&mut self, ca: Ca, purpose: Option<Purpose>, place: String, pem: &str, key: Option<&str>) {
        let number = self.found.len();
        let file = format!("{number}.crt");
        common::write(&self.flat, &file, pem, 0o644);
        let key = key.map(|key| {
            let name = format!("{number}.key");
            common::write(&self.flat, &name, key, 0o600);
            name
        });
        self.found.push(Found { place, file, ca, purpose, key });
    }
}

fn split(text: &str, at: &str) -> (String, String) {
    let (certificate, key) = text.split_at(text.find(at).unwrap());
    (certificate.to_owned(), key.to_owned())
}

/// A value of a kubeconfig that is base64.
fn embedded(kubeconfig: &str, key: &str) -> Option<String> {
    let data = kubeconfig.lines().find_map(|line| line.trim_start().strip_prefix(key))?;
    Some(String::from_utf8(BASE64_STANDARD.decode(data).unwrap()).unwrap())
}

fn authority_of(place: &str) -> Option<Ca> {
    let is_etcd = |folder: &str| folder.ends_with("/etcd") || folder.contains("etcd-clients/");
    match place.rsplit_once('/')? {
        (_, "front-proxy-ca.crt") => Some(Ca::FrontProxy),
        (folder, "ca.crt") if is_etcd(folder) => Some(Ca::Etcd),
        (_, "ca.crt") => Some(Ca::Kubernetes),
        _ => None,
    }
}

/// What kubeadm, the kubelet and etcd use a file for.
fn role(place: &str) -> (Ca, Purpose) {
    let name = |ending: &str| place.ends_with(ending);
    if name("/pki/apiserver.crt") || name("/kubelet/pki/kubelet.crt") {
        (Ca::Kubernetes, SERVER)
    } else if name("/pki/apiserver-kubelet-client.crt") || name(".conf") || place.contains("/pki/kubelet-client-") {
        (Ca::Kubernetes, CLIENT)
    } else if name("/pki/front-proxy-client.crt") {
        (Ca::FrontProxy, CLIENT)
    } else if name("/pki/etcd/server.crt") || name("/pki/etcd/peer.crt") {
        (Ca::Etcd, BOTH)
    } else if name("-etcd-client.crt") || name("/healthcheck-client.crt") || place.contains("etcd-clients/") {
        (Ca::Etcd, CLIENT)
    } else {
        panic!("nobody uses {place}")
    }
}
