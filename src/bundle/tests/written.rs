//! The promises of the writer: the same bytes however it runs, and no bundle that a reader would refuse.

use std::io::Cursor;

use super::{
    Description, Mode, Part, PartOwner, Role, collect, description, file, head, owner, parts, read, sign, write,
};
use crate::bundle::{ArchiveKind, RecordError, Sha256, WriteError, Writer};
use crate::kubernetes::PartName;
use crate::sign::SigningFailed;

/// Returns a part that a closure can make again and again.
fn worker(number: usize) -> Part {
    let files = vec![file("etc/kubernetes/kubelet.conf", Mode::Private, number.to_string().repeat(1000).as_bytes())];
    Part::new(owner(&format!("w-{number:03}"), Role::Worker), files).ok().unwrap()
}

fn problem(parts: &[Part]) -> Option<WriteError> {
    collect(description(head()), parts).err()
}

#[test]
fn writes_the_same_bytes_with_any_number_of_threads() {
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut bytes = Vec::new();
            let mut writer = Writer::new(description(head()), Cursor::new(Vec::new())).ok().unwrap();
            // Nothing shows how many were added together.
            writer.add(70, |number| Ok(worker(number)), &sign).unwrap();
            writer.add(30, |number| Ok(worker(number + 70)), &sign).unwrap();
            writer.finish().ok().unwrap().write(&sign, &mut bytes).unwrap();
            bytes
        })
    };
    let bytes = run(1);
    assert_eq!(run(3), bytes);
    assert_eq!(read(&bytes).result.unwrap().parts(), 100);
}

#[test]
fn knows_records_and_index_before_it_writes() {
    let parts = parts();
    let collected = collect(description(head()), &parts).ok().unwrap();
    let (bytes, _) = write(description(head()), &parts);
    assert_eq!(collected.file_name(), "prod-1-g1.tar.gz");
    let records: Vec<Sha256> = collected.into_index().parts.iter().map(|(_, sha256)| *sha256).collect();
    assert_eq!(records, read(&bytes).parts.iter().map(|(record, _)| *record).collect::<Vec<_>>());
}

#[test]
fn writes_a_partial_bundle_with_the_same_parts() {
    let all = parts();
    let description = Description { partial: true, ..description(head()) };
    let mut collected = collect(description, &all[1..2]).ok().unwrap();
    let mut bytes = Vec::new();
    collected.write(&sign, &mut bytes).unwrap();
    let digits = &collected.index_sha256().to_string()[..8];
    assert_eq!(collected.file_name(), format!("prod-1-g1-only-{digits}.tar.gz"));
    assert_eq!(read(&bytes).result.unwrap().kind(), ArchiveKind::Partial);
    let (whole, _) = write(super::description(head()), &all);
    assert_eq!(super::members(&bytes)[1], super::members(&whole)[2]);
}

#[test]
fn refuses_parts_in_another_order() {
    let [control_plane, worker, cluster] = <[Part; 3]>::try_from(parts()).ok().unwrap();
    let parts = [worker, control_plane, cluster];
    let Some(WriteError::Record { part: None, problem: RecordError::PartOrder { part, after } }) = problem(&parts)
    else {
        panic!("taken")
    };
    assert_eq!((part.to_string(), after.to_string()), ("node/cp-1".to_owned(), "node/worker-001".to_owned()));
    assert!(matches!(problem(&[]), Some(WriteError::Record { problem: RecordError::NoParts, .. })));
}

#[test]
fn refuses_paths_that_ustar_cannot_hold() {
    let too_long = "x".repeat(101);
    let part = Part::new(owner("w", Role::Worker), vec![file(&too_long, Mode::Public, b"")]).ok().unwrap();
    match problem(&[part]) {
        Some(WriteError::PathTooLong { path }) => assert_eq!(path, format!("prod-1-g1/nodes/w/{too_long}")),
        _ => panic!("taken"),
    }
    let longer = Part::new(owner("w", Role::Worker), vec![file(&"x/".repeat(128), Mode::Public, b"")]).err();
    assert!(matches!(longer, Some(RecordError::Path { .. })));
    let longer = Part::new(owner("w", Role::Worker), vec![file(&"x/y".repeat(128), Mode::Public, b"")]).err();
    assert!(matches!(longer, Some(RecordError::PathTooLong { limit: 256, .. })));
    // `nodes/<name>.json.sig` ends in a single component, which 91 bytes of name fill.
    let name = |length: usize| format!("{}.{}", "a".repeat(60), "b".repeat(length - 61));
    let part = |length| Part::new(owner(&name(length), Role::Worker), Vec::new()).ok().unwrap();
    assert!(problem(&[part(91)]).is_none());
    assert!(matches!(problem(&[part(92)]), Some(WriteError::PathTooLong { .. })));
    let (bytes, _) = write(description(head()), &[part(91)]);
    assert!(read(&bytes).result.is_ok());
}

#[test]
fn refuses_parts_larger_than_a_member() {
    let large = |count: usize| {
        let files = (0..count).map(|number| file(&format!("{number:02}"), Mode::Private, &[0; 4 << 20])).collect();
        [Part::new(PartOwner::Cluster, files).ok().unwrap()]
    };
    assert!(problem(&large(3)).is_none());
    // 16 MiB of content leave no room for the headers.
    match problem(&large(4)) {
        Some(WriteError::TooLarge { part: Some(PartName::Cluster), limit, .. }) => assert_eq!(limit, 16 << 20),
        _ => panic!("taken"),
    }
}

#[test]
fn passes_on_failures_of_key_body_and_output() {
    let failing = |_: &str, _: &[u8]| Err(SigningFailed::Key);
    let mut writer = Writer::new(description(head()), Cursor::new(Vec::new())).ok().unwrap();
    match writer.add(1, |number| Ok(worker(number)), &failing) {
        Err(WriteError::Signing { path, .. }) => assert_eq!(path, "prod-1-g1/nodes/w-000.json"),
        other => panic!("{other:?}"),
    }
    let mut full = [0; 100];
    let mut writer = Writer::new(description(head()), &mut full[..]).ok().unwrap();
    assert!(matches!(writer.add(1, |number| Ok(worker(number)), &sign), Err(WriteError::Output(_))));
    let mut collected = collect(description(head()), &[worker(0)]).ok().unwrap();
    match collected.write(&failing, Vec::new()) {
        Err(WriteError::Signing { path, .. }) => assert_eq!(path, "prod-1-g1/manifest.json"),
        other => panic!("{other:?}"),
    }
    let mut full = [0; 100];
    assert!(matches!(collected.write(&sign, &mut full[..]), Err(WriteError::Output(_))));
}
