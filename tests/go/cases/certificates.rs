//! Faults of certificates: dates, keys, signatures, extensions, numbers.

use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::Fault;
use crate::go::asn1::{bits, generalized_time, null, oid, seq, tlv, uint, utc_time};
use crate::go::dice::Dice;
use crate::go::keys::{ED25519, Hash, KEYS, P224, P256, RSA_512, RSA_2048, Scheme, pss};
use crate::go::recipe::{AUTHORITY_KEY_IDENTIFIER, BASIC_CONSTRAINTS, Extension, KEY_USAGE, SUBJECT_KEY_IDENTIFIER};

const SECOND: Duration = Duration::SECOND;

pub const FAULTS: &[Fault] = &[
    ("other dates", 8, |world, dice| {
        let (number, at) = (world.any(dice), world.at);
        let (long_ago, late) = (at - Duration::days(1000), at + Duration::days(1000));
        let (from, to) = *dice.pick(&[
            (long_ago, at),
            (long_ago, at - SECOND),
            (at, late),
            (at + SECOND, late),
            (late, long_ago),
            (long_ago, datetime!(2049-12-31 23:59:59 UTC)),
            (long_ago, datetime!(9999-12-31 23:59:59 UTC)),
            (datetime!(1950-01-01 0:00 UTC), late),
            (datetime!(1900-01-01 0:00 UTC), late),
        ]);
        world.recipes[number].lasts(from, to);
    }),
    ("dates of another form", 3, |world, dice| {
        let number = world.any(dice);
        let end: OffsetDateTime = world.at + Duration::days(30);
        let value = match dice.below(12) {
            0 => generalized_time(end),
            1 => utc_time(end)[..].to_vec(),
            2 => tlv(0x17, b"2607150000Z"),
            3 => tlv(0x17, b"260715000000+0100"),
            4 => tlv(0x17, b"260715000000+0000"),
            5 => tlv(0x17, b"260715000000"),
            6 => tlv(0x17, b"260231000000Z"),
            7 => tlv(0x18, b"20260715000000.5Z"),
            8 => tlv(0x18, b"202607150000Z"),
            9 => tlv(0x18, b"20260715000000+0100"),
            10 => tlv(0x0c, b"260715000000Z"),
            _ => tlv(0x17, b"260715000060Z"),
        };
        world.recipes[number].not_after = value;
    }),
    ("another time", 2, |world, dice| {
        let times =
            [datetime!(2019-12-31 23:59:59 UTC), datetime!(2025-12-31 23:59:59 UTC), datetime!(2027-01-01 0:00 UTC)];
        world.at = *dice.pick(&times) + if dice.chance(50) { SECOND } else { Duration::ZERO };
    }),
    ("another key usage", 5, |world, dice| {
        let number = world.any(dice);
        let value = dice.one_of(vec![
            vec![3, 2, 7, 0x80],
            vec![3, 2, 2, 0x04],
            vec![3, 2, 5, 0xa0],
            vec![3, 1, 0],
            vec![3, 2, 0, 0x00],
            vec![3, 3, 7, 0x06, 0x80],
            vec![3, 2, 8, 0x80],
            vec![3, 2, 2, 0x07],
            vec![4, 1, 0x80],
            vec![],
        ]);
        world.recipes[number].set(KEY_USAGE, dice.chance(50), value);
    }),
    ("no key usage", 2, |world, dice| {
        let number = world.any(dice);
        world.recipes[number].drop_extension(KEY_USAGE);
    }),
    ("other basic constraints", 6, |world, dice| {
        let number = world.any(dice);
        let value = dice.one_of(vec![
            seq(&[]),
            seq(&[vec![1, 1, 0xff]]),
            seq(&[vec![1, 1, 0]]),
            seq(&[vec![1, 1, 1]]),
            seq(&[vec![1, 1, 0xff], vec![2, 1, 0xff]]),
            seq(&[vec![1, 1, 0xff], vec![2, 1, 0x80]]),
            seq(&[vec![1, 1, 0xff], vec![2, 2, 0, 1]]),
            seq(&[vec![1, 1, 0xff], vec![2, 5, 1, 0, 0, 0, 0]]),
            seq(&[vec![1, 1, 0xff], vec![2, 9, 0, 0xff, 0, 0, 0, 0, 0, 0, 0]]),
            seq(&[vec![1, 1, 0xff], vec![2, 1, 3], vec![5, 0]]),
            seq(&[vec![2, 1, 3]]),
            [seq(&[vec![1, 1, 0xff]]), vec![5, 0]].concat(),
            vec![5, 0],
        ]);
        world.recipes[number].set(BASIC_CONSTRAINTS, dice.chance(60), value);
    }),
    ("no basic constraints", 2, |world, dice| {
        let number = world.any(dice);
        world.recipes[number].drop_extension(BASIC_CONSTRAINTS);
    }),
    ("a path length", 6, |world, dice| {
        let number = world.any_authority(dice);
        let length = u8::try_from(dice.below(4)).unwrap();
        world.recipes[number].set(BASIC_CONSTRAINTS, true, seq(&[vec![1, 1, 0xff], vec![2, 1, length]]));
    }),
    ("the leaf is a CA", 1, |world, _| {
        world.recipes[0].set(BASIC_CONSTRAINTS, true, seq(&[vec![1, 1, 0xff], vec![2, 1, 0]]));
    }),
    ("another extension", 6, |world, dice| {
        let number = world.any(dice);
        let (oid, value) = dice.one_of(vec![
            ("1.3.6.1.4.1.99999.2", vec![5, 0]),
            ("2.5.29.99", vec![5, 0]),
            ("2.5.29.32", seq(&[seq(&[oid("1.2.3.4")])])),
            ("2.5.29.32", seq(&[seq(&[oid("2.5.29.32.0")])])),
            ("2.5.29.32", seq(&[seq(&[oid("1.2.3.4")]), seq(&[oid("1.2.3.4")])])),
            ("2.5.29.32", vec![5, 0]),
            ("2.5.29.31", seq(&[])),
            ("2.5.29.31", seq(&[seq(&[tlv(0xa0, &tlv(0xa0, &tlv(0x86, b"http://x/crl")))])])),
            ("2.5.29.31", vec![5, 0]),
            ("2.5.29.33", seq(&[])),
            ("2.5.29.33", vec![5, 0]),
            ("2.5.29.36", seq(&[tlv(0x80, &[0])])),
            ("2.5.29.36", seq(&[tlv(0x80, &[5])])),
            ("2.5.29.36", vec![5, 0]),
            ("2.5.29.54", vec![2, 1, 0]),
            ("2.5.29.54", vec![5, 0]),
            ("1.3.6.1.5.5.7.1.1", seq(&[])),
            ("1.3.6.1.5.5.7.1.1", vec![5, 0]),
        ]);
        world.recipes[number].extensions.push(Extension { oid, is_critical: dice.chance(50), value });
    }),
    ("an extension twice", 1, |world, dice| {
        let number = world.any(dice);
        let again = world.recipes[number].extensions.first().cloned();
        world.recipes[number].extensions.extend(again);
    }),
    ("a critical identifier of a key", 1, |world, dice| {
        let number = world.any(dice);
        let recipe = &mut world.recipes[number];
        let (oid, value) = if dice.chance(50) {
            recipe.subject_key_identifier = None;
            (SUBJECT_KEY_IDENTIFIER, vec![4, 3, 1, 2, 3])
        } else {
            recipe.authority_key_identifier = crate::go::recipe::Authority::Absent;
            (AUTHORITY_KEY_IDENTIFIER, seq(&[tlv(0x80, &[1, 2, 3])]))
        };
        recipe.set(oid, true, value);
    }),
    ("no extensions", 1, |world, dice| {
        let number = world.any(dice);
        world.recipes[number].has_extensions = false;
    }),
    ("another version", 2, |world, dice| {
        let number = world.any(dice);
        let recipe = &mut world.recipes[number];
        recipe.version = match dice.below(7) {
            0 => None,
            1 => Some(tlv(0xa0, &[2, 1, 0])),
            2 => Some(tlv(0xa0, &[2, 1, 1])),
            3 => Some(tlv(0xa0, &[2, 1, 3])),
            4 => Some(tlv(0xa0, &[2, 1, 0xff])),
            5 => Some(tlv(0xa0, &[2, 1, 2, 5, 0])),
            _ => Some(tlv(0xa0, &[5, 0])),
        };
        recipe.has_extensions = dice.chance(50);
    }),
    ("another serial number", 4, |world, dice| {
        let number = world.any(dice);
        world.recipes[number].serial = dice.one_of(vec![
            vec![0x80],
            vec![0xff, 0x7f],
            vec![0xfe; 20],
            vec![0],
            vec![0x7f; 30],
            vec![0, 1],
            vec![0xff, 0x80],
            vec![],
        ]);
        if dice.chance(50) {
            world.recipes[number].subject = seq(&[]);
        }
    }),
    ("another key", 6, |world, dice| {
        let (number, key) = (world.any(dice), super::any_key(dice));
        world.recipes[number].key = key;
    }),
    ("a small or unusual key", 2, |world, dice| {
        let number = world.any(dice);
        world.recipes[number].key = *dice.pick(&[RSA_512, P224]);
    }),
    ("a key of another form", 5, |world, dice| {
        let (number, spki) = (world.any(dice), odd_key(dice));
        world.recipes[number].spki = Some(spki);
    }),
    ("another hash", 8, |world, dice| {
        let number = world.any(dice);
        let parent = world.recipes[number].parent.unwrap_or(number);
        let hash = *dice.pick(&[Hash::Sha1, Hash::Sha1, Hash::Sha256, Hash::Sha384, Hash::Sha512, Hash::Md5]);
        world.recipes[number].scheme = Some(KEYS[world.recipes[parent].key].scheme_with(hash));
    }),
    ("RSASSA-PSS", 3, |world, dice| {
        let number = world.any(dice);
        let parent = world.recipes[number].parent.unwrap_or(number);
        world.recipes[parent].key = *dice.pick(&RSA_2048);
        let hash = *dice.pick(&[Hash::Sha1, Hash::Sha256, Hash::Sha384, Hash::Sha512]);
        world.recipes[number].scheme = Some(Scheme::RsaPss(hash));
        if dice.chance(40) {
            world.recipes[number].inner = Some(match dice.below(4) {
                0 => pss(hash, Hash::Sha1, 20, 1),
                1 => pss(hash, hash, 20, 1),
                2 => pss(hash, hash, hash.digest(&[]).len(), 2),
                _ => seq(&[oid("1.2.840.113549.1.1.10")]),
            });
        }
    }),
    ("another algorithm of the signature", 4, |world, dice| {
        let number = world.any(dice);
        let (rsa, ecdsa) = (oid("1.2.840.113549.1.1.11"), oid("1.2.840.10045.4.3.2"));
        world.recipes[number].inner = Some(match dice.below(9) {
            0 => seq(&[rsa]),
            1 => seq(&[rsa, null()]),
            2 => seq(&[ecdsa]),
            3 => seq(&[ecdsa, null()]),
            4 => seq(&[oid("1.3.101.112")]),
            5 => seq(&[oid("1.3.101.112"), null()]),
            6 => seq(&[oid("1.2.840.113549.1.1.2"), null()]),
            7 => seq(&[oid("2.16.840.1.101.3.4.3.2")]),
            _ => seq(&[oid("1.2.3.4")]),
        });
    }),
    ("two algorithms of the signature", 1, |world, dice| {
        let number = world.any(dice);
        world.recipes[number].outer = Some(seq(&[oid("1.2.840.113549.1.1.12"), null()]));
    }),
    ("a broken signature", 3, |world, dice| {
        let number = world.any(dice);
        world.recipes[number].is_signature_broken = true;
    }),
    ("signed by another key", 3, |world, dice| {
        let (number, key) = (world.any(dice), super::any_key(dice));
        world.recipes[number].signer = Some(key);
    }),
    ("something follows", 1, |world, dice| {
        let number = world.any(dice);
        world.recipes[number].trailing = vec![0; 1 + dice.below(3)];
    }),
    ("the end is cut off", 1, |world, dice| {
        let number = world.any(dice);
        world.recipes[number].cut = 1 + dice.below(200);
    }),
];

