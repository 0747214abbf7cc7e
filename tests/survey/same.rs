//! survey.sh prints what `certferry survey` prints, byte for byte.

use certferry::survey::SCRIPT;

use super::{Script, survey_of, tools, trees};
use crate::common::{Ended, certferry, end, is_root};

#[test]
fn the_program_prints_the_script() {
    let ended = end(certferry().args(["survey", "--script"]));
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (Some(0), SCRIPT, ""));
}

/// Each tree with one set of tools, so that all tools and all trees have their turn.
#[test]
fn the_script_says_the_same_of_every_tree() {
    let (script, tools) = (Script::new(), tools());
    for ((name, node), tools) in trees().into_iter().zip(tools.iter().cycle()) {
        let (expected, found) = (survey_of(&node.path("")), script.survey_of(tools, &node.path("")));
        assert_eq!(found, expected, "{name}, {}", tools.name());
        assert_eq!((found.code, found.stderr.as_str()), (Some(0), ""), "{name}");
    }
}

#[test]
fn the_script_refuses_what_it_does_not_know() {
    let (script, tools, folder) = (Script::new(), tools().remove(0), tempfile::tempdir().unwrap());
    let failed = |stderr: String| Ended { code: Some(2), stdout: String::new(), stderr };
    let none = folder.path().join("none");
    let expected = format!(
        "error: {} is no folder\nhint: --root is the folder that holds etc/kubernetes and var/lib/kubelet\n",
        none.display()
    );
    assert_eq!(script.survey_of(&tools, &none), failed(expected));
    let expected = format!("error: there is nothing of Kubernetes or etcd in {}\n", folder.path().display());
    assert_eq!(script.survey_of(&tools, folder.path()), failed(expected));
    let ended = end(script.command(&tools, folder.path()).arg("--out"));
    assert_eq!(ended, failed("error: --out is not known\nhint: sh survey.sh [--root DIR] > FILE\n".to_owned()));
    tools.remove("openssl");
    let ended = script.survey_of(&tools, folder.path());
    assert_eq!(ended, failed("error: this needs the program openssl\n".to_owned()));
}

#[test]
fn the_program_says_what_is_wrong_with_the_root() {
    let folder = tempfile::tempdir().unwrap();
    let failed = |stderr: String| Ended { code: Some(2), stdout: String::new(), stderr };
    let expected = format!(
        "error: there is nothing of Kubernetes or etcd in {}\nhint: name the root of a node's files with --root: the folder \
         with etc/kubernetes or var/lib/kubelet\n",
        folder.path().display()
    );
    assert_eq!(survey_of(folder.path()), failed(expected));
    let none = folder.path().join("none");
    let expected = format!(
        "error: {} is no folder\nhint: --root is the folder that holds etc/kubernetes and var/lib/kubelet, or shall hold \
         them\n",
        none.display()
    );
    assert_eq!(survey_of(&none), failed(expected));
}

/// On the machine itself the addresses of its interfaces are in the survey of both.
#[test]
fn both_say_the_same_of_this_machine() {
    if !is_root() {
        return crate::common::skip_even_in_ci("what only root can read is not in the survey");
    }
    let script = Script::new();
    let expected = end(certferry().args(["survey"]));
    let found = end(crate::common::tool("sh").arg(script.0.path().join("survey.sh")));
    assert_eq!(found.stdout, expected.stdout);
}
