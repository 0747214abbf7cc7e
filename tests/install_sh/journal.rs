//! The journal: what stands in it, that a damaged one is not begun, and what becomes of a unit wherever a run was stopped and
//! whatever somebody has done since (the manual, chapter formats).

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use certferry::bundle::Sha256;
use walkdir::WalkDir;

use crate::common::shells::Tools;
use crate::install_sh::interrupted::{assert_clean, kill_once_moved};
use crate::install_sh::node::{FIRST, Node, SECOND, TOOLS};

const PKI: &str = "etc/kubernetes/pki";
const STATE: &str = "etc/kubernetes/.certferry";
const NOTE: &str = "note: an interrupted run was completed first\n";

/// The fingerprint of a unit, `-` of none.
pub fn fingerprint(unit: &Path) -> String {
    if unit.symlink_metadata().is_err() {
        return "-".to_owned();
    }
    let entries = WalkDir::new(unit).into_iter().map(|entry| {
        let entry = entry.unwrap();
        let metadata = entry.path().symlink_metadata().unwrap();
        let (kind, hash) = if metadata.is_symlink() {
            let target = fs::read_link(entry.path()).unwrap();
            ('l', Sha256::of(format!("{}\n", target.display()).as_bytes()).to_string())
        } else if metadata.is_dir() {
            ('d', "-".to_owned())
        } else {
            ('-', Sha256::of(&fs::read(entry.path()).unwrap()).to_string())
        };
        let place = entry.path().strip_prefix(unit).unwrap().to_string_lossy().into_owned();
        let place = if place.is_empty() { ".".to_owned() } else { place };
        let mode = spelled(metadata.mode());
        format!("{kind}{mode} {}:{} {hash} {place}\n", metadata.uid(), metadata.gid())
    });
    let mut lines: Vec<_> = entries.collect();
    lines.sort_unstable();
    Sha256::of(lines.concat().as_bytes()).to_string()
}

/// A mode as ls spells it.
fn spelled(mode: u32) -> String {
    let mut text = String::new();
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = mode >> shift;
        text.push(if bits & 4 == 0 { '-' } else { 'r' });
        text.push(if bits & 2 == 0 { '-' } else { 'w' });
        text.push(match (mode & special != 0, bits & 1 != 0) {
            (true, true) => letter,
            (true, false) => letter.to_ascii_uppercase(),
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    text
}

/// A journal with lines of units.
pub fn journal(slot: &str, keep: &str, units: &str) -> String {
    sealed(&format!("certferry-journal-2\nslot {slot}\nkeep {keep}\n{units}"))
}

/// With the line that ends it.
pub fn sealed(text: &str) -> String {
    format!("{text}sha256 {}\n", Sha256::of(text.as_bytes()))
}

/// What a damaged journal is refused with.
pub fn damaged(node: &Node) -> String {
    let (root, home) = (node.root().display(), "var/lib/kubelet/.certferry");
    let and = if node.path(home).exists() { format!(" and {root}/{home}") } else { String::new() };
    format!(
        "error: the journal {root}/{STATE}/journal is damaged, and nothing of it was done\n\
         hint: what the interrupted run replaced is in the slots `next` (of a rollback: `previous`) of the folders \
         .certferry: copy {root}/{STATE}{and} elsewhere, remove the journal and install the bundle again\n"
    )
}

/// Kills the script as soon as the journal is there.
fn killing_at_the_journal(tools: Tools) -> Tools {
    kill_once_moved(&tools, "/journal.new ");
    tools
}

fn dash() -> Tools {
    killing_at_the_journal(Tools::new(&["dash"], "mawk", "tar"))
}

/// A node of the first generation, with odd names, on which a run to the second was stopped with the journal written.
fn stopped(tools: &Tools) -> Node {
    let node = Node::with(&FIRST, "worker-1");
    let pki = node.path(PKI);
    fs::create_dir_all(pki.join("my files/.hidden")).unwrap();
    fs::set_permissions(pki.join("my files"), PermissionsExt::from_mode(0o3751)).unwrap();
    for name in ["-rf", "a \\ b", "etcd-backup", "my files/..odd", "my files/.hidden/x", "\u{e4}.txt", "my files-2"] {
        fs::write(pki.join(name), name).unwrap();
    }
    symlink("no such  file", pki.join("my files/link")).unwrap();
    fs::write(node.path("etc/kubernetes/bootstrap-kubelet.conf"), "a token").unwrap();
    node.kill(&mut node.command(tools, &SECOND, "worker-1", &[]), "the journal is there");
    node
}

/// Every tool tells the same of a folder: kind, mode, owner, content and name of what is in it. What one has begun another
/// completes.
#[test]
fn units_are_known_by_their_fingerprints() {
    let all = [Tools::new(&["dash"], "mawk", "tar"), Tools::new(&["bash"], "gawk", "tar"), Tools::busybox()];
    let busybox = Tools::busybox();
    for tools in all {
        let (name, is_by_file) = (tools.name().to_owned(), tools.name() == "busybox");
        let node = stopped(&killing_at_the_journal(tools));
        let found = fs::read_to_string(node.path(STATE).join("journal")).unwrap();
        let (mut units, mut places) = (String::new(), Vec::new());
        for line in found.lines().filter(|line| line.contains('/')) {
            let words: Vec<_> = line.split(' ').collect();
            let [kind, live, slot, ..] = words[..] else { panic!("{line}") };
            let (new, old) = (fingerprint(&node.path(slot)), fingerprint(&node.path(live)));
            writeln!(units, "{kind} {live} {slot} {new} {old}").unwrap();
            places.push(format!("{kind} {live}"));
        }
        assert_eq!(found, journal("next", "previous", &units), "{name}");
        let folders = [format!("swap {PKI}"), "swap var/lib/kubelet/pki".to_owned()];
        assert_eq!(places[..2] == folders, !is_by_file, "{name}: {places:?}");
        assert!(places.contains(&"remove etc/kubernetes/bootstrap-kubelet.conf".to_owned()), "{name}: {places:?}");
        let ended = node.install(if is_by_file { &TOOLS } else { &busybox }, &SECOND, "worker-1", &[]);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), NOTE), "{name}");
        assert_clean(&node, &name);
    }
}

