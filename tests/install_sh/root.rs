//! Below a root other than `/` nothing outside is reached, whatever is a link inside: not read, not written, not deleted.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use tempfile::TempDir;

use crate::common::node::disk;
use crate::install_sh::journal::journal;
use crate::install_sh::node::{FIRST, Node, SECOND, State, TOOLS, end, state};

const PKI: &str = "etc/kubernetes/pki";
const STATE: &str = "etc/kubernetes/.certferry";
const NAME: &str = "worker-1";
const NOWHERE: &str = "hint: make the folder it leads to, mount its disk, or remove the link; nothing was changed\n";

/// A folder `root` in a folder that also holds another node's whole disk, `outside`.
struct Disk {
    folder: TempDir,
    outside: State,
}

impl Disk {
    fn new() -> Self {
        let folder = disk();
        for name in ["root", "outside"] {
            let node = Node::with(&FIRST, NAME);
            fs::create_dir(folder.path().join(name)).unwrap();
            for top in ["etc", "var"] {
                fs::rename(node.path(top), folder.path().join(name).join(top)).unwrap();
            }
        }
        let outside = state(&folder.path().join("outside"), |_| true);
        Self { folder, outside }
    }

    fn path(&self, place: &str) -> std::path::PathBuf {
        self.folder.path().join("root").join(place)
    }

    /// Puts a link to the same place outside in the place of what is there.
    fn lead_out(&self, place: &str, is_absolute: bool) {
        let path = self.path(place);
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(&path).unwrap(),
            Ok(_) => fs::remove_file(&path).unwrap(),
            Err(_) => fs::create_dir_all(path.parent().unwrap()).unwrap(),
        }
        let up = "../".repeat(place.split('/').count());
        let target = if is_absolute { self.folder.path().join("outside") } else { Path::new(&up).join("outside") };
        symlink(target.join(place), path).unwrap();
    }

    /// The commands of a person, one after the other; what each said.
    fn runs(&self) -> Vec<(&'static str, i32, String)> {
        let root = self.path("");
        let install = |further: &[&str]| {
            let mut command = TOOLS.run(&crate::install_sh::node::script(&SECOND));
            command
                .arg(&SECOND.archive)
                .args(["--node", NAME, "--key"])
                .arg(&SECOND.public_key)
                .arg("--root")
                .arg(&root);
            command.args(further);
            end(&mut command)
        };
        let other = |option: &str| {
            let mut command = TOOLS.run(&crate::install_sh::node::script(&SECOND));
            end(command.arg(option).arg("--root").arg(&root))
        };
        let said = [
            ("--status", other("--status")),
            ("--dry-run", install(&["--dry-run"])),
            ("install", install(&[])),
            ("--rollback", other("--rollback")),
        ];
        said.into_iter().map(|(name, ended)| (name, ended.code.unwrap(), ended.stderr)).collect()
    }

    #[track_caller]
    fn assert_outside_is_as_it_was(&self, when: &str) {
        assert!(
            state(&self.folder.path().join("outside"), |_| true) == self.outside,
            "{when}: something changed outside"
        );
    }
}

/// Folders on the way to what is installed: below this root such a link leads nowhere.
#[test]
fn a_link_on_the_way_that_leads_out_is_refused() {
    let places = ["etc", "etc/kubernetes", "var", "var/lib", "var/lib/kubelet", PKI, "var/lib/kubelet/pki"];
    let cases: Vec<_> = places.into_iter().flat_map(|place| [(place, true), (place, false)]).collect();
    cases.into_par_iter().for_each(|(place, is_absolute)| {
        let disk = Disk::new();
        disk.lead_out(place, is_absolute);
        let before = state(&disk.path(""), |_| true);
        let text = format!("error: {} is a link that leads nowhere\n{NOWHERE}", disk.path(place).display());
        for (command, code, stderr) in disk.runs() {
            let when = format!("{command} with {place}");
            disk.assert_outside_is_as_it_was(&when);
            assert!(state(&disk.path(""), |_| true) == before, "{when}: something changed");
            if command != "--status" || !place.ends_with("pki") {
                assert_eq!((code, stderr.as_str()), (2, text.as_str()), "{when}");
            }
        }
    });
}

