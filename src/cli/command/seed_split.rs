//! `seed split`: a seed in shares, a page for each, and the record of them.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;
use zeroize::Zeroizing;

use crate::cli::args::{OutputFormat, SplitSeedArguments};
use crate::cli::command::page::{self, Place};
use crate::cli::command::seed_file::{self, WeakSeed};
use crate::cli::failure::{Failure, OrFailure};
use crate::cli::input::sealed::{self, Opener};
use crate::cli::text::json;
use crate::host::{self, Outputs};
use crate::keys::wipe_stack;
use crate::shares::{self, Record, Share};
use crate::words;

#[derive(Serialize)]
struct Json {
    changed: bool,
    dry_run: bool,
    seed_id: Option<String>,
    set_id: Option<String>,
    threshold: u8,
    record: Option<String>,
    shares: Vec<ShareJson>,
}

#[derive(Serialize)]
struct ShareJson {
    index: u8,
    file: String,
    sha256: Option<String>,
}

pub(crate) fn run(arguments: &SplitSeedArguments) -> Result<String, Failure> {
    let SplitSeedArguments { file, shares: count, threshold, open, out, page: how, dry_run, format, .. } = arguments;
    if threshold > count {
        return Err(Failure::cannot_run(format!("a threshold of {threshold} is more than the {count} shares"))
            .hint("with --shares 5 --threshold 3 any three of five make the seed again"));
    }
    let is_json = format.output == OutputFormat::Json;
    if is_json && out.is_none() {
        return Err(Failure::cannot_run("the shares and the document cannot both be printed")
            .hint("--out DIR writes the shares to files of mode 0600"));
    }
    let hint = "--out DIR writes them to files of mode 0600";
    let place = Place::of(how, out.is_some() || *dry_run, "the shares of a seed", hint)?;
    let places = Places::new(arguments);
    places.check()?;
    if *dry_run {
        return if is_json { places.document(arguments, None) } else { Ok(places.foreseen(*count)) };
    }
    let seed = seed_file::read(file, WeakSeed::Named, &Opener::new(open))?;
    let made = shares::split(seed.as_bytes(), *threshold, *count, |bytes| host::random_bytes(bytes).is_ok());
    // Powers of secrets lay there.
    wipe_stack();
    let made = made.map_err(|error| Failure::cannot_run(error.to_string()))?;
    let (record, id) = (Record::of(&seed.id(), &made), seed.id());
    drop(seed);
    let sheets = made.iter().map(|share| {
        let body = page::words_and_code(&share.indices(), how, place)?;
        Ok::<_, Failure>(sheet(share, *count, &id, &body))
    });
    let sheets: Vec<_> = sheets.collect::<Result<_, _>>()?;
    if place != Place::File {
        // Before anything is shown: what fails later would leave shares of which there is no record.
        places.write(&[], &record)?;
        show(&sheets, place)?;
        return Ok(places.summary(&record));
    }
    places.write(&sheets, &record)?;
    if is_json { places.document(arguments, Some(&record)) } else { Ok(places.summary(&record)) }
}

/// Returns the page of a share.
fn sheet(share: &Share, count: u8, id: &str, body: &str) -> Zeroizing<String> {
    let (index, threshold, sha256) = (share.index(), share.threshold(), share.sha256());
    let head = format!(
        "{}share {index} of {count}: any {threshold} make the seed, fewer tell nothing of it.\n\
         # Keep it apart from the others. `certferry seed combine` takes the words.\n\n\
         set: {}\nshare: {index} of {count}, threshold {threshold}\nseed id: {id}\nchecksum: {}\nsha256: {sha256}\n\n",
        words::HEAD,
        share.set_id(),
        share.checksum(),
    );
    let mut page = Zeroizing::new(String::with_capacity(head.len() + body.len()));
    page.push_str(&head);
    page.push_str(body);
    page
}

/// Shows each page for itself on a terminal; prints all of them, each on paper of its own, otherwise.
fn show(sheets: &[Zeroizing<String>], place: Place) -> Result<(), Failure> {
    for (number, sheet) in (1..).zip(sheets) {
        if place == Place::Terminal {
            if number > 1 {
                wait(&format!("Enter shows share {number} of {}. ", sheets.len()))?;
                host::clear_terminal();
            }
        } else if number > 1 {
            page::print("\u{c}")?;
        }
        page::print(sheet)?;
    }
    if place == Place::Stdout {
        // What follows is no secret, and belongs to no share.
        page::print("\u{c}")?;
    }
    if place == Place::Terminal {
        wait("Enter takes the last share off the screen. ")?;
        host::clear_terminal();
    }
    Ok(())
}

