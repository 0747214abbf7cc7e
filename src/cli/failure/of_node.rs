//! What to do when a node's files cannot be changed, or its programs do not come back.

use std::io;

use super::Failure;
use crate::host;
use crate::node::restart::RestartError;
use crate::node::{self, AcceptError, ApplyError, NodeError};

impl Failure {
    /// Returns the failure for a node's files that could not be changed. They are as they were, unless the text says
    /// otherwise.
    pub(crate) fn of_node(error: &NodeError) -> Self {
        let failure = match error {
            NodeError::NoPrevious | NodeError::Backup { .. } => Self::says_no(error.to_string()),
            _ => Self::cannot_run(error.to_string()),
        };
        failure.hint(match error {
            NodeError::Stuck { .. } => {
                "each file is whole, old or new; mend the cause, then run `certferry apply` or `certferry rollback` \
                 again: it first brings this one to its end"
            }
            NodeError::Untidy { .. } => "mend the cause, then run the same command again",
            NodeError::Io { error, .. } if error.kind() == io::ErrorKind::PermissionDenied && !host::is_root() => {
                "run this as root; the node's files are as they were"
            }
            NodeError::Io { .. } => "the node's files are as they were",
            NodeError::Attribute(_) => {
                "if nobody needs the attribute there, `setfattr -x NAME FILE` takes it away; then run this again; the \
                 node's files are as they were"
            }
            NodeError::Locked => "wait for it to end; the node's files are as they were",
            NodeError::BrokenState { file: "journal" } | NodeError::Lost { .. } => {
                "nothing further was changed, and nothing is lost: copy every folder .certferry (of /etc/kubernetes, of \
                 /var/lib/kubelet) elsewhere, because `next` in it holds what the run has replaced; then remove \
                 /etc/kubernetes/.certferry/journal and apply a bundle, which makes every file whole"
            }
            NodeError::BrokenState { .. } => {
                "nothing was changed; look at etc/kubernetes/.certferry, which nobody but certferry should write"
            }
            NodeError::OtherFormat { .. } => {
                "take the certferry that installed it, or a newer one; nothing was changed"
            }
            NodeError::InTheWay { .. } => {
                "move that elsewhere with `mv`, then run this again: it completes the run; nothing further was changed"
            }
            NodeError::WrittenSince { .. } => {
                "look at it, and move it elsewhere if it is of use; then run the same command again"
            }
            NodeError::Backup { .. } => {
                "look at it, and move it elsewhere if it is of use; --drop-backup drops it; the node's files are as they \
                 were"
            }
            NodeError::Special { .. } => "move it elsewhere; the node's files are as they were",
            NodeError::Link { .. } => {
                "what it leads to may be somebody else's, such as a running etcd's; if the bundle's files belong here, \
                 remove the link (what it leads to stays) and run this again; the node's files are as they were"
            }
            NodeError::DanglingLink { .. } => {
                "make the folder it leads to, mount its disk, or remove the link; the node's files are as they were"
            }
            NodeError::NotAFolder { .. } => "move it elsewhere; the node's files are as they were",
            NodeError::WhiteSpace { .. } | NodeError::NotUtf8 { .. } => "rename it; the node's files are as they were",
            NodeError::StateOfOthers { .. } => {
                "find out who made it and look at what is in it; if all is as it should be, `chown -R root:root` and \
                 `chmod 700` it, otherwise move it away; the node's files are as they were"
            }
            NodeError::NoPrevious => "`certferry status` says what is installed",
        })
    }
}

impl From<NodeError> for Failure {
    fn from(error: NodeError) -> Self {
        Self::of_node(&error)
    }
}

