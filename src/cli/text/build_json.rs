//! What `build` makes, in JSON.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::failure::Failure;
use crate::cli::text::build_summary::{Ends, Places, check, ends};
use crate::cli::text::plan_json::{BindingJson, binding};
use crate::cli::text::sealing::{RecipientChangeJson, changes_json};
use crate::cli::text::{comparison_json, json};
use crate::host;
use crate::make::{Comparison, RecipientChange};
use crate::plan::{Plan, PlannedCertificate, Recipient};
use crate::x509::instant;

#[derive(Serialize)]
struct BuildJson<Since> {
    changed: bool,
    dry_run: bool,
    cluster: String,
    generation: u32,
    kubernetes: String,
    partial: bool,
    nodes: usize,
    certificates: usize,
    keys: usize,
    files: Vec<FileJson>,
    valid_from: Option<String>,
    first_to_end: Option<EndJson>,
    first_of_a_node: Option<EndJson>,
    signer: Option<String>,
    content_sha256: Option<String>,
    check: Option<String>,
    break_glass: Vec<EndJson>,
    required_bindings: Vec<BindingJson>,
    sealed: bool,
    recipient_changes: Vec<RecipientChangeJson>,
    #[serde(flatten)]
    since: Option<Since>,
}

#[derive(Serialize)]
struct FileJson {
    what: &'static str,
    path: Option<String>,
    change: Option<&'static str>,
}

/// A certificate and its end.
#[derive(Serialize)]
struct EndJson {
    id: String,
    not_after: String,
}

/// The files of a build as they are on the disk.
pub(crate) struct Files(Vec<State>);

struct State {
    what: &'static str,
    /// `None` for the bundle of a partial build, whose name is known at its end.
    path: Option<PathBuf>,
    /// The digest of a file that is there. That of a bundle is never taken, because a bundle is never overwritten.
    digest: Option<[u8; 32]>,
}

impl Files {
    /// Looks at the files to which a build writes.
    pub(crate) fn look(places: &Places, new_seed: Option<&Path>) -> Self {
        let bundle = places.archive.as_deref();
        let signature = places.signature.as_deref();
        let signed = [
            ("bundle", bundle),
            ("signature", signature),
            ("public-key", Some(places.public_key.as_path())),
            ("install-script", Some(&places.script)),
            ("install-script-signature", Some(&places.script_signature)),
            ("lock", Some(&places.lock)),
        ];
        let of_signer = [("checksum", places.checksum.as_deref()), ("request", places.request.as_deref())];
        let is_written = |(what, _): &(&str, Option<&Path>)| {
            !places.is_unsigned && (*what != "signature" || places.checksum.is_none())
        };
        let phases = places.phases.iter();
        let phases =
            phases.flat_map(|(archive, signature)| [("bundle", Some(&**archive)), ("signature", Some(&**signature))]);
        let files = phases.chain(signed.into_iter().filter(is_written));
        let files = files.chain(of_signer.into_iter().filter(|(_, path)| path.is_some()));
        let slices = places.slices.as_deref().map(|slices| ("slices", Some(slices)));
        let seed = new_seed.map(|seed| ("seed", Some(seed)));
        let gitignore = places.gitignore.as_deref().map(|gitignore| ("gitignore", Some(gitignore)));
        let state = |(what, path): (&'static str, Option<&Path>)| {
            let digest = path.and_then(|path| match what {
                "bundle" => path.exists().then_some([0; 32]),
                _ => host::sha256(path).ok(),
            });
            State { what, path: path.map(Path::to_owned), digest }
        };
        Self(files.chain(slices).chain(seed).chain(gitignore).map(state).collect())
    }

    /// Returns what became of the files since.
    fn since(&self, before: &Self) -> Vec<FileJson> {
        let change = |now: &State, before: &State| match before.digest {
            None => "new",
            Some(digest) if now.digest == Some(digest) => "same",
            Some(_) => "replaced",
        };
        let file = |(now, before): (&State, &State)| FileJson { change: Some(change(now, before)), ..now.json() };
        self.0.iter().zip(&before.0).map(file).collect()
    }

    /// Returns what will become of the files, as far as it is known: what is there may stay as it is.
    fn foreseen(&self) -> Vec<FileJson> {
        let change = |state: &State| state.digest.is_none().then_some("new");
        self.0.iter().map(|state| FileJson { change: change(state), ..state.json() }).collect()
    }
}

impl State {
    fn json(&self) -> FileJson {
        let path = self.path.as_ref().map(|path| path.display().to_string());
        FileJson { what: self.what, path, change: None }
    }
}

/// What only a build knows, and no dry run.
pub(crate) struct Result {
    pub(crate) signer: String,
    pub(crate) content_sha256: Option<String>,
}

/// Returns the document of what was made. `before` is how its files were before.
pub(crate) fn done(
    plan: &Plan<'_>,
    is_partial: bool,
    (places, before, now): (&Places, &Files, &Files),
    result: Result,
    comparison: Option<&Comparison>,
    changes: &[RecipientChange],
) -> std::result::Result<String, Failure> {
    let files = now.since(before);
    let document = BuildJson {
        changed: files.iter().any(|file| file.change != Some("same")),
        files,
        signer: Some(result.signer),
        content_sha256: result.content_sha256,
        sealed: places.is_sealed,
        recipient_changes: changes_json(changes),
        check: places.signature.is_some().then(|| check(places)),
        ..of(plan, is_partial, comparison)
    };
    json::document("build", &document)
}

/// Returns the document of what would be made.
pub(crate) fn dry_run(
    plan: &Plan<'_>,
    is_partial: bool,
    (files, is_sealed): (&Files, bool),
    comparison: Option<&Comparison>,
    changes: &[RecipientChange],
) -> std::result::Result<String, Failure> {
    let (files, differs) = (files.foreseen(), comparison.is_none_or(Comparison::differs));
    let changed = differs || files.iter().any(|file| file.change.is_some());
    let (sealed, recipient_changes) = (is_sealed, changes_json(changes));
    let document =
        BuildJson { changed, dry_run: true, files, sealed, recipient_changes, ..of(plan, is_partial, comparison) };
    json::document("build", &document)
}

fn of(plan: &Plan<'_>, is_partial: bool, comparison: Option<&Comparison>) -> BuildJson<impl Serialize> {
    let Ends { from, first, first_of_node } = ends(&plan.certificates);
    let end = |certificate: &PlannedCertificate| EndJson {
        id: certificate.key.to_string(),
        not_after: instant(certificate.validity.not_after),
    };
    let bindings = plan.required_bindings.iter().filter(|_| !is_partial);
    BuildJson {
        changed: true,
        dry_run: false,
        cluster: plan.cluster.clone(),
        generation: plan.generation,
        kubernetes: plan.kubernetes.to_string(),
        partial: is_partial,
        nodes: plan.recipients.iter().filter(|recipient| matches!(recipient, Recipient::Node(_))).count(),
        certificates: plan.certificates.len(),
        keys: plan.keys.len(),
        files: Vec::new(),
        valid_from: from.map(instant),
        first_to_end: first.map(end),
        first_of_a_node: first_of_node.map(end),
        signer: None,
        content_sha256: None,
        check: None,
        break_glass: plan.break_glass().map(end).collect(),
        required_bindings: bindings.map(binding).collect(),
        sealed: false,
        recipient_changes: Vec::new(),
        since: comparison.map(comparison_json::of),
    }
}
