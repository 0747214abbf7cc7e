//! What a person is told who has forgotten --identity, or has another one.

use std::fs;

use super::{SAMPLE, piped};

const COMMANDS: [&str; 6] = [
    "unpack BUNDLE --key lab.pub --node cp-1 --root never",
    "apply BUNDLE --key lab.pub --node cp-1 --root never",
    "inspect BUNDLE --key lab.pub",
    "inspect BUNDLE --key lab.pub --lint",
    "diff BUNDLE BUNDLE --key lab.pub",
    "user-data BUNDLE --key lab.pub --node cp-1 -o ignition --out never",
];

#[test]
fn whoever_names_no_identity_is_told_of_it() {
    let far = SAMPLE.copy();
    let slice = far.path("lab-g1.tar.gz.age");
    crate::common::succeed(SAMPLE.command("split lab-g1.sealed.tar --node cp-1").arg("--out").arg(&slice));
    fs::create_dir(far.path("never")).unwrap();
    let hint = "hint: --identity FILE names a file with the identity of one of them\n";
    for bundle in ["lab-g1.sealed.tar", "lab-g1.tar.gz.age"] {
        let text = format!("error: {bundle} is sealed to recipients\n{hint}");
        for command in COMMANDS {
            far.refuse(&command.replace("BUNDLE", bundle), 2, &text);
        }
        far.refuse(&format!("open {bundle} --out slice"), 2, &text);
    }
    far.refuse(
        "verify lab-g1.tar.gz.age --key lab.pub",
        2,
        &format!("error: lab-g1.tar.gz.age is sealed to recipients\n{hint}"),
    );
    let (code, stdout, stderr) = piped(&fs::read(&slice).unwrap(), &mut SAMPLE.command("verify - --key lab.pub"));
    assert_eq!((code, stdout.as_slice()), (Some(2), &b""[..]));
    assert_eq!(stderr, format!("error: the standard input is sealed to recipients\n{hint}"));
}

#[test]
fn another_identity_opens_nothing() {
    let far = SAMPLE.copy();
    fs::create_dir(far.path("never")).unwrap();
    let slice = far.path("lab-g1.tar.gz.age");
    crate::common::succeed(SAMPLE.command("split lab-g1.sealed.tar --node cp-1").arg("--out").arg(&slice));
    let entry = "lab-g1/nodes/cp-1.tar.gz.age in lab-g1.sealed.tar";
    let does_not = "does not open: it is sealed to other recipients, or was changed\n\
                    hint: --identity FILE can be given several times\n";
    // A node's own identity opens no other node's part.
    for identity in ["nobody", "worker-1", "cluster"] {
        for command in COMMANDS {
            let command = format!("{command} --identity {identity}.key");
            let text = format!("error: lab-g1.tar.gz.age {does_not}");
            far.refuse(&command.replace("BUNDLE", "lab-g1.tar.gz.age"), 2, &text);
            if command.contains("--node") {
                let text = format!("error: {entry} {does_not}");
                far.refuse(&command.replace("BUNDLE", "lab-g1.sealed.tar"), 2, &text);
            }
        }
        far.refuse(
            &format!("open lab-g1.sealed.tar --part cp-1 --out slice --identity {identity}.key"),
            2,
            &format!("error: {entry} {does_not}"),
        );
    }
    let text = "error: no part of lab-g1.sealed.tar opens: all are sealed to other recipients, or were changed\n\
                hint: --identity FILE can be given several times\n";
    for command in [
        "verify BUNDLE --key lab.pub",
        "inspect BUNDLE --key lab.pub",
        "inspect BUNDLE --key lab.pub --lint",
        "diff BUNDLE BUNDLE --key lab.pub",
        "open BUNDLE --out slice",
    ] {
        far.refuse(&format!("{command} --identity nobody.key").replace("BUNDLE", "lab-g1.sealed.tar"), 2, text);
    }
    let text = "error: several parts of lab-g1.sealed.tar open: node/cp-1, node/worker-1\nhint: name one with --part\n";
    far.refuse("open lab-g1.sealed.tar --identity escrow.key --out slice", 2, text);
    let text = "error: there is no part node/pc-1 in lab-g1.sealed.tar\nhint: did you mean `cp-1`?\n\
                hint: `certferry verify` lists the parts of a sealed bundle\n";
    far.refuse("open lab-g1.sealed.tar --identity escrow.key --part pc-1 --out slice", 2, text);
    let text =
        "error: there is no node pc-1 in lab-g1.sealed.tar\nhint: did you mean `cp-1`?\nhint: it has cp-1, worker-1\n";
    far.refuse("unpack lab-g1.sealed.tar --key lab.pub --identity escrow.key --node pc-1 --root new", 2, text);
}

#[test]
fn an_identity_is_a_secret_of_its_owner() {
    let far = SAMPLE.copy();
    fs::set_permissions(far.path("cp-1.key"), std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let ended = far.run("verify lab-g1.sealed.tar --key lab.pub --identity cp-1.key -q");
    let warning = "warning: cp-1.key can be read by others\nhint: chmod 600 cp-1.key\n";
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), warning));
    far.refuse(
        "open lab-g1.sealed.tar --identity none.key --out slice",
        2,
        "error: cannot read the identity none.key: no such file or directory\n",
    );
    far.refuse(
        "open lab-g1.sealed.tar --identity lab.pub --out slice",
        2,
        "warning: lab.pub can be read by others\nhint: chmod 600 lab.pub\nerror: lab.pub: line 1 is no identity, which begins with AGE-SECRET-KEY-PQ-1 or AGE-SECRET-KEY-1\n\
         hint: it is a file as `age-keygen` writes one\n",
    );
    // What is not sealed needs nothing, and says so to who would open it.
    let plain = crate::common::node::FIRST.archive.display().to_string();
    far.refuse(
        &format!("open {plain} --identity cp-1.key --out slice"),
        2,
        &format!("error: {plain} is not sealed\nhint: `certferry split` cuts a part out of a bundle\n"),
    );
    far.refuse(
        "open lab.pub --identity cp-1.key --out slice",
        2,
        "error: lab.pub is neither a sealed bundle nor a sealed slice\n\
         hint: give the file CLUSTER-gN.sealed.tar, or a NODE.tar.gz.age out of it\n",
    );
}

/// A slice that somebody has sealed with a passphrase opens with it.
#[test]
fn a_passphrase_opens_a_slice_that_has_one() {
    let far = SAMPLE.copy();
    let passphrase = certferry::seal::Passphrase::parse(b"correct horse").unwrap();
    let slice = fs::read(SAMPLE.slice("cp-1")).unwrap();
    let form = certferry::seal::Form::Binary;
    let sealed = crate::seal::seal(&slice, certferry::seal::SealTo::Passphrase(&passphrase), form);
    far.write("lab-g1.tar.gz.age", sealed);
    far.write("right", "correct horse\n");
    far.write("wrong", "wrong horse\n");
    for file in ["right", "wrong"] {
        fs::set_permissions(far.path(file), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
    far.refuse(
        "verify lab-g1.tar.gz.age --key lab.pub --passphrase-file wrong",
        2,
        "error: lab-g1.tar.gz.age does not open: the passphrase is another one, or the file was changed\n",
    );
    let ended = far.run("verify lab-g1.tar.gz.age --key lab.pub --passphrase-file right -q");
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
}