/// Keys as nobody should write them.
fn odd_key(dice: &mut Dice) -> Vec<u8> {
    let (rsa, ec) = (oid("1.2.840.113549.1.1.1"), oid("1.2.840.10045.2.1"));
    let (p256, p384) = (oid("1.2.840.10045.3.1.7"), oid("1.3.132.0.34"));
    let point = KEYS[P256[0]].public();
    let modulus = [vec![0xc1], vec![0x55; 255]].concat();
    let rsa_key = |parts: &[Vec<u8>]| seq(&[seq(&[rsa.clone(), null()]), bits(&seq(parts))]);
    let ec_key = |curve: &[u8], point: &[u8]| seq(&[seq(&[ec.clone(), curve.to_vec()]), bits(point)]);
    match dice.below(26) {
        0 => seq(&[seq(&[rsa]), bits(&KEYS[RSA_2048[0]].public())]),
        1 => rsa_key(&[uint(&modulus), vec![2, 1, 3]]),
        2 => rsa_key(&[uint(&modulus), vec![2, 1, 4]]),
        3 => rsa_key(&[uint(&modulus), vec![2, 1, 1]]),
        4 => rsa_key(&[uint(&modulus), vec![2, 1, 0]]),
        5 => rsa_key(&[uint(&modulus), vec![2, 1, 0xff]]),
        6 => rsa_key(&[uint(&modulus), vec![2, 5, 1, 0, 0, 0, 1]]),
        7 => rsa_key(&[uint(&modulus), vec![2, 9, 1, 0, 0, 0, 0, 0, 0, 0, 1]]),
        8 => rsa_key(&[tlv(2, &modulus), vec![2, 1, 3]]),
        9 => rsa_key(&[vec![2, 1, 0], vec![2, 1, 3]]),
        10 => rsa_key(&[uint(&modulus)]),
        11 => rsa_key(&[uint(&[modulus, vec![0]].concat()), vec![2, 3, 1, 0, 1]]),
        12 => rsa_key(&[uint(&modulus), vec![2, 3, 1, 0, 1], vec![5, 0]]),
        13 => ec_key(&p256, &[&[2], &point[1..33]].concat()),
        14 => ec_key(&p256, &[&point[..64], &[point[64] ^ 1]].concat()),
        15 => ec_key(&p384, &point),
        16 => ec_key(&oid("1.3.132.0.10"), &point),
        17 => ec_key(&[], &point),
        18 => ec_key(&null(), &point),
        19 => ec_key(&p256, &[]),
        20 => seq(&[seq(&[oid("1.3.101.112"), null()]), bits(&KEYS[ED25519[0]].public())]),
        21 => seq(&[seq(&[oid("1.3.101.112")]), bits(&[7; 31])]),
        22 => seq(&[seq(&[oid("1.3.101.110")]), bits(&[7; 32])]),
        23 => {
            let parameters = seq(&[uint(&[23]), uint(&[11]), uint(&[2])]);
            seq(&[seq(&[oid("1.2.840.10040.4.1"), parameters]), bits(&uint(&[5]))])
        }
        24 => seq(&[seq(&[oid("1.2.3.4")]), bits(&[1])]),
        _ => seq(&[seq(&[oid("1.2.840.113549.1.1.10")]), bits(&KEYS[RSA_2048[0]].public())]),
    }
}
