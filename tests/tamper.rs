//! A bundle that was changed on its way: every byte of it, every length, every wrong key. Nothing of it is taken.
//! Every day a third of the bytes and lengths is tried, and all where something begins or ends.

use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::sync::LazyLock;

use crate::common::desk::{Desk, OTHER_SEED};
use crate::common::{end, tool};
use certferry::bundle::{Row, Sha256};
use certferry::kubernetes::PartName;
use certferry::sign::{Fingerprint, PublicKey};
use certferry::verify::{AlreadyVerified, check_bundle};
use rayon::iter::{IntoParallelIterator, IntoParallelRefIterator, ParallelIterator};
use time::OffsetDateTime;
use time::macros::datetime;

/// One bundle, built once.
struct Sample {
    archive: Vec<u8>,
    signature: Vec<u8>,
    public_key: Vec<u8>,
}

static SAMPLE: LazyLock<Sample> = LazyLock::new(|| {
    let desk = Desk::new();
    desk.succeed("build lab.toml --seed lab.seed --out out");
    Sample {
        archive: desk.read("out/lab-g1.tar.gz"),
        signature: desk.read("out/lab-g1.tar.gz.sig"),
        public_key: desk.read("out/lab.pub"),
    }
});

impl Sample {
    fn key(&self) -> PublicKey {
        PublicKey::from_pem(&self.public_key).unwrap()
    }

    /// A desk on the far side: the bundle alone.
    fn carried(&self) -> Desk {
        let desk = Desk::new();
        desk.write("lab-g1.tar.gz", &self.archive);
        desk.write("lab-g1.tar.gz.sig", &self.signature);
        desk.write("lab.pub", &self.public_key);
        desk
    }
}

/// What is given out of a part: each row with its content.
type Content = Vec<(Row, Vec<u8>)>;

/// When the sample is valid.
const AT: OffsetDateTime = datetime!(2026-11-23 00:00 UTC);

/// The check of `verify`, `unpack` and `apply`: the outer signature if there is one, then the whole bundle. Returns the
/// digest of its content, and what is in the node's part.
fn read(archive: &[u8], signature: Option<&[u8]>, key: &PublicKey) -> Option<(Sha256, Content)> {
    if let Some(signature) = signature {
        key.verify_sha256(&Sha256::of(archive).0, signature).ok()?;
    }
    part(archive, key, PartName::Node("cp-1".to_owned()))
}

fn part(archive: &[u8], key: &PublicKey, wanted: PartName) -> Option<(Sha256, Content)> {
    let checked = check_bundle(archive, key, AT, Some(&wanted), &AlreadyVerified::default()).ok()?;
    assert!(checked.findings.is_empty(), "what is signed is right: {:?}", checked.findings);
    let part = checked.wanted?;
    let content = part.files().map(|(row, bytes)| (row.clone(), bytes.to_vec())).collect();
    Some((checked.archive.content_sha256(), content))
}

/// The sample as it is: the digest of its content, and what is in all of its parts.
fn genuine() -> (Sha256, Content) {
    let (sha256, mut content) = read(&SAMPLE.archive, None, &SAMPLE.key()).unwrap();
    content.extend(part(&SAMPLE.archive, &SAMPLE.key(), PartName::Cluster).unwrap().1);
    (sha256, content)
}

/// Every day one place of so many is tried where nothing begins or ends.
const STEP: usize = 3;

/// Whether a place is tried every day: one of three, and all that are within a header or trailer of gzip, or near them.
/// Tests of the long form try the others.
fn is_daily(place: usize) -> bool {
    static BOUNDARIES: LazyLock<Vec<usize>> = LazyLock::new(|| {
        let archive = &SAMPLE.archive;
        let mut rest = &archive[..];
        let mut boundaries = vec![0];
        while !rest.is_empty() {
            flate2::bufread::GzDecoder::new(&mut rest).read_to_end(&mut Vec::new()).unwrap();
            boundaries.push(archive.len() - rest.len());
        }
        assert!(boundaries.len() > 2, "{boundaries:?}");
        boundaries
    });
    place.is_multiple_of(STEP) || BOUNDARIES.iter().any(|boundary| boundary.abs_diff(place) < 16)
}

#[test]
fn every_changed_byte_is_seen() {
    changed_bytes_are_seen(is_daily);
}

#[test]
#[ignore = "long form"]
fn long_every_other_changed_byte_is_seen() {
    changed_bytes_are_seen(|place| !is_daily(place));
}

