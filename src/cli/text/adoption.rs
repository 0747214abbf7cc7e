//! Adopted CAs in words: why one is refused, and what to do about it.

use crate::adopted::{AdoptError, AdoptFault};
use crate::cli::failure::Failure;
use crate::cli::text::bounded::bounded;
use crate::keys::KeyFileError;
use crate::kubernetes::KeyId;
use crate::x509::instant;

/// Returns the failure for files that cannot be adopted.
pub(crate) fn refused(errors: &[AdoptError]) -> Failure {
    let Some((first, others)) = errors.split_first() else { return Failure::defect("nothing was refused") };
    let failure = Failure::cannot_run(first.to_string());
    let others: Vec<_> = others.iter().map(|error| format!("and {error}")).collect();
    let failure = if others.is_empty() { failure } else { failure.lines(others.join("\n")) };
    let mut hints = Vec::new();
    for hint in errors.iter().map(hint) {
        if !hints.contains(&hint) {
            hints.push(hint);
        }
    }
    hints.into_iter().fold(failure, Failure::hint)
}

/// Returns the failure for a CA whose key nobody here has.
pub(crate) fn external(text: String, id: &KeyId, below: &[KeyId]) -> Failure {
    let (ids, more) = bounded(below.iter().map(ToString::to_string));
    let mut lines = format!("below it are planned: {}", ids.join(", "));
    if more > 0 {
        lines += &format!(" and {more} more");
    }
    let name = id.to_string();
    let name = name.strip_prefix("ca/").unwrap_or(&name);
    Failure::says_no(text)
        .lines(lines)
        .hint(format!("name the CA's key in `key` of [ca.{name}]"))
        .hint(format!(
            "or let whoever has that key sign a request for the derived key: `certferry csr PROFILE --ca {name} --seed FILE \
             --out FILE`, and name what comes back in `certificate`"
        ))
}

fn hint(error: &AdoptError) -> String {
    let (table, file) = (error.table(), &error.file);
    match &error.fault {
        AdoptFault::NoCertificate => "expected `-----BEGIN CERTIFICATE-----`, the CA first".to_owned(),
        AdoptFault::KeyInCertificate => {
            "put the key into a file of its own (mode 0600) and name that in `key`".to_owned()
        }
        AdoptFault::Unreadable(_) | AdoptFault::Go(_) | AdoptFault::UnknownSignature(_) => {
            format!(
                "`openssl x509 -noout -text -in {file}` shows it; remove `certificate` to make a new CA over its key"
            )
        }
        AdoptFault::NotACa | AdoptFault::WrongOrder { .. } => {
            "the CA stands first in the file, and behind it its issuer, and so on".to_owned()
        }
        AdoptFault::NoCertSign
        | AdoptFault::SmallKey { .. }
        | AdoptFault::RsaSize { .. }
        | AdoptFault::OtherKind(_)
        | AdoptFault::NotSelfSigned
        | AdoptFault::Rule { .. } => {
            format!("such a CA cannot go on: remove `certificate` and `key` from {table}, and rotate to a new one")
        }
        AdoptFault::BrokenHash(_) => {
            format!("add `renew = true` to {table}: the certificate gets a signature with SHA-256 over the same key")
        }
        AdoptFault::Ended { .. } => {
            format!("add `renew = true` to {table}: the same key gets a certificate with a later end")
        }
        AdoptFault::Intermediate { .. } => {
            "this version adopts roots only; an intermediate cannot be the trust of clients without more than a file"
                .to_owned()
        }
        AdoptFault::RenewedIntermediate { .. } => "remove `renew`, and let the issuer sign a later one".to_owned(),
        AdoptFault::NotLater { .. } => format!("set a longer `validity` or a later `issued_at` in {table}"),
        AdoptFault::NotBelowTls => {
            "name the certificate and key of its issuer in [ca.tls]: people trust that root".to_owned()
        }
        AdoptFault::Key(KeyFileError::Encrypted) => {
            format!(
                "`openssl pkey -in {file} -out plain.key` asks for the password; keep the plain file as the seed is kept"
            )
        }
        AdoptFault::Key(KeyFileError::NotPem | KeyFileError::NoKey | KeyFileError::SeveralKeys) => {
            "expected one private key in PEM: PKCS#1, PKCS#8 or SEC 1".to_owned()
        }
        AdoptFault::Key(KeyFileError::Unreadable | KeyFileError::Broken) => {
            "the file is damaged: take it from a control plane once more".to_owned()
        }
        AdoptFault::Key(
            KeyFileError::RsaSize { .. }
            | KeyFileError::RsaExponent
            | KeyFileError::MultiPrime
            | KeyFileError::OtherKind(_)
            | KeyFileError::UnnamedCurve,
        ) => format!("remove the key from {table}, and rotate to a new one"),
        AdoptFault::OtherKey { .. } => {
            "the two files belong to different CAs: take both from one control plane".to_owned()
        }
        AdoptFault::MetallbKey => "adopt an RSA key, or write `mode = \"disable-rotation\"` in [metallb]".to_owned(),
        AdoptFault::Outlived { not_after, .. } => format!(
            "add `renew = true` to {table}; or let nothing below it live longer, with `leaf = \"{}\"` in [validity]",
            instant(*not_after)
        ),
        AdoptFault::BeginsLate { .. } => "set a later `issued_at` in [cluster]".to_owned(),
        AdoptFault::PathLength(_) | AdoptFault::Usage { .. } | AdoptFault::NotPermitted { .. } => {
            format!("the CA's own limits forbid it: remove that from the profile, or rotate {table} to a new CA")
        }
    }
}
