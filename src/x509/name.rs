//! Distinguished names in the shape that Go and kubeadm write.

use der::asn1::{AnyRef, ObjectIdentifier, SetOfVec};
use der::{Decode, Encode, Tag};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::name::{RdnSequence, RelativeDistinguishedName};

use super::oid;

/// The group whose members may do everything, whatever RBAC says (Kubernetes v1.20.2, staging/src/k8s.io/apiserver
/// pkg/authentication/user/user.go `SystemPrivilegedGroup`).
pub const MASTERS: &str = "system:masters";

/// A subject or issuer as Kubernetes reads it: a user name and groups.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DistinguishedName {
    /// The organizations, which Kubernetes reads as groups. None may occur twice. Their order does not matter, because
    /// they are encoded as one SET.
    pub organizations: Vec<String>,
    /// The common name, which Kubernetes reads as the user name.
    pub common_name: String,
}

impl DistinguishedName {
    /// Returns a name that has a common name and no organization.
    #[must_use]
    pub fn common(common_name: impl Into<String>) -> Self {
        Self { organizations: Vec::new(), common_name: common_name.into() }
    }

    /// Returns the DER of the Name: one RDN with all organizations, sorted as DER sorts a SET, then the common name.
    ///
    /// Source: Go crypto/x509/pkix `Name.ToRDNSequence`, which kubeadm uses; kubeadm v1.20.2, observed.
    ///
    /// # Errors
    /// Fails when an organization occurs twice, because a SET cannot hold it.
    pub fn to_der(&self) -> der::Result<Vec<u8>> {
        let mut rdns = Vec::new();
        if !self.organizations.is_empty() {
            rdns.push(rdn(oid::ORGANIZATION_NAME, &self.organizations)?);
        }
        rdns.push(rdn(oid::COMMON_NAME, std::slice::from_ref(&self.common_name))?);
        RdnSequence::from(rdns).to_der()
    }
}

impl std::fmt::Display for DistinguishedName {
    /// Writes the name with sorted organizations: `O=system:nodes, CN=system:node:cp-1`.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut organizations: Vec<_> = self.organizations.iter().collect();
        organizations.sort();
        for organization in organizations {
            write!(formatter, "O={organization}, ")?;
        }
        write!(formatter, "CN={}", self.common_name)
    }
}

fn rdn(oid: ObjectIdentifier, values: &[String]) -> der::Result<RelativeDistinguishedName> {
    let mut set = SetOfVec::new();
    for value in values {
        let tag = if is_printable(value) { Tag::PrintableString } else { Tag::Utf8String };
        let attribute = AttributeTypeAndValue { oid, value: AnyRef::new(tag, value.as_bytes())?.into() };
        if set.iter().any(|known| *known == attribute) {
            return Err(Tag::Set.value_error().into());
        }
        set.insert(attribute)?;
    }
    RelativeDistinguishedName::from_der(&set.to_der()?)
}

/// Returns whether Go writes the string as PrintableString. Go accepts `*` and `&` in one when it reads, but writes
/// none.
///
/// Source: Go encoding/asn1 `isPrintable` as `marshalField` calls it; X.680, section 41.4.
fn is_printable(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{DistinguishedName, is_printable};

    #[test]
    fn organizations_share_one_rdn_sorted_as_der() {
        let name = DistinguishedName {
            organizations: vec!["system:nodes".into(), "abc".into()],
            common_name: "system:node:cp-1".into(),
        };
        let hex: String = name.to_der().unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
        // openssl asn1parse reads this as SEQUENCE { SET { O=abc, O=system:nodes }, SET { CN=... } }, all of them
        // PrintableString.
        assert_eq!(
            hex,
            concat!(
                "303e",
                "3121300a060355040a1303616263",
                "3013060355040a130c73797374656d3a6e6f646573",
                "311930170603550403131073797374656d3a6e6f64653a63702d31",
            )
        );
    }

    #[test]
    fn other_characters_make_it_utf8() {
        for (text, printable) in [("a b'()+,-./:=?", true), ("a@b", false), ("a*", false), ("ä", false), ("a_b", false)]
        {
            assert_eq!(is_printable(text), printable, "{text}");
        }
    }

    #[test]
    fn a_doubled_organization_is_refused() {
        let name = DistinguishedName { organizations: vec!["a".into(), "a".into()], common_name: "b".into() };
        assert!(name.to_der().is_err());
    }
}
