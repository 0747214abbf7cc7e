//! Reads YAML as data, as far as kubeconfigs and Kubernetes' objects need it.
//!
//! Why: any program may have written the files of a node and the objects of a cluster. One reader with limits reads
//! them all.
//!
//! Input: a text.
//!
//! Output: a [`Yaml`], whose texts are wiped when dropped.
//!
//! Refuses what is deeper, longer or wider than such files are, keys that occur twice in a mapping, and anchors.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};
use zeroize::Zeroizing;

/// The limits of what is read from a file. The parser itself does not recurse.
#[derive(Clone, Copy)]
pub struct YamlLimits {
    /// The most sequences and mappings inside each other.
    depth: usize,
    /// The most events of the parser: texts, beginnings and ends.
    nodes: usize,
    /// The most keys of one mapping.
    keys: usize,
}

impl YamlLimits {
    /// The limits for kubeconfigs, all of which are smaller.
    pub const KUBECONFIG: Self = Self { depth: 32, nodes: 100_000, keys: 1_000 };
    /// The limits for the output of `kubectl get -o yaml` in a large cluster, where the schema of a CRD is deep.
    pub const OBJECTS: Self = Self { depth: 100, nodes: 2_000_000, keys: 4_000 };
}

/// A node of a document. Its texts are wiped when dropped, because kubeconfigs hold keys.
pub enum Yaml {
    /// An empty value, `~` or `null`, without quotes.
    Null,
    /// A text, a number or a truth value, as it is written.
    Scalar(Zeroizing<String>),
    /// The items in order.
    Sequence(Vec<Self>),
    /// The pairs in the order of the file. No key occurs twice.
    Mapping(Vec<(String, Self)>),
}

impl Yaml {
    /// Reads the first document of a text, within the limits for kubeconfigs. A text without a document is
    /// [`Yaml::Null`].
    ///
    /// # Errors
    /// Fails with what is wrong, and where. Anchors are refused: no program that writes kubeconfigs uses them, and they
    /// let a short file stand for a huge one.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut reading = Reading::new(text, YamlLimits::KUBECONFIG);
        Ok(reading.document()?.unwrap_or(Self::Null))
    }

    /// Reads every document that is not empty, within `limits`, each with the line on which it begins, from 1.
    ///
    /// # Errors
    /// Fails with what is wrong, and where. Anchors are refused, as in kubeconfigs.
    pub fn documents(text: &str, limits: YamlLimits) -> Result<Vec<(usize, Self)>, String> {
        let mut reading = Reading::new(text, limits);
        let mut documents = Vec::new();
        while let Some(document) = reading.document()? {
            if !matches!(document, Self::Null) {
                documents.push((reading.begins_at, document));
            }
        }
        Ok(documents)
    }

    /// Returns the value of a key, or `None` when the value is null or this is not a mapping.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Self::Mapping(pairs) = self else { return None };
        let (_, value) = pairs.iter().find(|(known, _)| known == key)?;
        (!matches!(value, Self::Null)).then_some(value)
    }

    /// Returns the value at the end of a path of keys.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |value, key| value.get(key))
    }

    /// Returns the pairs of a mapping in the order of the file, or nothing when this is not a mapping.
    #[must_use]
    pub fn pairs(&self) -> &[(String, Self)] {
        match self {
            Self::Mapping(pairs) => pairs,
            _ => &[],
        }
    }

    /// Returns the text of a scalar.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the items of a sequence, or nothing when this is not a sequence.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match self {
            Self::Sequence(items) => items,
            _ => &[],
        }
    }
}

impl From<serde_json::Value> for Yaml {
    fn from(value: serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(value) => Self::Scalar(Zeroizing::new(value.to_string())),
            serde_json::Value::Number(value) => Self::Scalar(Zeroizing::new(value.to_string())),
            serde_json::Value::String(value) => Self::Scalar(Zeroizing::new(value)),
            serde_json::Value::Array(items) => Self::Sequence(items.into_iter().map(Self::from).collect()),
            serde_json::Value::Object(pairs) => {
                Self::Mapping(pairs.into_iter().map(|(key, value)| (key, Self::from(value))).collect())
            }
        }
    }
}

/// Returns every text of YAML or JSON in order, including the keys, up to the first error. It serves searches in files
/// that may be damaged.
pub(crate) fn texts(text: &str) -> Vec<String> {
    let events = Parser::new_from_str(text).map_while(Result::ok);
    let texts = events.filter_map(|(event, _)| match event {
        Event::Scalar(text, ..) => Some(text.into_owned()),
        _ => None,
    });
    texts.collect()
}

/// Returns a text as a scalar of YAML: without quotes, as programs in Go write it, where it can be nothing but a text in
/// any version of YAML, else [`quoted`].
pub(crate) fn scalar(text: &str) -> String {
    const WORDS: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:@/-".contains(&byte);
    let begins_with_letter = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    let is_word = WORDS.iter().any(|word| text.eq_ignore_ascii_case(word));
    if begins_with_letter && text.bytes().all(is_plain) && !text.ends_with(':') && !is_word {
        return text.to_owned();
    }
    quoted(text)
}

