//! Words that people typed, pages, and the record of shares.

use certferry::shares::{Record, Share};
use certferry::words::{Typed, checked, pages, rows};

/// What was read is written as a page that gives the same.
pub fn run(file: &[u8]) {
    if let Ok(record) = Record::parse(file) {
        assert!(Record::parse(record.to_text().as_bytes()) == Ok(record));
    }
    let Ok(text) = std::str::from_utf8(file) else { return };
    for page in pages(text) {
        for count in [24, 31] {
            let Ok(typed) = Typed::parse(page, count, 0) else { continue };
            let _ = checked(&typed.indices);
            if typed.indices.len() == count {
                let again = Typed::parse(&rows(&typed.indices), count, 0);
                assert!(again.is_ok_and(|again| again.indices == typed.indices));
            }
            if let Ok(share) = Share::read(&typed.indices) {
                assert!(*share.indices() == *typed.indices && share.sha256().len() == 64);
            }
        }
    }
}

/// Returns whether a file holds the words of a seed or of a share.
pub fn is_whole(file: &[u8]) -> bool {
    let text = String::from_utf8_lossy(file);
    let is_seed = || Typed::parse(&text, 24, 0).is_ok_and(|typed| checked(&typed.indices).is_ok());
    is_seed() || Typed::parse(&text, 31, 0).is_ok_and(|typed| Share::read(&typed.indices).is_ok())
}
