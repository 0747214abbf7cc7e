//! A node's files may have been made to mislead, to leak, or to keep whoever reads them busy for ever.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use certferry::survey::Survey;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::{Script, control_plane, survey_of, tools};
use crate::common::{Ended, is_root, succeed, tool};
use crate::doctor::{KUBELET_CONFIG, MANIFESTS, Node};

/// What both say must be the same, and end at all.
fn both(node: &Node) -> Ended {
    let expected = survey_of(&node.path(""));
    let found = Script::new().survey_of(&tools().remove(0), &node.path(""));
    assert_eq!((found.code, found.stdout), (expected.code, expected.stdout.clone()), "{}", found.stderr);
    expected
}

fn unread(ended: &Ended) -> Vec<String> {
    let survey = Survey::parse(ended.stdout.as_bytes()).unwrap();
    survey.unread.iter().map(|unread| format!("{}: {}", unread.path, unread.reason)).collect()
}

#[test]
fn links_stay_below_the_root() {
    let (node, outside) = (control_plane(), tempfile::tempdir().unwrap());
    let secret = outside.path().join("outside.crt");
    fs::copy(node.path("etc/kubernetes/pki/ca.crt"), &secret).unwrap();
    symlink(&secret, node.path("etc/kubernetes/pki/a.crt")).unwrap();
    symlink(format!("../../../../../../../../../../..{}", secret.display()), node.path("etc/kubernetes/pki/b.crt"))
        .unwrap();
    symlink(&secret, node.path("etc/kubernetes/c.conf")).unwrap();
    symlink("d.crt", node.path("etc/kubernetes/pki/d.crt")).unwrap();
    let ended = both(&node);
    let place = secret.strip_prefix("/").unwrap().display().to_string();
    assert_eq!(
        unread(&ended),
        ["etc/kubernetes/pki/d.crt: a circle of links".to_owned(), format!("{place}: nothing is there")]
    );
    assert_eq!(ended.code, Some(2));
    assert_eq!(
        ended.stderr,
        format!(
            "error: the survey is not complete: 1 place could not be read\n{}/etc/kubernetes/pki/d.crt  a circle of links\n",
            node.path("").display()
        )
    );
}

/// The file with the host's name may be a link to any other.
#[test]
fn no_other_file_becomes_the_name_of_the_host() {
    let node = control_plane();
    node.write("etc/shadow", "root:$6$hunter2:20000::::::\ndaemon:*:20000::::::\n");
    node.remove("etc/hostname");
    symlink("/etc/shadow", node.path("etc/hostname")).unwrap();
    for flag in ["--client-ca-file=/etc/shadow", "--audit-webhook-config-file=/etc/shadow"] {
        node.flag("kube-scheduler", flag);
    }
    symlink("/etc/shadow", node.path("etc/kubernetes/shadow.conf")).unwrap();
    symlink("/etc/shadow", node.path("etc/kubernetes/manifests/shadow.yaml")).unwrap();
    let expected = survey_of(&node.path(""));
    let found = Script::new().survey_of(&tools().remove(0), &node.path(""));
    for ended in [&expected, &found] {
        assert!(!ended.stdout.contains("hunter2") && !ended.stdout.contains("host_name"), "{}", ended.stdout);
        assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
    }
}

/// A folder that holds itself is gone through some times, as by every reader of a node's files.
#[test]
fn a_link_to_the_root_ends() {
    let node = control_plane();
    symlink("/", node.path("etc/kubernetes/pki/loop")).unwrap();
    let ended = both(&node);
    assert_eq!((ended.code, unread(&ended)), (Some(0), Vec::new()));
    let survey = Survey::parse(ended.stdout.as_bytes()).unwrap();
    assert_eq!(survey.leads_to("etc/kubernetes/pki/loop/etc/kubernetes/pki/ca.crt"), "etc/kubernetes/pki/ca.crt");
}

