//! The files of a signer's keys, in every form that they have and must not have.

use std::fs;

use super::{REQUEST, SEED, SIGN, desk, fingerprint, key, name_signer, shell};
use crate::common::{end, tool};

#[test]
fn a_key_is_taken_in_every_form_and_sealed() {
    let desk = desk();
    desk.succeed(&format!("{SEED} --signer signer.key --out out"));
    let bundle = desk.read("out/lab-g1.tar.gz");
    shell(&desk, "openssl ec -in signer.key -out sec1.key 2>/dev/null");
    desk.succeed("identity new me.key --x25519");
    let said = fs::read_to_string(desk.path("me.key")).unwrap();
    let recipient = said.split_whitespace().find(|word| word.starts_with("age1")).unwrap();
    shell(&desk, &format!("age -a -r {recipient} -o sealed.key signer.key"));
    desk.succeed(REQUEST);
    for (number, name) in ["sec1.key", "sealed.key --identity me.key"].iter().enumerate() {
        for file in ["sec1.key", "sealed.key"] {
            desk.set_mode(file, 0o600);
        }
        desk.succeed(&format!("{SEED} --locked --signer {name} --out again-{number}"));
        assert!(desk.read(&format!("again-{number}/lab-g1.tar.gz")) == bundle, "{name}");
        desk.succeed(&format!("sign lab-g1.request.tar --signer {name} --out {number}.tar"));
    }
    assert!(desk.read("0.tar") == desk.read("1.tar"));
    desk.refuse(
        "sign lab-g1.request.tar --signer sealed.key --out 2.tar",
        2,
        "error: sealed.key is sealed to recipients\n\
         hint: --identity FILE names a file with the identity of one of them\n",
    );
    desk.set_mode("signer.key", 0o644);
    let ended = desk.run(&format!("{SIGN} --out 3.tar"));
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (Some(0), "warning: signer.key can be read by others\nhint: chmod 600 signer.key\n")
    );
}

#[test]
fn a_public_key_of_another_form_is_refused() {
    let desk = desk();
    let p256 = "hint: a bundle is signed with P-256: `openssl pkey -in KEY -pubout -out signer.pub` writes it, and \
                `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256` makes a key\n";
    for (make, said) in [
        ("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384", "it is not an ECDSA P-256 key"),
        ("openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 2>/dev/null", "it is not an ECDSA P-256 key"),
        ("openssl genpkey -algorithm ED25519", "it is not an ECDSA P-256 key"),
    ] {
        shell(&desk, &format!("{make} | openssl pkey -pubout -out signer.pub"));
        for line in [format!("{SEED} --out out --signer signer.key"), "plan lab.toml".to_owned(), REQUEST.to_owned()] {
            desk.refuse(&line, 2, &format!("error: signer.pub is not a signer's public key: {said}\n{p256}"));
        }
    }
    desk.write("signer.pub", "ssh-ed25519 AAAA\n");
    desk.refuse("plan lab.toml", 2, &format!("error: signer.pub is not a signer's public key: it is not PEM\n{p256}"));
    // Never a word of a key that is private.
    let private = desk.text("signer.key");
    desk.write("signer.pub", &private);
    desk.refuse(
        "plan lab.toml",
        2,
        "error: signer.pub is not the public key of a signer: there is a private key in it\n\
         hint: nothing of it is shown here; were two arguments exchanged?\n\
         hint: `openssl pkey -in KEY -pubout -out signer.pub` writes it\n",
    );
    fs::remove_file(desk.path("signer.pub")).unwrap();
    desk.refuse(
        "plan lab.toml",
        2,
        "error: cannot read the signer's public key signer.pub: no such file or directory\n\
         hint: `signer` of [bundle] is the path of it, relative to the profile\n",
    );
}

#[test]
fn a_private_key_of_another_form_is_refused() {
    let desk = desk();
    desk.succeed(REQUEST);
    let takes =
        "hint: --signer takes the private key of the signer, in PEM (PKCS#8 or SEC 1); it may be sealed with age\n";
    let both = |file: &str, error: &str| {
        for line in [format!("{SEED} --out out --signer {file}"), format!("sign lab-g1.request.tar --signer {file}")] {
            desk.refuse(&line, 2, error);
        }
    };
    both(
        "signer.pub",
        &format!(
            "error: signer.pub holds no private key (`PRIVATE KEY`, `RSA PRIVATE KEY` or `EC PRIVATE KEY`)\n{takes}"
        ),
    );
    both("lab.toml", &format!("error: lab.toml is not PEM\n{takes}"));
    let make = "hint: `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256` makes one\n";
    for (words, algorithm) in
        [("EC -pkeyopt ec_paramgen_curve:P-384", "ecdsa-p384"), ("RSA -pkeyopt rsa_keygen_bits:2048", "rsa-2048")]
    {
        shell(&desk, &format!("umask 077; openssl genpkey -algorithm {words} -out wrong.key 2>/dev/null"));
        both(
            "wrong.key",
            &format!(
                "error: wrong.key holds a key of the algorithm {algorithm}, and a bundle is signed with ecdsa-p256\n{make}"
            ),
        );
    }
    both("none.key", "error: cannot read the signer's key none.key: no such file or directory\n");
    // Given in place of the request.
    desk.refuse(
        "sign signer.key --signer signer.key",
        2,
        "error: signer.key is not what `certferry build --unsigned` wrote: there is a private key in it\n\
         hint: nothing of it is shown here; were two arguments exchanged?\n",
    );
}

#[test]
fn a_request_comes_from_the_standard_input_and_goes_to_any_place() {
    let desk = desk();
    desk.succeed(REQUEST);
    desk.succeed(SIGN);
    let piped = |more: &str| {
        let line = format!("cat lab-g1.request.tar | \"$0\" sign - --signer signer.key {more}");
        end(tool("sh").args(["-c", &line]).arg(crate::common::program()).current_dir(desk.path("")))
    };
    let ended = piped("--out piped.tar");
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert!(desk.read("piped.tar") == desk.read("lab-g1.signatures.tar"));
    let ended = piped("");
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (
            Some(2),
            "error: the request has no name after which the answer could be called\nhint: name the file to write with \
             --out\n"
        )
    );
    fs::copy(desk.path("lab-g1.request.tar"), desk.path("asked")).unwrap();
    desk.succeed("sign asked --signer signer.key");
    assert!(desk.read("asked.signatures.tar") == desk.read("piped.tar"));
}

/// A path relative to the profile, as that of adopted keys.
#[test]
fn the_public_key_lies_beside_the_profile() {
    let desk = desk();
    key(&desk, "other");
    fs::create_dir(desk.path("below")).unwrap();
    fs::rename(desk.path("other.pub"), desk.path("below/other.pub")).unwrap();
    name_signer(&desk, "other.pub");
    fs::rename(desk.path("lab.toml"), desk.path("below/lab.toml")).unwrap();
    let said = desk.succeed("plan below/lab.toml");
    fs::copy(desk.path("below/other.pub"), desk.path("other.pub")).unwrap();
    let signer = fingerprint(&desk, "other");
    assert!(
        said.contains(&format!(
            "\nthe bundle is signed by {signer}, the key of other.pub, which the seed does not give\n"
        )),
        "{said}"
    );
    assert!(said.contains("\nbundle-signer  ecdsa-p256, no certificate, adopted\n"), "{said}");
}
