//! Reads systemd units: the command of a service, with drop-ins, environment and environment files.
//!
//! Source: systemd.service(5), systemd.exec(5), systemd.unit(5).

use std::collections::BTreeMap;

use super::files::{Tree, UNIT_FOLDERS, name};
use super::process::{ETCD, Process, of_environment, program_of, shell_words};
use crate::kubeconfig::resolve;

/// Where kubeadm's packages let people add flags for the kubelet.
pub(crate) const EXTRA_ARGUMENTS: [&str; 2] = ["etc/default/kubelet", "etc/sysconfig/kubelet"];

/// Returns the programs that services start, in the order of the services' names. The flags of some are not known.
pub(crate) fn processes(tree: &Tree) -> Vec<Process> {
    let mut services: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for place in tree.units.keys() {
        let service = match place.rsplit_once(".service.d/") {
            Some((folder, _)) => name(folder),
            None => name(place).trim_end_matches(".service"),
        };
        services.entry(service).or_default().push(place);
    }
    services.into_values().filter_map(|places| process(tree, &places)).collect()
}

fn process(tree: &Tree, places: &[&str]) -> Option<Process> {
    let rank = |place: &str| UNIT_FOLDERS.iter().position(|folder| place.starts_with(folder));
    let (units, mut drop_ins): (Vec<&str>, Vec<&str>) =
        places.iter().copied().partition(|place| !place.contains(".service.d/"));
    let unit = units.into_iter().min_by_key(|place| rank(place));
    // Of two drop-ins of one name the one in the first folder counts; they are read in the order of their names.
    drop_ins.sort_by_key(|place| (name(place), rank(place)));
    drop_ins.dedup_by_key(|place| name(place));
    let (mut commands, mut environment) = (Vec::new(), BTreeMap::new());
    for place in unit.into_iter().chain(drop_ins.iter().copied()) {
        for (key, value) in directives(tree.units.get(place)?) {
            match key.as_str() {
                "ExecStart" if value.is_empty() => commands.clear(),
                "ExecStart" => commands.push((value, place.to_owned())),
                "Environment" => environment.extend(shell_words(&value).iter().filter_map(|word| variable(word))),
                "EnvironmentFile" => {
                    let file = resolve("", value.trim_start_matches('-'));
                    environment.extend(variables(&tree.text_of(&file).unwrap_or_default()));
                }
                _ => {}
            }
        }
    }
    let started = commands.into_iter().map(|(command, place)| {
        let words = expanded(command.trim_start_matches(['@', '-', ':', '+', '!']), &environment);
        let (program, flags) = program_of(&words);
        let pairs = environment.iter().map(|(variable, value)| (variable.as_str(), value.as_str()));
        let mut settings = if program == ETCD { of_environment(pairs) } else { Vec::new() };
        settings.extend(flags);
        Process::on_node(place, &program, settings)
    });
    let mut started: Vec<_> = started.collect();
    let known = started.iter().position(Process::is_known).unwrap_or_default();
    (known < started.len()).then(|| started.swap_remove(known))
}

/// Returns the directives of a unit, in order. A line that ends in a backslash goes on.
fn directives(text: &str) -> Vec<(String, String)> {
    let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
    let lines = joined.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';']));
    lines
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

/// Returns the variables of an environment file.
pub(crate) fn variables(text: &str) -> Vec<(String, String)> {
    let joined = text.replace("\\\n", "");
    let lines = joined.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';']));
    lines.filter_map(variable).collect()
}

fn variable(line: &str) -> Option<(String, String)> {
    let (variable, value) = line.split_once('=')?;
    let value = value.trim();
    let is_quoted = |quote: char| value.len() >= 2 && value.starts_with(quote) && value.ends_with(quote);
    let value = if is_quoted('"') || is_quoted('\'') { value.get(1..value.len() - 1)? } else { value };
    Some((variable.trim().trim_start_matches("export ").to_owned(), value.to_owned()))
}

/// Returns the words of a command. `$X` as a word of its own is split into words; `${X}` is not.
fn expanded(command: &str, environment: &BTreeMap<String, String>) -> Vec<String> {
    let value = |variable: &str| environment.get(variable).cloned().unwrap_or_default();
    let mut words = Vec::new();
    for word in shell_words(command) {
        match word.strip_prefix('$').filter(|variable| is_name(variable)) {
            Some(variable) => words.extend(shell_words(&value(variable))),
            None => words.push(substituted(&word, &value)),
        }
    }
    words
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Returns a word with each `${X}` and `$X` in it replaced.
fn substituted(word: &str, value: &impl Fn(&str) -> String) -> String {
    let (mut text, mut rest) = (String::new(), word);
    while let Some((before, after)) = rest.split_once('$') {
        text += before;
        let (variable, tail) = match after.strip_prefix('{').and_then(|braced| braced.split_once('}')) {
            Some(found) => found,
            None => {
                let end =
                    after.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(after.len());
                after.split_at(end)
            }
        };
        text += &value(variable);
        rest = tail;
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{directives, expanded, variables};

    #[test]
    fn directives_go_over_lines() {
        let read = directives("[Service]\n# a=b\nExecStart=\nExecStart=/x \\\n  --a\n");
        assert_eq!(read, [("ExecStart".to_owned(), String::new()), ("ExecStart".to_owned(), "/x    --a".to_owned())]);
    }

    #[test]
    fn variables_are_put_in_as_systemd_does() {
        let read = variables("# no\nA=\"--b=c --d\"\nexport E='x y'\nF=1\n");
        let environment: BTreeMap<_, _> = read.into_iter().collect();
        let words = expanded("/k $A --e=${E} --f=$F $NONE", &environment);
        assert_eq!(words, ["/k", "--b=c", "--d", "--e=x y", "--f=1"]);
    }
}
