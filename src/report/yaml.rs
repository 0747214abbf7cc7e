//! YAML as data: what kubeconfigs need, with limits.

use saphyr_parser::{Event, Parser, ScalarStyle};
use zeroize::Zeroizing;

/// Deeper, longer and wider than any kubeconfig is. The parser itself does not recurse.
const DEPTH: usize = 32;
const NODES: usize = 100_000;
const KEYS: usize = 1_000;

/// A node of a document. Its texts are wiped when dropped: kubeconfigs hold keys.
pub(super) enum Yaml {
    /// Empty, `~` or `null`, without quotes.
    Null,
    Scalar(Zeroizing<String>),
    Sequence(Vec<Self>),
    /// In the order of the file, no key twice.
    Mapping(Vec<(String, Self)>),
}

impl Yaml {
    /// Reads the first document.
    ///
    /// # Errors
    /// What is wrong and where. Anchors are refused: nothing that writes kubeconfigs uses them, and they let a short
    /// file stand for a huge one.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut open: Vec<Open> = Vec::new();
        let mut nodes = 0;
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| error.to_string())?;
            let refuse = |reason: &str| Err(format!("{reason} at line {}", span.start.line()));
            nodes += 1;
            if nodes > NODES {
                return refuse("more nodes than a kubeconfig has");
            }
            let node = match event {
                Event::Scalar(text, style, 0, _) => match open.last_mut() {
                    Some(Open { key: key @ None, content: Self::Mapping(pairs) }) => {
                        if pairs.iter().any(|(known, _)| *known == text) {
                            return refuse("a key stands twice");
                        }
                        *key = Some(text.into_owned());
                        continue;
                    }
                    _ if style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL") => {
                        Self::Null
                    }
                    _ => Self::Scalar(Zeroizing::new(text.into_owned())),
                },
                Event::SequenceStart(0, _) | Event::MappingStart(0, _) => {
                    if open.len() == DEPTH {
                        return refuse("nested too deep");
                    }
                    if open.last().is_some_and(Open::awaits_key) {
                        return refuse("a key is not a text");
                    }
                    let content = match event {
                        Event::SequenceStart(..) => Self::Sequence(Vec::new()),
                        _ => Self::Mapping(Vec::new()),
                    };
                    open.push(Open { content, key: None });
                    continue;
                }
                Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                    Some(Open { content, .. }) => content,
                    None => return refuse("an end without a beginning"),
                },
                Event::Alias(_) | Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..) => {
                    return refuse("an anchor or alias");
                }
                Event::DocumentEnd | Event::StreamEnd => break,
                Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => continue,
            };
            match open.last_mut() {
                None => return Ok(node),
                Some(Open { content: Self::Mapping(pairs), .. }) if pairs.len() == KEYS => {
                    return refuse("more keys than a kubeconfig has");
                }
                Some(Open { content: Self::Mapping(pairs), key }) => pairs.extend(key.take().map(|key| (key, node))),
                Some(Open { content: Self::Sequence(items), .. }) => items.push(node),
                Some(_) => {}
            }
        }
        Ok(Self::Null)
    }

    /// The value of a key; `None` also when this is no mapping or the value is null.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Mapping(pairs) = self else { return None };
        let (_, value) = pairs.iter().find(|(known, _)| known == key)?;
        (!matches!(value, Self::Null)).then_some(value)
    }

    /// The text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a sequence; none when this is something else.
    pub(super) fn items(&self) -> &[Self] {
        match self {
            Self::Sequence(items) => items,
            _ => &[],
        }
    }
}

/// A sequence or mapping whose end has not come yet.
struct Open {
    content: Yaml,
    /// In a mapping: the key that waits for its value.
    key: Option<String>,
}

impl Open {
    const fn awaits_key(&self) -> bool {
        matches!(self.content, Yaml::Mapping(_)) && self.key.is_none()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use super::Yaml;

    fn read(text: &str) -> Yaml {
        Yaml::read(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
    }

    #[test]
    fn values_are_found_in_block_flow_and_json() {
        for text in [
            "kind: Config\nusers:\n- name: alice\n  user:\n    token: abc\n",
            "# a comment\n---\nkind: \"Config\"\nusers: [{name: 'alice', user: {token: abc}}]\n---\nanother: document\n",
            "{\n\t\"kind\": \"Config\",\n\t\"users\": [{\"name\": \"alice\", \"user\": {\"token\": \"abc\"}}]\n}",
        ] {
            let yaml = read(text);
            assert_eq!(yaml.get("kind").and_then(Yaml::text), Some("Config"), "{text}");
            let [alice] = yaml.get("users").unwrap().items() else { panic!("{text}") };
            assert_eq!(alice.get("user").unwrap().get("token").and_then(Yaml::text), Some("abc"), "{text}");
        }
    }

    #[test]
    fn null_is_absent_unless_quoted() {
        let yaml = read("a:\nb: null\nc: ~\nd: 'null'\ne: ''\n");
        for absent in ["a", "b", "c", "f"] {
            assert!(yaml.get(absent).is_none(), "{absent}");
        }
        assert_eq!(yaml.get("d").and_then(Yaml::text), Some("null"));
        assert_eq!(yaml.get("e").and_then(Yaml::text), Some(""));
        assert!(matches!(read(""), Yaml::Null));
        assert!(matches!(read("# nothing\n"), Yaml::Null));
    }

    #[test]
    fn what_is_too_much_is_refused() {
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let many = |count| (0..count).map(|number| format!("k{number}: v\n")).collect::<String>();
        assert!(Yaml::read(&nested(32)).is_ok());
        assert!(Yaml::read(&many(1_000)).is_ok());
        for (text, reason) in [
            (nested(33), "nested too deep at line 1"),
            (many(1_001), "more keys than a kubeconfig has at line 1001"),
            ("- a\n".repeat(100_001), "more nodes than a kubeconfig has"),
            ("- ".repeat(100_000), "nested too deep at line 1"),
            ("a: &x [1]\nb: *x\n".to_owned(), "an anchor or alias at line 1"),
            ("a: 1\na: 2\n".to_owned(), "a key stands twice at line 2"),
            ("? [a]\n: b\n".to_owned(), "a key is not a text at line 1"),
            ("a: 'open\n".to_owned(), "quoted scalar"),
            ("a: b: c\n".to_owned(), "mapping"),
        ] {
            let error = Yaml::read(&text).err().unwrap_or_else(|| panic!("accepted: {text:.40}"));
            assert!(error.contains(reason), "{error:?} for {text:.40}");
        }
    }
}
