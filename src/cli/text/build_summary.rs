//! The words at the end of `build`: what it made, where, until when, and how to check it.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use time::OffsetDateTime;

use crate::bundle::SigningRequest;
use crate::cli::text::changes::Detail;
use crate::cli::text::{bindings, comparison, fingerprint, gitignore, shell};
use crate::kubernetes::KeyId;
use crate::make::{Comparison, Made};
use crate::plan::{Plan, PlannedCertificate, Recipient};
use crate::profile::{Cluster, Profile};
use crate::sign::Fingerprint;
use crate::x509::instant;

/// The paths to which a build writes.
pub(crate) struct Places {
    /// The path of the bundle. `None` before a partial one is made, because its name tells what is in it.
    pub(crate) archive: Option<PathBuf>,
    /// The path of the bundle's signature.
    pub(crate) signature: Option<PathBuf>,
    /// The paths of the bundles of the earlier phases of a rotation, and of their signatures.
    pub(crate) phases: Vec<(PathBuf, PathBuf)>,
    /// The path of the signer's public key.
    pub(crate) public_key: PathBuf,
    /// The path of `install.sh`.
    pub(crate) script: PathBuf,
    /// The path of the signature of `install.sh`.
    pub(crate) script_signature: PathBuf,
    /// The path of the folder with slices, if they are wanted.
    pub(crate) slices: Option<PathBuf>,
    /// Whether a new seed is sealed.
    pub(crate) seals_seed: bool,
    /// The path of `.gitignore` beside a new seed, if it is new, too.
    pub(crate) gitignore: Option<PathBuf>,
    /// The path of the lock.
    pub(crate) lock: PathBuf,
    /// The path of the bundle's checksum, which its signer can sign in place of the bundle. It is there when the bundle
    /// was signed elsewhere.
    pub(crate) checksum: Option<PathBuf>,
    /// The path of what somebody else is asked to sign.
    pub(crate) request: Option<PathBuf>,
    /// Whether nobody signs, so that neither bundle nor lock are written.
    pub(crate) is_unsigned: bool,
    /// Whether each part is sealed.
    pub(crate) is_sealed: bool,
}

impl Places {
    /// Returns the paths in a folder. `file_name` is that of the bundle, if it is known.
    pub(crate) fn new(out: &Path, file_name: Option<&str>, cluster: &str, lock: PathBuf) -> Self {
        Self {
            archive: file_name.map(|name| out.join(name)),
            signature: file_name.map(|name| out.join(format!("{name}.sig"))),
            phases: Vec::new(),
            public_key: out.join(format!("{cluster}.pub")),
            script: out.join("install.sh"),
            script_signature: out.join("install.sh.sig"),
            slices: None,
            seals_seed: false,
            gitignore: None,
            lock,
            checksum: None,
            request: None,
            is_unsigned: false,
            is_sealed: false,
        }
    }
}

/// Returns the name of the file of a whole bundle.
pub(crate) fn archive_name(profile: &Profile) -> String {
    let Cluster { name, generation, .. } = &profile.cluster;
    let phase = if profile.phase == 0 { String::new() } else { format!("-p{}", profile.phase) };
    format!("{name}-g{generation}{phase}.tar.gz")
}

/// Returns the text of what was made, where, until when, and how to check it.
pub(crate) fn of_build<O>(
    made: &Made<'_, O>,
    comparison: Option<&Comparison>,
    places: &Places,
    new_seed: Option<&Path>,
    detail: Detail,
) -> String {
    let plan = &made.plan;
    let mut text = head(plan, places, new_seed);
    text.push('\n');
    text += &validity(&plan.certificates);
    text += &fingerprint::signer(&made.signer.fingerprint());
    text += "         Write it on paper or into the change ticket: it must reach the nodes by another road.\n";
    let _ = writeln!(text, "content  sha256:{}", made.content_sha256);
    // Writing to a String cannot fail.
    let check = match &places.checksum {
        None => check(places),
        Some(_) => check_with_certferry(places, &made.signer.fingerprint()),
    };
    let _ = writeln!(text, "check    {check}");
    text + &tail(plan, made.is_partial, comparison, detail)
}

/// Returns the text of a build that nobody signed. With `is_locked`, all that is signed is what the lock says.
pub(crate) fn of_unsigned<O>(
    made: &Made<'_, O>,
    to_sign: &SigningRequest,
    comparison: Option<&Comparison>,
    (places, new_seed): (&Places, Option<&Path>),
    is_locked: bool,
    detail: Detail,
) -> String {
    let plan = &made.plan;
    let mut text = head(plan, places, new_seed);
    text.push('\n');
    text += &validity(&plan.certificates);
    text += &fingerprint::signer(&made.signer.fingerprint());
    // Writing to a String cannot fail.
    let _ = writeln!(text, "index    sha256:{}", to_sign.index_sha256());
    if let Some(request) = &places.request {
        text += "         `certferry sign` must say the same of it.\n";
        let _ = writeln!(text, "then     certferry sign {} --signer KEY", shell::word(request));
    }
    text += &tail(plan, made.is_partial, comparison, detail);
    if is_locked {
        text += "\nindex and records are those of the lock; nobody signed, and no bundle was written\n";
    }
    text
}

/// Returns the text of what would be made.
pub(crate) fn of_dry_run(
    plan: &Plan<'_>,
    is_partial: bool,
    comparison: Option<&Comparison>,
    places: &Places,
    new_seed: Option<&Path>,
    detail: Detail,
) -> String {
    let (head, tail) = (head(plan, places, new_seed), tail(plan, is_partial, comparison, detail));
    format!("{head}\n{}{tail}\nnothing was written\n", validity(&plan.certificates))
}

