//! What is not to be opened, or not to be sealed, and what is said of it.

use std::io::{Read, Write};

use certferry::seal::{
    Envelope, Form, Identity, IdentityError, Kind, OpenError, OpenWith, OpensWith, Recipient, RecipientError,
    SealError, SealTo, Sealer,
};

use super::{contents, identity, open, passphrase, seal};

fn said(sealed: &[u8], with: OpenWith<'_>) -> String {
    open(sealed, with).unwrap_err().to_string()
}

/// Each byte of a file, changed, and the file cut behind each: nothing opens, but for what the armor does not show.
#[test]
fn whatever_is_changed_or_cut_is_refused() {
    for kind in [Kind::X25519, Kind::Hybrid] {
        let own = [Identity::random(kind).unwrap()];
        let sealed = seal(b"0123456789", SealTo::Recipients(&[own[0].recipient()]), Form::Binary);
        let with = OpenWith::Identities(&own);
        assert_eq!(open(&sealed, with).unwrap(), b"0123456789");
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(open(&changed, with).is_err(), "{kind}: byte {place}");
            assert!(open(&sealed[..place], with).is_err(), "{kind}: cut at {place}");
        }
    }
}

/// Parts in another order, twice, or without the last.
#[test]
fn parts_stand_where_they_stood() {
    const PART: usize = (64 << 10) + 16;
    let own = [Identity::random(Kind::X25519).unwrap()];
    let sealed = seal(&contents()[4], SealTo::Recipients(&[own[0].recipient()]), Form::Binary);
    let with = OpenWith::Identities(&own);
    let parts: Vec<&[u8]> = sealed[sealed.len() - 200_000 - 4 * 16..].chunks(PART).collect();
    let head = &sealed[..sealed.len() - 200_000 - 4 * 16];
    assert_eq!(parts.len(), 4);
    let with_parts = |order: &[usize]| {
        let parts: Vec<&[u8]> = order.iter().map(|place| parts[*place]).collect();
        open(&[head, &parts.concat()].concat(), with)
    };
    assert!(with_parts(&[0, 1, 2, 3]).is_ok());
    for (order, part) in
        [(&[1, 0, 2, 3][..], 1), (&[0, 0, 1, 2, 3], 2), (&[0, 1, 2], 3), (&[0, 1, 2, 3, 3], 4), (&[], 1)]
    {
        let error = with_parts(order).unwrap_err();
        assert_eq!(error.to_string(), format!("was cut off or changed: the tag of part {part} does not hold"));
    }
    // What was read before is what was sealed, and the error stays.
    let reordered = [head, parts[0], parts[2]].concat();
    let mut opened = Envelope::read(reordered.as_slice()).unwrap().open(with).unwrap();
    let mut content = Vec::new();
    assert!(opened.read_to_end(&mut content).is_err());
    assert!(content == contents()[4][..64 << 10]);
    assert!(opened.read(&mut [0]).is_err());
    // Nor does a good part behind a bad one come.
    let mut changed = [head, parts[0], parts[1], parts[2], parts[3]].concat();
    changed[head.len() + parts[0].len()] ^= 1;
    let mut opened = Envelope::read(changed.as_slice()).unwrap().open(with).unwrap();
    let mut content = vec![0; 64 << 10];
    opened.read_exact(&mut content).unwrap();
    for _ in 0..3 {
        assert!(opened.read(&mut content).is_err());
    }
}

#[test]
fn whoever_has_something_else_is_told() {
    let [own, other] = [Kind::Hybrid, Kind::Hybrid].map(|kind| [Identity::random(kind).unwrap()]);
    let sealed = seal(b"x", SealTo::Recipients(&[own[0].recipient()]), Form::Armored);
    assert_eq!(Envelope::read(sealed.as_slice()).unwrap().opens_with(), OpensWith::Identity);
    assert_eq!(
        said(&sealed, OpenWith::Identities(&other)),
        "does not open: it is sealed to other recipients, or was changed"
    );
    assert_eq!(said(&sealed, OpenWith::Passphrase(&passphrase("x"))), "is sealed to recipients");
    let sealed = seal(b"x", SealTo::Passphrase(&passphrase("right")), Form::Armored);
    assert_eq!(Envelope::read(sealed.as_slice()).unwrap().opens_with(), OpensWith::Passphrase);
    assert_eq!(said(&sealed, OpenWith::Identities(&own)), "is sealed with a passphrase");
    assert_eq!(
        said(&sealed, OpenWith::Passphrase(&passphrase("wrong"))),
        "does not open: the passphrase is another one, or the file was changed"
    );
    assert_eq!(said(b"", OpenWith::Identities(&own)), "is no file of age");
    assert_eq!(
        said(b"certferry-seed-1:", OpenWith::Identities(&own)),
        "is a damaged file of age: its first line is not -----BEGIN AGE ENCRYPTED FILE-----"
    );
}

/// A file asks for years of work, and for more memory than there is: neither is begun.
#[test]
fn the_work_for_a_passphrase_is_bounded() {
    let file = |work: &str| {
        let body = "A".repeat(43);
        format!("age-encryption.org/v1\n-> scrypt {} {work}\n{body}\n--- {body}\n", "A".repeat(22))
    };
    let with = passphrase("x");
    for work in ["21", "30", "63", "255"] {
        assert_eq!(
            said(file(work).as_bytes(), OpenWith::Passphrase(&with)),
            format!("asks for 2^{work} steps of scrypt; certferry does at most 2^20")
        );
    }
    assert!(matches!(open(file("1").as_bytes(), OpenWith::Passphrase(&with)), Err(OpenError::OtherPassphrase)));
}

