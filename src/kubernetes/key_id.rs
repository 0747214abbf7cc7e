//! The names of a cluster's keys: part of the format "Key derivation", number 1.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::certificate::CERTIFICATES;
use super::certificate_row::CaName;
use super::part_name::PartName;
use crate::x509::SharedTexts;

/// The name of a key of a cluster. `Display` writes the key-id that labels and locks contain, and `FromStr` reads it.
///
/// Base names are kubeadm's names of the files ("apiserver", "etcd/server", "admin.conf") and are written as they are;
/// all other names are escaped. Key ids are ordered like their texts, byte by byte. A lock has its rows in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyId {
    /// `ca/<name>`: a certificate authority, named by the key of its table in the profile: "kubernetes", "front-proxy",
    /// "tls".
    Ca(Cow<'static, str>),
    /// `ca/<name>/trusted`: the certificate authority that is trusted beside the one of that name in a phase of a
    /// rotation. The key is that of the CA in another generation, or one of a file.
    TrustedCa(Cow<'static, str>),
    /// `sa`: the key that signs the tokens of service accounts.
    ServiceAccount,
    /// `sa/trusted`: the key whose tokens are trusted beside those of `sa` in a phase of a rotation.
    TrustedServiceAccount,
    /// `node/<node>/<base name>`: a key of one node.
    Node {
        /// The node's name.
        node: Arc<str>,
        /// kubeadm's base name of the files.
        base_name: Cow<'static, str>,
    },
    /// `user/<name>`: the key in a user's kubeconfig.
    User(Arc<str>),
    /// `etcd-client/<name>`: the key of a client of etcd.
    EtcdClient(Arc<str>),
    /// `webhook/<namespace>/<secret>`: the key of a webhook's server.
    Webhook {
        /// The Secret's namespace.
        namespace: Arc<str>,
        /// The Secret's name.
        secret: Arc<str>,
    },
    /// `webhook/<namespace>/<secret>/ca`: the key of a CA for that webhook alone.
    WebhookCa {
        /// The Secret's namespace.
        namespace: Arc<str>,
        /// The Secret's name.
        secret: Arc<str>,
    },
    /// `tls/<namespace>/<secret>`: the key in a TLS Secret.
    Tls {
        /// The Secret's namespace.
        namespace: Arc<str>,
        /// The Secret's name.
        secret: Arc<str>,
    },
    /// `bundle-signer`: the key that signs the bundle.
    BundleSigner,
}

impl KeyId {
    /// Returns the key-id of a CA, by the key of its table in the profile.
    #[must_use]
    pub const fn ca(name: &'static str) -> Self {
        Self::Ca(Cow::Borrowed(name))
    }

    /// Returns the key-id of a node's key, by kubeadm's base name.
    #[must_use]
    pub fn node(node: &str, base_name: &'static str) -> Self {
        Self::Node { node: node.into(), base_name: Cow::Borrowed(base_name) }
    }

    /// Returns the key-id with the copy of the node's name that other key-ids have.
    #[must_use]
    pub fn share(self, texts: &mut SharedTexts) -> Self {
        match self {
            Self::Node { node, base_name } => Self::Node { node: texts.share(node), base_name },
            other => other,
        }
    }

    /// Returns whether this is the key of a certificate authority.
    #[must_use]
    pub const fn is_ca(&self) -> bool {
        match self {
            Self::Ca(_) | Self::TrustedCa(_) | Self::WebhookCa { .. } => true,
            Self::ServiceAccount
            | Self::TrustedServiceAccount
            | Self::Node { .. }
            | Self::User(_)
            | Self::EtcdClient(_)
            | Self::Webhook { .. }
            | Self::Tls { .. }
            | Self::BundleSigner => false,
        }
    }

    /// Returns the id of what is trusted beside this in a phase of a rotation. Returns `None` for a key that does not
    /// rotate in phases.
    #[must_use]
    pub fn trusted(&self) -> Option<Self> {
        match self {
            Self::Ca(name) => Some(Self::TrustedCa(name.clone())),
            Self::ServiceAccount => Some(Self::TrustedServiceAccount),
            _ => None,
        }
    }

    /// Returns the id under which the seed gives the key: its own, but for what is only trusted.
    #[must_use]
    pub fn derived_as(&self) -> Cow<'_, Self> {
        match self {
            Self::TrustedCa(name) => Cow::Owned(Self::Ca(name.clone())),
            Self::TrustedServiceAccount => Cow::Owned(Self::ServiceAccount),
            own => Cow::Borrowed(own),
        }
    }

    /// Returns the part that alone holds what is made of the key.
    ///
    /// Returns `None` for the bundle's signer, which signs the record of every part, and for keys whose files are in
    /// several parts.
    #[must_use]
    pub fn part(&self) -> Option<PartName> {
        match self {
            Self::Ca(name) | Self::TrustedCa(name) if CaName::of_profile(name).is_some() => None,
            Self::ServiceAccount | Self::TrustedServiceAccount | Self::BundleSigner => None,
            Self::Node { node, .. } => Some(PartName::Node(node.to_string())),
            Self::Ca(_)
            | Self::TrustedCa(_)
            | Self::User(_)
            | Self::EtcdClient(_)
            | Self::Webhook { .. }
            | Self::WebhookCa { .. }
            | Self::Tls { .. } => Some(PartName::Cluster),
        }
    }

    /// Returns the pieces of the text: `(fixed, name, fixed, name, fixed)`. Only the names are escaped.
    fn pieces(&self) -> [&str; 5] {
        match self {
            Self::Ca(name) => ["ca/", "", name, "", ""],
            Self::TrustedCa(name) => ["ca/", "", name, "", "/trusted"],
            Self::ServiceAccount => ["sa", "", "", "", ""],
            Self::TrustedServiceAccount => ["sa/trusted", "", "", "", ""],
            Self::Node { node, base_name } => ["node/", node, "/", "", base_name],
            Self::User(name) => ["user/", name, "", "", ""],
            Self::EtcdClient(name) => ["etcd-client/", name, "", "", ""],
            Self::Webhook { namespace, secret } => ["webhook/", namespace, "/", secret, ""],
            Self::WebhookCa { namespace, secret } => ["webhook/", namespace, "/", secret, "/ca"],
            Self::Tls { namespace, secret } => ["tls/", namespace, "/", secret, ""],
            Self::BundleSigner => ["bundle-signer", "", "", "", ""],
        }
    }

    /// Returns the bytes of the text.
    fn bytes(&self) -> impl Iterator<Item = u8> {
        let [first, name, middle, other_name, last] = self.pieces();
        let begin = first.bytes().chain(escaped(name));
        begin.chain(middle.bytes()).chain(escaped(other_name)).chain(last.bytes())
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, name, middle, other_name, last] = self.pieces();
        write!(formatter, "{first}{}{middle}{}{last}", escape(name), escape(other_name))
    }
}

