//! The programs of a node, with what a survey holds of their settings.

use std::collections::BTreeSet;

use super::paths::Paths;
use super::settings::kind_of;
use super::value::{ValueKind, kept};
use super::{Program, ProgramKind, Setting, reason};
use crate::tree::{
    self, ETCD, ETCD_ENVIRONMENT, EXTRA_ARGUMENTS, KUBELET, KUBELET_FLAGS, Process, Tree, arguments, of_environment,
    services, variables,
};

/// Returns the programs: static pods, services, environment files.
pub(super) fn programs(tree: &Tree, folders: &[String], paths: &mut Paths) -> Vec<Program> {
    let mut programs = Vec::new();
    for place in folders.iter().flat_map(|folder| paths.names(tree, folder)).collect::<BTreeSet<_>>() {
        for process in static_pods(tree, &place, paths) {
            programs.push(program(&process, ProgramKind::StaticPod, paths));
        }
    }
    programs.extend(services(tree).iter().map(|process| program(process, ProgramKind::Service, paths)));
    let has = |programs: &[Program], name: &str| programs.iter().any(|program| program.name == name);
    if !has(&programs, KUBELET) {
        for file in std::iter::once(KUBELET_FLAGS).chain(EXTRA_ARGUMENTS) {
            let Some((place, text)) = paths.text(tree, file) else { continue };
            let process = Process::on_node(place, KUBELET, arguments(&text));
            programs.push(program(&process, ProgramKind::Environment, paths));
        }
    }
    if !has(&programs, ETCD)
        && let Some((place, text)) = paths.text(tree, ETCD_ENVIRONMENT)
    {
        let variables = variables(&text);
        let pairs = variables.iter().map(|(variable, value)| (variable.as_str(), value.as_str()));
        let process = Process::on_node(place, ETCD, of_environment(pairs));
        programs.push(program(&process, ProgramKind::Environment, paths));
    }
    programs
}

/// Returns the containers of a manifest. The kubelet reads every file whose name does not begin with a dot
/// (pkg/kubelet/config/file.go, v1.20.2).
fn static_pods(tree: &Tree, place: &str, paths: &mut Paths) -> Vec<Process> {
    if tree::name(place).starts_with('.') || tree.has_folder(place) {
        return Vec::new();
    }
    let Some((place, text)) = paths.text(tree, place) else { return Vec::new() };
    match Process::of_manifest(&place, &text) {
        Ok(processes) => {
            if processes.is_empty() {
                paths.unread(&place, reason::NOT_A_POD);
            }
            processes
        }
        Err(_) => {
            paths.unread(&place, reason::NOT_YAML);
            Vec::new()
        }
    }
}

fn program(process: &Process, kind: ProgramKind, paths: &mut Paths) -> Program {
    let (mut settings, mut withheld) = (Vec::new(), BTreeSet::new());
    // What another program is told is not known, not even which of its words are names.
    for setting in process.settings.iter().filter(|_| process.is_known()) {
        let known = kind_of(&process.program, &setting.flag);
        let value = known.and_then(|kind| Some((kind, kept(kind, &setting.value)?)));
        match value {
            Some((kind, value)) => {
                let at = place_of(process, kind, &value, paths);
                settings.push(Setting { name: setting.flag.clone(), value, at });
            }
            // One dash may stand before letters of which some are a value: `-ppassword`.
            None if !setting.said.starts_with('-') || setting.said.starts_with("--") => {
                withheld.extend(is_flag(&setting.flag).then(|| setting.flag.clone()));
            }
            None => {}
        }
    }
    Program {
        name: plain_name(&process.program),
        kind,
        path: process.file.clone(),
        version: process.version.filter(|_| process.is_known()).map(|version| version.to_string()),
        settings,
        withheld: withheld.into_iter().collect(),
    }
}

/// Notes the path on the node of what a setting names, and returns it where the value does not say it.
fn place_of(process: &Process, kind: ValueKind, value: &str, paths: &mut Paths) -> Option<String> {
    if !kind.is_path() {
        return None;
    }
    let place = process.place(value);
    if let Some(place) = &place {
        paths.name(kind, place);
    }
    let place = place.unwrap_or_default();
    (Some(place.as_str()) != value.strip_prefix('/')).then_some(place)
}

/// Returns whether a text is a flag's name.
fn is_flag(text: &str) -> bool {
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte);
    text.len() <= 64 && text.starts_with(|letter: char| letter.is_ascii_lowercase()) && text.bytes().all(is_name)
}

/// Returns the name of a program, or `unknown` when it is not made of the signs of names.
fn plain_name(name: &str) -> String {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._+".contains(&byte);
    let is_plain = !name.is_empty() && name.len() <= 64 && name.bytes().all(is_name);
    if is_plain { name.to_owned() } else { "unknown".to_owned() }
}
