//! Fills in texts with `{{names}}`.
//!
//! Why: texts that people may want to read or change are in `templates`, not between lines of code.
//!
//! Input: a template, and a value for each name.
//!
//! Output: the text. It is wiped when dropped, because a value may be a key.
//!
//! Refuses a name without a value.

use zeroize::Zeroizing;

/// Returns the template with each `{{name}}` replaced by its value, in one pass. Values are not searched for names.
///
/// # Errors
/// Fails with the name that has no value, or with the text after a `{{` that has no end.
pub(crate) fn render(template: &str, values: &[(&str, &str)]) -> Result<Zeroizing<String>, String> {
    let inserted: usize = values.iter().map(|(_, value)| value.len()).sum();
    // Reserves room for every value twice, because a buffer that grows leaves copies of keys behind.
    let mut text = Zeroizing::new(String::with_capacity(template.len() + 2 * inserted));
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").ok_or_else(|| after.to_owned())?;
        let (_, value) = values.iter().find(|(known, _)| *known == name).ok_or_else(|| name.to_owned())?;
        text.push_str(before);
        text.push_str(value);
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::render;

    #[test]
    fn values_are_not_looked_at_again() {
        let text = render("{{a}} and {{b}}{{a}}", &[("a", "{{b}}"), ("b", "2")]).unwrap();
        assert_eq!(*text, "{{b}} and 2{{b}}");
    }

    #[test]
    fn an_unknown_name_is_refused() {
        assert_eq!(render("x {{c}}", &[]).unwrap_err(), "c");
    }
}
