//! The end of a command that does not succeed.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::bundle::{BundleError, SplitError, WriteError};
use crate::cli::document::Document;
use crate::cli::notice;
use crate::cli::text::nearest::did_you_mean;
use crate::host::{self, CommitError, reason};
use crate::kubernetes::{KeyId, PartName};
use crate::lock::Refusal;
use crate::make::{Deviation, MakeError, Objection};
use crate::node::restart::RestartError;
use crate::node::{self, AcceptError, ApplyError, NodeError};
use crate::sign::SigningFailed;
use crate::x509::escape_for_terminal;

/// A failure in words for a person. `run` prints it once.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// 1 when the check said no, 2 when the command could not run.
    exit_code: u8,
    /// What happened and where, in one line.
    message: String,
    /// Lines below the message.
    lines: String,
    /// The whole text for a person, when it is more than what the other fields give.
    drawn: Option<Box<str>>,
    /// The next steps.
    hints: Vec<String>,
    /// The results that there are in spite of the failure.
    output: String,
}

impl Failure {
    /// Returns the failure of a command that could not run, because of usage, input or I/O.
    pub(crate) fn cannot_run(message: impl Into<String>) -> Self {
        Self {
            exit_code: 2,
            message: message.into(),
            lines: String::new(),
            drawn: None,
            hints: Vec::new(),
            output: String::new(),
        }
    }

    /// Returns the failure of a command that ran, and whose answer is no.
    pub(crate) fn says_no(message: impl Into<String>) -> Self {
        Self { exit_code: 1, ..Self::cannot_run(message) }
    }

    /// Returns the failure for something to which no input should lead.
    pub(crate) fn defect(what: &str) -> Self {
        Self::cannot_run(format!("a check inside certferry failed: {what}"))
            .hint("nothing was written; this is a defect: report it with the profile, never with the seed")
    }

    /// Returns the failure for a value that could not be written as JSON, although it always can be.
    pub(crate) fn json(error: &serde_json::Error) -> Self {
        Self::defect(&error.to_string())
    }

    /// Gives a person this text in place of message, lines and hints, as it is.
    pub(crate) fn drawn(self, text: String) -> Self {
        Self { drawn: Some(text.into_boxed_str()), ..self }
    }

    /// Returns the failure for a command line that clap refuses, of which `text` tells.
    pub(crate) fn usage(text: &str) -> Self {
        let mut lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
        let failure = Self::cannot_run(lines.next().unwrap_or_default().trim_start_matches("error: "));
        let (hints, details): (Vec<_>, Vec<_>) = lines.partition(|line| line.trim_start().starts_with("tip: "));
        let failure = failure.lines(details.join("\n"));
        hints.iter().fold(failure, |failure, hint| failure.hint(hint.trim_start().trim_start_matches("tip: ")))
    }

    /// Returns the failure for a file that could not be read or written. `doing` is a verb such as `read`.
    pub(crate) fn io(doing: &str, path: &Path, error: &io::Error) -> Self {
        let from = if path == Path::new("-") && doing.contains(' ') { "from " } else { "" };
        Self::cannot_run(format!("cannot {doing} {from}{}: {}", named(path), reason(error)))
    }

    /// Returns the failure for files that could not be placed. What is new all the same is named.
    pub(crate) fn commit(doing: &str, refused: &CommitError) -> Self {
        let failure = Self::io(doing, &refused.path, &refused.error);
        if refused.left.is_empty() {
            return failure;
        }
        let left: Vec<_> = refused.left.iter().map(|path| path.display().to_string()).collect();
        failure.hint(format!("new all the same: {}; everything else is as it was", left.join(", ")))
    }

    /// Returns the failure for a bundle that was refused.
    pub(crate) fn bundle(bundle: &Path, error: &BundleError) -> Self {
        if let BundleError::Read(error) = error {
            return Self::io("read", bundle, error);
        }
        Self::says_no(format!("{} is refused: {error}", named(bundle))).hint(match error {
            BundleError::Signature { .. } => {
                "it was changed on its way, or another key signed it: compare --key with the fingerprint on paper"
            }
            BundleError::NotABundle { .. } | BundleError::GzipHeader => {
                "give the file CLUSTER-gN.tar.gz as `certferry build` wrote it, not unpacked or packed anew"
            }
            _ => "nothing was written; carry the bundle again",
        })
    }

    /// Returns the failure for parts that could not be cut out of a bundle. `output` returns the path of a part's slice.
    pub(crate) fn split(bundle: &Path, error: &SplitError, output: impl Fn(&PartName) -> PathBuf) -> Self {
        match error {
            SplitError::Bundle(error) => Self::bundle(bundle, error),
            SplitError::Record { .. } => Self::says_no(format!("{} is refused: {error}", named(bundle)))
                .hint("nothing was written; carry the bundle again"),
            SplitError::Output { part, error } => Self::io("write", &output(part), error),
        }
    }

