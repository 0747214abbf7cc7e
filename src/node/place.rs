//! The places where certferry keeps its state on a node. The names are a contract (manual/formats.md, "State on a
//! node").

/// The folder of a node's state. It is in the folder of the kubeconfigs, so that a rename reaches it.
pub(crate) const STATE: &str = "etc/kubernetes/.certferry";
/// The file that a run locks.
pub(crate) const LOCK: &str = "etc/kubernetes/.certferry/lock";
/// The journal, which exists only while a run swaps.
pub(crate) const JOURNAL: &str = "etc/kubernetes/.certferry/journal";
/// The journal while it is being written.
pub(crate) const JOURNAL_NEW: &str = "etc/kubernetes/.certferry/journal.new";
/// The folder for manifests of static pods that are stopped while a run swaps the files that they read.
pub(crate) const AWAY: &str = "etc/kubernetes/.certferry/manifests";
/// The note of the components that must be started anew. It exists only while a run restarts them.
pub(crate) const RESTART: &str = "etc/kubernetes/.certferry/restart";
/// That note while it is being written.
pub(crate) const RESTART_NEW: &str = "etc/kubernetes/.certferry/restart.new";
/// The folder that says what is installed: [`RECORD`], [`SIGNATURE`], [`SIGNER`], [`NOT_AFTER`], [`ACCEPTED`].
pub(crate) const INSTALLED: &str = "etc/kubernetes/.certferry/installed";
/// The list of files that a person has taken away from what is installed.
pub(crate) const ACCEPTED: &str = "etc/kubernetes/.certferry/installed/accepted";
/// The list of the ends of the certificates that were installed.
pub(crate) const NOT_AFTER: &str = "etc/kubernetes/.certferry/installed/not_after";
/// The record of the installed part.
pub(crate) const RECORD: &str = "record.json";
/// The signature of that record.
pub(crate) const SIGNATURE: &str = "record.json.sig";
/// The public key under which the signature holds.
pub(crate) const SIGNER: &str = "signer.pub";
/// The list of a slot's units.
pub(crate) const UNITS: &str = "units";

/// The name of the hidden folder of slots in each folder that holds units.
pub(crate) const HIDDEN: &str = ".certferry";

/// A place for entries of units that are not live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// The entries that are staged to become live.
    Next,
    /// The entries of the previous generation, for rollback.
    Previous,
    /// The entries that a repair of the installed generation replaced.
    Repaired,
    /// The entries of a previous generation that certferry did not install, once there is a later one.
    Original,
    /// The entries that are about to be deleted.
    Discard,
}

impl Slot {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Previous => "previous",
            Self::Repaired => "repaired",
            Self::Original => "original",
            Self::Discard => "discard",
        }
    }

    /// Returns the slot of this name.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        let slots = [Self::Next, Self::Previous, Self::Repaired, Self::Original, Self::Discard];
        slots.into_iter().find(|slot| slot.name() == name)
    }

    /// Returns the folder of the slot beside the units of `home`.
    pub(super) fn folder(self, home: &str) -> String {
        format!("{}/{}", hidden(home), self.name())
    }
}

/// Returns the folder of slots in `home`.
pub(crate) fn hidden(home: &str) -> String {
    if home.is_empty() { HIDDEN.to_owned() } else { format!("{home}/{HIDDEN}") }
}

/// Returns the folder that holds a place, and the name of the place in it.
pub(crate) fn parent_and_name(place: &str) -> (&str, &str) {
    place.rsplit_once('/').unwrap_or(("", place))
}
