//! The definition of the command line. The documentation comments of arguments and commands are the text of `--help`.

mod build;
mod ceremony;
mod diff;
mod doctor;
mod format;
mod init;
mod node;
mod open;
mod seal;
mod seed;
mod sign;
mod survey;

use std::path::{Path, PathBuf};

use clap::builder::NonEmptyStringValueParser;
use clap::{Parser, Subcommand};
use clap_complete::{ArgValueCandidates, Shell};

use crate::cli::fleet_args::{AnsibleArguments, InventoryArguments, InventoryFormat, UserDataArguments};
use crate::cli::input::node_names;
use crate::cli::text::version;
use crate::report::Period;
pub(crate) use build::{BuildArguments, PlanArguments};
pub(crate) use ceremony::CeremonyArguments;
pub(crate) use diff::DiffArguments;
pub(crate) use doctor::DoctorArguments;
pub(crate) use format::{Background, FormatArguments, OutputFormat};
pub(crate) use init::InitArguments;
pub(crate) use node::{ApplyArguments, ChangeArguments, RollbackArguments, StatusArguments};
pub(crate) use open::OpenPartArguments;
pub(crate) use seal::{RecipientArguments, SealArguments, SealingArguments};
pub(crate) use seed::{
    ClearArguments, CombineArguments, ExpectedArguments, FromWordsArguments, IdentityCommand, KeepArguments,
    OpenArguments, PageArguments, SeedCommand, SplitSeedArguments, WordsArguments,
};
pub(crate) use sign::SignArguments;
pub(crate) use survey::SurveyArguments;

/// Make the whole PKI of a Kubernetes cluster on one machine and ferry it across an air gap.
#[derive(Parser)]
#[command(name = "certferry", version, long_version = version::long(), disable_help_subcommand = true, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 done; 1 the check said no; 2 could not run.\n\
    Colors: --color auto, always or never; NO_COLOR turns them off.\nMore: certferry help TOPIC")]
pub(crate) struct Arguments {
    /// When errors and help have colors. It is read before everything else, by `usage`.
    #[arg(long, global = true, hide = true, value_name = "WHEN", default_value = "auto")]
    color: clap::ColorChoice,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Write a commented starter profile, or that of a cluster that runs already
    Init(InitArguments),
    /// Make the root seed, seal it, check a copy, print its one-way id, put it on paper, split it into shares
    #[command(subcommand)]
    Seed(SeedCommand),
    /// Show what a build would make, and what changes since the lock; needs no seed and writes nothing
    Plan(PlanArguments),
    /// Make the signed bundle of a profile
    Build(BuildArguments),
    /// Sign what `build --unsigned` asks for, on the machine of whoever has the signer's key
    Sign(SignArguments),
    /// Write the request for the certificate of a CA that somebody else signs
    Csr(CsrArguments),
    /// Check a bundle: signatures, records, hashes, chains, key pairs
    Verify(VerifyArguments),
    /// Take one part out of a sealed bundle, or open a sealed slice
    Open(OpenPartArguments),
    /// List certificates and when they end: of a bundle, an unpacked tree, this node, single files
    Inspect(InspectArguments),
    /// Find what is wrong with a node's files, and say in words why it hurts and how to mend it
    Doctor(DoctorArguments),
    /// Print the public facts of a node, and none of its secrets, to make a profile of a cluster that already runs
    Survey(SurveyArguments),
    /// Write the files of one part of a verified bundle into a new folder
    Unpack(UnpackArguments),
    /// Bring this node to the generation of a verified bundle, in one step that a crash cannot halve
    Apply(ApplyArguments),
    /// Bring back the generation that was on this node before
    Rollback(RollbackArguments),
    /// Say which generation is on this node, what has changed since, and what a rollback brings back
    Status(StatusArguments),
    /// Say what differs between two bundles, or a bundle and what is on a node: what came, went, changed, and why
    Diff(DiffArguments),
    /// Cut parts out of a bundle, to carry each to its node alone; needs no key
    Split(SplitArguments),
    /// Seal each part of a bundle to its node, so that nothing secret lies on the medium in the clear
    Seal(SealArguments),
    /// List the nodes of a profile in the order in which they change, for Ansible and other programs
    Inventory(InventoryArguments),
    /// Write the collection for Ansible that brings parts to their nodes, installs them in waves and goes back
    Ansible(AnsibleArguments),
    /// Write a node's part of a verified bundle as user data for the first boot of a machine
    UserData(UserDataArguments),
    /// Print the JSON Schema of a document that -o json prints
    Schema(SchemaArguments),
    /// Print the fingerprint of a signer's public key: to copy, in groups, in words, for a camera
    Fingerprint(FingerprintArguments),
    /// Make the identity to whose recipient others seal
    #[command(subcommand)]
    Identity(IdentityCommand),
    /// Print the check list of a key ceremony for two people, filled in with what is known
    Ceremony(CeremonyArguments),
    /// Print a chapter of the manual, or the help of a command
    Help(HelpArguments),
    /// Print the script that lets a shell complete commands and options
    Completions(CompletionsArguments),
    /// Print the man page
    Man(ManArguments),
}

