//! What changes against the lock, in JSON. It is the same for `plan` and `build`.

use serde::{Serialize, Serializer};

use crate::cli::text::changes;
use crate::kubernetes::Component;
use crate::lock::{Change, ChangeKind};
use crate::make::Comparison;
use crate::plan::{PartChange, PartChangeKind};

/// The rows of a list, each made when it is written: all at once would take more room than the plan itself.
pub(crate) struct Rows<F>(pub(crate) F);

impl<F: Fn() -> I, I: IntoIterator<Item: Serialize>> Serialize for Rows<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0())
    }
}

#[derive(Serialize)]
struct ComparisonJson<Changes, Effects> {
    changes: Changes,
    effects: Effects,
    /// Whether everything that cert-manager has issued is below a root that nobody would trust any more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cuts_off_cert_manager: bool,
    /// The bindings that must be there before the new files are installed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    new_bindings: Vec<&'static str>,
}

#[derive(Serialize)]
struct ChangeJson {
    id: String,
    change: &'static str,
    reasons: Vec<String>,
}

#[derive(Serialize)]
struct EffectJson<'a> {
    part: String,
    change: &'static str,
    files: &'a [String],
    removed: &'a [String],
    restarts: Vec<&'static str>,
    /// The components that read by themselves what changes, so that none must be restarted.
    reloads: Vec<&'static str>,
}

/// Returns the changes and what they mean for each part.
pub(crate) fn of(comparison: &Comparison) -> impl Serialize {
    ComparisonJson {
        changes: Rows(|| comparison.changes.iter().map(change)),
        effects: Rows(|| comparison.part_changes.iter().map(effect)),
        cuts_off_cert_manager: comparison.cuts_off_cert_manager,
        new_bindings: comparison.new_bindings.iter().map(|binding| binding.name).collect(),
    }
}

fn effect(change: &PartChange) -> EffectJson<'_> {
    EffectJson {
        part: change.part.to_string(),
        change: match change.kind {
            PartChangeKind::Added => "added",
            PartChangeKind::Changed => "changed",
            PartChangeKind::Removed => "removed",
        },
        files: &change.files,
        removed: &change.removed,
        restarts: change.restarts.iter().map(|component| component.name()).collect(),
        reloads: change.is_reloaded.then_some(Component::ApiServer.name()).into_iter().collect(),
    }
}

fn change(change: &Change) -> ChangeJson {
    let kind = match change.kind {
        ChangeKind::Added => "added",
        ChangeKind::Removed => "removed",
        ChangeKind::Changed => "changed",
    };
    ChangeJson { id: change.id.to_string(), change: kind, reasons: changes::reasons(change) }
}