/// Whatever byte of it is another, one too few or one too many.
#[test]
fn a_damaged_journal_is_not_begun() {
    let node = stopped(&dash());
    let place = node.path(STATE).join("journal");
    let whole = fs::read(&place).unwrap();
    let end = whole.len();
    let mut wrong = vec![Vec::new(), whole[..72].to_vec(), whole[..end - 1].to_vec(), whole[..end / 2].to_vec()];
    wrong.push([&whole[..], b"\n"].concat());
    wrong.push([&whole[..end - 1], b"\0"].concat());
    // A line less, or twice, and the old hash.
    let second = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    wrong.push(whole[second..].to_vec());
    wrong.push([&whole[..second], &whole[..]].concat());
    for place in (3..end).step_by(89).chain([0, end - 73, end - 72, end - 2]) {
        let mut text = whole.clone();
        text[place] ^= 1;
        wrong.push(text);
    }
    for text in wrong {
        fs::write(&place, &text).unwrap();
        node.refuse(&mut node.other_command(&TOOLS, "--rollback"), 2, &damaged(&node));
    }
    node.refuse(&mut node.command(&TOOLS, &SECOND, "worker-1", &[]), 2, &damaged(&node));
    // The way on that is printed.
    fs::remove_file(&place).unwrap();
    assert_eq!(node.install(&TOOLS, &SECOND, "worker-1", &[]).code, Some(0));
    assert_clean(&node, "installed again");
}

/// A unit's contents: `new` is what arrives, `old` what was live, `` what mv copied without being allowed to write.
type Case = (&'static str, [Option<&'static str>; 3]);

const NEW: Option<&str> = Some("new");
const OLD: Option<&str> = Some("old");
const OTHER: Option<&str> = Some("other");
const HOLLOW: Option<&str> = Some("");

fn write(node: &Node, place: &str, content: Option<&str>) {
    if let Some(content) = content {
        fs::create_dir_all(node.path(place).parent().unwrap()).unwrap();
        fs::write(node.path(place), content).unwrap();
        fs::set_permissions(node.path(place), PermissionsExt::from_mode(0o600)).unwrap();
    }
}

fn read(node: &Node, place: &str) -> Option<String> {
    fs::read_to_string(node.path(place)).ok()
}

/// A node with a journal of such units, each a kubeconfig `0.conf` and so on: what is live, in the slot, and on its way.
fn with_units(cases: &[Case], keep: &str) -> Node {
    let node = Node::with(&FIRST, "worker-1");
    write(&node, "of/new", NEW);
    write(&node, "of/old", OLD);
    let (new, old) = (fingerprint(&node.path("of/new")), fingerprint(&node.path("of/old")));
    let (mut units, mut list) = (String::new(), "certferry-units-1\n".to_owned());
    for (number, (kind, [live, slot, out])) in cases.iter().enumerate() {
        let (place, in_slot) = (format!("etc/kubernetes/{number}.conf"), format!("{STATE}/next/{number}.conf"));
        write(&node, &place, *live);
        write(&node, &in_slot, *slot);
        write(&node, &format!("{in_slot}.out"), *out);
        let (new, old) = match *kind {
            "swap" => (new.as_str(), old.as_str()),
            "place" => (new.as_str(), "-"),
            _ => ("-", old.as_str()),
        };
        writeln!(units, "{kind} {place} {in_slot} {new} {old}").unwrap();
        writeln!(list, "{place} {STATE}/@/{number}.conf").unwrap();
    }
    write(&node, &format!("{STATE}/next/units"), Some(&(list + "end\n")));
    fs::write(node.path(STATE).join("journal"), journal("next", keep, &units)).unwrap();
    node
}