    /// Returns the failure for a bundle without a part that is asked for. `parts` are those that it has.
    pub(crate) fn no_part(bundle: &Path, part: &PartName, parts: &BTreeSet<PartName>) -> Self {
        let failure = Self::cannot_run(format!("there is no part {part} in {}", named(bundle)));
        let meant = part.node().and_then(|name| did_you_mean(name, parts.iter().filter_map(PartName::node)));
        let failure = meant.into_iter().fold(failure, Self::hint);
        failure.hint("`certferry verify` tells how many nodes a bundle has, `tar -tzf` which")
    }

    /// Returns the failure for a bundle that could not be written.
    pub(crate) fn write(path: &Path, error: &WriteError) -> Self {
        match error {
            WriteError::Output(error) => Self::io("write", path, error),
            WriteError::PathTooLong { .. } => Self::cannot_run(error.to_string()).hint("choose shorter names"),
            WriteError::Making(reason) => Self::defect(reason),
            WriteError::Record { .. } | WriteError::TooLarge { .. } | WriteError::Signing { .. } => {
                Self::cannot_run(error.to_string())
            }
        }
    }

    /// Returns the failure for a build that made nothing. `archive` is the path of the bundle, or of the folder for it.
    /// `lock` is the path of the lock.
    pub(crate) fn make(error: &MakeError, archive: &Path, lock: &Path) -> Self {
        match error {
            MakeError::UnknownNodes(_) => Self::cannot_run(format!("--only: {error}")),
            MakeError::NoLock | MakeError::MissingFile { .. } => Self::cannot_run(error.to_string()),
            MakeError::NobodySigns
            | MakeError::NoSignerNamed
            | MakeError::OtherSigner { .. }
            | MakeError::OtherBundle { .. }
            | MakeError::Unsigned { .. } => Self::signing(error),
            MakeError::ExternalAuthority { .. } => Self::says_no(error.to_string()),
            MakeError::Objection(objection) => Self::objection(objection, lock),
            MakeError::Write(error) => Self::write(archive, error),
            MakeError::ReadBack(error) => Self::io("read", archive, error),
            MakeError::Defect(defect) => Self::defect(&defect.to_string()),
        }
    }

    /// Returns the failure for a build that nobody signs, or somebody else.
    fn signing(error: &MakeError) -> Self {
        let again =
            "sign what this build asks for: `certferry build --unsigned FILE` writes it anew, and the same each time";
        match error {
            MakeError::NobodySigns => Self::cannot_run(error.to_string())
                .hint("--signer FILE names the private key, which may be sealed")
                .hint("--unsigned FILE writes what somebody else signs, and --signatures FILE takes what comes back"),
            MakeError::NoSignerNamed => Self::cannot_run(error.to_string())
                .hint("name the public key: `signer = \"signer.pub\"` in [bundle] of the profile"),
            MakeError::OtherSigner { .. } => Self::says_no(error.to_string())
                .hint("give the private key that belongs to the file in `signer`; nothing was written"),
            MakeError::OtherBundle { .. } => Self::says_no(error.to_string()).hint(again),
            MakeError::Unsigned { reason, .. } => Self::says_no(error.to_string()).hint(match reason {
                SigningFailed::NotDer(0) => "the file is empty: carry the signatures again",
                SigningFailed::NotDer(64) => {
                    "64 bytes are r and s without DER: pkcs11-tool writes DER with --signature-format openssl"
                }
                SigningFailed::NotDer(_) => "carry the signatures again; `openssl dgst -sha256 -sign` writes the form",
                SigningFailed::DoesNotHold => {
                    "another key signed it, or the signature was changed on its way; the key is the one of `signer`"
                }
                _ => again,
            }),
            other => Self::defect(&other.to_string()),
        }
    }

    /// Returns the failure for a build that the lock of the build before forbids.
    pub(crate) fn objection(objection: &Objection, lock: &Path) -> Self {
        let lock = lock.display();
        match objection {
            Objection::NewerFormats => {
                Self::cannot_run(format!("{lock} was made with newer formats than this version knows"))
                    .hint("build with the version that it names in `made_with`, or a later one")
            }
            Objection::Refused(refusal) => Self::refusal(refusal),
            Objection::Shared(_) => Self::says_no(objection.to_string())
                .hint("`certferry plan` tells why; build the whole bundle, or set the profile back"),
            Objection::Differs(deviation) => {
                Self::says_no(format!("the build differs from {lock}: {deviation}")).hint(match deviation {
                    Deviation::Seed { .. } => "a rebuild needs the seed of the first build; nothing was written",
                    _ => "nothing was written; build without --locked to accept the change",
                })
            }
        }
    }

