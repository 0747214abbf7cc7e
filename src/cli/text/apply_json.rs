//! What `apply` changes, in JSON.

use serde::Serialize;

use crate::cli::failure::Failure;
use crate::cli::text::apply::{Command, commands, reason};
use crate::cli::text::json;
use crate::cli::text::restart_json::{Failed, Recorder, RestartJson, StepJson, in_cluster};
use crate::cli::text::status::InstalledJson;
use crate::node::restart::{Effect, Progress};
use crate::node::{Applied, Changes, Difference, Foreseen, Installed, Method};

#[derive(Serialize)]
struct ApplyJson {
    changed: bool,
    dry_run: bool,
    cluster: String,
    node: String,
    role: &'static str,
    action: &'static str,
    before: Option<InstalledJson>,
    after: Option<InstalledJson>,
    interrupted: bool,
    files: Vec<FileJson>,
    folders: Vec<FolderJson>,
    kept: Vec<String>,
    written: Vec<WrittenJson>,
    can_roll_back: bool,
    restart: RestartJson,
    commands: Vec<CommandJson>,
    in_cluster: Vec<StepJson>,
}

/// A file of the node.
#[derive(Serialize)]
struct FileJson {
    path: String,
    change: &'static str,
    reason: Option<String>,
}

/// A folder that changes, and how.
#[derive(Serialize)]
struct FolderJson {
    path: String,
    method: &'static str,
}

/// What somebody wrote meanwhile.
#[derive(Serialize)]
struct WrittenJson {
    path: String,
    kept: Option<String>,
}

/// A command to run once on the node.
#[derive(Serialize)]
pub(crate) struct CommandJson {
    why: &'static str,
    command: String,
}

impl From<Command> for CommandJson {
    fn from(Command { why, command }: Command) -> Self {
        Self { why, command }
    }
}

/// Returns the document of what would be done.
pub(crate) fn dry_run(foreseen: &Foreseen<'_>) -> Result<String, Failure> {
    let Foreseen { changes, effect, restarted_by, is_interrupted, kept, dropped: _ } = foreseen;
    let document = ApplyJson {
        changed: !changes.is_nothing() || *is_interrupted,
        dry_run: true,
        interrupted: *is_interrupted,
        kept: kept.clone(),
        restart: RestartJson::new(effect, restarted_by, Vec::new()),
        ..of(changes, effect)
    };
    json::document("apply", &document)
}

/// Returns the document of what was done.
pub(crate) fn done(applied: &Applied<'_>, recorder: Recorder) -> Result<String, Failure> {
    let Applied { changes, effect, restarted_by, has_recovered, has_original, kept, written } = applied;
    let is_named = |folder: &String| {
        (folder.ends_with("/repaired") && changes.keeps_repaired()) || (folder.ends_with("/original") && *has_original)
    };
    let written = written.iter().map(|file| WrittenJson { path: file.place.clone(), kept: file.kept.clone() });
    let document = ApplyJson {
        changed: !changes.is_nothing() || *has_recovered || recorder.has_put_back,
        interrupted: *has_recovered,
        kept: kept.iter().filter(|folder| is_named(folder)).cloned().collect(),
        written: written.collect(),
        restart: RestartJson::new(effect, restarted_by, recorder.steps),
        ..of(changes, effect)
    };
    json::document("apply", &document)
}

fn of(changes: &Changes<'_>, effect: &Effect) -> ApplyJson {
    ApplyJson {
        changed: true,
        dry_run: false,
        cluster: changes.to.cluster.clone(),
        node: changes.to.node.clone(),
        role: changes.to.role.map_or("", |role| role.name()),
        action: match () {
            () if changes.is_nothing() => "none",
            () if changes.is_repair() => "repair",
            () => "install",
        },
        before: changes.from.as_ref().map(InstalledJson::from),
        after: Some(InstalledJson::from(&changes.to)),
        interrupted: false,
        files: files(changes),
        folders: changes.methods.iter().map(|(path, method)| folder(path, *method)).collect(),
        kept: Vec::new(),
        written: Vec::new(),
        can_roll_back: !changes.is_nothing() && !changes.is_repair(),
        restart: RestartJson::default(),
        commands: commands(changes, effect).into_iter().map(CommandJson::from).collect(),
        in_cluster: if changes.has_files() { in_cluster(effect) } else { Vec::new() },
    }
}

fn files(changes: &Changes<'_>) -> Vec<FileJson> {
    let file = |path: &String, change, reason| FileJson { path: path.clone(), change, reason };
    let of_part = changes.files.iter().map(|changed| {
        let change = match changed.difference {
            Difference::New => "new",
            Difference::Content => "changed",
            Difference::Mode => "access",
        };
        file(&changed.place, change, None)
    });
    let dropped = changes.dropped.iter().map(|dropped| file(&dropped.place, "removed", Some(reason(&dropped.reason))));
    let carried = changes.carried.iter().map(|place| file(place, "kept", None));
    of_part.chain(dropped).chain(carried).collect()
}

fn folder(path: &str, method: Method) -> FolderJson {
    let method = match method {
        Method::Folder => "folder",
        Method::Files => "files",
        Method::MountPoint => "mount-point",
        Method::Overlay => "overlay",
    };
    FolderJson { path: path.to_owned(), method }
}

/// What a run told on its way, for the document that it has also when it fails in its restart.
#[derive(Default)]
pub(crate) struct Run {
    pub(crate) recorder: Recorder,
    begun: Option<ApplyJson>,
}

impl Run {
    /// Takes note of an event.
    pub(crate) fn note(&mut self, event: &Progress<'_>) {
        if let Progress::Changes(changes) = event {
            self.begun = Some(of(changes, &Effect::of_changes(changes)));
        }
        self.recorder.note(event);
    }

    /// Returns the document of a run that failed in its restart. `after` is what is installed now.
    pub(crate) fn failed(self, failed: &Failed, after: Option<&Installed>) -> Result<String, Failure> {
        let Some(begun) = self.begun else { return Ok(String::new()) };
        let document = ApplyJson {
            changed: failed.changed || self.recorder.has_put_back,
            after: after.map(InstalledJson::from),
            can_roll_back: false,
            restart: RestartJson::failed(&self.recorder.effect, failed, self.recorder.steps),
            commands: Vec::new(),
            in_cluster: Vec::new(),
            ..begun
        };
        json::document("apply", &document)
    }
}
