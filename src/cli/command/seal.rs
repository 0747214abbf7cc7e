//! `seal`: puts each part of a bundle into an envelope that only its node opens.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek};
use std::path::{Path, PathBuf};

use rayon::ThreadPoolBuilder;
use sha2::{Digest, Sha256};

use crate::bundle::sealed::{self, Beginning};
use crate::bundle::{Reader, Row};
use crate::cli::args::{OutputFormat, SealArguments};
use crate::cli::command::build;
use crate::cli::command::sealed_file::{MODE, cannot_seal};
use crate::cli::command::seed_file::{self, WeakSeed};
use crate::cli::failure::{Failure, OrFailure, named as named_file};
use crate::cli::input::opening::Kind;
use crate::cli::input::recipients::{self, Named};
use crate::cli::input::sealed::Opener;
use crate::cli::input::{bundle, signer_key, source};
use crate::cli::text::sealing::{self, SealedFiles};
use crate::host::{self, Outputs};
use crate::keys::{PrivateKey, wipe_stack};
use crate::kubernetes::{PartName, is_authority_key};
use crate::make::{Defect, Envelopes, Signer};
use crate::profile::Profile;
use crate::sign::PublicKey;

/// The bytes of files from which on parts are judged side by side.
const BATCH: usize = 1 << 20;

pub(crate) fn run(arguments: &SealArguments) -> Result<String, Failure> {
    // Threads that wipe their stacks: parts were there in the clear.
    let pool = ThreadPoolBuilder::new().exit_handler(|_| wipe_stack()).build();
    let pool = pool.map_err(|error| Failure::cannot_run(format!("cannot start threads: {error}")))?;
    let sealed = pool.install(|| seal(arguments));
    // Files of the parts went through buffers on it.
    wipe_stack();
    let sealed = sealed?;
    if arguments.format.output == OutputFormat::Json {
        return sealing::json(&sealed);
    }
    Ok(if arguments.quiet { String::new() } else { sealing::text(&sealed) })
}

/// In a frame of its own: what is on the stack of [`run`] itself could not be wiped.
#[inline(never)]
fn seal(arguments: &SealArguments) -> Result<SealedFiles, Failure> {
    let path = &arguments.bundle;
    if source::is_standard(path) {
        return Err(Failure::cannot_run(
            "a bundle from the standard input cannot be sealed: it is read more than once",
        )
        .hint("name its file"));
    }
    let mut named = Named::of_arguments(&arguments.to)?;
    let mut file = host::open(path).or_cannot("read", path)?;
    let beginning = sealed::beginning(&mut file).map_err(|error| Failure::bundle(path, &error))?;
    let beginning = beginning.ok_or_else(|| {
        Failure::cannot_run(format!("{} is a slice, which has no index", path.display()))
            .hint("seal the bundle; one slice alone: `age -r RECIPIENT -o SLICE.age SLICE`")
    })?;
    let parts: BTreeSet<_> = beginning.index().parts.iter().map(|(part, _)| part.clone()).collect();
    let profile = match arguments.profile.as_deref() {
        Some(path) => Some((path, build::read_profile(path)?)),
        None => None,
    };
    let (mut known, mut of) = (parts.clone(), path.display().to_string());
    if let Some((path, profile)) = &profile {
        check_profile(&beginning, path, profile)?;
        named.add_profile(profile);
        known = profile.nodes.iter().map(|node| PartName::Node(node.name.clone())).chain([PartName::Cluster]).collect();
        of = path.display().to_string();
    }
    let of_profile = profile.as_ref().map(|(path, profile)| (*path, profile));
    if let Some(file) = recipients::file(arguments.to.recipients.as_deref(), of_profile) {
        named.add_file(&file, (&parts, &known), None)?;
    }
    let envelopes = named.envelopes(&parts, &known, &of)?;
    let own = arguments.signer.as_deref().map(|file| signer_key::read_private(file, &Opener::new(&arguments.open)));
    let own = own.transpose()?;
    let signer = signer(arguments, own.as_ref(), &beginning)?;
    let key = match (&signer, &arguments.key) {
        (Some(signer), _) => signer.public_key().clone(),
        (None, key) => bundle::bundle_key(path, Kind::Bundle, key.as_deref())?,
    };
    let (digest, authorities) = check(path, &mut file, &key)?;
    let weak: Vec<_> = authorities.into_iter().filter(|part| envelopes.is_classical(part)).collect();
    sealing::warn_of_classical(&weak);
    let index = beginning.index();
    let name = sealed::file_name(index, &beginning.index_sha256());
    let folder = arguments.out.clone().unwrap_or_else(|| path.with_file_name(""));
    let target = folder.join(&name);
    let mut files = SealedFiles {
        bundle: path.clone(),
        signature: signer.is_some().then(|| with_ending(&target, ".sig")),
        public_key: folder.join(format!("{}.pub", index.head.cluster)),
        sealed: target,
        signer: key.fingerprint(),
        head: index.head.clone(),
        recipients: envelopes.parts().map(|(part, to)| (part.clone(), to.to_vec())).collect(),
        is_dry_run: arguments.dry_run,
    };
    if arguments.dry_run {
        // A folder that is not there is made.
        if folder.as_os_str().is_empty() || folder.symlink_metadata().is_ok() {
            host::check_new_file(&files.sealed).map_err(|error| not_new(&files, &files.sealed, &error))?;
        }
        return Ok(files);
    }
    write(&mut files, &mut file, (&beginning, &digest), &envelopes, signer.as_ref(), &key)?;
    Ok(files)
}

