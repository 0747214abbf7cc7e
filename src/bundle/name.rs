//! The names that a bundle may hold: folders of parts, hosts, paths.

use std::cmp::Ordering;

use crate::kubernetes::{PartName, is_subdomain};

/// Returns the path of a part's tree in the archive, below the top folder, without a slash at the end.
///
/// It is `nodes/<name>` or `cluster`. With `.json` it is the path of the part's record, with `.json.sig` that of the record's signature.
pub fn folder(part: &PartName) -> String {
    match part {
        PartName::Node(name) => format!("nodes/{name}"),
        PartName::Cluster => "cluster".to_owned(),
    }
}

/// Returns whether the text is a subdomain, or `*.` and a subdomain.
pub(super) fn is_dns_name(text: &str) -> bool {
    is_subdomain(text.strip_prefix("*.").unwrap_or(text))
}

/// Returns whether this is a relative path in a node's tree: components of `[A-Za-z0-9._-]+` that do not begin with
/// `-`, none of them `.` or `..`.
pub(super) fn is_node_path(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    path.split('/').all(|name| !matches!(name, "" | "." | "..") && !name.starts_with('-') && name.bytes().all(plain))
}

/// Returns whether this is a relative path below `cluster/`: components escaped as in a key's label (manual/formats.md,
/// section 2), none of them `.` or `..`.
pub(super) fn is_cluster_path(path: &str) -> bool {
    path.split('/').all(|name| !matches!(name, "" | "." | "..") && is_escaped(name))
}

/// Returns whether bytes outside `a-z A-Z 0-9 . _ : @ -`, and only these, are written as `%XX` in upper case.
fn is_escaped(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'@' | b'-');
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    };
    let mut bytes = name.bytes();
    while let Some(byte) = bytes.next() {
        let escaped = byte == b'%'
            && match (bytes.next().and_then(digit), bytes.next().and_then(digit)) {
                (Some(high), Some(low)) => !plain(high << 4 | low),
                _ => false,
            };
        if !escaped && !plain(byte) {
            return false;
        }
    }
    true
}

/// Compares paths in the order of a tree: component by component, so that the files of a folder stand together.
pub(super) fn compare_paths(left: &str, right: &str) -> Ordering {
    left.split('/').cmp(right.split('/'))
}

/// Returns whether this is a full Kubernetes version, such as `1.24.15`: three numbers without leading zeros.
pub(super) fn is_version(text: &str) -> bool {
    let number = |text: &str| text.parse::<u32>().is_ok_and(|number| number.to_string() == text);
    text.split('.').count() == 3 && text.split('.').all(number)
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::{compare_paths, is_cluster_path, is_dns_name, is_node_path, is_version};
    use crate::kubernetes::{is_label, is_subdomain};

    #[test]
    fn knows_hosts() {
        assert!(is_label("a") && is_label(&"a".repeat(63)) && is_label("prod-1") && is_label("1"));
        assert!(!is_label("") && !is_label(&"a".repeat(64)) && !is_label("-a") && !is_label("a-") && !is_label("A"));
        assert!(is_subdomain("a.b-c.1") && !is_subdomain("a..b") && !is_subdomain("a.") && !is_subdomain(".a"));
        assert!(is_subdomain(&"a.".repeat(127)[..253]) && !is_subdomain(&"a.".repeat(128)[..255]));
        assert!(is_dns_name("*.a.b") && !is_dns_name("*a") && !is_dns_name("*.") && !is_dns_name("a.*"));
    }

    #[test]
    fn knows_paths() {
        for good in ["a", "etc/kubernetes/admin.conf", "A_b-c.d", ".a", "..."] {
            assert!(is_node_path(good) && is_cluster_path(good), "{good}");
        }
        for bad in ["", "/a", "a/", "a//b", ".", "..", "a/../b", "a/./b", "a b", "a\0", "ä", "a\\b", "a\n", "%", "%4"]
        {
            assert!(!is_node_path(bad) && !is_cluster_path(bad), "{bad:?}");
        }
        assert!(!is_node_path("-a") && !is_node_path("a/-b") && !is_node_path("a@b") && !is_node_path("%2F"));
        for good in ["users/a@b:c.conf", "-a", "a%2Fb", "%25", "%C3%A4"] {
            assert!(is_cluster_path(good), "{good}");
        }
        for bad in ["%41", "%2f", "%2", "%%25", "a%zz", "%2E"] {
            assert!(!is_cluster_path(bad), "{bad}");
        }
    }

    #[test]
    fn orders_component_by_component() {
        assert_eq!(compare_paths("pki/etcd/ca.crt", "pki/etcd.x"), Ordering::Less);
        assert!("pki/etcd/ca.crt" > "pki/etcd.x");
        assert_eq!(compare_paths("a", "a/b"), Ordering::Less);
        assert_eq!(compare_paths("a/b", "a/b"), Ordering::Equal);
    }

    #[test]
    fn knows_versions() {
        assert!(is_version("1.24.15") && is_version("1.30.0"));
        for bad in ["", "1.24", "v1.24.15", "1.24.015", "1.24.15.1", "1.+2.3", "1.24.4294967296", "1..2"] {
            assert!(!is_version(bad), "{bad}");
        }
    }
}
