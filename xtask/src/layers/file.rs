//! A source file of the crate, and the module that it holds.

use super::source::Source;

/// A source file of the crate.
pub(super) struct File {
    /// The path for messages, such as `src/plan/mod.rs`.
    pub(super) name: String,
    /// The module as a path from the crate's root, such as `["plan", "names"]`. Empty for `lib.rs`.
    pub(super) module: Vec<String>,
    pub(super) source: Source,
}

impl File {
    /// Reads the text of the file of this name.
    ///
    /// # Errors
    /// Fails when the text cannot be read as tokens.
    pub(super) fn read(name: &str, text: &str) -> Result<Self, String> {
        let module = module(name);
        let source = Source::read(text, &module).map_err(|error| format!("{name}: {error}"))?;
        Ok(Self { name: name.to_owned(), module, source })
    }
}

/// Returns the module that a file holds: `src/plan/names.rs` holds `plan::names`, `src/plan/mod.rs` holds `plan`. A
/// package in a folder of its own counts as a module.
fn module(name: &str) -> Vec<String> {
    let path = name.strip_prefix("src/").unwrap_or(name).trim_end_matches(".rs");
    let mut module: Vec<String> = path.split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| last == "mod" || last == "lib") {
        module.pop();
    }
    module
}

#[cfg(test)]
mod tests {
    use super::module;

    #[test]
    fn files_hold_modules() {
        assert_eq!(module("src/lib.rs"), [""; 0]);
        assert_eq!(module("src/main.rs"), ["main"]);
        assert_eq!(module("src/kubeadm.rs"), ["kubeadm"]);
        assert_eq!(module("src/plan/mod.rs"), ["plan"]);
        assert_eq!(module("src/plan/names/dns.rs"), ["plan", "names", "dns"]);
        assert_eq!(module("src/det_keygen/lib.rs"), ["det_keygen"]);
    }
}
