//! Where a node keeps what certferry remembers of it. The names are a contract (manual/formats.md, "State on a node").

/// The folder of a node's state, in the folder of the kubeconfigs so that a rename reaches it.
pub(crate) const STATE: &str = "etc/kubernetes/.certferry";
/// Locked by a run.
pub(crate) const LOCK: &str = "etc/kubernetes/.certferry/lock";
/// There only while a run swaps.
pub(crate) const JOURNAL: &str = "etc/kubernetes/.certferry/journal";
/// The journal until it is whole.
pub(crate) const JOURNAL_NEW: &str = "etc/kubernetes/.certferry/journal.new";
/// Manifests of static pods that are stopped, while a run swaps the files that they read.
pub(crate) const AWAY: &str = "etc/kubernetes/.certferry/manifests";
/// Who must be started anew. There only while a run does it.
pub(crate) const RESTART: &str = "etc/kubernetes/.certferry/restart";
/// The same until it is whole.
pub(crate) const RESTART_NEW: &str = "etc/kubernetes/.certferry/restart.new";
/// What is installed: [`RECORD`], [`SIGNATURE`], [`SIGNER`].
pub(crate) const INSTALLED: &str = "etc/kubernetes/.certferry/installed";
/// The record of the installed part.
pub(crate) const RECORD: &str = "record.json";
/// Its signature.
pub(crate) const SIGNATURE: &str = "record.json.sig";
/// The public key that it holds under.
pub(crate) const SIGNER: &str = "signer.pub";
/// The list of a slot's units.
pub(crate) const UNITS: &str = "units";

/// The hidden folder of slots in each folder that holds units.
pub(crate) const HIDDEN: &str = ".certferry";

/// Where the entries of a unit wait that are not live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// Staged, to become live.
    Next,
    /// The generation before, for rollback.
    Previous,
    /// About to be deleted.
    Discard,
}

impl Slot {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Previous => "previous",
            Self::Discard => "discard",
        }
    }

    /// The slot's folder beside the units of `home`.
    pub(super) fn folder(self, home: &str) -> String {
        format!("{}/{}", hidden(home), self.name())
    }
}

/// The folder of slots of a home.
pub(crate) fn hidden(home: &str) -> String {
    if home.is_empty() { HIDDEN.to_owned() } else { format!("{home}/{HIDDEN}") }
}

/// The folder that holds a place, and its name there.
pub(crate) fn parent_and_name(place: &str) -> (&str, &str) {
    place.rsplit_once('/').unwrap_or(("", place))
}