fn changed_bytes_are_seen(are_tried: fn(usize) -> bool) {
    let (sample, key) = (&*SAMPLE, SAMPLE.key());
    let right = read(&sample.archive, Some(&sample.signature), &key).unwrap();
    assert_eq!(read(&sample.archive, None, &key).as_ref(), Some(&right));
    assert!(right.1.len() > 25);
    let tried: Vec<usize> = (0..sample.archive.len()).filter(|place| are_tried(*place)).collect();
    let taken: Vec<usize> = tried
        .par_iter()
        .copied()
        .filter(|place| {
            let mut changed = sample.archive.clone();
            changed[*place] ^= 1 << (place % 8);
            // What the reader refuses is refused with an outer signature, too.
            let Some(found) = read(&changed, None, &key) else { return false };
            // Another spelling of the same content: compressed data has some freedom, its content none.
            assert!(found == right, "byte {place}: other content was taken");
            assert!(read(&changed, Some(&sample.signature), &key).is_none(), "byte {place}, with its signature");
            true
        })
        .collect();
    assert!(taken.len() * 100 < tried.len(), "unexpectedly many: {taken:?}");
}

#[test]
fn every_changed_byte_of_the_signature_is_seen() {
    let (sample, key) = (&*SAMPLE, SAMPLE.key());
    for place in 0..sample.signature.len() {
        for bit in 0..8 {
            let mut changed = sample.signature.clone();
            changed[place] ^= 1 << bit;
            assert!(read(&sample.archive, Some(&changed), &key).is_none(), "byte {place}, bit {bit}");
        }
        assert!(read(&sample.archive, Some(&sample.signature[..place]), &key).is_none(), "cut at {place}");
    }
    assert!(read(&sample.archive, Some(&[&sample.signature[..], &[0]].concat()), &key).is_none());
}

#[test]
fn every_cut_is_seen() {
    cuts_are_seen(is_daily);
}

#[test]
#[ignore = "long form"]
fn long_every_other_cut_is_seen() {
    cuts_are_seen(|length| !is_daily(length));
}

fn cuts_are_seen(are_tried: fn(usize) -> bool) {
    let (sample, key) = (&*SAMPLE, SAMPLE.key());
    (0..sample.archive.len()).into_par_iter().filter(|length| are_tried(*length)).for_each(|length| {
        assert!(read(&sample.archive[..length], None, &key).is_none(), "cut at {length}");
    });
    assert!(read(&sample.archive[..sample.archive.len() - 1], Some(&sample.signature), &key).is_none());
}

#[test]
fn whatever_follows_is_seen() {
    let (sample, key) = (&*SAMPLE, SAMPLE.key());
    let mut extended = sample.archive.clone();
    for byte in 0..=255 {
        extended.push(byte);
        assert!(read(&extended, None, &key).is_none(), "byte {byte}");
        assert!(read(&extended, Some(&sample.signature), &key).is_none(), "byte {byte}");
        extended.pop();
    }
    for more in [&sample.archive[..], &[0; 512], &[0; 1024]] {
        assert!(read(&[&sample.archive, more].concat(), None, &key).is_none());
    }
}

/// `verify` and `unpack` refuse with these words, and nothing is written.
fn refused(desk: &Desk, arguments: &str, code: i32, stderr: &str) {
    desk.refuse(&format!("verify {arguments}"), code, stderr);
    desk.refuse(&format!("unpack {arguments} --node cp-1 --root root"), code, stderr);
    assert!(!desk.exists("root"));
}

