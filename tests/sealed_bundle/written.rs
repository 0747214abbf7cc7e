//! What `seal` writes and says.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use certferry::seal::{Envelope, Identity, Kind, OpenWith};
use std::io::Read;

use super::{Opener, seal, seal_into};
use crate::common::node::FIRST;
use crate::common::{certferry, end, fail, files, signer, succeed};

fn fingerprint() -> String {
    let lock = fs::read_to_string(&FIRST.lock).unwrap();
    let lock: toml::Table = lock.parse().unwrap();
    lock["signer"].as_str().unwrap().to_owned()
}

#[test]
fn it_says_what_is_there_and_what_is_still_in_the_clear() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let office = Opener::new(folder, "office", Kind::Hybrid);
    let sealed = folder.join("sealed");
    let mut dry = seal(folder);
    let told = succeed(dry.args(office.of_all()).arg("--dry-run"));
    let (name, plain) = (sealed.join("lab-g1.sealed.tar"), FIRST.archive.display());
    let name = name.display();
    assert_eq!(told, format!("{name}  3 parts, each sealed to its recipients, would be written; nothing was\n"));
    assert!(!sealed.exists());
    let told = succeed(seal(folder).args(office.of_all()));
    let public = sealed.join("lab.pub");
    let expected = format!(
        "{name}  3 parts, each sealed to its recipients: nothing in it is secret\n\
         {name}.sig  its signature\n\
         {}  the signer's public key\n\n\
         {}\n\
         {plain} is there as before, in the clear: destroy it, once the sealed one has been opened for a try\n",
        public.display(),
        signer(&fingerprint()),
    );
    assert_eq!(told, expected);
    let modes = ["lab-g1.sealed.tar", "lab-g1.sealed.tar.sig", "lab.pub"];
    assert_eq!(files(&sealed), modes);
    for name in modes {
        assert_eq!(fs::metadata(sealed.join(name)).unwrap().permissions().mode() & 0o777, 0o644, "{name}");
    }
    // Sealed again it would have other bytes.
    let refused = fail(seal(folder).args(office.of_all()), 2);
    let expected = format!(
        "error: cannot write {name}: file exists\n\
         hint: what was sealed before is never overwritten, because no two envelopes are the same: take it, or write to \
         another folder with --out\n"
    );
    assert_eq!(refused, expected);
    assert_eq!(fail(seal(folder).args(office.of_all()).arg("--dry-run"), 2), expected);
    // A run that was killed between the two has left the first.
    fs::remove_file(sealed.join("lab-g1.sealed.tar.sig")).unwrap();
    let expected = format!(
        "error: cannot write {name}: file exists\n\
         hint: {name}.sig is not there: unless it was sealed without a key that signs, this is half of a run that was \
         interrupted; remove it, and seal again\n"
    );
    assert_eq!(fail(seal(folder).args(office.of_all()), 2), expected);
    assert_eq!(fail(seal(folder).args(office.of_all()).arg("--dry-run"), 2), expected);
    fs::remove_file(sealed.join("lab-g1.sealed.tar")).unwrap();
    succeed(seal(folder).args(office.of_all()));
}

/// Without the seed there is no signature over the file, and that is said.
#[test]
fn without_the_seed_the_file_is_not_signed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let office = Opener::new(folder, "office", Kind::Hybrid);
    let mut command = certferry();
    command.arg("seal").arg(&FIRST.archive).arg("--key").arg(fingerprint()).args(office.of_all());
    let told = succeed(command.arg("--out").arg(folder.join("sealed")));
    let line = "not signed as a file, because no seed was given; index and parts have the signer's signatures\n";
    assert!(told.contains(line), "{told}");
    assert_eq!(files(&folder.join("sealed")), ["lab-g1.sealed.tar", "lab.pub"]);
}

#[test]
fn programs_get_who_opens_what() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let [cp, office] = ["cp", "office"].map(|name| Opener::new(folder, name, Kind::Hybrid));
    let mut command = seal(folder);
    command.arg("--to").arg(cp.of("cp-1")).args(office.of_all());
    let told = crate::json::Documents::default().of(&mut command);
    assert_eq!(told["schema"], "certferry.seal.v1");
    assert_eq!(told["changed"], true);
    assert_eq!(told["parts"][0]["part"], "node/cp-1");
    let to = told["parts"][0]["recipients"].as_array().unwrap();
    let wanted = [&cp, &office].map(|opener| {
        let recipient = certferry::seal::Recipient::parse(&opener.recipient).unwrap();
        recipient.sha256().iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    });
    assert_eq!(to.iter().map(|to| to["sha256"].as_str().unwrap()).collect::<Vec<_>>(), wanted);
    assert_eq!(to[0]["kind"], "age1pq1...");
    assert_eq!(told["parts"][2]["recipients"].as_array().unwrap().len(), 1);
}

/// X25519 alone is for what a node needs for some years; what signs for the cluster is named.
#[test]
fn x25519_alone_is_told_where_a_part_signs() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let weak = Opener::new(folder, "weak", Kind::X25519);
    let strong = Opener::new(folder, "strong", Kind::Hybrid);
    let mut command = seal(folder);
    command.arg("--to").arg(weak.of("cp-1")).arg("--to").arg(strong.of("worker-1"));
    let ended = end(command.arg("--cluster-to").arg(&weak.recipient).arg("--quiet"));
    assert_eq!(
        (ended.code, &*ended.stdout, &*ended.stderr),
        (
            Some(0),
            "",
            "warning: node/cp-1 has keys that sign for the whole cluster, and is sealed with X25519 alone\n\
             hint: a copy of today may be opened with a quantum computer of later: take recipients age1pq1...\n"
        )
    );
}

/// Two sealings differ in their envelopes alone, and open to the same bytes.
#[test]
fn what_is_sealed_is_the_same_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let office = Opener::new(folder, "office", Kind::Hybrid);
    let read = |out: &str| {
        succeed(seal_into(folder, out).args(office.of_all()));
        fs::read(folder.join(out).join("lab-g1.sealed.tar")).unwrap()
    };
    let (first, second) = (read("one"), read("two"));
    assert!(first.len() == second.len() && first != second);
    let entries = |bytes: &[u8]| -> Vec<(String, Vec<u8>)> {
        let mut archive = tar::Archive::new(bytes);
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            (entry.path().unwrap().display().to_string(), content)
        });
        entries.collect()
    };
    let identities = Identity::parse_all(office.secret.as_bytes()).unwrap();
    let open = |bytes: &[u8]| {
        let mut content = Vec::new();
        let envelope = Envelope::read(bytes).unwrap();
        envelope.open(OpenWith::Identities(&identities)).unwrap().read_to_end(&mut content).unwrap();
        content
    };
    for ((name, one), (other_name, two)) in entries(&first).iter().zip(entries(&second)) {
        assert_eq!(*name, other_name);
        if name.ends_with(".age") {
            assert!(*one != two && open(one) == open(&two), "{name}");
        } else {
            assert!(*one == two, "{name}");
        }
    }
}