/// Refuses the profile of another cluster.
fn check_profile(beginning: &Beginning, path: &Path, profile: &Profile) -> Result<(), Failure> {
    let (found, wanted) = (&beginning.index().head.cluster, &profile.cluster.name);
    match found == wanted {
        true => Ok(()),
        false => Err(Failure::says_no(format!("the bundle is of cluster {found}, {} of {wanted}", path.display()))
            .hint("give the profile from which the bundle was built")),
    }
}

/// Returns whoever signed the bundle, with the key: `own`, or that of the seed. `None` when neither is given.
fn signer<'k>(
    arguments: &SealArguments,
    own: Option<&'k PrivateKey>,
    beginning: &Beginning,
) -> Result<Option<Signer<'k>>, Failure> {
    let defect = |error: Defect| Failure::defect(&error.to_string());
    if let Some(key) = own {
        let signer = Signer::of_key(key).map_err(defect)?;
        return match signer.signed(beginning.index_bytes(), beginning.signature()) {
            true => Ok(Some(signer)),
            false => Err(Failure::says_no(format!(
                "{} is not signed with the key in {}",
                arguments.bundle.display(),
                arguments.signer.as_deref().map(named_file).unwrap_or_default()
            ))
            .hint("it was changed, or somebody else signed it: compare its fingerprint with the one on paper")),
        };
    }
    let Some(file) = &arguments.seed else { return Ok(None) };
    let weak = if arguments.allow_weak_seed { WeakSeed::Allowed } else { WeakSeed::Refused };
    let seed = seed_file::read(file, weak, &Opener::new(&arguments.open))?;
    let cluster = &beginning.index().head.cluster;
    let signer = Signer::of_signature(&seed, cluster, beginning.index_bytes(), beginning.signature());
    let signer = signer.map_err(defect)?;
    signer.map(Some).ok_or_else(|| {
        Failure::says_no(format!(
            "{} is not signed by the signer of this seed (seed id {})",
            arguments.bundle.display(),
            seed.id()
        ))
        .hint("it was changed, or built with another seed: compare its fingerprint with the one on paper")
        .hint("with --key in place of --seed another's bundle is sealed, and the sealed file is not signed")
    })
}

