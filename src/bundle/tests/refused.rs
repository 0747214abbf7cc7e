//! Archives that are rightly signed, or rightly built, and are still not of this format.

use super::{
    BundleError, description, head, members, pack, parts, public_key, read, read_with, refusal, signature, write,
};
use crate::bundle::tar::{Kind, header};
use crate::bundle::{ArchiveKind, Head, Index, JsonError, Mode, Reader, RecordError, Sha256};
use crate::kubernetes::PartName;

/// Returns an entry with the header that the writer would write.
fn entry(path: &str, content: &[u8]) -> Vec<u8> {
    let kind = Kind::File { mode: Mode::Public, size: content.len() as u64 };
    let mut entry = header(path, kind, head().mtime()).unwrap().to_vec();
    entry.extend_from_slice(content);
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

fn signed(path: &str, content: &[u8]) -> Vec<u8> {
    [entry(path, content), entry(&format!("{path}.sig"), &signature(1, content))].concat()
}

fn folder(path: &str) -> Vec<u8> {
    header(path, Kind::Folder, head().mtime()).unwrap().to_vec()
}

const END: [u8; 1024] = [0; 1024];

/// Returns a slice of the worker without files, whose record somebody with the key wrote by hand.
fn slice_with(record: &str) -> Vec<u8> {
    let top = head().top();
    let member = [signed(&format!("{top}/nodes/w.json"), record.as_bytes()), folder(&format!("{top}/nodes/w/"))];
    pack(&[member.concat(), END.to_vec()])
}

/// Returns a bundle with the parts of another, and with this index, rightly signed.
fn with_index(index: &[u8], bundle: &[u8]) -> Vec<u8> {
    let mut members = members(bundle);
    let top = head().top();
    let manifest = signed(&format!("{top}/manifest.json"), index);
    members[0] = [folder(&format!("{top}/")), manifest, folder(&format!("{top}/nodes/"))].concat();
    pack(&members)
}

const RECORD: &str = r#"{
  "addresses": [
    "10.0.0.1"
  ],
  "cluster": "prod-1",
  "cluster_id": "000102030405060708090a0b0c0d0e0f",
  "files": [],
  "format": 1,
  "generation": 1,
  "issued_at": "2026-11-22",
  "kubernetes": "1.24.15",
  "names": [
    "w"
  ],
  "part": "node/w",
  "phase": 0,
  "role": "worker"
}
"#;

fn bundle() -> Vec<u8> {
    write(description(head()), &parts()).0
}

fn index_of(bundle: &[u8]) -> Index {
    let key = public_key(1);
    let reader = Reader::open(bundle, &key).ok().unwrap();
    reader.index().unwrap().index().clone()
}

#[test]
fn refuses_another_signer() {
    let bundle = bundle();
    match read_with(&bundle, &public_key(2)).result {
        Err(BundleError::Signature { entry }) => assert_eq!(entry, "prod-1-g1/manifest.json"),
        other => panic!("{other:?}"),
    }
    let slice = pack(&members(&bundle)[1..2]);
    match read_with(&slice, &public_key(2)).result {
        Err(BundleError::Signature { entry }) => assert_eq!(entry, "prod-1-g1/nodes/cp-1.json"),
        other => panic!("{other:?}"),
    }
}

/// A record needs its own signature even when the index names its digest.
#[test]
fn refuses_a_record_of_another_signer_under_a_good_index() {
    let mut members = members(&bundle());
    let record = RECORD.as_bytes();
    let path = "prod-1-g1/nodes/w.json";
    let foreign = [entry(path, record), entry(&format!("{path}.sig"), &signature(2, record))].concat();
    let mut index = index_of(&bundle());
    index.parts = vec![(PartName::Node("w".to_owned()), Sha256::of(record))];
    members.truncate(1);
    members.extend([[foreign, folder("prod-1-g1/nodes/w/")].concat(), END.to_vec()]);
    let archive = with_index(&index.encode().unwrap(), &pack(&members));
    assert!(matches!(refusal(&archive), BundleError::Signature { entry } if entry == path));
}