#[test]
fn the_right_bundle_is_taken() {
    let desk = SAMPLE.carried();
    let key = SAMPLE.key().fingerprint();
    let (sha256, content) = genuine();
    let [first, second] = key.halves();
    let verified = format!(
        "\
lab, generation 1, Kubernetes 1.24.15: the whole bundle, 1 node and the cluster's part
every signature, record, hash, chain and key pair holds
signer   {key}
         {first}
         {second}
content  sha256:{sha256}
"
    );
    // As it was copied, as it stands on paper and was typed without quotes, as it was spoken.
    let typed = format!("{first} {second}").to_uppercase();
    for key in ["lab.pub".to_owned(), key.to_string(), typed, key.words().join(" ")] {
        assert_eq!(desk.succeed(&format!("verify lab-g1.tar.gz --key {key}")), verified);
        assert_eq!(desk.succeed(&format!("verify lab-g1.tar.gz --key {key} --quiet")), "");
    }
    // The outer signature may be missing.
    fs::remove_file(desk.path("lab-g1.tar.gz.sig")).unwrap();
    assert_eq!(desk.succeed("verify lab-g1.tar.gz --key lab.pub"), verified);
    let files =
        content.iter().filter(|(row, _)| row.path().starts_with("etc/") || row.path().starts_with("var/")).count();
    let verified = verified.replace(
        "every signature, record, hash, chain and key pair holds",
        "every signature, record and hash holds, and every chain and key pair of cp-1",
    );
    assert_eq!(
        desk.succeed("unpack lab-g1.tar.gz --key lab.pub --node cp-1 --root root"),
        format!("{verified}{files} files of cp-1 in root\n")
    );
    assert_eq!(desk.succeed("unpack lab-g1.tar.gz --key lab.pub --node cp-1 --root again --quiet"), "");
    for root in ["root", "again"] {
        assert_eq!(desk.names(root).len(), files);
        assert_eq!(desk.mode(root), 0o700);
    }
    for (row, bytes) in &content {
        let path = format!("root/{}", row.path());
        match row {
            Row::File { mode, .. } if desk.exists(&path) => {
                assert!(desk.read(&path) == *bytes && desk.mode(&path) == mode.bits(), "{path}");
            }
            Row::File { path, .. } => {
                let is_of_cluster = ["users/", "kubeadm/"].iter().any(|folder| path.starts_with(folder));
                assert!(is_of_cluster || path == "profile.toml", "{path}");
            }
            Row::Link { target, .. } => assert_eq!(fs::read_link(desk.path(&path)).unwrap().to_str(), Some(&**target)),
        }
    }
}

#[test]
fn a_changed_bundle_is_refused_by_its_outer_signature() {
    let desk = SAMPLE.carried();
    let text = "\
error: lab-g1.tar.gz.sig does not hold for lab-g1.tar.gz
hint: the file was changed or cut on its way, or another key signed it; carry it again
";
    let archive = &SAMPLE.archive;
    let mut flipped = archive.clone();
    flipped[archive.len() / 2] ^= 1;
    for changed in [&flipped[..], &archive[..archive.len() - 1], &[&archive[..], b"\n"].concat(), b""] {
        desk.write("lab-g1.tar.gz", changed);
        refused(&desk, "lab-g1.tar.gz --key lab.pub", 1, text);
    }
    desk.write("lab-g1.tar.gz", archive);
    for signature in [&SAMPLE.signature[1..], b"", archive] {
        if signature.len() > 64 << 10 {
            continue;
        }
        desk.write("lab-g1.tar.gz.sig", signature);
        refused(&desk, "lab-g1.tar.gz --key lab.pub", 1, text);
    }
    // Rightly signed by the right key, but for another file.
    let other = Desk::new();
    other.profile_with(&[("issued_at = 2026-11-22", "issued_at = 2026-11-22\ngeneration = 2")]);
    other.succeed("build lab.toml --seed lab.seed --out out");
    assert!(other.read("out/lab.pub") == SAMPLE.public_key);
    desk.write("lab-g1.tar.gz.sig", other.read("out/lab-g2.tar.gz.sig"));
    refused(&desk, "lab-g1.tar.gz --key lab.pub", 1, text);
    fs::remove_file(desk.path("lab-g1.tar.gz.sig")).unwrap();
    fs::create_dir(desk.path("lab-g1.tar.gz.sig")).unwrap();
    refused(&desk, "lab-g1.tar.gz --key lab.pub", 2, "error: cannot read lab-g1.tar.gz.sig: is a directory\n");
}

/// The archive's gzip members, each unpacked.
fn members(archive: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = archive;
    let mut members = Vec::new();
    while !rest.is_empty() {
        let mut member = Vec::new();
        flate2::bufread::GzDecoder::new(&mut rest).read_to_end(&mut member).unwrap();
        members.push(member);
    }
    members
}

/// The sample with each text replaced by one of the same length, compressed anew: an attacker can do that.
fn forged(from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut found = 0;
    let members = members(&SAMPLE.archive).into_iter().flat_map(|mut member| {
        for place in 0..=member.len().saturating_sub(from.len()) {
            if member[place..].starts_with(from.as_bytes()) {
                member[place..place + to.len()].copy_from_slice(to.as_bytes());
                found += 1;
            }
        }
        let encoder = flate2::GzBuilder::new().mtime(0).operating_system(255);
        let mut packed = Vec::new();
        encoder.read(&*member, flate2::Compression::new(6)).read_to_end(&mut packed).unwrap();
        packed
    });
    let archive = members.collect();
    assert!(found > 0, "{from}");
    archive
}

