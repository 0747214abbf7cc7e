//! Builds chains from a certificate to a trusted CA, and judges them, as Go does.

use time::OffsetDateTime;

use super::certificate::GoCertificate;
use super::error::Hint;
use super::signature::check;
use super::{GoError, GoVersion};
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
    let mut search = Search { intermediates: distinct(intermediates), roots: distinct(roots), options, checks: 0 };
    let chains =
        if roots.iter().any(|root| root.der == leaf.der) { vec![vec![leaf]] } else { search.chains(&[leaf])? };
    let fits = |chain: &Vec<&GoCertificate>| options.usage == GoUsage::Any || allows(chain, options.usage);
    if chains.iter().any(fits) { Ok(()) } else { Err(GoError::IncompatibleUsage) }
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
}

impl<'a> Search<'a> {
    /// Returns every chain that goes on from one, or the error of the last candidate. Source: crypto/x509/verify.go
    /// `buildChains`.
    fn chains(&mut self, chain: &[&'a GoCertificate]) -> Result<Vec<Vec<&'a GoCertificate>>, GoError> {
        let Some(child) = chain.last().copied() else { return Ok(Vec::new()) };
        let (mut found, mut hint, mut error) = (Vec::new(), None, None);
        let roots = parents(child, &self.roots).into_iter().map(|root| (Kind::Root, root));
        let intermediates = parents(child, &self.intermediates).into_iter().map(|other| (Kind::Intermediate, other));
        let candidates: Vec<_> = roots.chain(intermediates).collect();
        for (kind, candidate) in candidates {
            if chain.iter().any(|known| is_same(candidate, known)) {
                continue;
            }
            self.checks += 1;
            if self.checks > MOST_SIGNATURES {
                let text = "x509: signature check attempts limit reached while verifying certificate chain";
                error = Some(GoError::text(text));
                continue;
            }
            if let Err(reason) = is_signed_by(child, candidate, self.options.go) {
                hint.get_or_insert_with(|| Box::new(Hint { error: reason, authority: candidate.title() }));
                continue;
            }
            if let Err(reason) = is_valid(candidate, kind, chain, self.options) {
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
fn parents<'a>(child: &GoCertificate, pool: &[&'a GoCertificate]) -> Vec<&'a GoCertificate> {
    let rank = |candidate: &GoCertificate| {
        let (subject, authority) =
            (&candidate.extensions.subject_key_identifier, &child.extensions.authority_key_identifier);
        if subject == authority {
            0
        } else if subject.is_empty() != authority.is_empty() {
            1
        } else {
            2
        }
    };
    let mut found: Vec<_> = pool.iter().copied().filter(|candidate| candidate.subject == child.issuer).collect();
    found.sort_by_key(|candidate| rank(candidate));
    found
}

/// Returns whether two certificates count as one in a chain. Source: crypto/x509/verify.go `alreadyInChain`.
fn is_same(left: &GoCertificate, right: &GoCertificate) -> bool {
    left.subject == right.subject
        && left.key == right.key
        && left.extensions.subject_alt_name == right.extensions.subject_alt_name
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
    if options.at < certificate.not_before {
        return Err(GoError::NotYetValid { now: options.at, begin: certificate.not_before });
    }
    if options.at > certificate.not_after {
        return Err(GoError::Expired { now: options.at, end: certificate.not_after });
    }
    if let Some(constraints) = certificate.extensions.constraints.as_ref().filter(|_| kind != Kind::Leaf) {
        for named in chain.first().copied().into_iter().chain([certificate]) {
            if let Some(names) = &named.extensions.subject_alt_name {
                constraints.check(names)?;
            }
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
        allows(&[self], usage)
    }
}

/// Returns whether every certificate of a chain allows a usage. Source: crypto/x509/verify.go
/// `checkChainForKeyUsage`.
fn allows(chain: &[&GoCertificate], usage: GoUsage) -> bool {
    let wanted = match usage {
        GoUsage::ServerAuth => oid::SERVER_AUTH,
        GoUsage::ClientAuth => oid::CLIENT_AUTH,
        GoUsage::Any => oid::ANY_EXTENDED_KEY_USAGE,
    };
    let is_listed =
        |certificate: &GoCertificate, wanted: &[u8]| certificate.extensions.usages.iter().any(|usage| usage == wanted);
    chain.iter().all(|certificate| {
        certificate.extensions.usages.is_empty()
            || is_listed(certificate, oid::ANY_EXTENDED_KEY_USAGE.as_bytes())
            || is_listed(certificate, wanted.as_bytes())
    })
}
