//! The parts of a bundle, and the names that nodes and clusters may have.

use std::fmt::{Display, Formatter, Result as FormatResult};
use std::str::FromStr;

/// The name of a part of a bundle: the part of one node, or the part that belongs to the whole cluster.
///
/// Parts are ordered as in the archive: nodes bytewise by name, the cluster last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartName {
    /// The files of the node of that name.
    Node(String),
    /// The cluster's part: profile, users, etcd clients, manifests.
    Cluster,
}

/// The text names no part of a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAPartName(pub String);

impl Display for NotAPartName {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FormatResult {
        write!(formatter, "{:?} is neither `node/NAME` nor `cluster`", self.0)
    }
}

impl std::error::Error for NotAPartName {}

impl PartName {
    /// Returns the node whose part this is, or `None` for the cluster's part.
    #[must_use]
    pub fn node(&self) -> Option<&str> {
        match self {
            Self::Node(name) => Some(name),
            Self::Cluster => None,
        }
    }
}

impl FromStr for PartName {
    type Err = NotAPartName;

    /// Reads `node/<name>` or `cluster`, as records and the index spell it.
    fn from_str(text: &str) -> Result<Self, NotAPartName> {
        match text.split_once('/') {
            Some(("node", name)) if is_subdomain(name) => Ok(Self::Node(name.to_owned())),
            None if text == "cluster" => Ok(Self::Cluster),
            _ => Err(NotAPartName(text.to_owned())),
        }
    }
}

impl Display for PartName {
    /// Writes `node/<name>` or `cluster`.
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FormatResult {
        match self {
            Self::Node(name) => write!(formatter, "node/{name}"),
            Self::Cluster => formatter.write_str("cluster"),
        }
    }
}

/// Returns whether the text is an RFC 1123 label in lower case, as the name of a cluster is.
#[must_use]
pub fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// Returns whether the text is an RFC 1123 subdomain in lower case, as the name of a node is. Such a text is also
/// always a path component that a tree may hold.
#[must_use]
pub fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::{NotAPartName, PartName};

    #[test]
    fn reads_part_names() {
        let node = PartName::Node("cp-1.a".to_owned());
        assert_eq!("node/cp-1.a".parse(), Ok(node.clone()));
        assert_eq!(node.to_string(), "node/cp-1.a");
        assert_eq!("cluster".parse(), Ok(PartName::Cluster));
        for wrong in
            ["", "node", "node/", "node/A", "node/a/b", "node/..", "node/-a", "cluster/", "cluster/a", "Cluster"]
        {
            assert_eq!(wrong.parse::<PartName>(), Err(NotAPartName(wrong.to_owned())));
            let error = wrong.parse::<PartName>().map_err(|error| error.to_string());
            assert_eq!(error, Err(format!("{wrong:?} is neither `node/NAME` nor `cluster`")));
        }
        assert!(PartName::Node("zz".to_owned()) < PartName::Cluster);
    }
}
