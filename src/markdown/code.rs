//! Lines of code that are no wider than they may be, and still mean the same when they are copied.

use super::Code;
use super::line::Line;
use super::wrap::{SEAMS, width, wrap};

/// The fewest columns in which a remark is worth to stay beside its line.
const REMARK_COLUMNS: usize = 24;

/// Returns the lines of a block of code, each behind `margin`, and at most `columns` wide with it.
///
/// A command goes on behind `\`; where a word of it is wider than a line, at the very beginning of the next one, so that
/// the shell puts it together again. Anything else goes on deeper.
pub(super) fn lines(code: Code, text: &str, columns: usize, margin: &str) -> Vec<Line> {
    let columns = columns.saturating_sub(margin.len()).max(1);
    let lines = text.lines().flat_map(|line| broken(code, line, columns, columns + margin.len()));
    lines.map(|line| line.behind(margin)).collect()
}

/// Breaks a line that stands behind a margin, and its words where they are wider than a line without one.
fn broken(code: Code, line: &str, columns: usize, all_columns: usize) -> Vec<Line> {
    if width(line) <= columns {
        return vec![Line::Line(line.to_owned())];
    }
    let place = remark(line);
    let (body, remark) = line.split_at(place.unwrap_or(line.len()));
    let (before, body) = (width(body), body.trim_end());
    let mut parts = Vec::new();
    if before + REMARK_COLUMNS <= columns && !remark.is_empty() && !body.trim_start().is_empty() {
        // The lines below say no more than the remark.
        let rest = format!("{}# ", " ".repeat(before));
        let first = format!("{body}{}", " ".repeat(before - width(body)));
        return wrap(remark, columns, &first, &rest).into_iter().map(Line::Line).collect();
    }
    let indent = " ".repeat(line.len() - line.trim_start().len());
    if !remark.is_empty() {
        let rest = format!("{indent}# ");
        parts.extend(wrap(remark, columns, &indent, &rest).into_iter().map(Line::Line));
    }
    match code {
        _ if body.trim_start().is_empty() => {}
        Code::Shell => parts.extend(command(body, columns, all_columns, &indent)),
        Code::Text => {
            let rest = " ".repeat(hang(body, columns).unwrap_or(indent.len() + 2));
            parts.extend(wrap(body.trim_start(), columns, &indent, &rest).into_iter().map(Line::Line));
        }
    }
    parts
}

/// Returns where a remark begins, which is `#` behind a blank or at the beginning, outside of quotes.
fn remark(line: &str) -> Option<usize> {
    let mut scan = Scan::default();
    let mut is_blank = true;
    for (place, letter) in line.char_indices() {
        if letter == '#' && is_blank && scan.quote.is_none() {
            return Some(place);
        }
        scan.step(letter);
        is_blank = letter == ' ';
    }
    None
}

/// Returns the column of the last of several columns of text, if it leaves most of the line.
fn hang(line: &str, columns: usize) -> Option<usize> {
    let gap = line.trim_start().rfind("  ")? + (line.len() - line.trim_start().len()) + 2;
    let column = width(line.get(..gap).unwrap_or_default());
    Some(column).filter(|column| column * 2 <= columns)
}

/// What a shell knows between two letters of a line.
#[derive(Clone, Copy, Default)]
struct Scan {
    quote: Option<char>,
    is_escaped: bool,
}

impl Scan {
    fn step(&mut self, letter: char) {
        match (self.quote, letter) {
            _ if self.is_escaped => self.is_escaped = false,
            (None | Some('"'), '\\') => self.is_escaped = true,
            (Some(quote), _) if quote == letter => self.quote = None,
            (None, '\'' | '"') => self.quote = Some(letter),
            _ => {}
        }
    }
}

/// Returns the lines of a command.
fn command(body: &str, columns: usize, all_columns: usize, indent: &str) -> Vec<Line> {
    let (body, goes_on) = body.strip_suffix(" \\").map_or((body, false), |body| (body, true));
    let words = words(body);
    let mut command = Command { parts: Vec::new(), line: indent.to_owned(), is_at_start: false };
    for (place, word) in words.iter().enumerate() {
        let is_last = place + 1 == words.len() && !goes_on;
        let room = columns.saturating_sub(if is_last { 0 } else { 2 });
        let is_start = command.line.trim_start().is_empty();
        if !is_start && width(&command.line) + 1 + width(word) > room {
            command.line.push_str(" \\");
            command.end(&format!("{indent}  "));
        } else if !is_start {
            command.line.push(' ');
        }
        if width(&command.line) + width(word) <= room {
            command.line += word;
            continue;
        }
        if command.line.trim_start().is_empty() && width(word) + columns <= room + all_columns {
            // Whole, at the beginning of a line.
            command.line.clone_from(word);
            command.is_at_start = true;
            continue;
        }
        // Less a quote and a backslash, or what comes behind the last piece.
        let columns = columns.saturating_sub(2).max(1);
        let pieces = cut(word, columns.saturating_sub(width(&command.line)).max(1), columns);
        for (place, piece) in pieces.iter().enumerate() {
            command.line += piece;
            if place + 1 < pieces.len() {
                command.line.push('\\');
                command.end("");
                command.is_at_start = true;
            }
        }
    }
    if goes_on {
        command.line.push_str(" \\");
    }
    command.end("");
    command.parts
}