/// Returns a text as a scalar of YAML. It is quoted as in JSON, which YAML 1.2 reads alike, so that `no` remains a
/// text.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Returns a file's text: UTF-8, or what a byte order mark says. Returns `None` when it is neither.
///
/// Windows writes UTF-16, and the reader of YAML in kubectl takes it (YAML 1.2, section 5.2).
pub(crate) fn decode_text(content: &[u8]) -> Option<Zeroizing<String>> {
    let units = |octets: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, []) = octets.as_chunks::<2>() else { return None };
        let units: Zeroizing<Vec<u16>> = Zeroizing::new(pairs.iter().map(|pair| unit(*pair)).collect());
        String::from_utf16(&units).ok()
    };
    let text = match content {
        [0xff, 0xfe, rest @ ..] => units(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => units(rest, u16::from_be_bytes),
        _ => std::str::from_utf8(content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content)).ok().map(str::to_owned),
    };
    text.map(Zeroizing::new)
}

/// Decodes base64 as Kubernetes does, ignoring white space. Returns `None` when the text is not base64.
pub(crate) fn decode_base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let packed = Zeroizing::new(text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect::<Vec<u8>>());
    STANDARD.decode(&packed).ok().map(Zeroizing::new)
}

/// The state of reading a text document by document.
struct Reading<'a> {
    events: Parser<'a, StrInput<'a>>,
    limits: YamlLimits,
    nodes: usize,
    /// The line on which the last document's first node begins.
    begins_at: usize,
}

impl<'a> Reading<'a> {
    fn new(text: &'a str, limits: YamlLimits) -> Self {
        Self { events: Parser::new_from_str(text), limits, nodes: 0, begins_at: 0 }
    }

    /// Reads the next document, if there is one.
    fn document(&mut self) -> Result<Option<Yaml>, String> {
        let mut open: Vec<Open> = Vec::new();
        let mut root = None;
        for event in self.events.by_ref() {
            let (event, span) = event.map_err(|error| error.to_string())?;
            let line = span.start.line();
            let refuse = |reason: &str| Err(format!("{reason} at line {line}"));
            self.nodes += 1;
            if self.nodes > self.limits.nodes {
                return refuse("more nodes than such a file has");
            }
            if open.is_empty() && root.is_none() {
                self.begins_at = line;
            }
            let node = match event {
                Event::Scalar(text, style, 0, _) => match open.last_mut() {
                    Some(Open { key: key @ None, content: Yaml::Mapping(pairs) }) => {
                        if pairs.iter().any(|(known, _)| *known == text) {
                            return refuse("a key stands twice");
                        }
                        *key = Some(text.into_owned());
                        continue;
                    }
                    _ if style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL") => {
                        Yaml::Null
                    }
                    _ => Yaml::Scalar(Zeroizing::new(text.into_owned())),
                },
                Event::SequenceStart(0, _) | Event::MappingStart(0, _) => {
                    if open.len() == self.limits.depth {
                        return refuse("nested too deep");
                    }
                    if open.last().is_some_and(Open::awaits_key) {
                        return refuse("a key is not a text");
                    }
                    let content = match event {
                        Event::SequenceStart(..) => Yaml::Sequence(Vec::new()),
                        _ => Yaml::Mapping(Vec::new()),
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
                Event::DocumentEnd => return Ok(Some(root.unwrap_or(Yaml::Null))),
                Event::StreamEnd => break,
                Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => continue,
            };
            match open.last_mut() {
                None => root = Some(node),
                Some(Open { content: Yaml::Mapping(pairs), .. }) if pairs.len() == self.limits.keys => {
                    return refuse("more keys than such a file has");
                }
                Some(Open { content: Yaml::Mapping(pairs), key }) => pairs.extend(key.take().map(|key| (key, node))),
                Some(Open { content: Yaml::Sequence(items), .. }) => items.push(node),
                Some(_) => {}
            }
        }
        Ok(root)
    }
}

/// A sequence or mapping whose end has not come yet.
struct Open {
    content: Yaml,
    /// In a mapping, the key that waits for its value.
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
    use super::{Yaml, YamlLimits};

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
    fn every_document_is_read_with_its_line() {
        let text = "# first\na: 1\n---\n---\n# none\n---\n\n- b\n...\n---\nc\n";
        let documents = Yaml::documents(text, YamlLimits::OBJECTS).unwrap();
        let lines: Vec<_> = documents.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 8, 11]);
        assert_eq!(documents[0].1.get("a").and_then(Yaml::text), Some("1"));
        assert_eq!(documents[1].1.items().len(), 1);
        assert_eq!(documents[2].1.text(), Some("c"));
        assert!(Yaml::documents("a: 1\n---\nb: [\n", YamlLimits::OBJECTS).is_err());
        assert!(Yaml::documents("", YamlLimits::OBJECTS).unwrap().is_empty());
    }

    #[test]
    fn json_is_the_same_data() {
        let value: serde_json::Value = serde_json::from_str(r#"{"a": {"b": [true, 1, "x", null]}}"#).unwrap();
        let yaml = Yaml::from(value);
        let texts: Vec<_> = yaml.at(&["a", "b"]).unwrap().items().iter().map(Yaml::text).collect();
        assert_eq!(texts, [Some("true"), Some("1"), Some("x"), None]);
        assert!(yaml.at(&["a", "c"]).is_none() && yaml.at(&["a", "b", "c"]).is_none());
    }

    #[test]
    fn what_is_too_much_is_refused() {
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let many = |count| (0..count).map(|number| format!("k{number}: v\n")).collect::<String>();
        assert!(Yaml::read(&nested(32)).is_ok());
        assert!(Yaml::read(&many(1_000)).is_ok());
        for (text, reason) in [
            (nested(33), "nested too deep at line 1"),
            (many(1_001), "more keys than such a file has at line 1001"),
            ("- a\n".repeat(100_001), "more nodes than such a file has"),
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