#[test]
fn refuses_json_in_another_form_though_rightly_signed() {
    assert_eq!(read(&slice_with(RECORD)).result.unwrap().kind(), ArchiveKind::Slice);
    for changed in [
        RECORD.replacen("\"format\": 1", "\"format\":1", 1),
        RECORD.replacen("\n", "\r\n", 1),
        RECORD.trim_end().to_owned(),
        format!("{RECORD}\n"),
        RECORD.replacen("worker", "\\u0077orker", 1),
        RECORD.replacen("  \"phase\": 0,\n  \"role\": \"worker\"", "  \"role\": \"worker\",\n  \"phase\": 0", 1),
    ] {
        assert_ne!(changed, RECORD);
        let error = refusal(&slice_with(&changed));
        let BundleError::Record { problem: RecordError::Json(JsonError::NotCanonical { .. }), entry } = &error else {
            panic!("{changed}: {error:?}")
        };
        assert_eq!(entry, "prod-1-g1/nodes/w.json");
    }
    for (from, to) in [
        ("\"phase\": 0", "\"phase\": 0,\n  \"phase\": 0"),
        ("\"phase\": 0", "\"phase\": 0,\n  \"pool\": 0"),
        ("\"phase\": 0", "\"phase\": 0.0"),
    ] {
        let error = refusal(&slice_with(&RECORD.replacen(from, to, 1)));
        assert!(matches!(error, BundleError::Record { problem: RecordError::Json(_), .. }), "{to}: {error:?}");
    }
}

#[test]
fn refuses_an_index_in_another_form_though_rightly_signed() {
    let bundle = bundle();
    let index = index_of(&bundle).encode().unwrap();
    assert!(read(&with_index(&index, &bundle)).result.is_ok());
    let changed = String::from_utf8(index).unwrap().replacen("[\n", "[ \n", 1);
    let error = refusal(&with_index(changed.as_bytes(), &bundle));
    assert!(matches!(error, BundleError::Record { entry, .. } if entry == "prod-1-g1/manifest.json"));
}

#[test]
fn refuses_a_record_that_stands_in_another_place() {
    // In a slice, the record says where it belongs, and the path of the entry is another.
    let error =
        refusal(&slice_with(&RECORD.replacen("w\"\n  ],\n  \"part\": \"node/w", "v\"\n  ],\n  \"part\": \"node/v", 1)));
    assert!(matches!(error, BundleError::UnexpectedEntry { found, .. } if found == "prod-1-g1/nodes/w.json"));
    let error = refusal(&slice_with(&RECORD.replacen("\"generation\": 1", "\"generation\": 2", 1)));
    assert!(matches!(error, BundleError::UnexpectedEntry { expected, .. } if expected == "prod-1-g2/nodes/w.json"));
    let error = refusal(&slice_with(&RECORD.replacen("2026-11-22", "2026-11-23", 1)));
    assert!(matches!(error, BundleError::Header { entry } if entry == "prod-1-g1/nodes/w.json"));
    // In a bundle, the index says so.
    let record = RECORD.replacen("w\"\n  ],\n  \"part\": \"node/w", "v\"\n  ],\n  \"part\": \"node/v", 1);
    let mut index = index_of(&bundle());
    index.parts = vec![(PartName::Node("w".to_owned()), Sha256::of(record.as_bytes()))];
    let archive = [vec![Vec::new()], members(&slice_with(&record))].concat();
    let archive = with_index(&index.encode().unwrap(), &pack(&archive));
    assert!(matches!(refusal(&archive), BundleError::RecordPart { found: PartName::Node(name), .. } if name == "v"));
}

#[test]
fn refuses_records_of_another_head_than_the_index() {
    let others = [
        ("cluster_id", Head { cluster_id: super::super::Hex([9; 16]), ..head() }),
        ("kubernetes", Head { kubernetes: "1.24.16".to_owned(), ..head() }),
    ];
    for (expected, other) in others {
        let (bundle, _) = write(description(other), &parts());
        let index = Index { head: head(), ..index_of(&bundle) };
        let error = refusal(&with_index(&index.encode().unwrap(), &bundle));
        assert!(matches!(error, BundleError::Head { field, .. } if field == expected), "{expected}");
    }
}

#[test]
fn refuses_a_true_record_that_is_not_the_one_of_the_index() {
    let bundle = bundle();
    let mut members = members(&bundle);
    let mut other = parts();
    // The part of the same node with other files, as a bundle of the same generation may have had it once.
    other[0] = super::Part::new(super::owner("cp-1", super::Role::Worker), Vec::new()).ok().unwrap();
    members[1] = self::members(&write(description(head()), &other).0)[1].clone();
    let error = refusal(&pack(&members));
    assert!(matches!(error, BundleError::RecordHash { part: PartName::Node(name), .. } if name == "cp-1"));
}

#[test]
fn takes_a_slice_of_each_part_and_nothing_beside_it() {
    let bundle = bundle();
    let (truth, members) = (read(&bundle).parts, members(&bundle));
    for number in 1..=3 {
        let outcome = read(&pack(&[members[number].clone(), END.to_vec()]));
        assert_eq!(outcome.parts, truth[number - 1..number]);
        let archive = outcome.result.unwrap();
        assert_eq!((archive.kind(), archive.parts()), (ArchiveKind::Slice, 1));
    }
    let two = pack(&[members[1].clone(), members[2].clone(), END.to_vec()]);
    assert!(matches!(refusal(&two), BundleError::ExtraPart { .. }));
    let without_end = pack(&members[1..2]);
    assert!(matches!(refusal(&without_end), BundleError::Truncated));
    let only_end = pack(&[END.to_vec()]);
    assert!(matches!(refusal(&only_end), BundleError::NotABundle { .. }));
    let only_index = pack(&[members[0].clone(), END.to_vec()]);
    assert!(matches!(refusal(&only_index), BundleError::MissingPart { part: Some(PartName::Node(_)) }));
    let with_more = pack(&[members[0].clone(), members[1].clone(), END.to_vec()]);
    assert!(
        matches!(refusal(&with_more), BundleError::MissingPart { part: Some(PartName::Node(name)) } if name == "worker-001")
    );
}

