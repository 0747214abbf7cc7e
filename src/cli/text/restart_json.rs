//! Who restarts, in JSON, for `apply` and `rollback`.

use serde::Serialize;

use crate::cli::notice::Notice;
use crate::cli::text::restart::{self, Step};
use crate::kubernetes::Component;
use crate::node::ApplyError;
use crate::node::restart::{Effect, Plan, Progress, RestartError, RestartedBy};

/// What restarts or has restarted.
#[derive(Default, Serialize)]
pub(crate) struct RestartJson {
    /// How it went, or what is to be done.
    outcome: Outcome,
    /// Who must start anew or was started anew, in the order of a list.
    components: Vec<&'static str>,
    /// The static pods to stop, stage by stage. Empty when certferry has restarted them, whose steps say it.
    stop: Vec<Vec<&'static str>>,
    /// Whom to start, stage by stage.
    start: Vec<Vec<&'static str>>,
    /// The lines of a shell script that does it.
    commands: Vec<String>,
    /// What a person must know on the way.
    notes: Vec<String>,
    /// Whether nothing restarts, because kube-apiserver reads by itself what changes.
    reloaded: bool,
    /// Who will be well only once other nodes have changed, too.
    later: Vec<&'static str>,
    /// What `--restart` did, step by step.
    steps: Vec<String>,
    /// What failed.
    failure: Option<String>,
}

/// How a restart went.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// Nothing must restart.
    #[default]
    None,
    /// A person restarts what is named.
    ToDo,
    /// Everything is restarted.
    Done,
    /// A component did not end. No file was changed, and what was stopped is started again.
    DidNotEnd,
    /// A component did not come up. The files before are back, and everything is well with them.
    WentBack,
    /// A component did not come up, with the files before neither, which are back.
    WentBackUnwell,
    /// A component is not well, as it was before. The new files stay.
    Unwell,
    /// A component did not come up, and the files before could not be brought back.
    Stuck,
}

impl RestartJson {
    /// Returns what must restart or has restarted, with the steps that were taken.
    pub(crate) fn new(effect: &Effect, restarted_by: &RestartedBy, steps: Vec<String>) -> Self {
        let components = names(&effect.restarts);
        let restart = Self { components, reloaded: effect.is_reloaded, steps, ..Self::default() };
        match restarted_by {
            _ if effect.restarts.is_empty() => restart,
            RestartedBy::Certferry { later } => Self {
                outcome: Outcome::Done,
                notes: restart::later(later).into_iter().collect(),
                later: names(later),
                ..restart
            },
            RestartedBy::Person { pods } => {
                let plan = Plan::by_person(&effect.restarts, pods);
                let commands = restart::commands(&plan);
                let notes = [restart::on_all_control_planes(effect), restart::without_crictl(&plan)];
                let kubelet = plan.services.contains(&Component::Kubelet).then(|| vec![Component::Kubelet.name()]);
                Self {
                    outcome: Outcome::ToDo,
                    stop: plan.stops().iter().map(names).collect(),
                    start: kubelet.into_iter().chain(plan.starts().iter().map(names)).collect(),
                    commands,
                    notes: notes.into_iter().flatten().map(|note| note.replace('\n', " ")).collect(),
                    ..restart
                }
            }
        }
    }

    /// Returns how a restart failed.
    pub(crate) fn failed(effect: &Effect, failed: &Failed, steps: Vec<String>) -> Self {
        let (outcome, failure) = (failed.outcome, Some(failed.failure.clone()));
        Self { outcome, failure, components: names(&effect.restarts), steps, ..Self::default() }
    }
}

fn names<'a>(components: impl IntoIterator<Item = &'a Component>) -> Vec<&'static str> {
    components.into_iter().map(|component| component.name()).collect()
}

/// A restart that failed.
pub(crate) struct Failed {
    outcome: Outcome,
    failure: String,
    /// Whether files are other than before, live or kept.
    pub(crate) changed: bool,
}

impl Failed {
    /// Returns how the restart failed. Returns `None` for any other error, and for one before the restart began.
    pub(crate) fn of(error: &ApplyError) -> Option<Self> {
        let ApplyError::Restart(error) = error else { return None };
        let (outcome, changed) = match error {
            RestartError::Running { .. } => (Outcome::DidNotEnd, false),
            RestartError::Back { still: None, .. } => (Outcome::WentBack, true),
            RestartError::Back { still: Some(_), .. } => (Outcome::WentBackUnwell, true),
            RestartError::Unwell(_) => (Outcome::Unwell, true),
            RestartError::Stuck { .. } => (Outcome::Stuck, true),
            _ => return None,
        };
        Some(Self { outcome, failure: error.to_string(), changed })
    }
}

/// What remains to be done in the cluster.
#[derive(Serialize)]
pub(crate) struct StepJson {
    step: &'static str,
    why: Option<&'static str>,
}

/// Returns what remains to be done in the cluster once the last node has changed, in order.
pub(crate) fn in_cluster(effect: &Effect) -> Vec<StepJson> {
    restart::in_cluster_steps(effect).into_iter().map(|Step { step, why }| StepJson { step, why }).collect()
}

/// What a run told on its way.
#[derive(Default)]
pub(crate) struct Recorder {
    /// The steps, in the words for a person.
    pub(crate) steps: Vec<String>,
    /// What the changes mean for the components that a restart was begun for.
    pub(crate) effect: Effect,
    /// Whether manifests were put back that an interrupted run had taken away.
    pub(crate) has_put_back: bool,
}

impl Recorder {
    /// Takes note of a step, and gives what a person must know as a warning.
    pub(crate) fn note(&mut self, event: &Progress<'_>) {
        self.has_put_back |= matches!(event, Progress::PutBack(_));
        if let Progress::Effect(effect) = event {
            self.effect = (*effect).clone();
        }
        let text = restart::progress(event);
        if event.is_message() {
            let text = text.trim_start_matches("warning: ");
            let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
            Notice::new(first).lines(rest).give();
        } else {
            self.steps.extend(text.lines().map(str::to_owned));
        }
    }
}
