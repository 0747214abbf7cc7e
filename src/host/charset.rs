//! The letters that the terminal has.

/// Returns whether texts are in UTF-8, as the first of `LC_ALL`, `LC_CTYPE` and `LANG` that is set says (POSIX.1-2017, XBD
/// section 8.2). Where nothing is said they are in ASCII.
#[must_use]
pub fn is_utf8() -> bool {
    let value = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(value).unwrap_or_default().to_lowercase();
    let codeset = locale.split_once('.').map_or("", |(_, rest)| rest.split('@').next().unwrap_or_default());
    matches!(codeset, "utf-8" | "utf8")
}
