//! The `certferry` command. All its code is in the library.

#![forbid(unsafe_code)]

use std::alloc::System;
use std::process::ExitCode;

use zeroizing_alloc::ZeroAlloc;

/// Wipes all memory when it is freed, because keys pass through buffers of other crates that are not wiped: ring's key
/// pairs, the windows of deflate, base64.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    certferry::cli::run()
}
