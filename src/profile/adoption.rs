//! `certificate`, `key` and `renew` of a CA: one that exists, or whose certificate somebody else signs; and `subject`
//! of one that is made.

use super::ca::Adoption;
use super::names::visible_text;
use super::problem::Problem;
use super::reader::TableReader;
use super::value::{Setting, WrittenValue, values};
use crate::x509::FurtherAttributes;

/// The keys that say which files a CA is adopted from, as far as they could be read.
pub(super) struct AdoptionDraft {
    pub(super) certificate: Option<Setting<String>>,
    pub(super) key: Option<Setting<String>>,
    pub(super) renew: Option<Setting<bool>>,
    /// Whether nobody has the key of the certificate.
    pub(super) is_lost: bool,
    /// Whether one of the values was refused.
    pub(super) refused: bool,
}

impl AdoptionDraft {
    pub(super) fn read(table: &TableReader<'_>) -> Self {
        let path = |key| match table.find(key) {
            None => (None, false),
            Some(value) => {
                let read = value.located(file);
                let refused = read.is_none();
                (read, refused)
            }
        };
        let ((certificate, no_certificate), (key, no_key)) = (path("certificate"), path("key"));
        let renew = table.setting("renew", false, |value| value.boolean());
        let refused = no_certificate || no_key || renew.is_none();
        let draft = Self { certificate, key, renew, is_lost: false, refused };
        if !refused {
            draft.check(table);
        }
        draft
    }

    fn check(&self, table: &TableReader<'_>) {
        let problems = table.problems;
        if let Some(renew) = self.renew.as_ref().filter(|renew| renew.value) {
            let at = |title: &str, label: &str| Problem::error(title).at_if(renew.set_at.as_ref(), label);
            match (&self.certificate, &self.key) {
                (None, _) => problems.add(
                    at("`renew` without `certificate`", "there is no certificate to renew")
                        .hint("name the CA's certificate in `certificate`, or remove `renew`"),
                ),
                (Some(_), None) => problems.add(
                    at("`renew` without `key`", "the CA's own key signs its certificate anew")
                        .hint("name the CA's key in `key`; without it, whoever has the key renews the certificate"),
                ),
                (Some(_), Some(_)) => {}
            }
        }
        self.check_dates(table);
        self.check_shape(table);
    }

    /// Refuses dates for a certificate that has its own.
    fn check_dates(&self, table: &TableReader<'_>) {
        if self.certificate.is_none() || self.is_renewed() {
            return;
        }
        for key in ["validity", "issued_at"] {
            if let Some(value) = table.find(key) {
                value.refuse::<()>(
                    format!("`{key}` of a CA whose certificate is there already"),
                    "the certificate in `certificate` has its own dates",
                    "remove it, or add `renew = true` (with `key`) for a later end",
                );
            }
        }
    }

    /// Refuses what certificate or key already decide. A certificate that comes without a key may have been asked for
    /// with these.
    fn check_shape(&self, table: &TableReader<'_>) {
        let (decided, by): (&[&str], _) = match (&self.certificate, &self.key) {
            (Some(_), Some(_)) => (&["common_name", "subject", "kubernetes", "algorithm"], "certificate"),
            (None, Some(_)) => (&["algorithm"], "key"),
            (_, None) => return,
        };
        for key in decided {
            if let Some(value) = table.find(key) {
                value.refuse::<()>(
                    format!("`{key}` of a CA that is adopted"),
                    format!("the file in `{by}` decides it"),
                    "remove it",
                );
            }
        }
    }

    /// Returns the place of the first file that is named.
    pub(super) fn named_at(&self) -> Option<&std::ops::Range<usize>> {
        [&self.certificate, &self.key].into_iter().flatten().find_map(|path| path.set_at.as_ref())
    }

    pub(super) fn is_renewed(&self) -> bool {
        self.renew.as_ref().is_some_and(|renew| renew.value)
    }

    /// Returns whether the dates of the certificate are those of a file.
    pub(super) fn has_own_dates(&self) -> bool {
        self.certificate.is_some() && !self.is_renewed()
    }

    /// Returns the checked keys. The inner value is `None` for a CA that is made here.
    pub(super) fn build(self) -> Option<Option<Adoption>> {
        if self.refused {
            return None;
        }
        let (renew, is_lost) = (self.is_renewed(), self.is_lost);
        let (certificate, key) = (self.certificate.map(|path| path.value), self.key.map(|path| path.value));
        let is_adopted = certificate.is_some() || key.is_some();
        Some(is_adopted.then_some(Adoption { certificate, key, renew, is_lost, found: None }))
    }
}

/// Reads the path of a file, relative to the profile.
pub(super) fn file(value: WrittenValue<'_>) -> Option<String> {
    let path = visible_text(value)?;
    if path == "-" || path.ends_with('/') {
        return value.refuse(
            format!("`{}` is not a file", value.key),
            "expected the path of a PEM file",
            "write the path relative to the profile, as in \"adopted/ca.crt\"",
        );
    }
    Some(path)
}

/// `subject` of a CA as far as it could be read.
#[derive(Clone, Default)]
pub(super) struct SubjectDraft {
    pub(super) organizations: Vec<String>,
    pub(super) further: FurtherAttributes,
}

impl SubjectDraft {
    pub(super) fn read(parent: &TableReader<'_>) -> Self {
        let table = parent.table("subject");
        let list = |key| values(table.distinct(key, visible_text, Clone::clone));
        let text = |key| table.optional(key, String::new(), optional_text).unwrap_or_default();
        let draft = Self {
            organizations: list("organization"),
            further: FurtherAttributes {
                country: table.optional("country", String::new(), country).unwrap_or_default(),
                organizational_units: list("organizational_unit"),
                locality: text("locality"),
                state: text("state"),
            },
        };
        table.refuse_unknown_keys();
        draft
    }
}

/// Reads a text that may be empty, which means that there is none.
fn optional_text(value: WrittenValue<'_>) -> Option<String> {
    if value.string()?.is_empty() { Some(String::new()) } else { visible_text(value) }
}

/// Reads a country: two upper-case letters (RFC 5280, appendix A.1: ub-country-name-alpha-length; ISO 3166-1).
fn country(value: WrittenValue<'_>) -> Option<String> {
    let text = value.string()?;
    if text.is_empty() || (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())) {
        return Some(text.to_owned());
    }
    value.refuse(
        format!("\"{}\" is not a country", super::names::abridged(text)),
        "expected two upper-case letters (ISO 3166-1)",
        "write a code such as \"KR\", or leave `country` out",
    )
}

/// Reads `signer` of `[bundle]`. The inner value is `None` where the seed gives the signer's key.
pub(super) fn signer(table: &TableReader<'_>) -> Option<Option<String>> {
    let Some(value) = table.find("signer") else { return Some(None) };
    let path = file(value)?;
    if let Some(generation) = table.find("signer_generation") {
        generation.refuse::<()>(
            "`signer_generation` with a `signer` of its own",
            "it counts the keys that the seed gives, and the one in `signer` is somebody else's",
            "remove it; another signer is another file in `signer`",
        );
    }
    Some(Some(path))
}