impl Ord for KeyId {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            // Speed: nearly all keys of a cluster are keys of nodes, and nearly all comparisons are of different nodes.
            (Self::Node { node, base_name }, Self::Node { node: other_node, base_name: other_base_name }) => {
                match node.bytes().zip(other_node.bytes()).find(|(byte, other)| byte != other) {
                    // Both stand unescaped at one place of the texts.
                    Some((byte, other)) if is_plain(byte) && is_plain(other) => byte.cmp(&other),
                    None if node == other_node => base_name.cmp(other_base_name),
                    _ => self.bytes().cmp(other.bytes()),
                }
            }
            _ => self.bytes().cmp(other.bytes()),
        }
    }
}

impl PartialOrd for KeyId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The text is not a key-id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAKeyId(pub String);

impl fmt::Display for NotAKeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} is not the id of a key", self.0)
    }
}

impl std::error::Error for NotAKeyId {}

impl FromStr for KeyId {
    type Err = NotAKeyId;

    fn from_str(text: &str) -> Result<Self, NotAKeyId> {
        read(text).ok_or_else(|| NotAKeyId(text.to_owned()))
    }
}

/// Reads a key-id. CAs and base names that this version does not know are accepted, because an older lock may have
/// them.
fn read(text: &str) -> Option<KeyId> {
    let Some((kind, rest)) = text.split_once('/') else {
        return match text {
            "sa" => Some(KeyId::ServiceAccount),
            "bundle-signer" => Some(KeyId::BundleSigner),
            _ => None,
        };
    };
    let of_secret = |rest: &str| {
        let (namespace, secret) = rest.split_once('/')?;
        Some((unescape(namespace)?.into(), unescape(secret)?.into()))
    };
    let is_base_name = |name: &str| name.split('/').all(|part| !part.is_empty() && part.bytes().all(is_plain));
    match kind {
        "ca" if is_base_name(rest) => Some(match rest.strip_suffix("/trusted") {
            Some(name) => KeyId::TrustedCa(Cow::Owned(name.to_owned())),
            None => KeyId::Ca(Cow::Owned(rest.to_owned())),
        }),
        "sa" => (rest == "trusted").then_some(KeyId::TrustedServiceAccount),
        "node" => {
            let (node, base_name) = rest.split_once('/')?;
            let known = CERTIFICATES.iter().find(|row| row.base_name == base_name);
            let base_name = match known {
                Some(row) => Cow::Borrowed(row.base_name),
                None => is_base_name(base_name).then(|| Cow::Owned(base_name.to_owned()))?,
            };
            Some(KeyId::Node { node: unescape(node)?.into(), base_name })
        }
        "user" => Some(KeyId::User(unescape(rest)?.into())),
        "etcd-client" => Some(KeyId::EtcdClient(unescape(rest)?.into())),
        // An escaped name has no `/`, so `/ca` at the end cannot be part of a name.
        "webhook" => match rest.strip_suffix("/ca").filter(|rest| rest.contains('/')) {
            Some(rest) => of_secret(rest).map(|(namespace, secret)| KeyId::WebhookCa { namespace, secret }),
            None => of_secret(rest).map(|(namespace, secret)| KeyId::Webhook { namespace, secret }),
        },
        "tls" => of_secret(rest).map(|(namespace, secret)| KeyId::Tls { namespace, secret }),
        _ => None,
    }
}

