//! A sealed build: nothing in the clear anywhere, and each identity opens its own part alone.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;

use certferry::seal::{Envelope, Identity, Kind, OpenError, OpenWith};

use super::lab::LAB;
use super::memory::left;
use super::search::{Places, compressed};
use crate::common::desk::Desk;
use crate::common::rights::{Right, lacks};
use crate::common::{run, tool, write};

/// A part, and who opens it.
pub struct Owner {
    pub part: &'static str,
    pub envelope: &'static str,
    pub identity: Identity,
}

pub fn owners() -> [Owner; 3] {
    let owner = |part, envelope, kind| Owner { part, envelope, identity: Identity::random(kind).unwrap() };
    [
        owner("node/cp-1", "nodes/cp-1.tar.gz.age", Kind::Hybrid),
        owner("node/w-1", "nodes/w-1.tar.gz.age", Kind::X25519),
        owner("cluster", "cluster.tar.gz.age", Kind::X25519),
    ]
}

/// A desk whose profile seals each part to its owner.
pub fn desk(owners: &[Owner; 3]) -> Desk {
    let desk = LAB.desk();
    let [control_plane, worker, operator] = owners.each_ref().map(|owner| owner.identity.recipient());
    let profile = desk
        .text("lab.toml")
        .replace("name = \"cp-1\"", &format!("name = \"cp-1\"\nencrypt_to = [\"{control_plane}\"]"))
        .replace("name = \"w-1\"", &format!("name = \"w-1\"\nencrypt_to = [\"{worker}\"]"))
        .replace("[keys]\n", &format!("[seal]\nrequired = true\ncluster_to = [\"{operator}\"]\n\n[keys]\n"));
    desk.write("lab.toml", profile);
    desk
}

fn searched(desk: &Desk, line: &str) -> Places {
    let (output, places) = LAB.run(desk, &desk.command(line));
    assert_eq!(output.status.code(), Some(0), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    places
}

#[test]
fn nothing_of_a_sealed_build_is_in_the_clear() {
    if lacks(&[Right::Trace]) {
        return;
    }
    let (owners, open) = (owners(), LAB.open());
    let desk = desk(&owners);
    let build = format!("build lab.toml --seed sealed.seed {open}");
    for line in [
        "plan lab.toml".to_owned(),
        format!("{build} --out out --dry-run"),
        format!("{build} --out out"),
        format!("{build} --out again --locked"),
        format!("{build} --out split --split slices"),
        format!("{build} --out only --only w-1"),
    ] {
        let places = searched(&desk, &line);
        assert!(places.is_empty(), "{line}: {places:?}");
    }
    assert!(desk.exists("out/lab-g1.sealed.tar") && !desk.exists("out/lab-g1.tar.gz"));

    // With the identity of one, everything that is its own comes out, and nothing of another.
    let mut tar = tool("tar");
    assert!(run(tar.args(["-xf", "out/lab-g1.sealed.tar"]).current_dir(desk.path(""))).status.success());
    for owner in &owners {
        let mine = std::slice::from_ref(&owner.identity);
        for other in &owners {
            let sealed = desk.read(&format!("lab-g1/{}", other.envelope));
            assert!(LAB.needles.search(&sealed).is_empty());
            let opened = Envelope::read(sealed.as_slice()).unwrap().open(OpenWith::Identities(mine));
            if other.part != owner.part {
                assert!(matches!(opened, Err(OpenError::OtherRecipients)), "{} opens {}", owner.part, other.part);
                continue;
            }
            let mut slice = Vec::new();
            opened.unwrap().read_to_end(&mut slice).unwrap();
            let mut places = Places::new();
            LAB.needles.look("it", &slice, &mut places);
            let keys: BTreeSet<_> = places[&compressed("it")].iter().map(|(name, _)| name.clone()).collect();
            assert_eq!(keys, LAB.keys_of(owner.part).into_values().collect(), "{}", owner.part);
        }
    }
    // Somebody else's program has the same opinion of all three.
    let stick = tempfile::tempdir().unwrap();
    let file = write(stick.path(), "w-1.key", &owners[1].identity.to_text(), 0o600);
    for owner in &owners {
        let mut age = tool("age");
        age.arg("--decrypt").arg("-i").arg(&file).arg(desk.path("lab-g1").join(owner.envelope));
        assert_eq!(run(&mut age).status.success(), owner.part == "node/w-1", "{}", owner.part);
    }
}

/// A bundle in the clear that is sealed afterwards is read, and nothing more of it is written.
#[test]
fn sealing_a_bundle_writes_nothing_in_the_clear() {
    if lacks(&[Right::Trace]) {
        return;
    }
    let (owners, open) = (owners(), LAB.open());
    let desk = desk(&owners);
    let profile = desk.text("lab.toml");
    desk.write("lab.toml", profile.replace("required = true\n", ""));
    desk.succeed(&format!("build lab.toml --seed sealed.seed {open} --out plain --unsealed"));
    let line = format!("seal plain/lab-g1.tar.gz --profile lab.toml --seed sealed.seed {open} --out sealed");
    let places = searched(&desk, &line);
    assert_eq!(places.keys().collect::<Vec<_>>(), [&compressed("file plain/lab-g1.tar.gz")], "{places:?}");
    fs::remove_dir_all(desk.path("plain")).unwrap();
    assert!(desk.exists("sealed/lab-g1.sealed.tar"));
}

#[test]
fn nothing_of_a_sealed_build_is_in_memory_at_the_end() {
    if lacks(&[Right::Trace]) {
        return;
    }
    let (owners, open) = (owners(), LAB.open());
    let desk = desk(&owners);
    let profile = desk.text("lab.toml");
    desk.write("clear.toml", profile.replace("required = true\n", ""));
    desk.succeed(&format!("build clear.toml --seed sealed.seed {open} --out plain --unsealed"));
    let seal = "seal plain/lab-g1.tar.gz --profile lab.toml --seed sealed.seed";
    for line in [format!("build lab.toml --seed sealed.seed {open} --out out"), format!("{seal} {open} --out sealed")] {
        match left(&desk, &line, &LAB.needles) {
            Some(found) => assert!(found.is_empty(), "{found:#?}"),
            None => return,
        }
    }
}
