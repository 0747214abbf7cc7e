//! What is assembled of signatures is the bundle, to openssl too.

use p256::ecdsa::Signature;

use super::{
    ASSEMBLE, ASSEMBLED, REQUEST, SEED, SIGN, desk, fingerprint, forget, key, name_signer, shell, sign_by_hand,
};
use crate::common::desk::Desk;

const CHECKED: &str = "every signature, record, hash, chain and key pair holds\n";

/// Checks every signature in the bundle, and that of `install.sh`, with openssl and the key of the profile.
fn check_with_openssl(desk: &Desk) {
    let said = shell(
        desk,
        "rm -rf seen && mkdir seen && tar -xzf out/lab-g1.tar.gz -C seen
         cp out/install.sh out/install.sh.sig seen/lab-g1
         for file in manifest.json install.sh cluster.json nodes/cp-1.json; do
           openssl dgst -sha256 -verify signer.pub -signature seen/lab-g1/$file.sig seen/lab-g1/$file
         done
         cmp signer.pub out/lab.pub && cd out && sha256sum -c lab-g1.tar.gz.sha256",
    );
    assert_eq!(said, "Verified OK\n".repeat(4) + "lab-g1.tar.gz: OK\n");
}

#[test]
fn the_key_at_hand_and_certferry_elsewhere_make_the_same_bytes() {
    let desk = desk();
    let made = desk.succeed(&format!("{SEED} --signer signer.key --out at-hand --lock at-hand.toml"));
    let signer = fingerprint(&desk, "signer");
    assert!(made.contains(&format!("signer   {signer}\n")), "{made}");
    assert!(
        made.contains(
            "check    openssl dgst -sha256 -verify at-hand/lab.pub -signature at-hand/lab-g1.tar.gz.sig \
             at-hand/lab-g1.tar.gz\n"
        ),
        "{made}"
    );
    shell(&desk, "openssl dgst -sha256 -verify signer.pub -signature at-hand/lab-g1.tar.gz.sig at-hand/lab-g1.tar.gz");

    let asked = desk.succeed(REQUEST);
    assert!(!desk.exists("lab.lock.toml") && !desk.exists("lab-g1.tar.gz"), "nothing is built before it is signed");
    let request = desk.read("lab-g1.request.tar");
    assert_eq!(desk.succeed(REQUEST), asked);
    assert_eq!(desk.read("lab-g1.request.tar"), request, "the same each time");
    // In full, and nothing else.
    assert_eq!(
        shell(&desk, "tar -tf lab-g1.request.tar"),
        "lab-g1/\nlab-g1/SHA256SUMS\nlab-g1/signer.pub\nlab-g1/manifest.json\nlab-g1/install.sh\nlab-g1/nodes/\n\
         lab-g1/nodes/cp-1.json\nlab-g1/cluster.json\n"
    );
    let said = desk.succeed(SIGN);
    let index = said.lines().find(|line| line.starts_with("index ")).unwrap().to_owned();
    assert!(asked.contains(&index), "{asked}\n{said}");
    let of_profile = shell(&desk, "sha256sum lab.toml | cut -c1-64");
    assert!(said.contains(&format!("profile  sha256:{of_profile}")), "{said}");
    assert!(said.starts_with("lab, generation 1, Kubernetes 1.24.15, issued 2026-11-22\n"), "{said}");
    assert!(said.contains("\n  lab-g1.signatures.tar  4 signatures; nothing in it is secret\n"), "{said}");
    assert!(said.contains("\nparts    node/cp-1, cluster\n"), "{said}");
    let said = desk.succeed(ASSEMBLE);
    assert!(said.contains(&format!("check    certferry verify out/lab-g1.tar.gz --key {signer}\n")), "{said}");
    assert_eq!(desk.names("out"), ASSEMBLED);
    for name in ["lab-g1.tar.gz", "lab.pub", "install.sh.sig"] {
        assert!(desk.read(&format!("out/{name}")) == desk.read(&format!("at-hand/{name}")), "{name}");
    }
    assert!(desk.read("lab.lock.toml") == desk.read("at-hand.toml"));
    assert!(!desk.exists("out/lab-g1.tar.gz.sig"), "whoever signs elsewhere never has the file");
    check_with_openssl(&desk);
    let said = desk.succeed(&format!("verify out/lab-g1.tar.gz --key {signer}"));
    assert!(said.contains(CHECKED), "{said}");
    // Once more it is the same, and nothing is written.
    let before = desk.state();
    desk.succeed(ASSEMBLE);
    assert!(desk.state() == before);
}

