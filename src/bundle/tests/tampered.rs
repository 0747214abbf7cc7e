//! A bundle that somebody changed on the way: every byte, every length, every entry, every member.

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::{
    BundleError, File, KUBELET_CLIENT_LINK, Mode, Part, Role, Sha256, bundle, description, entries, file, head,
    members, owner, pack, read, refusal, write,
};

/// Returns the parts of the true bundle.
fn truth() -> Vec<(Sha256, Sha256)> {
    read(&bundle()).parts
}

/// Returns every kind of entry in as few bytes as possible, because tens of thousands of copies are read.
fn small_bundle() -> Vec<u8> {
    let store = "a.pem";
    let files = vec![
        file(&format!("var/lib/kubelet/pki/{store}"), Mode::Private, b"a key\n"),
        File::Link { path: KUBELET_CLIENT_LINK.to_owned(), target: store.to_owned() },
    ];
    let part = Part::new(owner("w", Role::Worker), files).ok().unwrap();
    write(description(head()), &[part]).0
}

/// Checks that the reader refuses the bytes, and before that returns only true parts, in order.
fn assert_refused(bytes: &[u8], truth: &[(Sha256, Sha256)], change: &str) {
    let outcome = read(bytes);
    assert!(outcome.result.is_err(), "{change}: taken");
    assert!(truth.starts_with(&outcome.parts), "{change}: gave out what is not true");
}

#[test]
fn takes_what_was_not_tampered_with() {
    let bundle = bundle();
    assert_eq!(read(&bundle).result.unwrap().parts(), 3);
    assert_eq!(read(&pack(&members(&bundle))).parts, truth());
    for member in &members(&bundle)[..4] {
        assert_eq!(entries(member).concat(), *member);
    }
}

#[test]
fn refuses_every_changed_byte_of_the_tar_stream() {
    let bundle = small_bundle();
    let (members, truth) = (members(&bundle), read(&bundle).parts);
    for number in 0..members.len() {
        (0..members[number].len()).into_par_iter().for_each(|index| {
            for mask in [0x01, 0x80] {
                let mut tampered = members.clone();
                tampered[number][index] ^= mask;
                assert_refused(&pack(&tampered), &truth, &format!("member {number}, byte {index} ^ {mask:#x}"));
            }
        });
    }
}

/// Compressed data is not unique. Some bits can change, for instance in the padding of the last byte, and the data
/// still unpacks to the same. Then it is the same bundle. Everything else is refused.
#[test]
fn refuses_every_changed_byte_of_the_file_or_unpacks_to_the_same() {
    let (bundle, truth) = (bundle(), truth());
    let content = read(&bundle).result.unwrap().content_sha256();
    let taken: Vec<usize> = (0..bundle.len())
        .into_par_iter()
        .map(|index| {
            [0x01, 0x80]
                .into_iter()
                .filter(|mask| {
                    let mut tampered = bundle.clone();
                    tampered[index] ^= mask;
                    let outcome = read(&tampered);
                    assert!(truth.starts_with(&outcome.parts), "byte {index} ^ {mask:#x}");
                    outcome.result.is_ok_and(|archive| {
                        assert_eq!(archive.content_sha256(), content, "byte {index} ^ {mask:#x}");
                        assert_eq!(members(&tampered), members(&bundle), "byte {index} ^ {mask:#x}");
                        true
                    })
                })
                .count()
        })
        .collect();
    let taken: usize = taken.iter().sum();
    assert!(taken * 50 < bundle.len(), "{taken} changes of {} bytes unpack to the same", bundle.len());
}

#[test]
fn refuses_every_length_but_its_own() {
    let (bundle, truth) = (bundle(), truth());
    (0..bundle.len()).into_par_iter().for_each(|length| {
        assert_refused(&bundle[..length], &truth, &format!("cut to {length} bytes"));
    });
    let end = &pack(&[vec![0; 1024]]);
    let empty = &pack(&[Vec::new()]);
    for more in [&[0][..], b"\n", &[0; 512], end, empty, &bundle] {
        let longer = [&bundle, more].concat();
        assert!(matches!(refusal(&longer), BundleError::TrailingBytes));
    }
}