impl From<ApplyError> for Failure {
    fn from(error: ApplyError) -> Self {
        let text = error.to_string();
        let (failure, hint) = match error {
            ApplyError::Node(error) => return error.into(),
            ApplyError::Restart(error) => return error.into(),
            ApplyError::NotANode => return Self::defect(&text),
            ApplyError::NoAddresses(_) => return Self::cannot_run(text),
            ApplyError::IdentityMismatch { .. } => (
                Self::says_no(text),
                "--node names the node that this is; if it is that node all the same, --force-node; nothing was changed",
            ),
            ApplyError::OtherFolder { ref found, ref brought } => {
                let hint = format!(
                    "set certificates_dir = \"{found}\" in [cluster] of the profile, and build again; where the folder is to \
                     change, make {brought} first; nothing was changed"
                );
                return Self::says_no(text).hint(hint);
            }
            ApplyError::Untrusted { ref between, .. } => {
                let hint = match between {
                    Some(between) => format!(
                        "apply {between} first, on every node; on a node that was off while all others went on, --catch-up; \
                         nothing was changed"
                    ),
                    None => {
                        "finish the rotation that has begun, or roll it back, one phase at a time; on a node that was \
                             off while all others went on, --catch-up; nothing was changed"
                            .to_owned()
                    }
                };
                return Self::says_no(text).hint(hint);
            }
            ApplyError::TrustAlone => (
                Self::says_no(text),
                "on each node put its trust files into /etc/kubernetes/pki by hand, and ca.crt into the kubeconfigs \
                 (`certferry help rotation`, \"The key of the CA is lost\"); nothing was changed",
            ),
            ApplyError::NoSigningFlag { .. } => (
                Self::says_no(text),
                "it must name ca-signing.crt while ca.crt holds two certificates, or kube-controller-manager ends: write the \
                 flag where it is started, naming ca.crt, and apply again; nothing was changed",
            ),
            ApplyError::UneditedFlag { .. } => (
                Self::says_no(text),
                "certferry edits a static pod's manifest alone: without --restart it changes the files, and you edit the flag \
                 before kube-controller-manager starts; nothing was changed",
            ),
            ApplyError::Refused { refusal, .. } => (
                Self::says_no(text),
                match refusal {
                    node::InstallRefusal::OtherCluster => {
                        "if it shall change its cluster, --force-node; nothing was changed"
                    }
                    node::InstallRefusal::OtherNode => "if it shall change its name, --force-node; nothing was changed",
                    node::InstallRefusal::Older => {
                        "`certferry rollback` brings back what was before; to install an older bundle, \
                         --allow-downgrade; nothing was changed"
                    }
                    node::InstallRefusal::EarlierPhase => {
                        "`certferry rollback` goes back one phase; to install an earlier one all the same, \
                         --allow-downgrade; nothing was changed"
                    }
                    node::InstallRefusal::OtherRecord => {
                        "two bundles of one generation must not differ: raise the generation and build again; to \
                         install this one all the same, --allow-downgrade; nothing was changed"
                    }
                },
            ),
        };
        failure.hint(hint)
    }
}

impl From<AcceptError> for Failure {
    fn from(error: AcceptError) -> Self {
        const MAY: &str = "only admin.conf, super-admin.conf and a CA's key that no flag names may be taken away";
        let text = error.to_string();
        let (failure, hint) = match error {
            AcceptError::Node(error) => return error.into(),
            AcceptError::NothingInstalled => {
                (Self::cannot_run(text), "--root is the folder that holds etc/kubernetes/.certferry")
            }
            AcceptError::Interrupted => (
                Self::cannot_run(text),
                "`certferry apply` or `certferry rollback` brings it to its end; nothing was changed",
            ),
            AcceptError::NotInstalled { .. } => {
                (Self::cannot_run(text), "name it as `certferry status` does; nothing was changed")
            }
            AcceptError::NotMissing { .. } => {
                (Self::says_no(text), "there is nothing to accept while it is there; nothing was changed")
            }
            AcceptError::Needed { .. } => (Self::says_no(text), MAY),
        };
        failure.hint(hint)
    }
}

impl From<RestartError> for Failure {
    fn from(error: RestartError) -> Self {
        const LOOK: &str = "`crictl ps -a` and `crictl logs ID` say why, or `journalctl -u kubelet`";
        let text = error.to_string();
        let (failure, hint) = match error {
            RestartError::Node(error) => return error.into(),
            RestartError::OtherRoot => {
                (Self::cannot_run(text), "leave one of the two out: on a disk that is mounted nothing runs".to_owned())
            }
            RestartError::NoSystemctl => (
                Self::cannot_run(text),
                "without --restart the same command changes the files, and says what to restart, in order".to_owned(),
            ),
            RestartError::Unmanaged(_) => (
                Self::cannot_run(text),
                "without --restart the same command changes the files, and you restart it as you started it; nothing \
                 was changed"
                    .to_owned(),
            ),
            RestartError::Running { .. } => {
                (Self::says_no(text), format!("no file was changed, and the manifests are back; {LOOK}"))
            }
            RestartError::Unwell(_) => (
                Self::says_no(text),
                format!(
                    "it was not well before either: the new files stay, and the rest was started; {LOOK}; \
                     `certferry rollback --restart` brings the files before back"
                ),
            ),
            RestartError::Back { still: None, .. } => (
                Self::says_no(text).split_lines(),
                format!("{LOOK}; `certferry rollback` would now bring the files that failed"),
            ),
            RestartError::Back { still: Some(_), .. } => (Self::says_no(text).split_lines(), LOOK.to_owned()),
            RestartError::Stuck { .. } => {
                (Self::cannot_run(text).split_lines(), "mend the cause, then `certferry rollback --restart`".to_owned())
            }
        };
        failure.hint(hint)
    }
}
