//! Envelopes that were truncated, exchanged, doubled, reordered, or come from elsewhere: one message, and nothing is
//! written.

use std::fs;

use super::{Entry, Far, SAMPLE, archive, entries, entry, envelope};
use crate::common::succeed;

const AGAIN: &str = "hint: nothing was written; carry the bundle again\n";

/// The commands that read all of it, with whoever opens cp-1's part.
fn refused(far: &Far, identity: &str, stderr: &str) {
    fs::create_dir_all(far.path("never")).unwrap();
    for command in [
        "verify lab-g1.sealed.tar --key lab.pub",
        "unpack lab-g1.sealed.tar --key lab.pub --node cp-1 --root never",
        "apply lab-g1.sealed.tar --key lab.pub --node cp-1 --root never",
        "inspect lab-g1.sealed.tar --key lab.pub",
    ] {
        far.refuse(&format!("{command} --identity {identity}.key"), 1, stderr);
    }
}

/// What `verify` and `split` see who open nothing.
fn refused_unopened(far: &Far, stderr: &str) {
    far.refuse("verify lab-g1.sealed.tar --key lab.pub", 1, stderr);
    far.refuse("split lab-g1.sealed.tar --all --out new", 1, stderr);
}

#[test]
fn the_signature_of_the_whole_file_says_it_first() {
    let far = SAMPLE.copy();
    let mut bytes = far.read("lab-g1.sealed.tar");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    far.write("lab-g1.sealed.tar", bytes);
    let text = "error: lab-g1.sealed.tar.sig does not hold for lab-g1.sealed.tar\n\
                hint: the file was changed or cut on its way, or another key signed it; carry it again\n";
    refused(&far, "cp-1", text);
    far.refuse("verify lab-g1.sealed.tar --key lab.pub", 1, text);
}

/// Without it, the form of the archive.
#[test]
fn an_archive_in_another_form_is_refused() {
    let far = SAMPLE.copy().unsigned();
    let right = far.read("lab-g1.sealed.tar");
    let all = entries(&right);
    assert_eq!(all.len(), 7, "folder, index, signature, nodes, two nodes, the cluster");
    let [cp, worker, cluster] =
        ["nodes/cp-1", "nodes/worker-1", "cluster"].map(|part| format!("lab-g1/{part}.tar.gz.age"));
    let with = |order: &[usize]| archive(&order.iter().map(|place| all[*place].clone()).collect::<Vec<Entry>>());
    let mut header = right.clone();
    // An owner.
    header[4 * 512 + (all[1].1.len() + all[2].1.len()) + 108 + 6] = b'1';
    let at = |place: usize| all[..place].iter().map(|(_, content)| 512 + content.len()).sum::<usize>();
    let mut padded = right.clone();
    let end = at(5) - 1;
    padded[end] = 1;
    let mut large = right.clone();
    large[at(4) + 124..at(4) + 135].copy_from_slice(b"77777777777");
    for (bytes, reason) in [
        (with(&[0, 1, 2, 3, 5, 4, 6]), format!("{worker} stands where {cp} belongs")),
        (with(&[0, 1, 2, 3, 4, 4, 5, 6]), format!("{cp} stands where {worker} belongs")),
        (with(&[0, 1, 2, 3, 4, 6]), format!("{cluster} stands where {worker} belongs")),
        (with(&[0, 1, 2, 3, 4, 5]), "the part cluster is missing".to_owned()),
        (with(&[0, 1, 2, 3, 4, 5, 6, 6]), format!("{cluster} belongs to no part of its index")),
        (with(&[0, 1, 3, 2, 4, 5, 6]), "lab-g1/nodes/ stands where lab-g1/manifest.json.sig belongs".to_owned()),
        (right[..right.len() - 1].to_vec(), "it ends too early".to_owned()),
        (right[..right.len() - 1024].to_vec(), "it ends too early".to_owned()),
        (right[..at(4) + 700].to_vec(), "it ends too early".to_owned()),
        ([&right[..], b"\n"].concat(), "bytes follow its end".to_owned()),
        (padded, format!("bytes follow {cp} in its last block")),
        (header, format!("the header of {cp} is not as its record says")),
    ] {
        far.write("lab-g1.sealed.tar", bytes);
        let text = format!("error: lab-g1.sealed.tar is refused: {reason}\n{AGAIN}");
        refused(&far, "cp-1", &text);
        refused_unopened(&far, &text);
    }
    far.write("lab-g1.sealed.tar", large);
    let ended = far.run("verify lab-g1.sealed.tar --key lab.pub");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    // Rightly sealed, but another index: that of nobody's key.
    let mut forged = right.clone();
    let generation = forged.windows(15).position(|text| text == b"\"generation\": 1").unwrap();
    forged[generation + 14] = b'9';
    far.write("lab-g1.sealed.tar", forged);
    let text = "error: lab-g1.sealed.tar is refused: the signature of lab-g1/manifest.json does not hold\n\
                hint: it was changed on its way, or another key signed it: compare --key with the fingerprint on paper\n";
    refused(&far, "cp-1", text);
    far.refuse("verify lab-g1.sealed.tar --key lab.pub", 1, text);
}

