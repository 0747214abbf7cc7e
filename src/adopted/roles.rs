//! What is allowed and still worth a word: one CA for several roles, one name for several keys.

use std::fmt;

use time::OffsetDateTime;

use super::wanted::authorities;
use crate::kubernetes::KeyId;
use crate::profile::Profile;
use crate::x509::instant;

/// Something about adopted CAs that a person should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdoptWarning {
    /// Two CAs of the cluster have one key.
    OneForSeveral {
        /// The id of the first.
        first: KeyId,
        /// The id of the second.
        second: KeyId,
    },
    /// A CA begins after the day from which the cluster's validity counts.
    NotYetValid {
        /// The id of the CA.
        id: KeyId,
        /// Its first second.
        not_before: OffsetDateTime,
    },
    /// A CA ends after one of its issuers.
    Outlives {
        /// The id of the CA.
        id: KeyId,
        /// The subject of the issuer that ends first.
        issuer: String,
        /// The last second of that issuer.
        not_after: OffsetDateTime,
    },
    /// Two CAs of the cluster have one name and different keys.
    OneName {
        /// The id of the first.
        first: KeyId,
        /// The id of the second.
        second: KeyId,
        /// The name.
        subject: String,
    },
}

impl fmt::Display for AdoptWarning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotYetValid { id, not_before } => {
                write!(formatter, "{id} begins on {}, after `issued_at`", instant(*not_before))
            }
            Self::Outlives { id, issuer, not_after } => {
                write!(formatter, "{id} outlives its issuer {issuer}, which ends on {}", instant(*not_after))
            }
            Self::OneForSeveral { first, second } => write!(formatter, "{first} and {second} are one CA"),
            Self::OneName { first, second, subject } => {
                write!(formatter, "{first} and {second} are both called {subject} and have different keys")
            }
        }
    }
}

impl AdoptWarning {
    /// Returns what it means, and what there is to do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        let is = |id: &KeyId, name: &'static str| *id == KeyId::ca(name);
        match self {
            Self::NotYetValid { .. } => "nothing takes it before that: let no node have it earlier",
            Self::Outlives { .. } => {
                "nothing that is planned below it does; from that day on OpenSSL and browsers take nothing of it, and Go goes on"
            }
            Self::OneName { .. } => {
                "in files of their own that works; never put both into one file unless each has a subjectKeyIdentifier \
                 and what they signed names it"
            }
            Self::OneForSeveral { first, second } if is(first, "front-proxy") || is(second, "front-proxy") => {
                "whoever has a client certificate of it can pass as the front proxy, unless the API servers have \
                 --requestheader-allowed-names=front-proxy-client; a rotation can part the two"
            }
            Self::OneForSeveral { first, second } if is(first, "etcd") || is(second, "etcd") => {
                "etcd lets every client certificate of it do everything; a rotation can part the two"
            }
            Self::OneForSeveral { .. } => "whoever is trusted for one is trusted for the other",
        }
    }
}

/// Returns what there is to say of the CAs of a profile whose files were read.
pub(super) fn warnings(profile: &Profile) -> Vec<AdoptWarning> {
    let all = authorities(profile);
    let begins = |(id, authority): &(KeyId, &crate::profile::Authority)| {
        let not_before = authority.found_certificate()?.validity.not_before;
        (not_before.date() > profile.cluster.issued_at)
            .then(|| AdoptWarning::NotYetValid { id: id.clone(), not_before })
    };
    let mut found: Vec<_> = all.iter().filter_map(begins).collect();
    for (place, (second, authority)) in all.iter().enumerate() {
        for (first, earlier) in all.iter().take(place) {
            // A CA and the one before it are checked on their own.
            if first.derived_as() == second.derived_as() {
                continue;
            }
            let (first, second) = (first.clone(), second.clone());
            let spki = |authority: &crate::profile::Authority| authority.found().map(|found| found.spki_sha256);
            match (spki(earlier), spki(authority)) {
                (None, None) => {}
                (left, right) if left == right => found.push(AdoptWarning::OneForSeveral { first, second }),
                _ if earlier.subject.to_der().ok() == authority.subject.to_der().ok() => {
                    found.push(AdoptWarning::OneName { first, second, subject: authority.subject.to_string() });
                }
                _ => {}
            }
        }
    }
    found
}
