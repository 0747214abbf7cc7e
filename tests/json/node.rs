//! `apply` and `rollback` for programs.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::Documents;
use crate::common::node::{FIRST, SECOND, apply, disk, everything, rollback};
use crate::common::{certferry, succeed};

fn files<'a>(document: &'a Value, change: &str) -> Vec<&'a str> {
    let all = document["files"].as_array().unwrap().iter();
    all.filter(|file| file["change"] == change).map(|file| file["path"].as_str().unwrap()).collect()
}

#[test]
fn a_node_goes_forth_and_back_in_json() {
    let (mut documents, root) = (Documents::default(), disk());
    let root = root.path();
    let dry = documents.of(apply(&FIRST, "cp-1", root).arg("--dry-run"));
    assert_eq!(everything(root).len(), 1, "a dry run writes nothing");
    let first = documents.of(&mut apply(&FIRST, "cp-1", root));
    for document in [&dry, &first] {
        assert_eq!((&document["changed"], &document["before"]), (&json!(true), &Value::Null));
        let named = ["cluster", "node", "role", "action"].map(|key| document[key].as_str().unwrap());
        assert_eq!(named, ["lab", "cp-1", "control-plane", "install"]);
        assert_eq!(document["after"]["generation"], 1);
        assert_eq!(document["restart"]["outcome"], "none", "nothing runs yet");
        assert!(files(document, "new").contains(&"etc/kubernetes/pki/apiserver.key"));
    }
    assert_eq!((&dry["dry_run"], &first["dry_run"]), (&json!(true), &json!(false)));

    let again = documents.of(&mut apply(&FIRST, "cp-1", root));
    assert_eq!((&again["changed"], &again["action"], &again["files"]), (&json!(false), &json!("none"), &json!([])));
    assert_eq!(again["before"], again["after"]);

    fs::set_permissions(root.join("etc/kubernetes/pki/ca.key"), PermissionsExt::from_mode(0o644)).unwrap();
    fs::write(root.join("etc/kubernetes/pki/mine.pem"), "mine").unwrap();
    fs::write(root.join("etc/kubernetes/admin.conf"), "not as it was").unwrap();
    let repair = documents.of(&mut apply(&FIRST, "cp-1", root));
    assert_eq!((&repair["action"], &repair["can_roll_back"]), (&json!("repair"), &json!(false)));
    assert_eq!(files(&repair, "access"), ["etc/kubernetes/pki/ca.key"]);
    assert_eq!(files(&repair, "changed"), ["etc/kubernetes/admin.conf"]);
    assert_eq!(repair["kept"], json!(["etc/kubernetes/.certferry/repaired"]));

    // What the text tells a person to do stands in the document, line by line.
    let text = succeed(apply(&SECOND, "cp-1", root).arg("--dry-run"));
    let dry = documents.of(apply(&SECOND, "cp-1", root).arg("--dry-run"));
    let second = documents.of(&mut apply(&SECOND, "cp-1", root));
    assert_eq!(dry["restart"], second["restart"]);
    assert_eq!((&second["before"]["generation"], &second["after"]["generation"]), (&json!(1), &json!(2)));
    assert_eq!(files(&second, "kept"), ["etc/kubernetes/pki/mine.pem"]);
    let restart = &second["restart"];
    assert_eq!(restart["outcome"], "to-do");
    let all = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet"];
    assert_eq!(restart["components"], json!(all));
    assert_eq!(restart["start"][0], json!(["kubelet"]));
    let lines = restart["commands"].as_array().unwrap().iter().chain(restart["notes"].as_array().unwrap());
    let steps = second["in_cluster"].as_array().unwrap().iter().map(|step| &step["step"]);
    let reasons = files(&second, "changed").into_iter().map(str::to_owned);
    let lines = lines.chain(steps).map(|line| line.as_str().unwrap().to_owned()).chain(reasons);
    let flat = text.replace("most members\nhave", "most members have");
    for line in lines {
        assert!(flat.contains(&line), "{line}\n{text}");
    }

    let before = everything(root);
    let would = documents.of(rollback(root).arg("--dry-run"));
    assert_eq!(everything(root), before, "a dry run changes nothing");
    let back = documents.of(&mut rollback(root));
    for key in ["changed", "before", "after", "previous", "interrupted", "removed", "restart", "in_cluster"] {
        assert_eq!(would[key], back[key], "{key}");
    }
    assert_eq!((&back["before"]["generation"], &back["after"]["generation"]), (&json!(2), &json!(1)));
}

