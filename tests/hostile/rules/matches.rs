//! Records and files, index and records, signatures and documents: each must be the other's.

use super::Case;
use crate::hostile::archive::{Entry, pack, tar};
use crate::hostile::bundle::{
    Bundle, END, Part, TOP, at, first_member, rows, sha256, sign, sign_with_another_key, tars, tree,
};

const FILES: &str = "records that disagree with files";
const SIGNATURES: &str = "signatures";
const RECORDS: &str = "records that disagree with the index";
const GENERATIONS: &str = "phase and generation";
const FIELDS: &str = "what a record can say";

pub fn cases() -> Vec<Case> {
    [files(), signatures(), records(), heads(), fields()].into_iter().flatten().collect()
}

fn files() -> Vec<Case> {
    let note = at("etc/kubernetes/certferry-restart-kube-apiserver.sh");
    let with = |change: &dyn Fn(&mut Vec<Entry>)| {
        let mut members = Bundle::genuine().members();
        change(&mut members[1]);
        pack(&tars(&members))
    };
    let file = |content: &[u8]| Entry::file(&at("etc/kubernetes/certferry-restart-kube-apiserver.sh"), 0o644, content);
    let header = |path: &str| format!("the header of {} is not as its record says", at(path));
    let stands = |found: &str, expected: &str| format!("{} stands where {} belongs", at(found), at(expected));
    let store = "var/lib/kubelet/pki/kubelet.key";
    let secret = at("etc/kubernetes/kubelet.conf");
    let mut with_padding = Bundle::genuine().tars();
    // Record, signature and headers before it are in whole blocks; a record has 1233 bytes and more.
    let place = find(&with_padding[1], b"a note\n") + 7;
    with_padding[1][place] = b'!';
    vec![
        Case::new(
            FILES,
            "other content of the same size",
            with(&|entries| entries[4] = file(b"a Note\n")),
            format!("{note} has sha256 {}, its record says {}", sha256(b"a Note\n"), sha256(b"a note\n")),
        ),
        Case::new(
            FILES,
            "more content",
            with(&|entries| entries[4] = file(b"a note\n\n")),
            header("etc/kubernetes/certferry-restart-kube-apiserver.sh"),
        ),
        Case::new(
            FILES,
            "less content",
            with(&|entries| entries[4] = file(b"")),
            header("etc/kubernetes/certferry-restart-kube-apiserver.sh"),
        ),
        Case::new(
            FILES,
            "content that the header does not count",
            with(&|entries| entries[4] = file(b"a note\n").with_size(0)),
            header("etc/kubernetes/certferry-restart-kube-apiserver.sh"),
        ),
        Case::new(
            FILES,
            "another mode",
            with(&|entries| entries[5] = Entry::file(&secret, 0o644, b"a secret\n")),
            header("etc/kubernetes/kubelet.conf"),
        ),
        Case::new(
            FILES,
            "the first file is missing",
            with(&|entries| drop(entries.remove(4))),
            stands("etc/kubernetes/kubelet.conf", "etc/kubernetes/certferry-restart-kube-apiserver.sh"),
        ),
        Case::new(
            FILES,
            "the last file is missing",
            with(&|entries| drop(entries.pop())),
            format!("its compressed data ends before {} does", at(store)),
        ),
        Case::new(
            FILES,
            "a folder is missing",
            with(&|entries| drop(entries.remove(3))),
            stands("etc/kubernetes/certferry-restart-kube-apiserver.sh", "etc/kubernetes/"),
        ),
        Case::new(
            FILES,
            "the link is missing",
            with(&|entries| drop(entries.remove(8))),
            stands(store, crate::hostile::bundle::LINK),
        ),
        Case::new(
            FILES,
            "a file more in the middle",
            with(&|entries| entries.insert(5, Entry::file(&at("etc/kubernetes/other"), 0o644, b""))),
            stands("etc/kubernetes/other", "etc/kubernetes/kubelet.conf"),
        ),
        Case::new(
            FILES,
            "a file more at the end",
            with(&|entries| entries.push(Entry::file(&at("zzz"), 0o644, b""))),
            format!("something follows {} in its part", at(store)),
        ),
        Case::new(
            FILES,
            "a file twice",
            with(&|entries| entries.insert(5, file(b"a note\n"))),
            stands("etc/kubernetes/certferry-restart-kube-apiserver.sh", "etc/kubernetes/kubelet.conf"),
        ),
        Case::new(
            FILES,
            "two files exchanged",
            with(&|entries| entries.swap(4, 5)),
            stands("etc/kubernetes/kubelet.conf", "etc/kubernetes/certferry-restart-kube-apiserver.sh"),
        ),
        Case::new(
            FILES,
            "something in the rest of a block",
            pack(&with_padding),
            format!("bytes follow {note} in its last block"),
        ),
    ]
}

