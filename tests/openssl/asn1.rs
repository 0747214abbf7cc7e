//! `openssl asn1parse` as a tree: certificates as OpenSSL reads them, byte for byte.

use std::fs;
use std::ops::Range;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::common::{succeed, tool};

/// A value with its place in the file.
#[derive(Debug)]
pub(crate) struct Value {
    pub(crate) tag: String,
    /// OpenSSL's name of an object identifier or form of a time.
    pub(crate) text: String,
    /// Where its bytes are, tag and length first.
    whole: Range<usize>,
    header: usize,
    pub(crate) children: Vec<Self>,
}

/// Many certificates, read by one process.
pub(crate) struct Certificates {
    der: Vec<u8>,
    pub(crate) values: Vec<Value>,
}

impl Certificates {
    /// Reads PEM files of one certificate each, in this order.
    pub(crate) fn read<'a>(folder: &Path, files: impl Iterator<Item = &'a str>) -> Self {
        let pems: Vec<_> = files.map(|file| fs::read_to_string(folder.join(file)).unwrap()).collect();
        fs::write(folder.join("all.pem"), pems.concat()).unwrap();
        let openssl = || {
            let mut command = tool("openssl");
            command.current_dir(folder);
            command
        };
        succeed(openssl().args(["crl2pkcs7", "-nocrl", "-certfile", "all.pem", "-outform", "DER", "-out", "all.p7"]));
        let listing = succeed(openssl().args(["asn1parse", "-inform", "DER", "-in", "all.p7"]));
        let der = fs::read(folder.join("all.p7")).unwrap();
        let mut lines = listing.lines().map(line).peekable();
        // PKCS #7 (RFC 2315): ContentInfo, [0], SignedData, [0] certificates.
        let mut tree = children(0, &mut lines);
        let mut signed_data = tree.remove(0).children.remove(1).children.remove(0);
        let values = signed_data.children.remove(3).children;
        let certificates = Self { der, values };
        assert_eq!(certificates.values.len(), pems.len());
        for (value, pem) in certificates.values.iter().zip(&pems) {
            let lines: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
            assert_eq!(certificates.bytes(value), BASE64_STANDARD.decode(lines).unwrap(), "same order");
        }
        certificates
    }

    /// A value's bytes with tag and length.
    pub(crate) fn bytes(&self, value: &Value) -> &[u8] {
        &self.der[value.whole.clone()]
    }

    /// A value's bytes without tag and length.
    pub(crate) fn content(&self, value: &Value) -> &[u8] {
        &self.der[value.whole.start + value.header..value.whole.end]
    }
}

fn children(depth: usize, lines: &mut std::iter::Peekable<impl Iterator<Item = (usize, Value)>>) -> Vec<Value> {
    let mut found = Vec::new();
    while let Some((_, mut value)) = lines.next_if(|(of, _)| *of == depth) {
        value.children = children(depth + 1, lines);
        found.push(value);
    }
    found
}

/// `   58:d=6  hl=2 l=  16 prim: INTEGER           :73618D08`
fn line(line: &str) -> (usize, Value) {
    let (place, rest) = line.split_once(": ").unwrap();
    let number = |text: &str| text.trim().parse::<usize>().unwrap();
    let (start, rest_of_place) = place.split_once(":d=").unwrap();
    let (depth, rest_of_place) = rest_of_place.split_once("hl=").unwrap();
    let (header, rest_of_place) = rest_of_place.split_once(" l=").unwrap();
    let length = rest_of_place.trim_end_matches(|other: char| !other.is_ascii_digit());
    let (start, header, length) = (number(start), number(header), number(length));
    let (tag, text) = rest.split_once(':').unwrap_or((rest, ""));
    let tag = tag.trim_end_matches("[HEX DUMP]").trim().to_owned();
    let whole = start..start + header + length;
    (number(depth), Value { tag, text: text.to_owned(), whole, header, children: Vec::new() })
}