#[test]
fn a_head_without_an_end_is_not_read_for_ever() {
    let endless = b"age-encryption.org/v1\n-> x ".chain(std::io::repeat(b'a'));
    let error = Envelope::read(std::io::BufReader::new(endless)).err().unwrap();
    assert_eq!(error.to_string(), "is a damaged file of age: its head is longer than 1 MiB");
    // Nor are more stanzas kept than recipients that there may be.
    let head = |stanzas: usize| format!("age-encryption.org/v1\n{}", "-> x\n\n".repeat(stanzas));
    let error = Envelope::read(head(10_000).as_bytes()).err().unwrap();
    assert_eq!(error.to_string(), "is a damaged file of age: it ends within its head");
    let error = Envelope::read(head(10_001).as_bytes()).err().unwrap();
    assert_eq!(error.to_string(), "is a damaged file of age: it has more than 10,000 stanzas");
    let stanzas = std::io::BufReader::new(b"age-encryption.org/v1\n".chain(Stanzas(0)));
    assert!(Envelope::read(stanzas).is_err());
    let blank = std::io::BufReader::new(std::io::repeat(b'\n'));
    assert!(Envelope::read(blank).is_err());
}

/// Stanzas without end.
struct Stanzas(usize);

impl Read for Stanzas {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        for byte in &mut *buffer {
            *byte = b"-> x\n\n"[self.0 % 6];
            self.0 += 1;
        }
        Ok(buffer.len())
    }
}

#[test]
fn what_is_sealed_to_nobody_or_to_both_kinds_is_refused() {
    let [hybrid, plain] = [Kind::Hybrid, Kind::X25519].map(|kind| Identity::random(kind).unwrap().recipient());
    let refused =
        |recipients: &[Recipient]| Sealer::new(Vec::new(), SealTo::Recipients(recipients), Form::Binary).err().unwrap();
    assert!(matches!(refused(&[]), SealError::NoRecipient));
    assert_eq!(
        refused(&[hybrid.clone(), plain.clone()]).to_string(),
        "recipients age1pq1... and age1... in one file: a computer that breaks X25519 would open it, whatever the others are"
    );
    assert!(matches!(refused(&[plain, hybrid]), SealError::BothKinds));
}

#[test]
fn what_is_no_recipient_is_said() {
    let own = Identity::random(Kind::Hybrid).unwrap();
    let text = own.recipient().to_string();
    assert_eq!(text.len(), 1959);
    assert_eq!(Recipient::parse(&text.to_uppercase()).unwrap(), own.recipient());
    let fault = |text: &str| Recipient::parse(text).unwrap_err();
    assert_eq!(fault(&own.to_text()), RecipientError::IsIdentity);
    assert_eq!(fault(&text[..text.len() - 1]), RecipientError::Checksum);
    assert_eq!(fault("age1qqqq"), RecipientError::Checksum);
    for other in
        ["ssh-ed25519 AAAA", "age1yubikey1qqqq", "age1tag1qt8lw0ual6avlwmwatk888yqnmdamm7xfd0wak53ut6elz5c4swx2yqdj4e"]
    {
        assert_eq!(fault(other), RecipientError::OtherKind, "{other}");
    }
    for other in ["", "x", "1", "cp-1", "agepq"] {
        assert_eq!(fault(other), RecipientError::NoRecipient, "{other}");
    }
    // BIP 173 of three bytes, and of the point 0, to which everybody shares the same secret.
    assert_eq!(fault("age1qqqqqa7v8k4"), RecipientError::Checksum);
    let zero = "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqzrqf3d";
    assert!(matches!(fault(zero), RecipientError::NoKey | RecipientError::Checksum));
}

#[test]
fn a_file_of_identities_has_one_a_line() {
    let [first, second] = [Kind::Hybrid, Kind::X25519].map(|kind| Identity::random(kind).unwrap());
    let text = format!("# created: now\r\n\n{}\r\n{}", *first.to_text(), second.to_text().to_lowercase());
    let read = identity(&text);
    assert_eq!([read[0].recipient(), read[1].recipient()], [first.recipient(), second.recipient()]);
    let fault = |text: &str| Identity::parse_all(text.as_bytes()).err().unwrap();
    assert_eq!(fault("# nothing\n"), IdentityError::None);
    assert_eq!(fault("\nx\n"), IdentityError::Line(2));
    assert_eq!(fault(&first.recipient().to_string()), IdentityError::IsRecipient(1));
    let mut wrong = first.to_text().to_string();
    wrong.pop();
    let error = fault(&wrong);
    assert_eq!(error, IdentityError::Checksum(1));
    assert!(!error.to_string().contains(&wrong[20..30]));
}

/// Written in pieces of any size, it is the same file but for its randomness.
#[test]
fn pieces_make_no_difference() {
    let own = [Identity::random(Kind::X25519).unwrap()];
    let content = &contents()[4];
    for size in [1_000, 65_535, 65_536, 65_537] {
        let mut sealer = Sealer::new(Vec::new(), SealTo::Recipients(&[own[0].recipient()]), Form::Armored).unwrap();
        content.chunks(size).for_each(|piece| sealer.write_all(piece).unwrap());
        let sealed = sealer.finish().unwrap();
        let lines: Vec<usize> = sealed.split(|byte| *byte == b'\n').map(<[u8]>::len).collect();
        assert!(lines[1..lines.len() - 3].iter().all(|length| *length == 64));
        assert!(&open(&sealed, OpenWith::Identities(&own)).unwrap() == content);
    }
}