#[test]
fn without_an_outer_signature_the_reader_says_what_is_wrong() {
    let desk = SAMPLE.carried();
    fs::remove_file(desk.path("lab-g1.tar.gz.sig")).unwrap();
    let archive = &SAMPLE.archive;
    let changed = |place: usize| {
        let mut changed = archive.clone();
        changed[place] ^= 1;
        changed
    };
    let again = "hint: nothing was written; carry the bundle again\n";
    let other_form =
        "hint: give the file CLUSTER-gN.tar.gz as `certferry build` wrote it, not unpacked or packed anew\n";
    let other_key =
        "hint: it was changed on its way, or another key signed it: compare --key with the fingerprint on paper\n";
    let last = archive.len() - 1;
    for (content, reason, hint) in [
        (Vec::new(), "it ends too early", again),
        (archive[..last].to_vec(), "it ends too early", again),
        ([&archive[..], b"\n"].concat(), "bytes follow its end", again),
        (changed(0), "it is not gzip as a bundle is", other_form),
        (b"not a bundle at all".to_vec(), "it is not gzip as a bundle is", other_form),
        (members(archive).concat(), "it is not gzip as a bundle is", other_form),
        (changed(last), "a checksum of its compressed data does not hold", again),
        (forged("lab-g1/", "bal-g1/"), "bal-g1/ stands where lab-g1/ belongs", again),
        (
            forged("\"generation\": 1", "\"generation\": 9"),
            "the signature of lab-g1/manifest.json does not hold",
            other_key,
        ),
        (
            forged("\"control-plane\"", "\"wontrol-plane\""),
            "the signature of lab-g1/nodes/cp-1.json does not hold",
            other_key,
        ),
        (
            forged("nodes/cp-1.json.sig", "nodes/cp-1.json.gis"),
            "lab-g1/nodes/cp-1.json.gis stands where lab-g1/nodes/cp-1.json.sig belongs",
            again,
        ),
        (
            forged("etc/kubernetes/admin.conf\0", "etc/kubernetes/nimda.conf\0"),
            "lab-g1/nodes/cp-1/etc/kubernetes/nimda.conf stands where lab-g1/nodes/cp-1/etc/kubernetes/admin.conf belongs",
            again,
        ),
    ] {
        desk.write("lab-g1.tar.gz", content);
        refused(&desk, "lab-g1.tar.gz --key lab.pub", 1, &format!("error: lab-g1.tar.gz is refused: {reason}\n{hint}"));
    }
    // A file's content: the text has both digests.
    desk.write("lab-g1.tar.gz", forged("server: https://", "server: http5://"));
    let ended = desk.run("verify lab-g1.tar.gz --key lab.pub");
    assert!(
        ended
            .stderr
            .starts_with("error: lab-g1.tar.gz is refused: lab-g1/nodes/cp-1/etc/kubernetes/admin.conf has sha256 "),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.code, Some(1));
}

/// A bundle of the same cluster's name from somebody else.
fn foreign() -> Desk {
    let desk = Desk::new();
    desk.write("other.seed", format!("certferry-seed-1:{OTHER_SEED}\n"));
    desk.set_mode("other.seed", 0o600);
    desk.succeed("build lab.toml --seed other.seed --out .");
    desk
}

#[test]
fn another_signer_is_refused() {
    let (desk, foreign) = (SAMPLE.carried(), foreign());
    desk.write("other.pub", foreign.read("lab.pub"));
    refused(
        &desk,
        "lab-g1.tar.gz --key other.pub",
        1,
        "\
error: lab-g1.tar.gz.sig does not hold for lab-g1.tar.gz
hint: the file was changed or cut on its way, or another key signed it; carry it again
",
    );
    fs::remove_file(desk.path("lab-g1.tar.gz.sig")).unwrap();
    refused(
        &desk,
        "lab-g1.tar.gz --key other.pub",
        1,
        "\
error: lab-g1.tar.gz is refused: the signature of lab-g1/manifest.json does not hold
hint: it was changed on its way, or another key signed it: compare --key with the fingerprint on paper
",
    );
}

