//! The words of `apply`: what it changes.

use std::fmt::Write;

use crate::cli::text::restart;
use crate::cli::text::status::generation;
use crate::kubernetes::{API_SERVER_RESTART, UPDATE_TRUST, enable_api_server_restart};
use crate::node::restart::{Effect, RestartedBy};
use crate::node::{Applied, Changes, Difference, Foreseen, Method, Reason};
use crate::x509::escape_for_terminal;

/// Returns the text of what would be done.
pub(crate) fn dry_run(foreseen: &Foreseen<'_>) -> String {
    let Foreseen { changes, effect, restarted_by, is_interrupted, kept, dropped } = foreseen;
    let waits = if *is_interrupted {
        "an interrupted run waits: `certferry apply` brings it to its end first, and compares only then\n"
    } else {
        ""
    };
    let mut keeps = String::new();
    for (folders, what) in [
        (named(kept, "/repaired"), "what is replaced would be kept in {}"),
        (
            named(kept, "/original"),
            "what certferry did not install would be kept in {}, private keys and all, until a person removes it",
        ),
        (named(dropped, ""), "what is in {} now would be dropped for it"),
    ] {
        if !folders.is_empty() {
            keeps += &(what.replace("{}", &folders) + "\n");
        }
    }
    format!("{waits}{}{keeps}nothing was changed\n", report(changes, effect, restarted_by, true))
}

/// Returns the text of what was done.
pub(crate) fn done(applied: &Applied<'_>) -> String {
    let Applied { changes, effect, restarted_by, has_recovered, has_original, kept: folders, written } = applied;
    let first = if *has_recovered { "an interrupted run was brought to its end first\n" } else { "" };
    let back = if changes.is_nothing() || changes.is_repair() { "" } else { "back: certferry rollback\n" };
    let mut kept = String::new();
    if changes.keeps_repaired() {
        let _ = writeln!(kept, "what was replaced is kept in {}", named(folders, "/repaired"));
    }
    if *has_original {
        let _ = writeln!(
            kept,
            "what certferry did not install is kept in {}, private keys and all, until a person removes it",
            named(folders, "/original")
        );
    }
    for file in written {
        let place = escape_for_terminal(&file.place);
        let _ = match &file.kept {
            Some(kept_at) => {
                writeln!(
                    kept,
                    "note: {place} was written while this ran: it is {}, and not live",
                    escape_for_terminal(kept_at)
                )
            }
            None => writeln!(kept, "note: {place} was removed while this ran"),
        };
    }
    format!("{first}{}{kept}{back}", report(changes, effect, restarted_by, false))
}

/// Returns the folders of that name, for a person.
fn named(folders: &[String], name: &str) -> String {
    let named = folders.iter().filter(|folder| folder.ends_with(name)).map(|folder| escape_for_terminal(folder));
    named.collect::<Vec<_>>().join(" and ")
}

fn report(changes: &Changes<'_>, effect: &Effect, restarted_by: &RestartedBy, is_dry: bool) -> String {
    let to = &changes.to;
    let mut text = format!("{}: ", to.node);
    let named = format!("{} of {}, Kubernetes {}", generation(to), to.cluster, to.kubernetes);
    if changes.is_nothing() {
        return text
            + &named
            + " is installed, and every file is as it must be\n"
            + &restart::restarts(effect, restarted_by);
    }
    let word = if is_dry { "would be installed" } else { "is installed" };
    let _ = match &changes.from {
        Some(_) if changes.is_repair() => {
            let count = changes.files.len() + changes.dropped.len();
            let (word, files) =
                (if is_dry { "would repair" } else { "repaired" }, if count == 1 { "file" } else { "files" });
            writeln!(text, "{word} {count} {files} of {named}, which is installed")
        }
        Some(from) if from.generation != to.generation => {
            writeln!(text, "{named} {word} in the place of {}", generation(from))
        }
        Some(from) if from.phase != to.phase => {
            writeln!(text, "{named} {word} in the place of {}", generation(from))
        }
        Some(from) if from.record != to.record => {
            writeln!(text, "{named} {word} in the place of another bundle of generation {}", from.generation)
        }
        // Another key vouches for the same files.
        Some(_) => writeln!(text, "{named} {word} again"),
        None => writeln!(text, "{named} {word}"),
    };
    if let Some(from) = &changes.from
        && from.signer != to.signer
    {
        let _ = writeln!(text, "signed by {}, and not by {} as before", to.signer, from.signer);
    }
    if !changes.has_files() {
        let restarts = restart::restarts(effect, restarted_by);
        return text
            + "the files are the same"
            + if restarts.is_empty() { ": nothing restarts\n" } else { "\n" }
            + &restarts;
    }
    text += &flags(changes);
    files(&mut text, changes);
    methods(&mut text, changes);
    text += &restart::restarts(effect, restarted_by);
    text + &told(&commands(changes, effect)) + &restart::in_cluster(effect)
}

