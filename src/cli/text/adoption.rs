//! Adopted CAs in words: which they are, what their renewal means, and why one is refused.

use crate::adopted::table as table_of;
use crate::adopted::{AdoptError, AdoptFault};
use crate::cli::failure::Failure;
use crate::cli::text::bounded::bounded;
use crate::keys::KeyFileError;
use crate::kubernetes::{CA_CHAIN, KeyId};
use crate::lock::Lock;
use crate::plan::{ExistingCertificate, Plan, PlannedCertificate};
use crate::profile::Profile;
use crate::x509::instant;

/// Returns what a line about a CA adds when the CA is adopted.
pub(crate) fn mark(plan: &Plan<'_>, authority: &PlannedCertificate) -> String {
    let has_adopted_key = || plan.keys.iter().any(|key| key.id == authority.key && key.adopted.is_some());
    match &authority.existing {
        None if has_adopted_key() => "  made over an adopted key".to_owned(),
        None => String::new(),
        Some(existing) if existing.is_renewed => {
            format!("  adopted and renewed: ends on {} as it is", existing.not_after.date())
        }
        Some(existing) if has_adopted_key() => format!("  adopted{}", signed_by(planned_issuer(authority, existing))),
        Some(_) if plan.keys.iter().all(|key| key.id != authority.key) => {
            "  trusted, and signs nothing here".to_owned()
        }
        Some(existing) => {
            let by = signed_by(planned_issuer(authority, existing));
            format!("  signed elsewhere{by}: a build checks that its key is the derived one")
        }
    }
}

/// Returns the issuer of an intermediate that is not a CA of the plan.
fn planned_issuer<'a>(authority: &PlannedCertificate, existing: &'a ExistingCertificate) -> Option<&'a str> {
    existing.issuer.as_deref().filter(|_| authority.issuer == authority.key)
}

fn signed_by(issuer: Option<&str>) -> String {
    issuer.map(|issuer| format!(", an intermediate of {issuer}")).unwrap_or_default()
}

/// Returns what a person does by hand when the CA of the cluster is an intermediate. Returns an empty text when it is none.
pub(crate) fn intermediate(profile: &Profile, plan: &Plan<'_>) -> String {
    let is_it = |planned: &&PlannedCertificate| planned.key == KeyId::ca("kubernetes");
    let existing = plan.certificates.iter().find(is_it).and_then(|planned| planned.existing.as_deref());
    if existing.is_none_or(|existing| existing.issuer.is_none()) {
        return String::new();
    }
    let chain = profile.cluster.certificates_dir.place(CA_CHAIN);
    format!(
        "\nca/kubernetes is an intermediate: /{chain} has it with its issuers, for pods that verify API servers.\n  \
         kubeadm/init.yaml says so; where the cluster runs already, put it by hand into kube-controller-manager.yaml\n  of each \
         control plane, once its files are there: --root-ca-file=/{chain}\n"
    )
}

/// Returns what the renewal of CAs means for what was made before. Returns an empty text when none is renewed. A CA of
/// which the lock has another key is left out: of what that key signed, nothing stays good.
pub(crate) fn renewed(plan: &Plan<'_>, lock: Option<&Lock>) -> String {
    let mut lines = String::new();
    let has_other_key = |planned: &&PlannedCertificate| {
        let locked = lock.into_iter().flat_map(|lock| &lock.keys).find(|locked| locked.id == planned.key);
        let key = plan.keys.iter().find(|key| key.id == planned.key);
        locked.zip(key).is_some_and(|(locked, key)| key.adopted.as_deref() != Some(&locked.spki_sha256.0))
    };
    for planned in plan.certificates.iter().filter(|planned| !has_other_key(planned)) {
        let Some(existing) = planned.existing.as_deref().filter(|existing| existing.is_renewed) else { continue };
        let end = instant(existing.not_after);
        let until = match existing.not_after < plan.issued_at.midnight().assume_utc() {
            true => format!("ended on {end}: whoever still holds it fails at once"),
            false => format!("holds until {end}: whoever still has it then fails from then on"),
        };
        lines += &format!("  {}  its certificate so far {until}\n", planned.key);
    }
    if lines.is_empty() {
        return lines;
    }
    format!(
        "\nrenewed over the same keys, so that what was signed before stays good, old and new beside each other:\n{lines}  \
         who may still have an old one: kubeconfigs elsewhere, kube-public/cluster-info, Secrets of tokens, caBundles,\n  \
         /etc/cni/net.d; certificates of before whose authorityKeyIdentifier names issuer and serial number (openssl's\n  \
         `keyid,issuer`) fail in OpenSSL: replace those in the same step\n"
    )
}

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
    let name = id.to_string();
    let name = name.strip_prefix("ca/").unwrap_or(&name);
    let failure = Failure::says_no(text).hint(format!("name the CA's key in `key` of [ca.{name}]"));
    let (ids, more) = bounded(below.iter().map(ToString::to_string));
    let mut lines = format!("below it are planned: {}", ids.join(", "));
    if more > 0 {
        lines += &format!(" and {more} more");
    }
    let failure = if below.is_empty() { failure } else { failure.lines(lines) };
    let failure = failure.hint(format!(
        "or let whoever has the root sign a request for the key that this seed gives: `certferry csr PROFILE --ca {name} --seed \
         FILE --out FILE`, and name what comes back in `certificate`",
    ));
    if name == "cert-manager" {
        return failure;
    }
    failure
        .hint("that is a new CA, as is one that certferry makes without `certificate`: see `certferry help rotation`")
}

