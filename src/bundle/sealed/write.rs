//! Writes a sealed bundle from a plain one, a few parts at a time.

use std::collections::BTreeSet;
use std::io::{self, BufRead, Write};

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use thiserror::Error;
use zeroize::Zeroizing;

use super::super::error::BundleError;
use super::super::head::Head;
use super::super::mode::Mode;
use super::super::split::{Slices, SplitError, split};
use super::super::tar::{BLOCK, END, Kind, header, padding};
use super::super::write::{Output, Written};
use super::beginning::Beginning;
use super::name::entry_path;
use crate::kubernetes::PartName;

/// How many parts are sealed side by side, and so are in memory.
const PARTS_AT_ONCE: usize = 128;
/// The bytes of slices from which on no further one joins them.
const BYTES_AT_ONCE: usize = 16 << 20;

/// Seals the slice of a part. Called from any thread.
pub type Envelop<'a> = dyn Fn(&PartName, &[u8]) -> io::Result<Vec<u8>> + Sync + 'a;

/// Gets each envelope, too, in the order of the parts.
pub type Beside<'a> = dyn FnMut(&PartName, &[u8]) -> io::Result<()> + 'a;

/// Why a sealed bundle was not written.
#[derive(Debug, Error)]
pub enum SealedError {
    /// The source does not have the structure of a bundle.
    #[error("{0}")]
    Split(SplitError),
    /// A node's name is too long for the path of its envelope.
    #[error("{path} is longer than an archive can hold")]
    PathTooLong {
        /// The path.
        path: String,
    },
    /// A part could not be sealed.
    #[error("{part} cannot be sealed: {error}")]
    Envelop {
        /// The part.
        part: PartName,
        /// The reason.
        error: io::Error,
    },
    /// What is beside the bundle did not accept an envelope.
    #[error("{error}")]
    Beside {
        /// The part.
        part: PartName,
        /// The reason.
        error: io::Error,
    },
    /// The output did not accept the bytes.
    #[error("{0}")]
    Output(io::Error),
}

/// Writes the sealed form of a bundle: its beginning, and an envelope for each part. `beginning` is that of the same
/// bundle.
///
/// # Errors
/// Returns [`SealedError`]. Something may have been written by then, and none of it may be kept.
pub fn write(
    source: impl BufRead,
    beginning: &Beginning,
    envelop: &Envelop<'_>,
    beside: &mut Beside<'_>,
    output: impl Write,
) -> Result<Written, SealedError> {
    let head = &beginning.index().head;
    let (top, mtime) = (head.top(), head.mtime());
    let mut sealing = Sealing {
        top,
        mtime,
        beginning,
        envelop,
        beside,
        batch: Vec::new(),
        bytes: 0,
        output: Output::new(output),
        failed: None,
    };
    sealing.output.write_all(&beginning.tar).map_err(SealedError::Output)?;
    let cut = split(source, &mut sealing);
    if let Some(error) = sealing.failed {
        return Err(error);
    }
    cut.map_err(SealedError::Split)?;
    sealing.output.write_all(&END).and_then(|()| sealing.output.flush()).map_err(SealedError::Output)?;
    Ok(sealing.output.written())
}

/// Slices that wait until a few of them are sealed together.
struct Sealing<'a, W> {
    top: String,
    mtime: u64,
    beginning: &'a Beginning,
    envelop: &'a Envelop<'a>,
    beside: &'a mut Beside<'a>,
    batch: Vec<(PartName, Zeroizing<Vec<u8>>)>,
    bytes: usize,
    output: Output<W>,
    /// What [`split`] cannot tell from an error of an output.
    failed: Option<SealedError>,
}

impl<W: Write> Sealing<'_, W> {
    /// Seals what waits, and writes it.
    fn seal(&mut self) -> Result<(), SealedError> {
        self.bytes = 0;
        let (top, mtime, envelop, end) = (&self.top, self.mtime, self.envelop, &self.beginning.end);
        let seal = |(part, mut slice): (PartName, Zeroizing<Vec<u8>>)| {
            slice.extend_from_slice(end);
            let envelope = envelop(&part, &slice);
            let envelope = envelope.map_err(|error| SealedError::Envelop { part: part.clone(), error })?;
            let path = entry_path(top, &part);
            let kind = Kind::File { mode: Mode::Public, size: envelope.len() as u64 };
            let header = header(&path, kind, mtime).ok_or(SealedError::PathTooLong { path })?;
            Ok((part, header, envelope))
        };
        // All are collected before any is written, so that of several errors the first is reported, not the fastest.
        let sealed: Vec<Result<_, SealedError>> = std::mem::take(&mut self.batch).into_par_iter().map(seal).collect();
        for envelope in sealed {
            let (part, header, envelope) = envelope?;
            let zeros = [0; BLOCK];
            let zeros = &zeros[..padding(envelope.len())];
            let written = [&header[..], &envelope, zeros].iter().try_for_each(|bytes| self.output.write_all(bytes));
            written.map_err(SealedError::Output)?;
            (self.beside)(&part, &envelope).map_err(|error| SealedError::Beside { part, error })?;
        }
        Ok(())
    }

    fn seal_or_keep_error(&mut self) -> io::Result<()> {
        self.seal().map_err(|error| {
            self.failed = Some(error);
            io::ErrorKind::Other.into()
        })
    }
}

impl<W: Write> Slices for Sealing<'_, W> {
    fn wants(&self, _: &PartName) -> bool {
        true
    }

    fn begin(&mut self, part: &PartName, _: &Head) -> io::Result<()> {
        if self.batch.len() == PARTS_AT_ONCE || self.bytes >= BYTES_AT_ONCE {
            self.seal_or_keep_error()?;
        }
        self.batch.push((part.clone(), Zeroizing::default()));
        Ok(())
    }

    fn write(&mut self, _: &PartName, bytes: &[u8]) -> io::Result<()> {
        if let Some((_, slice)) = self.batch.last_mut() {
            slice.extend_from_slice(bytes);
            self.bytes += bytes.len();
        }
        Ok(())
    }

    fn end(&mut self, _: &BTreeSet<PartName>, member: &[u8]) -> Result<(), SplitError> {
        if member != self.beginning.end {
            // The bundle was exchanged while it was read.
            return Err(SplitError::Bundle(BundleError::End));
        }
        // The caller looks into `failed`.
        let _ = self.seal_or_keep_error();
        Ok(())
    }
}
