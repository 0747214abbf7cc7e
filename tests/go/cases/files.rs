//! Faults of files: which certificates stand in which order, and how PEM is written.

use super::Fault;
use crate::go::dice::Dice;
use crate::go::keys::{KEYS, P256, pem};
use crate::go::recipe::{Authority, Recipe};

/// What is done to the text of a file.
pub type Change = fn(&str, &mut Dice) -> String;

pub const FAULTS: &[Fault] = &[
    ("an intermediate is missing", 2, |world, dice| {
        if world.depth > 0 {
            let level = 1 + dice.below(world.depth);
            world.chain.retain(|number| *number != level);
        }
    }),
    ("a certificate is there twice", 1, |world, dice| {
        let number = world.any(dice);
        world.chain.push(number);
        world.roots.push(number);
    }),
    ("the chain is in another order", 2, |world, dice| {
        let from = dice.below(2);
        dice.shuffle(&mut world.chain[from..]);
    }),
    ("the root is in the chain", 1, |world, _| world.chain.push(world.root())),
    ("the root is another", 2, |world, dice| {
        let key = super::any_authority_key(dice);
        let other = world.add(Recipe::authority("root", None, key));
        if dice.chance(50) {
            world.recipes[other].subject_key_identifier = world.recipes[world.root()].subject_key_identifier.clone();
        }
        world.roots = vec![other];
    }),
    ("more roots", 2, |world, dice| {
        for name in ["other root", "root", "third root"] {
            let key = super::any_authority_key(dice);
            let other = world.add(Recipe::authority(name, None, key));
            if dice.chance(50) {
                world.recipes[other].subject_key_identifier = None;
            }
            world.roots.push(other);
        }
        dice.shuffle(&mut world.roots);
    }),
    ("a certificate of the chain is trusted", 2, |world, dice| {
        let number = world.any(dice);
        world.roots.push(number);
        if dice.chance(50) {
            world.roots.retain(|known| *known == number);
        }
    }),
    ("no root", 1, |world, _| world.roots.clear()),
    ("another certificate in the chain", 1, |world, dice| {
        let key = super::any_authority_key(dice);
        let (root, place) = (world.root(), dice.below(world.chain.len() + 1));
        let other = world.add(Recipe::authority("stray", Some(root), key));
        world.chain.insert(place, other);
    }),
    ("same subject, other key", 3, |world, dice| {
        let (level, key) = (world.any_authority(dice), super::any_authority_key(dice));
        let mut twin = world.recipes[level].clone();
        twin.key = key;
        if let Some(first) = twin.serial.first_mut() {
            *first = 1;
        }
        match dice.below(3) {
            0 => twin.subject_key_identifier = None,
            1 => twin.subject_key_identifier = Some(vec![7; 20]),
            _ => {}
        }
        let twin = world.add(twin);
        let list = if level == world.root() { &mut world.roots } else { &mut world.chain };
        // There may be no root any more.
        let place = dice.below(list.len().max(1)) + 1;
        list.insert(place.min(list.len()), twin);
    }),
    ("a hundred CAs with one subject", 1, |world, dice| {
        let level = world.any_authority(dice);
        let (count, is_right_first) = (90 + dice.below(30), dice.chance(50));
        for number in 0..count {
            let mut twin = world.recipes[level].clone();
            twin.key = *dice.pick(&P256);
            twin.serial = vec![1, u8::try_from(number).unwrap()];
            if is_right_first {
                twin.subject_key_identifier = None;
            }
            let twin = world.add(twin);
            if level == world.root() {
                world.roots.insert(0, twin);
            } else {
                world.chain.insert(1, twin);
            }
        }
    }),
    ("signed by another root, too", 3, |world, dice| {
        let (level, key) = (world.any_authority(dice), super::any_authority_key(dice));
        let other = world.add(Recipe::authority("cross root", None, key));
        let mut cross = world.recipes[level].clone();
        cross.parent = Some(other);
        let cross = world.add(cross);
        let place = 1 + dice.below(world.chain.len());
        world.chain.insert(place, cross);
        match dice.below(3) {
            0 => world.roots = vec![other],
            1 => world.roots.push(other),
            _ => {}
        }
    }),
    ("two CAs sign each other", 1, |world, dice| {
        let level = world.any_authority(dice);
        let mut back = world.recipes[world.root()].clone();
        back.parent = Some(level);
        let back = world.add(back);
        world.chain.push(back);
        if dice.chance(50) {
            world.roots.clear();
        }
    }),
    ("the leaf signs for itself", 1, |world, dice| {
        world.recipes[0].parent = None;
        if dice.chance(60) {
            world.roots = vec![0];
        }
    }),
    ("the issuer is named otherwise", 2, |world, dice| {
        let number = world.any(dice);
        let other = crate::go::asn1::name(&[("2.5.4.3", 0x13, b"root")]);
        world.recipes[number].issuer = Some(if dice.chance(50) { other } else { crate::go::asn1::seq(&[]) });
    }),
    ("the key's identifier is missing or wrong", 4, |world, dice| {
        let number = world.any(dice);
        let recipe = &mut world.recipes[number];
        match dice.below(8) {
            0 => recipe.subject_key_identifier = None,
            1 => recipe.subject_key_identifier = Some(vec![9; 20]),
            2 => recipe.subject_key_identifier = Some(Vec::new()),
            3 => recipe.authority_key_identifier = Authority::Absent,
            4 => recipe.authority_key_identifier = Authority::Value(crate::go::asn1::seq(&[])),
            5 => recipe.authority_key_identifier = Authority::Value(vec![4, 0]),
            6 => recipe.authority_key_identifier = Authority::Value(vec![0x30, 5, 0x82, 3, 1, 2, 3]),
            _ => recipe.authority_key_identifier = Authority::Value(vec![0x30, 5, 0x80, 3, 1, 2, 3]),
        }
    }),
    ("another key beside the leaf", 2, |world, dice| {
        let key = super::any_key(dice);
        world.key = Some(KEYS[key].pem(dice.chance(50)));
    }),
    ("an odd key file", 4, |world, dice| {
        world.key = Some(dice.pick(KEY_FILES)(KEYS[world.recipes[0].key].pem(dice.chance(50))));
    }),
    ("the chain is written oddly", 8, |world, dice| world.text[0] = Some(*dice.pick(CHANGES))),
    ("the roots are written oddly", 5, |world, dice| world.text[1] = Some(*dice.pick(CHANGES))),
    ("the key is written oddly", 4, |world, dice| world.text[2] = Some(*dice.pick(CHANGES))),
];

