//! Markdown to blocks.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag};

use super::{Block, Code, Span, SpanKind, Text};

/// Returns the blocks of a text. What a manual has no need of (pictures, quotes, HTML) is shown as a text where it has
/// one.
pub(crate) fn parse(source: &str) -> Vec<Block> {
    blocks(&mut Parser::new_ext(source, Options::ENABLE_TABLES))
}

/// Returns the blocks up to the end of what holds them.
fn blocks(events: &mut Parser<'_>) -> Vec<Block> {
    let mut blocks = Vec::new();
    // Elements of a list without blank lines have no paragraphs around their texts.
    let mut open = Text::new();
    while let Some(event) = events.next() {
        let block = match event {
            Event::Start(Tag::Paragraph) => Block::Paragraph(text(events)),
            Event::Start(Tag::Heading { level, .. }) => Block::Heading(depth(level), text(events)),
            Event::Start(Tag::List(first)) => Block::List(first, items(events)),
            Event::Start(Tag::CodeBlock(kind)) => Block::Code(code(&kind), flat(&text(events))),
            Event::Start(Tag::Table(_)) => table(events),
            Event::End(_) => break,
            event => {
                inline(event, events, SpanKind::Plain, &mut open);
                continue;
            }
        };
        close(&mut open, &mut blocks);
        blocks.push(block);
    }
    close(&mut open, &mut blocks);
    blocks
}

fn close(open: &mut Text, blocks: &mut Vec<Block>) {
    if !open.is_empty() {
        blocks.push(Block::Paragraph(std::mem::take(open)));
    }
}

const fn depth(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        _ => 3,
    }
}

fn code(kind: &CodeBlockKind<'_>) -> Code {
    match kind {
        CodeBlockKind::Indented => Code::Shell,
        CodeBlockKind::Fenced(_) => Code::Text,
    }
}

fn items(events: &mut Parser<'_>) -> Vec<Vec<Block>> {
    let mut items = Vec::new();
    while let Some(Event::Start(Tag::Item)) = events.next() {
        items.push(blocks(events));
    }
    items
}

fn table(events: &mut Parser<'_>) -> Block {
    let (mut head, mut rows) = (Vec::new(), Vec::new());
    while let Some(Event::Start(tag)) = events.next() {
        let mut cells = Vec::new();
        while let Some(Event::Start(_)) = events.next() {
            cells.push(text(events));
        }
        match tag {
            Tag::TableHead => head = cells,
            _ => rows.push(cells),
        }
    }
    Block::Table(head, rows)
}

/// Returns the text up to the end of what holds it.
fn text(events: &mut Parser<'_>) -> Text {
    let mut text = Text::new();
    spans(events, SpanKind::Plain, &mut text);
    text
}

fn spans(events: &mut Parser<'_>, kind: SpanKind, text: &mut Text) {
    while let Some(event) = events.next() {
        if matches!(event, Event::End(_)) {
            break;
        }
        inline(event, events, kind, text);
    }
}

fn inline(event: Event<'_>, events: &mut Parser<'_>, kind: SpanKind, text: &mut Text) {
    let (piece, kind) = match event {
        Event::Text(piece) | Event::Html(piece) | Event::InlineHtml(piece) => (piece.into_string(), kind),
        Event::Code(piece) => (piece.into_string(), SpanKind::Code),
        Event::SoftBreak | Event::HardBreak => (" ".to_owned(), kind),
        Event::Start(Tag::Strong | Tag::Emphasis) => return spans(events, SpanKind::Strong, text),
        Event::Start(_) => return spans(events, kind, text),
        _ => return,
    };
    match text.last_mut() {
        Some(last) if last.kind == kind && kind != SpanKind::Code => last.text += &piece,
        _ => text.push(Span { text: piece, kind }),
    }
}

fn flat(text: &[Span]) -> String {
    text.iter().map(|span| span.text.as_str()).collect()
}

#[cfg(test)]
#[allow(clippy::panic, reason = "tests")]
mod tests {
    use super::super::plain;
    use super::{Block, Code, Span, SpanKind, parse};

    fn span(text: &str, kind: SpanKind) -> Span {
        Span { text: text.to_owned(), kind }
    }

    fn paragraph(text: &str) -> Block {
        Block::Paragraph(vec![span(text, SpanKind::Plain)])
    }

    #[test]
    fn every_block_is_read() {
        let source = "\
# A title

A **strong** word, `code with | and <b>`
and [a link](https://x), <b>x</b>.

1. one
   goes on

       sh -c x

2. two
   - below

```toml
a = 1
```

| a | b |
|---|---|
| `x` | |
";
        let blocks = parse(source);
        let [title, text, list, code, table] = &blocks[..] else { panic!("{blocks:#?}") };
        assert_eq!(*title, Block::Heading(1, vec![span("A title", SpanKind::Plain)]));
        let Block::Paragraph(spans) = text else { panic!("{text:?}") };
        assert_eq!(plain(spans), "A strong word, `code with | and <b>` and a link, <b>x</b>.");
        assert_eq!(
            spans[1..4],
            [
                span("strong", SpanKind::Strong),
                span(" word, ", SpanKind::Plain),
                span("code with | and <b>", SpanKind::Code)
            ]
        );
        let shell = Block::Code(Code::Shell, "sh -c x\n".to_owned());
        let below = Block::List(None, vec![vec![paragraph("below")]]);
        let items = vec![vec![paragraph("one goes on"), shell], vec![paragraph("two"), below]];
        assert_eq!(*list, Block::List(Some(1), items));
        assert_eq!(*code, Block::Code(Code::Text, "a = 1\n".to_owned()));
        let head = ["a", "b"].map(|name| vec![span(name, SpanKind::Plain)]);
        assert_eq!(*table, Block::Table(head.to_vec(), vec![vec![vec![span("x", SpanKind::Code)], vec![]]]));
    }
}
