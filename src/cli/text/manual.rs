//! The list of chapters, and where the manual says something.

use crate::cli::args::Language;
use crate::manual::{CHAPTERS, KOREAN};
use crate::markdown::{Block, Screen, search};

/// What stands above a chapter that was not translated.
pub(crate) const ONLY_ENGLISH: &str = "(이 장은 영어로만 있습니다.)";

/// The columns of a name of a chapter in the list.
const NAME_COLUMNS: usize = 19;

/// Returns the list of chapters.
pub(crate) fn contents(language: Language, screen: &Screen) -> String {
    let head = match language {
        Language::En => {
            "The manual. Read a chapter with `certferry help CHAPTER`, a section of it with `certferry help CHAPTER 7`, a \
            command's options with `certferry help COMMAND`. `certferry help --search TEXT` finds a text in all chapters."
        }
        Language::Ko => {
            "설명서입니다. 장은 `certferry help CHAPTER`, 그 안의 한 절은 `certferry help CHAPTER 7`, 명령의 옵션은 \
            `certferry help COMMAND`로 봅니다. `certferry help --search TEXT`는 모든 장에서 글을 찾습니다. 한국어로 옮긴 장은 \
            다섯이고 나머지는 영어입니다."
        }
    };
    let mut text = screen.wrap(head, "", "") + "\n";
    for (name, purpose, _) in CHAPTERS {
        let korean = KOREAN.iter().find(|(korean, _, _)| korean == name).filter(|_| language == Language::Ko);
        let purpose = korean.map_or(*purpose, |(_, purpose, _)| *purpose);
        text += &screen.wrap(purpose, &format!("  {name:<NAME_COLUMNS$}"), &" ".repeat(NAME_COLUMNS + 2));
    }
    text
}

/// Returns the places of a text in chapters: chapter and section, and below them what they say.
pub(crate) fn hits(chapters: &[(&str, Vec<Block>)], wanted: &str, screen: &Screen) -> String {
    let mut text = String::new();
    for (name, blocks) in chapters {
        let hits = search(blocks, wanted);
        for hits in hits.chunk_by(|left, right| left.section == right.section) {
            let section = hits.first().and_then(|hit| hit.section.as_deref());
            let place = section.map_or_else(|| (*name).to_owned(), |section| format!("{name}, {section}"));
            if !text.is_empty() {
                text.push('\n');
            }
            text += &screen.wrap(&place, "", "");
            for hit in hits {
                text += &screen.wrap(&hit.text, "  - ", "    ");
            }
        }
    }
    text
}