/// Returns the name of a CA in the profile.
fn name(id: &KeyId) -> String {
    let id = id.to_string();
    id.strip_prefix("ca/").unwrap_or(&id).to_owned()
}

/// Returns the command that writes the request for a CA.
fn csr(error: &AdoptError) -> String {
    let seed = if error.has_key { "" } else { "--seed FILE " };
    format!("`certferry csr PROFILE --ca {} {seed}--out FILE`", name(&error.id))
}

/// Returns what helps when something is wrong with an issuer of the CA.
fn issuer_hint(fault: &AdoptFault, number: usize, error: &AdoptError) -> String {
    let file = &error.file;
    match fault {
        AdoptFault::Ended { .. } | AdoptFault::BrokenHash(_) => format!(
            "whoever has that CA can make its certificate anew over the same key: put the new one in place of certificate \
             {number} of {file}"
        ),
        AdoptFault::EndsBefore { not_after, .. } => format!(
            "let nothing below it live longer: `leaf = \"{0}\"` in [validity], and at most that in tables with a `validity` \
             of their own; or put a later certificate of that issuer in its place",
            instant(*not_after)
        ),
        AdoptFault::NotACa => "the CA stands first in the file, and behind it its issuer, and so on".to_owned(),
        _ => format!("such an issuer cannot be followed: let another CA sign the request that {} writes", csr(error)),
    }
}

