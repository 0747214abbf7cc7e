//! Writes down the public facts of a node.
//!
//! Why: a profile for a cluster that already runs is made on another machine, beyond an air gap. What crosses the gap is
//! one text file, which a person can read and let pass: it holds none of the node's secrets.
//!
//! Input: the files of a node below a root; of this very machine its addresses, too.
//!
//! Output: a [`Survey`], as data and as text (the manual, chapter formats, section 7).
//!
//! Refuses a text that is no survey. On a node nothing is refused: what cannot be read is listed as such.

mod configurations;
mod contents;
mod form;
mod kubeconfigs;
mod model;
mod paths;
mod programs;
mod reason;
mod script;
#[cfg(test)]
mod script_facts;
mod settings;
mod take;
mod text;
mod value;

pub use model::{
    Configuration, File, Kubeconfig, KubeconfigCluster, KubeconfigContext, KubeconfigUser, Link, Node, Program,
    ProgramKind, Setting, Survey, SurveyError, Unread,
};
pub use script::SCRIPT;
pub use settings::shown;
pub(crate) use take::looks_at;
