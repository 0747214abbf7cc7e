//! What names a key of a cluster: part of the format "Key derivation", number 1.

use std::fmt;

/// Which key of a cluster. Its text, by `Display`, is the key-id of labels and locks.
///
/// Base names are kubeadm's names of the files ("apiserver", "etcd/server", "admin.conf"); other names are escaped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyId {
    /// `ca/<base name>`: a certificate authority, named by the key of its table: "kubernetes", "front-proxy", "tls".
    Ca(&'static str),
    /// `sa`: signs the tokens of service accounts.
    ServiceAccount,
    /// `node/<node>/<base name>`: a key of one node.
    Node {
        /// The node's name.
        node: String,
        /// What it is for.
        base_name: &'static str,
    },
    /// `user/<name>`: the key in a user's kubeconfig.
    User(String),
    /// `etcd-client/<name>`: the key of a client of etcd.
    EtcdClient(String),
    /// `webhook/<namespace>/<secret>`: the key of a webhook's server.
    Webhook {
        /// The Secret's namespace.
        namespace: String,
        /// The Secret.
        secret: String,
    },
    /// `webhook/<namespace>/<secret>/ca`: a CA for that webhook alone.
    WebhookCa {
        /// The Secret's namespace.
        namespace: String,
        /// The Secret.
        secret: String,
    },
    /// `tls/<namespace>/<secret>`: the key in a TLS Secret.
    Tls {
        /// The Secret's namespace.
        namespace: String,
        /// The Secret.
        secret: String,
    },
    /// `bundle-signer`: signs the bundle.
    BundleSigner,
}

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ca(name) => write!(formatter, "ca/{name}"),
            Self::ServiceAccount => formatter.write_str("sa"),
            Self::Node { node, base_name } => write!(formatter, "node/{}/{base_name}", escape(node)),
            Self::User(name) => write!(formatter, "user/{}", escape(name)),
            Self::EtcdClient(name) => write!(formatter, "etcd-client/{}", escape(name)),
            Self::Webhook { namespace, secret } => {
                write!(formatter, "webhook/{}/{}", escape(namespace), escape(secret))
            }
            Self::WebhookCa { namespace, secret } => {
                write!(formatter, "webhook/{}/{}/ca", escape(namespace), escape(secret))
            }
            Self::Tls { namespace, secret } => write!(formatter, "tls/{}/{}", escape(namespace), escape(secret)),
            Self::BundleSigner => formatter.write_str("bundle-signer"),
        }
    }
}

/// `name` with each byte outside `a-z A-Z 0-9 . _ : @ -` written as `%` and two upper-case hex digits.
///
/// Injective, and free of `|`, `/` and control characters; file names in a bundle use it too. `.` and `..` stay as
/// they are.
#[must_use]
pub fn escape(name: &str) -> String {
    use fmt::Write;

    let mut escaped = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"._:@-".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escape;

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