fn find(bytes: &[u8], wanted: &[u8]) -> usize {
    bytes.windows(wanted.len()).position(|window| window == wanted).unwrap()
}

fn signatures() -> Vec<Case> {
    let (index, record) = (format!("{TOP}/manifest.json"), format!("{TOP}/nodes/cp-1.json"));
    let with = |member: usize, number: usize, signature: &[u8]| {
        let mut members = Bundle::genuine().members();
        let path = if member == 0 { &index } else { &record };
        members[member][number] = Entry::file(&format!("{path}.sig"), 0o644, signature);
        pack(&tars(&members))
    };
    let genuine = Bundle::genuine();
    let (own, other) = (sign(&genuine.parts[0].record), sign(&genuine.parts[1].record));
    let foreign = sign_with_another_key(&genuine.parts[0].record);
    let longer = [&own[..], &[0]].concat();
    let reason = |path: &str| format!("the signature of {path} does not hold");
    let mut without = genuine.members();
    without[1].remove(1);
    let mut before = genuine.members();
    before[1].swap(0, 1);
    vec![
        Case::new(SIGNATURES, "of another key", with(1, 1, &foreign), reason(&record)),
        Case::new(
            SIGNATURES,
            "of another key, of the index",
            with(0, 2, &sign_with_another_key(genuine.index().as_bytes())),
            reason(&index),
        ),
        Case::new(SIGNATURES, "of another part's record", with(1, 1, &other), reason(&record)),
        Case::new(SIGNATURES, "of a record, for the index", with(0, 2, &own), reason(&index)),
        Case::new(SIGNATURES, "empty", with(1, 1, b""), reason(&record)),
        Case::new(
            SIGNATURES,
            "with a byte more",
            with(1, 1, &longer),
            if longer.len() > 72 { format!("{record}.sig claims 73 bytes, more than 72") } else { reason(&record) },
        ),
        Case::new(SIGNATURES, "of zeros", with(1, 1, &[0x30, 6, 2, 1, 0, 2, 1, 0]), reason(&record)),
        Case::new(
            SIGNATURES,
            "missing",
            pack(&tars(&without)),
            format!("{} stands where {record}.sig belongs", at("")),
        ),
        Case::new(
            SIGNATURES,
            "before its record",
            pack(&tars(&before)),
            format!("{record}.sig stands where {record} belongs"),
        ),
    ]
}

fn records() -> Vec<Case> {
    let record = format!("{TOP}/nodes/cp-1.json");
    let genuine = Bundle::genuine();
    // A true record of the same node, from a bundle that was built before.
    let earlier = Part::control_plane(&[], Vec::new());
    let mut exchanged = genuine.members();
    exchanged[1] = earlier.entries();
    let (found, expected) = (sha256(&earlier.record), sha256(&genuine.parts[0].record));
    // The worker's record under the control plane's name, and the index vouches for it.
    let mut worker = genuine.parts[1].clone();
    worker.name = "node/cp-1".to_owned();
    let in_place = genuine.clone().with(worker);
    let mut cluster = genuine.parts[2].clone();
    cluster.name = "node/cp-1".to_owned();
    let stands = |found: &str, expected: &str| format!("{TOP}/{found} stands where {TOP}/{expected} belongs");
    let order = |parts: &[usize]| {
        let members = genuine.members();
        let parts: Vec<_> = parts.iter().map(|number| members[*number].clone()).collect();
        pack(&tars(&parts))
    };
    vec![
        Case::new(
            RECORDS,
            "an earlier one",
            pack(&tars(&exchanged)),
            format!("the record of node/cp-1 has sha256 {found}, the index says {expected}"),
        ),
        Case::new(
            RECORDS,
            "of another node, vouched for",
            in_place.packed(),
            "the record of node/w-1 stands where node/cp-1's belongs",
        ),
        Case::new(
            RECORDS,
            "the cluster's, vouched for",
            genuine.clone().with(cluster).packed(),
            "the record of cluster stands where node/cp-1's belongs",
        ),
        Case::new(RECORDS, "a part is missing", order(&[0, 1, 3]), stands("cluster.json", "nodes/w-1.json")),
        Case::new(RECORDS, "the last part is missing", order(&[0, 1, 2]), "the part cluster is missing"),
        Case::new(RECORDS, "every part is missing", order(&[0]), "the part node/cp-1 is missing"),
        Case::new(RECORDS, "a part twice", order(&[0, 1, 1, 2, 3]), stands("nodes/cp-1.json", "nodes/w-1.json")),
        Case::new(
            RECORDS,
            "the last part twice",
            order(&[0, 1, 2, 3, 3]),
            format!("{TOP}/cluster.json belongs to no part of its index"),
        ),
        Case::new(RECORDS, "two parts exchanged", order(&[0, 2, 1, 3]), stands("nodes/w-1.json", "nodes/cp-1.json")),
        Case::new(
            RECORDS,
            "the index does not know a part",
            unknown_part(),
            format!("{record} belongs to no part of its index"),
        ),
    ]
}

