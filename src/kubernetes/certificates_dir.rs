//! kubeadm's certificatesDir: the folder of a node's certificates and keys.

use std::borrow::Cow;
use std::fmt;

use super::place::{KUBERNETES, PKI};

/// The longest name of the folder. With it every path of a node's part fits into a tar header, as with kubeadm's own.
const LONGEST: usize = 32;
/// What kubeadm keeps in the folder of kubeconfigs besides certificates: static pods, and copies of what it replaces.
const RESERVED: [&str; 2] = ["manifests", "tmp"];

/// The folder of certificates and keys of a cluster's nodes: a folder in [`KUBERNETES`], by default [`PKI`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificatesDir(Cow<'static, str>);

/// The reason why a path is no folder for certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificatesDirRefusal {
    /// It is not `/etc/kubernetes/` and one name.
    Elsewhere,
    /// The name is too long, or has other characters than letters, digits, `.`, `_` and `-`, or does not begin with a
    /// letter or digit.
    Name,
    /// Kubernetes or certferry keeps something else under this name.
    Taken,
}

impl Default for CertificatesDir {
    fn default() -> Self {
        Self(Cow::Borrowed(PKI))
    }
}

impl fmt::Display for CertificatesDir {
    /// Writes the absolute path, as in kubeadm's configuration.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "/{}", self.0)
    }
}

impl CertificatesDir {
    /// Reads an absolute path.
    ///
    /// # Errors
    /// Returns why the path cannot be that of the folder.
    pub fn parse(path: &str) -> Result<Self, CertificatesDirRefusal> {
        let name = path.strip_prefix('/').and_then(|place| name_in_kubernetes(place));
        let name = name.filter(|name| !matches!(*name, "" | "." | "..")).ok_or(CertificatesDirRefusal::Elsewhere)?;
        check(name)?;
        Ok(Self(if format!("/{PKI}") == path { PKI.into() } else { format!("{KUBERNETES}/{name}").into() }))
    }

    /// Returns the folder, relative to the root.
    #[must_use]
    pub fn folder(&self) -> &str {
        &self.0
    }

    /// Returns whether the folder is kubeadm's own.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.0 == PKI
    }

    /// Returns where a file lies that lies at `usual` with kubeadm's own folder.
    #[must_use]
    pub fn place<'t>(&self, usual: &'t str) -> Cow<'t, str> {
        moved(usual, PKI, &self.0)
    }

    /// Returns where the file at a place would lie with kubeadm's own folder.
    #[must_use]
    pub fn usual<'t>(&self, place: &'t str) -> Cow<'t, str> {
        moved(place, &self.0, PKI)
    }

    /// Returns whether the place is that of a file with kubeadm's own folder, which these nodes do not have.
    #[must_use]
    pub fn is_foreign(&self, place: &str) -> bool {
        !self.is_default() && below(place, PKI).is_some()
    }
}

/// Returns where a file of a part would lie if kubeadm's own folder was that of the certificates, whatever the folder is.
/// A part has one such folder alone.
#[must_use]
pub fn usual_place(place: &str) -> Cow<'_, str> {
    let folder =
        place.strip_prefix(KUBERNETES).and_then(|rest| rest.strip_prefix('/')).and_then(|rest| rest.split_once('/'));
    match folder {
        Some((name, file)) if check(name).is_ok() => {
            if below(place, PKI).is_some() {
                place.into()
            } else {
                format!("{PKI}/{file}").into()
            }
        }
        _ => place.into(),
    }
}

fn check(name: &str) -> Result<(), CertificatesDirRefusal> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if !begins || name.len() > LONGEST || !name.bytes().all(is_plain) {
        return Err(CertificatesDirRefusal::Name);
    }
    // No two names of a part differ in case alone.
    let name = name.to_ascii_lowercase();
    let is_file = name.ends_with(".conf") || name.starts_with("certferry-");
    if is_file || RESERVED.contains(&name.as_str()) { Err(CertificatesDirRefusal::Taken) } else { Ok(()) }
}

fn name_in_kubernetes(place: &str) -> Option<&str> {
    below(place, KUBERNETES).filter(|name| !name.contains('/'))
}

fn moved<'t>(place: &'t str, from: &str, to: &str) -> Cow<'t, str> {
    if from == to {
        return place.into();
    }
    match place.strip_prefix(from) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{to}{rest}").into(),
        _ => place.into(),
    }
}

fn below<'t>(place: &'t str, folder: &str) -> Option<&'t str> {
    place.strip_prefix(folder)?.strip_prefix('/')
}

