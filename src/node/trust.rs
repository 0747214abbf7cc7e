//! The rule of trust: whether what a part brings and what is on the node would take each other's certificates and tokens.
//!
//! A rotation in phases keeps this true between any two nodes that are one phase apart. Numbers do not tell it: a new
//! generation without phases ends what a phase before has begun.

use zeroize::Zeroizing;

use crate::kubernetes::{AUTHORITIES, PKI};
use crate::x509::{public_key_bits, read_pem};

/// What one side trusts, and with which keys it issues.
pub(super) struct Trust(Vec<Keys>);

/// The keys of one authority.
struct Keys {
    /// The file that is trusted, with kubeadm's own folder of certificates.
    place: String,
    /// The public key of the one that issues. `None` where there is no such file.
    issues: Option<Vec<u8>>,
    /// The public keys of all that are trusted.
    trusted: Vec<Vec<u8>>,
}

/// Why two sides do not work beside each other. Both name the file that is trusted, with kubeadm's own folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Breach {
    /// What the part issues with is not trusted by what is installed.
    UnknownHere(String),
    /// What is installed issues with what the part does not trust.
    UnknownThere(String),
}

impl Breach {
    /// Returns the place of the file that is trusted, with kubeadm's own folder of certificates.
    #[must_use]
    pub fn place(&self) -> &str {
        match self {
            Self::UnknownHere(place) | Self::UnknownThere(place) => place,
        }
    }
}

impl Trust {
    /// Reads what one side trusts. `file` returns the content of a file by its place with kubeadm's own folder, empty where
    /// there is none.
    ///
    /// # Errors
    /// Returns the error of `file`.
    pub(super) fn read<E>(file: impl Fn(&str) -> Result<Zeroizing<Vec<u8>>, E>) -> Result<Self, E> {
        let mut all = Vec::new();
        for row in AUTHORITIES {
            let place = format!("{PKI}/{}.crt", row.base_name);
            let contents = read_pem(&file(&place)?).unwrap_or_default();
            let keys = contents.certificates.iter().filter_map(|certificate| public_key_bits(certificate.spki_der()));
            let trusted: Vec<_> = keys.collect();
            // It is always the first that issues (manual/formats.md).
            all.push(Keys { place, issues: trusted.first().cloned(), trusted });
        }
        let place = format!("{PKI}/sa.pub");
        let trusted = read_pem(&file(&place)?).unwrap_or_default().public_keys;
        let own = read_pem(&file(&format!("{PKI}/sa.key"))?).unwrap_or_default().public_keys;
        let issues = own.into_iter().next().or_else(|| trusted.first().cloned());
        all.push(Keys { place, issues, trusted });
        Ok(Self(all))
    }

    /// Returns every breach between what is installed, which this is, and a part. An authority that one of both does not
    /// have is none.
    pub(super) fn breaches(&self, part: &Self) -> Vec<Breach> {
        let mut breaches = Vec::new();
        for (here, there) in self.0.iter().zip(&part.0) {
            let (Some(installed), Some(brought)) = (&here.issues, &there.issues) else { continue };
            if !here.trusted.contains(brought) {
                breaches.push(Breach::UnknownHere(here.place.clone()));
            } else if !there.trusted.contains(installed) {
                breaches.push(Breach::UnknownThere(here.place.clone()));
            }
        }
        breaches
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeMap;
    use std::convert::Infallible;
    use std::process::Command;

    use zeroize::Zeroizing;

    use super::{Breach, Trust};

    fn openssl(words: &str) -> String {
        let output = Command::new("openssl").args(words.split(' ')).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn trust(files: &[(&str, &str)]) -> Trust {
        let files: BTreeMap<String, &str> =
            files.iter().map(|(name, text)| (format!("etc/kubernetes/pki/{name}"), *text)).collect();
        let file = |place: &str| {
            Ok::<_, Infallible>(Zeroizing::new(files.get(place).copied().unwrap_or_default().as_bytes().to_vec()))
        };
        Trust::read(file).unwrap()
    }

    /// openssl makes the CAs and keys.
    #[test]
    fn each_phase_trusts_its_neighbours_and_none_beyond() {
        let folder = tempfile::tempdir().unwrap();
        let [old, new] = ["old", "new"].map(|name| {
            let key = folder.path().join(name);
            let key = key.to_str().unwrap();
            let ca = format!(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=kubernetes -keyout {key}"
            );
            let ca = openssl(&ca);
            (ca, std::fs::read_to_string(key).unwrap(), openssl(&format!("pkey -in {key} -pubout")))
        });
        let two = |first: &str, second: &str| format!("{first}{second}");
        let phases = [
            (old.0.clone(), old.1.clone(), old.2.clone()),
            (two(&old.0, &new.0), old.1.clone(), two(&old.2, &new.2)),
            (two(&new.0, &old.0), new.1.clone(), two(&new.2, &old.2)),
            (new.0.clone(), new.1.clone(), new.2.clone()),
        ];
        let [ca, sa] = ["etc/kubernetes/pki/ca.crt", "etc/kubernetes/pki/sa.pub"].map(str::to_owned);
        for (from, installed) in phases.iter().enumerate() {
            for (to, part) in phases.iter().enumerate() {
                let control_plane = |(trusted, key, public): &(String, String, String)| {
                    trust(&[("ca.crt", trusted), ("sa.key", key), ("sa.pub", public)])
                };
                let breaches = control_plane(installed).breaches(&control_plane(part));
                let worker = trust(&[("ca.crt", &installed.0)]).breaches(&trust(&[("ca.crt", &part.0)]));
                let is_here = matches!((from, to), (0, 2 | 3) | (3, 0 | 1));
                let expected: Vec<_> = match from.abs_diff(to) {
                    0 | 1 => vec![],
                    _ if is_here => [&ca, &sa].map(|place| Breach::UnknownHere(place.clone())).to_vec(),
                    _ => [&ca, &sa].map(|place| Breach::UnknownThere(place.clone())).to_vec(),
                };
                assert_eq!(breaches, expected, "{from} -> {to}");
                assert_eq!(worker, expected.into_iter().take(1).collect::<Vec<_>>(), "{from} -> {to} on a worker");
            }
        }
        // Who has no such authority, and a file that holds none, are nobody's breach.
        assert_eq!(trust(&[]).breaches(&trust(&[("ca.crt", &new.0)])), []);
        assert_eq!(trust(&[("ca.crt", "broken")]).breaches(&trust(&[("ca.crt", &new.0)])), []);
    }
}
