//! What nobody may learn: a seed, all that is derived from it, what opens it. And the forms in which it could get out.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certferry::keys::{Label, Seed, derive, engines};
use certferry::x509::KeyAlgorithm;
use der::Decode;
use pkcs1::RsaPrivateKeyRef;
use sec1::EcPrivateKey;

use crate::common::tool;

/// A form in which a secret could be somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// Its text: of a key the PEM, of a seed the digits.
    Text,
    /// The numbers of a key in DER.
    Der,
    /// The numbers alone, in either order of their bytes.
    Number,
    /// Base64 of the text and of the numbers, with so many bytes before them in the first group of three.
    Base64(usize),
    /// The numbers in hexadecimal digits.
    Hex,
    /// The numbers as `Debug` prints them.
    Debug,
}

impl Form {
    pub const ALL: [Self; 8] = [
        Self::Text,
        Self::Der,
        Self::Number,
        Self::Base64(0),
        Self::Base64(1),
        Self::Base64(2),
        Self::Hex,
        Self::Debug,
    ];

    /// Whether it is text, of which no byte is changed by an argument, a variable or a terminal.
    pub fn is_text(self) -> bool {
        !matches!(self, Self::Der | Self::Number)
    }
}

impl fmt::Display for Form {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => formatter.write_str("as text"),
            Self::Der => formatter.write_str("as DER"),
            Self::Number => formatter.write_str("as a number"),
            Self::Base64(offset) => write!(formatter, "as base64 at {offset}"),
            Self::Hex => formatter.write_str("as hex"),
            Self::Debug => formatter.write_str("as Debug prints it"),
        }
    }
}

/// The letters of a piece that is looked for: a longer stretch that gets out has at least one of them in it.
const PIECE: usize = 16;

/// Something that nobody may learn.
#[derive(Clone)]
pub struct Secret {
    pub name: String,
    /// Its text, as a whole.
    whole: String,
    /// The stretches of the text of which each letter is secret.
    texts: Vec<String>,
    numbers: Vec<Vec<u8>>,
    /// The numbers with the tag and the length that DER gives them.
    ders: Vec<Vec<u8>>,
}

impl Secret {
    /// A text, such as a passphrase.
    pub fn text(name: &str, text: &str) -> Self {
        let text = text.to_owned();
        let numbers = vec![text.as_bytes().to_vec()];
        Self { name: name.to_owned(), whole: text.clone(), texts: vec![text], numbers, ders: Vec::new() }
    }

    /// Bytes that are written as hexadecimal digits, such as a seed.
    pub fn bytes(name: &str, bytes: &[u8]) -> Self {
        let whole = hex(bytes);
        let texts = vec![whole.clone()];
        Self { name: name.to_owned(), whole, texts, numbers: vec![bytes.to_vec()], ders: Vec::new() }
    }

    /// The identity of a file as `age-keygen` writes it, and for the hybrid kind what X-Wing makes of it.
    pub fn identity(name: &str, file: &str) -> Vec<Self> {
        let line = file.lines().find(|line| line.starts_with("AGE-SECRET-KEY-")).unwrap();
        let (_, bytes) = bech32::decode(line).unwrap();
        let mut identity = Self::bytes(name, &bytes);
        // Behind the prefix all is secret, but for the checksum.
        let letters = line.rsplit_once('1').unwrap().1.to_owned();
        identity.texts.extend([letters.to_lowercase(), letters]);
        identity.whole = line.to_owned();
        let mut all = vec![identity];
        if line.starts_with("AGE-SECRET-KEY-PQ-") {
            let script = "printf %s \"$1\" | sed 's/../\\\\x&/g' | xargs -0 printf %b | openssl dgst -shake256 -xoflen 96 -binary";
            let expanded = tool("bash").args(["-c", script, "bash", &hex(&bytes)]).output().unwrap().stdout;
            assert_eq!(expanded.len(), 96);
            let of = |what: &str, part: &[u8]| Self::bytes(&format!("{name}, {what}"), part);
            all.extend([
                of("d of ML-KEM", &expanded[..32]),
                of("z of ML-KEM", &expanded[32..64]),
                of("the scalar of X25519", &expanded[64..]),
            ]);
        }
        all
    }

    /// A private key as PEM.
    pub fn key(name: &str, pem: &str) -> Self {
        let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let der = STANDARD.decode(body).unwrap();
        let numbers: Vec<Vec<u8>> = match RsaPrivateKeyRef::from_der(&der) {
            Ok(key) => [key.private_exponent, key.prime1, key.prime2, key.exponent1, key.exponent2, key.coefficient]
                .map(|number| number.as_bytes().to_vec())
                .to_vec(),
            Err(_) => vec![EcPrivateKey::from_der(&der).unwrap().private_key.to_vec()],
        };
        let places: Vec<_> =
            numbers.iter().map(|number| place(&der, number)..place(&der, number) + number.len()).collect();
        // Four letters are three bytes. Where all of them are secret they are joined with those before.
        let is_secret = |start: usize| places.iter().any(|place| place.start <= start && start + 3 <= place.end);
        let mut texts: Vec<String> = Vec::new();
        for line in pem.lines().filter(|line| !line.starts_with("-----")).enumerate() {
            let (number, line) = line;
            let groups: Vec<&str> = (0..line.len() / 4).map(|at| &line[4 * at..4 * at + 4]).collect();
            let mut open = false;
            for (at, group) in groups.into_iter().enumerate() {
                match is_secret(number * 48 + at * 3) {
                    true if open => texts.last_mut().unwrap().push_str(group),
                    true => texts.push(group.to_owned()),
                    false => {}
                }
                open = is_secret(number * 48 + at * 3);
            }
        }
        texts.retain(|text| text.len() >= PIECE);
        assert!(!texts.is_empty());
        let ders = places.iter().map(|place| der[place.start - 2..place.end].to_vec()).collect();
        Self { name: name.to_owned(), whole: pem.to_owned(), texts, numbers, ders }
    }

