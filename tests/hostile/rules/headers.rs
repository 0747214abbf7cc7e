//! Fields of headers: modes, owners, times, checksums, in the one spelling they have.

use super::Case;
use crate::hostile::archive::{Entry, field, pack};
use crate::hostile::bundle::{Bundle, Part, TOP, at, row, rows, tars, tree};

const MODES: &str = "setuid and other modes";
const OWNERS: &str = "foreign owners";
const CHECKSUMS: &str = "wrong checksums";
const SPELLING: &str = "the one spelling of a header";

pub fn cases() -> Vec<Case> {
    [of_the_note(), of_folders(), recorded_modes()].into_iter().flatten().collect()
}

fn of_the_note() -> Vec<Case> {
    let note = at("etc/kubernetes/certferry-restart-kube-apiserver.sh");
    let fields: [(&'static str, &str, usize, &[u8]); 24] = [
        (MODES, "setuid", field::MODE, b"0004755\0"),
        (MODES, "setgid", field::MODE, b"0002644\0"),
        (MODES, "sticky", field::MODE, b"0001644\0"),
        (MODES, "executable", field::MODE, b"0000755\0"),
        (MODES, "a secret for everybody", field::MODE, b"0000666\0"),
        (MODES, "the type in the mode", field::MODE, b"0100644\0"),
        (MODES, "not octal", field::MODE, b"0000648\0"),
        (OWNERS, "a user's number", field::UID, b"0001750\0"),
        (OWNERS, "a group's number", field::GID, b"0001750\0"),
        (OWNERS, "a number of many bits", field::UID, b"\x80\0\0\0\0\0\0\x01"),
        (OWNERS, "a user's name", field::USER, b"nobody\0"),
        (OWNERS, "a group's name", field::GROUP, b"nogroup\0"),
        (OWNERS, "root by name", field::USER, b"root\0"),
        (SPELLING, "another time", field::MTIME, b"15300430201\0"),
        (SPELLING, "a time before 1970", field::MTIME, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
        (SPELLING, "a size behind spaces", field::SIZE, b"          7\0"),
        (SPELLING, "a size without NUL", field::SIZE, b"00000000007 "),
        (SPELLING, "a mode behind spaces", field::MODE, b"   644 \0"),
        (SPELLING, "GNU's magic", field::MAGIC, b"ustar  \0"),
        (SPELLING, "no magic", field::MAGIC, b"\0\0\0\0\0\0\0\0"),
        (SPELLING, "another version", field::MAGIC, b"ustar\x0001"),
        (SPELLING, "device numbers of zeros", field::MAJOR, b"0000000\x000000000\0"),
        (SPELLING, "something behind the fields", 500, b"x"),
        (SPELLING, "a real size behind GNU's", 483, b"00000000007\0"),
    ];
    let case = |(rule, name, at, bytes): (&'static str, &str, usize, &[u8])| {
        Case::new(rule, name, with_note(|entry| entry.with(at, bytes)), not_as_recorded(&note))
    };
    let checksums: [(&str, &[u8]); 6] = [
        ("of another header", b"000000\0 "),
        ("empty", b"\0\0\0\0\0\0\0\0"),
        ("spaces", b"        "),
        ("not octal", b"009999\0 "),
        ("negative", b"-00001\0 "),
        ("of many bits", b"\x80\0\0\0\0\0\x10\0"),
    ];
    let checksum = |(name, bytes): (&str, &[u8])| {
        let archive = with_note(|entry| entry.with_unsealed(field::CHECKSUM, bytes));
        Case::new(CHECKSUMS, name, archive, not_as_recorded(&note))
    };
    // The right sum in the spelling of other programs.
    let respelled = with_note(|entry| {
        let digits = [b"0", &entry.header[field::CHECKSUM..][..6], b"\0"].concat();
        entry.with_unsealed(field::CHECKSUM, &digits)
    });
    let respelled = Case::new(CHECKSUMS, "seven digits", respelled, not_as_recorded(&note));
    fields.map(case).into_iter().chain(checksums.map(checksum)).chain([respelled]).collect()
}

fn with_note(change: impl FnOnce(Entry) -> Entry) -> Vec<u8> {
    let mut members = Bundle::genuine().members();
    members[1][4] = change(members[1][4].clone());
    pack(&tars(&members))
}

fn not_as_recorded(path: &str) -> String {
    format!("the header of {path} is not as its record says")
}

/// A folder's mode would be put on a folder of the host.
fn of_folders() -> Vec<Case> {
    let case = |name: &str, mode: &[u8]| {
        let mut members = Bundle::genuine().members();
        members[1][3] = members[1][3].clone().with(field::MODE, mode);
        Case::new(MODES, name, pack(&tars(&members)), not_as_recorded(&at("etc/kubernetes/")))
    };
    let mut cases = vec![case("a folder for everybody", b"0000777\0"), case("a folder with setgid", b"0002755\0")];
    // `etc` and `var` are the host's own.
    for folder in ["", "etc/", "etc/kubernetes/pki/"] {
        let mut members = Bundle::genuine().members();
        let folder = at(folder);
        members[1].insert(3, Entry::folder(&folder));
        let reason = format!("{folder} stands where {} belongs", at("etc/kubernetes/"));
        cases.push(Case::new(MODES, format!("an entry for {folder}"), pack(&tars(&members)), reason));
    }
    cases
}

fn recorded_modes() -> Vec<Case> {
    let modes = ["4755", "2644", "0755", "0777", "0666", "0400", "644", "00644", "0o644", "-rw-r--r--", ""];
    let case = |mode: &str| {
        let (mut rows, mut tree) = (rows(), tree());
        rows[0] = row("etc/kubernetes/certferry-restart-kube-apiserver.sh", mode, b"a note\n");
        let bits = u32::from_str_radix(mode, 8).unwrap_or(0o644);
        tree[1] = Entry::file(&at("etc/kubernetes/certferry-restart-kube-apiserver.sh"), bits, b"a note\n");
        let archive = Bundle::genuine().with(Part::control_plane(&rows, tree)).packed();
        let problem = format!("{TOP}/nodes/cp-1.json is rightly signed but not valid: mode cannot be {mode:?}");
        Case::new(MODES, format!("recorded as {mode:?}"), archive, problem)
    };
    modes.map(case).into()
}