#[cfg(test)]
mod tests {
    use super::{CertificatesDir, CertificatesDirRefusal, RESERVED, usual_place};
    use crate::kubernetes::MANIFESTS;

    #[test]
    fn the_folder_is_one_name_in_etc_kubernetes() {
        use CertificatesDirRefusal::{Elsewhere, Name, Taken};

        for (path, expected) in [
            ("/etc/kubernetes/ssl", Ok("etc/kubernetes/ssl")),
            ("/etc/kubernetes/pki", Ok("etc/kubernetes/pki")),
            ("/etc/kubernetes/0.a_B-c", Ok("etc/kubernetes/0.a_B-c")),
            ("", Err(Elsewhere)),
            ("/etc/kubernetes", Err(Elsewhere)),
            ("/etc/kubernetes/", Err(Elsewhere)),
            ("/etc/kubernetes/.", Err(Elsewhere)),
            ("/etc/kubernetes/..", Err(Elsewhere)),
            ("/etc/kubernetes/ssl/", Err(Elsewhere)),
            ("/etc/kubernetes/a/b", Err(Elsewhere)),
            ("/etc//kubernetes/a", Err(Elsewhere)),
            ("etc/kubernetes/ssl", Err(Elsewhere)),
            ("/srv/pki", Err(Elsewhere)),
            ("/etc/kubernetes/.certferry", Err(Name)),
            ("/etc/kubernetes/-a", Err(Name)),
            ("/etc/kubernetes/a b", Err(Name)),
            ("/etc/kubernetes/a$b", Err(Name)),
            ("/etc/kubernetes/ä", Err(Name)),
            ("/etc/kubernetes/a\n", Err(Name)),
            ("/etc/kubernetes/123456789012345678901234567890123", Err(Name)),
            ("/etc/kubernetes/manifests", Err(Taken)),
            ("/etc/kubernetes/Manifests", Err(Taken)),
            ("/etc/kubernetes/tmp", Err(Taken)),
            ("/etc/kubernetes/admin.conf", Err(Taken)),
            ("/etc/kubernetes/certferry-restart.sh", Err(Taken)),
        ] {
            let found = CertificatesDir::parse(path);
            assert_eq!(found.as_ref().map(CertificatesDir::folder).map_err(|refusal| *refusal), expected, "{path}");
        }
        assert_eq!(CertificatesDir::parse("/etc/kubernetes/pki"), Ok(CertificatesDir::default()));
        assert!(RESERVED.iter().any(|name| MANIFESTS.ends_with(&format!("/{name}"))));
    }

    #[test]
    fn places_move_with_the_folder() {
        let ssl = CertificatesDir::parse("/etc/kubernetes/ssl").unwrap_or_default();
        assert!(!ssl.is_default());
        for (usual, place) in [
            ("etc/kubernetes/pki", "etc/kubernetes/ssl"),
            ("etc/kubernetes/pki/etcd/ca.crt", "etc/kubernetes/ssl/etcd/ca.crt"),
            ("etc/kubernetes/admin.conf", "etc/kubernetes/admin.conf"),
            ("etc/kubernetes/pki2/ca.crt", "etc/kubernetes/pki2/ca.crt"),
            ("var/lib/kubelet/pki/kubelet.crt", "var/lib/kubelet/pki/kubelet.crt"),
        ] {
            assert_eq!(ssl.place(usual), place);
            assert_eq!(ssl.usual(place), usual);
            assert_eq!(CertificatesDir::default().place(usual), usual);
        }
        assert!(ssl.is_foreign("etc/kubernetes/pki/ca.crt") && !ssl.is_foreign("etc/kubernetes/ssl/ca.crt"));
        assert!(!CertificatesDir::default().is_foreign("etc/kubernetes/pki/ca.crt"));
        for (place, usual) in [
            ("etc/kubernetes/ssl/etcd/ca.crt", "etc/kubernetes/pki/etcd/ca.crt"),
            ("etc/kubernetes/pki/ca.crt", "etc/kubernetes/pki/ca.crt"),
            ("etc/kubernetes/manifests/ca.crt", "etc/kubernetes/manifests/ca.crt"),
            ("etc/kubernetes/.certferry/ca.crt", "etc/kubernetes/.certferry/ca.crt"),
            ("etc/kubernetes/ca.crt", "etc/kubernetes/ca.crt"),
            ("etc/kubernetes2/ssl/ca.crt", "etc/kubernetes2/ssl/ca.crt"),
        ] {
            assert_eq!(usual_place(place), usual);
        }
    }
}
