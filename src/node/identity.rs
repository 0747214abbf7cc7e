//! Decides whether the host on which a node's part is applied is that node.

use std::net::IpAddr;

use crate::bundle::Node;
use crate::host::{self, NodeTree};

/// The most bytes of the file with the host's name. No host's name is longer (hostname(7)).
const NAME_LIMIT: u64 = 4 << 10;
/// The file that holds the name of a host.
const HOSTNAME: &str = "etc/hostname";

/// The name and addresses of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name. `None` when the files below a root that is not `/` do not tell it.
    pub name: Option<String>,
    /// The addresses. `None` for a root that is not `/`.
    pub addresses: Option<Vec<IpAddr>>,
}

/// The reason why a host is not the node of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentityMismatch {
    /// The host has this name, which is not one of the node's.
    Name(String),
    /// The host has these addresses, none of which is the node's.
    Addresses(Vec<IpAddr>),
}

impl Identity {
    /// Returns the identity of this host.
    ///
    /// # Errors
    /// Fails when the operating system does not tell the addresses.
    pub fn of_host() -> std::io::Result<Self> {
        Ok(Self { name: Some(host::name()), addresses: Some(host::addresses()?) })
    }

    /// Returns the identity of the host whose files are below a root, as far as they tell it.
    #[must_use]
    pub fn of_tree(tree: &NodeTree) -> Self {
        let name = tree.reading().read(HOSTNAME, NAME_LIMIT).ok();
        let name = name.and_then(|text| host_name(&String::from_utf8_lossy(&text)));
        Self { name, addresses: None }
    }

    /// Returns why the host is not that node, if it is not. The name of the host, in full or up to the first dot, must
    /// be one of the node's, and so must one of its addresses. What is not known is not checked.
    #[must_use]
    pub fn mismatch(&self, node: &Node) -> Option<IdentityMismatch> {
        if let Some(name) = &self.name {
            let lower = name.to_ascii_lowercase();
            let short = lower.split('.').next().unwrap_or_default();
            let is_name = |known: &String| *known == lower || known == short;
            if !node.names.iter().chain([&node.name]).any(is_name) {
                return Some(IdentityMismatch::Name(name.clone()));
            }
        }
        match &self.addresses {
            Some(addresses) if !addresses.iter().any(|address| node.addresses.contains(address)) => {
                Some(IdentityMismatch::Addresses(addresses.clone()))
            }
            _ => None,
        }
    }
}

/// Returns the name in a file of hostname(5): the first line that is neither empty nor a comment.
fn host_name(text: &str) -> Option<String> {
    text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::{Identity, IdentityMismatch, host_name};
    use crate::bundle::Node;
    use crate::kubernetes::{CertificatesDir, Role};

    #[test]
    fn comments_are_no_names() {
        for text in ["cp-1", "cp-1\n", "# of the image\n\n  cp-1 \r\nother\n"] {
            assert_eq!(host_name(text).as_deref(), Some("cp-1"), "{text}");
        }
        for text in ["", "\n", "# cp-1\n", " #cp-1"] {
            assert_eq!(host_name(text), None, "{text}");
        }
    }

    #[test]
    fn a_host_is_known_by_name_and_address() {
        let node = Node {
            name: "cp-1".to_owned(),
            role: Role::ControlPlane,
            names: vec!["cp-1".to_owned(), "api.corp.internal".to_owned()],
            addresses: vec![[10, 0, 0, 1].into(), [10, 0, 0, 2].into()],
            certificates_dir: CertificatesDir::default(),
        };
        let host = |name: Option<&str>, addresses: Option<&[[u8; 4]]>| Identity {
            name: name.map(str::to_owned),
            addresses: addresses.map(|list| list.iter().map(|octets| (*octets).into()).collect()),
        };
        let right: &[[u8; 4]] = &[[127, 0, 0, 1], [10, 0, 0, 2]];
        for name in ["cp-1", "CP-1", "cp-1.other.domain", "api.corp.internal"] {
            assert_eq!(host(Some(name), Some(right)).mismatch(&node), None, "{name}");
        }
        for name in ["cp-11", "cp", "api", "localhost", ""] {
            let mismatch = Some(IdentityMismatch::Name(name.to_owned()));
            assert_eq!(host(Some(name), Some(right)).mismatch(&node), mismatch, "{name}");
        }
        let wrong = host(Some("cp-1"), Some(&[[127, 0, 0, 1], [10, 0, 0, 3]])).mismatch(&node);
        assert!(matches!(wrong, Some(IdentityMismatch::Addresses(_))), "{wrong:?}");
        assert_eq!(host(None, None).mismatch(&node), None);
    }
}
