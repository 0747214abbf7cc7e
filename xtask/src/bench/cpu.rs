//! The machine to which a figure belongs.

use std::fs;
use std::num::NonZeroUsize;

/// Returns the name of the processor, with its family and model when the name says little, and the number of
/// processors.
pub(super) fn name() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |name: &str| {
        let line = text.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name));
        line.and_then(|line| line.split(':').nth(1)).unwrap_or(" unknown").trim().to_owned()
    };
    let (name, family, model) = (value("model name"), value("cpu family"), value("model"));
    format!("{name}, family {family}, model {model}, {} at hand", count())
}

/// Returns the number of processors that this program may use.
pub(super) fn count() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}