#[test]
fn openssl_signs_as_well_and_each_time_otherwise() {
    let desk = desk();
    desk.succeed(REQUEST);
    let mut seen = Vec::new();
    for _ in 0..2 {
        forget(&desk);
        sign_by_hand(&desk, "signer");
        desk.succeed(ASSEMBLE);
        check_with_openssl(&desk);
        let said = desk.succeed("verify out/lab-g1.tar.gz --key signer.pub");
        assert!(said.contains(CHECKED), "{said}");
        let records = shell(&desk, "sha256sum seen/lab-g1/*.json seen/lab-g1/nodes/*.json");
        seen.push((records, desk.read("out/lab-g1.tar.gz")));
    }
    assert_eq!(seen[0].0, seen[1].0, "index and records are the same");
    assert!(seen[0].1 != seen[1].1, "openssl signs with randomness");
    // Of a tar in any form, without the folder, with what an archiver of macOS leaves.
    for pack in [
        "cd lab-g1 && tar --format=gnu -cf ../lab-g1.signatures.tar .",
        "cd lab-g1 && tar --format=pax --pax-option=comment=x -cf ../lab-g1.signatures.tar *.sig nodes/*.sig",
        "mv lab-g1 signed-by-me && echo x > signed-by-me/._manifest.json.sig && tar -cf lab-g1.signatures.tar signed-by-me",
    ] {
        forget(&desk);
        shell(&desk, pack);
        desk.succeed(ASSEMBLE);
        check_with_openssl(&desk);
    }
}

/// FIPS 186-5 knows no low S, and neither does the chapter `formats`.
#[test]
fn both_values_of_s_hold() {
    let desk = desk();
    desk.succeed(REQUEST);
    sign_by_hand(&desk, "signer");
    let path = "lab-g1/manifest.json.sig";
    let (r, s) = Signature::from_der(&desk.read(path)).unwrap().split_scalars();
    for s in [*s, -*s] {
        forget(&desk);
        desk.write(path, Signature::from_scalars(r.to_bytes(), s.to_bytes()).unwrap().to_der().as_bytes());
        super::pack(&desk);
        desk.succeed(ASSEMBLE);
        check_with_openssl(&desk);
        desk.succeed("verify out/lab-g1.tar.gz --key signer.pub");
    }
}

#[test]
fn a_partial_bundle_is_signed_the_same_way() {
    let desk = desk();
    desk.succeed(&format!("{SEED} --signer signer.key --out whole"));
    desk.succeed(&format!("{SEED} --only cp-1 --unsigned lab-g1.request.tar"));
    let said = desk.succeed(SIGN);
    assert!(said.starts_with("lab, generation 1, Kubernetes 1.24.15, issued 2026-11-22, a partial bundle\n"), "{said}");
    assert!(said.contains("\nparts    node/cp-1\n"), "{said}");
    desk.succeed(&format!("{ASSEMBLE} --only cp-1"));
    let names = desk.names("out");
    let bundle = names.iter().find(|name| name.ends_with(".tar.gz")).unwrap();
    assert!(bundle.starts_with("lab-g1-only-"), "{bundle}");
    assert!(names.contains(&format!("{bundle}.sha256")), "{names:?}");
    desk.succeed(&format!("verify out/{bundle} --key signer.pub"));
    // The answer is that to the partial bundle, and to no other.
    desk.refuse(
        &ASSEMBLE.replace("--out out", "--out other"),
        1,
        "error: cluster.json is not signed: there is no signature over it\n\
         hint: sign what this build asks for: `certferry build --unsigned FILE` writes it anew, and the same each time\n",
    );
}

/// Each slice goes without a signature of its file, as one that `split` has cut.
#[test]
fn slices_are_cut_and_hold() {
    let desk = desk();
    desk.succeed(REQUEST);
    desk.succeed(SIGN);
    let said = desk.succeed(&format!("{ASSEMBLE} --split slices"));
    assert!(said.contains("slices  a folder for each part, to be carried as it is: the slice and the key\n"), "{said}");
    assert_eq!(
        desk.names("slices"),
        ["cluster/lab-g1.tar.gz", "cluster/lab.pub", "nodes/cp-1/lab-g1.tar.gz", "nodes/cp-1/lab.pub"]
    );
    desk.succeed("verify slices/nodes/cp-1/lab-g1.tar.gz --key signer.pub");
    forget(&desk);
    desk.succeed(&format!("{SEED} --signer signer.key --out out --split signed"));
    assert!(desk.exists("signed/nodes/cp-1/lab-g1.tar.gz.sig"));
}

/// Several names of one cluster's key lie beside a bundle; `fingerprint` tells that of the signer.
#[test]
fn the_fingerprint_is_that_of_the_signer() {
    let desk = desk();
    key(&desk, "other");
    name_signer(&desk, "other.pub");
    desk.succeed(&format!("{SEED} --signer other.key --out out"));
    let said = desk.succeed("fingerprint out/lab-g1.tar.gz");
    assert!(said.contains(&fingerprint(&desk, "other")), "{said}");
    assert_eq!(desk.succeed("fingerprint other.pub").lines().nth(2), said.lines().nth(2));
}
