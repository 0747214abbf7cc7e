//! What an envelope comes open with: its file key, and what lies between that and an identity.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hkdf::Hkdf;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::XWing;
use hpke::{Deserializable, Kem, OpModeR};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use sha2::Sha256;
use x25519_dalek::{PublicKey, StaticSecret};

use super::secrets::Secret;

/// The keys of an envelope with one stanza, by the text of the identity that opens it (age, sections "The X25519
/// recipient type", "The MLKEM768-X25519 hybrid post-quantum recipient type" and "Payload").
pub fn of_envelope(name: &str, envelope: &[u8], identity: &str) -> Vec<Secret> {
    let end = envelope.windows(5).position(|window| window == b"\n--- ").unwrap();
    let head = std::str::from_utf8(&envelope[..end]).unwrap();
    let lines: Vec<&str> = head.lines().collect();
    let [_, stanza, body] = lines[..] else { panic!("{head}") };
    let mut words = stanza.split(' ').skip(1);
    let (kind, share) = (words.next().unwrap(), STANDARD_NO_PAD.decode(words.next().unwrap()).unwrap());
    let body = STANDARD_NO_PAD.decode(body).unwrap();
    let (_, secret) = bech32::decode(identity).unwrap();
    let secret: [u8; 32] = secret.try_into().unwrap();
    let (mut secrets, file_key) = match kind {
        "X25519" => x25519(name, &secret, &share, &body),
        "mlkem768x25519" => hybrid(name, &secret, &share, &body),
        _ => panic!("{kind}"),
    };
    assert_eq!(file_key.len(), 16);
    secrets.push(Secret::bytes(&format!("file key of {name}"), &file_key));
    secrets.push(Secret::bytes(&format!("key of the head of {name}"), &derive(&file_key, b"", b"header")));
    let nonce = &envelope[end + 1..].split_inclusive(|byte| *byte == b'\n').next().unwrap().len();
    let nonce = &envelope[end + 1 + nonce..][..16];
    let content = derive(&file_key, nonce, b"payload");
    // It opens what is there, and so it is the key.
    let mut first = envelope[end + 1..][..].split_inclusive(|byte| *byte == b'\n').skip(1).collect::<Vec<_>>().concat();
    first.drain(..16);
    let is_last = first.len() <= (64 << 10) + 16;
    first.truncate((64 << 10) + 16);
    let mut number = [0; 12];
    number[11] = u8::from(is_last);
    assert_eq!(open(&content, number, &mut first)[..2], [0x1f, 0x8b]);
    secrets.push(Secret::bytes(&format!("key of the content of {name}"), &content));
    secrets
}

fn x25519(name: &str, secret: &[u8; 32], share: &[u8], body: &[u8]) -> (Vec<Secret>, Vec<u8>) {
    let secret = StaticSecret::from(*secret);
    let mine = PublicKey::from(&secret).to_bytes();
    let share: [u8; 32] = share.try_into().unwrap();
    let shared = secret.diffie_hellman(&PublicKey::from(share)).to_bytes();
    let wrap = derive(&shared, &[share, mine].concat(), b"age-encryption.org/v1/X25519");
    let file_key = open(&wrap, [0; 12], &mut body.to_vec()).to_vec();
    let of = |what: &str, bytes: &[u8]| Secret::bytes(&format!("{what} of {name}"), bytes);
    (vec![of("shared secret", &shared), of("wrap key", &wrap)], file_key)
}

fn hybrid(name: &str, secret: &[u8; 32], share: &[u8], body: &[u8]) -> (Vec<Secret>, Vec<u8>) {
    let secret = <XWing as Kem>::PrivateKey::from_bytes(secret).unwrap();
    let share = <XWing as Kem>::EncappedKey::from_bytes(share).unwrap();
    let shared = XWing::decap(&secret, None, &share).unwrap();
    let info = b"age-encryption.org/mlkem768x25519";
    let mode = OpModeR::Base;
    let opened = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, XWing>(&mode, &secret, &share, info, body, b"");
    (vec![Secret::bytes(&format!("shared secret of {name}"), &shared.0)], opened.unwrap())
}

fn derive(key: &[u8], salt: &[u8], info: &[u8]) -> [u8; 32] {
    let mut output = [0; 32];
    Hkdf::<Sha256>::new(Some(salt), key).expand(info, &mut output).unwrap();
    output
}

fn open<'a>(key: &[u8; 32], nonce: [u8; 12], sealed: &'a mut [u8]) -> &'a [u8] {
    let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).unwrap());
    key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::empty(), sealed).unwrap()
}
