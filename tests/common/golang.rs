//! Go, for programs of its standard library alone.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{succeed, tool};

/// The Go that `CERTFERRY_GO` names, or the one on PATH.
pub fn golang() -> OsString {
    std::env::var_os("CERTFERRY_GO").unwrap_or_else(|| "go".into())
}

/// Runs Go in a folder that holds a module, without any network; returns what it says.
pub fn go(folder: &Path, arguments: &[&str]) -> String {
    let mut command = tool(golang());
    command.args(arguments).current_dir(folder);
    command.envs([
        ("GO111MODULE", "on"),
        ("GOFLAGS", "-mod=mod"),
        ("GOPROXY", "off"),
        ("GOTOOLCHAIN", "local"),
        ("GOENV", "off"),
        ("GOWORK", "off"),
        ("CGO_ENABLED", "0"),
    ]);
    // What Go compiled before is compiled again, unless somebody keeps it.
    let cache = std::env::var_os("GOCACHE").map_or_else(|| folder.join("cache"), PathBuf::from);
    command.env("GOCACHE", cache).env("GOPATH", folder.join("path"));
    succeed(&mut command)
}
