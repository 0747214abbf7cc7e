//! One section of a text.

use super::{Block, plain};

/// Returns the titles of the sections, in their order, those of sections within sections too.
pub(crate) fn titles(blocks: &[Block]) -> impl Iterator<Item = String> {
    blocks.iter().filter_map(|block| match block {
        Block::Heading(level, title) if *level > 1 => Some(plain(title)),
        _ => None,
    })
}

/// Returns the section with this number or with a title that begins with these words, in any case; else one with the
/// words anywhere in its title. A number is that of a title, such as `7. A node`; where titles have no numbers, it counts
/// them. Returns the section from its heading to the next one that is not below it.
pub(crate) fn section<'a>(blocks: &'a [Block], wanted: &str) -> Option<&'a [Block]> {
    let wanted = wanted.to_lowercase();
    let headings: Vec<(usize, u8, String)> = blocks
        .iter()
        .enumerate()
        .filter_map(|(place, block)| match block {
            Block::Heading(level, title) if *level > 1 => Some((place, *level, plain(title).to_lowercase())),
            _ => None,
        })
        .collect();
    let number = |title: &str| title.split_once(". ").and_then(|(number, _)| number.parse::<usize>().ok());
    let found = match wanted.parse::<usize>() {
        Ok(wanted) if headings.iter().any(|(_, _, title)| number(title).is_some()) => {
            headings.iter().find(|(_, _, title)| number(title) == Some(wanted))
        }
        Ok(wanted) => headings.iter().filter(|(_, level, _)| *level == 2).nth(wanted.checked_sub(1)?),
        Err(_) => {
            let words = |title: &str| title.split_once(". ").map_or(title, |(_, words)| words).to_owned();
            let begins =
                |(_, _, title): &&(_, _, String)| title.starts_with(&wanted) || words(title).starts_with(&wanted);
            let has = |(_, _, title): &&(_, _, String)| title.contains(&wanted);
            headings.iter().find(begins).or_else(|| headings.iter().find(has))
        }
    };
    let (first, level, _) = found?;
    let end = headings.iter().find(|(place, other, _)| place > first && other <= level);
    blocks.get(*first..end.map_or(blocks.len(), |(place, _, _)| *place))
}

#[cfg(test)]
mod tests {
    use super::{section, titles};
    use crate::markdown::{Lines, Screen, parse};

    #[test]
    fn a_section_is_found_by_number_and_by_words() {
        let numbered =
            parse("# T\n\n## Before\n\nx\n\n## 1. Check\n\na\n\n## 2. Put files\n\nb\n\n### Deep\n\nc\n\n## Last\n");
        let plain = parse("# T\n\n## One\n\na\n\n### Within\n\n## Two\n\nb\n");
        let first = |blocks, wanted| {
            let found = section(blocks, wanted)?;
            Screen { columns: 80, lines: Lines::Ascii }.show(found).lines().next().map(str::to_owned)
        };
        for (wanted, title) in
            [("1", "1. Check"), ("2", "2. Put files"), ("PUT", "2. Put files"), ("files", "2. Put files")]
        {
            assert_eq!(first(&numbered, wanted).as_deref(), Some(title), "{wanted}");
        }
        assert_eq!(first(&plain, "2").as_deref(), Some("Two"));
        for (blocks, wanted) in [(&numbered, "3"), (&numbered, "0"), (&plain, "0"), (&plain, "3"), (&plain, "none")] {
            assert_eq!(section(blocks, wanted), None, "{wanted}");
        }
        // With what is below it.
        assert_eq!(section(&numbered, "2").unwrap_or_default().len(), 4);
        assert_eq!(section(&numbered, "deep").unwrap_or_default().len(), 2);
        assert_eq!(titles(&plain).collect::<Vec<_>>(), ["One", "Within", "Two"]);
    }
}
