//! What is wrong with signatures and requests is told, each with its exact text, and nothing is changed.

use std::fs;

use super::{ASSEMBLE, REQUEST, SEED, SIGN, desk, fingerprint, key, pack, shell, sign_by_hand};
use crate::common::desk::{Desk, PROFILE};
use crate::hostile::archive::{BLOCK, Entry};

const AGAIN: &str =
    "hint: sign what this build asks for: `certferry build --unsigned FILE` writes it anew, and the same each time\n";

#[test]
fn nobody_and_the_wrong_one_are_told() {
    let desk = desk();
    key(&desk, "other");
    let [signer, other] = ["signer", "other"].map(|name| fingerprint(&desk, name));
    let nobody = "error: the bundle is signed by the key of `signer` of [bundle], and nothing of it is at hand\n\
                  hint: --signer FILE names the private key, which may be sealed\n\
                  hint: --unsigned FILE writes what somebody else signs, and --signatures FILE takes what comes back\n";
    for more in ["--out out", "--out out --dry-run"] {
        desk.refuse(&format!("{SEED} {more}"), 2, nobody);
    }
    // Before a seed is made for nothing.
    desk.refuse("build lab.toml --new-seed new.seed --plain --out out", 2, nobody);
    desk.refuse(
        &format!("{SEED} --out out --signer other.key"),
        1,
        &format!(
            "error: the signer's key is {other}, and that of `signer` of [bundle] is {signer}\n\
             hint: give the private key that belongs to the file in `signer`; nothing was written\n"
        ),
    );
    desk.succeed(REQUEST);
    desk.refuse(
        "sign lab-g1.request.tar --signer other.key",
        1,
        &format!(
            "error: lab-g1.request.tar asks for the signatures of another key than other.key\n\
             it asks for  {signer}\nthe key is   {other}\n\
             hint: nothing was signed; the profile names the signer in `signer` of [bundle]\n"
        ),
    );
    sign_by_hand(&desk, "other");
    // The script is the first whose bytes are known.
    let holds_not = |file: &str| {
        format!(
            "error: {file} is not signed: its signature does not hold under the signer's key\n\
             hint: another key signed it, or the signature was changed on its way; the key is the one of `signer`\n"
        )
    };
    desk.refuse(ASSEMBLE, 1, &holds_not("install.sh"));
    sign_by_hand(&desk, "signer");
    shell(&desk, "openssl dgst -sha256 -sign other.key -out lab-g1/nodes/cp-1.json.sig lab-g1/nodes/cp-1.json");
    pack(&desk);
    desk.refuse(ASSEMBLE, 1, &holds_not("nodes/cp-1.json"));
    // Two that were exchanged.
    sign_by_hand(&desk, "signer");
    fs::copy(desk.path("lab-g1/cluster.json.sig"), desk.path("lab-g1/manifest.json.sig")).unwrap();
    pack(&desk);
    desk.refuse(ASSEMBLE, 1, &holds_not("manifest.json"));
    desk.write("lab.toml", PROFILE);
    let named = "error: the profile names no `signer` in [bundle]: the bundle is signed by a key that the seed gives\n\
                 hint: name the public key: `signer = \"signer.pub\"` in [bundle] of the profile\n";
    for more in ["--signer signer.key", "--unsigned new.tar", "--signatures lab-g1.signatures.tar"] {
        desk.refuse(&format!("{SEED} {more}"), 2, named);
    }
}

