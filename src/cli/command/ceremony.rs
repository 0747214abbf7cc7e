//! `ceremony`: the check list of a key ceremony, filled in with what is known.

use std::path::{Path, PathBuf};

use crate::bundle::Hex;
use crate::cli::args::CeremonyArguments;
use crate::cli::command::build;
use crate::cli::failure::{Failure, OrFailure};
use crate::cli::input::{lock_file, misplaced_secret, record_file};
use crate::cli::notice::Notice;
use crate::cli::text::ceremony::{Known, text};
use crate::host;
use crate::seal::Recipient;
use crate::shares::Record;
use crate::sign::Fingerprint;

/// The most bytes of a file of recipients.
const RECIPIENTS_LIMIT: u64 = 16 << 20;

/// How many people there are lines for.
const PEOPLE: usize = 2;

pub(crate) fn run(arguments: &CeremonyArguments) -> Result<String, Failure> {
    let CeremonyArguments { profile, record, recipient, recipients, date, place, person, .. } = arguments;
    if person.len() > PEOPLE {
        return Err(Failure::cannot_run(format!("there are lines for 2 people, and {} are named", person.len())));
    }
    let mut known = Known {
        date: date.clone(),
        place: place.clone(),
        people: person.clone(),
        program_sha256: Some(own_sha256()?),
        ..Known::default()
    };
    if let Some(path) = profile {
        read_profile(path, &mut known)?;
    }
    if let Some(path) = lock_path(arguments)? {
        read_lock(&path, profile.as_deref(), &mut known)?;
    }
    if let Some(path) = record {
        let record: Record = record_file::read(path)?;
        if let Some(id) = known.seed_id.as_ref().filter(|id| **id != record.seed_id) {
            return Err(Failure::says_no(format!(
                "{} is of the seed id {}, and the lock of {id}",
                path.display(),
                record.seed_id
            )));
        }
        known.seed_id = Some(record.seed_id.clone());
        known.record = Some(record);
    }
    for text in recipient {
        known.recipients.push((shortened(text), fingerprint(text, "--recipient")?));
    }
    if let Some(path) = recipients {
        read_recipients(path, &mut known)?;
    }
    text(&known).map_err(|name| Failure::defect(&format!("the check list has no value for {name}")))
}

/// Returns the SHA-256 of the program that runs.
fn own_sha256() -> Result<String, Failure> {
    // What the kernel runs, whatever lies at its path by now.
    let own = Path::new("/proc/self/exe");
    let hash = host::sha256(own).or_cannot("read", own)?;
    Ok(Hex(hash).to_string())
}

fn read_profile(path: &Path, known: &mut Known) -> Result<(), Failure> {
    let profile = build::read_profile(path)?;
    known.profile_sha256 = Some(Hex(profile.sha256).to_string());
    known.cluster = Some(profile.cluster.name.clone());
    Ok(())
}

/// Returns the path of the lock: what is named must be there, what lies beside the profile may be.
fn lock_path(arguments: &CeremonyArguments) -> Result<Option<PathBuf>, Failure> {
    match (&arguments.lock, &arguments.profile) {
        (Some(lock), _) => Ok(Some(lock.clone())),
        (None, Some(profile)) => {
            let path = lock_file::path(None, profile)?;
            Ok(path.exists().then_some(path))
        }
        (None, None) => Ok(None),
    }
}

fn read_lock(path: &Path, profile: Option<&Path>, known: &mut Known) -> Result<(), Failure> {
    let lock = lock_file::read(path)?;
    let lock = lock.ok_or_else(|| Failure::cannot_run(format!("there is no lock {}", path.display())))?;
    let is_of_another = known.profile_sha256.as_ref().is_some_and(|hash| *hash != lock.profile_sha256);
    if let (Some(profile), true) = (profile, is_of_another) {
        let (profile, path) = (profile.display(), path.display());
        Notice::new(format!("{path} is of another text of {profile}: the list is that for before the build"))
            .hint("after the build the lock is of this text, and the list has its hashes")
            .give();
    } else {
        known.lock_sha256 = Some(Hex(host::sha256(path).or_cannot("read the lock", path)?).to_string());
        known.content_sha256 = Some(lock.content_sha256);
    }
    let signer: Result<Fingerprint, _> = lock.signer.parse();
    let signer = signer.map_err(|error| Failure::cannot_run(format!("`signer` in {}: {error}", path.display())))?;
    known.signer = Some(signer);
    known.cluster = Some(lock.cluster);
    known.seed_id = Some(lock.seed_id);
    Ok(())
}

fn read_recipients(path: &Path, known: &mut Known) -> Result<(), Failure> {
    let bytes = host::read(path, RECIPIENTS_LIMIT).or_cannot("read the recipients", path)?;
    misplaced_secret::refuse_secret(path, &bytes, "a list of recipients")?;
    let file = path.display();
    let text = std::str::from_utf8(&bytes).map_err(|_| Failure::cannot_run(format!("{file} is not UTF-8")))?;
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
    {
        let mut words = line.split_whitespace();
        let (Some(name), Some(recipient), None) = (words.next(), words.next(), words.next()) else {
            return Err(Failure::cannot_run(format!("line {number} of {file} is not a name and a recipient")));
        };
        known.recipients.push((name.to_owned(), fingerprint(recipient, &format!("line {number} of {file}"))?));
    }
    Ok(())
}

fn fingerprint(text: &str, source: &str) -> Result<Fingerprint, Failure> {
    // Never the text, which may be the secret half.
    let recipient =
        Recipient::parse(text).map_err(|error| Failure::cannot_run(format!("what {source} names {error}")))?;
    let named = format!("sha256:{}", Hex(recipient.sha256())).parse();
    named.map_err(|_| Failure::defect("a hash is no fingerprint"))
}

/// Returns the beginning of a recipient, of which the hybrid kind has 2,000 letters.
fn shortened(text: &str) -> String {
    match text.get(..40) {
        Some(begin) if text.len() > 62 => format!("{begin}..."),
        _ => text.to_owned(),
    }
}
