//! `survey`: writes down the public facts of a node.

use std::path::Path;

use crate::cli::args::SurveyArguments;
use crate::cli::failure::Failure;
use crate::cli::input::node_folder;
use crate::cli::text::bounded;
use crate::host::{self, NodeRoot};
use crate::survey::{SCRIPT, Survey, Unread};
use crate::tree::Tree;
use crate::x509::escape_for_terminal;

pub(crate) fn run(arguments: &SurveyArguments) -> Result<String, Failure> {
    if arguments.script {
        return Ok(SCRIPT.to_owned());
    }
    let root = &arguments.root;
    node_folder::open(root)?;
    // Of another machine's disk nobody knows the addresses.
    let addresses = if root == Path::new("/") { host::addresses().unwrap_or_default() } else { Vec::new() };
    let survey = Survey::take(&Tree::read_any(NodeRoot::new(root.clone())), &addresses);
    if survey.is_empty() {
        return Err(Failure::cannot_run(format!("there is nothing of Kubernetes or etcd in {}", root.display()))
            .hint("name the root of a node's files with --root: the folder with etc/kubernetes or var/lib/kubelet"));
    }
    let lacking: Vec<_> = survey.lacking().collect();
    let text = survey.to_text();
    if lacking.is_empty() { Ok(text) } else { Err(incomplete(root, &lacking).output(text)) }
}

fn incomplete(root: &Path, lacking: &[&Unread]) -> Failure {
    let line = |unread: &&Unread| {
        escape_for_terminal(&format!("{}  {}", root.join(&unread.path).display(), unread.reason)) + "\n"
    };
    let lines = bounded::lines(lacking.iter().map(line));
    let count = lacking.len();
    let places =
        if count == 1 { "1 place could not be read".to_owned() } else { format!("{count} places could not be read") };
    let failure = Failure::cannot_run(format!("the survey is not complete: {places}")).lines(lines);
    if lacking.iter().any(|unread| unread.is_denied()) {
        failure.hint("keys are for root alone: run it as root")
    } else {
        failure
    }
}