    /// Whether it can be in this form.
    pub fn has(&self, form: Form) -> bool {
        form != Form::Der || !self.ders.is_empty()
    }

    /// What is looked for: pieces in this form.
    pub fn pieces(&self, form: Form) -> Vec<Vec<u8>> {
        match form {
            Form::Text => self.texts.iter().flat_map(|text| pieces(text.as_bytes(), PIECE)).collect(),
            Form::Der => self.ders.iter().map(|der| der[..PIECE].to_vec()).collect(),
            Form::Number => {
                let reversed = self.numbers.iter().map(|number| number.iter().rev().copied().collect());
                self.numbers
                    .iter()
                    .cloned()
                    .chain(reversed)
                    .flat_map(|number: Vec<u8>| pieces(&number, PIECE))
                    .collect()
            }
            Form::Base64(offset) => {
                let texts = self.texts.iter().flat_map(|text| pieces(text.as_bytes(), PIECE));
                let all = self.numbers.iter().cloned().chain(texts);
                all.flat_map(|bytes| pieces(&certain(&bytes, offset), PIECE)).collect()
            }
            Form::Hex => self.numbers.iter().flat_map(|number| pieces(hex(number).as_bytes(), PIECE)).collect(),
            Form::Debug => {
                let printed = |bytes: &[u8]| format!("{bytes:?}").trim_matches(['[', ']']).to_owned();
                let parts = self.numbers.iter().flat_map(|number| number.chunks_exact(8).map(printed));
                parts.map(String::into_bytes).collect()
            }
        }
    }

    /// What a leak in this form is like.
    pub fn leak(&self, form: Form) -> Vec<u8> {
        match form {
            Form::Text => self.whole.clone().into_bytes(),
            Form::Der => self.ders.concat(),
            Form::Number => self.numbers.concat(),
            Form::Base64(offset) => {
                let encoded = |bytes: &[u8]| STANDARD.encode([&b"xx"[..offset], bytes].concat());
                let numbers = self.numbers.iter().map(|number| encoded(number));
                numbers.chain([encoded(self.whole.as_bytes())]).collect::<Vec<_>>().join("\n").into_bytes()
            }
            Form::Hex => hex(&self.numbers.concat()).into_bytes(),
            Form::Debug => format!("{:?}", self.numbers.concat()).into_bytes(),
        }
    }
}

/// The seed and every key that the lock of its cluster names, with what lies between them.
pub fn of_cluster(seed: &str, lock: &str) -> Vec<Secret> {
    let bytes: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&seed[2 * at..2 * at + 2], 16).unwrap()).collect();
    let mut secrets = vec![Secret::bytes("seed", &bytes)];
    secrets.push(words(bytes.as_slice().try_into().unwrap()));
    let seed = Seed::parse(format!("certferry-seed-1:{seed}\n").as_bytes()).unwrap();
    let lock: toml::Table = lock.parse().unwrap();
    let cluster = lock["cluster"].as_str().unwrap();
    secrets.push(Secret::bytes("serial key", &*seed.serial_key(cluster)));
    let labels: Vec<Label> = labels(&lock, cluster);
    assert!(labels.iter().any(|label| label.key_id().to_string() == "bundle-signer"));
    let ring = derive(&*engines()[0].test, &seed, &labels, None, &|_| {}).unwrap();
    for label in &labels {
        let id = label.key_id();
        secrets.push(Secret::bytes(&format!("key seed of {id}"), &*seed.key_seed(label)));
        secrets.push(Secret::key(&format!("key {id}"), &ring.get(id).unwrap().to_pem()));
    }
    secrets
}

/// The words of a seed, side by side and in the columns of a page.
fn words(seed: &[u8; 32]) -> Secret {
    let words = certferry::words::write(seed);
    let mut secret = Secret::text("words of the seed", &words.join(" "));
    let cells: Vec<String> = (1..).zip(words).map(|(number, word)| format!("{number:>2}. {word:<12}")).collect();
    secret.texts.extend(cells.chunks(4).map(|row| row.concat().trim_end().to_owned()));
    secret
}

fn labels(lock: &toml::Table, cluster: &str) -> Vec<Label> {
    let rows = lock["key"].as_array().unwrap().iter().filter_map(toml::Value::as_table);
    rows.map(|row| {
        let text = |name: &str| row[name].as_str().unwrap();
        let algorithm = KeyAlgorithm::from_name(text("algorithm")).unwrap();
        let generation = u32::try_from(row["generation"].as_integer().unwrap()).unwrap();
        Label::new(cluster, &text("id").parse().unwrap(), algorithm, generation)
    })
    .collect()
}

/// Pieces that stand side by side, and one that ends at the end.
fn pieces(bytes: &[u8], length: usize) -> Vec<Vec<u8>> {
    let last = bytes.len().checked_sub(length).map(|start| &bytes[start..]);
    bytes.chunks_exact(length).chain(last).map(<[u8]>::to_vec).collect()
}

/// The letters of base64 that do not depend on what stands before or behind.
fn certain(bytes: &[u8], offset: usize) -> Vec<u8> {
    let encoded = STANDARD.encode([&b"xx"[..offset], bytes].concat()).into_bytes();
    encoded[(8 * offset).div_ceil(6)..8 * (offset + bytes.len()) / 6].to_vec()
}

fn place(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).position(|window| window == part).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