/// Completes the journal; the bundle that is installed changes nothing else.
#[track_caller]
fn complete(node: &Node) {
    assert_eq!(complete_with_notes(node), "");
}

/// The same; returns what is said of files that somebody has written to.
#[track_caller]
fn complete_with_notes(node: &Node) -> String {
    let ended = node.install(&TOOLS, &FIRST, "worker-1", &[]);
    let notes = ended.stderr.strip_prefix(NOTE);
    assert_eq!((ended.code, notes.is_some()), (Some(0), true), "{}", ended.stderr);
    assert!(ended.stdout.ends_with(" is installed, and every file is as it must be\n"), "{}", ended.stdout);
    assert_clean(node, "completed");
    notes.unwrap().to_owned()
}

/// What is live and what is kept in the end.
const COMPLETED: [(Case, [Option<&str>; 2]); 33] = [
    (("swap", [OLD, NEW, None]), [NEW, OLD]),
    (("swap", [OTHER, NEW, None]), [NEW, OTHER]),
    (("swap", [None, NEW, None]), [NEW, None]),
    (("swap", [None, NEW, OLD]), [NEW, OLD]),
    (("swap", [None, NEW, OTHER]), [NEW, OTHER]),
    (("swap", [OLD, NEW, HOLLOW]), [NEW, OLD]),
    (("swap", [OLD, None, NEW]), [NEW, OLD]),
    (("swap", [OTHER, None, NEW]), [NEW, OTHER]),
    (("swap", [None, None, NEW]), [NEW, None]),
    (("swap", [NEW, None, OLD]), [NEW, OLD]),
    (("swap", [OTHER, None, OLD]), [OTHER, OLD]),
    (("swap", [None, None, OLD]), [None, OLD]),
    (("swap", [NEW, HOLLOW, OLD]), [NEW, OLD]),
    (("swap", [NEW, OLD, None]), [NEW, OLD]),
    (("swap", [OTHER, OLD, None]), [OTHER, OLD]),
    (("swap", [OLD, OLD, None]), [OLD, OLD]),
    (("swap", [None, OLD, None]), [None, OLD]),
    (("swap", [OTHER, None, None]), [OTHER, None]),
    (("swap", [None, OLD, NEW]), [NEW, OLD]),
    (("swap", [None, OTHER, NEW]), [NEW, OTHER]),
    (("swap", [None, OLD, OTHER]), [OTHER, OLD]),
    (("place", [None, NEW, None]), [NEW, None]),
    (("place", [OTHER, NEW, None]), [NEW, OTHER]),
    (("place", [None, NEW, OTHER]), [NEW, OTHER]),
    (("place", [NEW, None, OTHER]), [NEW, OTHER]),
    (("place", [NEW, None, None]), [NEW, None]),
    (("place", [None, None, None]), [None, None]),
    (("remove", [OLD, None, None]), [None, OLD]),
    (("remove", [OTHER, None, None]), [None, OTHER]),
    (("remove", [None, OLD, None]), [None, OLD]),
    (("remove", [OTHER, OLD, None]), [OTHER, OLD]),
    (("remove", [OLD, OLD, None]), [OLD, OLD]),
    (("remove", [OLD, HOLLOW, None]), [None, OLD]),
];

#[test]
fn what_is_in_the_slot_decides_and_what_somebody_put_there_is_kept() {
    let node = with_units(&COMPLETED.map(|(case, _)| case), "previous");
    let notes = complete_with_notes(&node);
    for (number, (case, expected)) in COMPLETED.into_iter().enumerate() {
        let (place, [_, kept]) = (format!("etc/kubernetes/{number}.conf"), expected);
        let is_journaled = match case.0 {
            "swap" => kept == NEW || kept == OLD,
            "place" => kept == NEW,
            _ => kept == OLD,
        };
        let note =
            format!("note: {place} was written while this ran: it is {STATE}/previous/{number}.conf, and not live\n");
        assert_eq!(notes.contains(&note), kept.is_some() && !is_journaled, "{case:?}: {notes}");
        let found = [format!("etc/kubernetes/{number}.conf"), format!("{STATE}/previous/{number}.conf")];
        assert_eq!(found.map(|place| read(&node, &place)), expected.map(|text| text.map(str::to_owned)), "{case:?}");
    }
}

