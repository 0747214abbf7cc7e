//! To whom parts are sealed, as arguments say it.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::args::RecipientArguments;
use crate::cli::failure::Failure;
use crate::cli::text::nearest::did_you_mean;
use crate::kubernetes::PartName;
use crate::make::{Envelopes, EnvelopesError};
use crate::seal::Recipient;

/// The recipients that were named, by part, and those of every part.
#[derive(Default)]
pub(crate) struct Named {
    pub(crate) parts: BTreeMap<PartName, Vec<Recipient>>,
    pub(crate) every: Vec<Recipient>,
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

    /// Returns the recipients of each of these parts, which are all that are to be sealed. Refuses a node that is not
    /// among them, a part without a recipient, and recipients of both kinds. `of` is what has the parts, for messages.
    pub(crate) fn envelopes(self, parts: &BTreeSet<PartName>, of: &str) -> Result<Envelopes, Failure> {
        let Self { parts: mut named, every } = self;
        if let Some(unknown) = named.keys().find(|part| !parts.contains(part)) {
            return Err(match unknown {
                PartName::Cluster => Failure::cannot_run(format!("the cluster's part is not in {of}"))
                    .hint("leave --cluster-to out, or take a bundle that was built --with-cluster"),
                PartName::Node(name) => {
                    let failure = Failure::cannot_run(format!("there is no node {name} in {of}"));
                    let meant = did_you_mean(name, parts.iter().filter_map(PartName::node));
                    meant.into_iter().fold(failure, Failure::hint)
                }
            });
        }
        // A part whose only recipients are those of every part is sealed to them alone: that is what was asked for.
        let envelopes = Envelopes::new(parts.iter().map(|part| {
            let mut to = named.remove(part).unwrap_or_default();
            to.extend(every.iter().cloned());
            (part.clone(), to)
        }));
        envelopes.map_err(|error| refused(&error))
    }
}

/// Returns a recipient that an option names.
pub(crate) fn parse(option: &str, text: &str) -> Result<Recipient, Failure> {
    Recipient::parse(text).map_err(|error| {
        Failure::cannot_run(format!("what {option} names {error}"))
            .hint("a recipient is what `certferry identity new` prints: age1pq1... or age1...")
    })
}

fn refused(error: &EnvelopesError) -> Failure {
    match error {
        EnvelopesError::NoRecipient(parts) => Failure::cannot_run(error.to_string())
            .hint(match parts.first().and_then(PartName::node) {
                Some(node) => format!("add --to {node}=RECIPIENT; `certferry identity new` on the node makes one"),
                None => "add --cluster-to RECIPIENT, who runs the cluster".to_owned(),
            })
            .hint("nothing was written: beside sealed parts none stays in the clear"),
        EnvelopesError::BothKinds(_) => {
            Failure::cannot_run(error.to_string()).hint("give recipients of one kind; age1pq1... is the stronger")
        }
    }
}