fn hint(error: &AdoptError) -> String {
    let (table, file) = (error.table(), &error.file);
    // The issuer of an intermediate alone can renew it, and the own key any other CA.
    let is_intermediate = error.is_intermediate;
    let renew = match error.has_key {
        _ if is_intermediate => format!("let its issuer sign another one, and name that in `certificate` of {table}"),
        true => format!("add `renew = true` to {table}"),
        false => format!("name the CA's key in `key` of {table} and add `renew = true`"),
    };
    let renewal = |effect: &str| match is_intermediate {
        true => renew.clone(),
        false => format!("{renew}: {effect}"),
    };
    match &*error.fault {
        AdoptFault::NoCertificate => "expected `-----BEGIN CERTIFICATE-----`, the CA first".to_owned(),
        AdoptFault::KeyInCertificate => {
            "put the key into a file of its own (mode 0600) and name that in `key`".to_owned()
        }
        AdoptFault::Unreadable(_) | AdoptFault::Go { .. } if is_intermediate => {
            format!("`openssl x509 -noout -text -in {file}` shows it; let its issuer sign another one")
        }
        AdoptFault::Unreadable(_) | AdoptFault::Go { .. } if !error.has_key => {
            format!("`openssl x509 -noout -text -in {file}` shows it; such a CA cannot be trusted for long: rotate to a new one")
        }
        AdoptFault::Unreadable(_) | AdoptFault::Go { .. } => format!(
            "`openssl x509 -noout -text -in {file}` shows it; without `certificate` a new CA is made over its key: only where \
             whatever trusts the old one gets new files, and with `common_name` and `subject` of {table} as in the old one"
        ),
        AdoptFault::NotACa | AdoptFault::WrongOrder { .. } => {
            "the CA stands first in the file, and behind it its issuer, and so on".to_owned()
        }
        AdoptFault::Issuer { fault, number, .. } => issuer_hint(fault, *number, error),
        AdoptFault::Incomplete { .. } => format!(
            "put it behind the others in {file}, and so on up to the root: OpenSSL, and Python before 3.13, verify servers \
             only up to a certificate that signed itself"
        ),
        AdoptFault::ManyIssuers { .. } => {
            "only those belong there that lead from the CA to its root, each once".to_owned()
        }
        AdoptFault::ShortPath { .. } | AdoptFault::EndsBefore { .. } => issuer_hint(&error.fault, 1, error),
        AdoptFault::NoCertSign
        | AdoptFault::SmallKey { .. }
        | AdoptFault::RsaSize { .. }
        | AdoptFault::OtherKind(_)
        | AdoptFault::NotSelfSigned
        | AdoptFault::OldVersion
        | AdoptFault::UniqueIdentifiers
        | AdoptFault::Rule { .. } => {
            format!("such a CA cannot go on: remove `certificate` and `key` from {table}, and rotate to a new one")
        }
        AdoptFault::BrokenHash(_) | AdoptFault::UnknownSignature(_) => {
            renewal("the certificate gets a signature with SHA-256 over the same key")
        }
        AdoptFault::Ended { .. } => {
            renewal("the same key gets a certificate with a later end")
        }
        AdoptFault::NegativeSerial => renewal("the same key gets a certificate with another serial number"),
        AdoptFault::NotYetValid { not_before, .. } => {
            format!("set `issued_at` in [cluster] to {} or a later day", not_before.date())
        }
        AdoptFault::SameAsTls => "name the certificate that [ca.tls] signed for cert-manager, or none".to_owned(),
        AdoptFault::NotAsRequested { .. } if error.has_key => {
            "write into [cert_manager] what the certificate permits, or nothing; or let its issuer sign another one with these \
             limits: whoever adopts a key with its certificate has no others"
                .to_owned()
        }
        AdoptFault::NotAsRequested { .. } | AdoptFault::OtherIssuerKey => {
            "let it be signed again: `certferry csr PROFILE --ca cert-manager --seed FILE --out FILE` writes the request, to be \
             signed with its extensions (`openssl x509 -req -copy_extensions copyall`)"
                .to_owned()
        }
        AdoptFault::RenewedIntermediate { .. } => {
            format!("remove `renew`, and let the issuer sign a later one: {} writes the request", csr(error))
        }
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
        AdoptFault::Outlived { not_after, first, is_there: true, .. } => {
            format!("{renew}; or let a certificate for {first} be signed that ends on {} at the latest", instant(*not_after))
        }
        AdoptFault::Outlived { not_after, first: KeyId::Ca(name), .. } => {
            format!("{renew}; or set `validity = \"{}\"` in [ca.{name}]", instant(*not_after))
        }
        AdoptFault::Outlived { not_after, .. } => format!(
            "{renew}; or let nothing below it live longer: `leaf = \"{0}\"` in [validity], and at most that in \
             tables with a `validity` of their own",
            instant(*not_after)
        ),
        AdoptFault::SameAsNext => {
            "name the certificate of the CA that the cluster has now; with the same key, `renew = true` is all there is to do"
                .to_owned()
        }
        AdoptFault::OneName { generation, common_name } => format!(
            "OpenSSL would take one for the other: write `common_name = \"{common_name}-g{generation}\"` in {}",
            table_of(&error.id.derived_as())
        ),
        AdoptFault::NoPublicKey => "`openssl pkey -in sa.key -pubout` writes it; /etc/kubernetes/pki/sa.pub is one".to_owned(),
        AdoptFault::OtherPublicKey => format!("remove it from {table}, and rotate without phases"),
        AdoptFault::BeginsLate { .. } => "set a later `issued_at` in [cluster]".to_owned(),
        AdoptFault::PathLength(_) | AdoptFault::Usage { .. } | AdoptFault::NotPermitted { .. } => {
            format!("the CA's own limits forbid it: remove that from the profile, or rotate {table} to a new CA")
        }
    }
}
