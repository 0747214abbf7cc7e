//! The `certferry` command; everything is in the library.

fn main() {}
