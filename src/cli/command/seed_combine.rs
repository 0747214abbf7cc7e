//! `seed combine`: a seed's file of shares.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::args::{CombineArguments, OutputFormat};
use crate::cli::command::seed_file;
use crate::cli::command::seed_from_words::{check_new, tell_place};
use crate::cli::command::seed_keeping::Keep;
use crate::cli::failure::{Failure, named};
use crate::cli::input::paper::{self, Expected};
use crate::cli::input::record_file;
use crate::cli::notice::Notice;
use crate::cli::text::json;
use crate::keys::{Seed, wipe_stack};
use crate::shares::{self, COUNT, CombineError, Record, Share, ShareError};
use crate::words::{self, Slip, Typed};
use crate::x509::escape_for_terminal;

/// How many ways to choose some of the shares are tried, when more are there than it takes and not all of them fit.
const TRIES: usize = 5_000;

#[derive(Serialize)]
struct Json {
    changed: bool,
    dry_run: bool,
    file: String,
    id: Option<String>,
    set_id: Option<String>,
    threshold: Option<u8>,
    shares: Vec<u8>,
    sealed: Option<&'static str>,
    gitignore: Option<String>,
}

/// What came of the shares.
struct Made {
    id: String,
    set_id: String,
    threshold: u8,
    shares: Vec<u8>,
    gitignore: Option<PathBuf>,
}

/// A share, and where it was read.
struct Found {
    share: Share,
    name: String,
}

pub(crate) fn run(arguments: &CombineArguments) -> Result<String, Failure> {
    let CombineArguments { shares, out, expected, record, keep, dry_run, format } = arguments;
    let keep = Keep::from(keep);
    check_new(out, keep)?;
    let record = record.as_deref().map(|path| record_file::read(path).map(|record| (path, record))).transpose()?;
    let recorded = record
        .as_ref()
        .map(|(path, record)| Expected { id: record.seed_id.clone(), source: path.display().to_string() });
    let expected = Expected::of(expected, recorded)?;
    tell_place(out);
    let made = if *dry_run { None } else { Some(make(shares, out, record.as_ref(), expected, keep)?) };
    if format.output == OutputFormat::Json {
        let file = out.display().to_string();
        let sealed = keep.word();
        let document = match made {
            None => Json {
                changed: true,
                dry_run: true,
                file,
                id: None,
                set_id: None,
                threshold: None,
                shares: Vec::new(),
                sealed,
                gitignore: None,
            },
            Some(Made { id, set_id, threshold, shares, gitignore }) => Json {
                changed: true,
                dry_run: false,
                file,
                id: Some(id),
                set_id: Some(set_id),
                threshold: Some(threshold),
                shares,
                sealed,
                gitignore: gitignore.map(|path| path.display().to_string()),
            },
        };
        return json::document("seed-combine", &document);
    }
    Ok(match made {
        None => format!("{} would be made; nothing was written\n", out.display()),
        Some(Made { id, set_id, shares, gitignore, .. }) => {
            let head = seed_file::made_head(out, &id, keep, gitignore.as_deref());
            format!(
                "{head}It is the seed of the set {set_id}, of the shares {}. They stay good: keep them apart.\n",
                list(&shares)
            )
        }
    })
}

fn make(
    from: &[PathBuf],
    out: &Path,
    record: Option<&(&Path, Record)>,
    expected: Option<Expected>,
    keep: Keep<'_>,
) -> Result<Made, Failure> {
    let is_terminal = from.is_empty();
    let (found, on_pages) = if is_terminal { (ask()?, None) } else { read(from)? };
    if let Some((path, record)) = record {
        check_record(&found, path, record)?;
    }
    let expected = match expected.or(on_pages) {
        Some(expected) => expected,
        None if is_terminal => Expected::ask()?,
        None => return Err(Expected::missing()),
    };
    let (seed, used) = combine(found, &expected)?;
    wipe_stack();
    let Used { set_id, threshold, shares } = used;
    Ok(Made { id: seed.id(), set_id, threshold, shares, gitignore: seed_file::create(out, &seed, keep)? })
}