impl Command {
    /// Returns whether the result is JSON, for programs.
    pub(crate) fn is_for_programs(&self) -> bool {
        let output = match self {
            Self::Inspect(arguments) => return arguments.output == InspectFormat::Json,
            Self::Inventory(arguments) => return arguments.output == InventoryFormat::Json,
            Self::Plan(arguments) => arguments.output,
            Self::Doctor(arguments) => arguments.output,
            Self::Status(arguments) => arguments.output,
            Self::Seed(
                SeedCommand::New { format, .. }
                | SeedCommand::Id { format, .. }
                | SeedCommand::Check { format, .. }
                | SeedCommand::Reseal { format, .. },
            )
            | Self::Identity(IdentityCommand::New { format, .. }) => format.output,
            Self::Seed(SeedCommand::FromWords(arguments)) => arguments.format.output,
            Self::Seed(SeedCommand::Split(arguments)) => arguments.format.output,
            Self::Seed(SeedCommand::Combine(arguments)) => arguments.format.output,
            Self::Fingerprint(arguments) => arguments.output,
            Self::Build(arguments) => arguments.format.output,
            Self::Sign(arguments) => arguments.format.output,
            Self::Split(arguments) => arguments.format.output,
            Self::Open(arguments) => arguments.format.output,
            Self::Seal(arguments) => arguments.format.output,
            Self::Verify(arguments) => arguments.format.output,
            Self::Unpack(arguments) => arguments.format.output,
            Self::Apply(arguments) => arguments.change.format.output,
            Self::Rollback(arguments) => arguments.change.format.output,
            Self::Diff(arguments) => arguments.format.output,
            // Each by its name, so that a new command that prints documents is not forgotten here.
            Self::Init(_)
            | Self::Survey(_)
            | Self::Seed(SeedCommand::Words(_))
            | Self::Csr(_)
            | Self::Ansible(_)
            | Self::UserData(_)
            | Self::Ceremony(_)
            | Self::Schema(_)
            | Self::Help(_)
            | Self::Completions(_)
            | Self::Man(_) => return false,
        };
        output == OutputFormat::Json
    }

    /// Returns whether the command has changed files when it succeeds and prints a result.
    ///
    /// Every command that can has `--dry-run`.
    pub(crate) fn writes_files(&self) -> bool {
        let (is_asked_for, dry_run) = match self {
            Self::Init(arguments) => (arguments.out.is_some() || arguments.written_file().is_some(), arguments.dry_run),
            Self::Seed(SeedCommand::New { dry_run, .. } | SeedCommand::Reseal { dry_run, .. }) => (true, *dry_run),
            Self::Seed(SeedCommand::Words(arguments)) => (arguments.out.is_some(), arguments.dry_run),
            Self::Seed(SeedCommand::FromWords(arguments)) => (true, arguments.dry_run),
            Self::Seed(SeedCommand::Split(arguments)) => {
                (arguments.out.is_some() || arguments.record.is_some(), arguments.dry_run)
            }
            Self::Seed(SeedCommand::Combine(arguments)) => (true, arguments.dry_run),
            Self::Build(arguments) => (true, arguments.dry_run),
            Self::Unpack(arguments) => (true, arguments.dry_run),
            Self::Apply(arguments) => (true, arguments.change.dry_run),
            Self::Rollback(arguments) => (true, arguments.change.dry_run),
            Self::Status(arguments) => (!arguments.accept.is_empty(), arguments.dry_run),
            Self::Split(arguments) => (!arguments.is_printed(), arguments.dry_run),
            Self::Open(arguments) => (!arguments.is_printed(), arguments.dry_run),
            Self::Seal(arguments) => (true, arguments.dry_run),
            Self::Ansible(arguments) => (true, arguments.dry_run),
            Self::UserData(arguments) => (!arguments.is_printed(), arguments.dry_run),
            Self::Sign(arguments) => (true, arguments.dry_run),
            Self::Csr(arguments) => (arguments.file().is_some(), arguments.dry_run),
            Self::Identity(IdentityCommand::New { dry_run, .. }) => (true, *dry_run),
            Self::Man(arguments) => (arguments.out.is_some(), arguments.dry_run),
            // Each by its name, as above.
            Self::Seed(SeedCommand::Id { .. } | SeedCommand::Check { .. })
            | Self::Plan(_)
            | Self::Verify(_)
            | Self::Inspect(_)
            | Self::Doctor(_)
            | Self::Survey(_)
            | Self::Diff(_)
            | Self::Inventory(_)
            | Self::Schema(_)
            | Self::Fingerprint(_)
            | Self::Ceremony(_)
            | Self::Help(_)
            | Self::Completions(_) => return false,
        };
        is_asked_for && !dry_run
    }
}