#[test]
fn an_envelope_of_elsewhere_is_refused() {
    let far = SAMPLE.copy().unsigned();
    let all = entries(&far.read("lab-g1.sealed.tar"));
    let other = entries(&fs::read(SAMPLE.path("lab-g2.sealed.tar")).unwrap());
    let cp = "lab-g1/nodes/cp-1.tar.gz.age";
    let put = |content: &[u8]| {
        let mut all = all.clone();
        all[4] = entry(&all[4], content);
        far.write("lab-g1.sealed.tar", archive(&all));
    };
    let not_its_slice = |problem: &str| {
        format!("error: lab-g1.sealed.tar is refused: what is sealed in {cp} is not its slice: {problem}\n{AGAIN}")
    };
    // Another node's: its own identity opens the wrong entry, and so does whoever opens all.
    put(&envelope(&all[5]));
    let text = not_its_slice("lab-g1/nodes/worker-1.json stands where lab-g1/nodes/cp-1.json belongs");
    refused(&far, "escrow", &text);
    far.refuse("verify lab-g1.sealed.tar --key lab.pub --identity worker-1.key", 1, &text);
    let text = not_its_slice("the record of node/worker-1 stands where node/cp-1's belongs");
    far.refuse("open lab-g1.sealed.tar --part cp-1 --identity escrow.key --out slice", 1, &text);
    // Nobody can see it without opening it.
    assert_eq!(far.run("verify lab-g1.sealed.tar --key lab.pub").code, Some(0));
    // Another generation's.
    put(&envelope(&other[4]));
    let text = not_its_slice("lab-g2/nodes/cp-1.json stands where lab-g1/nodes/cp-1.json belongs");
    refused(&far, "cp-1", &text);
    let ended = far.run("open lab-g1.sealed.tar --identity cp-1.key --out slice");
    assert_eq!((ended.code, far.path("slice").exists()), (Some(1), false), "{}", ended.stderr);

    let recipient = crate::seal::pipe(crate::common::tool("age-keygen").arg("-y").arg(far.path("cp-1.key")), b"");
    let recipient = String::from_utf8(recipient).unwrap();
    let seal =
        |content: &[u8]| crate::seal::pipe(crate::common::tool("age").args(["-r", recipient.trim_end()]), content);
    // Rightly sealed by anybody, but no slice, or one that was changed.
    let slice = fs::read(SAMPLE.slice("cp-1")).unwrap();
    put(&seal(b"this is no slice of a bundle"));
    refused(&far, "cp-1", &not_its_slice("it is not gzip as a bundle is"));
    let text = "error: what is sealed in lab-g1.sealed.tar is no slice\n\
                hint: `age -d` opens it; if it is a bundle, `certferry verify` and `apply` take it as it is\n";
    far.refuse("open lab-g1.sealed.tar --identity cp-1.key --out slice", 2, text);
    put(&seal(&slice[..slice.len() - 1]));
    refused(&far, "cp-1", &not_its_slice("it ends too early"));
    put(&seal(&[&slice[..], b"x"].concat()));
    refused(&far, "cp-1", &not_its_slice("bytes follow its end"));
    put(&seal(&slice));
    let ended = far.run("verify lab-g1.sealed.tar --key lab.pub --identity cp-1.key -q");
    // Whoever sealed it: the signatures in it hold.
    let warning = "warning: not checked: whether what stays sealed is the signer's, because there is no signature of the whole \
                   file\n";
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), warning));
}

