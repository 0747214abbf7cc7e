//! The check list of a ceremony, 80 columns wide, with lines to fill in for what is not known.

use crate::shares::Record;
use crate::sign::Fingerprint;
use crate::template;
use crate::x509::escape_for_terminal;

/// Between which everything stands.
const COLUMNS: usize = 80;

/// What is written in front of a value.
const INDENT: &str = "    ";

/// A line for a pen.
const LINE: &str = "________________________________________________";

/// How many lines there are for recipients or shares of whom nothing is known yet.
const FREE: usize = 3;

/// What is known. Hashes are 64 hex digits.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) cluster: Option<String>,
    pub(crate) date: Option<String>,
    pub(crate) place: Option<String>,
    pub(crate) people: Vec<String>,
    pub(crate) program_sha256: Option<String>,
    pub(crate) profile_sha256: Option<String>,
    pub(crate) lock_sha256: Option<String>,
    pub(crate) seed_id: Option<String>,
    pub(crate) content_sha256: Option<String>,
    pub(crate) signer: Option<Fingerprint>,
    /// Whose fingerprints there are.
    pub(crate) recipients: Vec<(String, Fingerprint)>,
    pub(crate) record: Option<Record>,
}

/// Returns the check list.
///
/// # Errors
/// Fails with the name in the template that has no value.
pub(crate) fn text(known: &Known) -> Result<String, String> {
    let line = |value: &Option<String>| one_line(value.as_deref().unwrap_or(LINE));
    let person = |place: usize| line(&known.people.get(place).cloned());
    let hash = |value: &Option<String>| value.as_deref().map_or_else(|| blank_groups(16), groups);
    let matches = match (&known.profile_sha256, &known.lock_sha256) {
        (Some(_), Some(_)) => format!("{INDENT}compared by certferry: yes"),
        _ => format!("{INDENT}profile_sha256 and seed_id in the lock: {}", LINE.get(..20).unwrap_or_default()),
    };
    let values = [
        ("cluster", known.cluster.clone().unwrap_or_else(|| LINE.to_owned())),
        ("date", line(&known.date)),
        ("place", line(&known.place)),
        ("a", person(0)),
        ("b", person(1)),
        ("program", hash(&known.program_sha256)),
        ("version", format!("certferry {}", env!("CARGO_PKG_VERSION"))),
        ("profile", hash(&known.profile_sha256)),
        ("recipients", recipients(&known.recipients)),
        ("seed_id", known.seed_id.as_deref().map_or_else(|| blank_groups(4), groups)),
        ("lock", hash(&known.lock_sha256)),
        ("match", matches),
        ("content", hash(&known.content_sha256)),
        ("signer", known.signer.as_ref().map_or_else(|| blank_groups(16), |signer| groups(&signer.halves().concat()))),
        ("shares", shares(known.record.as_ref())),
    ];
    let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let text = template::render(include_str!("../../../templates/ceremony.txt"), &values)?;
    // Names of people and clusters may be wider than a page.
    Ok(text.lines().map(|line| broken(line) + "\n").collect::<String>())
}

/// Returns the digits in groups of four, eight in a line.
fn groups(digits: &str) -> String {
    let digits: Vec<char> = digits.chars().filter(|digit| !digit.is_whitespace()).collect();
    let groups: Vec<String> = digits.chunks(4).map(|group| group.iter().collect()).collect();
    lines_of(&groups)
}

fn blank_groups(count: usize) -> String {
    lines_of(&vec!["____".to_owned(); count])
}

fn lines_of(groups: &[String]) -> String {
    groups.chunks(8).map(|line| format!("{INDENT}{}", line.join(" "))).collect::<Vec<_>>().join("\n")
}

fn recipients(known: &[(String, Fingerprint)]) -> String {
    if known.is_empty() {
        return free(|| format!("{INDENT}{LINE}\n{}", blank_groups(16)));
    }
    let row = |(name, fingerprint): &(String, Fingerprint)| {
        format!("{INDENT}{}\n{}", one_line(name), groups(&fingerprint.to_string().replace("sha256:", "")))
    };
    known.iter().map(row).collect::<Vec<_>>().join("\n")
}

fn shares(record: Option<&Record>) -> String {
    const HOLDER: &str = "holder __________________________  signed __________________________";
    let Some(record) = record else {
        return format!(
            "[ ] The set of shares, if there is one: ____ ____\n[ ] sha256 of each share, from the record, and who has it:\n{}",
            free(|| format!("{INDENT}share ___\n{}\n{INDENT}{HOLDER}", blank_groups(16)))
        );
    };
    let mut text = format!(
        "[ ] The set of shares is {}: {} shares, any {} make the seed again.\n[ ] sha256 of each share, from the record, and \
         who has it:",
        record.set_id,
        record.shares.len(),
        record.threshold
    );
    // The end of that line is beyond the page.
    text = text.replace(", and who", ",\n    and who");
    for share in &record.shares {
        text += &format!("\n{INDENT}share {}\n{}\n{INDENT}{HOLDER}", share.index, groups(&share.sha256));
    }
    text
}

fn free(line: impl Fn() -> String) -> String {
    (0..FREE).map(|_| line()).collect::<Vec<_>>().join("\n")
}

/// Returns a text from an argument or a file in one line.
fn one_line(text: &str) -> String {
    escape_for_terminal(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Returns a line broken at the edge of the page.
fn broken(line: &str) -> String {
    if line.chars().count() <= COLUMNS {
        return line.to_owned();
    }
    textwrap::fill(line, textwrap::Options::new(COLUMNS).subsequent_indent("       "))
}
