//! A sealed bundle that was changed on its way, byte by byte: nothing else comes out of it than what was sealed.

use std::fs;
use std::io::Cursor;

use certferry::bundle::sealed::{OpenedParts, SealedReader};
use certferry::bundle::{BundleError, Reader, Row, Sha256};
use certferry::seal::{Envelope, Identity, OpenError, OpenWith};
use certferry::sign::PublicKey;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::SAMPLE;

/// The name of each part that opens, and its files.
type Content = Vec<(String, Vec<(Row, Vec<u8>)>)>;

/// What an identity gets, as every command reads it, without the signature of the whole file.
fn read(archive: &[u8], key: &PublicKey, identities: &[Identity]) -> Result<Content, BundleError> {
    let sealed = SealedReader::open(archive, Some(key))?;
    let parts = OpenedParts::new(sealed, |sealed| {
        let size = sealed.size;
        let opened = Envelope::read(sealed)
            .and_then(|envelope| envelope.open(OpenWith::Identities(identities)))
            .and_then(|opened| opened.read_all(size));
        match opened {
            Ok(slice) => Ok(Some(slice)),
            Err(OpenError::OtherRecipients) => Ok(None),
            Err(error) => Err(error.into()),
        }
    });
    let mut reader = Reader::open_sealed(parts, key)?;
    let mut content = Vec::new();
    while let Some(part) = reader.next_part()? {
        let files = part.files().map(|(row, bytes)| (row.clone(), bytes.to_vec())).collect();
        content.push((part.record().owner.part().to_string(), files));
    }
    reader.finish()?;
    Ok(content)
}

fn identities(name: &str) -> Vec<Identity> {
    Identity::parse_all(&fs::read(SAMPLE.path(&format!("{name}.key"))).unwrap()).unwrap()
}

#[test]
fn changed_bytes_are_seen_by_whoever_opens_them() {
    look(5, 3, 211);
}

#[test]
#[ignore = "long form"]
fn long_every_changed_byte_is_seen_by_whoever_opens_it() {
    look(1, 1, 1);
}

/// Changes one byte in so many: of the headers of tar, of index and heads of age, of all.
fn look(headers: usize, heads: usize, all_bytes: usize) {
    let archive = fs::read(SAMPLE.path("lab-g1.sealed.tar")).unwrap();
    let key = PublicKey::from_pem(&fs::read(SAMPLE.path("lab.pub")).unwrap()).unwrap();
    let signature = fs::read(SAMPLE.path("lab-g1.sealed.tar.sig")).unwrap();
    assert!(key.verify_sha256(&Sha256::of(&archive).0, &signature).is_ok());
    let [escrow, own] = ["escrow", "cp-1"].map(identities);
    let [all, one] = [&escrow, &own].map(|identities| read(&archive, &key, identities).unwrap());
    let names = |content: &Content| content.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&all), ["node/cp-1", "node/worker-1", "cluster"]);
    assert_eq!((names(&one), &one[0]), (vec!["node/cp-1".to_owned()], &all[0]));
    let mut places: Vec<usize> = (0..archive.len()).step_by(all_bytes).collect();
    let mut at = 0;
    for (_, content) in super::entries(&archive) {
        places.extend((at..at + 512).step_by(headers));
        let head = content.windows(4).position(|text| text == b"\n---").map_or(content.len().min(400), |end| end + 64);
        places.extend((at + 512..at + 512 + head).step_by(heads));
        at += 512 + content.len();
    }
    places.extend((at..archive.len()).step_by(64));
    let own_end = archive.windows(14).position(|text| text == b"nodes/worker-1").unwrap() - "lab-g1/".len();
    places.par_iter().for_each(|place| {
        let mut changed = archive.clone();
        changed[*place] ^= 1 << (place % 8);
        assert!(key.verify_sha256(&Sha256::of(&changed).0, &signature).is_err(), "byte {place}");
        // A recipient whose line was changed is another one: that part opens no more, and no other comes in its place.
        if let Ok(found) = read(&changed, &key, &escrow) {
            assert!(found.len() < all.len() && found.iter().all(|part| all.contains(part)), "byte {place}");
        }
        match read(&changed, &key, &own) {
            Ok(found) => assert!(found.is_empty() || (found == one && *place >= own_end), "byte {place}"),
            Err(error) => drop(error.to_string()),
        }
    });
}

#[test]
fn cuts_are_seen() {
    let archive = fs::read(SAMPLE.path("lab-g1.sealed.tar")).unwrap();
    let key = PublicKey::from_pem(&fs::read(SAMPLE.path("lab.pub")).unwrap()).unwrap();
    let own = identities("cp-1");
    let lengths: Vec<usize> =
        (0..archive.len()).step_by(997).chain((archive.len() - 1100..archive.len()).step_by(11)).collect();
    lengths.par_iter().for_each(|length| {
        assert!(read(&archive[..*length], &key, &own).is_err(), "cut at {length}");
    });
    let longer = [&archive[..], &[0; 512]].concat();
    assert!(matches!(read(&longer, &key, &own), Err(BundleError::TrailingBytes)));
    // It goes by what the index says, not by how it is read.
    let mut slow = std::io::BufReader::with_capacity(7, Cursor::new(&archive));
    let mut sealed = SealedReader::open(&mut slow, None).unwrap();
    let mut count = 0;
    while sealed.next_part().unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, 3);
}
