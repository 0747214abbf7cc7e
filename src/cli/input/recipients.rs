//! To whom parts are sealed: by arguments, by the profile, and by a file of recipients, which is believed only where
//! the profile, the lock or a person has the fingerprint.
//!
//! Whoever swaps a line of that file on its way to the ceremony would get a node's part, rightly signed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::bundle::{Hex, Sha256};
use crate::cli::args::RecipientArguments;
use crate::cli::failure::Failure;
use crate::cli::input::adopted_files::beside;
use crate::cli::input::recipients_file::{self, Line};
use crate::cli::input::sealed;
use crate::cli::notice::Notice;
use crate::cli::text::fingerprint::compared;
use crate::cli::text::nearest::did_you_mean;
use crate::cli::text::sealing;
use crate::host;
use crate::kubernetes::PartName;
use crate::lock::Lock;
use crate::make::{Envelopes, EnvelopesError};
use crate::profile::{EncryptTo, Profile, Seal};
use crate::seal::Recipient;

/// The recipients that were named, by part, and those of every part.
#[derive(Default)]
pub(crate) struct Named {
    parts: BTreeMap<PartName, Vec<Recipient>>,
    every: Vec<Recipient>,
    /// The fingerprint that the recipient of a node must have, for nodes of which the profile has it.
    expected: BTreeMap<String, [u8; 32]>,
}

impl Named {
    /// Reads those of the arguments. No text of one is repeated: it may be the secret half.
    pub(crate) fn of_arguments(arguments: &RecipientArguments) -> Result<Self, Failure> {
        let mut named = Self::default();
        for text in &arguments.to {
            let (node, recipient) = text.split_once('=').ok_or_else(|| {
                Failure::cannot_run("--to takes NODE=RECIPIENT, and there is no `=` in what it was given")
                    .hint("for example --to cp-1=age1pq1...")
            })?;
            let recipient = parse("--to", recipient)?;
            named.parts.entry(PartName::Node(node.to_owned())).or_default().push(recipient);
        }
        for text in &arguments.cluster_to {
            let recipient = parse("--cluster-to", text)?;
            named.parts.entry(PartName::Cluster).or_default().push(recipient);
        }
        named.every = arguments.also_to.iter().map(|text| parse("--also-to", text)).collect::<Result<_, _>>()?;
        Ok(named)
    }

    /// Adds those of the profile.
    pub(crate) fn add_profile(&mut self, profile: &Profile) {
        if let Some(Seal { cluster_to, also_to, .. }) = &profile.seal {
            if !cluster_to.is_empty() {
                self.parts.entry(PartName::Cluster).or_default().extend(cluster_to.iter().cloned());
            }
            self.every.extend(also_to.iter().cloned());
        }
        for node in &profile.nodes {
            match &node.encrypt_to {
                EncryptTo::Unsaid => {}
                EncryptTo::Recipients(to) => {
                    self.parts.entry(PartName::Node(node.name.clone())).or_default().extend(to.iter().cloned());
                }
                EncryptTo::Fingerprint(fingerprint) => {
                    self.expected.insert(node.name.clone(), *fingerprint.as_bytes());
                }
            }
        }
    }

    /// Adds those of a file of recipients for these nodes. One that neither the profile nor the lock knows is confirmed
    /// on the terminal, by the name of its node.
    pub(crate) fn add_file(
        &mut self,
        path: &Path,
        (parts, known): (&BTreeSet<PartName>, &BTreeSet<PartName>),
        lock: Option<&Lock>,
    ) -> Result<(), Failure> {
        let nodes: Vec<_> = known.iter().filter_map(PartName::node).collect();
        for Line { number, node, recipient } in recipients_file::read(path, &nodes)? {
            let part = PartName::Node(node);
            let node = part.node().unwrap_or_default();
            let is_known = || {
                let named = self.parts.get(&part).is_some_and(|named| named.contains(&recipient));
                named || lock.is_some_and(|lock| is_pinned(lock, &part, &recipient))
            };
            match self.expected.get(node) {
                Some(expected) if recipient.sha256() == *expected => {}
                Some(expected) => return Err(other_recipient(path, number, node, &recipient, expected)),
                // Nothing is sealed to it now.
                None if !parts.contains(&part) => continue,
                None if is_known() => {}
                None => confirm(path, number, node, &recipient)?,
            }
            self.parts.entry(part).or_default().push(recipient);
        }
        Ok(())
    }