    /// Returns the failure for a build that needs a permission that was not given, or that is never given.
    pub(crate) fn refusal(refusal: &Refusal) -> Self {
        Self::says_no(refusal.to_string()).hint(match refusal {
            Refusal::OtherCluster { .. } => "each cluster has a lock of its own; name it with --lock FILE".to_owned(),
            Refusal::OtherSeed { .. } => {
                "give the seed of the first build; --replace-seed gives the cluster another key everywhere".to_owned()
            }
            Refusal::OtherSigner { .. } => {
                "every node knows the signer by its fingerprint: put `signer` of [bundle] back, or \
                                            say --replace-signer and carry the new fingerprint to every node"
                    .to_owned()
            }
            Refusal::ChangedAuthorities { ids } => {
                let tables = tables_of(ids);
                format!(
                    "every node trusts the old one. Set what changed back in {} (for a newer Kubernetes: `kubernetes` \
                     to the old version), raise `generation` there, or say --replace-ca",
                    tables.join(", ")
                )
            }
            Refusal::ChangedAdopted { ids } => format!(
                "put the files back of which the lock has the SHA-256 in [[adopted]]; to take others on purpose, raise \
                 `generation` in {}, or say --replace-ca",
                tables_of(ids).join(", ")
            ),
            Refusal::SameGeneration { .. } => "raise `generation` in [cluster]; while nothing was carried to a node \
                                               yet, --same-generation will do"
                .to_owned(),
            Refusal::ChangedRecipients { .. } => {
                "compare the new fingerprints, which `certferry plan` lists, with the \
                                                  papers of these nodes; then say --replace-recipients"
                    .to_owned()
            }
            Refusal::LowerGeneration { .. } => "a generation never goes back: nodes would refuse it".to_owned(),
        })
    }

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

    /// Adds lines below the message. What they repeat of files and names is escaped already.
    pub(crate) fn lines(mut self, lines: impl Into<String>) -> Self {
        self.lines = lines.into();
        self
    }

    /// Takes the lines of the message behind its first one for lines below it.
    fn split_lines(mut self) -> Self {
        if let Some((message, lines)) = self.message.split_once('\n') {
            (self.message, self.lines) = (message.to_owned(), lines.to_owned());
        }
        self
    }

    /// Adds a hint at the next step.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds results for the standard output.
    pub(crate) fn output(mut self, output: String) -> Self {
        self.output = output;
        self
    }

    /// Takes the results for the standard output.
    pub(crate) fn take_output(&mut self) -> String {
        std::mem::take(&mut self.output)
    }

    /// Returns the next steps.
    pub(crate) fn hints(&self) -> &[String] {
        &self.hints
    }

    pub(crate) const fn exit_code(&self) -> u8 {
        self.exit_code
    }

    /// Returns the text: `error: ...`, the lines below it, and a line for each hint.
    ///
    /// Message and hints repeat names of files and arguments. A line end in one of these is escaped, so that it cannot
    /// write a line of its own.
    pub(crate) fn text(&self) -> String {
        if let Some(drawn) = &self.drawn {
            return drawn.to_string();
        }
        let mut text = format!("error: {}\n", escape_for_terminal(&self.message));
        for line in self.lines.lines() {
            text.extend([line, "\n"]);
        }
        for hint in &self.hints {
            text.extend(["hint: ", &escape_for_terminal(hint), "\n"]);
        }
        text
    }
}

/// An error for programs.
#[derive(Serialize)]
struct ErrorJson<'a> {
    exit_code: u8,
    error: &'a str,
    details: Vec<&'a str>,
    hints: &'a [String],
}

impl Failure {
    /// Returns the JSON document of the error, with the warnings that no other document has.
    pub(crate) fn json_text(&self) -> String {
        let Self { exit_code, message, lines, hints, .. } = self;
        let error = ErrorJson { exit_code: *exit_code, error: message, details: lines.lines().collect(), hints };
        Document::new("error", &error).text().unwrap_or_else(|_| self.text())
    }

    /// Tells a person or a program.
    pub(crate) fn tell(&self) {
        host::write_stderr(&if notice::is_for_programs() { self.json_text() } else { self.text() });
    }
}

/// Returns the name of a file that is read, for a person.
pub(crate) fn named(path: &Path) -> String {
    if path == Path::new("-") { "the standard input".to_owned() } else { path.display().to_string() }
}

/// Turns an error that has no conversion of its own into a failure.
pub(crate) trait OrFailure<T>: Sized {
    /// Returns the value, or the failure that says that `doing` was not possible with the file at `path`.
    fn or_cannot(self, doing: &str, path: impl AsRef<Path>) -> Result<T, Failure>;
}

impl<T> OrFailure<T> for io::Result<T> {
    fn or_cannot(self, doing: &str, path: impl AsRef<Path>) -> Result<T, Failure> {
        self.map_err(|error| Failure::io(doing, path.as_ref(), &error))
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

/// Returns the tables of the profile that say what becomes of these keys.
fn tables_of(ids: &[KeyId]) -> Vec<String> {
    let table = |id: &KeyId| match id {
        KeyId::ServiceAccount => "[service_account]".to_owned(),
        other => format!("[{}]", other.to_string().replace('/', ".")),
    };
    ids.iter().map(table).collect()
}

/// Returns the failure of a write to the standard output.
pub(crate) fn printed(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        // A reader that closes the pipe early is not a failure.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::io("write", Path::new("the standard output"), &error))
        }
        _ => Ok(()),
    }
}