#[test]
fn refuses_what_claims_to_be_too_large() {
    let claim = |size| {
        let kind = Kind::File { mode: Mode::Public, size };
        pack(&[header("prod-1-g1/nodes/w.json", kind, 0).unwrap().to_vec()])
    };
    assert!(matches!(refusal(&claim((4 << 20) + 1)), BundleError::TooLarge { limit: 4_194_304, .. }));
    assert!(matches!(refusal(&claim(4 << 20)), BundleError::MemberEnds { .. }));
    let kind = Kind::File { mode: Mode::Public, size: (12 << 20) + 1 };
    let index = header("prod-1-g1/manifest.json", kind, 0).unwrap();
    let index = [folder("prod-1-g1/"), index.to_vec()].concat();
    assert!(matches!(refusal(&pack(&[index])), BundleError::TooLarge { limit: 12_582_912, .. }));
    let path = "prod-1-g1/nodes/w.json";
    let member = [entry(path, RECORD.as_bytes()), entry(&format!("{path}.sig"), &[0; 73])].concat();
    assert!(matches!(refusal(&pack(&[member])), BundleError::TooLarge { limit: 72, .. }));
}

#[test]
fn names_the_entry_after_which_a_member_goes_on() {
    let bundle = bundle();
    for (number, last) in [
        (0, "prod-1-g1/nodes/"),
        (1, "prod-1-g1/nodes/cp-1/var/lib/kubelet/pki/kubelet-client-current.pem"),
        (3, "prod-1-g1/cluster/users/a%2Fb@c.conf"),
    ] {
        let mut changed = members(&bundle);
        changed[number].push(0);
        let outcome = read(&pack(&changed));
        assert!(matches!(outcome.result, Err(BundleError::MemberContinues { after }) if after == last), "{last}");
        assert_eq!(outcome.parts.len(), number.saturating_sub(1));
    }
}

#[test]
fn refuses_other_archives() {
    let plain = members(&bundle()).concat();
    assert!(matches!(refusal(&plain), BundleError::GzipHeader));
    assert!(matches!(refusal(b""), BundleError::Truncated));
    let mut named = bundle();
    named[3] = 8;
    assert!(matches!(refusal(&named), BundleError::GzipHeader));
    for path in ["README", "a/b.txt", "nodes\u{1b}[2J"] {
        let error = refusal(&pack(&[entry(path, b"")]));
        assert!(matches!(&error, BundleError::NotABundle { found } if !found.contains('\u{1b}')), "{error:?}");
    }
}

#[test]
fn says_nothing_more_after_an_error() {
    let mut members = members(&bundle());
    members[2][600] ^= 1;
    let (archive, key) = (pack(&members), public_key(1));
    let mut reader = Reader::open(&*archive, &key).ok().unwrap();
    assert!(reader.next_part().is_ok_and(|part| part.is_some()));
    assert!(matches!(reader.next_part().err(), Some(BundleError::Signature { .. })));
    assert!(matches!(reader.next_part().err(), Some(BundleError::AfterError)));
    assert!(matches!(reader.finish(), Err(BundleError::AfterError)));
    let mut reader = Reader::open(&*archive, &key).ok().unwrap();
    let each_part = |reader: &mut Reader<'_, &[u8]>| reader.each_part(usize::MAX, |_| (), |_, ()| ()).err();
    assert!(matches!(each_part(&mut reader), Some(BundleError::Signature { .. })));
    assert!(matches!(each_part(&mut reader), Some(BundleError::AfterError)));
    assert!(matches!(reader.finish(), Err(BundleError::AfterError)));
}

#[test]
fn finishes_only_at_the_end() {
    let bundle = bundle();
    let key = public_key(1);
    let reader = Reader::open(&*bundle, &key).ok().unwrap();
    assert_eq!(reader.finish().unwrap().parts(), 3);
    let cut = &bundle[..bundle.len() - 1];
    let mut reader = Reader::open(cut, &key).ok().unwrap();
    for _ in 0..3 {
        assert!(reader.next_part().is_ok_and(|part| part.is_some()));
    }
    assert!(matches!(reader.finish(), Err(BundleError::Truncated)));
}
