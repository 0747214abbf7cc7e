//! The plan as JSON for programs: `plan -o json`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use crate::bundle::Hex;
use crate::cli::failure::Failure;
use crate::cli::text::comparison_json::{self, Rows};
use crate::cli::text::foreign_etcd::{self, ForeignEtcdJson};
use crate::cli::text::json;
use crate::cli::text::registries::{self, RegistryJson};
use crate::cli::text::sealing::{RecipientChangeJson, changes_json};
use crate::kubernetes::{PartName, RequiredBinding};
use crate::lock::{Lock, Refusal, Shapes};
use crate::make::{Comparison, RecipientChange};
use crate::plan::Plan;
use crate::profile::Profile;
use crate::x509::instant;

#[derive(Serialize)]
struct PlanJson<'p, Keys, Certificates, Parts, Phase, Since> {
    cluster: String,
    generation: u32,
    kubernetes: String,
    profile_sha256: String,
    keys: Keys,
    certificates: Certificates,
    parts: Parts,
    /// The etcd of somebody else. Absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    foreign_etcd: Option<ForeignEtcdJson<'p>>,
    /// Whose roots the nodes trust.
    registries: Vec<RegistryJson<'p>>,
    required_bindings: Vec<BindingJson>,
    recipient_changes: Vec<RecipientChangeJson>,
    parts_without_recipient: Vec<String>,
    /// What each phase of a rotation changes against the state before it. Absent without a rotation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    phases: Vec<Phase>,
    /// The lock. Without one, this field and those that follow are absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    lock: Option<LockJson>,
    #[serde(flatten)]
    since: Option<Since>,
    /// The reason why a build would be refused, if one is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refused_hints: Vec<String>,
}

/// A phase of a rotation.
#[derive(Serialize)]
struct PhaseJson<Of> {
    number: u32,
    #[serde(flatten)]
    of: Of,
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
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    adopted: bool,
}

/// A certificate that is there already.
#[derive(Serialize)]
struct AdoptedJson {
    certificate_sha256: String,
    not_after: String,
    renewed: bool,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    adopted: Option<AdoptedJson>,
    not_before: Arc<str>,
    not_after: Arc<str>,
}

#[derive(Serialize)]
struct PartJson {
    part: String,
    files: Vec<String>,
}

/// A ClusterRoleBinding without which certificates do not work.
#[derive(Serialize)]
pub(crate) struct BindingJson {
    name: &'static str,
    cluster_role: &'static str,
    subject_kind: &'static str,
    subject: &'static str,
}

/// Returns the binding as it stands in JSON.
pub(crate) fn binding(binding: &RequiredBinding) -> BindingJson {
    BindingJson {
        name: binding.name,
        cluster_role: binding.cluster_role,
        subject_kind: binding.subject_kind,
        subject: binding.subject,
    }
}

/// Prints one JSON document with an indent of two spaces and a newline at its end.
pub(crate) fn print(
    profile: &Profile,
    plan: &Plan<'_>,
    since: Option<(&Lock, &Comparison)>,
    refused: Option<(&Refusal, Vec<String>)>,
    (changes, without): (&[RecipientChange], &[PartName]),
    phases: &[Comparison],
) -> Result<(), Failure> {
    let shapes = Shapes::of_plan(plan);
    let break_glass: BTreeSet<_> = plan.break_glass().map(|certificate| &certificate.key).collect();
    let authorities = plan.certificates.iter().filter(|planned| planned.is_ca);
    let existing: BTreeMap<_, _> =
        authorities.filter_map(|planned| Some((&planned.key, planned.existing.as_deref()?))).collect();
    let certificates = Rows(|| {
        shapes.ids().filter_map(|id| {
            let certificate = shapes.get(id)?.certificate?;
            Some(CertificateJson {
                break_glass: break_glass.contains(id),
                adopted: existing.get(id).map(|existing| AdoptedJson {
                    certificate_sha256: Hex(existing.sha256).to_string(),
                    not_after: instant(existing.not_after),
                    renewed: existing.is_renewed,
                }),
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
            adopted: key.adopted.is_some(),
        })
    });
    let parts = Rows(|| {
        plan.recipients.iter().map(|recipient| PartJson {
            part: recipient.part().to_string(),
            files: plan.files(*recipient).into_iter().map(|file| file.path).collect(),
        })
    });
    let document = PlanJson {
        cluster: plan.cluster.clone(),
        generation: plan.generation,
        kubernetes: plan.kubernetes.to_string(),
        profile_sha256: Hex(profile.sha256).to_string(),
        keys,
        certificates,
        parts,
        foreign_etcd: foreign_etcd::json(profile),
        registries: registries::json(profile),
        required_bindings: plan.required_bindings.iter().map(binding).collect(),
        recipient_changes: changes_json(changes),
        parts_without_recipient: without.iter().map(ToString::to_string).collect(),
        phases: (1..).zip(phases).map(|(number, phase)| PhaseJson { number, of: comparison_json::of(phase) }).collect(),
        lock: since.map(|(lock, _)| LockJson {
            generation: lock.generation,
            kubernetes: lock.kubernetes.clone(),
            profile_sha256: lock.profile_sha256.clone(),
        }),
        since: since.map(|(_, since)| comparison_json::of(since)),
        refused: refused.as_ref().map(|(refusal, _)| refusal.to_string()),
        refused_hints: refused.map(|(_, hints)| hints).unwrap_or_default(),
    };
    json::print("plan", &document)
}