/// Writes each byte of `name` outside `a-z A-Z 0-9 . _ : @ -` as `%` and two upper-case hex digits.
///
/// Two names never become one text, and no text has `|`, `/` or a control character. File names in a bundle are escaped
/// in the same way. `.` and `..` stay as they are.
#[must_use]
pub fn escape(name: &str) -> String {
    escaped(name).map(char::from).collect()
}

/// Returns the bytes of [`escape`], one after the other.
fn escaped(name: &str) -> impl Iterator<Item = u8> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |value: u8| DIGITS.get(usize::from(value)).copied().unwrap_or_default();
    name.bytes().flat_map(move |byte| {
        let is_plain = is_plain(byte);
        let bytes = if is_plain { [byte, 0, 0] } else { [b'%', digit(byte >> 4), digit(byte & 15)] };
        bytes.into_iter().take(if is_plain { 1 } else { 3 })
    })
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._:@-".contains(&byte)
}

/// Returns the name that [`escape`] made into this text, or `None` when no name becomes it.
fn unescape(text: &str) -> Option<String> {
    let mut name = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let byte = match (first, after) {
            (b'%', [high, low, behind @ ..]) => {
                rest = behind;
                u8::from_str_radix(std::str::from_utf8(&[*high, *low]).ok()?, 16).ok()?
            }
            _ => {
                rest = after;
                *first
            }
        };
        name.push(byte);
    }
    let name = String::from_utf8(name).ok()?;
    // Every name has one spelling: the digits are upper-case, and no plain byte is escaped.
    escaped(&name).eq(text.bytes()).then_some(name)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{KeyId, NotAKeyId, PartName, escape};

    const TEXTS: [&str; 21] = [
        "bundle-signer",
        "ca/front-proxy",
        "ca/kubernetes",
        "ca/kubernetes/trusted",
        "ca/tls",
        "ca/tls/trusted",
        "etcd-client/backup",
        "node/a.b/apiserver",
        "node/a/apiserver",
        "node/a/etcd/server",
        "node/a/kubelet",
        "sa",
        "sa/trusted",
        "tls/ingress/a.b%2Fc",
        "user/",
        "user/Zo%C3%AB%7Ca%2Fb%20%25",
        "user/alice",
        "webhook/a/ca",
        "webhook/a/ca/ca",
        "webhook/hooks/guard",
        "webhook/hooks/guard/ca",
    ];

    #[test]
    fn an_id_is_read_as_it_is_written_and_stands_in_the_order_of_its_text() {
        assert!(TEXTS.is_sorted());
        let ids = TEXTS.map(|text| text.parse::<KeyId>().unwrap());
        assert_eq!(ids.each_ref().map(ToString::to_string), TEXTS);
        assert!(ids.is_sorted());
        for (number, id) in ids.iter().enumerate() {
            for (other_number, other) in ids.iter().enumerate() {
                assert_eq!(id.cmp(other), number.cmp(&other_number), "{id} {other}");
            }
        }
        assert_eq!(ids[3], KeyId::TrustedCa("kubernetes".into()));
        assert_eq!(ids[17], KeyId::Webhook { namespace: "a".into(), secret: "ca".into() });
        assert_eq!(ids[18], KeyId::WebhookCa { namespace: "a".into(), secret: "ca".into() });
    }

    #[test]
    fn keys_of_nodes_stand_in_the_order_of_their_texts() {
        let names =
            ["", "a", "a-", "a-1", "a.b", "a0", "a1", "ab", "aé", "aè", "a b", "a%", "a/", "a/b", "b", "é", "~"];
        let nodes = names.iter().flat_map(|node| ["admin.conf", "etcd/peer", "x"].map(|base| KeyId::node(node, base)));
        let ids: Vec<_> = nodes.chain(TEXTS.iter().map(|text| text.parse().unwrap())).collect();
        for id in &ids {
            for other in &ids {
                assert_eq!(id.cmp(other), id.to_string().cmp(&other.to_string()), "{id} {other}");
            }
        }
    }

    #[test]
    fn each_key_is_of_one_part_or_shared() {
        let part = |text: &str| text.parse::<KeyId>().unwrap().part();
        for shared in ["ca/kubernetes", "ca/etcd/trusted", "ca/front-proxy", "sa", "sa/trusted", "bundle-signer"] {
            assert_eq!(part(shared), None, "{shared}");
        }
        assert_eq!(part("node/cp-1/etcd/peer"), Some(PartName::Node("cp-1".into())));
        for of_cluster in [
            "ca/tls",
            "ca/tls/trusted",
            "ca/metallb",
            "user/a",
            "etcd-client/a",
            "tls/a/b",
            "webhook/a/b",
            "webhook/a/b/ca",
        ] {
            assert_eq!(part(of_cluster), Some(PartName::Cluster), "{of_cluster}");
        }
    }

    #[test]
    fn another_spelling_is_none() {
        for text in [
            "",
            "ca",
            "ca/",
            "ca/a b",
            "sb",
            "sa/",
            "node/a",
            "node//b/",
            "node/a/",
            "node/a/b//c",
            "node/%61/b",
            "user/a/b",
            "user/%2f",
            "user/%2",
            "user/%zz",
            "user/%+1",
            "user/\u{e9}",
            "tls/a",
            "tls/a/b/c",
            "webhook/ca",
            "webhook/a/b/c",
            "cluster",
            "User/a",
        ] {
            assert_eq!(text.parse::<KeyId>(), Err(NotAKeyId(text.to_owned())));
        }
        assert_eq!(NotAKeyId("x y".to_owned()).to_string(), "\"x y\" is not the id of a key");
    }

    #[test]
    fn escaping_keeps_the_plain_alphabet_and_nothing_else() {
        let plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:@-";
        assert_eq!(escape(plain), plain);
        for byte in 0..128_u8 {
            let character = char::from(byte).to_string();
            let expected = if plain.contains(&character) { character.clone() } else { format!("%{byte:02X}") };
            assert_eq!(escape(&character), expected);
        }
    }
}
