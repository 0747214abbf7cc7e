//! The only spelling of JSON that records and the index may have.
//!
//! A shell script reads them with awk, and a signature covers their exact bytes. There is therefore one form, and the
//! reader accepts no other (manual/formats.md, section 4): sorted keys, the top-level object indented by two spaces,
//! each element of an array on a line of its own, objects inside on one line, LF at the end.

use std::io::{self, Write};

use std::fmt::{Formatter as TextFormatter, Result as TextResult};
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Error, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::ser::{Formatter, Serializer};

use super::limits::DEPTH;

/// Why bytes are not JSON in canonical form. Lines and columns count from 1, columns in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JsonError {
    /// Objects and arrays nest deeper than the limit.
    TooDeep {
        /// The deepest nesting that is accepted.
        limit: usize,
    },
    /// The bytes are not JSON, or have not the keys and types that they must have.
    Syntax {
        /// The line of the problem.
        line: usize,
        /// The column of the problem.
        column: usize,
        /// The words of serde.
        problem: String,
    },
    /// The content is right, but not its form: spaces, order of keys, escapes, doubled keys, line ends.
    NotCanonical {
        /// The line of the first byte that differs.
        line: usize,
        /// The column of that byte.
        column: usize,
    },
}

/// Writes a value in canonical form.
///
/// Keys come in the order of the value's fields, which must therefore be sorted.
///
/// # Errors
///
/// None for the structs of this room. Returns serde's error for a value that has no JSON form.
pub(super) fn encode<T: Serialize>(value: &T) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    write(value, &mut bytes)?;
    Ok(bytes)
}

fn write<T: Serialize>(value: &T, output: &mut impl Write) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(&mut *output, Canonical::default()))?;
    output.write_all(b"\n")
}

/// Reads a value that is in canonical form, byte for byte.
///
/// # Errors
///
/// Returns [`JsonError`] when the bytes are in another form.
pub(super) fn decode<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<T, JsonError> {
    if depth(bytes) > DEPTH {
        return Err(JsonError::TooDeep { limit: DEPTH });
    }
    let value: T = serde_json::from_slice(bytes).map_err(|error| syntax(&error))?;
    let mut canonical = Comparison { rest: bytes };
    let written = write(&value, &mut canonical);
    // When bytes are left over, the canonical form is shorter. When writing failed, it has other bytes.
    if written.is_ok() && canonical.rest.is_empty() {
        return Ok(value);
    }
    let before = bytes.strip_suffix(canonical.rest).unwrap_or_default();
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |position| position + 1);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    Err(JsonError::NotCanonical { line, column: before.len() - line_start + 1 })
}

fn syntax(error: &serde_json::Error) -> JsonError {
    let (line, column) = (error.line(), error.column());
    let problem = error.to_string();
    // serde repeats the place at the end.
    let problem = problem.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&problem).to_owned();
    JsonError::Syntax { line, column, problem }
}

/// Accepts only the bytes that it expects, so that a large index need not be in memory once more for the comparison.
struct Comparison<'a> {
    rest: &'a [u8],
}

