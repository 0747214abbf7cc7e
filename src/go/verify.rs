//! Builds chains from a certificate to a trusted CA, and judges them, as Go does.

use der::asn1::ObjectIdentifier;
use time::OffsetDateTime;

use super::certificate::GoCertificate;
use super::error::Hint;
use super::public_key::PublicKey;
use super::signature::check;
use super::{GoError, GoVersion, chain_constraints};
use crate::x509::oid;

/// What a certificate is to be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoUsage {
    /// A server, which clients verify.
    ServerAuth,
    /// A client, which servers verify.
    ClientAuth,
    /// Anything: extended key usages are not looked at.
    Any,
}

impl GoUsage {
    /// Returns the name of the usage in RFC 5280.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ServerAuth => "serverAuth",
            Self::ClientAuth => "clientAuth",
            Self::Any => "anything",
        }
    }
}

/// How a program verifies.
#[derive(Clone, Copy, Debug)]
pub struct VerifyOptions<'a> {
    /// The time of the check.
    pub at: OffsetDateTime,
    /// The usage.
    pub usage: GoUsage,
    /// The host that the program called.
    pub host: Option<&'a str>,
    /// The version of Go that the program was built with.
    pub go: GoVersion,
}

/// What stood for serverAuth when strong ciphers were sold one by one: of Microsoft and of Netscape.
const SERVER_GATED_CRYPTO: [ObjectIdentifier; 2] =
    [ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.10.3.3"), ObjectIdentifier::new_unwrap("2.16.840.1.113730.4.1")];

/// The most signatures that Go checks for one certificate. Source: crypto/x509/verify.go `maxChainSignatureChecks`.
const MOST_SIGNATURES: usize = 100;

/// Verifies a certificate. `intermediates` are the other certificates that its file holds, `roots` those that the
/// program trusts.
///
/// # Errors
/// Fails with Go's text. Source: crypto/x509/verify.go `Certificate.Verify`, Go 1.19.8 to 1.26.
pub fn verify(
    leaf: &GoCertificate,
    intermediates: &[GoCertificate],
    roots: &[GoCertificate],
    options: &VerifyOptions<'_>,
) -> Result<(), GoError> {
    is_valid(leaf, Kind::Leaf, &[], options)?;
    if let Some(host) = options.host {
        leaf.check_host(host, options.go)?;
    }
    let (intermediates, roots) = (distinct(intermediates), distinct(roots));
    let mut search = Search { intermediates, roots, options, checks: 0, unchecked: None };
    let is_trusted = search.roots.iter().any(|root| root.der == leaf.der);
    let chains = if is_trusted { Ok(vec![vec![leaf]]) } else { search.chains(&[leaf]) };
    match (chains.and_then(|chains| choose(&chains, options)), search.unchecked) {
        // Another chain might be found through what could not be checked.
        (Err(_), Some(unchecked)) => Err(unchecked),
        (verdict, _) => verdict,
    }
}

/// Returns whether one of the chains will do. Source: crypto/x509/verify.go `Verify`.
fn choose(chains: &[Vec<&GoCertificate>], options: &VerifyOptions<'_>) -> Result<(), GoError> {
    let mut verdict = GoError::IncompatibleUsage;
    for chain in chains {
        let has_policies = |chain: &[&GoCertificate]| chain.iter().any(|one| one.extensions.has_policy_rules);
        if options.go.is_at_least(24) && has_policies(chain.get(..chain.len() - 1).unwrap_or_default()) {
            return Err(GoError::Unchecked("certificate policies".to_owned()));
        }
        if options.usage != GoUsage::Any && !allows(chain, options.usage, options.go) {
            continue;
        }
        if !options.go.is_at_least(26) {
            return Ok(());
        }
        match chain_constraints::check(chain, options.go) {
            Ok(()) => return Ok(()),
            Err(_) if matches!(verdict, GoError::NameConstraint(_)) => {}
            Err(error) => verdict = error,
        }
    }
    Err(verdict)
}

impl GoCertificate {
    /// Returns whether an authority signed this certificate, whatever else speaks against it. A signature that cannot be
    /// checked counts as no.
    #[must_use]
    pub fn is_signed_by(&self, authority: &Self) -> bool {
        // What was signed with SHA-1 was signed.
        let go = GoVersion(17, 0);
        self.issuer == authority.subject
            && check(self.algorithm, &self.tbs, &self.signature, &authority.key, go).is_ok()
    }
}

/// A pool holds each certificate once.
fn distinct(certificates: &[GoCertificate]) -> Vec<&GoCertificate> {
    let mut distinct: Vec<&GoCertificate> = Vec::new();
    for certificate in certificates {
        if distinct.iter().all(|known| known.der != certificate.der) {
            distinct.push(certificate);
        }
    }
    distinct
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Leaf,
    Intermediate,
    Root,
}

struct Search<'a> {
    intermediates: Vec<&'a GoCertificate>,
    roots: Vec<&'a GoCertificate>,
    options: &'a VerifyOptions<'a>,
    checks: usize,
    /// What could not be checked on the way.
    unchecked: Option<GoError>,
}