#[derive(clap::Args)]
pub(crate) struct CsrArguments {
    /// The profile
    pub(crate) profile: PathBuf,
    /// The CA: the last part of its table's name
    #[arg(long, value_name = "NAME", value_parser = ["kubernetes", "etcd", "front-proxy", "metallb", "webhook", "tls", "cert-manager"])]
    pub(crate) ca: String,
    /// The root seed's file, or - for the standard input; not for a CA whose `key` the profile names
    #[arg(long, value_name = "FILE")]
    pub(crate) seed: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) open: OpenArguments,
    /// The file to write, which must not exist, or - for the standard output [default: -]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Take a seed that others can write or guess
    #[arg(long)]
    pub(crate) allow_weak_seed: bool,
    /// Say what would be written; write nothing
    #[arg(long, requires = "out")]
    pub(crate) dry_run: bool,
}

impl CsrArguments {
    /// Returns the file to write, if the request is not to be printed.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.out.as_deref().filter(|file| *file != Path::new("-"))
    }
}

#[derive(clap::Args)]
pub(crate) struct TrustArguments {
    /// The bundle, a slice of it, or either of them sealed
    pub(crate) bundle: PathBuf,
    /// The signer's public key, by another road than the bundle: its file, or its fingerprint `sha256:...`
    /// (then the .pub beside the bundle must match it)
    #[arg(long, value_name = "FILE|FINGERPRINT")]
    pub(crate) key: String,
    /// Check validity at this time instead of now: 2026-11-22 or 2026-11-22T08:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
}

#[derive(clap::Args)]
pub(crate) struct VerifyArguments {
    #[command(flatten)]
    pub(crate) trust: TrustArguments,
    #[command(flatten)]
    pub(crate) open: OpenArguments,
    #[command(flatten)]
    pub(crate) format: FormatArguments,
    /// Print nothing but problems
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// How certificates are listed.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum InspectFormat {
    /// kubeadm's tables, and what kubeadm leaves out
    Text,
    /// For programs
    Json,
    /// For the textfile collector of node_exporter
    Prometheus,
}

#[derive(clap::Args)]
pub(crate) struct InspectArguments {
    /// Bundles, slices, folders that hold etc/kubernetes or var/lib/kubelet, such folders themselves, certificates in
    /// PEM or DER, kubeconfigs; - is the standard input
    #[arg(value_name = "PATH", default_value = "/")]
    pub(crate) paths: Vec<PathBuf>,
    /// List only what ends within this time or has ended: 90d, 36h, 2y; exit code 1 if there is any
    #[arg(long, value_name = "PERIOD")]
    pub(crate) expiring_within: Option<Period>,
    /// Say instead which rules are broken (`certferry help lints`); exit code 1 if one is that stops something
    #[arg(long, conflicts_with_all = ["expiring_within", "verbose"])]
    pub(crate) lint: bool,
    /// Look at this time instead of now: 2026-11-22 or 2026-11-22T08:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// Show subject, issuer, alternative names, usages, key, serial and fingerprint, too
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// The form of the output
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: InspectFormat,
    /// For a bundle: the signer's public key, by another road than the bundle: its file, or its fingerprint
    /// `sha256:...` (then the .pub beside the bundle must match it)
    #[arg(long, value_name = "FILE|FINGERPRINT")]
    pub(crate) key: Option<String>,
    #[command(flatten)]
    pub(crate) open: OpenArguments,
}

