//! The plan as JSON for programs: `plan -o json`.

use std::collections::BTreeSet;

use serde::{Serialize, Serializer};

use crate::bundle::Hex;
use crate::cli::failure::Failure;
use crate::cli::text::{changes, json};
use crate::lock::{Change, ChangeKind, Lock, Refusal, shapes_of_plan};
use crate::make::Comparison;
use crate::plan::{PartChangeKind, Plan};
use crate::profile::Profile;

/// The rows of a list, each made when it is written: all at once would take more room than the plan itself.
struct Rows<F>(F);

impl<F: Fn() -> I, I: IntoIterator<Item: Serialize>> Serialize for Rows<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0())
    }
}

#[derive(Serialize)]
struct PlanJson<Keys, Certificates, Parts> {
    cluster: String,
    generation: u32,
    kubernetes: String,
    profile_sha256: String,
    keys: Keys,
    certificates: Certificates,
    parts: Parts,
    required_bindings: Vec<BindingJson>,
    /// The lock. Without one, this field and those that follow are absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    lock: Option<LockJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Vec<ChangeJson>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    effects: Option<Vec<EffectJson>>,
    /// Whether everything that cert-manager has issued is below a root that nobody would trust any more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cuts_off_cert_manager: bool,
    /// The reason why a build would be refused, if one is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

/// The last whole bundle.
#[derive(Serialize)]
struct LockJson {
    generation: u32,
    kubernetes: String,
    profile_sha256: String,
}

#[derive(Serialize)]
struct KeyJson {
    id: String,
    algorithm: &'static str,
    generation: u32,
}

#[derive(Serialize)]
struct CertificateJson<'a> {
    id: String,
    issuer: &'a str,
    subject: &'a str,
    usages: &'a [String],
    alt_names: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    constraints: &'a [String],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    break_glass: bool,
    not_before: &'a str,
    not_after: &'a str,
}

#[derive(Serialize)]
struct PartJson<'a> {
    part: String,
    files: Vec<&'a str>,
}

#[derive(Serialize)]
struct BindingJson {
    name: &'static str,
    cluster_role: &'static str,
    subject_kind: &'static str,
    subject: &'static str,
}

#[derive(Serialize)]
struct ChangeJson {
    id: String,
    change: &'static str,
    reasons: Vec<String>,
}

#[derive(Serialize)]
struct EffectJson {
    part: String,
    change: &'static str,
    files: Vec<String>,
    removed: Vec<String>,
    restarts: Vec<&'static str>,
}

/// Returns one JSON document with an indent of two spaces and a newline at its end.
pub(crate) fn render(
    profile: &Profile,
    plan: &Plan,
    since: Option<(&Lock, &Comparison)>,
    refused: Option<&Refusal>,
) -> Result<String, Failure> {
    let shapes = shapes_of_plan(plan);
    let break_glass = plan.certificates.iter().filter(|certificate| certificate.is_break_glass());
    let break_glass: BTreeSet<_> = break_glass.map(|certificate| &certificate.key).collect();
    let certificates = Rows(|| {
        shapes.iter().filter_map(|(id, shape)| {
            let certificate = shape.certificate.as_ref()?;
            Some(CertificateJson {
                break_glass: break_glass.contains(id),
                id: id.to_string(),
                issuer: &certificate.issuer,
                subject: &certificate.subject,
                usages: &certificate.usages,
                alt_names: &certificate.alt_names,
                constraints: &certificate.constraints,
                not_before: &certificate.not_before,
                not_after: &certificate.not_after,
            })
        })
    });
    let keys = Rows(|| {
        plan.keys.iter().map(|key| KeyJson {
            id: key.id.to_string(),
            algorithm: key.algorithm.name(),
            generation: key.generation,
        })
    });
    let parts = Rows(|| {
        plan.parts.iter().map(|part| PartJson {
            part: part.recipient.part().to_string(),
            files: part.files.iter().map(|file| file.path.as_str()).collect(),
        })
    });
    let bindings = plan.required_bindings.iter().map(|binding| BindingJson {
        name: binding.name,
        cluster_role: binding.cluster_role,
        subject_kind: binding.subject_kind,
        subject: binding.subject,
    });
    let effects = |since: &Comparison| {
        let effects = since.part_changes.iter().map(|change| EffectJson {
            part: change.part.to_string(),
            change: match change.kind {
                PartChangeKind::Added => "added",
                PartChangeKind::Changed => "changed",
                PartChangeKind::Removed => "removed",
            },
            files: change.files.clone(),
            removed: change.removed.clone(),
            restarts: change.restarts.iter().map(|component| component.name()).collect(),
        });
        effects.collect()
    };
    let document = PlanJson {
        cluster: plan.cluster.clone(),
        generation: plan.generation,
        kubernetes: plan.kubernetes.to_string(),
        profile_sha256: Hex(profile.sha256).to_string(),
        keys,
        certificates,
        parts,
        required_bindings: bindings.collect(),
        lock: since.map(|(lock, _)| LockJson {
            generation: lock.generation,
            kubernetes: lock.kubernetes.clone(),
            profile_sha256: lock.profile_sha256.clone(),
        }),
        changes: since.map(|(_, since)| since.changes.iter().map(change).collect()),
        effects: since.map(|(_, since)| effects(since)),
        cuts_off_cert_manager: since.is_some_and(|(_, since)| since.cuts_off_cert_manager),
        refused: refused.map(ToString::to_string),
    };
    json::document(&document)
}

fn change(change: &Change) -> ChangeJson {
    let kind = match change.kind {
        ChangeKind::Added => "added",
        ChangeKind::Removed => "removed",
        ChangeKind::Changed => "changed",
    };
    ChangeJson { id: change.id.to_string(), change: kind, reasons: changes::reasons(change) }
}