/// The index names the worker alone; the control plane comes behind it.
fn unknown_part() -> Vec<u8> {
    let mut bundle = Bundle::genuine();
    let control_plane = bundle.parts.remove(0);
    bundle.parts.pop();
    let members = [bundle.members(), vec![control_plane.entries()]].concat();
    pack(&tars(&members))
}

fn heads() -> Vec<Case> {
    let record = format!("{TOP}/nodes/cp-1.json");
    let part = |from: &str, to: &str| Part::control_plane(&rows(), tree()).with(from, to);
    // Each is signed, and in the index by its hash.
    let other = |rule, name: &str, from: &str, to: &str, problem: &str| {
        Case::new(rule, name, Bundle::genuine().with(part(from, to)).packed(), format!("{record} {problem}"))
    };
    let alone = |from: &str, to: &str| {
        // Without an index the record itself says where it belongs.
        pack(&[tar(&part(from, to).entries()), END.to_vec()])
    };
    let index = |name: &str, from: &str, to: &str, problem: &str| {
        let archive = Bundle::genuine().with_index(from, to).packed();
        let reason = format!("{TOP}/manifest.json is rightly signed but not valid: {problem}");
        Case::new(GENERATIONS, name, archive, reason)
    };
    let invalid = "is rightly signed but not valid:";
    let raised = |top: &str| {
        let archive = Bundle::genuine().with_index("\"generation\": 1", "\"generation\": 2").tars();
        let first =
            first_member(Bundle::genuine().with_index("\"generation\": 1", "\"generation\": 2").index().as_bytes());
        let renamed: Vec<_> = first.into_iter().map(|entry| renamed(&entry, top)).collect();
        pack(&[vec![tar(&renamed)], archive[1..].to_vec()].concat())
    };
    vec![
        other(
            GENERATIONS,
            "a record of another generation",
            "\"generation\": 1",
            "\"generation\": 2",
            "says generation 2, the index 1",
        ),
        other(
            GENERATIONS,
            "a record of another phase",
            "\"phase\": 0",
            "\"phase\": 1",
            &format!("{invalid} rotation cannot be \"of phase 1\""),
        ),
        other(
            GENERATIONS,
            "a record of another format",
            "\"format\": 1",
            "\"format\": 2",
            &format!("{invalid} format cannot be \"2\""),
        ),
        other(
            GENERATIONS,
            "a record of no generation",
            "\"generation\": 1",
            "\"generation\": 0",
            &format!("{invalid} generation cannot be \"0\""),
        ),
        other(
            GENERATIONS,
            "a record of the last generation and one more",
            "\"generation\": 1",
            "\"generation\": 1000000000",
            &format!("{invalid} generation cannot be \"1000000000\""),
        ),
        other(
            RECORDS,
            "of another cluster",
            "\"cluster\": \"lab\"",
            "\"cluster\": \"lab2\"",
            "says cluster lab2, the index lab",
        ),
        other(
            RECORDS,
            "of a cluster of the same name",
            "\"000102",
            "\"ff0102",
            "says cluster_id ff0102030405060708090a0b0c0d0e0f, the index 000102030405060708090a0b0c0d0e0f",
        ),
        other(RECORDS, "of another Kubernetes", "1.24.15", "1.24.16", "says kubernetes 1.24.16, the index 1.24.15"),
        other(RECORDS, "of another day", "2026-11-22", "2026-11-23", "says issued_at 2026-11-23, the index 2026-11-22"),
        index("an index of another phase", "\"phase\": 0", "\"phase\": 1", "rotation cannot be \"of phase 1\""),
        index("an index of another format", "\"format\": 1", "\"format\": 2", "format cannot be \"2\""),
        Case::new(
            GENERATIONS,
            "an index of another generation",
            Bundle::genuine().with_index("\"generation\": 1", "\"generation\": 2").packed(),
            format!("{TOP}/ stands where lab-g2/ belongs"),
        ),
        Case::new(
            GENERATIONS,
            "an index of another generation in its own folder",
            raised("lab-g2"),
            format!("{record} stands where lab-g2/nodes/cp-1.json belongs"),
        ),
        Case::new(
            GENERATIONS,
            "a slice of another generation",
            alone("\"generation\": 1", "\"generation\": 2"),
            format!("{record} stands where lab-g2/nodes/cp-1.json belongs"),
        ),
        Case::new(
            RECORDS,
            "a slice of another cluster",
            alone("\"cluster\": \"lab\"", "\"cluster\": \"lab2\""),
            format!("{record} stands where lab2-g1/nodes/cp-1.json belongs"),
        ),
        Case::new(
            RECORDS,
            "a slice of another node",
            alone("\"cp-1\"\n  ],\n  \"part\": \"node/cp-1\"", "\"cp-2\"\n  ],\n  \"part\": \"node/cp-2\""),
            format!("{record} stands where {TOP}/nodes/cp-2.json belongs"),
        ),
        Case::new(
            RECORDS,
            "a slice of another day",
            alone("2026-11-22", "2026-11-23"),
            format!("the header of {record} is not as its record says"),
        ),
    ]
}

