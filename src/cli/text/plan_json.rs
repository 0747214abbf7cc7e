//! The plan as JSON for programs: `plan -o json`.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::bundle::Hex;
use crate::cli::failure::Failure;
use crate::cli::text::{changes, json};
use crate::kubernetes::Component;
use crate::lock::{Change, ChangeKind, Lock, Refusal, Shapes};
use crate::make::Comparison;
use crate::plan::{PartChange, PartChangeKind, Plan};
use crate::profile::Profile;

/// The rows of a list, each made when it is written: all at once would take more room than the plan itself.
struct Rows<F>(F);

impl<F: Fn() -> I, I: IntoIterator<Item: Serialize>> Serialize for Rows<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0())
    }
}

#[derive(Serialize)]
struct PlanJson<Keys, Certificates, Parts, Changes, Effects> {
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
    changes: Option<Changes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    effects: Option<Effects>,
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
struct CertificateJson {
    id: String,
    issuer: Arc<str>,
    subject: Arc<str>,
    usages: Arc<[Arc<str>]>,
    alt_names: Arc<[String]>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    constraints: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    break_glass: bool,
    not_before: Arc<str>,
    not_after: Arc<str>,
}

#[derive(Serialize)]
struct PartJson {
    part: String,
    files: Vec<String>,
}

#[derive(Serialize)]
struct BindingJson {
    name: &'static str,
    cluster_role: &'static str,
    subject_kind: &'static str,
    subject: &'static str,
}

#[derive(Serialize)]
pub(crate) struct ChangeJson {
    id: String,
    change: &'static str,
    reasons: Vec<String>,
}

#[derive(Serialize)]
pub(crate) struct EffectJson<'a> {
    part: String,
    change: &'static str,
    files: &'a [String],
    removed: &'a [String],
    restarts: Vec<&'static str>,
    /// The components that read by themselves what changes, so that none must be restarted.
    reloads: Vec<&'static str>,
}

/// Prints one JSON document with an indent of two spaces and a newline at its end.
pub(crate) fn print(
    profile: &Profile,
    plan: &Plan<'_>,
    since: Option<(&Lock, &Comparison)>,
    refused: Option<&Refusal>,
) -> Result<(), Failure> {
    let shapes = Shapes::of_plan(plan);
    let break_glass: BTreeSet<_> = plan.break_glass().map(|certificate| &certificate.key).collect();
    let certificates = Rows(|| {
        shapes.ids().filter_map(|id| {
            let certificate = shapes.get(id)?.certificate?;
            Some(CertificateJson {
                break_glass: break_glass.contains(id),
                id: id.to_string(),
                issuer: certificate.issuer,
                subject: certificate.subject,
                usages: certificate.usages,
                alt_names: certificate.alt_names,
                constraints: certificate.constraints,
                not_before: certificate.not_before,
                not_after: certificate.not_after,
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
        plan.recipients.iter().map(|recipient| PartJson {
            part: recipient.part().to_string(),
            files: plan.files(*recipient).into_iter().map(|file| file.path).collect(),
        })
    });
    let bindings = plan.required_bindings.iter().map(|binding| BindingJson {
        name: binding.name,
        cluster_role: binding.cluster_role,
        subject_kind: binding.subject_kind,
        subject: binding.subject,
    });
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
        changes: since.map(|(_, since)| Rows(|| since.changes.iter().map(change))),
        effects: since.map(|(_, since)| Rows(|| since.part_changes.iter().map(effect))),
        cuts_off_cert_manager: since.is_some_and(|(_, since)| since.cuts_off_cert_manager),
        refused: refused.map(ToString::to_string),
    };
    json::print("plan", &document)
}

pub(crate) fn effect(change: &PartChange) -> EffectJson<'_> {
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

pub(crate) fn change(change: &Change) -> ChangeJson {
    let kind = match change.kind {
        ChangeKind::Added => "added",
        ChangeKind::Removed => "removed",
        ChangeKind::Changed => "changed",
    };
    ChangeJson { id: change.id.to_string(), change: kind, reasons: changes::reasons(change) }
}