/// What certferry keeps on a node is never a link.
#[test]
fn a_link_in_the_state_is_refused() {
    let places = [
        STATE,
        "etc/kubernetes/.certferry/lock",
        "etc/kubernetes/.certferry/lock.d",
        "etc/kubernetes/.certferry/next",
        "etc/kubernetes/.certferry/previous",
        "etc/kubernetes/.certferry/previous/units",
        "etc/kubernetes/.certferry/discard",
        "etc/kubernetes/.certferry/repaired",
        "etc/kubernetes/.certferry/original",
        "etc/kubernetes/.certferry/journal",
        "etc/kubernetes/.certferry/journal.new",
        "etc/kubernetes/.certferry/installed",
        "etc/kubernetes/.certferry/installed/record.json",
        "etc/kubernetes/.certferry/restart",
        "var/lib/kubelet/.certferry",
        "var/lib/kubelet/.certferry/next",
        "var/lib/kubelet/.certferry/previous",
    ];
    let cases: Vec<_> = places.into_iter().flat_map(|place| [(place, true), (place, false)]).collect();
    cases.into_par_iter().for_each(|(place, is_absolute)| {
        let disk = Disk::new();
        disk.lead_out(place, is_absolute);
        let before = state(&disk.path(""), |_| true);
        let text = format!("error: {} is a link\nhint: it must be a ", disk.path(place).display());
        for (command, code, stderr) in disk.runs() {
            let when = format!("{command} with {place}");
            disk.assert_outside_is_as_it_was(&when);
            assert!(state(&disk.path(""), |_| true) == before, "{when}: something changed");
            assert!(code == 2 && stderr.starts_with(&text), "{when}: {stderr}");
        }
    });
}

/// A journal or a list of units that somebody wrote: no place in it is outside.
#[test]
fn no_place_in_a_journal_or_a_list_is_outside() {
    let slot = "etc/kubernetes/.certferry";
    let places = [
        ("../outside/etc/kubernetes/pki", "../outside/etc/kubernetes/.certferry/@/pki"),
        ("etc/kubernetes/pki", "../outside/etc/kubernetes/.certferry/@/pki"),
        ("/outside/etc/kubernetes/pki", "/outside/etc/kubernetes/.certferry/@/pki"),
        ("etc/../../outside/etc/kubernetes/pki", "etc/../../outside/etc/kubernetes/.certferry/@/pki"),
        ("etc/./kubernetes/pki", "etc/kubernetes/.certferry/@/pki"),
    ];
    for (live, waits) in places {
        let disk = Disk::new();
        let (new, old) = ("1".repeat(64), "2".repeat(64));
        let units = format!("swap {live} {} {new} {old}\n", waits.replace('@', "next"));
        fs::write(disk.path(slot).join("journal"), journal("next", "previous", &units)).unwrap();
        for (command, code, stderr) in disk.runs() {
            disk.assert_outside_is_as_it_was(live);
            let is_refused = code == 2 && stderr.starts_with("error: the journal ");
            let waits = "error: an interrupted run waits to be completed\n";
            assert!(is_refused || stderr.starts_with(waits) || command == "--status", "{command}: {stderr}");
        }
        let disk = Disk::new();
        let units = format!("certferry-units-1\n{live} {waits}\nend\n");
        fs::create_dir_all(disk.path(slot).join("previous")).unwrap();
        fs::write(disk.path(slot).join("previous/units"), units).unwrap();
        let mut command = TOOLS.run(&crate::install_sh::node::script(&SECOND));
        let ended = end(command.arg("--rollback").arg("--root").arg(disk.path("")));
        disk.assert_outside_is_as_it_was(live);
        let text = format!("error: {}", disk.path(slot).join("previous/units is not a list of units\n").display());
        assert!(ended.code == Some(2) && ended.stderr.starts_with(&text), "{}", ended.stderr);
        for (_, code, stderr) in disk.runs().into_iter().filter(|(command, ..)| *command == "install") {
            assert_eq!((code, stderr.as_str()), (0, ""));
        }
        disk.assert_outside_is_as_it_was(live);
    }
    // Places that lead out through a link that is no folder of the state's.
    let disk = Disk::new();
    symlink(disk.folder.path().join("outside"), disk.path("data")).unwrap();
    let units = "certferry-units-1\ndata/etc/kubernetes/pki data/etc/kubernetes/.certferry/@/pki\nend\n";
    fs::create_dir_all(disk.path(slot).join("previous")).unwrap();
    fs::write(disk.path(slot).join("previous/units"), units).unwrap();
    let _ = disk.runs();
    disk.assert_outside_is_as_it_was("a link to the folder outside");
}

