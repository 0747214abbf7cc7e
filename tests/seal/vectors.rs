//! The vectors of C2SP's CCTV for age: each has the result that it is said to have.

use std::collections::BTreeMap;
use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certferry::seal::{Envelope, Form, Identity, OpenError, OpenWith, Passphrase};
use flate2::read::ZlibDecoder;
use sha2::{Digest, Sha256};

use super::{identity, node, npm, passphrase, pipe};

/// The vectors of which a part less is handed on than by the reference, with the bytes that are: a part behind which
/// more comes is not tried as the last one, and one behind which nothing comes not as another.
const HANDED_ON: [(&str, usize); 8] = [
    ("armor_garbage_encoded", 0),
    ("stream_no_final_full", 0),
    ("stream_no_final_two_chunks_full", 65_536),
    ("stream_trailing_garbage_long", 0),
    ("stream_trailing_garbage_short", 0),
    ("stream_two_final_chunks", 0),
    ("stream_two_final_chunks_full", 0),
    ("stream_two_final_chunks_second", 65_536),
];

struct Vector {
    name: String,
    fields: Vec<(String, String)>,
    file: Vec<u8>,
}

impl Vector {
    fn new(line: &str) -> Self {
        let (name, bytes) = line.split_once('\t').unwrap();
        let bytes = STANDARD.decode(bytes).unwrap();
        let end = bytes.windows(2).position(|window| window == b"\n\n").unwrap();
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let field = |line: &str| line.split_once(": ").map(|(key, value)| (key.to_owned(), value.to_owned())).unwrap();
        let mut vector =
            Self { name: name.to_owned(), fields: head.lines().map(field).collect(), file: bytes[end + 2..].to_vec() };
        match vector.field("compressed") {
            None => {}
            Some("zlib") => {
                let packed = std::mem::take(&mut vector.file);
                ZlibDecoder::new(packed.as_slice()).read_to_end(&mut vector.file).unwrap();
            }
            Some(other) => panic!("{name}: compressed with {other}"),
        }
        vector
    }

    fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    fn field<'a>(&'a self, key: &'a str) -> Option<&'a str> {
        self.all(key).next()
    }

    /// What comes of it: the class of the result, and what was handed on before.
    fn result(&self) -> (&'static str, Vec<u8>) {
        let mut content = Vec::new();
        let identities: Vec<Identity> = self.all("identity").flat_map(identity).collect();
        let passphrases: Vec<Passphrase> = self.all("passphrase").map(passphrase).collect();
        let with = match passphrases.first() {
            Some(passphrase) => OpenWith::Passphrase(passphrase),
            None => OpenWith::Identities(&identities),
        };
        let form = if self.field("armored") == Some("yes") { Form::Armored } else { Form::Binary };
        let read = Envelope::read_as(self.file.as_slice(), form).and_then(|envelope| envelope.open(with));
        let read = read.and_then(|mut opened| {
            opened.read_to_end(&mut content)?;
            Ok(())
        });
        let class = match read {
            Ok(()) => "success",
            Err(OpenError::Armor(_)) => "armor failure",
            Err(OpenError::NotSealed | OpenError::Header(_) | OpenError::WorkFactor(_)) => "header failure",
            Err(
                OpenError::OtherPassphrase
                | OpenError::OtherRecipients
                | OpenError::NeedsIdentity
                | OpenError::NeedsPassphrase,
            ) => "no match",
            Err(OpenError::Mac) => "HMAC failure",
            Err(OpenError::Payload(_)) => "payload failure",
            Err(other) => panic!("{}: {other:?}", self.name),
        };
        (class, content)
    }
}

#[test]
fn every_vector_has_its_result() {
    let Some(packages) = npm() else { return };
    let text = String::from_utf8(pipe(&mut node("vectors.mjs", &packages), b"")).unwrap();
    let vectors: Vec<Vector> = text.lines().map(Vector::new).collect();
    assert_eq!(vectors.len(), 143);
    assert_eq!(vectors.iter().filter(|vector| vector.name.starts_with("hybrid")).count(), 18);
    let mut classes = BTreeMap::<_, u32>::new();
    let mut wrong = Vec::new();
    for vector in &vectors {
        let (class, content) = vector.result();
        let expected = vector.field("expect").unwrap();
        let hash: String = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
        let less = HANDED_ON.iter().find(|(name, _)| *name == vector.name);
        let is_content = match less {
            Some((_, length)) => content.len() == *length && class == "payload failure",
            None => vector.field("payload").is_none_or(|payload| payload == hash),
        };
        if class != expected || !is_content {
            wrong.push(format!("{}: {class}, {} bytes; {:?}", vector.name, content.len(), vector.fields));
        }
        *classes.entry(class).or_default() += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(classes.len(), 6, "{classes:?}");
}
