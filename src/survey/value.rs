//! The kinds of values, and what a survey takes of each.
//!
//! A value that is not of its kind is withheld as a whole: what is between the signs of a URL that nobody understands may
//! be a password.

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ValueKind {
    /// The path of a file with certificates or keys.
    Pem,
    /// The path of a kubeconfig.
    Kubeconfig,
    /// The path of a file that is not opened.
    Opaque,
    /// The path of a folder, or of a file that the program writes.
    Folder,
    /// A list of URLs, each perhaps with a name before it: `cp-1=https://192.168.10.5:2380`.
    Urls,
    /// A list of URLs or names.
    Issuers,
    /// A list of names and addresses of hosts, perhaps with a port.
    Hosts,
    /// A list of subnets.
    Subnets,
    /// A list of names.
    Names,
    /// A number, or two with a hyphen between.
    Number,
    /// A period as Go writes it: `8760h0m0s`.
    Period,
    /// `true` or `false`.
    Switch,
    /// The paths of a certificate and its key, and perhaps the names for which they are.
    Sni,
}

impl ValueKind {
    /// Returns the name that `survey.sh` uses.
    #[cfg(test)]
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Pem => "pem",
            Self::Kubeconfig => "kubeconfig",
            Self::Opaque => "opaque",
            Self::Folder => "folder",
            Self::Urls => "urls",
            Self::Issuers => "issuers",
            Self::Hosts => "hosts",
            Self::Subnets => "subnets",
            Self::Names => "names",
            Self::Number => "number",
            Self::Period => "period",
            Self::Switch => "switch",
            Self::Sni => "sni",
        }
    }

    /// Returns whether the value is the path of something on the node.
    pub(super) const fn is_path(self) -> bool {
        matches!(self, Self::Pem | Self::Kubeconfig | Self::Opaque | Self::Folder)
    }
}

/// The most bytes of a value. No path, list or name of a node is longer.
pub(super) const VALUE_LIMIT: usize = 4_096;

/// Returns what a survey takes of a value, or `None` when the value is not of its kind.
pub(super) fn kept(kind: ValueKind, value: &str) -> Option<String> {
    if value.is_empty() || value.len() > VALUE_LIMIT {
        return None;
    }
    let list = |item: fn(&str) -> Option<String>| {
        let items: Option<Vec<_>> = value.split(',').map(item).collect();
        items.map(|items| items.join(","))
    };
    match kind {
        ValueKind::Pem | ValueKind::Kubeconfig | ValueKind::Opaque | ValueKind::Folder => {
            is_path(value).then(|| value.to_owned())
        }
        ValueKind::Urls => list(url),
        ValueKind::Issuers => list(|item| url(item).or_else(|| name(item))),
        ValueKind::Hosts => list(host),
        ValueKind::Subnets => list(subnet),
        ValueKind::Names => list(name),
        ValueKind::Number => {
            let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let (first, last) = value.split_once('-').unwrap_or((value, "0"));
            (is_number(first) && is_number(last)).then(|| value.to_owned())
        }
        ValueKind::Period => is_period(value).then(|| value.to_owned()),
        ValueKind::Switch => matches!(value, "true" | "false").then(|| value.to_owned()),
        ValueKind::Sni => {
            let (files, names) = value.split_once(':').unwrap_or((value, "any"));
            let (certificate, key) = files.split_once(',')?;
            let are_names = names.split(',').all(|item| name(item).is_some());
            (is_path(certificate) && is_path(key) && are_names).then(|| value.to_owned())
        }
    }
}

/// Returns whether every byte is a letter, a digit, or one of these signs.
fn is_of(text: &str, signs: &[u8]) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || signs.contains(&byte))
}

/// Returns whether a text is an absolute path of letters, digits and the signs that paths of programs have.
pub(super) fn is_path(text: &str) -> bool {
    text.starts_with('/') && is_of(text, b"/._@+=~%-")
}

