//! Locks, which people edit and merge.

use certferry::lock::Lock;

/// What is taken reads the same after it was written again.
pub fn run(bytes: &[u8]) {
    if let Ok(lock) = Lock::parse(bytes) {
        let text = lock.to_toml();
        assert_eq!(Lock::parse(text.as_bytes()).as_ref(), Ok(&lock), "{text}");
        assert_eq!(Lock::parse(text.as_bytes()).map(|lock| lock.to_toml()), Ok(text));
    }
}