const KEY_FILES: &[fn(String) -> String] = &[
    |_| String::new(),
    |_| "no key\n".to_owned(),
    |key| format!("{}{key}", pem("EC PARAMETERS", &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7])),
    |key| format!("{}{key}", pem("CERTIFICATE", &[0x30, 0])),
    |_| pem("CERTIFICATE", &[0x30, 0]),
    |_| pem("PUBLIC KEY", &KEYS[P256[0]].spki()),
    |_| pem("PUBLIC KEY", &KEYS[P256[0]].spki()) + &pem("EC PARAMETERS", &[5, 0]),
    |_| pem("ENCRYPTED PRIVATE KEY", &[0x30, 3, 2, 1, 0]),
    |key| key.replace("-----\nM", "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nM"),
    |_| pem("PRIVATE KEY", &[0x30, 3, 2, 1, 0]),
    |_| pem("DSA PRIVATE KEY", &[0x30, 3, 2, 1, 0]),
    |key| key.replace("EC PRIVATE KEY", "PRIVATE KEY").replace("RSA PRIVATE KEY", "EC PRIVATE KEY"),
    |key| key.replace(" PRIVATE KEY", " PRIVATE KEY 2"),
    |key| key.clone() + &KEYS[P256[0]].pem(true),
    // X25519, which Go knows from 1.20 on and TLS never takes.
    |_| {
        let inner = [0x04, 0x22, 0x04, 0x20].into_iter().chain([7; 32]).collect::<Vec<u8>>();
        let head = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e];
        pem("PRIVATE KEY", &[&head[..], &inner].concat())
    },
];

