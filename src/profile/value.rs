//! One value of the document, and the refusals that every kind of value shares.

use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::DeValue;

use super::problem::{Problem, Problems, Severity};

/// A checked value, and the place where the profile sets it. A default has no place.
#[derive(Clone, Debug)]
pub(super) struct Setting<T> {
    pub(super) value: T,
    pub(super) set_at: Option<Range<usize>>,
}

impl<T> Setting<T> {
    pub(super) fn default(value: T) -> Self {
        Self { value, set_at: None }
    }
}

/// Returns the values without their places.
pub(super) fn values<T>(settings: Vec<Setting<T>>) -> Vec<T> {
    settings.into_iter().map(|setting| setting.value).collect()
}

/// A value as written, with the key that holds it.
#[derive(Clone, Copy)]
pub(super) struct WrittenValue<'a> {
    pub(super) key: &'a str,
    pub(super) problems: &'a Problems,
    pub(super) written: &'a Spanned<DeValue<'a>>,
}

impl<'a> WrittenValue<'a> {
    pub(super) fn span(&self) -> Range<usize> {
        self.written.span()
    }

    /// Adds a problem that points at this value. Always returns `None`, so that a parser can return the result.
    #[track_caller]
    pub(super) fn refuse<T>(
        &self,
        title: impl Into<String>,
        label: impl Into<String>,
        hint: impl Into<String>,
    ) -> Option<T> {
        self.problems.add(Problem::new(Severity::Error, title.into()).at(&self.span(), label).hint(hint));
        None
    }

    /// Parses the value, and returns the result with its place.
    pub(super) fn located<T>(self, parse: impl FnOnce(Self) -> Option<T>) -> Option<Setting<T>> {
        Some(Setting { value: parse(self)?, set_at: Some(self.span()) })
    }

    pub(super) fn string(&self) -> Option<&'a str> {
        match self.written.get_ref() {
            DeValue::String(text) => Some(text),
            _ => self.wrong_type("a string", "write one value between double quotes"),
        }
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        match self.written.get_ref() {
            DeValue::Boolean(value) => Some(*value),
            _ => self.wrong_type("`true` or `false`", "write `true` or `false`, without quotes"),
        }
    }

    pub(super) fn integer(&self, allowed: RangeInclusive<u32>) -> Option<u32> {
        let DeValue::Integer(written) = self.written.get_ref() else {
            return self.wrong_type("an integer", "write a whole number, without quotes");
        };
        let value = u32::from_str_radix(written.as_str(), written.radix()).ok();
        match value.filter(|value| allowed.contains(value)) {
            Some(value) => Some(value),
            None => self.refuse(
                format!("`{}` is out of range", self.key),
                format!("{written} is not in {} to {}", allowed.start(), allowed.end()),
                format!("write an integer from {} to {}", allowed.start(), allowed.end()),
            ),
        }
    }

    /// Returns the values of an array. A single value is not accepted in place of an array.
    pub(super) fn array(&self) -> Option<Vec<Self>> {
        match self.written.get_ref() {
            DeValue::Array(values) => Some(values.iter().map(|written| Self { written, ..*self }).collect()),
            _ => self.wrong_type("an array", "put the value between `[` and `]`"),
        }
    }

    /// Returns the elements of an array that `parse` accepts; `parse` has refused the others.
    pub(super) fn list<T>(self, parse: impl Fn(Self) -> Option<T>) -> Option<Vec<Setting<T>>> {
        Some(self.array()?.into_iter().filter_map(|value| value.located(&parse)).collect())
    }

    /// Returns the elements like [`WrittenValue::list`], and refuses an empty array.
    pub(super) fn filled_list<T>(self, parse: impl Fn(Self) -> Option<T>) -> Option<Vec<Setting<T>>> {
        if self.array()?.is_empty() {
            return self.refuse(
                format!("`{}` is empty", self.key),
                "expected at least one element",
                "put at least one string between the brackets",
            );
        }
        self.list(parse)
    }

    /// Reads one of a few words.
    pub(super) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        let text = self.string()?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let all = words.iter().map(|(word, _)| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
        let nearest = nearest(text, words.iter().map(|(word, _)| *word));
        self.refuse(
            format!("unknown value \"{text}\""),
            format!("not a value of `{}`", self.key),
            nearest.map_or_else(|| format!("one of {all}"), |word| format!("did you mean \"{word}\"? One of {all}")),
        )
    }

    pub(super) fn wrong_type<T>(&self, expected: &str, hint: &str) -> Option<T> {
        self.refuse(
            format!("`{}` has the wrong type", self.key),
            format!("expected {expected}, found {}", type_name(self.written.get_ref())),
            hint,
        )
    }
}

/// Returns the kind of a value in words, with its article.
pub(super) fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// Returns the word that the writer most likely meant, if one is near enough. Case is ignored.
pub(super) fn nearest<'w>(written: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let written = written.to_lowercase();
    words
        .map(|word| (strsim::damerau_levenshtein(&written, word), word))
        .filter(|(distance, word)| *distance <= (word.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}
