//! Names of clusters and nodes (RFC 1123, as Kubernetes reads it), and of people and programs.

use std::ops::Range;

use super::problem::{Problem, Problems};
use super::value::WrittenValue;
use crate::kubernetes::escape;
use crate::x509::is_unseen;

/// The longest DNS name: `validation.DNS1123SubdomainMaxLength` of Kubernetes.
const SUBDOMAIN_BYTES: usize = 253;
/// The longest part between two dots (RFC 1123, section 2.1, by RFC 1035, section 2.3.4).
const LABEL_BYTES: usize = 63;
/// The longest file name `<name>.conf` that ustar's name field holds whole.
const FILE_NAME_BYTES: usize = 100;
/// The longest common name by RFC 5280, appendix A.1: ub-common-name. Go, OpenSSL and Kubernetes accept longer ones.
const COMMON_NAME_CHARACTERS: usize = 64;

/// Reads a lower-case RFC 1123 label: a subdomain without dots.
pub(super) fn label(value: WrittenValue<'_>) -> Option<String> {
    let name = value.string()?;
    match subdomain_fault(name).or_else(|| name.contains('.').then(|| "dots are not allowed here".to_owned())) {
        None => Some(name.to_owned()),
        Some(reason) => value.refuse(
            format!("\"{}\" is not a lower-case RFC 1123 label", abridged(name)),
            reason,
            "1 to 63 lower-case letters, digits and `-`, the first and last a letter or digit, as in \"prod-1\"",
        ),
    }
}

/// Reads a lower-case RFC 1123 subdomain.
pub(super) fn subdomain(value: WrittenValue<'_>) -> Option<String> {
    check_subdomain(value, value.string()?)
}

/// Checks `name` like [`subdomain`]. The name is only a part of the value, or made from it.
pub(super) fn check_subdomain(value: WrittenValue<'_>, name: &str) -> Option<String> {
    let Some(reason) = subdomain_fault(name) else { return Some(name.to_owned()) };
    let written = value.string()?;
    value.refuse(
        format!("\"{}\" is not a lower-case RFC 1123 subdomain", abridged(name)),
        reason,
        if subdomain_fault(&name.to_ascii_lowercase()).is_none() {
            format!(
                "write \"{}\"; kubeadm and the kubelet lower-case names without a word",
                written.to_ascii_lowercase()
            )
        } else {
            "lower-case letters, digits, `-` and `.`, as in \"cp-1.example\"".to_owned()
        },
    )
}

/// Returns why a name is not a lower-case RFC 1123 subdomain, or `None` when it is one.
pub(super) fn subdomain_fault(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("empty".to_owned());
    }
    if let Some(bad) = name.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-' | '.')) {
        return Some(match bad {
            'A'..='Z' => "upper-case letters are not allowed".to_owned(),
            _ => format!("`{}` is not allowed", bad.escape_debug()),
        });
    }
    if name.len() > SUBDOMAIN_BYTES {
        return Some(format!("{} characters; at most {SUBDOMAIN_BYTES}", name.len()));
    }
    name.split('.').find_map(|part| {
        if part.is_empty() {
            Some("an empty part before, after or between dots".to_owned())
        } else if part.len() > LABEL_BYTES {
            Some(format!("{} characters without a dot; at most {LABEL_BYTES}", part.len()))
        } else if part.starts_with('-') || part.ends_with('-') {
            Some("a `-` at the beginning or end of a part".to_owned())
        } else {
            None
        }
    })
}

/// Reads the name of a user or an etcd client. It becomes a common name, and after [`escape`] a file name.
pub(super) fn client_name(value: WrittenValue<'_>) -> Option<String> {
    let name = visible_text(value)?;
    let file = escape(&name).len() + ".conf".len();
    if name == "." || name == ".." || name.starts_with('-') {
        return value.refuse(
            format!("\"{name}\" cannot be a file name"),
            "`.`, `..` and names that begin with `-` are not safe to handle",
            "begin the name with a letter or digit",
        );
    }
    if file > FILE_NAME_BYTES {
        return value.refuse(
            format!("the name \"{}\" is too long for a file name", abridged(&name)),
            format!("its kubeconfig's name would have {file} bytes; at most {FILE_NAME_BYTES}"),
            "choose a shorter name; each byte outside `a-z A-Z 0-9 . _ : @ -` takes three",
        );
    }
    Some(name)
}

/// Reads a text that shows all of itself: not empty, without invisible characters, without a blank at either end.
pub(super) fn visible_text(value: WrittenValue<'_>) -> Option<String> {
    let name = value.string()?;
    let reason = if name.is_empty() {
        "empty".to_owned()
    } else if name.starts_with(' ') || name.ends_with(' ') {
        "a blank at the beginning or end".to_owned()
    } else if let Some(bad) = name.chars().find(|c| shows_nothing(*c)) {
        format!("has the unseen character U+{:04X}", u32::from(bad))
    } else {
        return Some(name.to_owned());
    };
    value.refuse(
        format!("`{}` is not a printable name", value.key),
        reason,
        "use letters, digits, punctuation and single blanks",
    )
}

/// Reads the common name of a CA. From Kubernetes 1.22 on it is also a DNS name in the CA's certificate, so it must be
/// ASCII.
pub(super) fn authority_name(value: WrittenValue<'_>) -> Option<String> {
    let name = visible_text(value)?;
    if name.is_ascii() {
        return Some(name);
    }
    value.refuse(
        format!("the CA's name \"{}\" is not ASCII", abridged(&name)),
        "kubeadm repeats it as a DNS name, which is ASCII (RFC 5280, section 4.2.1.6)",
        "spell it with ASCII characters",
    )
}

/// Returns whether a character is invisible, or a blank other than the plain one.
fn shows_nothing(character: char) -> bool {
    is_unseen(character) || (character.is_whitespace() && character != ' ')
}

/// Warns about a common name beyond the upper bound of RFC 5280. Go, OpenSSL and Kubernetes ignore the bound, but
/// strict auditors do not.
pub(super) fn warn_long_common_name(name: &str, place: Option<&Range<usize>>, problems: &Problems) {
    let length = name.chars().count();
    if length > COMMON_NAME_CHARACTERS {
        problems.add(
            Problem::warning(format!("the common name \"{}\" has {length} characters", abridged(name)))
                .at_if(place, format!("more than the {COMMON_NAME_CHARACTERS} of RFC 5280, appendix A.1"))
                .hint("Kubernetes takes it; a shorter name satisfies strict checkers too"),
        );
    }
}

/// Returns the name, shortened so that it fits on one line.
pub(super) fn abridged(name: &str) -> String {
    const SHOWN: usize = 48;
    if name.chars().count() <= SHOWN {
        return name.to_owned();
    }
    name.chars().take(SHOWN).chain("...".chars()).collect()
}
