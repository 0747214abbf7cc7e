//! Cuts one part out of a bundle, without a key and without compressing anything again.
//!
//! What is cut out proves itself: its record is signed. So nothing needs to be believed here, and nothing is.

use std::io::{self, BufRead, Read, Write};

use super::error::BundleError;
use super::gzip::Members;
use super::name::PartName;
use super::tar::{BLOCK, raw_path};

/// Why a part could not be cut out.
#[derive(Debug)]
pub enum SplitError {
    /// The source is not built as a bundle is.
    Bundle(BundleError),
    /// There is no such part in it.
    NoPart,
    /// The output would not take the bytes.
    Output(io::Error),
}

/// Writes a slice: the gzip member of `part` and the end member, both as they are in the bundle.
///
/// # Errors
///
/// [`SplitError`]; something may have been written then.
pub fn split(source: impl BufRead, part: &PartName, mut output: impl Write) -> Result<(), SplitError> {
    let record = format!("/{}.json", part.tree());
    let mut members = Members::new(Recording { source, kept: Vec::new() });
    let mut found = false;
    loop {
        members.source_mut().kept.clear();
        members.begin().map_err(SplitError::Bundle)?;
        let mut first = [0; BLOCK];
        members.read(&mut first).map_err(SplitError::Bundle)?;
        drain(&mut members).map_err(SplitError::Bundle)?;
        let is_end = first == [0; BLOCK];
        // `<top>/nodes/<name>.json`: the top folder's name has no slash.
        let is_wanted = raw_path(&first).strip_suffix(&record).is_some_and(|top| !top.contains('/'));
        if is_wanted || (is_end && found) {
            output.write_all(&members.source_mut().kept).map_err(SplitError::Output)?;
        }
        found |= is_wanted;
        if is_end {
            return if found { output.flush().map_err(SplitError::Output) } else { Err(SplitError::NoPart) };
        }
    }
}

fn drain<R: BufRead>(members: &mut Members<R>) -> Result<(), BundleError> {
    let mut block = [0; BLOCK];
    while members.read(&mut block)? == BLOCK {}
    match members.end()? {
        true => Ok(()),
        false => Err(BundleError::Deflate),
    }
}

/// Remembers what was consumed.
struct Recording<R> {
    source: R,
    kept: Vec<u8>,
}

impl<R: BufRead> Read for Recording<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(buffer)?;
        self.kept.extend_from_slice(buffer.get(..length).unwrap_or_default());
        Ok(length)
    }
}

impl<R: BufRead> BufRead for Recording<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.source.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if let Ok(buffered) = self.source.fill_buf() {
            self.kept.extend_from_slice(buffered.get(..amount).unwrap_or_default());
        }
        self.source.consume(amount);
    }
}
