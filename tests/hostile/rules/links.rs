//! Links: the one that a kubelet needs, and no other, in no other form.

use super::Case;
use crate::hostile::archive::{Entry, field, pack};
use crate::hostile::bundle::{Bundle, LINK, Part, STORE, TOP, at, link_row, row, rows, tars, tree};

const SYMBOLIC: &str = "symbolic links that lead elsewhere";
const PLACE: &str = "links that are not in the format";
const HARD: &str = "hard links";

pub fn cases() -> Vec<Case> {
    [recorded(), in_headers()].into_iter().flatten().collect()
}

fn recorded() -> Vec<Case> {
    let targets = [
        "/etc/shadow",
        "../../../../outside",
        "../pki/kubelet-client-2025-01-01-00-00-00.pem",
        "./kubelet-client-2025-01-01-00-00-00.pem",
        "absent",
        "",
        "kubelet-client-current.pem",
        "..",
        "kubelet-client-2025-01-01-00-00-00.pem/",
        "kubelet-client-2025-01-01-00-00-00.pem\\n",
    ];
    let elsewhere = targets.map(|target| {
        let mut rows = rows();
        rows[3] = link_row(LINK, target);
        let mut tree = tree();
        tree[5] = Entry::link(&at(LINK), target);
        let archive = Bundle::genuine().with(Part::control_plane(&rows, tree)).packed();
        Case::new(SYMBOLIC, format!("recorded to {target:?}"), archive, not_the_kubelets("nodes/cp-1", LINK, target))
    });
    let places = ["etc/kubernetes/pki/ca.crt", "var/lib/kubelet/pki/kubelet-client-current", "x"].map(|path| {
        let rows = [link_row(path, STORE), row("zzz/store", "0600", b"")];
        let tree = vec![Entry::link(&at(path), STORE), Entry::file(&at("zzz/store"), 0o600, b"")];
        let archive = Bundle::genuine().with(Part::control_plane(&rows, tree)).packed();
        Case::new(PLACE, format!("recorded at {path}"), archive, not_the_kubelets("nodes/cp-1", path, STORE))
    });
    // A file that would be written through a folder that is a link.
    let through = [link_row(LINK, STORE), row(&format!("{LINK}/x"), "0600", b"")];
    let through = Bundle::genuine().with(Part::control_plane(&through, Vec::new())).packed();
    let through_reason = format!("{TOP}/nodes/cp-1.json is rightly signed but not valid: {LINK:?} stands twice");
    // Each link is looked for among all files: many links must not be many times many.
    let many = vec![link_row(LINK, STORE); 4000];
    let many = Bundle::genuine().with(Part::control_plane(&many, Vec::new())).packed();
    let mut in_cluster = Bundle::genuine();
    in_cluster.parts[2] =
        Part::cluster(&[row(&format!("var/lib/kubelet/pki/{STORE}"), "0600", b""), link_row(LINK, STORE)], vec![]);
    let cases = [
        Case::new(PLACE, "a file below a link", through, through_reason.clone()),
        Case::new(PLACE, "4,000 times the same link", many, through_reason),
        Case::new(PLACE, "in the cluster's part", in_cluster.packed(), not_the_kubelets("cluster", LINK, STORE)),
    ];
    elsewhere.into_iter().chain(places).chain(cases).collect()
}

fn not_the_kubelets(document: &str, path: &str, target: &str) -> String {
    // What stands in the record as an escape is shown as one.
    format!(
        "{TOP}/{document}.json is rightly signed but not valid: the link {path:?} to \"{target}\" is not the kubelet's (rule link)"
    )
}

/// The record is right; an entry is a link, or another one.
fn in_headers() -> Vec<Case> {
    let with = |number: usize, entry: Entry| {
        let mut members = Bundle::genuine().members();
        members[1][number] = entry;
        pack(&tars(&members))
    };
    let (note, link, folder) =
        (at("etc/kubernetes/certferry-restart-kube-apiserver.sh"), at(LINK), at("etc/kubernetes/"));
    let reason = |path: &str| format!("the header of {path} is not as its record says");
    let of_kind = |path: &str, kind: u8, target: &str| Entry::link(path, target).with(field::KIND, &[kind]);
    let note_entry = || Entry::file(&note, 0o644, b"");
    vec![
        Case::new(SYMBOLIC, "instead of a file", with(4, of_kind(&note, b'2', "/etc/passwd")), reason(&note)),
        Case::new(SYMBOLIC, "instead of a folder", with(3, Entry::link(&folder, "/etc/")), reason(&folder)),
        Case::new(SYMBOLIC, "another target than recorded", with(8, Entry::link(&link, "/etc/passwd")), reason(&link)),
        Case::new(
            SYMBOLIC,
            "a target with more behind its NUL",
            with(8, Entry::link(&link, "kubelet-client-2025-01-01-00-00-00.pem\0/x")),
            reason(&link),
        ),
        Case::new(SYMBOLIC, "a link with content", with(8, with_content(Entry::link(&link, STORE))), reason(&link)),
        Case::new(HARD, "instead of a file", with(4, of_kind(&note, b'1', "/etc/passwd")), reason(&note)),
        Case::new(
            HARD,
            "to a file of the archive",
            with(4, of_kind(&note, b'1', &at("etc/kubernetes/kubelet.conf"))),
            reason(&note),
        ),
        Case::new(HARD, "instead of the symbolic link", with(8, of_kind(&link, b'1', STORE)), reason(&link)),
        Case::new(
            HARD,
            "a file with a target",
            with(4, note_entry().with_size(7).with(field::LINK, b"/etc/passwd")),
            reason(&note),
        ),
    ]
}

fn with_content(mut entry: Entry) -> Entry {
    entry.content = b"/etc/passwd".to_vec();
    entry.with_size(11)
}