#[test]
fn a_fingerprint_is_that_of_the_key_beside_the_bundle() {
    let (desk, foreign) = (SAMPLE.carried(), foreign());
    let right = SAMPLE.key().fingerprint();
    let other = PublicKey::from_pem(&foreign.read("lab.pub")).unwrap().fingerprint();
    let text = |found: Fingerprint, expected: Fingerprint| {
        let ([found, and], [expected, then]) = (found.halves(), expected.halves());
        format!(
            "\
error: lab.pub is not the key of that fingerprint
  it is    {found}
           {and}
  expected {expected}
           {then}
hint: compare the fingerprint with the one written down when the bundle was built; if that is what was typed, somebody \
             else made this bundle
"
        )
    };
    refused(&desk, &format!("lab-g1.tar.gz --key {other}"), 1, &text(right, other));
    // The whole company replaced: archive, signature and key fit each other.
    for name in ["lab-g1.tar.gz", "lab-g1.tar.gz.sig", "lab.pub"] {
        desk.write(name, foreign.read(name));
    }
    desk.succeed("verify lab-g1.tar.gz --key lab.pub");
    refused(&desk, &format!("lab-g1.tar.gz --key {right}"), 1, &text(other, right));
    // The key alone replaced by the right one: the bundle is still another's.
    desk.write("lab.pub", &SAMPLE.public_key);
    fs::remove_file(desk.path("lab-g1.tar.gz.sig")).unwrap();
    refused(
        &desk,
        &format!("lab-g1.tar.gz --key {right}"),
        1,
        "\
error: lab-g1.tar.gz is refused: the signature of lab-g1/manifest.json does not hold
hint: it was changed on its way, or another key signed it: compare --key with the fingerprint on paper
",
    );
    fs::remove_file(desk.path("lab.pub")).unwrap();
    refused(
        &desk,
        &format!("lab-g1.tar.gz --key {right}"),
        2,
        "\
error: cannot read the public key lab.pub: no such file or directory
hint: --key takes the file CLUSTER.pub, or the fingerprint `sha256:...` when that file lies beside the bundle
",
    );
    fs::rename(desk.path("lab-g1.tar.gz"), desk.path("renamed.tar.gz")).unwrap();
    refused(
        &desk,
        &format!("renamed.tar.gz --key {right}"),
        2,
        "\
error: cannot tell the cluster from the name renamed.tar.gz
hint: give the public key's file to --key instead of its fingerprint
",
    );
    fs::rename(desk.path("renamed.tar.gz"), desk.path("lab-g1.tar.gz")).unwrap();
    for (wrong, reason) in [
        ("sha256:".to_owned(), "it has 0 hex digits, not 64"),
        (right.to_string()[..70].to_owned(), "it has 63 hex digits, not 64"),
        (right.to_string()[7..70].to_owned(), "it has 63 hex digits, not 64"),
        (right.to_string().replace("sha256:", "sha256:0"), "it has 65 hex digits, not 64"),
        (right.to_string().replace("sha256:", "sha256:o"), "`o` is no hex digit"),
        (right.words()[..23].join(" "), "there are 23 words, not 24"),
        (
            ["zoo"; 24].join(" "),
            "a word is another one, or two changed places: the checksum in the last word does not hold",
        ),
    ] {
        refused(
            &desk,
            &format!("lab-g1.tar.gz --key {wrong}"),
            2,
            &format!(
                "\
error: --key is not a fingerprint: {reason}
hint: a fingerprint is 64 hex digits, in any case and with any blanks, or 24 words; `certferry build` prints it
"
            ),
        );
    }
    // Not even when there is a file of that name, which somebody may have put there.
    let name = right.to_string()[7..].to_owned();
    desk.write(&name, desk.read("lab-g1.tar.gz"));
    let said = desk.run(&format!("verify lab-g1.tar.gz --key {name}")).stderr;
    assert!(said.contains("lab.pub"), "{said}");
}

#[test]
fn files_that_are_no_signers_key_are_named() {
    let desk = SAMPLE.carried();
    let hint = "hint: --key takes the file CLUSTER.pub, or the fingerprint `sha256:...` when that file lies beside the bundle\n";
    let arguments = "lab-g1.tar.gz --key other";
    refused(
        &desk,
        arguments,
        2,
        &format!("error: cannot read the public key other: no such file or directory\n{hint}"),
    );
    let public = String::from_utf8(SAMPLE.public_key.clone()).unwrap();
    let (_, content) = genuine();
    let of_bundle = |name: &str| {
        let (_, bytes) = content.iter().find(|(row, _)| row.path().ends_with(name)).unwrap();
        String::from_utf8(bytes.clone()).unwrap()
    };
    let rsa =
        "-----BEGIN PUBLIC KEY-----\nMCQwDQYJKoZIhvcNAQEBBQADEwAwEAIJAKJ9E0xk8bXtAgMBAAE=\n-----END PUBLIC KEY-----\n";
    for (other, reason) in [
        (String::new(), "it is not PEM"),
        (desk.text("lab.toml"), "it is not PEM"),
        (of_bundle("pki/ca.crt"), "it holds `CERTIFICATE`, not `PUBLIC KEY`"),
        (of_bundle("pki/ca.key"), "it holds `EC PRIVATE KEY`, not `PUBLIC KEY`"),
        (rsa.to_owned(), "it is not an ECDSA P-256 key"),
        (public.replace('\n', "\r\n"), "there is more in it than one plain PEM block"),
        (format!("{public}\n"), "it is not PEM"),
    ] {
        desk.write("other", other);
        refused(&desk, arguments, 2, &format!("error: other is not a signer's public key: {reason}\n"));
    }
    fs::remove_file(desk.path("other")).unwrap();
    fs::create_dir(desk.path("other")).unwrap();
    refused(&desk, arguments, 2, &format!("error: cannot read the public key other: is a directory\n{hint}"));
}