/// Returns the command that checks the signature of the bundle without certferry.
pub(crate) fn check(places: &Places) -> String {
    let word = |path: &Option<PathBuf>| path.as_deref().map(shell::word).unwrap_or_default();
    format!(
        "openssl dgst -sha256 -verify {} -signature {} {}",
        shell::word(&places.public_key),
        word(&places.signature),
        word(&places.archive)
    )
}

/// Returns the command that checks a bundle whose file is not signed, but all that is in it.
fn check_with_certferry(places: &Places, signer: &Fingerprint) -> String {
    let archive = places.archive.as_deref().map(shell::word).unwrap_or_default();
    format!("certferry verify {archive} --key {signer}")
}

/// What the bundles of the phases before the last one are for.
const PHASES: [&str; 2] = ["phase 1: every node trusts the new one, too", "phase 2: every node uses the new one"];

/// Returns what a build makes, and the files to which it writes.
fn head(plan: &Plan<'_>, places: &Places, new_seed: Option<&Path>) -> String {
    let mut text = format!("{}, generation {}, Kubernetes {}\n\n", plan.cluster, plan.generation, plan.kubernetes);
    let nodes = plan.recipients.iter().filter(|recipient| matches!(recipient, Recipient::Node(_))).count();
    let counts =
        format!("{} certificates, {} keys, {nodes} {}", plan.certificates.len(), plan.keys.len(), nodes_word(nodes));
    let sealed = if places.is_sealed { "; each part opens for its recipients alone" } else { "" };
    let last = if places.phases.is_empty() { "" } else { "phase 3: the old one ends; " };
    let counts = format!("{last}{counts}{sealed}");
    let mut row = |left: &Path, right: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {}{}{right}", left.display(), if right.is_empty() { "" } else { "  " });
    };
    if places.is_unsigned {
        match &places.request {
            Some(request) => row(request, &format!("what has to be signed for {counts}; no key is in it")),
            None => row(Path::new("no bundle"), &format!("{counts}, and nobody who signs")),
        }
    } else {
        for ((archive, signature), what) in places.phases.iter().zip(PHASES) {
            row(archive, what);
            row(signature, "");
        }
        match (&places.archive, &places.signature, &places.checksum) {
            (Some(archive), Some(signature), _) => {
                row(archive, &counts);
                row(signature, "");
            }
            (Some(archive), None, Some(checksum)) => {
                row(archive, &counts);
                row(checksum, "to be signed, too, where openssl alone checks the whole file: certferry help signer");
            }
            _ => row(Path::new("a partial bundle and its signature"), &counts),
        }
        row(&places.public_key, "");
        row(&places.script, "for nodes without certferry");
        row(&places.script_signature, "");
    }
    if let Some(slices) = &places.slices {
        let slice = if places.is_sealed { "the sealed slice" } else { "the slice" };
        let signed = if places.checksum.is_none() { ", its signature, the key" } else { " and the key" };
        row(slices, &format!("a folder for each part, to be carried as it is: {slice}{signed}"));
    }
    if !places.is_unsigned {
        row(&places.lock, "for version control");
    }
    if let Some(seed) = new_seed {
        row(
            seed,
            match places.seals_seed {
                true => "NEW, sealed: whoever opens it can make every key. Keep two copies offline.",
                false => "NEW: whoever has it can make every key. Keep two copies offline.",
            },
        );
        if let Some(ignored) = &places.gitignore {
            row(ignored, gitignore::KEEPS_OUT);
        }
    }
    text
}

fn tail(plan: &Plan<'_>, is_partial: bool, comparison: Option<&Comparison>, detail: Detail) -> String {
    let mut text = String::new();
    for certificate in plan.break_glass() {
        let _ = writeln!(
            text,
            "\nBREAK-GLASS: {} may do everything until {}, and nothing but a new CA takes that back.",
            certificate.key,
            instant(certificate.validity.not_after)
        );
    }
    if !is_partial {
        text += &bindings::required(plan);
    }
    if let Some(comparison) = comparison {
        text += &comparison::render(comparison, comparison::SINCE_THE_LOCK, detail);
    }
    text
}

fn nodes_word(count: usize) -> &'static str {
    if count == 1 { "node" } else { "nodes" }
}

/// When what was made begins and ends to be valid.
pub(crate) struct Ends<'a> {
    /// The latest begin.
    pub(crate) from: Option<OffsetDateTime>,
    /// The first certificate to end.
    pub(crate) first: Option<&'a PlannedCertificate>,
    /// The first of a node to end.
    pub(crate) first_of_node: Option<&'a PlannedCertificate>,
}

pub(crate) fn ends(certificates: &[PlannedCertificate]) -> Ends<'_> {
    let of_nodes = certificates.iter().filter(|certificate| matches!(certificate.key, KeyId::Node { .. }));
    Ends {
        from: certificates.iter().map(|certificate| certificate.validity.not_before).max(),
        first: certificates.iter().min_by_key(|certificate| certificate.validity.not_after),
        first_of_node: of_nodes.min_by_key(|certificate| certificate.validity.not_after),
    }
}

fn validity(certificates: &[PlannedCertificate]) -> String {
    let Ends { from, first, first_of_node } = ends(certificates);
    let mut text = String::new();
    if let (Some(from), Some(first)) = (from, first) {
        let _ = writeln!(
            text,
            "valid    from {}; the first to end is {} at {}",
            instant(from),
            first.key,
            instant(first.validity.not_after)
        );
        if let Some(node) = first_of_node.filter(|node| node.key != first.key) {
            let _ =
                writeln!(text, "         the first of a node is {} at {}", node.key, instant(node.validity.not_after));
        }
    }
    text
}
