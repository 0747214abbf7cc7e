//! Gzip: what a few bytes may become, and what may stand around them.

use super::Case;
use crate::hostile::archive::{BLOCK, Entry, GZIP_HEADER, bomb, gzip, pack, tar};
use crate::hostile::bundle::{Bundle, END, TOP, at};

const BOMBS: &str = "gzip bombs";
const CONCATENATIONS: &str = "gzip concatenations";
const HEADERS: &str = "the one header of gzip";
const DATA: &str = "damaged compressed data";

pub fn cases() -> Vec<Case> {
    [bombs(), concatenations(), headers(), data()].into_iter().flatten().collect()
}

/// Each is a gibibyte unpacked, and a mebibyte packed.
fn bombs() -> Vec<Case> {
    const MEBIBYTES: u32 = 1024;
    let genuine = Bundle::genuine();
    let packed: Vec<_> = genuine.tars().iter().map(|member| gzip(member)).collect();
    let with = |place: usize, member: Vec<u8>| {
        let mut packed = packed.clone();
        packed[place] = member;
        packed.concat()
    };
    let record = format!("{TOP}/nodes/cp-1.json");
    let behind_header = Entry::file(&record, 0o644, &[b' '; 4 << 20]).header.to_vec();
    let part = tar(&genuine.members()[1]);
    let up_to_note = part.windows(7).position(|window| window == b"a note\n").unwrap();
    let empty_blocks = [&GZIP_HEADER[..], &[0, 0, 0, 0xff, 0xff].repeat(7 << 20)].concat();
    vec![
        Case::new(
            BOMBS,
            "first of all",
            with(0, bomb(b"", MEBIBYTES)),
            "it begins with \"\", like neither a bundle nor a slice",
        ),
        Case::new(BOMBS, "instead of a part", with(1, bomb(b"", MEBIBYTES)), "its end is not two zero blocks"),
        Case::new(
            BOMBS,
            "instead of a record",
            with(1, bomb(&behind_header, MEBIBYTES)),
            format!("{record}.sig is missing"),
        ),
        Case::new(
            BOMBS,
            "behind the record's row",
            with(1, bomb(&part[..up_to_note + BLOCK], MEBIBYTES)),
            format!("{} is missing", at("etc/kubernetes/kubelet.conf")),
        ),
        Case::new(
            BOMBS,
            "behind a part",
            with(1, bomb(&part, MEBIBYTES)),
            format!("something follows {} in its part", at("var/lib/kubelet/pki/kubelet.key")),
        ),
        Case::new(BOMBS, "instead of the end", with(4, bomb(b"", MEBIBYTES)), "its end is not two zero blocks"),
        Case::new(BOMBS, "behind the end", [packed.concat(), bomb(b"", MEBIBYTES)].concat(), "bytes follow its end"),
        Case::new(
            BOMBS,
            "a bomb in a bomb",
            pack(&[bomb(b"", MEBIBYTES)]),
            "it begins with \"\\\\x1f\\\\x8b\\\\x08\", like neither a bundle nor a slice",
        ),
        Case::new(
            BOMBS,
            "blocks of nothing without end",
            with(1, empty_blocks),
            "a part has more than 33554432 compressed bytes",
        ),
    ]
}

fn concatenations() -> Vec<Case> {
    let bundle = Bundle::genuine().packed();
    let slice = pack(&[&Bundle::genuine().tars()[1..2], &[END.to_vec()]].concat());
    vec![
        Case::new(CONCATENATIONS, "the bundle twice", [&bundle[..], &bundle].concat(), "bytes follow its end"),
        Case::new(CONCATENATIONS, "a slice behind a bundle", [&bundle[..], &slice].concat(), "bytes follow its end"),
        Case::new(CONCATENATIONS, "a bundle behind a slice", [&slice[..], &bundle].concat(), "bytes follow its end"),
        Case::new(CONCATENATIONS, "two slices", [&slice[..], &slice].concat(), "bytes follow its end"),
        Case::new(
            CONCATENATIONS,
            "a member of nothing behind the end",
            [&bundle[..], &gzip(b"")].concat(),
            "bytes follow its end",
        ),
    ]
}

fn headers() -> Vec<Case> {
    let changes: [(&str, usize, u8); 8] = [
        ("a name", 3, 8),
        ("a comment", 3, 16),
        ("extra fields", 3, 4),
        ("a checksum of the header", 3, 2),
        ("a text", 3, 1),
        ("a time", 4, 1),
        ("the best compression", 8, 2),
        ("Unix", 9, 3),
    ];
    let case = |(name, at, byte): (&str, usize, u8)| {
        let mut members: Vec<_> = Bundle::genuine().tars().iter().map(|member| gzip(member)).collect();
        members[1][at] = byte;
        Case::new(HEADERS, name, members.concat(), "it is not gzip as a bundle is")
    };
    let mut method = Bundle::genuine().packed();
    method[2] = 7;
    changes
        .map(case)
        .into_iter()
        .chain([Case::new(HEADERS, "no deflate", method, "it is not gzip as a bundle is")])
        .collect()
}

fn data() -> Vec<Case> {
    let packed: Vec<_> = Bundle::genuine().tars().iter().map(|member| gzip(member)).collect();
    let with = |name: &str, change: &dyn Fn(&mut Vec<u8>), reason: &str| {
        let mut packed = packed.clone();
        change(&mut packed[1]);
        Case::new(DATA, name, packed.concat(), reason)
    };
    let checksum = "a checksum of its compressed data does not hold";
    vec![
        with("another checksum", &|member| *from_end(member, 8) ^= 1, checksum),
        with("another length", &|member| *from_end(member, 4) ^= 1, checksum),
        with("a length of 2^32 more", &|member| *from_end(member, 1) ^= 1, checksum),
        with("a block of no known kind", &|member| member[10] |= 6, "its compressed data is damaged"),
        Case::new(DATA, "the file is cut in the middle", packed.concat()[..1500].to_vec(), "it ends too early"),
        Case::new(
            DATA,
            "the file is cut in a checksum",
            packed.concat().split_last_chunk::<3>().unwrap().0.to_vec(),
            "it ends too early",
        ),
    ]
}

fn from_end(member: &mut [u8], distance: usize) -> &mut u8 {
    let length = member.len();
    &mut member[length - distance]
}