/// Checks that a bundle is what the holder of the key wrote. Returns the SHA-256 of the file, and the parts with keys
/// by which others are made.
fn check(path: &Path, file: &mut BufReader<File>, key: &PublicKey) -> Result<(Vec<u8>, BTreeSet<PartName>), Failure> {
    bundle::check_outer_signature(path, key)?;
    file.rewind().or_cannot("read", path)?;
    let mut hashing = Hashing { source: file, hash: Sha256::new() };
    let mut authorities = BTreeSet::new();
    let read = Reader::open(&mut hashing, key).and_then(|mut reader| {
        let holds = |row: &Row| is_authority_key(row.path());
        reader.each_part(
            BATCH,
            |part| part.record().rows.iter().any(holds),
            |part, signs| {
                if signs {
                    authorities.insert(part.record().owner.part());
                }
            },
        )?;
        reader.finish()
    });
    read.map_err(|error| Failure::bundle(path, &error))?;
    Ok((hashing.hash.finalize().to_vec(), authorities))
}

fn write(
    files: &mut SealedFiles,
    file: &mut BufReader<File>,
    (beginning, digest): (&Beginning, &[u8]),
    envelopes: &Envelopes,
    signer: Option<&Signer<'_>>,
    key: &PublicKey,
) -> Result<(), Failure> {
    let (path, target) = (&files.bundle, &files.sealed);
    file.rewind().or_cannot("read", path)?;
    let mut outputs = Outputs::new();
    if let Some(folder) = target.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        outputs.create_folder(folder, 0o755).or_cannot("create", folder)?;
    }
    let output = outputs.stage(target, MODE, false).or_cannot("write", target)?;
    let mut hashing = Hashing { source: file, hash: Sha256::new() };
    let envelop = |part: &PartName, slice: &[u8]| envelopes.seal(part, slice);
    let mut nothing_beside = |_: &PartName, _: &[u8]| Ok(());
    let written = sealed::write(&mut hashing, beginning, &envelop, &mut nothing_beside, BufWriter::new(output));
    let written = written.map_err(|error| cannot_seal(path, target, &error))?;
    if hashing.hash.finalize().as_slice() != digest {
        return Err(Failure::cannot_run(format!("{} was changed while it was sealed", path.display()))
            .hint("nothing was written"));
    }
    if let (Some(signer), Some(at)) = (signer, &files.signature) {
        let signature = signer.sign_sha256("the sealed bundle", &written.file_sha256.0);
        let signature = signature.map_err(|error| Failure::defect(&error.to_string()))?;
        outputs.put(at, &signature, 0o644, false).or_cannot("write", at)?;
    }
    outputs.put(&files.public_key, key.to_pem().as_bytes(), 0o644, false).or_cannot("write", &files.public_key)?;
    outputs.commit().map_err(|refused| match refused.error.kind() {
        io::ErrorKind::AlreadyExists if refused.left.is_empty() => not_new(files, &refused.path, &refused.error),
        _ => Failure::commit("write", &refused),
    })
}

fn not_new(files: &SealedFiles, path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::io("write", path, error);
    let missing = |path: &&PathBuf| path.symlink_metadata().is_err();
    match (error.kind(), files.signature.as_ref().filter(missing)) {
        // It is written after the sealed file.
        (io::ErrorKind::AlreadyExists, Some(signature)) => failure.hint(format!(
            "{} is not there: unless it was sealed without a key that signs, this is half of a run that was interrupted; \
             remove it, and seal again",
            signature.display()
        )),
        (kind, _) => already_sealed(failure, kind),
    }
}

fn already_sealed(failure: Failure, kind: io::ErrorKind) -> Failure {
    match kind {
        io::ErrorKind::AlreadyExists => failure.hint(
            "what was sealed before is never overwritten, because no two envelopes are the same: take it, or write to \
             another folder with --out",
        ),
        _ => failure,
    }
}

/// Returns a path with something behind its name.
fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

/// A source that hashes what is read of it.
struct Hashing<R> {
    source: R,
    hash: Sha256,
}

impl<R: BufRead> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(buffer)?;
        self.hash.update(buffer.get(..length).unwrap_or_default());
        Ok(length)
    }
}

impl<R: BufRead> BufRead for Hashing<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.source.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if let Ok(buffered) = self.source.fill_buf() {
            self.hash.update(buffered.get(..amount).unwrap_or_default());
        }
        self.source.consume(amount);
    }
}
