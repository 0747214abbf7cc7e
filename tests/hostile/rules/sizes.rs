//! Sizes and numbers: what is claimed, and what would have to be kept.

use super::Case;
use crate::hostile::archive::{Entry, field, gzip, pack, repeated, tar};
use crate::hostile::bundle::{Bundle, END, Part, TOP, array, at, first_member, row, rows, sha256, tars, tree};

const CLAIMS: &str = "huge claimed sizes";
const DISAGREE: &str = "records that disagree with files";
const ENTRIES: &str = "10^6 entries";
const PARTS: &str = "100,000 parts";
const ARRAYS: &str = "long arrays";

pub fn cases() -> Vec<Case> {
    [claims(), recorded_claims(), full(), entries(), parts(), arrays()].into_iter().flatten().collect()
}

/// The header of an entry claims more than the limit.
fn claims() -> Vec<Case> {
    let all = 0o77_777_777_777;
    let case = |name: &str, member: usize, number: usize, size: u64, reason: &str| {
        let mut members = Bundle::genuine().members();
        members[member][number] = members[member][number].clone().with_size(size);
        Case::new(CLAIMS, name, pack(&tars(&members)), reason)
    };
    let many_bits = |size: &[u8; 12]| {
        let mut members = Bundle::genuine().members();
        members[1][0] = members[1][0].clone().with(field::SIZE, size);
        pack(&tars(&members))
    };
    let record = "lab-g1/nodes/cp-1.json";
    let cannot_be = format!("the header of {record} is not as its record says");
    vec![
        case("a record of 8 GiB", 1, 0, all, &format!("{record} claims 8589934591 bytes, more than 4194304")),
        case(
            "a record of 4 MiB and a byte",
            1,
            0,
            4_194_305,
            &format!("{record} claims 4194305 bytes, more than 4194304"),
        ),
        case("a record of 4 MiB", 1, 0, 4 << 20, &format!("its compressed data ends before {record} does")),
        case("a signature of 73 bytes", 1, 1, 73, &format!("{record}.sig claims 73 bytes, more than 72")),
        case("an index of 8 GiB", 0, 1, all, "lab-g1/manifest.json claims 8589934591 bytes, more than 12582912"),
        case("an index of 12 MiB", 0, 1, 12 << 20, "its compressed data ends before lab-g1/manifest.json does"),
        case(
            "a file of 8 GiB",
            1,
            4,
            all,
            &format!(
                "the header of {} is not as its record says",
                at("etc/kubernetes/certferry-restart-kube-apiserver.sh")
            ),
        ),
        case(
            "a folder of 8 GiB",
            1,
            3,
            all,
            &format!("the header of {} is not as its record says", at("etc/kubernetes/")),
        ),
        Case::new(
            CLAIMS,
            "2^95 bytes",
            many_bits(b"\xbf\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
            cannot_be.clone(),
        ),
        Case::new(
            CLAIMS,
            "fewer than no bytes",
            many_bits(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
            cannot_be,
        ),
    ]
}

/// The record claims it.
fn recorded_claims() -> Vec<Case> {
    let case = |size: &str, problem: &str| {
        let part = Part::control_plane(&rows(), tree()).with("\"size\": 7}", &format!("\"size\": {size}}}"));
        let reason = format!("{TOP}/nodes/cp-1.json is rightly signed but not valid: {problem}");
        Case::new(CLAIMS, format!("recorded as {size}"), Bundle::genuine().with(part).packed(), reason)
    };
    let too_large = |size: &str| {
        format!("\"etc/kubernetes/certferry-restart-kube-apiserver.sh\" has {size} bytes, more than 4194304")
    };
    vec![
        case("4194305", &too_large("4194305")),
        case("18446744073709551615", &too_large("18446744073709551615")),
        case(
            "18446744073709551616",
            "line 8, column 189: invalid type: floating point `1.8446744073709552e+19`, expected u64",
        ),
        case("-1", "line 8, column 171: invalid value: integer `-1`, expected u64"),
        case("1e99", "line 8, column 173: invalid type: floating point `1e+99`, expected u64"),
    ]
}

/// As much as may be, and then something wrong: what was read has to be kept until then.
fn full() -> Vec<Case> {
    let too_many = node_of("cp-1", [4 << 20; 4], false);
    let wrong = node_of("cp-1", FULL, true);
    // `unpack` keeps the first part while it reads the second, and the index all along.
    let two = [node_of("cp-1", FULL, false), node_of("w-1", FULL, true)];
    let others = (0..99_998).map(|number| (format!("node/x-{number:05}"), sha256(b"")));
    let index = index_of(two.iter().map(|part| (part.name.clone(), sha256(&part.record))).chain(others));
    let last = at(&store(3)).replace("cp-1", "w-1");
    let hashes = format!("has sha256 {}, its record says {}", sha256(&vec![0; FULL[3]]), sha256(b""));
    vec![
        Case::new(
            CLAIMS,
            "four files of 4 MiB",
            Bundle::genuine().with(too_many).packed(),
            "a part unpacks to more than 16777216 bytes",
        ),
        Case::new(
            DISAGREE,
            "after 12 MiB that agree",
            Bundle::genuine().with(wrong).packed(),
            format!("{} {hashes}", at(&store(3))),
        ),
        Case::new(
            DISAGREE,
            "after another part and an index as large as may be",
            pack(&[first_member(&index), two[0].entries(), two[1].entries()].map(|entries| tar(&entries))),
            format!("{last} {hashes}"),
        ),
    ]
}

/// A place of which a node may have many: a file in the kubelet's store.
fn store(number: usize) -> String {
    format!("var/lib/kubelet/pki/kubelet-client-{number:06}.pem")
}

/// Sizes of files that fill a member nearly to its limit.
const FULL: [usize; 4] = [4 << 20, 4 << 20, 4 << 20, (4 << 20) - 8192];

/// A node with files of these sizes; the record may have the hash of another last file.
fn node_of(name: &str, sizes: [usize; 4], wrong: bool) -> Part {
    let folder = Entry::folder(&format!("{TOP}/nodes/{name}/var/lib/kubelet/pki/"));
    let (mut rows, mut tree) = (Vec::new(), vec![folder]);
    for (number, size) in sizes.into_iter().enumerate() {
        let content = vec![0; size];
        let path = store(number);
        let row = row(&path, "0600", &content);
        rows.push(if wrong && number == 3 { row.replacen(&sha256(&content), &sha256(b""), 1) } else { row });
        tree.push(Entry::file(&format!("{TOP}/nodes/{name}/{path}"), 0o600, &content));
    }
    Part::node(name, "worker", "192.168.10.5", &rows, tree)
}

/// An index of these parts, each with the hash of its record.
fn index_of(parts: impl Iterator<Item = (String, String)>) -> Vec<u8> {
    let parts: Vec<_> = parts.map(|(part, sha256)| format!(r#"{{"part": "{part}", "sha256": "{sha256}"}}"#)).collect();
    let index = Bundle::genuine().index();
    let (start, rest) = index.split_once("\"parts\": ").unwrap();
    let (_, end) = rest.split_once("],\n").unwrap();
    format!("{start}\"parts\": {},\n{end}", array(&parts)).into_bytes()
}

fn entries() -> Vec<Case> {
    let row_of = |number: usize| row(&store(number), "0600", b"");
    let entry_of = |number: usize| Entry::file(&at(&store(number)), 0o600, b"");
    let with = |count: usize| {
        let rows: Vec<_> = (0..count).map(row_of).collect();
        let tree = [Entry::folder(&at("var/lib/kubelet/pki/"))].into_iter().chain((0..count).map(entry_of));
        Bundle::genuine().with(Part::control_plane(&rows, tree.collect()))
    };
    let record = format!("{TOP}/nodes/cp-1.json");
    let invalid = format!("{record} is rightly signed but not valid:");
    // In the archive alone: half a GiB of headers.
    let headers: Vec<u8> = (0..1000).flat_map(|number| entry_of(number).bytes()).collect();
    let behind = |bundle: &Bundle| {
        let mut members: Vec<_> = bundle.tars().iter().map(|member| gzip(member)).collect();
        members[1] = repeated(&bundle.tars()[1], &headers, 1000);
        members.concat()
    };
    let follows = |last: &str| format!("something follows {} in its part", at(last));
    // A record that lists them all.
    let rows: String = (0..1000).map(|number| format!("    {},\n", row_of(number))).collect();
    let size = rows.len() * 1000;
    let header = Entry::file(&record, 0o644, b"").with_size(size.try_into().unwrap());
    let mut recorded: Vec<_> = Bundle::genuine().tars().iter().map(|member| gzip(member)).collect();
    recorded[1] = repeated(&header.header, rows.as_bytes(), 1000);
    vec![
        // Record, signature and two folders are entries too.
        Case::new(
            ENTRIES,
            "one more than may be",
            with(4093).packed(),
            format!("{invalid} it has 4097 entries, more than 4096"),
        ),
        Case::new(
            ENTRIES,
            "recorded, as many as fit",
            with(20_000).packed(),
            format!("{invalid} line 4105, column 4: more than 4096 elements"),
        ),
        Case::new(ENTRIES, "recorded", recorded.concat(), format!("{record} claims {size} bytes, more than 4194304")),
        Case::new(
            ENTRIES,
            "behind the last one",
            behind(&Bundle::genuine()),
            follows("var/lib/kubelet/pki/kubelet.key"),
        ),
        Case::new(ENTRIES, "behind as many as may be", behind(&with(4092)), follows(&store(4091))),
    ]
}

fn parts() -> Vec<Case> {
    let index = |count: usize| index_of((0..count).map(|number| (format!("node/{number:06}"), sha256(b""))));
    let with = |first: Vec<u8>| {
        let members = Bundle::genuine().tars();
        [first, pack(&members[1..])].concat()
    };
    let manifest = format!("{TOP}/manifest.json");
    let limit = index(100_000);
    let rows = index(1000);
    let size = rows.len() * 1000;
    let header = Entry::file(&manifest, 0o644, b"").with_size(size.try_into().unwrap());
    let start = [Entry::folder(&format!("{TOP}/")).bytes(), header.header.to_vec()].concat();
    vec![
        Case::new(
            PARTS,
            "a million in the index",
            with(repeated(&start, &rows, 1000)),
            format!("{manifest} claims {size} bytes, more than 12582912"),
        ),
        Case::new(
            PARTS,
            "one more than may be",
            with(gzip(&tar(&first_member(&index(100_001))))),
            format!("{manifest} is rightly signed but not valid: line 100011, column 3: more than 100000 elements"),
        ),
        Case::new(
            PARTS,
            "as many as may be, and other parts",
            with(gzip(&tar(&first_member(&limit)))),
            format!("{TOP}/nodes/cp-1.json stands where {TOP}/nodes/000000.json belongs"),
        ),
        Case::new(
            PARTS,
            "as many as may be, and none there",
            pack(&[tar(&first_member(&limit)), END.to_vec()]),
            "the part node/000000 is missing",
        ),
    ]
}

/// A few bytes of JSON that would be many in memory.
fn arrays() -> Vec<Case> {
    let fill = |element: &str| vec![element; (4_100_000 - 1024) / (element.len() + 1)].join(",");
    let record = format!("{TOP}/nodes/cp-1.json");
    let part =
        |from: &str, to: &str| Bundle::genuine().with(Part::control_plane(&rows(), tree()).with(from, to)).packed();
    let names = part("\n    \"cp-1\"\n  ", &fill("\"\""));
    let addresses = part("\n    \"192.168.10.5\"\n  ", &fill("\"::\""));
    let files = part(&array(&rows()), &format!("[{}]", fill("{\"mode\":\"\",\"path\":\"\"}")));
    let mut spaces = Part::control_plane(&rows(), tree());
    spaces.record = vec![b' '; 4 << 20];
    let mut letters = Part::control_plane(&rows(), tree());
    letters.record = [&b"{\""[..], &vec![b'x'; (4 << 20) - 2]].concat();
    let mut brackets = Part::control_plane(&rows(), tree());
    brackets.record = vec![b'['; 4 << 20];
    let index = [tar(&first_member(&vec![b'['; 12 << 20])), END.to_vec()];
    let not_valid = |problem: &str| format!("{record} is rightly signed but not valid: {problem}");
    vec![
        Case::new(ARRAYS, "a million names", names, not_valid("line 18, column 12303: more than 4096 elements")),
        Case::new(ARRAYS, "a million addresses", addresses, not_valid("line 2, column 20501: more than 4096 elements")),
        Case::new(ARRAYS, "200,000 empty rows", files, not_valid("line 7, column 90146: more than 4096 elements")),
        Case::new(
            ARRAYS,
            "4 MiB of spaces",
            Bundle::genuine().with(spaces).packed(),
            not_valid("line 1, column 4194304: EOF while parsing a value"),
        ),
        Case::new(
            ARRAYS,
            "a key of 4 MiB",
            Bundle::genuine().with(letters).packed(),
            not_valid("line 1, column 4194304: EOF while parsing a string"),
        ),
        Case::new(
            ARRAYS,
            "4 MiB of brackets",
            Bundle::genuine().with(brackets).packed(),
            not_valid("it nests deeper than 8"),
        ),
        Case::new(
            ARRAYS,
            "12 MiB of brackets as the index",
            pack(&index),
            format!("{TOP}/manifest.json is rightly signed but not valid: it nests deeper than 8"),
        ),
    ]
}