fn renamed(entry: &Entry, top: &str) -> Entry {
    let path = String::from_utf8_lossy(&entry.header[..100]).trim_end_matches('\0').replacen(TOP, top, 1);
    entry.clone().with(0, &[0; 100]).with(0, path.as_bytes())
}

/// Values that no record of this format has.
fn fields() -> Vec<Case> {
    let record = format!("{TOP}/nodes/cp-1.json is rightly signed but not valid:");
    let case = |name: &str, from: &str, to: &str, problem: &str| {
        let part = Part::control_plane(&rows(), tree()).with(from, to);
        Case::new(FIELDS, name, Bundle::genuine().with(part).packed(), format!("{record} {problem}"))
    };
    let names = "[\n    \"cp-1\"\n  ]";
    let addresses = "[\n    \"192.168.10.5\"\n  ]";
    vec![
        case("a cluster's name with a slash", "\"lab\"", "\"../lab\"", "cluster cannot be \"../lab\""),
        case("a cluster's name that moves the cursor", "\"lab\"", "\"\\u001b[2J\"", "cluster cannot be \"\\u{1b}[2J\""),
        case(
            "a cluster's name of 4 MB",
            "\"lab\"",
            &format!("\"{}\"", "a".repeat(4_000_000)),
            &format!("cluster cannot be \"{}\"...", "a".repeat(300)),
        ),
        case("a version in short", "1.24.15", "1.24", "kubernetes cannot be \"1.24\""),
        case("a day that is none", "2026-11-22", "2026-02-30", "issued_at cannot be \"2026-02-30\""),
        case(
            "a day in another spelling",
            "2026-11-22",
            "2026-11-22T00:00:00Z",
            "issued_at cannot be \"2026-11-22T00:00:00Z\"",
        ),
        case("a day before all others", "2026-11-22", "1999-12-31", "issued_at cannot be \"1999-12-31\""),
        case("a part with a slash", "node/cp-1", "node/../cp-1", "part cannot be \"node/../cp-1\""),
        case("a part in capitals", "node/cp-1", "node/CP-1", "part cannot be \"node/CP-1\""),
        case("another role", "control-plane", "master", "role cannot be \"master\""),
        case("no names", names, "[]", "names cannot be \"\""),
        case("a name twice", names, "[\n    \"cp-1\",\n    \"cp-1\"\n  ]", "names cannot be \"cp-1, cp-1\""),
        case("a name that is none", names, "[\n    \"cp 1\"\n  ]", "names cannot be \"cp 1\""),
        case("no addresses", addresses, "[]", "addresses cannot be \"\""),
        case("an address twice", addresses, "[\n    \"::1\",\n    \"::1\"\n  ]", "addresses cannot be \"::1, ::1\""),
        case(
            "a hash of capitals",
            &sha256(b"a note\n"),
            &sha256(b"a note\n").to_uppercase(),
            "line 8, column 159: expected 64 lower-case hex digits",
        ),
        case(
            "half a hash",
            &sha256(b"a note\n"),
            &sha256(b"a note\n")[..32],
            "line 8, column 127: expected 64 lower-case hex digits",
        ),
        case(
            "a row that is neither",
            ", \"size\": 7",
            "",
            "files cannot be \"etc/kubernetes/certferry-restart-kube-apiserver.sh\"",
        ),
        case(
            "a row that is both",
            "{\"link\": \"kubelet-client-2025-01-01-00-00-00.pem\", \"mode\": \"0777\", ",
            "{\"link\": \"kubelet-client-2025-01-01-00-00-00.pem\", \"mode\": \"0777\", \"size\": 0, ",
            "line 11, column 73: not in the one form that a record has",
        ),
    ]
}
