//! Reads objects of the cluster in YAML and JSON, as `kubectl get -o yaml` prints them.

use thiserror::Error;
use zeroize::Zeroizing;

use crate::yaml::{Yaml, YamlLimits, decode_base64};

/// A file of objects.
pub struct Objects {
    /// The name of the file, as the user gave it.
    title: String,
    documents: Vec<Yaml>,
}

/// Why a file of objects cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ObjectsError {
    /// The file is UTF-16, as PowerShell's `>` writes it.
    #[error("it is UTF-16, which PowerShell's > writes")]
    Utf16,
    /// The file is not UTF-8.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// The file is not YAML, for this reason and at this line.
    #[error("it is not YAML: {0}")]
    Yaml(String),
    /// The file is not JSON, for this reason and at this line.
    #[error("it is not JSON: {0}")]
    Json(String),
    /// A document is not an object of Kubernetes, because it has no kind.
    #[error("what begins at line {line} is no object of Kubernetes: it has no kind")]
    NoKind {
        /// The line on which the document begins, from 1.
        line: usize,
    },
}

impl Objects {
    /// Reads the documents of a YAML file, or the one of a JSON file.
    ///
    /// # Errors
    /// Fails with an [`ObjectsError`] for the first problem.
    pub fn read(title: impl Into<String>, content: &[u8]) -> Result<Self, ObjectsError> {
        if is_utf16(content) {
            return Err(ObjectsError::Utf16);
        }
        let text = std::str::from_utf8(content).map_err(|_| ObjectsError::NotUtf8)?;
        // PowerShell 5 writes a byte order mark before UTF-8.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // A reader of YAML reads most of JSON, but not all of its escapes.
        let documents = if text.trim_start().starts_with('{') {
            let value: serde_json::Value =
                serde_json::from_str(text).map_err(|error| ObjectsError::Json(error.to_string()))?;
            vec![(1, Yaml::from(value))]
        } else {
            Yaml::documents(text, YamlLimits::OBJECTS).map_err(ObjectsError::Yaml)?
        };
        for (line, document) in &documents {
            if document.get("kind").and_then(Yaml::text).is_none() {
                return Err(ObjectsError::NoKind { line: *line });
            }
        }
        Ok(Self { title: title.into(), documents: documents.into_iter().map(|(_, document)| document).collect() })
    }
}

/// Returns whether a file is UTF-16: by its byte order mark, or by the zero that is half of every letter of ASCII.
/// Source: YAML 1.2.2, section 5.2.
fn is_utf16(content: &[u8]) -> bool {
    matches!(content, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, 1..=255, ..] | [1..=255, 0, ..])
}

/// An object of the cluster.
#[derive(Clone, Copy)]
pub(super) struct Object<'a> {
    /// The name of the file that holds the object.
    pub(super) file: &'a str,
    pub(super) kind: &'a str,
    /// The namespace, or an empty text for an object without one.
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    pub(super) yaml: &'a Yaml,
}

/// Returns every object of the files in order, including those in lists.
pub(super) fn list(files: &[Objects]) -> Vec<Object<'_>> {
    let mut objects = Vec::new();
    for file in files {
        let mut open: Vec<&Yaml> = file.documents.iter().rev().collect();
        while let Some(yaml) = open.pop() {
            let text = |path: &[&str]| yaml.at(path).and_then(Yaml::text).unwrap_or_default();
            let kind = text(&["kind"]);
            match yaml.get("items") {
                Some(items) if kind.ends_with("List") => open.extend(items.items().iter().rev()),
                _ => objects.push(Object {
                    file: &file.title,
                    kind,
                    namespace: text(&["metadata", "namespace"]),
                    name: text(&["metadata", "name"]),
                    yaml,
                }),
            }
        }
    }
    objects
}

impl<'a> Object<'a> {
    /// Returns kind, namespace and name: `Secret metallb-system/webhook-server-cert`.
    pub(super) fn title(&self) -> String {
        match self.namespace {
            "" => format!("{} {}", self.kind, self.name),
            namespace => format!("{} {namespace}/{}", self.kind, self.name),
        }
    }

    /// Returns the group of the API, which is empty for Kubernetes' core.
    pub(super) fn group(&self) -> &'a str {
        let version = self.text(&["apiVersion"]).unwrap_or_default();
        version.split_once('/').map_or("", |(group, _)| group)
    }

    /// Returns the text at a path of keys.
    pub(super) fn text(&self, path: &[&str]) -> Option<&'a str> {
        self.yaml.at(path).and_then(Yaml::text)
    }

    /// Returns a value of a Secret, decoded, or `None` when it is absent or not base64.
    pub(super) fn data(&self, key: &str) -> Option<Zeroizing<Vec<u8>>> {
        if let Some(plain) = self.text(&["stringData", key]) {
            return Some(Zeroizing::new(plain.as_bytes().to_vec()));
        }
        decode_base64(self.text(&["data", key])?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{Objects, ObjectsError, list};

    #[test]
    fn objects_come_out_of_documents_and_lists() {
        let yaml = "kind: Secret\nmetadata: {name: a, namespace: n}\n---\nkind: List\nitems:\n\
                    - {kind: ConfigMap, metadata: {name: b}}\n- kind: List\n  items: [{kind: Pod, metadata: {name: c}}]\n";
        let json = r#"{"kind": "SecretList", "items": [{"kind": "Secret", "metadata": {"name": "d\ud83d\ude00"}}]}"#;
        let files = [Objects::read("y", yaml.as_bytes()).unwrap(), Objects::read("j", json.as_bytes()).unwrap()];
        let titles: Vec<_> = list(&files).iter().map(|object| format!("{} {}", object.file, object.title())).collect();
        assert_eq!(titles, ["y Secret n/a", "y ConfigMap b", "y Pod c", "j Secret d\u{1f600}"]);
    }

    #[test]
    fn what_is_no_object_says_so() {
        let error = |text: &str| Objects::read("x", text.as_bytes()).err().unwrap();
        assert_eq!(error("a: 1\n---\nkind: Pod\n"), ObjectsError::NoKind { line: 1 });
        assert_eq!(error("kind: Pod\n---\n- b\n"), ObjectsError::NoKind { line: 3 });
        assert!(matches!(error("a: [\n"), ObjectsError::Yaml(_)));
        assert!(matches!(error("{\"kind\": }"), ObjectsError::Json(_)));
        assert_eq!(Objects::read("x", b"\xff").err(), Some(ObjectsError::NotUtf8));
        assert!(Objects::read("x", b"").is_ok());
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let big: Vec<u8> = "kind: Pod".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for content in [utf16("\u{feff}kind: Pod"), utf16("kind: Pod"), utf16("{}"), big] {
            assert_eq!(Objects::read("x", &content).err(), Some(ObjectsError::Utf16));
        }
        assert!(Objects::read("x", "\u{feff}kind: Pod\n---\nkind: Pod\n".as_bytes()).is_ok());
        assert!(Objects::read("x", "\u{feff}{\"kind\": \"Pod\"}".as_bytes()).is_ok());
    }
}