#[test]
fn a_damaged_envelope_is_refused() {
    let far = SAMPLE.copy().unsigned();
    let all = entries(&far.read("lab-g1.sealed.tar"));
    let sealed = envelope(&all[4]);
    let named = "lab-g1/nodes/cp-1.tar.gz.age in lab-g1.sealed.tar";
    let head = sealed.windows(4).position(|text| text == b"\n---").unwrap() + 1;
    let line_end = head + sealed[head..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let changed = |place: usize, byte: u8| {
        let mut changed = sealed.clone();
        changed[place] = byte;
        changed
    };
    let flipped = |place: usize| changed(place, sealed[place] ^ 1);
    let letter = |place: usize| changed(place, if sealed[place] == b'A' { b'B' } else { b'A' });
    let payload = "was cut off or changed: the tag of part 1 does not hold";
    for (content, reason, is_seen_unopened) in [
        (letter(head + 4), "was changed: the tag of its head does not hold", false),
        (flipped(line_end + 3), payload, false),
        (flipped(line_end + 20), payload, false),
        (flipped(sealed.len() - 1), payload, false),
        (sealed[..sealed.len() - 1].to_vec(), payload, false),
        ([&sealed[..], b"x"].concat(), payload, false),
        (sealed[..line_end].to_vec(), "is a damaged file of age: it ends behind its head", false),
        (sealed[..head].to_vec(), "is a damaged file of age: it ends within its head", true),
        (Vec::new(), "is no file of age", true),
        (b"no file of age\n".to_vec(), "is no file of age", true),
        (changed(20, b'2'), "is a damaged file of age: its format is not age-encryption.org/v1", true),
    ] {
        let mut all = all.clone();
        all[4] = entry(&all[4], &content);
        far.write("lab-g1.sealed.tar", archive(&all));
        refused(&far, "cp-1", &format!("error: {named} {reason}\n{AGAIN}"));
        far.refuse(
            "open lab-g1.sealed.tar --identity cp-1.key --out slice",
            1,
            &format!("error: {named} {reason}\n{AGAIN}"),
        );
        let code = far.run("verify lab-g1.sealed.tar --key lab.pub").code;
        assert_eq!(code, Some(i32::from(is_seen_unopened)), "{reason}");
        // The same envelope by itself.
        far.write("lab-g1.tar.gz.age", &content);
        if !content.is_empty() && content.starts_with(b"age-encryption.org/") {
            let text = format!("error: lab-g1.tar.gz.age {reason}\n{AGAIN}");
            for command in ["verify --key lab.pub", "apply --key lab.pub --node cp-1 --root never", "open --out slice"]
            {
                far.refuse(&format!("{command} lab-g1.tar.gz.age --identity cp-1.key"), 1, &text);
            }
        }
    }
    // Armored, or with a passphrase: other programs take that, but nobody writes it here.
    let recipient = crate::seal::pipe(crate::common::tool("age-keygen").arg("-y").arg(far.path("cp-1.key")), b"");
    let recipient = String::from_utf8(recipient).unwrap();
    let slice = fs::read(SAMPLE.slice("cp-1")).unwrap();
    let mut armored = crate::common::tool("age");
    let armored = crate::seal::pipe(armored.args(["--armor", "-r", recipient.trim_end()]), &slice);
    let scrypt =
        format!("age-encryption.org/v1\n-> scrypt {} 20\n{}\n--- {}\n", "A".repeat(22), "A".repeat(43), "A".repeat(43));
    for (content, reason, hint) in [
        (armored.as_slice(), "is no file of age", AGAIN),
        (
            scrypt.as_bytes(),
            "is sealed with a passphrase",
            "hint: the parts of a sealed bundle are sealed to recipients; carry the bundle again\n",
        ),
    ] {
        let mut all = all.clone();
        all[4] = entry(&all[4], content);
        far.write("lab-g1.sealed.tar", archive(&all));
        let text = format!("error: {named} {reason}\n{hint}");
        refused(&far, "cp-1", &text);
        far.refuse("verify lab-g1.sealed.tar --key lab.pub", 1, &text);
    }
}

#[test]
fn a_bundle_that_is_sealed_as_one_file_is_taken_as_it_is() {
    let far = SAMPLE.copy();
    let recipient = crate::seal::pipe(crate::common::tool("age-keygen").arg("-y").arg(far.path("cp-1.key")), b"");
    let recipient = String::from_utf8(recipient).unwrap();
    let bundle = fs::read(&crate::common::node::FIRST.archive).unwrap();
    let mut age = crate::common::tool("age");
    far.write("lab-g1.tar.gz.age", crate::seal::pipe(age.args(["-r", recipient.trim_end()]), &bundle));
    let said = succeed(&mut far.command("verify lab-g1.tar.gz.age --key lab.pub --identity cp-1.key"));
    assert!(said.contains(": the whole bundle, 2 nodes and the cluster's part\n"), "{said}");
    let text = "error: what is sealed in lab-g1.tar.gz.age is no slice\n\
                hint: `age -d` opens it; if it is a bundle, `certferry verify` and `apply` take it as it is\n";
    far.refuse("open lab-g1.tar.gz.age --identity cp-1.key --out slice", 2, text);
}
