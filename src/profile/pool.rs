//! The names of a pool, written as `prefix[001..997]suffix`.

use super::names::{abridged, check_subdomain};
use super::value::WrittenValue;

/// The most digits of a number, so that every number of a range, and their count, fits in 32 bits.
const MAX_DIGITS: usize = 9;

/// A name that contains a range of numbers. A single name is one without a range.
pub(super) struct NameRange {
    prefix: String,
    /// The first number, the last number, and the width to which numbers are padded with zeros: 1 when they are not.
    range: Option<(u32, u32, usize)>,
    suffix: String,
}

impl NameRange {
    pub(super) fn single(name: String) -> Self {
        Self { prefix: name, range: None, suffix: String::new() }
    }

    /// Reads a name with a range, and checks that it expands to lower-case RFC 1123 subdomains.
    pub(super) fn parse(value: WrittenValue<'_>) -> Option<Self> {
        let text = value.string()?;
        match split(text) {
            Ok(names) => {
                // The names differ in digits only, and the last is the longest.
                check_subdomain(value, &names.expand_last())?;
                Some(names)
            }
            Err((reason, hint)) => {
                value.refuse(format!("\"{}\" is not a range of names", abridged(text)), reason, hint)
            }
        }
    }

    /// Returns how many names the range expands to.
    pub(super) fn count(&self) -> u32 {
        self.range.map_or(1, |(first, last, _)| last - first + 1)
    }

    /// Returns the names, in order.
    pub(super) fn expand(&self) -> Vec<String> {
        match self.range {
            None => vec![self.prefix.clone()],
            Some((first, last, width)) => (first..=last).map(|number| self.name(number, width)).collect(),
        }
    }

    fn expand_last(&self) -> String {
        self.range.map_or_else(|| self.prefix.clone(), |(_, last, width)| self.name(last, width))
    }

    fn name(&self, number: u32, width: usize) -> String {
        format!("{}{number:0width$}{}", self.prefix, self.suffix)
    }
}

fn split(text: &str) -> Result<NameRange, (&'static str, String)> {
    let example = || "write one range of numbers, as in \"worker-[1..100]\" or \"worker-[001..100]\"".to_owned();
    let Some((prefix, rest)) = text.split_once('[') else {
        return Err(("no `[first..last]` in it", example()));
    };
    let Some((range, suffix)) = rest.split_once(']') else {
        return Err(("`[` without `]`", example()));
    };
    if suffix.contains(['[', ']']) || prefix.contains(']') {
        return Err(("one range in a name, no more", example()));
    }
    let numbers = range.split_once("..").and_then(|(first, last)| Some((number(first)?, number(last)?)));
    let Some(((first, first_width), (last, last_width))) = numbers else {
        return Err(("expected two numbers of at most 9 digits with `..` between", example()));
    };
    let (width, low, high) = (first_width.max(last_width), first.min(last), first.max(last));
    let mended = || format!("write \"{prefix}[{low:0width$}..{high:0width$}]{suffix}\"");
    if first > last {
        return Err(("the first number is above the last", mended()));
    }
    // As in a shell's {1..100} and {001..100}: who writes a zero in front wants numbers of equal width.
    let is_padded = |number: u32, width: usize| number.to_string().len() < width;
    let width = if first_width == last_width {
        first_width
    } else if is_padded(first, first_width) || is_padded(last, last_width) {
        return Err(("one number begins with a zero, and the two differ in width", mended()));
    } else {
        1
    };
    Ok(NameRange { prefix: prefix.to_owned(), range: Some((first, last, width)), suffix: suffix.to_owned() })
}

fn number(digits: &str) -> Option<(u32, usize)> {
    let plain = (1..=MAX_DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    Some((digits.parse().ok().filter(|_| plain)?, digits.len()))
}
