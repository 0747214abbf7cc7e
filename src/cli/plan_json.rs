//! The plan for programs: `plan -o json`.

use serde::Serialize;

use super::changes_text;
use super::failure::Failure;
use crate::lock::{Change, of_plan};
use crate::plan::{Effect, Plan, Recipient};

#[derive(Serialize)]
struct PlanJson {
    cluster: String,
    generation: u32,
    kubernetes: String,
    keys: Vec<KeyJson>,
    certificates: Vec<CertificateJson>,
    parts: Vec<PartJson>,
    required_bindings: Vec<BindingJson>,
    /// Absent without a lock.
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Vec<ChangeJson>>,
    effects: Vec<EffectJson>,
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
    issuer: String,
    subject: String,
    usages: Vec<String>,
    alt_names: Vec<String>,
    not_before: String,
    not_after: String,
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
struct ChangeJson {
    id: String,
    change: &'static str,
    reasons: Vec<String>,
}

#[derive(Serialize)]
struct EffectJson {
    node: String,
    files: Vec<String>,
    restarts: Vec<&'static str>,
}

/// One JSON document, two-space indent, with a newline at its end.
pub(super) fn render(plan: &Plan, changes: Option<&[Change]>, effects: &[Effect]) -> Result<String, Failure> {
    let shapes = of_plan(plan);
    let certificates = shapes.into_iter().filter_map(|(id, shape)| {
        let certificate = shape.certificate?;
        Some(CertificateJson {
            id,
            issuer: certificate.issuer,
            subject: certificate.subject,
            usages: certificate.usages,
            alt_names: certificate.alt_names,
            not_before: certificate.not_before,
            not_after: certificate.not_after,
        })
    });
    let keys = plan.keys.iter().map(|key| KeyJson {
        id: key.id.to_string(),
        algorithm: key.algorithm.name(),
        generation: key.generation,
    });
    let parts = plan.parts.iter().map(|part| PartJson {
        part: match &part.recipient {
            Recipient::Node(node) => format!("node/{}", node.name),
            Recipient::Cluster => "cluster".to_owned(),
        },
        files: part.files.iter().map(|file| file.path.clone()).collect(),
    });
    let bindings = plan.required_bindings.iter().map(|binding| BindingJson {
        name: binding.name,
        cluster_role: binding.cluster_role,
        subject_kind: binding.subject_kind,
        subject: binding.subject,
    });
    let effects = effects.iter().map(|effect| EffectJson {
        node: effect.node.clone(),
        files: effect.files.clone(),
        restarts: effect.restarts.iter().map(|component| component.name()).collect(),
    });
    let document = PlanJson {
        cluster: plan.cluster.clone(),
        generation: plan.generation,
        kubernetes: plan.kubernetes.to_string(),
        keys: keys.collect(),
        certificates: certificates.collect(),
        parts: parts.collect(),
        required_bindings: bindings.collect(),
        changes: changes.map(|changes| changes.iter().map(change).collect()),
        effects: effects.collect(),
    };
    let mut text = serde_json::to_string_pretty(&document).map_err(|error| Failure::defect(&error.to_string()))?;
    text.push('\n');
    Ok(text)
}

fn change(change: &Change) -> ChangeJson {
    let (kind, reasons) = match change {
        Change::Added(_) => ("added", Vec::new()),
        Change::Removed(_) => ("removed", Vec::new()),
        Change::Changed(_, reasons) => ("changed", reasons.iter().map(changes_text::reason).collect()),
    };
    ChangeJson { id: change.id().to_owned(), change: kind, reasons }
}