#[test]
fn a_refusal_is_one_document_on_the_standard_error() {
    let (mut documents, root) = (Documents::default(), disk());
    succeed(&mut apply(&SECOND, "cp-1", root.path()));
    let older = documents.error(&mut apply(&FIRST, "cp-1", root.path()), 1);
    assert_eq!(older["error"], "generation 2 is installed, and the bundle is generation 1");
    assert_eq!(
        older["hints"],
        json!([
            "`certferry rollback` brings back what was before; to install an older bundle, --allow-downgrade; nothing \
             was changed"
        ])
    );
    succeed(&mut rollback(root.path()));
    let nothing = documents.error(&mut rollback(disk().path()), 1);
    assert_eq!(nothing["error"], "there is no generation to go back to");
    let dry = documents.error(rollback(disk().path()).arg("--dry-run"), 1);
    assert_eq!(dry["error"], nothing["error"]);
    // The first generation replaced nothing.
    let back = documents.of(rollback(root.path()).arg("--dry-run"));
    assert_eq!((&back["before"], &back["previous"]), (&Value::Null, &json!("foreign")));
}

#[test]
fn every_state_of_a_node_is_told_in_json() {
    let (mut documents, root) = (Documents::default(), disk());
    let root = root.path();
    let status = |more: &[&str]| {
        let mut command = certferry();
        command.args(["status", "--root"]).arg(root).args(more);
        command
    };
    let fresh = documents.of(&mut status(&[]));
    assert_eq!((&fresh["installed"], &fresh["previous"], &fresh["drift"]), (&Value::Null, &Value::Null, &Value::Null));
    // Something that certferry did not install.
    fs::create_dir_all(root.join("etc/kubernetes/pki")).unwrap();
    fs::write(root.join("etc/kubernetes/pki/ca.crt"), "kubeadm's").unwrap();
    succeed(&mut apply(&FIRST, "cp-1", root));
    let foreign = documents.of(&mut status(&[]));
    assert_eq!((&foreign["previous"], &foreign["installed"]["role"]), (&json!("foreign"), &json!("control-plane")));
    succeed(&mut apply(&SECOND, "cp-1", root));
    let second = documents.of(&mut status(&[]));
    assert_eq!(
        (&second["previous"]["generation"], &second["kept"][0]),
        (&json!(1), &json!("etc/kubernetes/.certferry/original"))
    );

    let admin = root.join("etc/kubernetes/admin.conf");
    fs::remove_file(&admin).unwrap();
    let noted = documents.of(&mut status(&[]));
    assert_eq!(noted["drift"]["findings"][0]["weight"], "note");
    let accept = ["--accept", "etc/kubernetes/admin.conf", "--dry-run"];
    let before = everything(root);
    let dry = documents.of(&mut status(&accept));
    assert_eq!((&dry["changed"], &dry["dry_run"], everything(root) == before), (&json!(true), &json!(true), true));
    let text = succeed(&mut status(&accept));
    assert!(
        text.starts_with("would be noted as taken away for good; nothing was changed:\n  etc/kubernetes/admin.conf\n"),
        "{text}"
    );
    for (more, changed) in [(&accept[..2], true), (&accept[..2], false), (&accept[..], false)] {
        assert_eq!(documents.of(&mut status(more))["changed"], changed);
    }
    let refused = documents.error(&mut status(&["--accept", "etc/kubernetes/pki/ca.crt", "--dry-run"]), 1);
    assert_eq!(refused["error"], "etc/kubernetes/pki/ca.crt was not taken away");

    fs::write(root.join("etc/kubernetes/pki/sa.pub"), "another").unwrap();
    let (code, drifted, error) = documents.ends(&mut status(&[]));
    assert_eq!((code, &drifted["drift"]["differing"]), (1, &json!(1)));
    assert!(error["error"].as_str().unwrap().contains("is not as it was installed"), "{error}");
}
