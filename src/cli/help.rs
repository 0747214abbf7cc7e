//! `help`: the manual travels inside the binary, because an isolated node has no web.

use super::args::HelpArguments;
use super::failure::Failure;

/// A chapter: name, one line, text.
type Chapter = (&'static str, &'static str, &'static str);

const CHAPTERS: [Chapter; 7] = [
    ("quickstart", "from nothing to a node that runs", include_str!("manual/quickstart.md")),
    ("profile", "every key of a profile and its default", include_str!("manual/profile.md")),
    ("kubeadm", "what is as kubeadm does it, and what is deliberately not", include_str!("manual/kubeadm.md")),
    ("far-side", "check and install a bundle on an isolated node", include_str!("manual/far-side.md")),
    ("inspect", "which certificates there are and when they end; JSON and metrics", include_str!("manual/inspect.md")),
    ("threat-model", "what certferry protects against, and what not", include_str!("manual/threat-model.md")),
    ("exit-codes", "exit codes and output rules", include_str!("manual/exit-codes.md")),
];

pub(super) fn run(arguments: &HelpArguments) -> Result<String, Failure> {
    let Some(topic) = &arguments.topic else { return Ok(contents()) };
    let chapter = CHAPTERS.iter().find(|(name, _, _)| name == topic);
    chapter.map(|(_, _, text)| (*text).to_owned()).ok_or_else(|| {
        let names: Vec<_> = CHAPTERS.iter().map(|(name, _, _)| *name).collect();
        Failure::cannot_run(format!("no chapter `{topic}` in the manual"))
            .hint(format!("the chapters are {}", names.join(", ")))
    })
}

fn contents() -> String {
    let mut text = String::from(
        "The manual. Read a chapter with `certferry help TOPIC`, all options with `certferry --help`.\n\n",
    );
    for (name, line, _) in CHAPTERS {
        text += &format!("  {name:<14}{line}\n");
    }
    text
}