/// What was written before the run was completed is told before the next generation drops it.
#[test]
fn what_was_written_meanwhile_is_told_before_another_generation_comes() {
    let node = with_units(&[("swap", [OTHER, NEW, None])], "previous");
    let kept = format!("{STATE}/previous/0.conf");
    let text = format!(
        "{NOTE}error: an interrupted run was brought to its end; before that somebody had written to \
         etc/kubernetes/0.conf: it is {kept} now, and the next generation would drop it\nhint: look at it, and move it \
         elsewhere if it is of use; then run the same command again\n"
    );
    let ended = node.install(&TOOLS, &SECOND, "worker-1", &[]);
    assert_eq!((ended.code, ended.stderr), (Some(2), text));
    assert_eq!(read(&node, &kept).as_deref(), OTHER);
    assert_clean(&node, "refused");
    assert_eq!(node.install(&TOOLS, &SECOND, "worker-1", &[]).code, Some(0));
}

/// Each is in the way of something; moved away as the hint says, the run is completed, and nothing is lost.
#[test]
fn what_is_in_the_way_is_named_and_moved() {
    let (live, out) = ("etc/kubernetes/1.conf", "etc/kubernetes/.certferry/next/1.conf.out");
    for (contents, place, expected) in [
        ([OTHER, NEW, OLD], live, [NEW, OLD]),
        ([OLD, None, None], live, [None, None]),
        ([OLD, OTHER, None], live, [None, OTHER]),
        ([OTHER, OLD, NEW], live, [NEW, OLD]),
        ([NEW, OTHER, OLD], out, [NEW, OTHER]),
    ] {
        // Before it stands one that could be done.
        let node = with_units(&[("swap", [OLD, NEW, None]), ("swap", contents)], "previous");
        let path = node.path(place).display().to_string();
        let beside = node.path(live).display().to_string();
        let text = format!(
            "error: cannot complete the interrupted run while {path} is there\nhint: `mv {path} {beside}.moved`, then run \
             this once more: it was put there since; what that run moves is in the folders .certferry\n"
        );
        node.refuse(&mut node.command(&TOOLS, &SECOND, "worker-1", &[]), 2, &text);
        node.refuse(&mut node.other_command(&TOOLS, "--rollback"), 2, &text);
        let before = fs::read(node.path(place)).unwrap();
        let moved = node.path(&format!("{live}.moved"));
        fs::rename(node.path(place), &moved).unwrap();
        let notes = complete_with_notes(&node);
        assert_eq!(notes.is_empty(), expected[1] != OTHER, "{notes}");
        assert_eq!(fs::read(&moved).unwrap(), before);
        let found = [live.to_owned(), format!("{STATE}/previous/1.conf")].map(|place| read(&node, &place));
        assert_eq!(found, expected.map(|text| text.map(str::to_owned)), "{contents:?}");
    }
}

/// The slot that the journal says; the generation before stays where another one is.
#[test]
fn what_was_live_is_kept_where_the_journal_says() {
    for keep in ["repaired", "discard"] {
        let node = with_units(&[("swap", [OLD, NEW, None])], keep);
        write(&node, &format!("{STATE}/previous/mine"), OTHER);
        complete(&node);
        assert_eq!(read(&node, &format!("{STATE}/previous/mine")).as_deref(), OTHER);
        let kept = read(&node, &format!("{STATE}/repaired/0.conf"));
        assert_eq!(kept.as_deref(), if keep == "repaired" { OLD } else { None });
    }
    // Where certferry goes back from a repair, because who had to restart did not come up.
    for slot in ["repaired", "discard"] {
        let node = with_units(&[("swap", [OLD, NEW, None])], "previous");
        let journal = node.path(STATE).join("journal");
        let text = fs::read_to_string(&journal).unwrap();
        let text = text.replace("slot next\nkeep previous", &format!("slot {slot}\nkeep {slot}"));
        let text = text.replace("/next/", &format!("/{slot}/"));
        fs::write(&journal, sealed(&text[..text.rfind("sha256 ").unwrap()])).unwrap();
        fs::rename(node.path(STATE).join("next"), node.path(STATE).join(slot)).unwrap();
        let before = fs::read(node.path(STATE).join("previous/units")).unwrap();
        complete(&node);
        assert_eq!(read(&node, "etc/kubernetes/0.conf").as_deref(), NEW);
        assert_eq!(fs::read(node.path(STATE).join("previous/units")).unwrap(), before);
    }
}