/// Reads the shares in files, and the seed's id that stands on their pages.
fn read(from: &[PathBuf]) -> Result<(Vec<Found>, Option<Expected>), Failure> {
    let (mut found, mut id): (Vec<Found>, Option<Expected>) = (Vec::new(), None);
    for path in from {
        let (text, file) = (paper::read_text(path)?, named(path).to_string());
        let pages = words::pages(&text);
        for (number, page) in (1..).zip(&pages) {
            let name = if pages.len() > 1 { format!("page {number} of {file}") } else { file.clone() };
            let typed = Typed::parse(page, COUNT, 0).map_err(|error| paper::no_words(&name, &error))?;
            paper::tell(&name, &typed.tolerated);
            if let Some(said) = typed.seed_id.as_deref() {
                let said = Expected::typed(said, &name)?;
                if let Some(before) = id.as_ref().filter(|before| before.id != said.id) {
                    return Err(Failure::cannot_run(format!(
                        "{} says the seed id {}, and {} says {}",
                        before.source, before.id, said.source, said.id
                    )));
                }
                id.get_or_insert(said);
            }
            // Shares without a head between them, one behind the other.
            let several = typed.indices.len() > COUNT && typed.indices.len().is_multiple_of(COUNT);
            let size = if several { COUNT } else { typed.indices.len().max(1) };
            if typed.indices.is_empty() {
                return Err(no_share(&name, &[], &ShareError::Count(0)));
            }
            for (number, indices) in (1..).zip(typed.indices.chunks(size)) {
                let name = if several { format!("share {number} in {name}") } else { name.clone() };
                let share = Share::read(indices).map_err(|error| no_share(&name, indices, &error))?;
                found.push(Found { share, name });
            }
        }
        if pages.is_empty() {
            return Err(no_share(&file, &[], &ShareError::Count(0)));
        }
    }
    Ok((found, id))
}

fn no_share(name: &str, indices: &[u16], error: &ShareError) -> Failure {
    let failure = Failure::cannot_run(format!("{name}: {error}"));
    match error {
        ShareError::Count(words::COUNT) => {
            failure.hint("24 words are those of a seed: `certferry seed from-words` takes them")
        }
        ShareError::Checksum => match Slip::find(indices, |tried| Share::read(tried).is_ok()) {
            Some(slip) => failure.hint(format!("{slip}: but for that the checksum holds")),
            None => failure.hint("no one slip explains it: compare every word with the paper"),
        },
        _ => failure,
    }
}

/// Asks for shares on the terminal until there are enough. One that does not go with those before is asked for again.
fn ask() -> Result<Vec<Found>, Failure> {
    let mut found: Vec<Found> = Vec::new();
    let mut said = String::new();
    loop {
        let threshold = found.first().map(|found| usize::from(found.share.threshold()));
        if threshold.is_some_and(|threshold| found.len() >= threshold) {
            return Ok(found);
        }
        let of = threshold.map(|threshold| format!(" of {threshold}")).unwrap_or_default();
        let (indices, tolerated) = paper::ask(&said, &format!("share {}{of}, ", found.len() + 1), COUNT)?;
        said = match Share::read(&indices) {
            Err(error) => no_share("that share", &indices, &error).text(),
            Ok(share) => {
                let name = format!("share {}", share.index());
                found.push(Found { share, name });
                match shares::check(found.iter().map(|found| &found.share)) {
                    Ok(()) => {
                        said = String::new();
                        paper::tell(&found.last().map(|found| found.name.clone()).unwrap_or_default(), &tolerated);
                        continue;
                    }
                    Err(error) => {
                        found.pop();
                        format!("error: {error}\n")
                    }
                }
            }
        };
        said.push_str("once more:\n");
    }
}

/// Refuses a share that is not the one of the record.
fn check_record(found: &[Found], path: &Path, record: &Record) -> Result<(), Failure> {
    let path = path.display();
    for Found { share, name } in found {
        if share.set_id() != record.set_id {
            return Err(Failure::says_no(format!(
                "{name} is of the set {}, and {path} of the set {}",
                share.set_id(),
                record.set_id
            )));
        }
        let row = record.shares.iter().find(|row| row.index == share.index());
        if row.is_none_or(|row| row.sha256 != share.sha256()) {
            return Err(Failure::says_no(format!("{name} is not the share {} of {path}", share.index()))
                .hint("its checksum holds: it was not mistyped but made so; ask who gave it"));
        }
    }
    Ok(())
}

/// What was taken of the shares.
struct Used {
    set_id: String,
    threshold: u8,
    shares: Vec<u8>,
}

