//! Renders the scripts of a rotation's phases, which do in the cluster what files on nodes cannot.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use der::Decode;
use sha2::{Digest, Sha256};
use x509_cert::spki::SubjectPublicKeyInfoRef;
use zeroize::Zeroizing;

use super::{LayoutError, scripts};
use crate::kubernetes::{CaName, KeyId};
use crate::template::render as render_template;
use crate::x509::oid;

/// What a rotation replaces, for the scripts of its phases. All three scripts name the old and the new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Every CA that changes, and the key of service accounts, in the order of the key-ids.
    pub replaced: Vec<Replaced>,
}

/// A CA or key, the one before and the one after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// The key-id, `ca/kubernetes` or `sa`.
    pub authority: KeyId,
    /// What everybody trusts before.
    pub old: Public,
    /// What everybody trusts afterwards.
    pub new: Public,
}

/// The public side of a CA, or of the key of service accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Public {
    /// The SubjectPublicKeyInfo in DER (RFC 5280, section 4.1.2.7).
    pub spki_der: Vec<u8>,
    /// The certificate in PEM. The key of service accounts has none.
    pub certificate: Option<String>,
}

impl Rotation {
    /// Returns the name of the rotation in the cluster: the first 16 hexadecimal digits of the SHA-256 of its lines
    /// `authority old new`, where old and new are the SHA-256 of the keys.
    fn name(&self) -> String {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let line = |row: &Replaced| {
            let [old, new] = [&row.old, &row.new].map(|side| hex(&Sha256::digest(&side.spki_der)));
            format!("{} {old} {new}\n", row.authority)
        };
        let lines: String = self.replaced.iter().map(line).collect();
        hex(&Sha256::digest(lines)[..8])
    }

    /// Returns the certificates of a CA before and after, in PEM without the line break at the end, or empty texts when it
    /// stays.
    fn certificates(&self, ca: CaName) -> [&str; 2] {
        let id = KeyId::ca(ca.profile_name());
        let row = self.replaced.iter().find(|row| row.authority == id);
        row.map_or([""; 2], |row| {
            [&row.old, &row.new].map(|side| side.certificate.as_deref().unwrap_or_default().trim_end())
        })
    }

    /// Returns how tokens begin that the key of service accounts signed before and afterwards, or empty texts when it
    /// stays.
    fn tokens(&self) -> [String; 2] {
        let row = self.replaced.iter().find(|row| row.authority == KeyId::ServiceAccount);
        row.map_or_else(Default::default, |row| [&row.old, &row.new].map(|side| token_header(&side.spki_der)))
    }
}

/// Returns the header of a token that kube-apiserver signs with this key, as it stands before the first full stop.
///
/// Source: Kubernetes v1.20.2, pkg/serviceaccount/jwt.go: `keyIDFromPublicKey`, `signerFromRSAPrivateKey`,
/// `signerFromECDSAPrivateKey`. A key of another kind signs no tokens, and gives an empty text.
fn token_header(spki_der: &[u8]) -> String {
    let Some(algorithm) = SubjectPublicKeyInfoRef::from_der(spki_der).ok().and_then(|spki| {
        let curve = spki.algorithm.parameters_oid().ok();
        match (spki.algorithm.oid, curve) {
            (oid::RSA_ENCRYPTION, _) => Some("RS256"),
            (oid::EC_PUBLIC_KEY, Some(oid::SECP256R1)) => Some("ES256"),
            (oid::EC_PUBLIC_KEY, Some(oid::SECP384R1)) => Some("ES384"),
            (oid::EC_PUBLIC_KEY, Some(oid::SECP521R1)) => Some("ES512"),
            _ => None,
        }
    }) else {
        return String::new();
    };
    let name = URL_SAFE_NO_PAD.encode(Sha256::digest(spki_der));
    URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{algorithm}","kid":"{name}"}}"#))
}

/// Renders the script of a phase, 1 to 3, of the rotation of a cluster. `nodes` are the nodes that have a kubelet.
pub(super) fn script(
    phase: u32,
    cluster: &str,
    nodes: &[String],
    rotation: &Rotation,
) -> Result<Zeroizing<String>, LayoutError> {
    let [old_ca, new_ca] = rotation.certificates(CaName::Kubernetes);
    let [old_front_proxy_ca, new_front_proxy_ca] = rotation.certificates(CaName::FrontProxy);
    let [old_token, new_token] = rotation.tokens();
    let values = [
        ("phase", &*phase.to_string()),
        ("cluster", cluster),
        ("rotation", &rotation.name()),
        ("nodes", &nodes.join(" ")),
        ("old_ca", old_ca),
        ("new_ca", new_ca),
        ("old_front_proxy_ca", old_front_proxy_ca),
        ("new_front_proxy_ca", new_front_proxy_ca),
        ("old_token", &old_token),
        ("new_token", &new_token),
    ];
    let mut text = render_template(scripts::ROTATION_VALUES, &values).map_err(LayoutError::Template)?;
    text.push_str(scripts::ROTATION);
    Ok(text)
}
