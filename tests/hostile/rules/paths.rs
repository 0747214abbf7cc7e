//! Names: where a file would be written, if the record or the archive had its way.

use super::Case;
use crate::hostile::archive::{Entry, field};
use crate::hostile::bundle::{Bundle, Part, TOP, at, row, rows, tars, tree};

const ABSOLUTE: &str = "an absolute path";
const UPWARDS: &str = "`..` and the like";
const CHARACTERS: &str = "names beside the format's characters";
const TWINS: &str = "doubled and case-twin names";
const ORDER: &str = "the one order of entries";
const LENGTH: &str = "a path that ustar can hold";

pub fn cases() -> Vec<Case> {
    [recorded(), recorded_in_cluster(), twins(), in_headers()].into_iter().flatten().collect()
}

/// The record lists the path, the archive has it, everything is signed.
fn with_path(path: &str) -> Vec<u8> {
    let (mut rows, mut tree) = (rows(), tree());
    rows.push(row(path, "0644", b"hostile\n"));
    // The name of the entry itself when ustar can hold it.
    let full = at(&path.chars().take(150).collect::<String>());
    tree.push(Entry::file(&full, 0o644, b"hostile\n"));
    Bundle::genuine().with(Part::control_plane(&rows, tree)).packed()
}

fn invalid(document: &str, problem: &str) -> String {
    format!("{TOP}/{document}.json is rightly signed but not valid: {problem}")
}

fn recorded() -> Vec<Case> {
    let paths = [
        (ABSOLUTE, "/outside", "/outside"),
        (ABSOLUTE, "//outside", "//outside"),
        (UPWARDS, "../../../outside", "../../../outside"),
        (UPWARDS, "etc/../../../../outside", "etc/../../../../outside"),
        (UPWARDS, "..", ".."),
        (UPWARDS, "etc/..", "etc/.."),
        (UPWARDS, ".", "."),
        (UPWARDS, "etc/./x", "etc/./x"),
        (UPWARDS, "", ""),
        (UPWARDS, "etc//x", "etc//x"),
        (UPWARDS, "etc/x/", "etc/x/"),
        (CHARACTERS, "-rf", "-rf"),
        (CHARACTERS, "etc/--checkpoint-action=exec", "etc/--checkpoint-action=exec"),
        (CHARACTERS, "a b", "a b"),
        (CHARACTERS, "a\\\\..\\\\b", "a\\\\..\\\\b"),
        (CHARACTERS, "a\\nb", "a\\nb"),
        (CHARACTERS, "a\\u0000b", "a\\0b"),
        (CHARACTERS, "a\\u001b[2Jb", "a\\u{1b}[2Jb"),
        (CHARACTERS, "ü", "ü"),
        (CHARACTERS, "a\u{202e}b", "a\\u{202e}b"),
        (CHARACTERS, "a:b", "a:b"),
        (CHARACTERS, "a@b", "a@b"),
        (CHARACTERS, "%2Fetc", "%2Fetc"),
        (CHARACTERS, "C:\\\\x", "C:\\\\x"),
        (CHARACTERS, "$HOME", "$HOME"),
        (CHARACTERS, "*", "*"),
        (CHARACTERS, "~root", "~root"),
    ];
    let case = |(rule, path, shown): (&'static str, &str, &str)| {
        let problem = format!("the path \"{shown}\" cannot be in this part");
        Case::new(rule, format!("recorded as {path:?}"), with_path(path), invalid("nodes/cp-1", &problem))
    };
    let mut cases: Vec<_> = paths.into_iter().map(case).collect();
    let long = vec!["a"; 129].join("/");
    let problem = format!("the path \"{long}\" has 257 bytes, more than 256");
    cases.push(Case::new(LENGTH, "257 bytes", with_path(&long), invalid("nodes/cp-1", &problem)));
    // Kept once for each of its folders, it would take terabytes.
    let endless = "a/".repeat(1 << 20) + "a";
    let problem = format!("the path \"{}\"... has 2097153 bytes, more than 256", "a/".repeat(150));
    let archive = with_path(&endless);
    cases.push(Case::new(LENGTH, "a million folders in one path", archive, invalid("nodes/cp-1", &problem)));
    let path = format!("var/lib/kubelet/pki/kubelet-client-{}.pem", "1".repeat(82));
    let tree = vec![Entry::folder(&at("var/lib/kubelet/pki/")), Entry::file(&at(&path), 0o600, b"")];
    let part = Part::control_plane(&[row(&path, "0600", b"")], tree);
    let archive = Bundle::genuine().with(part).packed();
    let reason = format!("the path {} is too long", at(&path));
    cases.push(Case::new(LENGTH, "a name of 101 bytes", archive, reason));
    cases
}