/// Returns whether a text is a path of such signs, be it relative.
pub(super) fn is_relative_path(text: &str) -> bool {
    !text.is_empty() && is_of(text, b"/._@+=~%-")
}

/// Returns whether a text may be the name of a cluster, a user or a context: `system:node:cp-1@kubernetes`. A URL and
/// `user:password@host` are none.
pub(super) fn is_label(text: &str) -> bool {
    let hides = text.rsplit_once('@').is_some_and(|(user, _)| user.contains(':') && !user.starts_with("system:"));
    !text.is_empty() && text.len() <= 253 && is_of(text, b"._:/@+-") && !text.contains("://") && !hides
}

fn name(text: &str) -> Option<String> {
    let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'*' || byte == b'-');
    (begins && is_of(text, b"*._:/-") && !text.contains("://")).then(|| text.to_owned())
}

fn host(text: &str) -> Option<String> {
    (!text.is_empty() && is_of(text, b"._:%[]*-")).then(|| text.to_owned())
}

fn subnet(text: &str) -> Option<String> {
    let (address, length) = text.split_once('/')?;
    let is_address =
        !address.is_empty() && address.bytes().all(|byte| byte.is_ascii_hexdigit() || b".:".contains(&byte));
    let is_length = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
    (is_address && is_length).then(|| text.to_owned())
}

fn is_period(text: &str) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        let unit = rest.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
        let is_number = unit.len() < rest.len() && rest.as_bytes().first().is_some_and(u8::is_ascii_digit);
        let Some(after) = ["ms", "us", "ns", "h", "m", "s"].iter().find_map(|end| unit.strip_prefix(end)) else {
            return false;
        };
        if !is_number {
            return false;
        }
        rest = after;
    }
    !text.is_empty()
}

/// Returns a URL without user, password, query and fragment, or `None` when it is none or might hide one of them.
pub(super) fn url(text: &str) -> Option<String> {
    let (before, rest) = text.split_once("://")?;
    // The name of a member of etcd.
    let (member, scheme) = before.rsplit_once('=').map_or((None, before), |(member, scheme)| (Some(member), scheme));
    let is_scheme = scheme.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase()) && is_of(scheme, b"+.-");
    if !is_scheme || !member.is_none_or(|member| !member.is_empty() && is_of(member, b"._-")) {
        return None;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, after) = rest.split_at(end);
    // A password that was not escaped: where it ends nobody knows.
    if after.contains('@') {
        return None;
    }
    let authority = authority.rsplit('@').next().unwrap_or_default();
    let path = after.split(['?', '#']).next().unwrap_or_default();
    let (host, port) = match authority.strip_prefix('[') {
        Some(bracketed) => {
            let (host, port) = bracketed.split_once(']')?;
            if host.is_empty() || !is_of(host, b":.%") {
                return None;
            }
            (host, port)
        }
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let digits = port.strip_prefix(':').unwrap_or("0");
    let is_port = (port.is_empty() || port.starts_with(':'))
        && !digits.is_empty()
        && digits.len() <= 5
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_host = authority.starts_with('[') || is_of(host, b"._-");
    // A socket of the host has a path alone.
    let is_whole = !host.is_empty() || (scheme == "unix" && !path.is_empty());
    let is_plain = is_port && is_host && is_whole && is_of(path, b"/._~-");
    is_plain.then(|| format!("{before}://{authority}{path}"))
}

#[cfg(test)]
mod tests {
    use super::{ValueKind, is_label, kept, url};

