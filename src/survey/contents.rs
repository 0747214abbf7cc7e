//! What is public in a PEM file.

use std::fmt::Write;

use der::pem::{LineEnding, encode_string};
use sha2::{Digest, Sha256};

use super::form::{is_certificate, is_whole};
use super::reason;
use crate::go::{Block, PublicKey, blocks, private_key};

/// The most beginnings of blocks in a file. To look for an end after each of very many takes very long.
const BLOCKS: usize = 512;

/// The public contents of a file, each kind in the order of the file, and why the rest is not here.
#[derive(Default)]
pub(super) struct Contents {
    /// The certificates as PEM.
    pub(super) certificates: Vec<String>,
    /// The SHA-256 of each private key's public half, in hex.
    pub(super) private_keys: Vec<String>,
    /// The public keys as PEM.
    pub(super) public_keys: Vec<String>,
    /// What could not be read, each reason once.
    pub(super) unread: Vec<&'static str>,
}

impl Contents {
    /// Reads a file, or what a kubeconfig holds.
    pub(super) fn read(content: &[u8]) -> Self {
        let mut contents = Self::default();
        if content.split(|byte| *byte == b'\n').filter(|line| begins_block(line)).nth(BLOCKS).is_some() {
            contents.unread.push(reason::MANY_BLOCKS);
            return contents;
        }
        for block in blocks(content) {
            contents.add(&block);
        }
        let is_empty = contents.certificates.is_empty()
            && contents.private_keys.is_empty()
            && contents.public_keys.is_empty()
            && contents.unread.is_empty();
        if is_empty {
            contents.unread.push(reason::NO_PEM);
        }
        contents
    }

    fn add(&mut self, block: &Block) {
        match block.kind.as_str() {
            "CERTIFICATE" => match encode_string("CERTIFICATE", LineEnding::LF, &block.content) {
                Ok(pem) if is_certificate(&block.content) => self.certificates.push(pem),
                _ => self.cannot(reason::CERTIFICATE),
            },
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" if block.headers.is_empty() => {
                let public = private_key(&block.content).ok().and_then(|key| key.to_spki_der());
                match public {
                    Some(spki) => self.private_keys.push(sha256(&spki)),
                    None => self.cannot(reason::PRIVATE_KEY),
                }
            }
            // Headers say how a key is sealed (RFC 1421).
            kind if kind.ends_with("PRIVATE KEY") && (kind.starts_with("ENCRYPTED") || !block.headers.is_empty()) => {
                self.cannot(reason::PASSPHRASE);
            }
            kind if kind.ends_with("PRIVATE KEY") => self.cannot(reason::PRIVATE_KEY),
            "PUBLIC KEY" => self.add_public(PublicKey::parse(&block.content).filter(|_| is_whole(&block.content))),
            "RSA PUBLIC KEY" => {
                self.add_public(PublicKey::rsa(&block.content).ok().filter(|_| is_whole(&block.content)));
            }
            _ => {}
        }
    }

    fn add_public(&mut self, key: Option<PublicKey>) {
        let spki = key.and_then(|key| key.to_spki_der());
        match spki.and_then(|spki| encode_string("PUBLIC KEY", LineEnding::LF, &spki).ok()) {
            Some(pem) => self.public_keys.push(pem),
            None => self.cannot(reason::PUBLIC_KEY),
        }
    }

    fn cannot(&mut self, reason: &'static str) {
        if !self.unread.contains(&reason) {
            self.unread.push(reason);
        }
    }
}

fn begins_block(line: &[u8]) -> bool {
    const BEGIN: &[u8] = b"-----BEGIN ";
    line.windows(BEGIN.len()).any(|window| window == BEGIN)
}

fn sha256(octets: &[u8]) -> String {
    Sha256::digest(octets).iter().fold(String::with_capacity(64), |mut text, octet| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}
