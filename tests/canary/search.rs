//! Looks for secrets in bytes, also in what is compressed there.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read;

use flate2::bufread::GzDecoder;

use super::secrets::{Form, Secret};

/// What was found: which secrets, in which form.
pub type Found = BTreeSet<(String, Form)>;

/// What was found where.
pub type Places = BTreeMap<String, Found>;

struct Needle {
    bytes: Vec<u8>,
    secret: usize,
    form: Form,
}

/// Everything that is looked for.
pub struct Needles {
    pub secrets: Vec<Secret>,
    /// Whether something begins with these three bytes: most of all that is searched is done with after this.
    beginnings: Vec<bool>,
    by_beginning: HashMap<[u8; 8], Vec<Needle>>,
}

impl Needles {
    pub fn new(secrets: Vec<Secret>) -> Self {
        let mut needles = Self { secrets: Vec::new(), beginnings: vec![false; 1 << 24], by_beginning: HashMap::new() };
        for (number, secret) in secrets.iter().enumerate() {
            for form in Form::ALL {
                for bytes in secret.pieces(form) {
                    let beginning = *bytes.first_chunk().unwrap();
                    needles.beginnings[key(beginning)] = true;
                    let needle = Needle { bytes, secret: number, form };
                    needles.by_beginning.entry(beginning).or_default().push(needle);
                }
            }
        }
        needles.secrets = secrets;
        needles
    }

    /// What of it is in some bytes as they are.
    pub fn search(&self, bytes: &[u8]) -> Found {
        let mut found = Found::new();
        let mut key = 0;
        for (end, byte) in bytes.iter().enumerate() {
            key = (key << 8 | usize::from(*byte)) & 0xff_ffff;
            if !self.beginnings[key] || end < 2 {
                continue;
            }
            let rest = &bytes[end - 2..];
            let Some(beginning) = rest.first_chunk::<8>() else { continue };
            let needles = self.by_beginning.get(beginning).into_iter().flatten();
            let here = needles.filter(|needle| rest.starts_with(&needle.bytes));
            found.extend(here.map(|needle| (self.secrets[needle.secret].name.clone(), needle.form)));
        }
        found
    }

    /// Adds what is in some bytes, and in what is compressed in them, to what was found.
    pub fn look(&self, place: &str, bytes: &[u8], places: &mut Places) {
        let mut add = |place: String, found: Found| {
            if !found.is_empty() {
                places.entry(place).or_default().extend(found);
            }
        };
        add(place.to_owned(), self.search(bytes));
        add(compressed(place), self.search(&inflated(bytes)));
    }
}

/// The name of what is compressed in a place.
pub fn compressed(place: &str) -> String {
    format!("{place}, compressed")
}

fn key(beginning: [u8; 8]) -> usize {
    beginning[..3].iter().fold(0, |key, byte| key << 8 | usize::from(*byte))
}

/// All that is in members of gzip, wherever in the bytes they begin.
pub fn inflated(bytes: &[u8]) -> Vec<u8> {
    const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];
    let (mut all, mut at) = (Vec::new(), 0);
    while let Some(next) = bytes[at..].windows(3).position(|window| window == MAGIC) {
        at += next;
        let mut rest = &bytes[at..];
        // One that is cut off has something in it, too.
        let is_whole = GzDecoder::new(&mut rest).read_to_end(&mut all).is_ok();
        at = if is_whole { bytes.len() - rest.len() } else { at + 1 };
    }
    all
}
