//! Faults of names: hosts, subjectAltName, name constraints, distinguished names, extended key usages.

use super::{Fault, Usage};
use crate::go::asn1::{common_name, name, oid, seq, tlv};
use crate::go::dice::Dice;
use crate::go::recipe::{ALT_NAME, EXTENDED_KEY_USAGE, NAME_CONSTRAINTS};

pub const SERVER_AUTH: &str = "1.3.6.1.5.5.7.3.1";
pub const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";
const ANY: &str = "2.5.29.37.0";
const UNKNOWN: &str = "1.3.6.1.4.1.99999.1";
const CODE_SIGNING: &str = "1.3.6.1.5.5.7.3.3";
const MICROSOFT_SGC: &str = "1.3.6.1.4.1.311.10.3.3";
const NETSCAPE_SGC: &str = "2.16.840.1.113730.4.1";

/// Hosts for which [`usual`] names are.
pub const OWN_HOSTS: &[&str] = &["a.example.com", "b.svc.example.com", "localhost", "10.0.0.1", "fd00::1"];

const HOSTS: &[&str] = &[
    "a.example.com",
    "A.Example.COM",
    "b.svc.example.com",
    "b.b.svc.example.com",
    "svc.example.com",
    "a.example.com.",
    "a.example.com..",
    ".example.com",
    "10.0.0.1",
    "10.0.0.2",
    "[10.0.0.1]",
    "10.0.0.01",
    "10.0.0",
    "fd00::1",
    "[fd00::1]",
    "FD00:0:0::1",
    "fd00::2",
    "[]",
    "[fd00::1",
    "::ffff:10.0.0.1",
    "fe80::1%eth0",
    "localhost",
    "leaf",
    "LEAF.",
    "other.org",
    "_x.example.com",
    "a_b.example.com",
    "*.example.com",
    "*.svc.example.com",
    "*",
    "-a.example.com",
    "a b.example.com",
    "a.example.com:443",
    "ex\u{e4}mple.com",
    "xn--exmple-cua.com",
    ".",
    "com",
];

/// Contents of general names, by tag.
const NAMES: &[(u8, &[u8])] = &[
    (0x82, b"a.example.com"),
    (0x82, b"A.EXAMPLE.com"),
    (0x82, b"*.example.com"),
    (0x82, b"*.svc.example.com"),
    (0x82, b"b.*.example.com"),
    (0x82, b"*"),
    (0x82, b"*.com"),
    (0x82, b"a*.example.com"),
    (0x82, b"a.example.com."),
    (0x82, b".example.com"),
    (0x82, b"a..example.com"),
    (0x82, b""),
    (0x82, b"."),
    (0x82, "ex\u{e4}mple.com".as_bytes()),
    (0x82, b"xn--exmple-cua.com"),
    (0x82, b"_x.example.com"),
    (0x82, b"-a.example.com"),
    (0x82, b"a b.example.com"),
    (0x82, b"localhost"),
    (0x82, b"leaf"),
    (0x82, b"10.0.0.1"),
    (0x82, b"0123456789012345678901234567890123456789012345678901234567890123456789.example.com"),
    (0x82, b"other.org"),
    (0x82, b"a\x00b"),
    (0x87, &[10, 0, 0, 1]),
    (0x87, &[10, 0, 0, 2]),
    (0x87, &[192, 168, 0, 1]),
    (0x87, &[0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
    (0x87, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1]),
    (0x87, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1]),
    (0x87, &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1]),
    (0x87, &[0; 16]),
    (0x87, &[10, 0, 0]),
    (0x87, &[]),
    (0x81, b"a@example.com"),
    (0x81, b"A@EXAMPLE.com"),
    (0x81, b"a@b.example.com"),
    (0x81, b"example.com"),
    (0x81, b"a@b@example.com"),
    (0x81, b"\"q q\"@example.com"),
    (0x81, b"a b@example.com"),
    (0x81, b"@example.com"),
    (0x81, b"a@"),
    (0x81, b".a@example.com"),
    (0x81, b"a..a@example.com"),
    (0x81, "\u{e4}@example.com".as_bytes()),
    (0x86, b"https://a.example.com/path"),
    (0x86, b"https://A.EXAMPLE.com:8443/"),
    (0x86, b"https://user@a.example.com/"),
    (0x86, b"https://10.0.0.1/"),
    (0x86, b"https://[fd00::1]:443/"),
    (0x86, b"spiffe://example.com/node"),
    (0x86, b"urn:node"),
    (0x86, b"https:///path"),
    (0x86, b"path"),
    (0x86, b""),
    (0x86, "https://\u{e4}.com/".as_bytes()),
    (0xa0, &[6, 3, 0x2a, 3, 4, 0xa0, 2, 5, 0]),
    (0xa4, &[0x30, 0]),
    (0x88, &[0x2a, 3, 4]),
];