/// A name of a cluster, or what somebody adds to that of a slice, may have a `-g` and a digit, too.
#[test]
fn a_key_is_found_beside_a_bundle_whatever_its_name() {
    let desk = Desk::new();
    desk.profile_with(&[("name = \"lab\"", "name = \"a-g1\""), ("name = \"cp-1\"", "name = \"cp-g7\"")]);
    desk.succeed("build lab.toml --seed lab.seed --out .");
    desk.succeed("split a-g1-g1.tar.gz --node cp-g7 --out a-g1-g1-cp-g7.tar.gz");
    let key = PublicKey::from_pem(&desk.read("a-g1.pub")).unwrap().fingerprint();
    fs::create_dir(desk.path("root")).unwrap();
    let install = |bundle: &str| {
        let mut command = tool("sh");
        command.current_dir(desk.path("")).args([
            "install.sh",
            bundle,
            "--node",
            "cp-g7",
            "--key",
            &key.to_string(),
            "--dry-run",
            "--root",
            "root",
        ]);
        end(&mut command)
    };
    for bundle in ["a-g1-g1.tar.gz", "a-g1-g1-cp-g7.tar.gz"] {
        desk.succeed(&format!("verify {bundle} --key {key}"));
        assert_eq!(install(bundle).stderr, "", "{bundle}");
        assert!(desk.succeed(&format!("fingerprint {bundle}")).starts_with("a-g1.pub\n"));
    }
    // Another key of such a name is nobody's, and is not in the way.
    let foreign = foreign();
    for name in ["a.pub", "a-g1-g1-cp.pub"] {
        desk.write(name, foreign.read("lab.pub"));
    }
    desk.succeed(&format!("verify a-g1-g1-cp-g7.tar.gz --key {key}"));
    assert_eq!(install("a-g1-g1-cp-g7.tar.gz").stderr, "");
    desk.write("a-g1-g1-cp.pub", "no key at all");
    desk.succeed(&format!("verify a-g1-g1-cp-g7.tar.gz --key {key}"));
    assert_eq!(install("a-g1-g1-cp-g7.tar.gz").stderr, "");
    // Without the right one it is the likeliest that is told.
    fs::remove_file(desk.path("a-g1.pub")).unwrap();
    fs::remove_file(desk.path("a-g1-g1-cp.pub")).unwrap();
    let ended = desk.run(&format!("verify a-g1-g1-cp-g7.tar.gz --key {key}"));
    assert!(ended.stderr.starts_with("error: a.pub is not the key of that fingerprint\n"), "{}", ended.stderr);
    let said = install("a-g1-g1-cp-g7.tar.gz").stderr;
    assert!(said.starts_with("error: ./a.pub is not the key of that fingerprint: "), "{said}");
    fs::remove_file(desk.path("a.pub")).unwrap();
    let hint = "hint: --key takes the file CLUSTER.pub, or the fingerprint `sha256:...` when that file lies beside the bundle\n";
    let line = format!("verify a-g1-g1-cp-g7.tar.gz --key {key}");
    let said = "error: cannot read the public key a-g1-g1-cp.pub: no such file or directory\n";
    desk.refuse(&line, 2, &format!("{said}{hint}"));
    let said = install("a-g1-g1-cp-g7.tar.gz").stderr;
    assert!(said.starts_with("error: cannot read the public key ./a-g1-g1-cp.pub\n"), "{said}");
}

#[test]
fn bundles_that_cannot_be_read_are_named() {
    let desk = SAMPLE.carried();
    // Before anything is said about the key beside it.
    let fingerprint = SAMPLE.key().fingerprint();
    for key in [fingerprint.to_string(), fingerprint.words().join(" ")] {
        let text = "error: cannot read nope.tar.gz: no such file or directory\n";
        refused(&desk, &format!("nope.tar.gz --key {key}"), 2, text);
    }
    let text = "error: there is no node pc-1 in lab-g1.tar.gz\nhint: did you mean `cp-1`?\nhint: it has cp-1\n";
    desk.refuse("unpack lab-g1.tar.gz --key lab.pub --node pc-1 --root root", 2, text);
    refused(&desk, "none.tar.gz --key lab.pub", 2, "error: cannot read none.tar.gz: no such file or directory\n");
    refused(&desk, ". --key lab.pub", 2, "error: cannot read .: is a directory\n");
    refused(
        &desk,
        "lab.pub --key lab.pub",
        1,
        "\
error: lab.pub is refused: it is not gzip as a bundle is
hint: give the file CLUSTER-gN.tar.gz as `certferry build` wrote it, not unpacked or packed anew
",
    );
}

