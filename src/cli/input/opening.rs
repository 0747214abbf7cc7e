//! Opens what a bundle is sealed in, and gives its bytes to the reader of bundles: nothing of it goes to a disk.

use std::io::{self, BufRead};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::bundle::sealed::{OpenedParts, SealedPart, SealedReader};
use crate::bundle::{Content, Reader};
use crate::cli::args::OpenArguments;
use crate::cli::failure::{Failure, named};
use crate::cli::input::sealed::Opener;
use crate::cli::notice::Notice;
use crate::cli::text::bounded;
use crate::host::Source;
use crate::keys::wipe_stack;
use crate::kubernetes::PartName;
use crate::seal::{Envelope, Form, Identity, OpenError, OpenWith, OpensWith, Recipients};
use crate::sign::PublicKey;

/// The first bytes of a gzip member (RFC 1952, section 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// Magic and version of a ustar header, and where they stand in it (POSIX.1-2017, pax, "ustar Interchange Format").
const USTAR: &[u8] = b"ustar\x0000";
const USTAR_PLACE: usize = 257;
/// The bytes of the name in it.
const USTAR_NAME: usize = 100;

/// What a file may be, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A bundle or a slice.
    Bundle,
    /// A sealed bundle: an archive of envelopes.
    Sealed,
    /// One envelope, in which a slice may be, or a bundle.
    Envelope,
    /// Anything else.
    Other,
}

impl Kind {
    pub(crate) fn of(source: &Source) -> Self {
        let first = source.first();
        match () {
            () if first.starts_with(&GZIP) => Self::Bundle,
            () if begins_as_sealed(first) => Self::Sealed,
            () if Form::of(first).is_some() => Self::Envelope,
            () => Self::Other,
        }
    }
}

/// Returns whether a file begins with the header of a folder `<cluster>-g<generation>/`, as no other archive of tar
/// does.
fn begins_as_sealed(first: &[u8]) -> bool {
    let name = first.get(..USTAR_NAME).and_then(|name| name.split(|byte| *byte == 0).next()).unwrap_or_default();
    let generation = name.strip_suffix(b"/").and_then(|name| name.rsplit(|byte| *byte == b'-').next());
    let digits = generation.and_then(|generation| generation.strip_prefix(b"g")).unwrap_or_default();
    let is_top = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    is_top && first.get(USTAR_PLACE..).is_some_and(|rest| rest.starts_with(USTAR))
}

/// A bundle that is read, and what is known of its envelopes.
pub(crate) struct Opening<'k> {
    pub(crate) reader: Reader<'k, Box<dyn BufRead + Send + 'k>>,
    /// To be looked at when all is read. A bundle that is not sealed has none.
    pub(crate) heads: Heads,
}

/// The heads of envelopes, as far as they were read.
pub(crate) type Heads = Arc<Mutex<Vec<SealedHead>>>;

/// What the head of an envelope says, and whether it was opened.
pub(crate) struct SealedHead {
    pub(crate) part: PartName,
    pub(crate) recipients: Recipients,
    pub(crate) is_opened: bool,
}

/// Begins to read a bundle, a slice, a sealed bundle or a sealed slice. Of a sealed bundle the wanted part is opened,
/// and of no other so much as the head is read; where none is wanted, every part that opens.
pub(crate) fn reader<'k>(
    path: &Path,
    source: Source,
    key: &'k PublicKey,
    open: &OpenArguments,
    wanted: Option<&PartName>,
) -> Result<Opening<'k>, Failure> {
    let opener = Opener::new(open);
    let kind = Kind::of(&source);
    let refused = |error| Failure::bundle(path, &error);
    let heads = Heads::default();
    let plain: Box<dyn BufRead + Send> = match kind {
        Kind::Sealed => {
            let sealed = SealedReader::open(source.buffered(), Some(key)).map_err(refused)?;
            let open = opener_of_parts(path, opener.identities(path)?, wanted.cloned(), Arc::clone(&heads));
            let parts: Box<dyn BufRead + Send> = Box::new(OpenedParts::new(sealed, open));
            let reader = Reader::open_sealed(parts, key).map_err(refused)?;
            return Ok(Opening { reader, heads });
        }
        Kind::Envelope => Box::new(envelope(path, source.buffered(), &opener)?),
        Kind::Bundle | Kind::Other => Box::new(source.buffered()),
    };
    let reader = Reader::open(plain, key).map_err(refused)?;
    Ok(Opening { reader, heads })
}