#[test]
fn refuses_missing_doubled_exchanged_and_foreign_entries() {
    let (members, truth) = (members(&bundle()), truth());
    // Index, control plane, worker, cluster. The end has no entries.
    for number in 0..4 {
        let own = entries(&members[number]);
        let refused = |changed: Vec<Vec<u8>>, change: &str| {
            let mut tampered = members.clone();
            tampered[number] = changed.concat();
            assert_refused(&pack(&tampered), &truth, &format!("member {number}: {change}"));
        };
        for index in 0..own.len() {
            let mut changed = own.clone();
            changed.remove(index);
            refused(changed, &format!("entry {index} missing"));
            for place in 0..=own.len() {
                let mut changed = own.clone();
                changed.insert(place, own[index].clone());
                refused(changed, &format!("entry {index} once more at {place}"));
            }
            for other in index + 1..own.len() {
                let mut changed = own.clone();
                changed.swap(index, other);
                refused(changed, &format!("entries {index} and {other} exchanged"));
            }
            for other in (0..4).filter(|other| *other != number) {
                for foreign in entries(&members[other]) {
                    let mut changed = own.clone();
                    changed[index] = foreign.clone();
                    refused(changed, &format!("entry {index} from member {other}"));
                    let mut changed = own.clone();
                    changed.insert(index, foreign);
                    refused(changed, &format!("entry of member {other} before {index}"));
                }
            }
        }
        let mut changed = own.clone();
        changed.push(vec![0; 512]);
        refused(changed, "a zero block after the last entry");
    }
}

#[test]
fn refuses_missing_doubled_and_exchanged_members() {
    let (members, truth) = (members(&bundle()), truth());
    for index in 0..members.len() {
        let mut changed = members.clone();
        changed.remove(index);
        assert_refused_in_any_order(&pack(&changed), &truth, &format!("member {index} missing"));
        for place in 0..=members.len() {
            let mut changed = members.clone();
            changed.insert(place, members[index].clone());
            assert_refused_in_any_order(&pack(&changed), &truth, &format!("member {index} once more at {place}"));
        }
        for other in index + 1..members.len() {
            let mut changed = members.clone();
            changed.swap(index, other);
            assert_refused_in_any_order(&pack(&changed), &truth, &format!("members {index} and {other} exchanged"));
        }
    }
}

/// Checks that the reader refuses the bytes, and before that returns only true parts, in any order: an archive that
/// does not begin with the index begins like the slice of any true part.
fn assert_refused_in_any_order(bytes: &[u8], truth: &[(Sha256, Sha256)], change: &str) {
    let outcome = read(bytes);
    assert!(outcome.result.is_err(), "{change}: taken");
    assert!(outcome.parts.iter().all(|part| truth.contains(part)), "{change}: gave out what is not true");
}

#[test]
fn refuses_other_cuts_between_members() {
    let (members, truth) = (members(&bundle()), truth());
    for index in 0..members.len() {
        for cut in (0..=members[index].len()).step_by(256) {
            let mut changed = members.clone();
            let rest = changed[index].split_off(cut);
            changed.insert(index + 1, rest);
            assert_refused(&pack(&changed), &truth, &format!("member {index} cut at {cut}"));
        }
        if index + 1 < members.len() {
            let mut changed = members.clone();
            let next = changed.remove(index + 1);
            changed[index].extend_from_slice(&next);
            assert_refused(&pack(&changed), &truth, &format!("members {index} and {} merged", index + 1));
            // A block moves over the boundary between two members.
            let mut changed = members.clone();
            let block: Vec<u8> = changed[index + 1].drain(..512).collect();
            changed[index].extend_from_slice(&block);
            assert_refused(&pack(&changed), &truth, &format!("block moved to member {index}"));
        }
    }
    assert_refused(&pack(&[members.concat()]), &truth, "one member");
}

#[test]
fn refuses_other_ends() {
    let members = members(&bundle());
    for end in [vec![0; 512], vec![0; 1023], vec![0; 1025], vec![0; 1536], vec![0; 10240], Vec::new()] {
        let mut changed = members.clone();
        let length = end.len();
        *changed.last_mut().unwrap() = end;
        let error = refusal(&pack(&changed));
        assert!(matches!(error, BundleError::End | BundleError::MemberEnds { .. }), "{length}: {error:?}");
    }
}

/// No input makes the reader panic, and nothing is accepted that is not signed.
#[test]
fn survives_noise() {
    let (bundle, truth) = (bundle(), truth());
    let members = members(&bundle);
    (0..2000_u64).into_par_iter().for_each(|seed| {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut random = |limit: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % limit
        };
        let mut tampered = members.clone();
        for _ in 0..=random(4) {
            let number = random(tampered.len());
            let member = &mut tampered[number];
            let place = random(member.len());
            match random(3) {
                0 => member[place] = member[place].wrapping_add(1 + random(255) as u8),
                1 => member.truncate(place + 1),
                _ => member[place..].reverse(),
            }
        }
        if tampered != members {
            assert_refused(&pack(&tampered), &truth, &format!("seed {seed}"));
        }
        let noise: Vec<u8> = (0..random(3000)).map(|_| random(256) as u8).collect();
        assert_refused(&noise, &truth, "noise");
        assert_refused(&pack(&[noise]), &truth, "packed noise");
    });
}