    /// Refuses a node whose fingerprint the profile has when its recipient was given otherwise.
    fn check_expected(&self) -> Result<(), Failure> {
        for (node, expected) in &self.expected {
            let given = self.parts.get(&PartName::Node(node.clone())).map(Vec::as_slice).unwrap_or_default();
            if let Some(other) = given.iter().find(|recipient| recipient.sha256() != *expected) {
                return Err(Failure::says_no(format!(
                    "the recipient that was given for {node} is not the one whose fingerprint the profile has"
                ))
                .lines(compared("it is", &sealing::fingerprint(other)?) + &expected_line(expected)?)
                .hint("compare both with the paper of the node; nothing was written"));
            }
        }
        Ok(())
    }

    /// Returns the recipients of each of these parts, which are all that are to be sealed. Refuses a node that is not
    /// among `known`, a part without a recipient, and recipients of both kinds. `of` is what has the parts, for
    /// messages.
    pub(crate) fn envelopes(
        self,
        parts: &BTreeSet<PartName>,
        known: &BTreeSet<PartName>,
        of: &str,
    ) -> Result<Envelopes, Failure> {
        self.check_expected()?;
        let Self { parts: mut named, every, expected } = self;
        if let Some(unknown) = named.keys().find(|part| !known.contains(part)) {
            return Err(match unknown {
                PartName::Cluster => Failure::cannot_run(format!("the cluster's part is not in {of}"))
                    .hint("leave --cluster-to out, or take a bundle that was built --with-cluster"),
                PartName::Node(name) => {
                    let failure = Failure::cannot_run(format!("there is no node {name} in {of}"));
                    let meant = did_you_mean(name, known.iter().filter_map(PartName::node));
                    meant.into_iter().fold(failure, Failure::hint)
                }
            });
        }
        let without = expected.keys().map(|node| PartName::Node(node.clone())).find(|part| {
            // Its own recipient is asked for, also where every part has another one.
            parts.contains(part) && !named.contains_key(part)
        });
        if let Some(part) = without {
            return Err(no_recipient(&EnvelopesError::NoRecipient(vec![part.clone()]), &part, true));
        }
        // A part whose only recipients are those of every part is sealed to them alone: that is what was asked for.
        let envelopes = Envelopes::new(parts.iter().map(|part| {
            let mut to = named.remove(part).unwrap_or_default();
            to.extend(every.iter().cloned());
            (part.clone(), to)
        }));
        envelopes.map_err(|error| match &error {
            EnvelopesError::NoRecipient(parts) => match parts.first() {
                Some(part) => no_recipient(&error, part, false),
                None => Failure::defect("no part"),
            },
            EnvelopesError::BothKinds(_) => {
                Failure::cannot_run(error.to_string()).hint("give recipients of one kind; age1pq1... is the stronger")
            }
        })
    }
}

/// Returns the file of recipients: that of the argument, or the one that the profile names, which is relative to it.
pub(crate) fn file(argument: Option<&Path>, profile: Option<(&Path, &Profile)>) -> Option<PathBuf> {
    argument.map(Path::to_owned).or_else(|| {
        let (path, profile) = profile?;
        Some(beside(path, profile.seal.as_ref()?.recipients.as_deref()?))
    })
}

/// What a profile says of who opens which part.
#[derive(Default)]
pub(crate) struct Planned {
    /// The fingerprints of the recipients of each part.
    pub(crate) fingerprints: BTreeMap<PartName, BTreeSet<Sha256>>,
    /// The parts that would have none.
    pub(crate) without: Vec<PartName>,
}

/// Returns to whom a build of the profile seals, as far as the profile and the file of recipients say it, of whom
/// nothing is confirmed here. Empty when the profile asks for no sealing.
pub(crate) fn planned(path: &Path, profile: &Profile) -> Result<Planned, Failure> {
    if !profile.asks_for_seal() {
        return Ok(Planned::default());
    }
    let mut named = Named::default();
    named.add_profile(profile);
    let nodes: Vec<_> = profile.nodes.iter().map(|node| node.name.as_str()).collect();
    let file = file(None, Some((path, profile)));
    let mut of_file = BTreeMap::new();
    match file.as_deref().map(|file| (file, file.symlink_metadata())) {
        Some((file, Err(error))) if error.kind() == std::io::ErrorKind::NotFound => {
            Notice::new(format!(
                "{} is not there: who opens the part of a node without `encrypt_to` is not known",
                file.display()
            ))
            .give();
        }
        Some((file, _)) => {
            of_file.extend(recipients_file::read(file, &nodes)?.into_iter().map(|line| (line.node, line.recipient)));
        }
        None => {}
    }
    let mut planned = Planned::default();
    let parts = nodes.iter().map(|node| PartName::Node((*node).to_owned())).chain([PartName::Cluster]);
    for part in parts {
        let named_here = named.parts.get(&part).into_iter().flatten();
        let expected = part.node().and_then(|node| named.expected.get(node));
        let in_file = part.node().filter(|_| expected.is_none()).and_then(|node| of_file.get(node));
        let recipients = named_here.chain(in_file).chain(&named.every);
        let mut to: BTreeSet<_> = recipients.map(|recipient| Hex(recipient.sha256())).collect();
        to.extend(expected.map(|digest| Hex(*digest)));
        if to.is_empty() {
            planned.without.push(part);
        } else {
            planned.fingerprints.insert(part, to);
        }
    }
    planned.without.sort_unstable();
    Ok(planned)
}

