//! JSON in the one form that a shell script and a signature can rely on.

use super::Case;
use crate::hostile::archive::pack;
use crate::hostile::bundle::{Bundle, Part, TOP, rows, tree};

const DEPTH: &str = "JSON depth";
const KEYS: &str = "doubled and unknown keys";
const FORM: &str = "the one form of JSON";
const PARTIAL: &str = "the flag of a partial bundle";

pub fn cases() -> Vec<Case> {
    [records(), indexes()].into_iter().flatten().collect()
}

fn records() -> Vec<Case> {
    let case = |rule, name: &str, from: &str, to: &str, problem: &str| {
        let part = Part::control_plane(&rows(), tree()).with(from, to);
        let reason = format!("{TOP}/nodes/cp-1.json is rightly signed but not valid: {problem}");
        Case::new(rule, name, Bundle::genuine().with(part).packed(), reason)
    };
    let bytes = |name: &str, change: &dyn Fn(Vec<u8>) -> Vec<u8>, problem: &str| {
        let mut part = Part::control_plane(&rows(), tree());
        part.record = change(part.record);
        let reason = format!("{TOP}/nodes/cp-1.json is rightly signed but not valid: {problem}");
        Case::new(FORM, name, Bundle::genuine().with(part).packed(), reason)
    };
    let phase = "\"phase\": 0";
    let nested = |depth: usize| format!("\"phase\": {}0{}", "[".repeat(depth), "]".repeat(depth));
    vec![
        case(DEPTH, "nine deep", phase, &nested(8), "it nests deeper than 8"),
        case(DEPTH, "eight deep", phase, &nested(7), "line 22, column 11: invalid type: sequence, expected u32"),
        case(DEPTH, "a million deep", phase, &nested(1_000_000), "it nests deeper than 8"),
        case(
            DEPTH,
            "objects",
            phase,
            &format!("\"phase\": {}0{}", "{\"a\": ".repeat(8), "}".repeat(8)),
            "it nests deeper than 8",
        ),
        case(KEYS, "a key twice", phase, "\"phase\": 0,\n  \"phase\": 0", "line 23, column 9: duplicate field `phase`"),
        case(
            KEYS,
            "a key twice with another value",
            phase,
            "\"phase\": 0,\n  \"phase\": 1",
            "line 23, column 9: duplicate field `phase`",
        ),
        case(
            KEYS,
            "a key twice, once escaped",
            phase,
            "\"\\u0070hase\": 1,\n  \"phase\": 0",
            "line 23, column 9: duplicate field `phase`",
        ),
        case(
            KEYS,
            "a row's key twice",
            ", \"size\": 7",
            ", \"size\": 7, \"size\": 8",
            "line 8, column 178: duplicate field `size`",
        ),
        case(
            KEYS,
            "an unknown key",
            phase,
            "\"phase\": 0,\n  \"pre_install\": \"rm\"",
            "line 23, column 15: unknown field `pre_install`, expected one of `addresses`, `certificates_dir`, `cluster`, `cluster_id`, `files`, `format`, `generation`, `issued_at`, `kubernetes`, `names`, `part`, `phase`, `role`, `rotation`, `trust_only`",
        ),
        case(
            KEYS,
            "an unknown key that moves the cursor",
            phase,
            "\"phase\": 0,\n  \"\\u001b[2J\\u009b\": 0",
            "line 23, column 19: unknown field `\\u{1b}[2J\\u{9b}`, expected one of `addresses`, `certificates_dir`, `cluster`, `cluster_id`, `files`, `format`, `generation`, `issued_at`, `kubernetes`, `names`, `part`, `phase`, `role`, `rotation`, `trust_only`",
        ),
        case(
            KEYS,
            "an unknown key of a row",
            ", \"size\": 7",
            ", \"size\": 7, \"uid\": 0",
            "line 8, column 177: unknown field `uid`, expected one of `link`, `mode`, `path`, `sha256`, `size`",
        ),
        case(KEYS, "a missing key", ",\n  \"phase\": 0", "", "line 23, column 1: missing field `phase`"),
        case(
            KEYS,
            "a key of the index",
            phase,
            "\"partial\": false,\n  \"phase\": 0",
            "line 22, column 11: unknown field `partial`, expected one of `addresses`, `certificates_dir`, `cluster`, `cluster_id`, `files`, `format`, `generation`, `issued_at`, `kubernetes`, `names`, `part`, `phase`, `role`, `rotation`, `trust_only`",
        ),
        case(
            FORM,
            "keys in another order",
            "\"phase\": 0,\n  \"role\": \"control-plane\"",
            "\"role\": \"control-plane\",\n  \"phase\": 0",
            "line 22, column 4: not in the one form that a record has",
        ),
        case(FORM, "no space", phase, "\"phase\":0", "line 22, column 11: not in the one form that a record has"),
        case(FORM, "a space more", phase, "\"phase\":  0", "line 22, column 12: not in the one form that a record has"),
        case(
            FORM,
            "all on one line",
            ",\n  \"phase\"",
            ", \"phase\"",
            "line 21, column 23: not in the one form that a record has",
        ),
        case(
            FORM,
            "an escape that is none needed",
            "control-plane",
            "control\\u002dplane",
            "line 23, column 19: not in the one form that a record has",
        ),
        case(
            FORM,
            "an escaped slash",
            "node/cp-1",
            "node\\/cp-1",
            "line 21, column 16: not in the one form that a record has",
        ),
        case(
            FORM,
            "a float",
            phase,
            "\"phase\": 0.0",
            "line 22, column 14: invalid type: floating point `0.0`, expected u32",
        ),
        case(
            FORM,
            "an exponent",
            phase,
            "\"phase\": 0e0",
            "line 22, column 14: invalid type: floating point `0.0`, expected u32",
        ),
        case(
            FORM,
            "minus nothing",
            phase,
            "\"phase\": -0",
            "line 22, column 13: invalid type: floating point `-0.0`, expected u32",
        ),
        case(FORM, "a zero before a number", "\"format\": 1", "\"format\": 01", "line 14, column 14: invalid number"),
        case(
            FORM,
            "a number as a text",
            phase,
            "\"phase\": \"0\"",
            "line 22, column 14: invalid type: string \"0\", expected u32",
        ),
        case(FORM, "null", "\"control-plane\"", "null", "line 22, column 13: not in the one form that a record has"),
        case(
            FORM,
            "an address in another spelling",
            "192.168.10.5",
            "::0:1",
            "line 3, column 8: not in the one form that a record has",
        ),
        case(
            FORM,
            "an address with zeros before",
            "192.168.10.5",
            "192.168.10.05",
            "line 3, column 19: invalid IP address syntax",
        ),
        case(FORM, "a comma too many", "\"control-plane\"", "\"control-plane\",", "line 24, column 1: trailing comma"),
        case(FORM, "a comment", phase, "\"phase\": 0 /* */", "line 22, column 14: expected `,` or `}`"),
        case(
            FORM,
            "half a surrogate pair",
            "control-plane",
            "\\ud800",
            "line 23, column 18: unexpected end of hex escape",
        ),
        bytes(
            "a byte order mark",
            &|record| [&b"\xef\xbb\xbf"[..], &record].concat(),
            "line 1, column 1: expected value",
        ),
        bytes(
            "CR before each LF",
            &|record| String::from_utf8(record).unwrap().replace('\n', "\r\n").into(),
            "line 1, column 2: not in the one form that a record has",
        ),
        bytes(
            "no LF at the end",
            &|record| record[..record.len() - 1].to_vec(),
            "line 24, column 2: not in the one form that a record has",
        ),
        bytes(
            "an LF more",
            &|record| [&record[..], b"\n"].concat(),
            "line 25, column 1: not in the one form that a record has",
        ),
        bytes("a second document", &|record| [&record[..], b"{}\n"].concat(), "line 25, column 1: trailing characters"),
        bytes("NUL behind the end", &|record| [&record[..], b"\0"].concat(), "line 25, column 1: trailing characters"),
        bytes(
            "bytes that are no UTF-8",
            &|record| {
                String::from_utf8(record)
                    .unwrap()
                    .replace("control", "\u{1}")
                    .bytes()
                    .map(|byte| if byte == 1 { 0xff } else { byte })
                    .collect()
            },
            "line 23, column 12: invalid unicode code point",
        ),
        bytes("nothing", &|_| Vec::new(), "line 1, column 0: EOF while parsing a value"),
        bytes("an array", &|_| b"[]\n".to_vec(), "line 1, column 2: invalid length 1, expected a record"),
        bytes("no key", &|_| b"{}\n".to_vec(), "line 1, column 2: missing field `cluster`"),
    ]
}

