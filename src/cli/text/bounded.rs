//! Lists whose length another hand decides: how much of them is printed.

/// The most elements that are printed. More of them nobody reads, and one file can cause millions.
const ELEMENTS: usize = 1_000;
/// The most bytes of the elements together, which may have long names in them.
const BYTES: usize = 1 << 20;

/// Returns the first elements of a list, and the number of those that are left out. The first is always there.
pub(crate) fn bounded(elements: impl IntoIterator<Item = String>) -> (Vec<String>, usize) {
    let (mut shown, mut bytes, mut elements) = (Vec::new(), 0, elements.into_iter());
    while let Some(element) = elements.next() {
        bytes += element.len();
        if !shown.is_empty() && (shown.len() == ELEMENTS || bytes > BYTES) {
            return (shown, elements.count() + 1);
        }
        shown.push(element);
    }
    (shown, 0)
}

/// Returns texts one behind the other, like [`bounded`], and at the end a line for those that are left out.
pub(crate) fn lines(texts: impl IntoIterator<Item = String>) -> String {
    let (shown, more) = bounded(texts);
    let rest = if more > 0 { format!("and {more} more\n") } else { String::new() };
    shown.concat() + &rest
}

#[cfg(test)]
mod tests {
    use super::{BYTES, ELEMENTS, lines};

    #[test]
    fn what_is_left_out_is_counted() {
        let text = |count: usize| lines((0..count).map(|number| format!("{number}\n")));
        assert_eq!(text(0), "");
        assert_eq!(text(2), "0\n1\n");
        assert_eq!(text(ELEMENTS).lines().count(), ELEMENTS);
        assert!(text(ELEMENTS + 1).ends_with("\n999\nand 1 more\n"));
        assert!(text(36_000_000).ends_with("\n999\nand 35999000 more\n"));
    }

    #[test]
    fn long_lines_are_fewer() {
        let long = |length: usize| lines((0..5).map(move |_| "x".repeat(length) + "\n"));
        assert_eq!(long(BYTES).lines().last(), Some("and 4 more"));
        assert_eq!(long(BYTES / 2 - 1).lines().last(), Some("and 3 more"));
    }
}