#[test]
fn what_is_missing_or_cut_or_in_another_form_is_told() {
    let desk = desk();
    desk.succeed(REQUEST);
    let not_der = |size: usize, hint: &str| {
        format!(
            "error: cluster.json is not signed: what should be its signature is no ECDSA signature in DER, but {size} \
             bytes of something else\nhint: {hint}\n"
        )
    };
    let openssl = "carry the signatures again; `openssl dgst -sha256 -sign` writes the form";
    for (content, size, hint) in [
        (&b""[..], 0, "the file is empty: carry the signatures again"),
        (&[7; 64], 64, "64 bytes are r and s without DER: pkcs11-tool writes DER with --signature-format openssl"),
        (&[7; 400], 400, openssl),
    ] {
        sign_by_hand(&desk, "signer");
        desk.write("lab-g1/cluster.json.sig", content);
        pack(&desk);
        desk.refuse(ASSEMBLE, 1, &not_der(size, hint));
    }
    sign_by_hand(&desk, "signer");
    let whole = desk.read("lab-g1/cluster.json.sig");
    desk.write("lab-g1/cluster.json.sig", &whole[..whole.len() - 1]);
    pack(&desk);
    desk.refuse(ASSEMBLE, 1, &not_der(whole.len() - 1, openssl));
    desk.write("lab-g1/cluster.json.sig", [&whole[..], b"\n"].concat());
    pack(&desk);
    desk.refuse(ASSEMBLE, 1, &not_der(whole.len() + 1, openssl));

    for file in ["cluster.json", "install.sh", "nodes/cp-1.json"] {
        sign_by_hand(&desk, "signer");
        fs::remove_file(desk.path(&format!("lab-g1/{file}.sig"))).unwrap();
        pack(&desk);
        desk.refuse(ASSEMBLE, 1, &format!("error: {file} is not signed: there is no signature over it\n{AGAIN}"));
    }
    let takes =
        "hint: --signatures takes the file that `certferry sign` wrote, or a tar archive with the .sig files in it\n";
    fs::remove_file(desk.path("lab-g1/manifest.json.sig")).unwrap();
    pack(&desk);
    desk.refuse(ASSEMBLE, 2, &format!("error: lab-g1.signatures.tar has no manifest.json.sig in it\n{takes}"));
    sign_by_hand(&desk, "signer");
    let whole = desk.read("lab-g1.signatures.tar");
    for cut in [100, 700, 1500] {
        desk.write("lab-g1.signatures.tar", &whole[..cut]);
        desk.refuse(ASSEMBLE, 2, &format!("error: lab-g1.signatures.tar is no tar archive, or is cut off\n{takes}"));
    }
    desk.write("lab-g1.signatures.tar", "no archive at all\n");
    desk.refuse(ASSEMBLE, 2, &format!("error: lab-g1.signatures.tar is no tar archive, or is cut off\n{takes}"));
    desk.refuse(
        &ASSEMBLE.replace("lab-g1.signatures", "none"),
        2,
        "error: cannot read the signatures none.tar: no such file or directory\n",
    );
}

#[test]
fn an_answer_to_another_request_is_told() {
    let desk = desk();
    desk.succeed(REQUEST);
    desk.succeed(SIGN);
    let profile = desk.text("lab.toml");
    // Another profile, another seed, other names.
    let other = |file: &str| format!("error: {file} is not signed: its signature was made over other bytes\n{AGAIN}");
    desk.write("lab.toml", profile.replace("\"ops\"", "\"others\""));
    desk.refuse(ASSEMBLE, 1, &other("cluster.json"));
    desk.write("lab.toml", profile.replace("192.168.10.5", "192.168.10.6"));
    desk.refuse(ASSEMBLE, 1, &other("nodes/cp-1.json"));
    desk.write("lab.toml", profile.replace("[keys]", "# no more\n[keys]"));
    desk.refuse(ASSEMBLE, 1, &other("cluster.json"));
    desk.write("lab.toml", profile.replace("issued_at = 2026-11-22", "issued_at = 2026-11-22\ngeneration = 2"));
    desk.refuse(ASSEMBLE, 1, &format!("error: the signatures are for lab-g1, and this build is lab-g2\n{AGAIN}"));
    // Without the folder's name it is the first record that says so.
    shell(&desk, "mkdir lab-g1 && tar -xf lab-g1.signatures.tar && cd lab-g1 && tar -cf ../lab-g1.signatures.tar .");
    desk.refuse(ASSEMBLE, 1, &other("nodes/cp-1.json"));
    // A later version of certferry has another script.
    desk.write("lab.toml", &profile);
    desk.write("lab-g1/install.sh", "#!/bin/sh\n");
    shell(
        &desk,
        "openssl dgst -sha256 -sign signer.key -out lab-g1/install.sh.sig lab-g1/install.sh
         sed -i \"s/.*  install.sh/$(sha256sum <lab-g1/install.sh | cut -c1-64)  install.sh/\" lab-g1/SHA256SUMS",
    );
    pack(&desk);
    desk.refuse(ASSEMBLE, 1, &other("install.sh"));
}