    #[test]
    fn a_url_loses_whatever_could_be_secret() {
        for (given, expected) in [
            ("https://192.168.10.5:2379", Some("https://192.168.10.5:2379")),
            ("cp-1=https://cp-1:2380", Some("cp-1=https://cp-1:2380")),
            ("https://u:p@h:2379/a/b?token=x#y", Some("https://h:2379/a/b")),
            ("https://u%40:p@h", Some("https://h")),
            ("https://a@b@h", Some("https://h")),
            ("https://[fd00::1]:6443", Some("https://[fd00::1]:6443")),
            ("https://u:p@[fd00::1]", Some("https://[fd00::1]")),
            ("unix:///run/containerd/containerd.sock", Some("unix:///run/containerd/containerd.sock")),
            ("https://h?x", Some("https://h")),
            // Where the password ends is not known.
            ("https://u:1/2@h", None),
            ("https://u:1?2@h", None),
            ("https://u:1#2@h", None),
            ("https://u:pw", None),
            ("https://h:123456", None),
            ("https://h /", None),
            ("https://h/%41", None),
            ("https://", None),
            ("u:p@h", None),
            ("1=2=https://h", None),
            ("HTTPS://h", None),
            ("https://[x y]:1", None),
        ] {
            assert_eq!(url(given).as_deref(), expected, "{given}");
        }
    }

    #[test]
    fn a_name_in_a_kubeconfig_is_no_place_for_a_secret() {
        for kept in [
            "kubernetes",
            "kubernetes-admin@kubernetes",
            "system:node:cp-1@kubernetes",
            "default/api-lab:6443/kubeadmin",
            "arn:aws:eks:us-east-1:1:cluster/a",
            "a@b.example",
        ] {
            assert!(is_label(kept), "{kept}");
        }
        for given in
            ["", "a b", "https://h", "user:word@host", "a=b", "a?b", "a,b", "\"", "\u{e4}", "a\nb", &"a".repeat(254)]
        {
            assert!(!is_label(given), "{given}");
        }
    }

    #[test]
    fn a_list_is_kept_or_withheld_as_a_whole() {
        for (kind, given, expected) in [
            (ValueKind::Urls, "https://u:1,b@h", None),
            (ValueKind::Urls, "https://u:p@a,https://b", Some("https://a,https://b")),
            (ValueKind::Urls, "", None),
            (ValueKind::Issuers, "https://k.svc/a,api", Some("https://k.svc/a,api")),
            (ValueKind::Issuers, "https://u:1/x@h", None),
            (ValueKind::Hosts, "10.0.0.1,[::1]:53,a.b", Some("10.0.0.1,[::1]:53,a.b")),
            (ValueKind::Hosts, "u@h", None),
            (ValueKind::Subnets, "10.96.0.0/12,fd00::/112", Some("10.96.0.0/12,fd00::/112")),
            (ValueKind::Subnets, "10.96.0.0", None),
            (ValueKind::Names, "Node,RBAC", Some("Node,RBAC")),
            (ValueKind::Names, "*,bootstrapsigner,-csrsigning", Some("*,bootstrapsigner,-csrsigning")),
            (ValueKind::Names, "a b", None),
            (ValueKind::Names, "a=b", None),
            (ValueKind::Number, "30000-32767", Some("30000-32767")),
            (ValueKind::Number, "12a", None),
            (ValueKind::Period, "8760h0m0s", Some("8760h0m0s")),
            (ValueKind::Period, "1.5h", Some("1.5h")),
            (ValueKind::Period, "h", None),
            (ValueKind::Period, "8", None),
            (ValueKind::Switch, "true", Some("true")),
            (ValueKind::Switch, "hunter2", None),
            (ValueKind::Pem, "/etc/kubernetes/pki/ca.crt", Some("/etc/kubernetes/pki/ca.crt")),
            (ValueKind::Pem, "pki/ca.crt", None),
            (ValueKind::Pem, "/a\nb", None),
            (ValueKind::Sni, "/a.crt,/a.key:a,b", Some("/a.crt,/a.key:a,b")),
            (ValueKind::Sni, "/a.crt", None),
        ] {
            assert_eq!(kept(kind, given).as_deref(), expected, "{kind:?} {given}");
        }
        assert_eq!(kept(ValueKind::Folder, &format!("/{}", "a".repeat(4_096))), None);
    }
}
