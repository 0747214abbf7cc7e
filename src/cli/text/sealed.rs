//! The words for what a sealed bundle says of itself.

use serde::Serialize;

use crate::bundle::Head;
use crate::cli::input::opening::SealedHead;
use crate::cli::notice::Notice;
use crate::cli::text::bundle::counted;
use crate::cli::text::{bounded, fingerprint};
use crate::seal::Recipients;
use crate::sign::Fingerprint;

/// A sealed bundle whose index and set of envelopes are right.
pub(crate) struct Sealed {
    /// Whether the signature of the whole file was there, and holds.
    pub(crate) is_signed: bool,
    /// The envelopes in their order.
    pub(crate) heads: Vec<SealedHead>,
}

impl Sealed {
    /// Returns what is known of a bundle of which nothing was opened, and what is not.
    pub(crate) fn summary(&self, head: &Head, signer: &Fingerprint) -> String {
        let parts: Vec<_> = self.heads.iter().map(|head| head.part.clone()).collect();
        format!(
            "{}, generation {}, Kubernetes {}: a sealed bundle, {}\n\
             the signature of the index holds, and for each of its parts there is a sealed file\n{}{}\
             not checked: what is sealed; --identity FILE opens what is sealed to it\n",
            head.cluster,
            head.generation,
            head.kubernetes,
            counted(&parts),
            fingerprint::signer(signer),
            self.lines(),
        )
    }

    /// Returns a line for each envelope, and one where nothing shows that they are those of the signer.
    pub(crate) fn lines(&self) -> String {
        let width = self.heads.iter().map(|head| head.part.to_string().len()).max().unwrap_or_default();
        let lines = self.heads.iter().zip(0..).map(|(head, number)| {
            let (begin, part) = (if number == 0 { "sealed " } else { "       " }, head.part.to_string());
            let opened = if head.is_opened { ", opened" } else { "" };
            format!("{begin}  {part:width$}  to {}{opened}\n", recipients(&head.recipients))
        });
        let unsigned = self.unsigned().map(|said| format!("{said}\n"));
        bounded::lines(lines) + &unsigned.unwrap_or_default()
    }

    /// Returns what is said where nothing shows that the envelopes are those of the signer.
    fn unsigned(&self) -> Option<&'static str> {
        let is_known = self.is_signed || self.heads.iter().all(|head| head.is_opened);
        (!is_known).then_some(
            "not checked: whether what stays sealed is the signer's, because there is no signature of the whole file",
        )
    }

    /// Warns of what [`Self::lines`] says last, where nobody reads those.
    pub(crate) fn warn_of_unsigned(&self) {
        if let Some(said) = self.unsigned() {
            Notice::new(said).give();
        }
    }
}

fn recipients(recipients: &Recipients) -> String {
    let Recipients { hybrid, x25519, others } = recipients;
    let kinds = [(hybrid, "age1pq1..."), (x25519, "age1..."), (others, "of another kind")];
    let kinds = kinds.iter().filter(|(count, _)| **count > 0).map(|(count, kind)| format!("{count} {kind}"));
    kinds.collect::<Vec<_>>().join(", ")
}

#[derive(Serialize)]
pub(crate) struct SealedJson {
    signed: bool,
    parts: Vec<SealedPartJson>,
}

#[derive(Serialize)]
struct SealedPartJson {
    part: String,
    opened: bool,
    hybrid: usize,
    x25519: usize,
    others: usize,
}

impl From<&Sealed> for SealedJson {
    fn from(sealed: &Sealed) -> Self {
        let part = |head: &SealedHead| SealedPartJson {
            part: head.part.to_string(),
            opened: head.is_opened,
            hybrid: head.recipients.hybrid,
            x25519: head.recipients.x25519,
            others: head.recipients.others,
        };
        Self { signed: sealed.is_signed, parts: sealed.heads.iter().map(part).collect() }
    }
}
