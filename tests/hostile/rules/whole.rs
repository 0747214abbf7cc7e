//! The whole: one index or none, all its parts, nothing that is neither bundle nor slice.

use super::Case;
use crate::hostile::archive::{Entry, gzip, pack, tar};
use crate::hostile::bundle::{Bundle, END, TOP, first_member, signed, tars};

const INDEXES: &str = "two indexes";
const SHAPE: &str = "neither a bundle nor a slice";

pub fn cases() -> Vec<Case> {
    [indexes(), shapes()].into_iter().flatten().collect()
}

fn indexes() -> Vec<Case> {
    let genuine = Bundle::genuine();
    let index = genuine.index();
    let members = genuine.tars();
    let second = tar(&first_member(index.as_bytes()));
    let at = |place: usize| {
        let mut members = members.clone();
        members.insert(place, second.clone());
        pack(&members)
    };
    let inside = |place: usize| {
        let mut members = genuine.members();
        for entry in signed(&format!("{TOP}/manifest.json"), index.as_bytes()).into_iter().rev() {
            members[0].insert(place, entry);
        }
        pack(&tars(&members))
    };
    let mut in_part = genuine.members();
    in_part[1].splice(0..0, signed(&format!("{TOP}/manifest.json"), index.as_bytes()));
    let mut behind_slice = vec![members[1].clone(), second.clone(), END.to_vec()];
    let behind = pack(&behind_slice);
    behind_slice.swap(0, 1);
    vec![
        Case::new(INDEXES, "one after the other", at(1), format!("{TOP}/ stands where {TOP}/nodes/cp-1.json belongs")),
        Case::new(INDEXES, "one among the parts", at(2), format!("{TOP}/ stands where {TOP}/nodes/w-1.json belongs")),
        Case::new(INDEXES, "one behind the parts", at(4), format!("{TOP}/ belongs to no part of its index")),
        Case::new(
            INDEXES,
            "both in the first part",
            inside(3),
            format!("{TOP}/manifest.json stands where {TOP}/nodes/ belongs"),
        ),
        Case::new(
            INDEXES,
            "both in the first part, at its end",
            inside(4),
            format!("something follows {TOP}/nodes/ in its part"),
        ),
        Case::new(
            INDEXES,
            "one within a part",
            pack(&tars(&in_part)),
            format!("{TOP}/manifest.json stands where {TOP}/nodes/cp-1.json belongs"),
        ),
        Case::new(INDEXES, "one behind a slice", behind, format!("{TOP}/ belongs to no part of its index")),
        Case::new(INDEXES, "one before a slice", pack(&behind_slice), "the part node/w-1 is missing"),
    ]
}

fn shapes() -> Vec<Case> {
    let genuine = Bundle::genuine();
    let members = genuine.tars();
    let begins = |path: &str| format!("it begins with {path:?}, like neither a bundle nor a slice");
    let file = |path: &str| pack(&[Entry::file(path, 0o644, b"").bytes(), END.to_vec()]);
    let mut without_folder = genuine.members();
    without_folder[0].remove(0);
    let mut without_index = genuine.members();
    without_index[0].truncate(1);
    let none = Bundle { parts: Vec::new(), ..genuine.clone() };
    let none_reason = format!("{TOP}/manifest.json is rightly signed but not valid: it has no parts");
    vec![
        Case::new(SHAPE, "an index of no parts", none.packed(), none_reason),
        Case::new(SHAPE, "some tar archive", file("README"), begins("README")),
        Case::new(
            SHAPE,
            "some tar archive with a folder",
            pack(&[[Entry::folder("a/").bytes(), Entry::file("a/b", 0o644, b"").bytes()].concat(), END.to_vec()]),
            begins("a/b"),
        ),
        Case::new(
            SHAPE,
            "no folder before the index",
            pack(&tars(&without_folder)),
            "lab-g1/manifest.json is rightly signed but not valid: line 8, column 11: unknown field `partial`, expected one of `addresses`, `certificates_dir`, `cluster`, `cluster_id`, `files`, `format`, `generation`, `issued_at`, `kubernetes`, `names`, `part`, `phase`, `role`, `rotation`, `trust_only`",
        ),
        Case::new(
            SHAPE,
            "a folder alone",
            pack(&tars(&without_index)),
            "its compressed data ends before manifest.json does",
        ),
        Case::new(SHAPE, "two zero blocks alone", pack(&[END.to_vec()]), begins("")),
        Case::new(
            SHAPE,
            "a tar archive that is not packed",
            tar(&genuine.members().concat()),
            "it is not gzip as a bundle is",
        ),
        Case::new(SHAPE, "nothing", Vec::new(), "it ends too early"),
        Case::new(SHAPE, "a member of nothing", gzip(b""), "a part of it is empty"),
        Case::new(SHAPE, "a zip archive", b"PK\x03\x04\x14\0\0\0\x08\0".to_vec(), "it is not gzip as a bundle is"),
        Case::new(SHAPE, "xz", b"\xfd7zXZ\0\0\x04\xe6\xd6".to_vec(), "it is not gzip as a bundle is"),
        Case::new(
            SHAPE,
            "the end before the parts",
            pack(&[&members[..1], &members[4..], &members[1..4]].concat()),
            "bytes follow its end",
        ),
        Case::new(
            SHAPE,
            "the record's path is no node's",
            file("lab-g1/x.json"),
            "its compressed data ends before lab-g1/x.json.sig does",
        ),
    ]
}
