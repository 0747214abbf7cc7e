//! Whether a node's record is about the host that it is applied on.

use std::net::IpAddr;

use crate::bundle::Node;
use crate::host::{self, NodeTree};

/// No host's name is longer (hostname(7)), nor is its file.
const NAME_LIMIT: u64 = 4 << 10;
/// Where a host's name is kept.
const HOSTNAME: &str = "etc/hostname";

/// What a host is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its name; nothing where a root that is not `/` does not tell.
    pub name: Option<String>,
    /// Its addresses; nothing for a root that is not `/`.
    pub addresses: Option<Vec<IpAddr>>,
}

/// Why a host is not the node of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentityMismatch {
    /// It has another name.
    Name(String),
    /// It has none of the node's addresses.
    Addresses(Vec<IpAddr>),
}

impl Identity {
    /// Of this host.
    ///
    /// # Errors
    /// When the operating system does not tell its addresses.
    pub fn of_host() -> std::io::Result<Self> {
        Ok(Self { name: Some(host::name()), addresses: Some(host::addresses()?) })
    }

    /// Of the host whose files stand below a root, as far as they tell.
    #[must_use]
    pub fn of_tree(tree: &NodeTree) -> Self {
        let name = tree.reading().read(HOSTNAME, NAME_LIMIT).ok();
        let name = name.and_then(|text| host_name(&String::from_utf8_lossy(&text)));
        Self { name, addresses: None }
    }

    /// Why it is not that node, if it is not: its name, in full or up to the first dot, must be one of the node's, and
    /// one of its addresses, too.
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

/// The name in a file of hostname(5): the first line that is neither empty nor a comment.
fn host_name(text: &str) -> Option<String> {
    text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::{Identity, IdentityMismatch, host_name};
    use crate::bundle::Node;
    use crate::kubernetes::Role;

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