impl<'a> Search<'a> {
    /// Returns every chain that goes on from one, or the error of the last candidate. Source: crypto/x509/verify.go
    /// `buildChains`.
    fn chains(&mut self, chain: &[&'a GoCertificate]) -> Result<Vec<Vec<&'a GoCertificate>>, GoError> {
        let Some(child) = chain.last().copied() else { return Ok(Vec::new()) };
        let go = self.options.go;
        let (mut found, mut hint, mut error) = (Vec::new(), None, None);
        let roots = parents(child, &self.roots, go).into_iter().map(|root| (Kind::Root, root));
        let intermediates =
            parents(child, &self.intermediates, go).into_iter().map(|other| (Kind::Intermediate, other));
        let candidates: Vec<_> = roots.chain(intermediates).collect();
        // golang/go#78282: these releases count before they look, and stop at the limit.
        let is_strict = go.has(&[(25, 9), (26, 2)]);
        for (kind, candidate) in candidates {
            let is_useless = is_in_chain(candidate, chain, go)
                || (candidate.key == PublicKey::Unknown && go.has(&[(21, 8), (22, 1)]));
            if is_useless && !is_strict {
                continue;
            }
            self.checks += 1;
            if self.checks > MOST_SIGNATURES {
                error = Some(GoError::TooManySignatures);
                if is_strict {
                    break;
                }
                continue;
            }
            if is_useless {
                continue;
            }
            if let Err(reason) = is_signed_by(child, candidate, go) {
                if reason.is_unchecked() {
                    self.unchecked.get_or_insert_with(|| reason.clone());
                }
                hint.get_or_insert_with(|| Box::new(Hint { error: reason, authority: candidate.title() }));
                continue;
            }
            if let Err(reason) = is_valid(candidate, kind, chain, self.options) {
                if go.is_at_least(21) {
                    hint.get_or_insert_with(|| Box::new(Hint { error: reason.clone(), authority: candidate.title() }));
                }
                error = Some(reason);
                continue;
            }
            let longer: Vec<_> = chain.iter().copied().chain([candidate]).collect();
            if kind == Kind::Root {
                error = None;
                found.push(longer);
                continue;
            }
            match self.chains(&longer) {
                Ok(chains) => {
                    error = None;
                    found.extend(chains);
                }
                Err(reason) => error = Some(reason),
            }
            if is_strict && error == Some(GoError::TooManySignatures) {
                break;
            }
        }
        match error {
            _ if !found.is_empty() => Ok(found),
            Some(error) => Err(error),
            None => Err(GoError::UnknownAuthority(hint)),
        }
    }
}

/// Returns the certificates that may have signed one, the most likely first. Source: crypto/x509/cert_pool.go
/// `findPotentialParents`.
///
/// Before Go 1.16 a key with the identifier that the child names was taken whatever the name, and no other.
fn parents<'a>(child: &GoCertificate, pool: &[&'a GoCertificate], go: GoVersion) -> Vec<&'a GoCertificate> {
    let authority = &child.extensions.authority_key_identifier;
    let by_name: Vec<_> = pool.iter().copied().filter(|candidate| candidate.subject == child.issuer).collect();
    if !go.is_at_least(16) {
        let has_key = |candidate: &&GoCertificate| candidate.extensions.subject_key_identifier == *authority;
        let by_key: Vec<_> = pool.iter().copied().filter(has_key).collect();
        return if authority.is_empty() || by_key.is_empty() { by_name } else { by_key };
    }
    let rank = |candidate: &GoCertificate| {
        let subject = &candidate.extensions.subject_key_identifier;
        if subject == authority {
            0
        } else if subject.is_empty() != authority.is_empty() {
            1
        } else {
            2
        }
    };
    let mut found = by_name;
    found.sort_by_key(|candidate| rank(candidate));
    found
}

