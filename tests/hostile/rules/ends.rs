//! Where things end: a member, a part, the archive.

use super::Case;
use crate::hostile::archive::{BLOCK, Entry, gzip, pack};
use crate::hostile::bundle::{Bundle, END, TOP, at};

const ENTRIES: &str = "entries after the end";
const END_RULE: &str = "the end is two zero blocks";
const CUTS: &str = "other cuts between members";

pub fn cases() -> Vec<Case> {
    [entries(), ends(), cuts()].into_iter().flatten().collect()
}

fn entries() -> Vec<Case> {
    let members = Bundle::genuine().tars();
    let whole = pack(&members);
    let hostile = Entry::file("../../outside", 0o644, b"hostile\n").bytes();
    let follows = format!("something follows {} in its part", at("var/lib/kubelet/pki/kubelet.key"));
    let behind = |bytes: &[u8]| [&whole[..], bytes].concat();
    let in_part = |more: &[&[u8]]| {
        let mut members = members.clone();
        members[1].extend(more.concat());
        pack(&members)
    };
    let in_end = |end: &[&[u8]]| {
        let mut members = members.clone();
        members[4] = end.concat();
        pack(&members)
    };
    vec![
        Case::new(ENTRIES, "in the last member", in_end(&[&END, &hostile]), "its end is not two zero blocks"),
        Case::new(
            ENTRIES,
            "in the last member, before its end",
            in_end(&[&hostile, &END]),
            "../../outside belongs to no part of its index",
        ),
        Case::new(ENTRIES, "in a member of its own", behind(&gzip(&hostile)), "bytes follow its end"),
        Case::new(
            ENTRIES,
            "in a member of its own, with an end",
            behind(&gzip(&[&hostile[..], &END].concat())),
            "bytes follow its end",
        ),
        Case::new(ENTRIES, "not compressed", behind(&hostile), "bytes follow its end"),
        Case::new(ENTRIES, "behind a part", in_part(&[&hostile]), follows.clone()),
        Case::new(ENTRIES, "behind a part and two zero blocks", in_part(&[&END, &hostile]), follows.clone()),
        Case::new(ENTRIES, "two zero blocks behind a part", in_part(&[&END]), follows),
        Case::new(ENTRIES, "a byte", behind(b"\0"), "bytes follow its end"),
        Case::new(ENTRIES, "an LF", behind(b"\n"), "bytes follow its end"),
        Case::new(ENTRIES, "zeros up to a block of tape", behind(&[0; 10240]), "bytes follow its end"),
    ]
}

fn ends() -> Vec<Case> {
    let members = Bundle::genuine().tars();
    let with = |end: Vec<u8>| {
        let mut members = members.clone();
        members[4] = end;
        pack(&members)
    };
    let mut dirty = END.to_vec();
    dirty[1023] = 1;
    let mut inside = members.clone();
    // Two zero blocks where the first file belongs: other readers stop here and say nothing.
    let place = inside[1].windows(7).position(|window| window == b"a note\n").unwrap() - BLOCK;
    inside[1].splice(place..place, END);
    vec![
        Case::new(END_RULE, "one zero block", with(vec![0; BLOCK]), "its end is not two zero blocks"),
        Case::new(END_RULE, "three zero blocks", with(vec![0; 3 * BLOCK]), "its end is not two zero blocks"),
        Case::new(END_RULE, "a block of tape", with(vec![0; 10240]), "its end is not two zero blocks"),
        Case::new(END_RULE, "1,023 zeros", with(vec![0; 1023]), "its end is not two zero blocks"),
        Case::new(END_RULE, "1,025 zeros", with(vec![0; 1025]), "its end is not two zero blocks"),
        Case::new(END_RULE, "something in the second block", with(dirty), "its end is not two zero blocks"),
        Case::new(END_RULE, "no bytes", with(Vec::new()), "a part of it is empty"),
        Case::new(END_RULE, "missing", pack(&members[..4]), "it ends too early"),
        Case::new(
            END_RULE,
            "within a part",
            pack(&inside),
            format!("{} is missing", at("etc/kubernetes/certferry-restart-kube-apiserver.sh")),
        ),
    ]
}

fn cuts() -> Vec<Case> {
    let members = Bundle::genuine().tars();
    let merged = |first: usize| {
        let mut members = members.clone();
        let next = members.remove(first + 1);
        members[first].extend(next);
        pack(&members)
    };
    let cut = |at: usize| {
        let mut members = members.clone();
        let rest = members[1].split_off(at);
        members.insert(2, rest);
        pack(&members)
    };
    let place = members[1].windows(7).position(|window| window == b"a note\n").unwrap();
    let store = at("var/lib/kubelet/pki/kubelet.key");
    vec![
        Case::new(
            CUTS,
            "all in one member",
            gzip(&members.concat()),
            format!("something follows {TOP}/nodes/ in its part"),
        ),
        Case::new(CUTS, "two parts in one member", merged(1), format!("something follows {store} in its part")),
        Case::new(
            CUTS,
            "the end in the last part's member",
            merged(3),
            format!("something follows {TOP}/cluster/users/a%2Fb@c.conf in its part"),
        ),
        Case::new(
            CUTS,
            "a part cut before a file",
            cut(place - BLOCK),
            format!(
                "its compressed data ends before {} does",
                at("etc/kubernetes/certferry-restart-kube-apiserver.sh")
            ),
        ),
        Case::new(
            CUTS,
            "a part cut within a file",
            cut(place + 3),
            format!(
                "its compressed data ends before {} does",
                at("etc/kubernetes/certferry-restart-kube-apiserver.sh")
            ),
        ),
        Case::new(
            CUTS,
            "a member of nothing between",
            pack(&[&members[..1], &[Vec::new()], &members[1..]].concat()),
            "a part of it is empty",
        ),
    ]
}