const CHANGES: &[Change] = &[
    |text, _| text.replace('\n', "\r\n"),
    |text, _| text.replace('\n', "\r"),
    |text, _| text.trim_end().to_owned(),
    |text, _| text.replace("-----\n-----BEGIN", "----------BEGIN"),
    |text, _| text.replace("-----\n-----BEGIN", "----- -----BEGIN"),
    |text, _| text.replace("-----BEGIN", "subject=CN = leaf\n\n-----BEGIN"),
    |text, _| text.replace("-----BEGIN", "words before -----BEGIN"),
    |text, _| text.replace("-----BEGIN", " -----BEGIN"),
    |text, _| text.lines().fold(String::new(), |text, line| text + line + " \t\n"),
    |text, _| text.lines().fold(String::new(), |text, line| text + "  " + line + "\n"),
    |text, _| text.lines().fold(String::new(), |text, line| text + line + "\n\n"),
    |text, _| format!("\u{feff}{text}"),
    |text, _| format!("\n\n\n{text}"),
    |text, dice| text[..text.len() - dice.below(60)].to_owned(),
    |text, dice| text[dice.below(60)..].to_owned(),
    |text, _| format!("-----BEGIN CERTIFICATE-----\nMIIB\n{text}"),
    |text, _| format!("-----BEGIN SOMETHING-----\nMIIB\n{text}"),
    |text, _| format!("-----BEGIN CERTIFICATE-----\n{text}"),
    |text, _| format!("{text}-----BEGIN CERTIFICATE-----\n"),
    |text, _| format!("-----BEGIN EMPTY-----\n-----END EMPTY-----\n{text}"),
    |text, _| format!("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n{text}"),
    |text, _| format!("-----END CERTIFICATE-----\n{text}"),
    |text, _| text.replacen("-----END CERTIFICATE-----", "-----END CERT-----", 1),
    |text, _| text.replacen("-----END", "-----END SOMETHING-----\n-----END", 1),
    |text, _| text.replace("CERTIFICATE-", "TRUSTED CERTIFICATE-"),
    |text, _| text.replacen("BEGIN CERTIFICATE-", "BEGIN X509 CERTIFICATE-", 1),
    |text, _| text.replacen("CERTIFICATE-----\n", "CERTIFICATE-----\nName: value\n\n", 1),
    |text, _| text.replacen("-----\nM", "-----\nName: value\nM", 1),
    |text, _| text.replacen("-----\nM", "-----\n: \nM", 1),
    |text, _| text.replacen("CERTIFICATE-----\n", "CERTIFICATE----- \n", 1),
    |text, _| text.replacen("BEGIN CERTIFICATE-----", "BEGIN CERTIFICATE----", 1),
    |text, _| text.replacen("-----END CERTIFICATE-----\n", "-----END CERTIFICATE----- # leaf\n", 1),
    |text, _| text.replacen("-----END CERTIFICATE-----\n", "-----END CERTIFICATE------\n", 1),
    |text, _| text.replacen("-----BEGIN", "----BEGIN", 1),
    |text, _| text.replacen("BEGIN", "begin", 1),
    |text, _| text.replacen("-----\nM", "-----\n*M", 1),
    |text, _| text.replacen("-----\nM", "-----\nM M", 1),
    |text, _| text.replacen("=\n-----END", "\n-----END", 1),
    |text, _| text.replacen("\n-----END", "=\n-----END", 1),
    |text, _| text.replacen("\n-----END", "-----END", 1),
    // All of a block in one line.
    |text, _| {
        let joined = text.replace('\n', "");
        joined
            .replace("BEGIN CERTIFICATE-----", "BEGIN CERTIFICATE-----\n")
            .replace("-----END", "\n-----END")
            .replace("END CERTIFICATE-----", "END CERTIFICATE-----\n")
    },
    |text, _| format!("{}{text}", KEYS[P256[0]].pem(true)),
    |text, _| format!("{}{text}", pem("X509 CRL", &[0x30, 0])),
    |text, _| format!("{}{text}", pem("CERTIFICATE", &[0x30, 0])),
    |text, _| format!("{text}{}", pem("CERTIFICATE", &[0x30, 0])),
    |_, _| KEYS[P256[0]].pem(false),
    |_, _| pem("CERTIFICATE REQUEST", &[0x30, 0]),
    |_, _| pem("CERTIFICATE REQUEST", &[0x30, 0]) + &KEYS[P256[0]].pem(true),
    |_, _| String::new(),
    |_, _| "\n".to_owned(),
    |_, _| "MIIBkTCB+wIJAL".to_owned(),
];