#[test]
fn a_request_that_was_changed_is_not_signed() {
    let desk = desk();
    desk.succeed(REQUEST);
    let whole = desk.read("lab-g1.request.tar");
    let carry = "hint: nothing was signed; carry the file again as `certferry build --unsigned` wrote it\n";
    let refuse = |said: &str| desk.refuse(SIGN, 1, &format!("error: lab-g1.request.tar {said}\n{carry}"));
    let change = |line: &str| {
        desk.write("lab-g1.request.tar", &whole);
        shell(&desk, &format!("rm -rf lab-g1 && tar -xf lab-g1.request.tar\n{line}"));
        desk.write("lab-g1.request.tar", as_certferry_packs(&desk));
    };
    change(":");
    assert!(desk.read("lab-g1.request.tar") == whole, "the chapter `formats` is enough to write one");
    change("sed -i s/192.168.10.5/192.168.10.6/ lab-g1/nodes/cp-1.json");
    refuse("was changed: nodes/cp-1.json is not the record that the index names");
    change("sed -i 's/\"generation\": 1/\"generation\": 2/' lab-g1/manifest.json");
    refuse("was changed: nodes/cp-1.json is not the record that the index names");
    change("echo >>lab-g1/manifest.json");
    refuse("has a manifest.json in it that is not valid: line 16, column 1: not in the one form that a record has");
    change("sed -i s/manifest/manifesto/ lab-g1/SHA256SUMS");
    refuse("was changed or packed anew: it is not as `certferry build --unsigned` writes it");
    change("echo '#' >>lab-g1/install.sh");
    refuse("was changed or packed anew: it is not as `certferry build --unsigned` writes it");
    shell(&desk, "tar -cf lab-g1.request.tar lab-g1/manifest.json lab-g1/install.sh lab-g1/signer.pub");
    refuse("has no nodes/cp-1.json in it");
    shell(&desk, "tar -cf lab-g1.request.tar lab-g1/signer.pub");
    refuse("has no manifest.json in it");
    desk.write("lab-g1.request.tar", &whole[..2000]);
    refuse("is no tar archive, or is cut off");
    desk.write("lab-g1.request.tar", [&whole[..], &[0; 512]].concat());
    refuse("was changed or packed anew: it is not as `certferry build --unsigned` writes it");
    // Another script, with everything else in order.
    change(
        "echo '#' >>lab-g1/install.sh
         sed -i \"s/.*  install.sh/$(sha256sum <lab-g1/install.sh | cut -c1-64)  install.sh/\" lab-g1/SHA256SUMS",
    );
    desk.refuse(
        SIGN,
        1,
        concat!(
            "error: the install.sh in lab-g1.request.tar is not the one of this version of certferry (",
            env!("CARGO_PKG_VERSION"),
            ")\nhint: root runs it on every node: sign with the version that made the request, or read it and sign by \
             hand (certferry help signer)\n"
        ),
    );
    // Another key in it.
    key(&desk, "other");
    change("cp other.pub lab-g1/signer.pub");
    let said = desk.run(SIGN);
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    assert!(
        said.stderr.starts_with("error: lab-g1.request.tar asks for the signatures of another key than signer.key\n")
    );
    change("cp signer.key lab-g1/signer.pub");
    refuse("names a signer by a signer.pub that cannot be used: it holds `PRIVATE KEY`, not `PUBLIC KEY`");
}

/// The folder `lab-g1` as the chapter `formats` has a request, by other code than certferry's.
fn as_certferry_packs(desk: &Desk) -> Vec<u8> {
    let mut entries = vec![Entry::folder("lab-g1/")];
    for name in ["SHA256SUMS", "signer.pub", "manifest.json", "install.sh", "nodes/", "nodes/cp-1.json", "cluster.json"]
    {
        let path = format!("lab-g1/{name}");
        entries.push(match name.ends_with('/') {
            true => Entry::folder(&path),
            false => Entry::file(&path, 0o644, &desk.read(&path)),
        });
    }
    let mut tar = Vec::new();
    for Entry { header, content } in entries {
        tar.extend(header);
        tar.extend(&content);
        tar.resize(tar.len().next_multiple_of(BLOCK), 0);
    }
    tar.extend([0; 2 * BLOCK]);
    tar
}

#[test]
fn a_file_that_is_there_stays() {
    let desk = desk();
    desk.write("lab-g1.request.tar", "mine");
    desk.refuse(
        REQUEST,
        2,
        "error: cannot write lab-g1.request.tar: file exists\nhint: a file that exists is never overwritten\n",
    );
    fs::remove_file(desk.path("lab-g1.request.tar")).unwrap();
    desk.succeed(REQUEST);
    // No bundle is written, and no folder made for one.
    let ended = desk.run(&format!("{REQUEST} --out out"));
    let said = "error: the argument '--unsigned <FILE>' cannot be used with '--out <DIR>'\n";
    assert!(ended.code == Some(2) && ended.stderr.starts_with(said) && !desk.exists("out"), "{}", ended.stderr);
    desk.write("lab-g1.signatures.tar", "mine");
    for more in ["", " --dry-run"] {
        desk.refuse(
            &format!("{SIGN}{more}"),
            2,
            "error: cannot write lab-g1.signatures.tar: file exists\nhint: name another with --out\n",
        );
    }
    desk.refuse(
        &format!("{SEED} --unsigned -"),
        2,
        "error: --unsigned takes the name of a file that does not exist yet\n",
    );
}