/// Returns whether a certificate counts as one of a chain. Source: crypto/x509/verify.go `alreadyInChain`, from Go 1.19
/// on.
fn is_in_chain(candidate: &GoCertificate, chain: &[&GoCertificate], go: GoVersion) -> bool {
    if !go.is_at_least(19) {
        return chain.iter().any(|known| known.der == candidate.der);
    }
    let alike = chain.iter().filter(|known| known.subject == candidate.subject && known.key == candidate.key);
    let names = &candidate.extensions.subject_alt_name;
    for known in alike {
        match (names, &known.extensions.subject_alt_name) {
            (None, None) => return true,
            (None, Some(_)) | (Some(_), None) => return false,
            (Some(left), Some(right)) if left == right => return true,
            _ => {}
        }
    }
    false
}

/// Source: crypto/x509/x509.go `CheckSignatureFrom`.
fn is_signed_by(child: &GoCertificate, parent: &GoCertificate, go: GoVersion) -> Result<(), GoError> {
    if !parent.may_sign() {
        return Err(GoError::ParentCannotSign);
    }
    check(child.algorithm, &child.tbs, &child.signature, &parent.key, go)
}

/// Source: crypto/x509/verify.go `isValid`.
fn is_valid(
    certificate: &GoCertificate,
    kind: Kind,
    chain: &[&GoCertificate],
    options: &VerifyOptions<'_>,
) -> Result<(), GoError> {
    if certificate.extensions.has_unhandled_critical {
        return Err(GoError::UnhandledCriticalExtension);
    }
    if chain.last().is_some_and(|child| child.issuer != certificate.subject) {
        return Err(GoError::NameMismatch);
    }
    if options.at < certificate.not_before {
        return Err(GoError::NotYetValid { now: options.at, begin: certificate.not_before });
    }
    if options.at > certificate.not_after {
        return Err(GoError::Expired { now: options.at, end: certificate.not_after });
    }
    if let Some(constraints) = certificate.extensions.constraints.as_ref().filter(|_| kind != Kind::Leaf) {
        let go = options.go;
        if !go.is_at_least(15) && chain.first().is_some_and(|leaf| leaf.is_named_by_common_name()) {
            return Err(GoError::NoNamesToConstrain);
        }
        let leaf = chain.iter().copied().take(1);
        let named: Vec<&GoCertificate> = match go.0 {
            ..17 => leaf.collect(),
            17..21 => leaf.chain([certificate]).collect(),
            21..26 => chain.to_vec(),
            // Whole chains are checked, when there are some.
            26.. => Vec::new(),
        };
        for names in named.iter().filter_map(|named| named.extensions.subject_alt_name.as_ref()) {
            constraints.check(names, go)?;
        }
    }
    if kind == Kind::Intermediate && !certificate.is_ca() {
        return Err(GoError::NotAuthorizedToSign);
    }
    if let Some((_, length)) = certificate.extensions.basic_constraints
        && length >= 0
        && i64::try_from(chain.len()).unwrap_or(i64::MAX) - 1 > length
    {
        return Err(GoError::TooManyIntermediates);
    }
    Ok(())
}

impl GoCertificate {
    /// Returns whether the extended key usages of this certificate allow a usage.
    #[must_use]
    pub fn allows(&self, usage: GoUsage) -> bool {
        allows(&[self], usage, GoVersion(19, 8))
    }
}

/// Returns whether every certificate of a chain allows a usage. Source: crypto/x509/verify.go
/// `checkChainForKeyUsage`.
fn allows(chain: &[&GoCertificate], usage: GoUsage, go: GoVersion) -> bool {
    let mut wanted = vec![oid::ANY_EXTENDED_KEY_USAGE];
    match usage {
        GoUsage::ServerAuth => wanted.push(oid::SERVER_AUTH),
        GoUsage::ClientAuth => wanted.push(oid::CLIENT_AUTH),
        GoUsage::Any => {}
    }
    if usage == GoUsage::ServerAuth && !go.is_at_least(16) {
        wanted.extend(SERVER_GATED_CRYPTO);
    }
    chain.iter().map(|certificate| &certificate.extensions.usages).all(|usages| {
        usages.is_empty() || usages.iter().any(|usage| wanted.iter().any(|wanted| wanted.as_bytes() == usage))
    })
}