#[test]
fn pipes_sockets_devices_and_giants_are_not_read() {
    let node = control_plane();
    let pki = |name: &str| node.path(&format!("etc/kubernetes/pki/{name}"));
    for place in [pki("pipe.key"), node.path("etc/kubernetes/pipe.conf"), node.path(&format!("{MANIFESTS}/pipe.yaml"))]
    {
        mknodat(CWD, &place, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    }
    let _socket = UnixListener::bind(pki("socket.key")).unwrap();
    fs::create_dir(node.path("etc/kubernetes/folder.conf")).unwrap();
    let mut expected = vec![
        "etc/kubernetes/folder.conf: not a regular file",
        "etc/kubernetes/manifests/pipe.yaml: not a regular file",
        "etc/kubernetes/pipe.conf: not a regular file",
        "etc/kubernetes/pki/giant.crt: larger than 4194304 bytes",
        "etc/kubernetes/pki/pipe.key: not a regular file",
        "etc/kubernetes/pki/socket.key: not a regular file",
    ];
    if mknodat(CWD, pki("device.key"), FileType::CharacterDevice, Mode::from_raw_mode(0o600), rustix::fs::makedev(1, 5))
        .is_ok()
    {
        expected.insert(3, "etc/kubernetes/pki/device.key: not a regular file");
    } else {
        crate::common::skip_even_in_ci("only root may make a device");
    }
    fs::File::create(pki("giant.crt")).unwrap().set_len(4 * 1024 * 1024 + 1).unwrap();
    let ended = both(&node);
    assert_eq!(unread(&ended), expected);
    assert_eq!(ended.code, Some(2), "of a giant nobody knows what it holds");
}

#[test]
fn what_is_too_much_is_said() {
    let node = control_plane();
    for number in 0..4_097 {
        fs::write(node.path(&format!("etc/kubernetes/pki/{number}.crt")), "").unwrap();
    }
    let blocks = "-----BEGIN X-----\n".repeat(200_000);
    node.write("var/lib/kubelet/pki/many.pem", blocks);
    let ended = both(&node);
    assert_eq!(
        unread(&ended),
        ["etc/kubernetes/pki: more than 4096 entries", "var/lib/kubelet/pki/many.pem: holds more than 512 blocks"]
    );
    let root = node.path("");
    assert_eq!(
        ended.stderr,
        format!(
            "error: the survey is not complete: 2 places could not be read\n{0}/etc/kubernetes/pki  more than 4096 entries\n\
             {0}/var/lib/kubelet/pki/many.pem  holds more than 512 blocks\n",
            root.display()
        )
    );
}

/// Neither ends up busy, and both say that the file was not read.
#[test]
fn bombs_of_yaml_do_nothing() {
    let mut anchors = "a: &a [x, x]\n".to_owned();
    for letter in 'b'..='z' {
        anchors += &format!("{letter}: &{letter} [*{0}, *{0}]\n", char::from(letter as u8 - 1));
    }
    let keys = (0..200_000).map(|number| format!("k{number}: v\n")).collect();
    let texts = [
        [anchors, "[".repeat(100_000), "[\n".repeat(100_000)],
        [keys, "- ".repeat(100_000), format!("a: '{}", "x\n".repeat(200_000))],
        [
            format!("a: x\n{}", " x\n".repeat(200_000)),
            "kind: Pod\nkind: Pod\n".to_owned(),
            "\u{fffd}\u{0}\u{1}: [".to_owned(),
        ],
    ];
    let (script, tools) = (Script::new(), tools().remove(0));
    for texts in texts {
        let node = Node::of("node/w-1", |_, _| {});
        let places = ["etc/kubernetes/bomb.conf", "etc/kubernetes/manifests/bomb.yaml", KUBELET_CONFIG];
        for (place, text) in places.iter().zip(&texts) {
            node.write(place, text);
        }
        for ended in [survey_of(&node.path("")), script.survey_of(&tools, &node.path(""))] {
            let said = unread(&ended);
            for (place, text) in places.iter().zip(&texts) {
                let text = text.get(..20);
                assert!(said.iter().any(|line| line.starts_with(place)), "{text:?}: {said:?}\n{}", ended.stderr);
            }
        }
    }
}

#[test]
fn texts_of_strangers_are_escaped() {
    let node = control_plane();
    let text = node.text("etc/kubernetes/admin.conf");
    let name = "\"]\\ [node] \u{e9}\u{1f980}\u{202e}";
    let text = text
        .replace("kubernetes-admin", &name.replace('\\', "\\\\").replace('"', "\\\""))
        .replace(": \\\"", ": \"\\\"");
    let lines = text.lines().map(|line| match line.split_once(": ") {
        Some((key, value)) if value.starts_with("\"\\\"") => format!("{key}: {value}\"\n"),
        _ => format!("{line}\n"),
    });
    node.write("etc/kubernetes/admin.conf", lines.collect::<String>());
    node.write("etc/kubernetes/pki/n\u{e9}\"x\".crt", "");
    let ended = both(&node);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stdout.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n')));
    let survey = Survey::parse(ended.stdout.as_bytes()).unwrap();
    let user = &survey.kubeconfig("etc/kubernetes/admin.conf").unwrap().users[0];
    assert_eq!(user.name, "", "it is none");
    assert_eq!(
        unread(&ended),
        [
            "etc/kubernetes/admin.conf: holds a name of an unusual form",
            "etc/kubernetes/pki/n\u{e9}\"x\".crt: holds no certificate and no key as PEM"
        ]
    );
}

/// A name that is not UTF-8 is that of a file all the same.
#[test]
fn names_of_any_bytes_stop_nobody() {
    use std::os::unix::ffi::OsStringExt;
    let node = control_plane();
    let name = std::ffi::OsString::from_vec(b"etc/kubernetes/pki/a\xff\n.crt".to_vec());
    fs::write(node.path("").join(name), "x").unwrap();
    node.write(&format!("{MANIFESTS}/bytes.yaml"), b"kind: Pod\nx: \xff\n");
    for ended in [survey_of(&node.path("")), Script::new().survey_of(&tools().remove(0), &node.path(""))] {
        let said = unread(&ended);
        assert!(said.len() >= 2, "{said:?}: {}", ended.stderr);
    }
}

/// Whoever may not read keys is told, and the rest is there.
#[test]
fn without_rights_the_survey_says_what_it_lacks() {
    if !is_root() {
        return crate::common::skip_even_in_ci("only root can run a program as somebody else");
    }
    let node = control_plane();
    let folder = node.path("");
    // Everybody may enter, and nobody but root may read a key.
    for path in folder.ancestors().take(2) {
        succeed(tool("chmod").arg("755").arg(path));
    }
    let program = folder.parent().unwrap().join("certferry");
    crate::common::place_program(&crate::common::program(), &program);
    let mut command = tool("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&program)
        .args(["survey", "--root"])
        .arg(&folder);
    let ended = crate::common::end(&mut command);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(
        ended.stderr.ends_with("  permission denied\nhint: keys are for root alone: run it as root\n"),
        "{}",
        ended.stderr
    );
    let survey = Survey::parse(ended.stdout.as_bytes()).unwrap();
    assert!(survey.unread.iter().any(|unread| unread.path == "etc/kubernetes/pki/ca.key" && unread.is_denied()));
    assert_eq!(survey.file("etc/kubernetes/pki/ca.crt").unwrap().certificates.len(), 1);
    let script = Script::new();
    let copy = folder.parent().unwrap().join("survey.sh");
    crate::common::place_program(&script.0.path().join("survey.sh"), &copy);
    let mut command = tool("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "sh"]).arg(&copy).arg("--root").arg(&folder);
    let found = crate::common::end(&mut command);
    assert_eq!((found.code, found.stdout), (Some(2), ended.stdout));
    assert!(found.stderr.starts_with("error: the survey is not complete\n"), "{}", found.stderr);
    assert!(found.stderr.ends_with("hint: keys are for root alone: run it as root\n"), "{}", found.stderr);
}
