//! Sealed bundles: the index in the clear and the envelopes behind it, of which none is opened; and what may be a
//! slice.

use std::io::{BufRead, BufReader, Read};

use certferry::bundle::sealed::{SealedReader, Slice};

/// However it is read, a file is the same parts, or refused with the same words.
pub fn run(file: &[u8]) {
    let found = read(file);
    assert_eq!(found, read(BufReader::with_capacity(1, file)));
    if let Ok(parts) = &found {
        assert!(!parts.is_empty() && parts.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() < file.len());
    }
    if let Ok(slice) = Slice::read(file) {
        assert!(slice.head.generation > 0);
    }
}

/// Returns whether a file is a sealed bundle, as far as nobody opens it.
pub fn is_taken(file: &[u8]) -> bool {
    read(file).is_ok()
}

/// The paths of the envelopes, and what is in them.
fn read(source: impl BufRead) -> Result<Vec<(String, Vec<u8>)>, String> {
    let mut sealed = SealedReader::open(source, None).map_err(|error| error.to_string())?;
    let mut parts = Vec::new();
    while let Some(mut part) = sealed.next_part().map_err(|error| error.to_string())? {
        let mut bytes = Vec::new();
        part.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        assert_eq!(bytes.len(), part.size);
        parts.push((part.entry, bytes));
    }
    Ok(parts)
}