fn is_pinned(lock: &Lock, part: &PartName, recipient: &Recipient) -> bool {
    let row = lock.parts.iter().find(|row| row.part == *part);
    row.is_some_and(|row| row.sealed_to.contains(&Hex(recipient.sha256())))
}

/// Returns a recipient that an option names.
fn parse(option: &str, text: &str) -> Result<Recipient, Failure> {
    Recipient::parse(text).map_err(|error| {
        Failure::cannot_run(format!("what {option} names {error}"))
            .hint("a recipient is what `certferry identity new` prints: age1pq1... or age1...")
    })
}

fn expected_line(expected: &[u8; 32]) -> Result<String, Failure> {
    Ok(compared("expected", &sealing::of_digest(expected)?))
}

fn other_recipient(path: &Path, number: usize, node: &str, found: &Recipient, expected: &[u8; 32]) -> Failure {
    let lines = sealing::fingerprint(found).and_then(|found| Ok(compared("it is", &found) + &expected_line(expected)?));
    match lines {
        Err(failure) => failure,
        Ok(lines) => Failure::says_no(format!(
            "{}, line {number}: the recipient of {node} is not the one whose fingerprint the profile has",
            path.display()
        ))
        .lines(lines)
        .hint(
            "compare both with the paper of the node: a line may be another node's, or somebody's; nothing was written",
        ),
    }
}

/// Lets a person confirm the recipient of a node, by the name of the node.
fn confirm(path: &Path, number: usize, node: &str, recipient: &Recipient) -> Result<(), Failure> {
    let place = format!("{}, line {number}", path.display());
    let lines = compared("it is", &sealing::fingerprint(recipient)?);
    let prompt = format!(
        "{}: the recipient of {node} is new, and the profile has no fingerprint of it.\n{lines}\
         If that is what the paper of {node} has, type the name of the node: ",
        crate::x509::escape_for_terminal(&place)
    );
    let typed = host::read_shown(&prompt, NAME_LIMIT).map_err(|error| match sealed::is_no_terminal(&error) {
        true => Failure::says_no(format!("{place}: nobody has confirmed the recipient of {node}"))
            .lines(lines.clone())
            .hint(format!(
                "compare it with the paper of {node}; then write `encrypt_to_sha256` with it into the profile, or build on a \
                 terminal, which asks"
            )),
        false => Failure::io("read the answer from", Path::new("/dev/tty"), &error),
    })?;
    let typed = String::from_utf8_lossy(&typed);
    match typed.trim() == node {
        true => Ok(()),
        false => Err(Failure::says_no(format!("{place}: the recipient of {node} was not confirmed"))
            .hint("nothing was written; it is confirmed with the name of the node alone")),
    }
}

/// The most bytes of a name that is typed.
const NAME_LIMIT: usize = 300;

fn no_recipient(error: &EnvelopesError, first: &PartName, has_fingerprint: bool) -> Failure {
    let failure = Failure::cannot_run(error.to_string());
    let failure = match first.node() {
        Some(node) if has_fingerprint => failure.hint(format!(
            "the profile has the fingerprint of it: give a file with the line `{node} RECIPIENT` in `recipients` of [seal], \
             or with --recipients"
        )),
        Some(node) => failure.hint(format!(
            "add --to {node}=RECIPIENT, or `encrypt_to` in the profile; `certferry identity new` on the node makes one"
        )),
        None => failure.hint("add --cluster-to RECIPIENT, or `cluster_to` in [seal]: who runs the cluster"),
    };
    failure.hint("nothing was written: beside sealed parts none stays in the clear")
}
