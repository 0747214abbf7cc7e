//! Distinguished names in the shape that Go and kubeadm write.

use der::asn1::{AnyRef, ObjectIdentifier, SetOfVec};
use der::{Decode, Encode, Tag};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::name::{RdnSequence, RelativeDistinguishedName};

use super::{ReadCertificate, oid};

/// The group whose members may do everything, whatever RBAC says (Kubernetes v1.20.2, staging/src/k8s.io/apiserver
/// pkg/authentication/user/user.go `SystemPrivilegedGroup`).
pub const MASTERS: &str = "system:masters";

/// A subject or issuer as Kubernetes reads it: a user name and groups.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct DistinguishedName {
    /// The organizations, which Kubernetes reads as groups. None may occur twice. Their order does not matter, because
    /// they are encoded as one SET.
    pub organizations: Vec<String>,
    /// The common name, which Kubernetes reads as the user name.
    pub common_name: String,
    /// What only a CA's name has. Names of leaves are many, so that this takes no room in them.
    pub beyond: Option<Box<Beyond>>,
}

/// What a name has besides organizations and common name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Beyond {
    /// Further attributes.
    Further(FurtherAttributes),
    /// The name as it is in a certificate that exists. It stands for all other fields.
    Exact(ExactName),
}

/// Attributes that say nothing to Kubernetes. An empty text is an absent attribute.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FurtherAttributes {
    /// The country (C), two letters.
    pub country: String,
    /// The organizational units (OU). None may occur twice.
    pub organizational_units: Vec<String>,
    /// The locality (L).
    pub locality: String,
    /// The state or province (ST).
    pub state: String,
}

/// A name byte for byte. Go finds an issuer by these bytes, so that they are never encoded anew.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExactName {
    /// The Name in DER.
    pub der: Vec<u8>,
    /// The name as a text for people (RFC 4514).
    pub text: String,
}

impl DistinguishedName {
    /// Returns a name that has a common name and no organization.
    #[must_use]
    pub fn common(common_name: impl Into<String>) -> Self {
        Self { common_name: common_name.into(), ..Self::default() }
    }

    /// Returns the subject of a certificate, byte for byte.
    #[must_use]
    pub fn of(certificate: &ReadCertificate) -> Self {
        Self {
            organizations: certificate.organizations(),
            common_name: certificate.common_name().unwrap_or_default(),
            beyond: Some(Box::new(Beyond::Exact(ExactName {
                der: certificate.subject_der().to_vec(),
                text: certificate.subject(),
            }))),
        }
    }

    /// Returns the DER of the Name: RDNs in the order C, ST, L, O, OU, CN, each with all values of one attribute, sorted
    /// as DER sorts a SET.
    ///
    /// Source: Go crypto/x509/pkix `Name.ToRDNSequence`, which kubeadm uses; kubeadm v1.20.2, observed.
    ///
    /// # Errors
    /// Fails when an organization occurs twice, because a SET cannot hold it.
    pub fn to_der(&self) -> der::Result<Vec<u8>> {
        if let Some(Beyond::Exact(exact)) = self.beyond.as_deref() {
            return Ok(exact.der.clone());
        }
        let mut rdns = Vec::new();
        for (oid, _, values) in self.attributes() {
            if !values.is_empty() {
                rdns.push(rdn(oid, values)?);
            }
        }
        RdnSequence::from(rdns).to_der()
    }

    /// Returns the attributes in the order of the Name: each with its short name and values.
    fn attributes(&self) -> [(ObjectIdentifier, &'static str, &[String]); 6] {
        let further = match self.beyond.as_deref() {
            Some(Beyond::Further(further)) => Some(further),
            _ => None,
        };
        let one = |of: fn(&FurtherAttributes) -> &String| further.map(of).map_or(&[][..], if_there);
        [
            (oid::COUNTRY_NAME, "C", one(|further| &further.country)),
            (oid::STATE_OR_PROVINCE_NAME, "ST", one(|further| &further.state)),
            (oid::LOCALITY_NAME, "L", one(|further| &further.locality)),
            (oid::ORGANIZATION_NAME, "O", &self.organizations),
            (oid::ORGANIZATIONAL_UNIT_NAME, "OU", further.map_or(&[][..], |further| &further.organizational_units)),
            (oid::COMMON_NAME, "CN", std::slice::from_ref(&self.common_name)),
        ]
    }
}

impl std::fmt::Display for DistinguishedName {
    /// Writes the name with sorted values: `O=system:nodes, CN=system:node:cp-1`. A name of somebody else's certificate
    /// is written as RFC 4514 has it.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(Beyond::Exact(exact)) = self.beyond.as_deref() {
            return formatter.write_str(&exact.text);
        }
        let mut separator = "";
        for (_, attribute, values) in self.attributes() {
            let mut values: Vec<_> = values.iter().collect();
            values.sort();
            for value in values {
                write!(formatter, "{separator}{attribute}={value}")?;
                separator = ", ";
            }
        }
        Ok(())
    }
}

fn if_there(value: &String) -> &[String] {
    if value.is_empty() { &[] } else { std::slice::from_ref(value) }
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
    use super::{Beyond, DistinguishedName, FurtherAttributes, is_printable};

    #[test]
    fn organizations_share_one_rdn_sorted_as_der() {
        let name = DistinguishedName {
            organizations: vec!["system:nodes".into(), "abc".into()],
            ..DistinguishedName::common("system:node:cp-1")
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
    fn further_attributes_stand_where_go_writes_them() {
        let further = FurtherAttributes {
            country: "KR".into(),
            organizational_units: vec!["b".into(), "a".into()],
            locality: "Seoul".into(),
            state: String::new(),
        };
        let name = DistinguishedName {
            organizations: vec!["Example".into()],
            beyond: Some(Box::new(Beyond::Further(further))),
            ..DistinguishedName::common("etcd-ca")
        };
        assert_eq!(name.to_string(), "C=KR, L=Seoul, O=Example, OU=a, OU=b, CN=etcd-ca");
        let hex: String = name.to_der().unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
        // What Go 1.19's pkix.Name{Country: KR, Organization: Example, OrganizationalUnit: b, a, Locality: Seoul,
        // CommonName: etcd-ca} gives.
        assert_eq!(
            hex,
            concat!(
                "3057",
                "310b3009060355040613024b52",
                "310e300c0603550407130553656f756c",
                "3110300e060355040a13074578616d706c65",
                "31143008060355040b1301613008060355040b130162",
                "3110300e06035504031307657463642d6361",
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
        let name = DistinguishedName { organizations: vec!["a".into(), "a".into()], ..DistinguishedName::common("b") };
        assert!(name.to_der().is_err());
    }
}
