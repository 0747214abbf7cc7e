//! The end of a command that does not succeed.

mod of_node;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::adopted;
use crate::bundle::{BundleError, SplitError, WriteError};
use crate::cli::document::Document;
use crate::cli::notice;
use crate::cli::text::nearest::did_you_mean;
use crate::host::{self, CommitError, reason};
use crate::kubernetes::{KeyId, PartName};
use crate::lock::Refusal;
use crate::make::{Deviation, MakeError, Objection};
use crate::seal::OpenError;
use crate::sign::SigningFailed;
use crate::x509::escape_for_terminal;

/// A failure in words for a person. `run` prints it once.
#[derive(Clone, Debug, PartialEq, Eq)]
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
            return Self::reading(bundle, error);
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

    /// Returns the failure for a bundle that could not be read, perhaps because what it is sealed in does not open.
    fn reading(bundle: &Path, error: &io::Error) -> Self {
        let carried = error.get_ref();
        if let Some(failure) = carried.and_then(|carried| carried.downcast_ref::<Self>()) {
            return failure.clone();
        }
        match carried.and_then(|carried| carried.downcast_ref::<OpenError>()) {
            Some(error) => Self::envelope(&named(bundle), error),
            None => Self::io("read", bundle, error),
        }
    }

    /// Returns the failure for a sealed file that does not open. `name` is what a person calls it.
    pub(crate) fn opening(name: &str, error: &OpenError) -> Self {
        let failure = match error {
            OpenError::Io(error) => Self::cannot_run(format!("cannot open {name}: {}", reason(error))),
            _ => Self::cannot_run(format!("{name} {error}")),
        };
        match error {
            OpenError::OtherPassphrase => failure.hint("a copy from before `seed reseal` has the passphrase of before"),
            OpenError::OtherRecipients => failure.hint("--identity FILE can be given several times"),
            OpenError::Armor(_) | OpenError::Header(_) | OpenError::Mac | OpenError::Payload(_) => {
                failure.hint("take the other copy")
            }
            OpenError::WorkFactor(_) | OpenError::Memory(_) => failure.hint("was it sealed by somebody else?"),
            _ => failure,
        }
    }

    /// Returns the failure for a bundle, or a part of one, that does not open. One that was changed is refused, as a
    /// bundle is that does not verify.
    pub(crate) fn envelope(name: &str, error: &OpenError) -> Self {
        match error {
            OpenError::NotSealed
            | OpenError::Armor(_)
            | OpenError::Header(_)
            | OpenError::Mac
            | OpenError::Payload(_) => {
                Self::says_no(format!("{name} {error}")).hint("nothing was written; carry the bundle again")
            }
            OpenError::OtherPassphrase => Self::cannot_run(format!("{name} {error}")),
            _ => Self::opening(name, error),
        }
    }

    /// Returns the failure for parts that could not be cut out of a bundle. `output` returns the path of a part's
    /// slice.
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
            MakeError::RotatesToItself(id) => Self::says_no(error.to_string()).hint(format!(
                "name in {} what the cluster has now",
                adopted::table(&id.trusted().unwrap_or(id.clone()))
            )),
            MakeError::NotInPhase => Self::defect(&error.to_string()),
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
                "compare what is new (`certferry plan` lists it, too) with the papers of \
                                                  these nodes; then say --replace-recipients"
                    .to_owned()
            }
            Refusal::RotatesAndChanges { .. } => {
                "a rotation changes who is trusted and nothing else: say in `previous` what the old CA is, as the lock has \
                 it; make every other change at a generation of its own, before the rotation or after it"
                    .to_owned()
            }
            Refusal::LowerGeneration { .. } => "a generation never goes back: nodes would refuse it".to_owned(),
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

/// A failure to open what a bundle is sealed in passes through the bundle's reader as an error of reading.
impl std::error::Error for Failure {}

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)
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

/// Returns the tables of the profile that say what becomes of these keys.
fn tables_of(ids: &[KeyId]) -> Vec<String> {
    ids.iter().map(adopted::table).collect()
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