#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("part").required(true).args(["node", "with_cluster"])))]
pub(crate) struct UnpackArguments {
    #[command(flatten)]
    pub(crate) trust: TrustArguments,
    #[command(flatten)]
    pub(crate) open: OpenArguments,
    /// The node whose files to write
    #[arg(long, value_name = "NAME", add = ArgValueCandidates::new(node_names::candidates))]
    pub(crate) node: Option<String>,
    /// Write the part of whoever runs the cluster: profile, users, etcd clients
    #[arg(long)]
    pub(crate) with_cluster: bool,
    /// The folder to make: it must not exist, or be empty
    #[arg(long, value_name = "DIR")]
    pub(crate) root: PathBuf,
    /// Say what would be written; write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) format: FormatArguments,
    /// Print nothing but problems
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("part").required(true).multiple(true).args(["node", "with_cluster", "all"])))]
pub(crate) struct SplitArguments {
    /// The bundle; of a sealed one the slices stay sealed
    pub(crate) bundle: PathBuf,
    /// The node whose part to cut out; may be repeated
    #[arg(long, value_name = "NAME", add = ArgValueCandidates::new(node_names::candidates))]
    pub(crate) node: Vec<String>,
    /// Cut out the part of whoever runs the cluster: profile, users, etcd clients
    #[arg(long)]
    pub(crate) with_cluster: bool,
    /// Cut out every part
    #[arg(long, conflicts_with_all = ["node", "with_cluster"])]
    pub(crate) all: bool,
    /// The file to write, which must not exist; for more than one part a folder, which gets a folder for each:
    /// nodes/NAME and cluster
    #[arg(long, value_name = "PATH")]
    pub(crate) out: PathBuf,
    /// Say what would be written; write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) format: FormatArguments,
}

impl SplitArguments {
    /// Returns whether the slice goes to the standard output.
    pub(crate) fn is_printed(&self) -> bool {
        self.out.as_os_str() == "-"
    }
}

#[derive(clap::Args)]
pub(crate) struct SchemaArguments {
    /// The document: its command, with `-` for blanks, or `error` [default: list the documents]
    pub(crate) document: Option<String>,
}

#[derive(clap::Args)]
pub(crate) struct FingerprintArguments {
    /// The public key, CLUSTER.pub; or a bundle, and then the key that lies beside it; - is the standard input
    pub(crate) file: PathBuf,
    /// Print a QR code, too, for a terminal with this background
    #[arg(long, value_name = "BACKGROUND", num_args = 0..=1, require_equals = true, default_missing_value = "dark")]
    pub(crate) qr: Option<Background>,
    /// The form of the output
    #[arg(short, long, value_name = "FORMAT", default_value = "text", conflicts_with = "qr")]
    pub(crate) output: OutputFormat,
}

#[derive(clap::Args)]
pub(crate) struct HelpArguments {
    /// A chapter, and the number or words of the title of a section of it; or a command as typed after `certferry`
    /// [default: list the chapters]
    pub(crate) topic: Vec<String>,
    /// Find a text in all chapters, or in one: what says it, with chapter and section; exit code 1 if nothing does
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) search: Option<String>,
    /// The language; where a chapter is not there in Korean it is English [default: that of the locale]
    #[arg(long, value_name = "LANGUAGE")]
    pub(crate) lang: Option<Language>,
    /// Print the chapter as it is written, and not for a terminal
    #[arg(long, conflicts_with = "search")]
    pub(crate) markdown: bool,
}

/// A language of the manual.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Language {
    /// English
    En,
    /// Korean
    Ko,
}

#[derive(clap::Args)]
#[command(after_help = "For this shell only: source <(certferry completions bash)\n\
    For all users, as root: certferry completions bash > /etc/bash_completion.d/certferry\n\
    The script calls certferry, which must be in PATH, and so knows the nodes of a profile or bundle. Files in\n\
    /etc/bash_completion.d need the package bash-completion; the last lines of each script say what its shell needs.")]
pub(crate) struct CompletionsArguments {
    /// The shell
    pub(crate) shell: Shell,
}

#[derive(clap::Args)]
#[command(after_help = "To read it at once: certferry man | man -l -\n\
    For all users, as root: certferry man --out /usr/local/share/man")]
pub(crate) struct ManArguments {
    /// Write a page for each command into man1 in this folder, and one for each chapter of the manual into man7, in
    /// place of any that are there
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Say what would be written; write nothing
    #[arg(long, requires = "out")]
    pub(crate) dry_run: bool,
}
