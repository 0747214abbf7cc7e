//! What `apply` changes, in words.

use std::fmt::Write;

use crate::cli::text::restart::{self, Hands};
use crate::node::restart::Effect;
use crate::node::{Changes, Difference, Method, Reason};

/// The folders whose labels change with the files.
pub(crate) const RELABELLED: [&str; 2] = ["/etc/kubernetes", "/var/lib/kubelet/pki"];

/// What would be done.
pub(crate) fn dry_run(changes: &Changes<'_>, effect: &Effect, hands: &Hands, is_interrupted: bool) -> String {
    let waits = if is_interrupted {
        "an interrupted run waits: `certferry apply` brings it to its end first, and compares only then\n"
    } else {
        ""
    };
    format!("{waits}{}nothing was changed\n", report(changes, effect, hands, true))
}

/// What was done.
pub(crate) fn done(changes: &Changes<'_>, effect: &Effect, hands: &Hands, recovered: bool) -> String {
    let first = if recovered { "an interrupted run was brought to its end first\n" } else { "" };
    let back = if changes.is_nothing() { "" } else { "back: certferry rollback\n" };
    format!("{first}{}{back}", report(changes, effect, hands, false))
}

fn report(changes: &Changes<'_>, effect: &Effect, hands: &Hands, is_dry: bool) -> String {
    let to = &changes.to;
    let mut text = format!("{}: ", to.node);
    let named = format!("generation {} of {}, Kubernetes {}", to.generation, to.cluster, to.kubernetes);
    if changes.is_nothing() {
        return text + &named + " is installed, and every file is as it must be\n" + &restart::restarts(effect, hands);
    }
    let word = if is_dry { "would be installed" } else { "is installed" };
    let _ = match &changes.from {
        Some(from) if from.generation != to.generation => {
            writeln!(text, "{named} {word} in the place of generation {}", from.generation)
        }
        Some(_) => writeln!(text, "{named} {word} again"),
        None => writeln!(text, "{named} {word}"),
    };
    if let Some(from) = &changes.from
        && from.signer != to.signer
    {
        let _ = writeln!(text, "signed by {}, and not by {} as before", to.signer, from.signer);
    }
    if !changes.has_files() {
        let restarts = restart::restarts(effect, hands);
        return text
            + "the files are the same"
            + if restarts.is_empty() { ": nothing restarts\n" } else { "\n" }
            + &restarts;
    }
    files(&mut text, changes);
    methods(&mut text, changes);
    text + &restart::restarts(effect, hands) + &restart::in_cluster(effect)
}

fn files(text: &mut String, changes: &Changes<'_>) {
    let mut line = |word: &str, place: &str, why: &str| {
        let _ = writeln!(text, "  {word:<8} {place}{why}");
    };
    for file in &changes.files {
        match file.difference {
            Difference::New => line("new", &file.place, ""),
            Difference::Content => line("changed", &file.place, ""),
            Difference::Mode => line("changed", &file.place, ": owner and permissions"),
        }
    }
    for file in &changes.dropped {
        let why = match &file.reason {
            Reason::Replaced(authority) => format!(": it belongs to the CA that was in {authority}"),
            Reason::Stale => ": the kubelet would go on using it".to_owned(),
        };
        line("removed", &file.place, &why);
    }
    for place in &changes.carried {
        line("kept", place, "");
    }
}

fn methods(text: &mut String, changes: &Changes<'_>) {
    for (folder, method) in &changes.methods {
        let how = match method {
            Method::Folder => "changes as a whole",
            Method::Files => "changes file by file: the CAs stay, and what runs sees the new files",
            Method::MountPoint => "changes file by file: it is a mount point",
        };
        let _ = writeln!(text, "{folder} {how}");
    }
}
