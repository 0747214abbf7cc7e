//! Kinds of entries: files, folders, one link. Tar knows many more.

use super::Case;
use crate::hostile::archive::{Entry, field, pack};
use crate::hostile::bundle::{Bundle, at, tars};

const KINDS: [(&str, &str, u8); 19] = [
    ("devices", "a character device", b'3'),
    ("devices", "a block device", b'4'),
    ("fifos", "a fifo", b'6'),
    ("other kinds", "a contiguous file", b'7'),
    ("other kinds", "a file of old archives", 0),
    ("other kinds", "a folder", b'5'),
    ("GNU headers", "a long name", b'L'),
    ("GNU headers", "a long target", b'K'),
    ("GNU headers", "a sparse file", b'S'),
    ("GNU headers", "a part of a file", b'M'),
    ("GNU headers", "a folder's list", b'D'),
    ("GNU headers", "a volume's name", b'V'),
    ("GNU headers", "a long name of old", b'N'),
    ("PAX headers", "for one entry", b'x'),
    ("PAX headers", "for all that follow", b'g'),
    ("PAX headers", "Solaris' own", b'X'),
    ("other kinds", "Solaris' access control list", b'A'),
    ("other kinds", "an inode alone", b'I'),
    ("other kinds", "unknown", b'z'),
];

pub fn cases() -> Vec<Case> {
    [in_place(), before(), devices(), for_the_signed()].into_iter().flatten().collect()
}

/// Another kind in the header of a file.
fn in_place() -> Vec<Case> {
    let note = at("etc/kubernetes/certferry-restart-kube-apiserver.sh");
    let case = |(rule, name, kind): (&'static str, &str, u8)| {
        let mut members = Bundle::genuine().members();
        members[1][4] = members[1][4].clone().with(field::KIND, &[kind]);
        Case::new(
            rule,
            format!("{name} instead of a file"),
            pack(&tars(&members)),
            format!("the header of {note} is not as its record says"),
        )
    };
    KINDS.map(case).into()
}

/// An entry that changes what the next one means.
fn before() -> Vec<Case> {
    let note = at("etc/kubernetes/certferry-restart-kube-apiserver.sh");
    let outside = b"../../../outside\0";
    let extensions: [(&'static str, &str, Entry); 5] = [
        ("GNU headers", "././@LongLink", Entry::file("././@LongLink", 0o644, outside).with(field::KIND, b"L")),
        (
            "GNU headers",
            "././@LongLink for a target",
            Entry::file("././@LongLink", 0o644, outside).with(field::KIND, b"K"),
        ),
        ("PAX headers", "PaxHeaders/note", pax("PaxHeaders/note", b'x', "27 path=../../../outside\n")),
        ("PAX headers", "pax_global_header", pax("pax_global_header", b'g', "27 path=../../../outside\n")),
        ("PAX headers", "a size of 8 GiB", pax("PaxHeaders/size", b'x', "19 size=8589934592\n")),
    ];
    let case = |(rule, name, entry): (&'static str, &str, Entry)| {
        let mut members = Bundle::genuine().members();
        let path = String::from_utf8_lossy(&entry.header[..100]).trim_end_matches('\0').to_owned();
        members[1].insert(4, entry);
        Case::new(
            rule,
            format!("{name} before a file"),
            pack(&tars(&members)),
            format!("{path} stands where {note} belongs"),
        )
    };
    let mut cases: Vec<_> = extensions.map(case).into();
    // As the first entry of all, where no record says yet what belongs there.
    let mut members = Bundle::genuine().members();
    members[0].insert(0, pax("pax_global_header", b'g', "27 path=../../../outside\n"));
    let reason = "it begins with \"pax_global_header\", like neither a bundle nor a slice";
    cases.push(Case::new("PAX headers", "before everything", pack(&tars(&members)), reason));
    cases
}

fn pax(path: &str, kind: u8, record: &str) -> Entry {
    Entry::file(path, 0o644, record.as_bytes()).with(field::KIND, &[kind])
}

/// A device that has its numbers, and a file that has some.
fn devices() -> Vec<Case> {
    let note = at("etc/kubernetes/certferry-restart-kube-apiserver.sh");
    let case = |name: &str, kind: u8| {
        let mut members = Bundle::genuine().members();
        let entry = members[1][4].clone().with(field::KIND, &[kind]);
        // /dev/sda.
        members[1][4] = entry.with(field::MAJOR, b"0000010\x000000000\0");
        let reason = format!("the header of {note} is not as its record says");
        Case::new("devices", name, pack(&tars(&members)), reason)
    };
    vec![case("a disk", b'4'), case("a file with a device's numbers", b'0')]
}

/// The record itself, its signature, the index, the folders: nothing vouches for their headers but the format.
fn for_the_signed() -> Vec<Case> {
    let places = [
        (0, 0, "lab-g1/"),
        (0, 1, "lab-g1/manifest.json"),
        (0, 2, "lab-g1/manifest.json.sig"),
        (0, 3, "lab-g1/nodes/"),
        (1, 0, "lab-g1/nodes/cp-1.json"),
        (1, 1, "lab-g1/nodes/cp-1.json.sig"),
        (1, 2, "lab-g1/nodes/cp-1/"),
        (1, 3, "lab-g1/nodes/cp-1/etc/kubernetes/"),
    ];
    let case = |(member, number, path): (usize, usize, &str)| {
        let mut members = Bundle::genuine().members();
        members[member][number] = members[member][number].clone().with(field::KIND, b"6");
        let reason = format!("the header of {path} is not as its record says");
        Case::new("fifos", format!("instead of {path}"), pack(&tars(&members)), reason)
    };
    places.map(case).into()
}
