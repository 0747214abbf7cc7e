//! What a test needs of a machine beside programs, and not every machine gives: a container may forbid mounts, a chroot
//! has no root that could be shared, a user may not call a file somebody else's.
//!
//! Each is tried, not guessed from who asks, so that the reason of a skipped test is the kernel's own.

use std::fs;
use std::os::unix::fs::chown;
use std::process::Command;
use std::sync::OnceLock;

use super::{is_root, skip, tool};

/// Something that a machine may forbid.
#[derive(Debug, Clone, Copy)]
pub enum Right {
    /// To be root, by number at least.
    Root,
    /// Files of any owner, and programs run as somebody else.
    Owners,
    /// Mounts that nobody else sees.
    Mounts,
    /// Files with lists of rights (ACLs).
    Lists,
    /// Layers of a file system over each other, in such a mount.
    Overlay,
    /// A host name that nobody else sees.
    HostName,
    /// No network but a loopback of one's own.
    Loopback,
    /// Another root for a program.
    Chroot,
    /// Programs without any network (see [`super::network::without_network`]).
    NoNetwork,
    /// Machines on a switch (see [`super::network::Network`]).
    Network,
    /// A machine with a root, processes and addresses of its own.
    Machine,
    /// strace.
    Trace,
}

/// Whether this machine lacks one of them; then it is said, and the test has to end. A failure where `CI` is `true`.
pub fn lacks(rights: &[Right]) -> bool {
    for right in rights {
        if let Some(reason) = right.denied() {
            skip(reason);
            return true;
        }
    }
    false
}

/// What runs a program as somebody who is not root, of whom modes of files do count; nothing where that cannot be, which is said.
pub fn not_as_root() -> Option<Command> {
    if !is_root() {
        return Some(tool("env"));
    }
    if lacks(&[Right::Owners]) {
        return None;
    }
    let mut command = tool("setpriv");
    command.args(NOBODY);
    Some(command)
}

const NOBODY: [&str; 3] = ["--reuid=65534", "--regid=65534", "--clear-groups"];

impl Right {
    /// Why it is not given; tried once.
    fn denied(self) -> Option<&'static str> {
        static TRIED: [OnceLock<Option<String>>; 12] = [const { OnceLock::new() }; 12];
        let denied = || self.attempt().err().map(|reason| format!("{}: {reason}", self.name()));
        TRIED[self as usize].get_or_init(denied).as_deref()
    }

    fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Owners => "other owners and users",
            Self::Mounts => "mounts of its own",
            Self::Lists => "lists of rights",
            Self::Overlay => "overlayfs",
            Self::HostName => "a host name of its own",
            Self::Loopback => "a loopback of its own",
            Self::Chroot => "another root",
            Self::NoNetwork => "a program without network",
            Self::Network => "machines in network namespaces",
            Self::Machine => "a machine in namespaces",
            Self::Trace => "strace",
        }
    }

    fn attempt(self) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        let unshare = |namespaces: &[&str], script: &str| {
            let mut command = tool("unshare");
            works(command.args(namespaces).args(["sh", "-euc", script, "sh"]).arg(folder.path()))
        };
        match self {
            Self::Root if is_root() => Ok(()),
            Self::Root => Err("this user is not root".to_owned()),
            Self::Owners => {
                let file = folder.path().join("file");
                fs::write(&file, "").unwrap();
                chown(&file, Some(7), Some(8)).map_err(|error| format!("chown: {error}"))?;
                works(tool("setpriv").args(NOBODY).arg("true"))
            }
            Self::Mounts => unshare(&["--mount"], "mount -t tmpfs none \"$1\""),
            Self::Lists => {
                let folder = super::node::disk();
                let_user_read(folder.path()).map_err(|error| format!("setxattr: {error}"))
            }
            Self::Overlay => {
                let folder = super::node::disk();
                let script = "cd \"$1\"; mkdir lower upper work merged
                    mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work none merged";
                works(tool("unshare").args(["--mount", "sh", "-euc", script, "sh"]).arg(folder.path()))
            }
            Self::HostName => unshare(&["--uts"], "echo another >/proc/sys/kernel/hostname"),
            Self::Loopback => unshare(&["--net"], "ip link set lo up; ip address add 192.168.10.5/32 dev lo"),
            Self::Chroot => works(tool("chroot").args(["/", "true"])),
            Self::NoNetwork => works(&mut super::network::without_network("true")),
            Self::Network => {
                let namespaces = [mapped(), &["--mount", "--net", "--pid", "--fork", "--kill-child"]].concat();
                let script = "mount -t tmpfs none /run; mount -t tmpfs none /etc; ip netns add one
                    ip link add switch type bridge; ip link add port type veth peer name eth0 netns one
                    ip link set port master switch up; exec ip netns exec one true";
                unshare(&namespaces, script)
            }
            Self::Machine => {
                let namespaces = ["--net", "--mount", "--uts", "--pid", "--fork", "--propagation", "private"];
                let script = "mount -t tmpfs tmpfs \"$1\"; cd \"$1\"; mkdir proc sys usr
                    mount -t proc proc proc; mount --rbind /sys sys; mount --bind -o ro /usr usr
                    ip link set lo up; exec chroot / true";
                unshare(&[mapped(), &namespaces].concat(), script)
            }
            Self::Trace => works(tool("strace").args(["-qq", "-o", "/dev/null", "-e", "trace=getpid", "true"])),
        }
    }
}

/// A list of rights as the kernel has it (posix_acl_xattr.h): of its owner, the user 70, the group, all three at most, others.
pub fn rights_list(owner: u16, user: u16, most: u16) -> Vec<u8> {
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for (tag, rights, id) in
        [(1_u16, owner, u32::MAX), (2, user, 70), (4, 0, u32::MAX), (16, most, u32::MAX), (32, 0, u32::MAX)]
    {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(rights.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

/// Gives the user 70 rights that its mode does not tell.
pub fn let_user_read(path: &std::path::Path) -> rustix::io::Result<()> {
    let is_folder = path.is_dir();
    let (owner, user) = if is_folder { (7, 5) } else { (6, 4) };
    rustix::fs::setxattr(
        path,
        "system.posix_acl_access",
        &rights_list(owner, user, user),
        rustix::fs::XattrFlags::empty(),
    )
}

/// What lets a user who is not root have namespaces.
fn mapped() -> &'static [&'static str] {
    if is_root() { &[] } else { &["--map-root-user"] }
}

/// Whether a command succeeds, or what it says in one line.
fn works(command: &mut Command) -> Result<(), String> {
    let output = super::run(command);
    let said = String::from_utf8_lossy(&output.stderr).trim().lines().collect::<Vec<_>>().join("; ");
    match (output.status.success(), said.as_str()) {
        (true, _) => Ok(()),
        (false, "") => Err(format!("{}: {}", command.get_program().display(), output.status)),
        (false, said) => Err(said.to_owned()),
    }
}