#[test]
fn a_node_that_is_not_in_the_bundle_is_named() {
    let desk = SAMPLE.carried();
    let unpack = "unpack lab-g1.tar.gz --key lab.pub --root root --node";
    for node in ["cp-2", "CP-1", "cluster", "../cp-1"] {
        let meant = if node == "CP-1" { "hint: did you mean `cp-1`?\n" } else { "" };
        let text = format!("error: there is no node {node} in lab-g1.tar.gz\n{meant}hint: it has cp-1\n");
        desk.refuse(&format!("{unpack} {node}"), 2, &text);
    }
    // Many nodes: the first twenty.
    let many = Desk::new();
    let pool = "[[node_pool]]\nrole = \"worker\"\nnames = \"w-[01..20]\"\nfirst_addresses = [\"192.168.11.1\"]\n";
    many.write("lab.toml", many.text("lab.toml") + pool);
    many.succeed("build lab.toml --seed lab.seed --out .");
    let names: Vec<_> = (1..=19).map(|number| format!("w-{number:02}")).collect();
    let text = format!("error: there is no node x in lab-g1.tar.gz\nhint: it has cp-1, {}, ...\n", names.join(", "));
    many.refuse("unpack lab-g1.tar.gz --key lab.pub --root root --node x", 2, &text);
}

#[test]
fn unpack_writes_into_a_new_or_empty_folder_alone() {
    let desk = SAMPLE.carried();
    let unpack = "unpack lab-g1.tar.gz --key lab.pub --node cp-1 --quiet --root";
    let not_empty = |root: &str| {
        format!(
            "error: cannot unpack to {root}: directory not empty\n\
             hint: name a folder that does not exist or is empty; nothing was written\n"
        )
    };
    fs::create_dir(desk.path("full")).unwrap();
    desk.write("full/.hidden", "");
    desk.refuse(&format!("{unpack} full"), 2, &not_empty("full"));
    fs::create_dir(desk.path("empty")).unwrap();
    symlink("empty", desk.path("link")).unwrap();
    symlink("nowhere", desk.path("dangling")).unwrap();
    for link in ["link", "dangling"] {
        desk.refuse(&format!("{unpack} {link}"), 2, &not_empty(link));
    }
    desk.refuse(&format!("{unpack} lab.pub"), 2, "error: cannot unpack to lab.pub: not a directory\n");
    desk.refuse(&format!("{unpack} lab.pub/x"), 2, "error: cannot unpack to lab.pub/x: not a directory\n");
    desk.refuse(&format!("{unpack} none/x"), 2, "error: cannot unpack to none/x: no such file or directory\n");
    desk.refuse(&format!("{unpack} empty/.."), 2, &not_empty("empty/.."));
    desk.refuse(&format!("{unpack} /"), 2, &not_empty("/"));
    for root in ["empty", "new", "slash/"] {
        desk.succeed(&format!("{unpack} {root}"));
        assert!(desk.exists(&format!("{root}/etc/kubernetes/pki/ca.crt")));
        desk.refuse(&format!("{unpack} {root}"), 2, &not_empty(root));
    }
    assert!(!desk.names("").iter().any(|name| name.contains(".part")));
    // Whatever the umask: folders 0755, the root 0700.
    for umask in ["0", "077", "0777"] {
        let script = format!("umask {umask}; exec \"$@\"");
        let ended = desk.watch(&mut desk.wrapped(&["sh", "-c", &script, "sh"], &format!("{unpack} umask-{umask}")));
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
        let modes =
            ["", "/etc", "/etc/kubernetes/pki/etcd", "/etc/kubernetes/pki/ca.key", "/etc/kubernetes/pki/ca.crt"]
                .map(|path| desk.mode(&format!("umask-{umask}{path}")));
        assert_eq!(modes, [0o700, 0o755, 0o755, 0o600, 0o644], "{umask}");
    }
}

