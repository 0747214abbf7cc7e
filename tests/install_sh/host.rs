//! The root itself: a machine of its own, with name, addresses, and stand-ins for SELinux.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::common::rights::{Right, lacks};
use crate::common::shells::find;
use crate::common::{Bundle, write_program};
use crate::install_sh::node::{Ended, FIRST, Node, SECOND, end, script};

/// A root folder with the programs of this machine and nothing else of it.
struct Machine {
    folder: TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap() };
        for folder in ["usr", "proc", "dev", "etc", "var", "tmp", "carried", "stand-in"] {
            fs::create_dir(machine.path(folder)).unwrap();
        }
        for name in ["bin", "sbin", "lib", "lib64"] {
            if let Ok(target) = fs::read_link(PathBuf::from("/").join(name)) {
                symlink(target, machine.path(name)).unwrap();
            }
        }
        // Debian's awk is a link that leads through /etc.
        symlink(fs::canonicalize(find("mawk")).unwrap(), machine.path("stand-in/awk")).unwrap();
        machine
    }

    fn path(&self, place: &str) -> PathBuf {
        self.folder.path().join(place)
    }

    /// A program that the machine has besides; `real` is run with what it was called with.
    fn stand_in(&self, name: &str, text: &str) {
        write_program(&self.path("stand-in"), name, &format!("#!/bin/sh\n{text}\n"));
    }

    /// Installs `worker-1` on the machine, called so and with these addresses.
    fn install(&self, bundle: &Bundle, name: &str, addresses: &[&str]) -> Ended {
        for file in [&bundle.archive, &bundle.public_key, &script(bundle)] {
            fs::copy(file, self.path("carried").join(file.file_name().unwrap())).unwrap();
        }
        let archive = bundle.archive.file_name().unwrap().to_string_lossy().into_owned();
        let add: String = addresses.iter().map(|address| format!("ip addr add {address} dev lo\n")).collect();
        let root = self.folder.path().display();
        let setup = format!(
            "echo {name} >/proc/sys/kernel/hostname\nip link set lo up\n{add}\
             mount --bind /usr {root}/usr\nmount --rbind /proc {root}/proc\nmount --rbind /dev {root}/dev\n\
             exec chroot {root} /usr/bin/env -i PATH=/stand-in:/usr/bin:/usr/sbin:/bin:/sbin \
             sh -c 'cd /carried && exec sh install.sh {archive} --node worker-1 --key lab.pub'"
        );
        end(Command::new("unshare").args(["--mount", "--uts", "--net", "sh", "-euc", &setup]))
    }
}

#[test]
fn name_and_address_must_be_the_nodes() {
    if lacks(&[Right::Mounts, Right::HostName, Right::Loopback, Right::Chroot]) {
        return;
    }
    let _ = Node::new();
    let machine = Machine::new();
    let text = "error: this host is not worker-1: it is called cp-1, and the node is called worker-1\n\
                hint: --node names the node that this is; if it is that node all the same, --force-node; nothing was changed\n";
    let ended = machine.install(&FIRST, "cp-1", &["192.168.10.7/24"]);
    assert_eq!((ended.stderr.as_str(), ended.code), (text, Some(1)));
    let text = "error: this host is not worker-1: it has the addresses 192.168.10.70, 192.168.10.9, and the node has \
                192.168.10.7\n\
                hint: --node names the node that this is; if it is that node all the same, --force-node; nothing was changed\n";
    let ended = machine.install(&FIRST, "worker-1", &["192.168.10.70/24", "192.168.10.9/24"]);
    assert_eq!((ended.stderr.as_str(), ended.code), (text, Some(1)));
    assert!(!machine.path("etc/kubernetes").exists(), "a refused bundle leaves no trace");
    let ended = machine.install(&FIRST, "worker-1.corp.internal", &["192.168.10.9/24", "192.168.10.7/24"]);
    assert_eq!((ended.stderr.as_str(), ended.code), ("", Some(0)));
    assert!(machine.path("etc/kubernetes/pki/ca.crt").exists());
}

/// Without `ip` the kernel tells the addresses: of either family.
#[test]
fn addresses_are_known_without_ip() {
    if lacks(&[Right::Mounts, Right::HostName, Right::Loopback, Right::Chroot]) {
        return;
    }
    let six = crate::common::build_text(&crate::install_sh::node::generation(1, |profile| {
        let worker = profile["node"].as_array_mut().unwrap().last_mut().unwrap();
        worker["addresses"] = vec!["192.168.10.7", "fd00:0:0:1::7"].into();
        let cluster = profile["cluster"].as_table_mut().unwrap();
        cluster.insert("service_subnets".to_owned(), vec!["10.96.0.0/12", "fd00:10::/112"].into());
        profile["node"][0]["addresses"] = vec!["192.168.10.5", "fd00:0:0:1::5"].into();
    }));
    for (addresses, code) in [
        (&["192.168.10.7/24"][..], 0),
        (&["fd00:0:0:1:0:0:0:7/64"], 0),
        (&["192.168.10.17/24", "fd00:0:0:1::17/64"], 1),
    ] {
        let machine = Machine::new();
        machine.stand_in("ip", "exit 1");
        let ended = machine.install(&six, "worker-1", addresses);
        assert_eq!(ended.code, Some(code), "{addresses:?}: {}", ended.stderr);
    }
}

/// Stand-ins: no real SELinux host was tried, and the manual says so.
#[test]
fn what_was_swapped_is_relabelled_where_selinux_is_on() {
    if lacks(&[Right::Mounts, Right::HostName, Right::Loopback, Right::Chroot]) {
        return;
    }
    let machine = Machine::new();
    machine.stand_in("selinuxenabled", "exit 0");
    machine.stand_in("restorecon", "echo \"$@\" >>/tmp/labels; [ -e \"$2\" ]");
    let address = ["192.168.10.7/24"];
    let ended = machine.install(&FIRST, "worker-1", &address);
    assert_eq!((ended.stderr.as_str(), ended.code), ("", Some(0)));
    let labels = || fs::read_to_string(machine.path("tmp/labels")).unwrap();
    let places = ["/etc/kubernetes/pki", "/var/lib/kubelet/pki", "/etc/kubernetes/kubelet.conf"];
    let expected: String = places.iter().map(|place| format!("-RF {place}\n")).collect();
    assert_eq!(labels(), format!("{expected}-RF /etc/kubernetes/.certferry/installed\n"));
    // Off: nothing. On, but nothing to do it with: told.
    fs::remove_file(machine.path("tmp/labels")).unwrap();
    machine.stand_in("selinuxenabled", "exit 1");
    assert_eq!(machine.install(&SECOND, "worker-1", &address).stderr, "");
    assert!(!machine.path("tmp/labels").exists());
    machine.stand_in("selinuxenabled", "exit 0");
    fs::remove_file(machine.path("stand-in/restorecon")).unwrap();
    let third = &crate::install_sh::node::THIRD;
    let ended = machine.install(third, "worker-1", &address);
    let text = "error: SELinux is on, but there is no restorecon\n\
                hint: label the files by other means before you restart anything\n";
    assert_eq!((ended.stderr.as_str(), ended.code), (text, Some(0)));
}