struct Command {
    parts: Vec<Line>,
    line: String,
    is_at_start: bool,
}

impl Command {
    fn end(&mut self, next: &str) {
        let line = std::mem::replace(&mut self.line, next.to_owned());
        self.parts.push(if self.is_at_start { Line::AtStart(line) } else { Line::Line(line) });
        self.is_at_start = false;
    }
}

/// Returns the words of a command, each with its quotes.
fn words(body: &str) -> Vec<String> {
    let (mut words, mut scan) = (vec![String::new()], Scan::default());
    for letter in body.chars() {
        match (letter, words.last_mut()) {
            (' ', _) if scan.quote.is_none() && !scan.is_escaped => words.push(String::new()),
            (_, Some(word)) => word.push(letter),
            (_, None) => {}
        }
        scan.step(letter);
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Returns the parts of a word that is wider than a line. Between them a shell takes a backslash and the end of the line
/// for nothing, but not within single quotes, which end and begin again there.
fn cut(word: &str, first: usize, columns: usize) -> Vec<String> {
    let (mut pieces, mut piece) = (Vec::new(), String::new());
    // In quotes there are blanks, which are better places than others.
    let (mut scan, mut seam, mut blank) = (Scan::default(), None, None);
    for letter in word.chars() {
        let room = if pieces.is_empty() { first } else { columns };
        // A backslash stays with its letter.
        if !scan.is_escaped && !piece.is_empty() && width(&piece) + width(letter.encode_utf8(&mut [0; 4])) > room {
            let (place, there): (usize, Scan) = blank.or(seam).unwrap_or((piece.len(), scan));
            (seam, blank) = (None, None);
            let mut rest = piece.split_off(place);
            if there.quote == Some('\'') {
                piece.push('\'');
                rest.insert(0, '\'');
            }
            pieces.push(std::mem::replace(&mut piece, rest));
        }
        piece.push(letter);
        scan.step(letter);
        match letter {
            _ if scan.is_escaped => {}
            ' ' => blank = Some((piece.len(), scan)),
            _ if SEAMS.contains(&letter) => seam = Some((piece.len(), scan)),
            _ => {}
        }
    }
    pieces.push(piece);
    pieces
}

#[cfg(test)]
mod tests {
    use super::{Line, lines};
    use crate::markdown::Code;

    fn joined(lines: Vec<Line>) -> String {
        lines.into_iter().map(Line::into_text).collect::<Vec<_>>().join("\n")
    }

    fn shell(text: &str, columns: usize) -> String {
        joined(lines(Code::Shell, text, columns, "    "))
    }

    fn text(text: &str, columns: usize) -> String {
        joined(lines(Code::Text, text, columns, "  "))
    }

    #[test]
    fn a_command_goes_on_behind_a_backslash() {
        let line = "certferry verify prod-1-g1.tar.gz --key sha256:...";
        assert_eq!(shell(line, 80), format!("    {line}"));
        assert_eq!(shell(line, 40), "    certferry verify prod-1-g1.tar.gz \\\n      --key sha256:...");
        // One that goes on in the source does here.
        assert_eq!(
            shell("kubeadm join --node-name cp-2 --token \\\n  TOKEN", 32),
            "    kubeadm join --node-name \\\n      cp-2 --token \\\n      TOKEN"
        );
    }

    #[test]
    fn a_word_that_is_wider_than_a_line_goes_on_at_its_beginning() {
        assert_eq!(
            shell("kubeadm join --ignore=FileAvailable--etc-kubernetes-kubelet.conf --v 5", 32),
            "    kubeadm join \\\n      --ignore=FileAvailable--\\\netc-kubernetes-kubelet.\\\nconf --v 5"
        );
        assert_eq!(
            shell("echo \"$file $(openssl x509 -in $file)\" 'a/b c/d e/f g/h i/j k/l m/n'", 28),
            "    echo \\\n      \"$file $(openssl \\\nx509 -in $file)\" \\\n      'a/b c/d e/f g/h '\\\n'i/j k/l m/n'"
        );
    }

    #[test]
    fn a_remark_stays_beside_its_line_or_goes_above_it() {
        let line = "sleep 30       # until `crictl ps` shows none of them, # and then";
        assert_eq!(
            shell(line, 50),
            "    sleep 30       # until `crictl ps` shows none\n                   # of them, # and then"
        );
        assert_eq!(shell(line, 36), "    # until `crictl ps` shows none\n    # of them, # and then\n    sleep 30");
        assert_eq!(text("a: '# b'   # what is a wide remark", 22), "  # what is a wide\n  # remark\n  a: '# b'");
        assert_eq!(text("# what is a wide remark", 16), "  # what is a\n  # wide remark");
    }

    #[test]
    fn other_lines_go_on_deeper() {
        assert_eq!(text("a:\n  b: [one, two]\n\n", 12), "  a:\n    b: [one,\n      two]\n");
        assert_eq!(text("lock   what a run holds", 18), "  lock   what a\n         run holds");
        assert_eq!(text("3b7e02a151c0ffee", 10), "  3b7e02\n    a151c0\n    ffee");
    }
}