fn wait(prompt: &str) -> Result<(), Failure> {
    match host::read_shown(prompt, 1 << 10) {
        Ok(_) => Ok(()),
        // Its output is a terminal, but nobody sits there.
        Err(error) if sealed::is_no_terminal(&error) => Ok(()),
        Err(error) => Err(Failure::io("read from", Path::new("/dev/tty"), &error)),
    }
}

/// The files that are made.
struct Places {
    folder: Option<PathBuf>,
    shares: Vec<PathBuf>,
    record: Option<PathBuf>,
}

impl Places {
    fn new(arguments: &SplitSeedArguments) -> Self {
        let SplitSeedArguments { out, record, shares, .. } = arguments;
        let name = |folder: &PathBuf| (1..=*shares).map(|index| folder.join(format!("share-{index}.txt"))).collect();
        Self {
            folder: out.clone(),
            shares: out.as_ref().map(name).unwrap_or_default(),
            record: record.clone().or_else(|| Some(out.as_ref()?.join("record.toml"))),
        }
    }

    /// Refuses places that are taken.
    fn check(&self) -> Result<(), Failure> {
        if let Some(folder) = &self.folder {
            host::check_new_tree(folder).map_err(|error| {
                Failure::io("write to", folder, &error).hint("name a folder that does not exist or is empty")
            })?;
        }
        let outside = self.record.iter().filter(|record| self.folder.as_deref() != record.parent());
        for record in outside {
            host::check_new_file(record).or_cannot("create", record)?;
        }
        Ok(())
    }

    fn write(&self, sheets: &[Zeroizing<String>], record: &Record) -> Result<(), Failure> {
        let mut outputs = Outputs::new();
        if let Some(folder) = &self.folder {
            outputs.create_folder(folder, 0o700).or_cannot("create", folder)?;
        }
        for (path, sheet) in self.shares.iter().zip(sheets) {
            let mut file = outputs.stage(path, 0o600, false).or_cannot("create", path)?;
            file.write_all(sheet.as_bytes()).or_cannot("write", path)?;
        }
        if let Some(path) = &self.record {
            outputs.put(path, record.to_text().as_bytes(), 0o644, false).or_cannot("create", path)?;
        }
        outputs.commit().map_err(|refused| Failure::commit("create", &refused))
    }

    fn foreseen(&self, count: u8) -> String {
        let folder = self
            .folder
            .iter()
            .map(|folder| format!("{}  {count} shares, would be written; nothing was\n", folder.display()));
        let record = self
            .record
            .iter()
            .map(|record| format!("{}  the record, would be written; nothing was\n", record.display()));
        let said: String = folder.chain(record).collect();
        if said.is_empty() { format!("{count} shares would be shown; nothing was\n") } else { said }
    }

    fn summary(&self, record: &Record) -> String {
        let Record { seed_id, set_id, threshold, shares, .. } = record;
        let count = shares.len();
        let mut text =
            format!("{count} shares of the seed id {seed_id}, set {set_id}: any {threshold} make it again\n\n");
        for (place, share) in shares.iter().enumerate() {
            let file = self.shares.get(place).map(|file| format!("  {}", file.display())).unwrap_or_default();
            text += &format!("share {}{file}\n  sha256 {}\n", share.index, share.sha256);
        }
        match &self.record {
            Some(path) => {
                text +=
                    &format!("\n{}  the record of these hashes, for the protocol; no secret is in it\n", path.display())
            }
            None => text += "\nWrite the hashes into the protocol: they are no secret.\n",
        }
        text + if self.folder.is_some() {
            "Each share to another person, on paper. Then destroy the files.\n"
        } else {
            "Each share to another person.\n"
        }
    }

    fn document(&self, arguments: &SplitSeedArguments, record: Option<&Record>) -> Result<String, Failure> {
        let row = |(place, file): (usize, &PathBuf)| ShareJson {
            index: u8::try_from(place + 1).unwrap_or_default(),
            file: file.display().to_string(),
            sha256: record.and_then(|record| Some(record.shares.get(place)?.sha256.clone())),
        };
        let document = Json {
            changed: true,
            dry_run: arguments.dry_run,
            seed_id: record.map(|record| record.seed_id.clone()),
            set_id: record.map(|record| record.set_id.clone()),
            threshold: arguments.threshold,
            record: self.record.as_ref().map(|path| path.display().to_string()),
            shares: self.shares.iter().enumerate().map(row).collect(),
        };
        json::document("seed-split", &document)
    }
}