/// Kubeconfigs and files of certificates that are links are not followed out; nor is the name of the host.
#[test]
fn what_is_read_is_below_the_root() {
    let kubelet = "etc/kubernetes/kubelet.conf";
    let disk = Disk::new();
    disk.lead_out(kubelet, true);
    let text = format!(
        "error: {} is a link\nhint: put the file itself in its place, or use `certferry apply`\n",
        disk.path(kubelet).display()
    );
    let install = disk.runs().remove(2);
    assert_eq!(install, ("install", 2, text));
    disk.assert_outside_is_as_it_was(kubelet);
    // The name of another host stands outside.
    let disk = Disk::new();
    fs::write(disk.folder.path().join("outside/name"), "cp-1\n").unwrap();
    symlink(disk.folder.path().join("outside/name"), disk.path("etc/hostname")).unwrap();
    assert_eq!(disk.runs().remove(2), ("install", 0, String::new()));
    // And one inside.
    let disk = Disk::new();
    fs::write(disk.path("etc/name"), "cp-1\n").unwrap();
    symlink("/etc/name", disk.path("etc/hostname")).unwrap();
    let (_, code, stderr) = disk.runs().remove(2);
    assert!(code == 1 && stderr.starts_with("error: this host is not worker-1: it is called cp-1, "), "{stderr}");
}

/// A disk on which the folders lie elsewhere: the links lead to what is below the root, as they will on the node.
#[test]
fn a_link_that_leads_to_a_folder_below_the_root_is_served() {
    let cases = [
        ("etc", "/data/etc"),
        ("etc/kubernetes", "/data/kubernetes"),
        ("etc/kubernetes", "../data/kubernetes"),
        ("etc/kubernetes", "../../../../../../data/kubernetes"),
        ("var", "data/var"),
        ("var/lib/kubelet", "/data/kubelet"),
        ("var/lib/kubelet", "../../data/kubelet"),
        (PKI, "/data/certificates"),
        (PKI, "../../data/certificates"),
    ];
    cases.into_par_iter().for_each(|(place, target)| {
        let disk = Disk::new();
        let data = disk.path(&format!("data/{}", target.rsplit('/').next().unwrap()));
        fs::create_dir(disk.path("data")).unwrap();
        fs::rename(disk.path(place), &data).unwrap();
        symlink(target, disk.path(place)).unwrap();
        let before = state(&disk.path(""), |name| name != ".certferry");
        let said = disk.runs();
        disk.assert_outside_is_as_it_was(target);
        for (command, code, stderr) in said {
            assert_eq!((code, stderr.as_str()), (0, ""), "{command} with {place} to {target}");
        }
        assert!(disk.path(place).is_symlink());
        let after = state(&disk.path(""), |name| name != ".certferry");
        assert!(after == before, "{place} to {target}: gone back, it is as it was");
    });
}

#[test]
fn links_that_lead_to_each_other_are_refused() {
    let disk = Disk::new();
    fs::remove_dir_all(disk.path("etc/kubernetes")).unwrap();
    symlink("other", disk.path("etc/kubernetes")).unwrap();
    symlink("kubernetes", disk.path("etc/other")).unwrap();
    let text = format!(
        "error: {} leads through too many links\nhint: two links may lead to each other; nothing was changed\n",
        disk.path("etc/kubernetes").display()
    );
    for (command, code, stderr) in disk.runs() {
        assert_eq!((code, stderr.as_str()), (2, text.as_str()), "{command}");
    }
}