#[test]
fn time_is_now_or_as_told() {
    let desk = SAMPLE.carried();
    let verify = "verify lab-g1.tar.gz --key lab.pub --quiet --at";
    for time in ["2026-11-21T00:05:00Z", "2026-11-22", "2027-01-01T01:00:00+01:00", "2031-11-22T00:00:00Z"] {
        desk.succeed(&format!("{verify} {time}"));
    }
    // From its first second on it works, but a clock that is a little behind would refuse it.
    for time in ["2026-11-21", "2026-11-21T00:00:00Z", "2026-11-21T00:04:59Z"] {
        let ended = desk.run(&format!("{verify} {time}"));
        assert_eq!(ended.code, Some(0), "{time}");
        assert!(ended.stderr.starts_with("warning: this works, but\n"), "{time}: {}", ended.stderr);
    }
    for time in ["", "now", "2026", "2026-13-01", "2026-11-31", "22.11.2026", "2026-11-22T00:00:00", "1795305600"] {
        let mut command = desk.command("verify lab-g1.tar.gz --key lab.pub");
        command.arg(format!("--at={time}"));
        let ended = desk.watch(&mut command);
        assert_eq!(
            ended.stderr,
            format!("error: --at {time} is not a time\nhint: write 2026-11-22 or 2026-11-22T08:00:00Z\n")
        );
        assert_eq!(ended.code, Some(2));
    }
}

#[test]
fn a_users_expired_certificate_only_warns() {
    let desk = SAMPLE.carried();
    let ended = desk.run("verify lab-g1.tar.gz --key lab.pub --quiet --at 2031-11-22T00:00:01Z");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""));
    assert_eq!(
        ended.stderr,
        "\
warning: users and etcd clients need new certificates
cluster  users/alice.conf  expired at 2031-11-22T00:00:00Z
"
    );
    // And concerns no node.
    desk.succeed("unpack lab-g1.tar.gz --key lab.pub --node cp-1 --root root --at 2031-11-22T00:00:01Z");
}

#[test]
fn certificates_out_of_their_time_are_listed() {
    let desk = SAMPLE.carried();
    let pki = "etc/kubernetes/pki";
    let leaves = [
        "apiserver-etcd-client.crt",
        "apiserver-kubelet-client.crt",
        "apiserver.crt",
        "etcd/healthcheck-client.crt",
        "etcd/peer.crt",
        "etcd/server.crt",
        "front-proxy-client.crt",
    ];
    let stored = ["kubelet-client-2026-11-22-00-00-00.pem", "kubelet.crt"];
    let configs = ["admin.conf", "controller-manager.conf", "scheduler.conf"];
    let leaf_files = leaves
        .iter()
        .map(|name| format!("{pki}/{name}"))
        .chain(stored.iter().map(|name| format!("var/lib/kubelet/pki/{name}")))
        .chain(configs.iter().map(|name| format!("etc/kubernetes/{name}")));
    let list: String = leaf_files.map(|file| format!("  node/cp-1  {file}\n")).collect();
    let lines = format!("12 files of node/cp-1: each expired at 2225-11-22T00:00:00Z\n{list}");
    let warning = "\
warning: users and etcd clients need new certificates
cluster  users/alice.conf  expired at 2031-11-22T00:00:00Z
";
    // The CAs live a year longer.
    desk.refuse(
        "verify lab-g1.tar.gz --key lab.pub --at 2225-11-22T00:00:01Z",
        1,
        &format!("{warning}error: every signature and hash holds, but 12 files are wrong\n{lines}hint: what has ended: certferry help expired\n"),
    );
    let ended = desk.run("verify lab-g1.tar.gz --key lab.pub --at 2300-01-01");
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("error: every signature and hash holds, but 16 files are wrong\n"));
    let head = "16 files of node/cp-1: they expired between 2225-11-22T00:00:00Z and 2226-11-22T00:00:00Z\n  node/cp-1  \
         etc/kubernetes/pki/ca.crt\n";
    assert!(ended.stderr.contains(head), "{}", ended.stderr);

    let ended = desk.run("verify lab-g1.tar.gz --key lab.pub --at 2026-11-20");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    let head =
        "16 files of node/cp-1: each is not valid before 2026-11-21T00:00:00Z; is the clock right?\n  node/cp-1  ";
    assert!(ended.stderr.contains(head), "{}", ended.stderr);
    assert!(ended.stderr.starts_with("warning: users and etcd clients need new certificates\n"), "{}", ended.stderr);

    // A node's clock may be what is wrong: `unpack` says it and goes on.
    let unpack = "unpack lab-g1.tar.gz --key lab.pub --node cp-1 --quiet --root";
    let ended = desk.run(&format!("{unpack} late --at 2225-11-22T00:00:01Z"));
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""));
    assert_eq!(ended.stderr, format!("warning: not valid at this time\n{lines}"));
    assert!(desk.exists("late/etc/kubernetes/pki/ca.crt"));
}
