//! Waiting for other programs: by asking again, never longer than a limit.

use std::thread;
use std::time::{Duration, Instant};

/// Long enough for a busy machine; only a failure waits this long.
pub const LIMIT: Duration = Duration::from_secs(120);

/// Asks until there is an answer.
pub fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Result<T, String>) -> T {
    let begin = Instant::now();
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(_) if begin.elapsed() < LIMIT => thread::sleep(Duration::from_millis(200)),
            Err(error) => panic!("no {what} within {LIMIT:?}: {error}"),
        }
    }
}