/// Returns the seed of the expected id, and which shares make it.
fn combine(found: Vec<Found>, expected: &Expected) -> Result<(Seed, Used), Failure> {
    let names: Vec<String> = found.iter().map(|found| found.name.clone()).collect();
    let mut shares: Vec<Share> = found.into_iter().map(|found| found.share).collect();
    let bytes = shares::combine(&shares).map_err(|error| not_together(&error, &names, &shares))?;
    let (set_id, threshold) = shares.first().map(|share| (share.set_id(), share.threshold())).unwrap_or_default();
    let used = |shares: Vec<u8>| Used { set_id: set_id.clone(), threshold, shares };
    let seed_of = |bytes: &[u8; 32]| Seed::from_bytes(*bytes).ok();
    let first = seed_of(&bytes);
    let is_it = |seed: &Option<Seed>| seed.as_ref().is_some_and(|seed| seed.id() == expected.id);
    let numbers = |shares: &[Share]| shares.iter().map(Share::index).collect::<Vec<_>>();
    let all = numbers(&shares);
    // With more shares than it takes, one that is false can be told: with others in its place they make the seed.
    let count = usize::from(threshold);
    let mut tries = 0;
    let mut right = is_it(&first).then(|| (0..count).collect::<Vec<_>>());
    let mut chosen: Vec<usize> = (0..count).collect();
    while right.is_none() && tries < TRIES && next_choice(&mut chosen, shares.len()) {
        tries += 1;
        let secret = shares::combine_chosen(&shares, &chosen);
        if secret.is_ok_and(|secret| is_it(&seed_of(&secret))) {
            right = Some(chosen.clone());
        }
    }
    let Some(right) = right else {
        let given = first.map_or_else(|| "none at all".to_owned(), |seed| seed.id());
        let Expected { id, source } = expected;
        return Err(Failure::says_no(format!(
            "the shares {} give the seed id {given}, and {source} says {id}",
            list(&all.iter().copied().take(count).collect::<Vec<_>>())
        ))
        .hint("either the id is that of another seed, or a share was made false: their checksums hold")
        .hint("with one share more than it takes, a false one is found; --record FILE names it at once"));
    };
    let secret = shares::combine_chosen(&shares, &right).map_err(|error| not_together(&error, &names, &shares))?;
    let seed = seed_of(&secret).ok_or_else(|| Failure::defect("the shares gave a seed, and then none"))?;
    // Each of the others, in the place of one of these, must give the same.
    let mut good = right.clone();
    for other in (0..shares.len()).filter(|other| !right.contains(other)) {
        let mut tried = right.clone();
        tried[0] = other;
        let is_good = shares::combine_chosen(&shares, &tried).is_ok_and(|again| *again == *secret);
        if is_good {
            good.push(other);
        } else {
            let name = names.get(other).cloned().unwrap_or_default();
            Notice::new(format!("{name} is false: with it the shares give another seed"))
                .hint("its checksum holds: it was not mistyped but made so; ask who gave it")
                .give();
        }
    }
    let mut taken: Vec<u8> = good.iter().filter_map(|place| all.get(*place).copied()).collect();
    taken.sort_unstable();
    shares.clear();
    Ok((seed, used(taken)))
}

fn not_together(error: &CombineError, names: &[String], shares: &[Share]) -> Failure {
    let failure = Failure::cannot_run(error.to_string());
    // Files have names of their own.
    let read: Vec<String> = names
        .iter()
        .zip(shares)
        .map(|(name, share)| {
            format!("  share {} of the set {}: {}", share.index(), share.set_id(), escape_for_terminal(name))
        })
        .collect();
    match error {
        CombineError::TooFew { threshold, indices } => failure.lines(read.join("\n")).hint(format!(
            "these are whole; bring {} more of the set",
            usize::from(*threshold).saturating_sub(indices.len())
        )),
        CombineError::Mixed { .. } => failure
            .lines(read.join("\n"))
            .hint("a seed that is split again has another set, which goes with no older one"),
        CombineError::Doubled(_) => failure.lines(read.join("\n")).hint("each share counts once; bring another one"),
        CombineError::SameNumber(_) | CombineError::Thresholds { .. } => failure
            .lines(read.join("\n"))
            .hint("one of the two was made false: their checksums hold; --record FILE tells which"),
        CombineError::Defect => failure,
    }
}

/// Goes on to the next way to choose some of `count`. Returns `false` behind the last.
fn next_choice(chosen: &mut [usize], count: usize) -> bool {
    let size = chosen.len();
    for place in (0..size).rev() {
        if chosen[place] < count + place - size {
            chosen[place] += 1;
            for behind in place + 1..size {
                chosen[behind] = chosen[behind - 1] + 1;
            }
            return true;
        }
    }
    false
}

fn list(numbers: &[u8]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::next_choice;

    #[test]
    fn every_choice_comes_once() {
        let mut chosen = vec![0, 1, 2];
        let mut seen = vec![chosen.clone()];
        while next_choice(&mut chosen, 5) {
            seen.push(chosen.clone());
        }
        assert_eq!(seen.len(), 10);
        assert!(seen.is_sorted() && seen.iter().all(|chosen| chosen.is_sorted() && chosen[2] < 5));
        assert!(!next_choice(&mut [0, 1], 2));
    }
}