/// The cluster's part has other names: escaped as in the label of a key.
fn recorded_in_cluster() -> Vec<Case> {
    let case = |path: &str| {
        let mut bundle = Bundle::genuine();
        let entry = Entry::file(&format!("{TOP}/cluster/{path}"), 0o600, b"c\n");
        bundle.parts[2] = Part::cluster(&[row(path, "0600", b"c\n")], vec![entry]);
        let problem = format!("the path {path:?} cannot be in this part");
        Case::new(CHARACTERS, format!("{path:?} in the cluster's part"), bundle.packed(), invalid("cluster", &problem))
    };
    ["/users/a", "../users/a", "users/a b", "users/%2f", "users/%41", "users/%2", "users/%2E%2E/x", "users/a/b/../c"]
        .map(case)
        .into()
}

fn twins() -> Vec<Case> {
    let cases: [(&'static str, &str, &[&str], &str); 8] = [
        (TWINS, "a file twice", &["etc/x", "etc/x"], r#""etc/x" stands twice"#),
        (TWINS, "a file and a folder", &["etc/x", "etc/x/y"], r#""etc/x" stands twice"#),
        (TWINS, "two files", &["etc/X", "etc/x"], r#""etc/x" and "etc/X" differ in case alone"#),
        (TWINS, "two folders", &["ETC/a", "etc/b"], r#""etc" and "ETC" differ in case alone"#),
        (TWINS, "a file and a folder in case", &["ETC", "etc/b"], r#""etc" and "ETC" differ in case alone"#),
        (TWINS, "far from each other", &["A/x", "B/x", "a/y"], r#""a" and "A" differ in case alone"#),
        (ORDER, "recorded backwards", &["b", "a"], r#""a" comes after "b""#),
        (ORDER, "recorded bytewise", &["a.x", "a/b"], r#""a/b" comes after "a.x""#),
    ];
    let case = |(rule, name, paths, problem): (&'static str, &str, &[&str], &str)| {
        let rows: Vec<_> = paths.iter().map(|path| row(path, "0644", b"")).collect();
        let tree = paths.iter().map(|path| Entry::file(&at(path), 0o644, b"")).collect();
        let archive = Bundle::genuine().with(Part::control_plane(&rows, tree)).packed();
        Case::new(rule, name, archive, invalid("nodes/cp-1", problem))
    };
    cases.map(case).into()
}

/// The record is right; the archive says something else in its place.
fn in_headers() -> Vec<Case> {
    let note = at("etc/kubernetes/certferry-restart-kube-apiserver.sh");
    let elsewhere = |path: &str| {
        let mut members = Bundle::genuine().members();
        // Record, signature, two folders, note.
        members[1][4] = Entry::file(path, 0o644, b"a note\n");
        crate::hostile::archive::pack(&tars(&members))
    };
    let moved = |rule, path: &str, shown: &str| {
        let reason = format!("{shown} stands where {note} belongs");
        Case::new(rule, format!("{path:?} in a header"), elsewhere(path), reason)
    };
    let mut cases = vec![
        moved(ABSOLUTE, "/outside", "/outside"),
        moved(ABSOLUTE, &format!("/{note}"), &format!("/{note}")),
        moved(UPWARDS, "../outside", "../outside"),
        moved(UPWARDS, &at("../../../../outside"), &at("../../../../outside")),
        moved(UPWARDS, &format!("./{note}"), &format!("./{note}")),
        moved(CHARACTERS, "a\nb", "a\\nb"),
        moved(CHARACTERS, "a\u{1b}[2J", "a\\x1b[2J"),
        moved(TWINS, &at("etc/kubernetes/NOTE"), &at("etc/kubernetes/NOTE")),
        moved(ORDER, &at("etc/kubernetes/kubelet.conf"), &at("etc/kubernetes/kubelet.conf")),
        moved(
            ORDER,
            &format!("{TOP}/nodes/w-1/etc/kubernetes/kubelet.conf"),
            &format!("{TOP}/nodes/w-1/etc/kubernetes/kubelet.conf"),
        ),
    ];
    // The same path, but not in the one form that it has.
    let (prefix, name) = note.split_at(TOP.len());
    let with_note = |change: &dyn Fn(Entry) -> Entry| {
        let mut members = Bundle::genuine().members();
        members[1][4] = change(members[1][4].clone());
        crate::hostile::archive::pack(&tars(&members))
    };
    let cut = |entry: Entry| {
        let entry = entry.with(field::NAME, &[0; 100]).with(field::NAME, &name.as_bytes()[1..]);
        entry.with(field::PREFIX, prefix.as_bytes())
    };
    let trailing = |entry: Entry| entry.with(field::NAME + note.len() + 1, b"/../../outside");
    let reason = format!("the header of {note} is not as its record says");
    cases.push(Case::new(LENGTH, "a short path cut into prefix and name", with_note(&cut), reason.clone()));
    cases.push(Case::new(CHARACTERS, "more behind the NUL of a name", with_note(&trailing), reason));
    cases
}
