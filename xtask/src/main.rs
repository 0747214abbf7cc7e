//! What a maintainer runs: `cargo xtask test`.

fn main() {}