/// Returns what a person must edit where kube-controller-manager is started, or what certferry has edited there.
fn flags(changes: &Changes<'_>) -> String {
    let Some(signing) = changes.signing.as_ref().filter(|signing| !signing.edits.is_empty()) else {
        return String::new();
    };
    let place = escape_for_terminal(signing.started_by.place());
    let is_edited = changes.files.iter().any(|file| file.place == signing.started_by.place());
    let lines = signing.edits.iter().map(|edit| {
        let [flag, from, to] = [&edit.flag, &edit.from, &edit.to].map(|text| escape_for_terminal(text));
        match is_edited {
            true => format!("in {place} --{flag} names {to}, and no longer {from}\n"),
            false => format!(
                "edit {place} before kube-controller-manager starts anew: --{flag} must name {to} and not {from}\n"
            ),
        }
    });
    lines.collect()
}

/// A command that a person runs once on the node.
pub(crate) struct Command {
    pub(crate) why: &'static str,
    pub(crate) command: String,
}

/// Returns the lines for commands.
pub(crate) fn told(commands: &[Command]) -> String {
    commands.iter().map(|Command { why, command }| format!("{why}:\n  {command}\n")).collect()
}

/// Returns the commands that a person runs on the node after this: the one that lets systemd know the timer of the API
/// server's restart, when its units change, and that of [`update_trust`].
pub(crate) fn commands(changes: &Changes<'_>, effect: &Effect) -> Vec<Command> {
    let is_unit = |place: &str| {
        place.strip_prefix(API_SERVER_RESTART).is_some_and(|extension| matches!(extension, ".service" | ".timer"))
    };
    let why = "to let systemd restart kube-apiserver in time (certferry help kubeadm)";
    let has_units = changes.files.iter().any(|file| is_unit(&file.place));
    let enable = has_units.then(|| Command { why, command: enable_api_server_restart() });
    let why = "to let this system take note of the roots that it trusts (certferry help tls); a rollback and the same command \
               undo it";
    enable.into_iter().chain(update_trust(effect, why)).collect()
}

/// Returns the command that lets the system take note of its roots, when these change.
pub(crate) fn update_trust(effect: &Effect, why: &'static str) -> Option<Command> {
    effect.updates_trust.then(|| Command { why, command: UPDATE_TRUST.to_owned() })
}

/// Returns why a file is not kept.
pub(crate) fn reason(reason: &Reason) -> String {
    match reason {
        Reason::Replaced(authority) => format!("it belongs to the CA that was in {authority}"),
        Reason::Stale => "the kubelet would go on using it".to_owned(),
        Reason::NotInPart => "this generation does not have it".to_owned(),
    }
}

fn files(text: &mut String, changes: &Changes<'_>) {
    let mut line = |word: &str, place: &str, why: &str| {
        let _ = writeln!(text, "  {word:<8} {}", escape_for_terminal(&format!("{place}{why}")));
    };
    for file in &changes.files {
        match file.difference {
            Difference::New => line("new", &file.place, ""),
            Difference::Content => line("changed", &file.place, ""),
            Difference::Mode => line("changed", &file.place, ": owner and permissions"),
        }
    }
    for file in &changes.dropped {
        line("removed", &file.place, &format!(": {}", reason(&file.reason)));
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
            Method::Overlay => "changes file by file: its file system may not rename a folder",
        };
        let _ = writeln!(text, "{folder} {how}");
    }
}