impl Write for Comparison<'_> {
    fn write(&mut self, found: &[u8]) -> io::Result<usize> {
        let same = self.rest.iter().zip(found).take_while(|(left, right)| left == right).count();
        self.rest = self.rest.get(same..).unwrap_or_default();
        if same == found.len() { Ok(same) } else { Err(io::ErrorKind::InvalidData.into()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads an array of at most `LIMIT` elements. Refuses a longer one without keeping it, because millions of empty
/// strings fit in a few MiB of JSON and take many more of memory.
pub(super) fn at_most<'de, D, T, const LIMIT: usize>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct AtMost<T, const LIMIT: usize>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>, const LIMIT: usize> Visitor<'de> for AtMost<T, LIMIT> {
        type Value = Vec<T>;

        fn expecting(&self, formatter: &mut TextFormatter<'_>) -> TextResult {
            formatter.write_str("an array")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<T>, A::Error> {
            let mut elements = Vec::new();
            while elements.len() < LIMIT {
                match sequence.next_element()? {
                    Some(element) => elements.push(element),
                    None => return Ok(elements),
                }
            }
            match sequence.next_element::<IgnoredAny>()? {
                Some(_) => Err(A::Error::custom(format_args!("more than {LIMIT} elements"))),
                None => Ok(elements),
            }
        }
    }

    deserializer.deserialize_seq(AtMost::<T, LIMIT>(PhantomData))
}

/// Reads an array like [`at_most`], if it is there.
pub(super) fn some_at_most<'de, D, T, const LIMIT: usize>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    at_most::<D, T, LIMIT>(deserializer).map(Some)
}

/// Returns how deep brackets nest outside strings.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// The formatter of the canonical form, which keeps the position of the serializer.
#[derive(Default)]
struct Canonical {
    depth: usize,
    /// Whether the innermost object or array has an element already.
    filled: bool,
}

impl Canonical {
    fn begin<W: ?Sized + Write>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.filled = false;
        writer.write_all(bracket)
    }

    /// Begins an element. Elements of the top-level object, at depth 1, and elements of its arrays, at depth 2, have a
    /// line each. The elements of anything else share a line.
    fn element<W: ?Sized + Write>(&self, writer: &mut W, first: bool, own_line: Option<&[u8]>) -> io::Result<()> {
        match own_line {
            Some(indent) => {
                writer.write_all(if first { b"\n" } else { b",\n" })?;
                writer.write_all(indent)
            }
            None => writer.write_all(if first { b"" } else { b", " }),
        }
    }

    fn end<W: ?Sized + Write>(&mut self, writer: &mut W, own_line: Option<&[u8]>, bracket: &[u8]) -> io::Result<()> {
        self.depth -= 1;
        if let (true, Some(indent)) = (self.filled, own_line) {
            writer.write_all(b"\n")?;
            writer.write_all(indent)?;
        }
        self.filled = true;
        writer.write_all(bracket)
    }
}

impl Formatter for Canonical {
    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin(writer, b"{")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.element(writer, first, (self.depth == 1).then_some(b"  "))
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        self.filled = true;
        Ok(())
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, (self.depth == 1).then_some(b""), b"}")
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin(writer, b"[")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.element(writer, first, (self.depth == 2).then_some(b"    "))
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        self.filled = true;
        Ok(())
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, (self.depth == 2).then_some(b"  "), b"]")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at once")]

    use serde::{Deserialize, Serialize};

    use super::{JsonError, decode, depth, encode};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[serde(deserialize_with = "super::at_most::<_, _, 3>")]
        empty: Vec<u32>,
        rows: Vec<Inner>,
        text: String,
        words: Vec<String>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        a: u32,
        b: String,
    }

    const CANONICAL: &str = r#"{
  "empty": [],
  "rows": [
    {"a": 1, "b": "x"},
    {"a": 2, "b": "y"}
  ],
  "text": "\" \\ / \b \f \n \r \t \u0001 \u001f ü",
  "words": [
    "one"
  ]
}
"#;

    fn outer() -> Outer {
        Outer {
            empty: Vec::new(),
            rows: vec![Inner { a: 1, b: "x".to_owned() }, Inner { a: 2, b: "y".to_owned() }],
            text: "\" \\ / \u{8} \u{c} \n \r \t \u{1} \u{1f} ü".to_owned(),
            words: vec!["one".to_owned()],
        }
    }

    #[test]
    fn writes_and_reads_the_canonical_form() {
        assert_eq!(String::from_utf8(encode(&outer()).unwrap()).unwrap(), CANONICAL);
        assert_eq!(decode::<Outer>(CANONICAL.as_bytes()), Ok(outer()));
    }

    #[test]
    fn says_where_the_form_differs() {
        let differs = |line, column| Err(JsonError::NotCanonical { line, column });
        for (from, to, expected) in [
            ("},\n", "},", differs(4, 24)),
            ("{\n  \"empty\"", "{ \"empty\"", differs(1, 2)),
            ("[]", "[ ]", differs(2, 13)),
            ("\"a\": 1,", "\"a\":1,", differs(4, 10)),
            ("{\"a\": 1, \"b\": \"x\"}", "{\"b\": \"x\", \"a\": 1}", differs(4, 7)),
            ("one", "\\u006fne", differs(9, 6)),
            ("\\u001f", "\\u001F", differs(7, 47)),
            (" /", " \\/", differs(7, 18)),
            ("\n", "\r\n", differs(1, 2)),
        ] {
            let text =
                if from == "}\n" { CANONICAL.replacen("},\n", "},", 1) } else { CANONICAL.replacen(from, to, 1) };
            assert_ne!(text, CANONICAL, "{from}");
            assert_eq!(decode::<Outer>(text.as_bytes()), expected, "{from}");
        }
        let trimmed = CANONICAL.trim_end();
        assert_eq!(decode::<Outer>(trimmed.as_bytes()), differs(11, 2));
        assert_eq!(decode::<Outer>(format!("{CANONICAL}\n").as_bytes()), differs(12, 1));
    }

    #[test]
    fn refuses_other_content() {
        for (from, to) in [
            ("\"a\": 1", "\"a\": 1, \"a\": 1"),
            ("\"a\": 1", "\"a\": 1, \"c\": 1"),
            ("\"a\": 1, ", ""),
            ("\"a\": 1", "\"a\": 1.0"),
            ("\"a\": 1", "\"a\": 01"),
            ("\"a\": 1", "\"a\": -1"),
            ("\"a\": 1", "\"a\": 4294967296"),
            ("\"words\"", "\"text\": \"\",\n  \"words\""),
            ("{\n", "\u{feff}{\n"),
            ("}\n", "} {}\n"),
        ] {
            let text = CANONICAL.replacen(from, to, 1);
            assert!(matches!(decode::<Outer>(text.as_bytes()), Err(JsonError::Syntax { .. })), "{to}");
        }
        assert!(matches!(decode::<Outer>(b"{\"text\": \"\xff\"}"), Err(JsonError::Syntax { .. })));
    }

    #[test]
    fn limits_arrays() {
        let with = |numbers: &str| CANONICAL.replacen("[]", numbers, 1);
        let three = decode::<Outer>(with("[\n    1,\n    2,\n    3\n  ]").as_bytes()).unwrap();
        assert_eq!(three.empty, [1, 2, 3]);
        // The array is refused at its fourth element, whatever that is and whatever follows.
        for more in ["[1, 2, 3, 4]", "[1, 2, 3, \"x\", 5, 6]"] {
            let Err(JsonError::Syntax { line: 2, problem, .. }) = decode::<Outer>(with(more).as_bytes()) else {
                panic!("{more}: taken");
            };
            assert_eq!(problem, "more than 3 elements");
        }
    }

    #[test]
    fn limits_depth() {
        let nested = |depth: usize| "[".repeat(depth).into_bytes();
        assert_eq!(decode::<Outer>(&nested(9)), Err(JsonError::TooDeep { limit: 8 }));
        assert!(matches!(decode::<Outer>(&nested(8)), Err(JsonError::Syntax { .. })));
        assert_eq!(depth(br#"{"[[[[[[[[[[\"[[": [1, [], {}]}"#), 3);
    }
}
