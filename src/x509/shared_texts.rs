//! Texts of which there is one copy, however many have them.

use std::collections::BTreeSet;
use std::sync::Arc;

/// The texts that were shared so far. A hundred thousand nodes have the same dates, issuers and paths.
#[derive(Default)]
pub struct SharedTexts(BTreeSet<Arc<str>>);

impl SharedTexts {
    /// Returns the copy of this text that everybody has.
    #[must_use]
    pub fn share(&mut self, text: Arc<str>) -> Arc<str> {
        match self.0.get(&text) {
            Some(known) => Arc::clone(known),
            None => {
                self.0.insert(Arc::clone(&text));
                text
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::SharedTexts;

    #[test]
    fn equal_texts_are_one() {
        let mut texts = SharedTexts::default();
        let [first, again, other] = ["a", "a", "b"].map(|text| texts.share(text.into()));
        assert!(Arc::ptr_eq(&first, &again));
        assert_eq!((&*first, &*other), ("a", "b"));
    }
}
