//! Labels: the text that enters the derivation of a key beside the seed (format "Key derivation", number 1).

use std::fmt;

use crate::kubernetes::{KeyId, escape};
use crate::x509::KeyAlgorithm;

/// The values that decide a key, besides the root seed.
///
/// Its text, which `Display` writes, is `certferry/1|<cluster>|<key-id>|<algorithm>|<generation>`. Different labels
/// have different texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    cluster: String,
    key_id: KeyId,
    algorithm: KeyAlgorithm,
    generation: u32,
}

impl Label {
    /// Returns the label of one key. The profile's checks hold the generation between 1 and 999,999,999.
    #[must_use]
    pub fn new(cluster: &str, key_id: &KeyId, algorithm: KeyAlgorithm, generation: u32) -> Self {
        Self { cluster: cluster.to_owned(), key_id: key_id.clone(), algorithm, generation }
    }

    /// Returns the id of the key.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// Returns the algorithm of the key.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// Returns the generation of the key.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.generation
    }
}

impl fmt::Display for Label {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cluster, key_id, algorithm, generation } = self;
        let key_id = key_id.derived_as();
        write!(formatter, "certferry/1|{}|{key_id}|{}|{generation}", escape(cluster), algorithm.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use super::{KeyAlgorithm, KeyId, Label};

    fn of_secret(id: fn(Arc<str>, Arc<str>) -> KeyId) -> KeyId {
        id("ingress".into(), "a.b/c".into())
    }

    #[test]
    fn labels_are_written_as_the_format_says() {
        let text =
            |key_id: KeyId, algorithm, generation| Label::new("prod-1", &key_id, algorithm, generation).to_string();
        for (label, expected) in [
            (text(KeyId::ca("kubernetes"), KeyAlgorithm::Rsa4096, 1), "certferry/1|prod-1|ca/kubernetes|rsa-4096|1"),
            (text(KeyId::ca("etcd"), KeyAlgorithm::Rsa3072, 2), "certferry/1|prod-1|ca/etcd|rsa-3072|2"),
            (text(KeyId::ServiceAccount, KeyAlgorithm::Rsa2048, 1), "certferry/1|prod-1|sa|rsa-2048|1"),
            // The same key, whatever it is for in a phase of a rotation.
            (text(KeyId::TrustedCa("etcd".into()), KeyAlgorithm::Rsa3072, 2), "certferry/1|prod-1|ca/etcd|rsa-3072|2"),
            (text(KeyId::TrustedServiceAccount, KeyAlgorithm::Rsa2048, 1), "certferry/1|prod-1|sa|rsa-2048|1"),
            (
                text(KeyId::node("cp-1", "etcd/server"), KeyAlgorithm::EcdsaP384, 999_999_999),
                "certferry/1|prod-1|node/cp-1/etcd/server|ecdsa-p384|999999999",
            ),
            (
                text(KeyId::User("Zoë|a/b %".into()), KeyAlgorithm::Rsa2048, 1),
                "certferry/1|prod-1|user/Zo%C3%AB%7Ca%2Fb%20%25|rsa-2048|1",
            ),
            (
                text(KeyId::EtcdClient("backup".into()), KeyAlgorithm::Rsa2048, 1),
                "certferry/1|prod-1|etcd-client/backup|rsa-2048|1",
            ),
            (
                text(of_secret(|namespace, secret| KeyId::Tls { namespace, secret }), KeyAlgorithm::Rsa2048, 1),
                "certferry/1|prod-1|tls/ingress/a.b%2Fc|rsa-2048|1",
            ),
            (
                text(of_secret(|namespace, secret| KeyId::Webhook { namespace, secret }), KeyAlgorithm::Rsa2048, 1),
                "certferry/1|prod-1|webhook/ingress/a.b%2Fc|rsa-2048|1",
            ),
            (
                text(of_secret(|namespace, secret| KeyId::WebhookCa { namespace, secret }), KeyAlgorithm::Rsa4096, 1),
                "certferry/1|prod-1|webhook/ingress/a.b%2Fc/ca|rsa-4096|1",
            ),
            (text(KeyId::BundleSigner, KeyAlgorithm::EcdsaP256, 1), "certferry/1|prod-1|bundle-signer|ecdsa-p256|1"),
        ] {
            assert_eq!(label, expected);
        }
    }

    #[test]
    fn names_that_try_to_collide_do_not() {
        let names = ["", "a", "b", "a|b", "a%7Cb", "a/b", "a%2Fb", "a%2fb", "%", "%25", "é", "e\u{301}", "a\0", "A"];
        let mut texts = BTreeSet::new();
        for cluster in names {
            for name in names {
                for key_id in [
                    KeyId::User(name.into()),
                    KeyId::EtcdClient(name.into()),
                    KeyId::node(name, "apiserver"),
                    KeyId::node(name, "etcd/server"),
                    KeyId::Webhook { namespace: name.into(), secret: "ca".into() },
                    KeyId::WebhookCa { namespace: name.into(), secret: "ca".into() },
                    KeyId::Tls { namespace: name.into(), secret: "ca".into() },
                ] {
                    for algorithm in [KeyAlgorithm::Rsa2048, KeyAlgorithm::EcdsaP256] {
                        for generation in [1, 11] {
                            let label = Label::new(cluster, &key_id, algorithm, generation).to_string();
                            assert!(label.bytes().all(|byte| byte.is_ascii_graphic()), "{label}");
                            assert!(texts.insert(label.clone()), "{label}");
                        }
                    }
                }
            }
        }
        assert_eq!(texts.len(), 14 * 14 * 7 * 2 * 2);
    }
}
