//! What `apply` keeps of the files that it replaces: the only copy of what somebody else made is dropped by nobody but a
//! person.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::common::node::{FIRST, SECOND, Seen, applied, apply, copy, disk, live, remains, rollback};
use crate::common::rights::{Right, lacks};
use crate::common::{certferry, fail, run, succeed, tool};

const PKI: &str = "etc/kubernetes/pki";
const STATE: &str = "etc/kubernetes/.certferry";
const ORIGINAL: &str = "what certferry did not install is kept in etc/kubernetes/.certferry/original, private keys and \
                        all, until a person removes it\n";
const REPAIRED: &str = "what was replaced is kept in etc/kubernetes/.certferry/repaired\n";

/// A node with a PKI that certferry did not make.
fn foreign() -> TempDir {
    let root = disk();
    for (name, text) in
        [("ca.key", "the key"), ("ca.crt", "the CA"), ("sa.key", "of tokens"), ("etcd/ca.key", "etcd's")]
    {
        let path = root.path().join(PKI).join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::write(root.path().join("etc/kubernetes/admin.conf"), "kind: Config\n").unwrap();
    root
}

/// A node that has such a PKI as the original one, and another of the kind in its place, of which certferry knows nothing.
fn twice_foreign() -> TempDir {
    let root = foreign();
    succeed(&mut apply(&FIRST, "cp-1", root.path()));
    succeed(&mut apply(&SECOND, "cp-1", root.path()));
    for place in [format!("{STATE}/installed"), format!("{STATE}/previous"), "var/lib/kubelet/.certferry".to_owned()] {
        fs::remove_dir_all(root.path().join(place)).unwrap();
    }
    fs::write(root.path().join(PKI).join("sa.key"), "once more").unwrap();
    root
}

fn read(root: &Path, place: &str) -> String {
    String::from_utf8_lossy(&fs::read(root.join(place)).unwrap_or_default()).into_owned()
}

fn loosen(root: &Path) {
    fs::set_permissions(root.join(PKI).join("apiserver.key"), PermissionsExt::from_mode(0o644)).unwrap();
}

fn files(root: &Path) -> BTreeMap<String, Seen> {
    live(root).into_iter().filter(|(_, (_, content))| content != b"folder").collect()
}

fn status(root: &Path) -> String {
    succeed(certferry().args(["status", "--root"]).arg(root))
}

#[test]
fn repairs_leave_the_generation_before_alone() {
    let root = foreign();
    let before = files(root.path());
    succeed(&mut apply(&FIRST, "cp-1", root.path()));
    let installed = files(root.path());
    for _ in 0..3 {
        loosen(root.path());
        let text = succeed(&mut apply(&FIRST, "cp-1", root.path()));
        assert!(text.starts_with("cp-1: repaired 1 file of generation 1 "), "{text}");
        assert!(!text.contains("back: ") && !text.contains("kept in"), "{text}");
        assert_eq!(files(root.path()), installed);
        assert_eq!(remains(root.path()), Vec::<PathBuf>::new());
        // Nothing is lost with what was replaced, and nothing of it is kept.
        assert!(!root.path().join(STATE).join("repaired").exists());
    }
    for (name, text) in [("ca.key", "the key"), ("sa.key", "of tokens"), ("etcd/ca.key", "etcd's")] {
        assert_eq!(read(root.path(), &format!("{STATE}/previous/pki/{name}")), text);
    }
    succeed(&mut rollback(root.path()));
    assert_eq!(files(root.path()), before);
}

#[test]
fn what_was_there_before_certferry_stays_when_the_next_generation_comes() {
    let root = foreign();
    succeed(&mut apply(&FIRST, "cp-1", root.path()));
    let installed = files(root.path());
    let text = succeed(&mut apply(&SECOND, "cp-1", root.path()));
    assert!(text.ends_with(&format!("{ORIGINAL}back: certferry rollback\n")), "{text}");
    for (name, text) in [("ca.key", "the key"), ("sa.key", "of tokens"), ("etcd/ca.key", "etcd's")] {
        assert_eq!(read(root.path(), &format!("{STATE}/original/pki/{name}")), text);
    }
    assert_eq!(read(root.path(), &format!("{STATE}/original/admin.conf")), "kind: Config\n");
    let line = "\noriginal     what certferry did not install: etc/kubernetes/.certferry/original, until a person removes it\n";
    assert!(status(root.path()).contains(line), "{}", status(root.path()));
    let json = succeed(certferry().args(["status", "-o", "json", "--root"]).arg(root.path()));
    assert!(json.contains("\"kept\": [\n    \"etc/kubernetes/.certferry/original\"\n  ]"), "{json}");
    succeed(&mut rollback(root.path()));
    assert_eq!(files(root.path()), installed);
    // A generation that certferry made is dropped: it can be made again. The original is not.
    let text = succeed(&mut apply(&SECOND, "cp-1", root.path()));
    assert!(!text.contains("kept in"), "{text}");
    assert_eq!(read(root.path(), &format!("{STATE}/original/pki/ca.key")), "the key");
    // A person removes it.
    fs::remove_dir_all(root.path().join(STATE).join("original")).unwrap();
    assert!(!status(root.path()).contains("original"));
}

/// The list of what was kept is gone, and what was kept in the kubelet's folder is not.
#[test]
fn what_nobody_knows_any_more_is_kept_too() {
    let root = foreign();
    let key = root.path().join("var/lib/kubelet/pki/kubelet.key");
    fs::create_dir_all(key.parent().unwrap()).unwrap();
    fs::write(&key, "theirs").unwrap();
    succeed(&mut apply(&FIRST, "cp-1", root.path()));
    fs::remove_dir_all(root.path().join("etc/kubernetes")).unwrap();
    succeed(&mut apply(&FIRST, "cp-1", root.path()));
    assert_eq!(read(root.path(), "var/lib/kubelet/.certferry/original/pki/kubelet.key"), "theirs");
}

/// `kubeadm reset` leaves the state of certferry, so that what `kubeadm init` makes then stands beside its record.
fn in_the_place_of_the_first(root: &Path, pki: &str) {
    let pki = root.join(pki);
    for entry in fs::read_dir(&pki).unwrap().map(Result::unwrap) {
        let removed =
            if entry.path().is_dir() { fs::remove_dir_all(entry.path()) } else { fs::remove_file(entry.path()) };
        removed.unwrap();
    }
    for (name, text) in [("ca.key", "the key"), ("ca.crt", "the CA"), ("sa.key", "of tokens")] {
        fs::write(pki.join(name), text).unwrap();
    }
    fs::write(root.join("etc/kubernetes/admin.conf"), "kind: Config\n").unwrap();
}

#[test]
fn what_came_in_the_place_of_ours_is_kept_too() {
    let root = applied(&FIRST, "cp-1");
    in_the_place_of_the_first(root.path(), PKI);
    let before = files(root.path());
    succeed(&mut apply(&SECOND, "cp-1", root.path()));
    let line = "\nprevious     what certferry did not install; `certferry rollback` brings it back\n";
    assert!(status(root.path()).contains(line), "{}", status(root.path()));
    let json = succeed(certferry().args(["status", "-o", "json", "--root"]).arg(root.path()));
    assert!(json.contains("\"previous\": \"foreign\""), "{json}");
    succeed(&mut rollback(root.path()));
    assert_eq!(files(root.path()), before);
    succeed(&mut apply(&SECOND, "cp-1", root.path()));
    let text = succeed(apply(&FIRST, "cp-1", root.path()).arg("--allow-downgrade"));
    let both = ORIGINAL.replace(", private", " and var/lib/kubelet/.certferry/original, private");
    assert!(text.ends_with(&format!("{both}back: certferry rollback\n")), "{text}");
    assert_eq!(read(root.path(), &format!("{STATE}/original/pki/ca.key")), "the key");
    assert_eq!(read(root.path(), &format!("{STATE}/original/admin.conf")), "kind: Config\n");
    // It holds no record of what certferry installed.
    assert!(!root.path().join(STATE).join("original/installed").exists());

    // A leaf that somebody renewed under our CA can be made again.
    let root = applied(&FIRST, "cp-1");
    fs::write(root.path().join(PKI).join("apiserver.crt"), "renewed").unwrap();
    succeed(&mut apply(&SECOND, "cp-1", root.path()));
    let line = "\nprevious     lab, generation 1, ";
    assert!(status(root.path()).contains(line), "{}", status(root.path()));

    // A record that cannot be read says nothing of what is beside it.
    fs::write(root.path().join(STATE).join("previous/installed/record.json"), "{}").unwrap();
    let text = succeed(apply(&FIRST, "cp-1", root.path()).arg("--allow-downgrade"));
    assert!(text.contains(&both), "{text}");
}

/// The folder of certificates lies on another disk, with slots of its own: what is kept must be kept of both.
#[test]
fn what_came_in_the_place_of_ours_is_kept_by_the_next_run_too() {
    if lacks(&[Right::Trace]) {
        return;
    }
    let begin = disk();
    fs::create_dir_all(begin.path().join("data/k8s/pki")).unwrap();
    fs::create_dir_all(begin.path().join("etc/kubernetes")).unwrap();
    std::os::unix::fs::symlink("/data/k8s/pki", begin.path().join(PKI)).unwrap();
    succeed(&mut apply(&FIRST, "cp-1", begin.path()));
    in_the_place_of_the_first(begin.path(), "data/k8s/pki");
    succeed(&mut apply(&SECOND, "cp-1", begin.path()));
    let again = |root: &Path| {
        let mut command = apply(&FIRST, "cp-1", root);
        command.arg("--allow-downgrade");
        command
    };
    let mut killed = 0;
    for call in ["renameat2", "unlinkat", "unlink", "rmdir"] {
        for number in 1.. {
            let root = copy(begin.path());
            let command = again(root.path());
            let mut strace = tool("strace");
            strace.args(["-qq", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e"]);
            strace.arg(format!("inject={call}:signal=KILL:when={number}"));
            let ended = run(strace.arg(command.get_program()).args(command.get_args()));
            let is_last = ended.status.success();
            if !is_last {
                killed += 1;
                assert_eq!(ended.status.code(), None, "{}", String::from_utf8_lossy(&ended.stderr));
                succeed(&mut again(root.path()));
            }
            let kept = |place: &str| read(root.path(), place);
            let when = format!("{call} {number}");
            assert_eq!(kept("data/k8s/.certferry/original/pki/ca.key"), "the key", "{when}");
            assert_eq!(kept(&format!("{STATE}/original/admin.conf")), "kind: Config\n", "{when}");
            assert_eq!(remains(root.path()), Vec::<PathBuf>::new(), "{when}");
            if is_last {
                break;
            }
        }
    }
    assert!(killed > 20, "{killed}");
}

#[test]
fn a_rollback_says_what_it_takes_away() {
    let root = foreign();
    succeed(&mut apply(&FIRST, "cp-1", root.path()));
    // A unit that was there, and one that somebody has removed from what is kept.
    fs::remove_dir_all(root.path().join(STATE).join("previous/pki")).unwrap();
    let text = succeed(&mut rollback(root.path()));
    let taken = "taken away, because the generation before has none:\n  etc/kubernetes/pki\n  var/lib/kubelet/pki\n  \
                 etc/kubernetes/controller-manager.conf\n  etc/kubernetes/kubelet.conf\n  \
                 etc/kubernetes/scheduler.conf\n  etc/kubernetes/super-admin.conf\n";
    assert!(text.starts_with(&format!("{taken}installed    nothing by certferry\n")), "{text}");
    let text = succeed(&mut rollback(root.path()));
    assert!(text.starts_with("installed    lab, generation 1, "), "{text}");
}

#[test]
fn a_node_on_which_nothing_was_keeps_nothing() {
    let root = applied(&FIRST, "cp-1");
    let text = succeed(&mut apply(&SECOND, "cp-1", root.path()));
    assert!(!text.contains("kept in"), "{text}");
    assert!(!root.path().join(STATE).join("original").exists());
}

#[test]
fn a_backup_is_dropped_on_a_word_alone() {
    let root = applied(&FIRST, "cp-1");
    let sa = root.path().join(PKI).join("sa.key");
    fs::write(&sa, "another").unwrap();
    let text = succeed(&mut apply(&FIRST, "cp-1", root.path()));
    assert!(text.ends_with(REPAIRED), "{text}");
    assert_eq!(read(root.path(), &format!("{STATE}/repaired/pki/sa.key")), "another");
    let line =
        "\nrepaired     what the last repair replaced: etc/kubernetes/.certferry/repaired, until a person removes it\n";
    assert!(status(root.path()).contains(line), "{}", status(root.path()));
    // A repair that loses nothing leaves it.
    loosen(root.path());
    succeed(&mut apply(&FIRST, "cp-1", root.path()));
    assert_eq!(read(root.path(), &format!("{STATE}/repaired/pki/sa.key")), "another");
    fs::write(&sa, "a third").unwrap();
    let before = live(root.path());
    let refused = |what: &str, slot: &str| {
        format!(
            "error: {} holds {what}, and would be dropped\nhint: look at it, and move it elsewhere if it is of use; \
             --drop-backup drops it; the node's files are as they were\n",
            root.path().join(STATE).join(slot).display()
        )
    };
    let text = refused("what an earlier repair replaced", "repaired");
    assert_eq!(fail(&mut apply(&FIRST, "cp-1", root.path()), 1), text);
    assert_eq!(fail(apply(&FIRST, "cp-1", root.path()).arg("--dry-run"), 1), text);
    assert_eq!(live(root.path()), before);
    assert_eq!(remains(root.path()), Vec::<PathBuf>::new());
    succeed(apply(&FIRST, "cp-1", root.path()).arg("--drop-backup"));
    assert_eq!(read(root.path(), &format!("{STATE}/repaired/pki/sa.key")), "a third");

    // In the kubelet's folder alone.
    let root = applied(&FIRST, "cp-1");
    fs::write(root.path().join("var/lib/kubelet/pki/kubelet.key"), "by hand").unwrap();
    let place = "var/lib/kubelet/.certferry/repaired";
    let text = succeed(&mut apply(&FIRST, "cp-1", root.path()));
    assert!(text.ends_with(&format!("what was replaced is kept in {place}\n")), "{text}");
    let line = format!("\nrepaired     what the last repair replaced: {place}, until a person removes it\n");
    assert!(status(root.path()).contains(&line), "{}", status(root.path()));
    fs::write(root.path().join(PKI).join("sa.key"), "another").unwrap();
    let stderr = fail(&mut apply(&FIRST, "cp-1", root.path()), 1);
    assert!(
        stderr.starts_with(&format!("error: {} holds what an earlier", root.path().join(place).display())),
        "{stderr}"
    );
    assert_eq!(read(root.path(), &format!("{place}/pki/kubelet.key")), "by hand");

    // Two PKIs of somebody else, of which certferry would keep one.
    let root = twice_foreign();
    succeed(&mut apply(&FIRST, "cp-1", root.path()));
    let text = format!(
        "error: {} holds what certferry did not install, and would be dropped\nhint: look at it, and move it elsewhere \
         if it is of use; --drop-backup drops it; the node's files are as they were\n",
        root.path().join(STATE).join("original").display()
    );
    assert_eq!(fail(&mut apply(&SECOND, "cp-1", root.path()), 1), text);
    assert_eq!(read(root.path(), &format!("{STATE}/original/pki/sa.key")), "of tokens");
    succeed(apply(&SECOND, "cp-1", root.path()).arg("--drop-backup"));
    assert_eq!(read(root.path(), &format!("{STATE}/original/pki/sa.key")), "once more");
    assert_eq!(remains(root.path()), Vec::<PathBuf>::new());
}

/// What is kept is told before as after, in both forms.
#[test]
fn a_dry_run_says_what_would_be_kept_and_what_dropped() {
    let of_kubelet = || {
        let root = applied(&FIRST, "cp-1");
        fs::write(root.path().join("var/lib/kubelet/pki/kubelet.key"), "by hand").unwrap();
        succeed(&mut apply(&FIRST, "cp-1", root.path()));
        fs::write(root.path().join(PKI).join("sa.key"), "another").unwrap();
        root
    };
    let foreign_below = || {
        let root = foreign();
        succeed(&mut apply(&FIRST, "cp-1", root.path()));
        root
    };
    let twice = || {
        let root = twice_foreign();
        succeed(&mut apply(&FIRST, "cp-1", root.path()));
        root
    };
    let both = ORIGINAL.replace(", private", " and var/lib/kubelet/.certferry/original, private");
    let dropped = |place: &str| format!("what is in {place} now would be dropped for it\n");
    let cases = [
        (disk(), &FIRST, String::new(), String::new()),
        (foreign(), &FIRST, String::new(), String::new()),
        (foreign_below(), &SECOND, ORIGINAL.to_owned(), String::new()),
        (twice(), &SECOND, both, dropped("etc/kubernetes/.certferry/original")),
        (of_kubelet(), &FIRST, REPAIRED.to_owned(), dropped("var/lib/kubelet/.certferry/repaired")),
    ];
    for (root, bundle, kept, dropped) in cases {
        let run = |more: &[&str]| {
            let mut command = apply(bundle, "cp-1", root.path());
            command.arg("--drop-backup").args(more);
            succeed(&mut command)
        };
        let before = live(root.path());
        let told = run(&["--dry-run"]);
        let foreseen =
            kept.replace("was replaced is", "is replaced would be").replace("install is", "install would be");
        let end = format!("{foreseen}{dropped}nothing was changed\n");
        assert!(told.ends_with(&end) && told.matches("kept in ").count() == kept.lines().count(), "{told}");
        let json: Value = serde_json::from_str(&run(&["--dry-run", "-o", "json"])).unwrap();
        assert_eq!(live(root.path()), before);
        let again = copy(root.path());
        let done = run(&[]);
        assert!(done.contains(&kept) && done.matches("kept in ").count() == kept.lines().count(), "{done}");
        let mut command = apply(bundle, "cp-1", again.path());
        let done: Value = serde_json::from_str(&succeed(command.args(["--drop-backup", "-o", "json"]))).unwrap();
        assert_eq!(json["kept"], done["kept"]);
    }
}

/// A bundle that is refused for another reason is refused for that: the word for the backup would be of no use.
#[test]
fn what_is_wrong_with_a_bundle_is_told_before_what_it_would_drop() {
    let root = twice_foreign();
    succeed(&mut apply(&SECOND, "cp-1", root.path()));
    let stderr = fail(&mut apply(&FIRST, "cp-1", root.path()), 1);
    assert!(stderr.starts_with("error: generation 2 is installed, and the bundle is generation 1\n"), "{stderr}");
    let stderr = fail(apply(&FIRST, "cp-1", root.path()).arg("--allow-downgrade"), 1);
    assert!(stderr.contains(" holds what certferry did not install, and would be dropped\n"), "{stderr}");
}

/// What kubeadm or a kubelet writes between the comparison and the swap is not live afterwards, and is named.
#[test]
fn what_is_written_meanwhile_is_named() {
    if lacks(&[Right::Trace]) {
        return;
    }
    let root = applied(&FIRST, "cp-1");
    fs::write(root.path().join(PKI).join("by hand"), "kept").unwrap();
    // The first of these calls is that of the journal.
    let command = apply(&SECOND, "cp-1", root.path());
    let mut strace = tool("strace");
    strace.args([
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "trace=renameat2",
        "-e",
        "inject=renameat2:delay_enter=3000000:when=1",
    ]);
    strace.arg(command.get_program()).args(command.get_args()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = strace.spawn().unwrap();
    let journal = root.path().join(STATE).join("journal.new");
    while !journal.exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    fs::write(root.path().join(PKI).join("apiserver.crt"), "renewed").unwrap();
    fs::write(root.path().join(PKI).join("etcd/new"), "made").unwrap();
    fs::remove_file(root.path().join(PKI).join("by hand")).unwrap();
    fs::write(root.path().join("etc/kubernetes/admin.conf"), "theirs").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let kept = |place: &str, slot: &str| {
        format!("note: {place} was written while this ran: it is {STATE}/previous/{slot}, and not live\n")
    };
    let notes = kept("etc/kubernetes/pki/apiserver.crt", "pki/apiserver.crt")
        + "note: etc/kubernetes/pki/by hand was removed while this ran\n"
        + &kept("etc/kubernetes/pki/etcd/new", "pki/etcd/new")
        + &kept("etc/kubernetes/admin.conf", "admin.conf");
    assert!(text.ends_with(&(notes + "back: certferry rollback\n")), "{text}");
    assert_eq!(read(root.path(), &format!("{STATE}/previous/pki/apiserver.crt")), "renewed");
    assert_eq!(read(root.path(), &format!("{STATE}/previous/admin.conf")), "theirs");
    assert!(run(&mut apply(&SECOND, "cp-1", root.path())).status.success());
}

/// A file system that lists an attribute and does not take it: a copy would not be what was there.
#[test]
fn an_attribute_that_no_copy_can_have_is_named() {
    if lacks(&[Right::Trace]) {
        return;
    }
    // Not in memory: older kernels have no such attributes there.
    let root = tempfile::tempdir().unwrap();
    succeed(&mut apply(&FIRST, "cp-1", root.path()));
    let file = root.path().join(PKI).join("theirs");
    fs::write(&file, "kept").unwrap();
    rustix::fs::setxattr(&file, "user.Note", b"of theirs", rustix::fs::XattrFlags::empty()).unwrap();
    let before = live(root.path());
    let command = apply(&SECOND, "cp-1", root.path());
    let mut strace = tool("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=fsetxattr", "-e", "inject=fsetxattr:error=EOPNOTSUPP"]);
    let said = fail(strace.arg(command.get_program()).args(command.get_args()), 2);
    let expected = format!(
        "error: cannot copy {}: it has the extended attribute user.Note, which its file system lists and refuses to set: \
         operation not supported\nhint: if nobody needs the attribute there, `setfattr -x NAME FILE` takes it away; then run \
         this again; the node's files are as they were\n",
        file.display()
    );
    assert_eq!(said, expected);
    assert_eq!(live(root.path()), before);
    assert_eq!(remains(root.path()), Vec::<PathBuf>::new());
    rustix::fs::removexattr(&file, "user.Note").unwrap();
    succeed(&mut apply(&SECOND, "cp-1", root.path()));
    assert_eq!(read(root.path(), &format!("{PKI}/theirs")), "kept");
}