/// Opens one envelope. What is in it has to be read to its end before it is believed.
pub(crate) fn envelope<R: BufRead>(
    path: &Path,
    source: R,
    opener: &Opener<'_>,
) -> Result<impl BufRead + use<R>, Failure> {
    let failed = |error| Failure::envelope(&named(path), &error);
    let envelope = Envelope::read(source).map_err(failed)?;
    let opened = opener.unseal(path, envelope)?;
    // Keys of ciphers lay there.
    wipe_stack();
    opened.map_err(failed)
}

/// Returns what opens the envelopes of a sealed bundle.
pub(crate) fn opener_of_parts<R: BufRead>(
    path: &Path,
    identities: Vec<Identity>,
    wanted: Option<PartName>,
    heads: Heads,
) -> impl FnMut(&mut SealedPart<'_, R>) -> io::Result<Option<Content>> + use<R> {
    let archive = named(path);
    move |sealed| {
        if wanted.as_ref().is_some_and(|wanted| *wanted != sealed.part) {
            return Ok(None);
        }
        let (part, size) = (sealed.part.clone(), sealed.size);
        let entry = format!("{} in {archive}", sealed.entry);
        let envelope = head(&entry, sealed)?;
        let recipients = envelope.recipients();
        let opened = envelope.open(OpenWith::Identities(&identities)).and_then(|opened| opened.read_all(size));
        // Keys of ciphers lay there.
        wipe_stack();
        let slice = match opened {
            Ok(slice) => Some(slice),
            Err(OpenError::OtherRecipients) if wanted.is_none() => None,
            Err(error) => return Err(carried(&entry, error)),
        };
        locked(&heads).push(SealedHead { part, recipients, is_opened: slice.is_some() });
        Ok(slice)
    }
}

/// Reads the head of each envelope of a sealed bundle, and opens none.
pub(crate) fn heads_of(path: &Path, sealed: &mut SealedReader<impl BufRead>) -> Result<Vec<SealedHead>, Failure> {
    let archive = named(path);
    let mut heads = Vec::new();
    while let Some(mut envelope) = sealed.next_part().map_err(|error| Failure::bundle(path, &error))? {
        let (part, entry) = (envelope.part.clone(), format!("{} in {archive}", envelope.entry));
        let head = head(&entry, &mut envelope).map_err(|error| Failure::bundle(path, &error.into()))?;
        heads.push(SealedHead { part, recipients: head.recipients(), is_opened: false });
    }
    Ok(heads)
}

/// Reads the head of an envelope of a sealed bundle, in the one form that it has there.
fn head<'a, 'b, R: BufRead>(
    entry: &str,
    sealed: &'a mut SealedPart<'b, R>,
) -> io::Result<Envelope<&'a mut SealedPart<'b, R>>> {
    let envelope = Envelope::read_as(sealed, Form::Binary).map_err(|error| carried(entry, error))?;
    match envelope.opens_with() {
        OpensWith::Identity => Ok(envelope),
        // A hostile file could ask for the work of a passphrase for each of 100,000 parts.
        OpensWith::Passphrase => Err(io::Error::other(
            Failure::says_no(format!("{entry} is sealed with a passphrase"))
                .hint("the parts of a sealed bundle are sealed to recipients; carry the bundle again"),
        )),
    }
}

/// Returns the error in the form in which it passes through the reader of bundles.
fn carried(entry: &str, error: OpenError) -> io::Error {
    match error {
        OpenError::Io(error) => error,
        error => io::Error::other(Failure::envelope(entry, &error)),
    }
}

pub(crate) fn locked(heads: &Heads) -> MutexGuard<'_, Vec<SealedHead>> {
    // A thread that panicked left a whole list behind.
    heads.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says how many parts of a sealed bundle stay sealed, and so were not looked at. Refuses one of which none opens. To
/// be called when all of it was read.
pub(crate) fn tell_closed(path: &Path, heads: &Heads) -> Result<(), Failure> {
    let heads = locked(heads);
    let closed: Vec<_> = heads.iter().filter(|head| !head.is_opened).map(|head| head.part.to_string()).collect();
    if closed.is_empty() {
        return Ok(());
    }
    if closed.len() == heads.len() {
        return Err(nothing_opens(path));
    }
    let (count, all) = (closed.len(), heads.len());
    let stay = if count == 1 { "stays" } else { "stay" };
    Notice::new(format!(
        "{count} of {all} parts of {} {stay} sealed, and nothing is known of what is in there",
        named(path)
    ))
    .lines(&bounded::lines(closed.iter().map(|part| format!("{part}\n"))))
    .give();
    Ok(())
}

/// Returns the failure for a sealed bundle of which no part opens.
pub(crate) fn nothing_opens(path: &Path) -> Failure {
    Failure::cannot_run(format!(
        "no part of {} opens: all are sealed to other recipients, or were changed",
        named(path)
    ))
    .hint("--identity FILE can be given several times")
}