fn indexes() -> Vec<Case> {
    let case = |rule, name: &str, from: &str, to: &str, problem: &str| {
        let reason = format!("{TOP}/manifest.json is rightly signed but not valid: {problem}");
        Case::new(rule, name, Bundle::genuine().with_index(from, to).packed(), reason)
    };
    let flag = "\"partial\": false";
    // A choice of parts that says it is all of them, and the other way round: both are what their index says, so only
    // an index that is not as its own flag can be wrong.
    let mut slice = Bundle::genuine().tars();
    slice.remove(0);
    slice.truncate(2);
    slice.push(crate::hostile::bundle::END.to_vec());
    vec![
        case(
            PARTIAL,
            "a number",
            flag,
            "\"partial\": 0",
            "line 8, column 14: invalid type: integer `0`, expected a boolean",
        ),
        case(
            PARTIAL,
            "a text",
            flag,
            "\"partial\": \"false\"",
            "line 8, column 20: invalid type: string \"false\", expected a boolean",
        ),
        case(PARTIAL, "null", flag, "\"partial\": null", "line 8, column 17: invalid type: null, expected a boolean"),
        case(PARTIAL, "missing", "\"partial\": false,\n  ", "", "line 15, column 1: missing field `partial`"),
        case(
            PARTIAL,
            "both",
            flag,
            "\"partial\": false,\n  \"partial\": true",
            "line 9, column 11: duplicate field `partial`",
        ),
        Case::new(
            PARTIAL,
            "two parts without an index",
            pack(&slice),
            format!("{TOP}/nodes/w-1.json belongs to no part of its index"),
        ),
        case(
            KEYS,
            "an unknown key in the index",
            flag,
            "\"partial\": false,\n  \"optional\": []",
            "line 9, column 12: unknown field `optional`, expected one of `cluster`, `cluster_id`, `format`, `generation`, `issued_at`, `kubernetes`, `partial`, `parts`, `phase`, `profile_sha256`, `rotation`, `trust_only`",
        ),
        case(
            KEYS,
            "a row of the index with a key more",
            "{\"part\"",
            "{\"optional\": true, \"part\"",
            "line 10, column 15: unknown field `optional`, expected `part` or `sha256`",
        ),
        case(DEPTH, "an index nine deep", flag, &format!("\"partial\": {}", "[".repeat(8)), "it nests deeper than 8"),
        case(
            FORM,
            "an index with a space more",
            flag,
            "\"partial\":  false",
            "line 8, column 14: not in the one form that a record has",
        ),
        case(
            "the one order of entries",
            "an index backwards",
            "node/w-1",
            "node/a-1",
            "node/a-1 comes after node/cp-1",
        ),
        case(
            "doubled and case-twin names",
            "a part twice in the index",
            "node/w-1",
            "node/cp-1",
            "node/cp-1 comes after node/cp-1",
        ),
        case(
            "doubled and case-twin names",
            "a node named as another's record",
            "node/w-1",
            "node/cp-1.json",
            "node/cp-1.json and node/cp-1 would share a path",
        ),
        case(
            "names beside the format's characters",
            "a node of no name",
            "node/cp-1",
            "node/",
            "part cannot be \"node/\"",
        ),
    ]
}