/// Contents of name constraints, by tag.
const SUBTREES: &[(u8, &[u8])] = &[
    (0x82, b"example.com"),
    (0x82, b".example.com"),
    (0x82, b"EXAMPLE.COM"),
    (0x82, b"a.example.com"),
    (0x82, b"svc.example.com"),
    (0x82, b".svc.example.com"),
    (0x82, b"b.svc.example.com"),
    (0x82, b"com"),
    (0x82, b"org"),
    (0x82, b"localhost"),
    (0x82, b""),
    (0x82, b"."),
    (0x82, b"example.com."),
    (0x82, b"..example.com"),
    (0x82, b"*.example.com"),
    (0x82, b"*.svc.example.com"),
    (0x82, "\u{e4}.com".as_bytes()),
    (0x87, &[10, 0, 0, 0, 255, 0, 0, 0]),
    (0x87, &[10, 0, 0, 1, 255, 255, 255, 255]),
    (0x87, &[10, 0, 0, 99, 255, 255, 255, 0]),
    (0x87, &[192, 168, 0, 0, 255, 255, 0, 0]),
    (0x87, &[0; 8]),
    (0x87, &[0; 32]),
    (0x87, &[0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    (0x87, &[10, 0, 0, 0, 255, 0, 255, 0]),
    (0x87, &[10, 0, 0, 0]),
    (0x81, b"example.com"),
    (0x81, b".example.com"),
    (0x81, b"a@example.com"),
    (0x81, b"a@EXAMPLE.com"),
    (0x81, b"a b@example.com"),
    (0x86, b"example.com"),
    (0x86, b".example.com"),
    (0x86, b"10.0.0.1"),
    (0x86, b"bad."),
    (0xa4, &[0x30, 0]),
    (0x88, &[0x2a, 3, 4]),
];

pub const FAULTS: &[Fault] = &[
    ("another host", 6, |world, dice| {
        world.usage = Usage::Server;
        world.host = Some((*dice.pick(HOSTS)).to_owned());
    }),
    ("other names of the leaf", 8, |world, dice| {
        let value = alt_names(dice);
        world.recipes[0].set(ALT_NAME, dice.chance(20), value);
    }),
    ("other names of the leaf and another host", 6, |world, dice| {
        let value = alt_names(dice);
        world.recipes[0].set(ALT_NAME, false, value);
        world.usage = Usage::Server;
        world.host = Some((*dice.pick(HOSTS)).to_owned());
    }),
    ("no names of the leaf", 3, |world, dice| {
        world.recipes[0].drop_extension(ALT_NAME);
        let common =
            *dice.pick(&["leaf", "*.example.com", "a.example.com", "a b", "10.0.0.1", "", "*", "a.example.com."]);
        world.recipes[0].subject = common_name(common);
        if dice.chance(70) {
            world.host = Some((*dice.pick(HOSTS)).to_owned());
        }
    }),
    ("names that cannot be read", 1, |world, dice| {
        let value = dice.one_of(vec![vec![], vec![5, 0], vec![0x30, 0], vec![0x30, 2, 0x82, 5], vec![0x30, 0, 0]]);
        world.recipes[0].set(ALT_NAME, dice.chance(50), value);
    }),
    ("a CA has names", 2, |world, dice| {
        let (number, value) = (world.any_authority(dice), alt_names(dice));
        world.recipes[number].set(ALT_NAME, false, value);
    }),
    ("name constraints", 14, |world, dice| {
        let (number, value) = (world.any_authority(dice), constraints(dice));
        world.recipes[number].set(NAME_CONSTRAINTS, dice.chance(70), value);
    }),
    ("name constraints and other names", 10, |world, dice| {
        let (number, value, names) = (world.any_authority(dice), constraints(dice), alt_names(dice));
        world.recipes[number].set(NAME_CONSTRAINTS, true, value);
        world.recipes[0].set(ALT_NAME, false, names);
        world.host = None;
    }),
    ("name constraints that cannot be read", 1, |world, dice| {
        let number = world.any_authority(dice);
        let broken = [&[][..], &[0x30, 0], &[0x30, 2, 0xa0, 0], &[0x30, 4, 0xa0, 2, 0x30, 0], &[5, 0]];
        world.recipes[number].set(NAME_CONSTRAINTS, true, dice.pick(&broken).to_vec());
    }),
    ("another distinguished name", 5, |world, dice| {
        let number = world.any(dice);
        world.recipes[number].subject = distinguished(dice);
    }),
    ("other extended key usages", 10, |world, dice| {
        let number = world.any(dice);
        let all = [SERVER_AUTH, CLIENT_AUTH, ANY, UNKNOWN, CODE_SIGNING, MICROSOFT_SGC, NETSCAPE_SGC];
        let count = dice.below(4);
        let some: Vec<_> = (0..count).map(|_| *dice.pick(&all)).collect();
        world.recipes[number].set(EXTENDED_KEY_USAGE, dice.chance(30), usages(&some));
    }),
    ("no extended key usages", 1, |world, _| world.recipes[0].drop_extension(EXTENDED_KEY_USAGE)),
    ("extended key usages that cannot be read", 1, |world, dice| {
        let number = world.any(dice);
        let broken = [&[][..], &[5, 0], &[0x30, 2, 5, 0], &[0x30, 3, 6, 1, 0x80]];
        world.recipes[number].set(EXTENDED_KEY_USAGE, false, dice.pick(&broken).to_vec());
    }),
    ("another usage", 4, |world, dice| world.usage = *dice.pick(&[Usage::Any, Usage::Client, Usage::Server])),
];

/// ExtendedKeyUsage.
pub fn usages(of: &[&str]) -> Vec<u8> {
    seq(&of.iter().map(|usage| oid(usage)).collect::<Vec<_>>())
}

/// The names that a leaf has by default.
pub fn usual() -> Vec<u8> {
    let names: [&[u8]; 3] = [b"a.example.com", b"*.svc.example.com", b"localhost"];
    let mut names: Vec<_> = names.map(|name| tlv(0x82, name)).to_vec();
    names.push(tlv(0x87, &[10, 0, 0, 1]));
    names.push(tlv(0x87, &[0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]));
    seq(&names)
}

fn alt_names(dice: &mut Dice) -> Vec<u8> {
    let count = 1 + dice.below(4);
    seq(&(0..count).map(|_| dice.pick(NAMES)).map(|(tag, content)| tlv(*tag, content)).collect::<Vec<_>>())
}

fn constraints(dice: &mut Dice) -> Vec<u8> {
    let subtrees = |tag: u8, dice: &mut Dice| {
        let count = 1 + dice.below(3);
        let subtree = |(tag, content): &(u8, &[u8])| seq(&[tlv(*tag, content)]);
        tlv(tag, &(0..count).map(|_| subtree(dice.pick(SUBTREES))).collect::<Vec<_>>().concat())
    };
    match dice.below(5) {
        0 => seq(&[subtrees(0xa0, dice), subtrees(0xa1, dice)]),
        1 | 2 => seq(&[subtrees(0xa1, dice)]),
        _ => seq(&[subtrees(0xa0, dice)]),
    }
}

const COMMON: &str = "2.5.4.3";
const ORGANIZATION: &str = "2.5.4.10";

fn distinguished(dice: &mut Dice) -> Vec<u8> {
    match dice.below(16) {
        0 => seq(&[]),
        1 => name(&[(ORGANIZATION, 0x0c, b"system:masters")]),
        2 => name(&[(ORGANIZATION, 0x0c, b"first"), (ORGANIZATION, 0x0c, b"second")]),
        3 => name(&[(COMMON, 0x0c, b"first"), (COMMON, 0x0c, b"second \"quoted\"\\")]),
        4 => name(&[(COMMON, 0x13, b"printable (all) '+,-./:=?*&")]),
        5 => name(&[(COMMON, 0x13, b"not@printable")]),
        6 => name(&[(COMMON, 0x0c, "\u{df}\u{1f600}\u{7f}\u{200b}".as_bytes())]),
        7 => name(&[(COMMON, 0x0c, &[0xff, 0xfe])]),
        8 => name(&[(COMMON, 0x14, &[0x61, 0xe9])]),
        9 => name(&[(COMMON, 0x1e, &[0, 0x61, 0x20, 0xac, 0, 0])]),
        10 => name(&[(COMMON, 0x1e, &[0, 0x61, 0x20])]),
        11 => name(&[(COMMON, 0x16, b"ia5@text")]),
        12 => name(&[(COMMON, 0x16, &[0xe9])]),
        13 => name(&[(COMMON, 0x12, b"0 1"), (ORGANIZATION, 0x12, b"x")]),
        14 => name(&[("2.5.4.45", 0x03, &[0, 1])]),
        _ => seq(&[tlv(0x31, &[0x30, 0])]),
    }
}
