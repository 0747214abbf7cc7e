//! Finds what a Rust source mentions: every path and macro, with `use` trees spread out and imported names written in
//! full.
//!
//! It works on tokens, so comments and strings never count. Code under `#[cfg(test)]` is marked.

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// A path or macro that a source names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mention {
    /// The path, such as `["std", "fs", "read"]`. A path that begins with `crate`, `self` or `super` is written from
    /// the crate's root and begins with `crate`.
    pub(super) path: Vec<String>,
    pub(super) kind: Kind,
    /// The line, counted from 1.
    pub(super) line: usize,
    /// Whether it is under `#[cfg(test)]`.
    pub(super) in_test: bool,
    /// Whether it is in a `pub use`, no matter how far that is public.
    pub(super) is_reexport: bool,
}

/// The kind of a mention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Path,
    /// `path::*`. The star is not part of the path.
    Glob,
    /// `path!`.
    Macro,
}

/// What was found in a source.
#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) mentions: Vec<Mention>,
    /// The modules declared under `#[cfg(test)]` that stand in files of their own, as paths from the crate's root.
    pub(super) test_modules: Vec<Vec<String>>,
    /// The names that `use` declarations outside tests bring into the file's own module, each with the path for which
    /// it stands. The paths are like those of [`Mention`], or as they are written when they begin with a name.
    pub(super) names: BTreeMap<String, Vec<String>>,
    imports: BTreeMap<String, Vec<String>>,
    /// The module that the file holds.
    module: Vec<String>,
}

impl Source {
    /// Reads the text of the file that holds `module`, a path from the crate's root.
    ///
    /// # Errors
    /// Fails when the text cannot be read as tokens.
    pub(super) fn read(text: &str, module: &[String]) -> Result<Self, String> {
        let tokens: TokenStream = text.parse().map_err(|error| format!("{error}"))?;
        let mut source = Self { module: module.to_vec(), ..Self::default() };
        source.scan(tokens, module, false);
        source.write_imported_names_in_full();
        Ok(source)
    }

    fn scan(&mut self, tokens: TokenStream, module: &[String], in_test: bool) {
        let mut cursor = Cursor { trees: tokens.into_iter().collect(), at: 0 };
        let mut test_until = if in_test { usize::MAX } else { 0 };
        while let Some(tree) = cursor.peek(0) {
            let in_test = cursor.at < test_until;
            match tree.clone() {
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    if let Some(end) = cursor.end_of_test_code() {
                        test_until = test_until.max(end);
                    }
                    cursor.at += 1;
                }
                TokenTree::Ident(ident) if ident == "mod" => self.scan_module(&mut cursor, module, in_test),
                TokenTree::Ident(ident) if ident == "use" => {
                    let use_is = if cursor.follows_pub() { Use::Reexport } else { Use::Import };
                    cursor.at += 1;
                    self.scan_paths(&mut cursor, &Place { module, in_test, in_use: Some(use_is) }, &[]);
                }
                TokenTree::Ident(_) => self.scan_paths(&mut cursor, &Place { module, in_test, in_use: None }, &[]),
                TokenTree::Group(group) => {
                    cursor.at += 1;
                    self.scan(group.stream(), module, in_test);
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => cursor.at += 1,
            }
        }
    }

    /// Scans `mod name { ... }` or `mod name;`. The cursor is on `mod`.
    fn scan_module(&mut self, cursor: &mut Cursor, module: &[String], in_test: bool) {
        cursor.at += 1;
        let Some(TokenTree::Ident(name)) = cursor.peek(0).cloned() else { return };
        cursor.at += 1;
        let inner: Vec<String> = module.iter().cloned().chain([name.to_string()]).collect();
        match cursor.peek(0).cloned() {
            Some(TokenTree::Group(body)) => {
                cursor.at += 1;
                self.scan(body.stream(), &inner, in_test);
            }
            _ if in_test => self.test_modules.push(inner),
            _ => {}
        }
    }

    /// Scans a path, or the rest of one behind `prefix`. In a `use` tree it may spread into many. The cursor is on its
    /// first token, and moves at least one further.
    fn scan_paths(&mut self, cursor: &mut Cursor, place: &Place<'_>, prefix: &[String]) {
        let Some(line) = cursor.peek(0).map(|tree| tree.span().start().line) else { return };
        if cursor.skip_colons() && !prefix.is_empty() {
            return;
        }
        let mut path = prefix.to_vec();
        loop {
            match cursor.peek(0).cloned() {
                Some(TokenTree::Ident(ident)) => {
                    cursor.at += 1;
                    path.push(ident.to_string().trim_start_matches("r#").to_owned());
                }
                Some(TokenTree::Punct(punct)) if punct.as_char() == '*' => {
                    cursor.at += 1;
                    return self.mention(path, Kind::Glob, line, place);
                }
                Some(TokenTree::Group(group)) if place.in_use.is_some() && group.delimiter() == Delimiter::Brace => {
                    cursor.at += 1;
                    return self.scan_tree(&group, place, &path);
                }
                _ => break,
            }
            if !cursor.skip_colons() {
                break;
            }
        }
        if path.len() == prefix.len() {
            cursor.at += 1;
            return;
        }
        if place.in_use.is_some() {
            self.import(&path, cursor.alias(), place);
        }
        let kind = if cursor.is_macro_call() { Kind::Macro } else { Kind::Path };
        self.mention(path, kind, line, place);
    }

    /// Scans `{a, b::c}` of a `use` tree.
    fn scan_tree(&mut self, group: &Group, place: &Place<'_>, prefix: &[String]) {
        let mut cursor = Cursor { trees: group.stream().into_iter().collect(), at: 0 };
        while cursor.peek(0).is_some() {
            self.scan_paths(&mut cursor, place, prefix);
            cursor.skip_past_comma();
        }
    }

    fn import(&mut self, path: &[String], alias: Option<String>, place: &Place<'_>) {
        let path = absolute(path, place.module);
        if let Some(name) = alias.or_else(|| path.last().cloned()) {
            if !place.in_test && place.module == self.module {
                self.names.insert(name.clone(), path.clone());
            }
            self.imports.insert(name, path);
        }
    }

    fn mention(&mut self, path: Vec<String>, kind: Kind, line: usize, place: &Place<'_>) {
        let path = absolute(&path, place.module);
        let is_reexport = place.in_use == Some(Use::Reexport);
        self.mentions.push(Mention { path, kind, line, in_test: place.in_test, is_reexport });
    }

    /// Replaces imported names by their full paths: after `use std::io;`, `io::stdout` means `std::io::stdout`. Imports
    /// count for the whole file, wherever they stand.
    fn write_imported_names_in_full(&mut self) {
        for mention in &mut self.mentions {
            if let Some((first, rest)) = mention.path.split_first()
                && !rest.is_empty()
                && let Some(import) = self.imports.get(first)
            {
                mention.path = import.iter().chain(rest).cloned().collect();
            }
        }
    }
}

/// The place where a path stands.
struct Place<'module> {
    module: &'module [String],
    in_test: bool,
    in_use: Option<Use>,
}

/// The effect of a `use` declaration.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Import,
    /// `pub use`, no matter how far it is public.
    Reexport,
}

/// Writes `self` and `super` as paths from the crate's root. Drops a `self` at the end.
fn absolute(path: &[String], module: &[String]) -> Vec<String> {
    let mut rest = path;
    let mut base: Option<Vec<String>> = None;
    while let Some((first, others)) = rest.split_first() {
        let here = || module.to_vec();
        base = match first.as_str() {
            "crate" | "certferry" if base.is_none() => Some(Vec::new()),
            // This package is a room.
            "det_keygen" if base.is_none() && path.len() > 1 => Some(vec!["det_keygen".to_owned()]),
            "self" if base.is_none() && !others.is_empty() => Some(here()),
            "super" => {
                let mut base = base.unwrap_or_else(here);
                base.pop();
                Some(base)
            }
            _ => break,
        };
        rest = others;
    }
    let names = rest.iter().filter(|name| *name != "self").cloned();
    match base {
        Some(base) => std::iter::once("crate".to_owned()).chain(base).chain(names).collect(),
        None => names.collect(),
    }
}

struct Cursor {
    trees: Vec<TokenTree>,
    at: usize,
}

impl Cursor {
    fn peek(&self, ahead: usize) -> Option<&TokenTree> {
        self.trees.get(self.at + ahead)
    }

    fn is_punct(&self, ahead: usize, wanted: char) -> bool {
        matches!(self.peek(ahead), Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
    }

    fn skip_colons(&mut self) -> bool {
        let colons = self.is_punct(0, ':') && self.is_punct(1, ':');
        if colons {
            self.at += 2;
        }
        colons
    }

    fn skip_past_comma(&mut self) {
        while self.peek(0).is_some() {
            let comma = self.is_punct(0, ',');
            self.at += 1;
            if comma {
                return;
            }
        }
    }

    /// Returns the name behind `as`, if that comes next.
    fn alias(&mut self) -> Option<String> {
        match (self.peek(0), self.peek(1)) {
            (Some(TokenTree::Ident(word)), Some(TokenTree::Ident(name))) if word == "as" => {
                let name = name.to_string();
                self.at += 2;
                Some(name)
            }
            _ => None,
        }
    }

    /// Returns whether `pub` or `pub(...)` stands before the token.
    fn follows_pub(&self) -> bool {
        let before = |back: usize| self.at.checked_sub(back).and_then(|at| self.trees.get(at));
        let is_pub = |tree: Option<&TokenTree>| matches!(tree, Some(TokenTree::Ident(word)) if word == "pub");
        match before(1) {
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => is_pub(before(2)),
            tree => is_pub(tree),
        }
    }

    fn is_macro_call(&self) -> bool {
        self.is_punct(0, '!') && matches!(self.peek(1), Some(TokenTree::Group(_)))
    }

    /// Returns the index behind the item to which `#[cfg(test)]` belongs, or behind everything for `#![cfg(test)]`. The
    /// cursor is on the `#`. Returns `None` for another attribute.
    fn end_of_test_code(&self) -> Option<usize> {
        let inner = self.is_punct(1, '!');
        let Some(TokenTree::Group(attribute)) = self.peek(1 + usize::from(inner)) else { return None };
        if !is_cfg_test(attribute) {
            return None;
        }
        if inner {
            return Some(usize::MAX);
        }
        let ends_item = |tree: &TokenTree| match tree {
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
            TokenTree::Punct(punct) => punct.as_char() == ';',
            TokenTree::Ident(_) | TokenTree::Literal(_) => false,
        };
        let item = self.trees.iter().skip(self.at).position(ends_item);
        Some(item.map_or(usize::MAX, |length| self.at + length + 1))
    }
}

/// Returns whether the brackets of an attribute hold `cfg(test)` or a condition that demands `test`.
fn is_cfg_test(attribute: &Group) -> bool {
    let mut trees = attribute.stream().into_iter();
    match (trees.next(), trees.next()) {
        (Some(TokenTree::Ident(word)), Some(TokenTree::Group(condition))) if word == "cfg" => {
            demands_test(condition.stream())
        }
        _ => false,
    }
}

/// Returns whether a condition demands `test`: `test` and `all(.., test, ..)` do, `any(test, ..)` and `not(test)` do
/// not.
fn demands_test(condition: TokenStream) -> bool {
    let trees: Vec<TokenTree> = condition.into_iter().collect();
    (0..trees.len()).any(|at| match (trees.get(at), trees.get(at + 1)) {
        (Some(TokenTree::Ident(word)), Some(TokenTree::Group(inner))) => word == "all" && demands_test(inner.stream()),
        (Some(TokenTree::Ident(word)), next) => {
            word == "test" && !matches!(next, Some(TokenTree::Punct(punct)) if punct.as_char() == '=')
        }
        _ => false,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop here")]
mod tests {
    use super::{Kind, Source};

    fn module(path: &str) -> Vec<String> {
        path.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }

    /// Returns the paths of more than one component, as text, that the source of `module` names outside tests.
    fn paths(text: &str, path: &str) -> Vec<String> {
        let source = Source::read(text, &module(path)).unwrap();
        let wanted = source.mentions.iter().filter(|mention| !mention.in_test && mention.path.len() > 1);
        wanted.map(|mention| mention.path.join("::") + if mention.kind == Kind::Glob { "::*" } else { "" }).collect()
    }

    fn macros(text: &str) -> Vec<(String, usize)> {
        let mentions = Source::read(text, &[]).unwrap().mentions.into_iter();
        mentions
            .filter(|mention| mention.kind == Kind::Macro)
            .map(|mention| (mention.path.join("::"), mention.line))
            .collect()
    }

    #[test]
    fn use_trees_are_spread_out() {
        let text = "use crate::{keys::{self, Label as L}, x509::KeyAlgorithm};\npub(crate) use ::std::{fs, io::{Read, Write}};";
        let expected = [
            "crate::keys",
            "crate::keys::Label",
            "crate::x509::KeyAlgorithm",
            "std::fs",
            "std::io::Read",
            "std::io::Write",
        ];
        assert_eq!(paths(text, "plan"), expected);
    }

    #[test]
    fn self_and_super_start_at_the_module() {
        assert_eq!(paths("use super::version::Version;", "profile::model"), ["crate::profile::version::Version"]);
        assert_eq!(paths("use super::keys::Seed;", "plan"), ["crate::keys::Seed"]);
        assert_eq!(paths("use super::super::keys::Seed;", "plan::names"), ["crate::keys::Seed"]);
        assert_eq!(paths("use self::names::Name;", "plan"), ["crate::plan::names::Name"]);
        assert_eq!(paths("mod inner { use super::super::keys::Seed; }", "plan"), ["crate::keys::Seed"]);
        assert_eq!(
            paths("pub(in crate::plan) struct S; pub(super) struct T;", "plan::names"),
            ["crate::plan", "crate::plan"]
        );
    }

    #[test]
    fn paths_in_code_count_too() {
        let text =
            "fn f(seed: &crate::keys::Seed) -> Vec<std::fs::File> { certferry::cli::run::<crate::lock::Lock>(x) }";
        let expected = ["crate::keys::Seed", "std::fs::File", "crate::cli::run", "crate::lock::Lock"];
        assert_eq!(paths(text, "plan"), expected);
        assert_eq!(paths("macro_rules! m { () => { $crate::keys::Seed } }", "plan"), ["crate::keys::Seed"]);
    }

    #[test]
    fn imported_names_are_written_in_full() {
        let text = "use std::{io, time as clock}; fn f() { io::stdout(); clock::SystemTime::now(); other::stdout(); }";
        let expected = ["std::io", "std::time", "std::io::stdout", "std::time::SystemTime::now", "other::stdout"];
        assert_eq!(paths(text, "plan"), expected);
    }

    #[test]
    fn globs_are_seen() {
        assert_eq!(paths("use super::*;", "plan::names"), ["crate::plan::*"]);
        assert_eq!(
            paths("use crate::{keys::*, x509::{a::*, B}};", "plan"),
            ["crate::keys::*", "crate::x509::a::*", "crate::x509::B"]
        );
        assert_eq!(paths("fn f() { let x = a::b * c::d; let y = a::<*const u8>(); }", "plan"), ["a::b", "c::d"]);
    }

    #[test]
    fn comments_strings_and_lifetimes_do_not_count() {
        let text = "//! [`crate::keys`]\n/* use crate::lock; */ fn f<'a>(x: &'a str) { let y = \"crate::cli::x\"; let z = r#\"use std::fs;\"#; }";
        assert_eq!(paths(text, "plan"), [""; 0]);
    }

    #[test]
    fn macros_are_told_from_comparisons() {
        let text = "fn f() {\n    println!(\"{}\", 1);\n    if print != dbg { std::eprintln![]; }\n}";
        assert_eq!(macros(text), [("println".to_owned(), 2), ("std::eprintln".to_owned(), 3)]);
        assert_eq!(macros("const V: &str = env!(\"CARGO_PKG_VERSION\");"), [("env".to_owned(), 1)]);
    }

    #[test]
    fn test_code_is_marked() {
        let text =
            "use crate::a::A;\n#[cfg(test)]\n#[allow(dead_code)]\nmod tests { use crate::b::B; }\nuse crate::c::C;";
        assert_eq!(paths(text, "plan"), ["crate::a::A", "crate::c::C"]);
        assert_eq!(paths("#[cfg(all(test, unix))] use crate::b::B; use crate::c::C;", "plan"), ["crate::c::C"]);
        assert_eq!(paths("#[cfg(any(test, unix))] use crate::b::B;", "plan"), ["crate::b::B"]);
        assert_eq!(paths("#[cfg(not(test))] use crate::b::B;", "plan"), ["crate::b::B"]);
        assert_eq!(paths("#[cfg(test = \"x\")] use crate::b::B;", "plan"), ["crate::b::B"]);
        assert_eq!(paths("#![cfg(test)] use crate::b::B;", "plan"), [""; 0]);
    }

    #[test]
    fn test_modules_in_other_files_are_named() {
        let source = Source::read("mod names;\n#[cfg(test)]\nmod tests;\n", &module("plan")).unwrap();
        assert_eq!(source.test_modules, [["plan", "tests"]]);
    }

    #[test]
    fn reexports_and_the_names_they_bring_are_known() {
        let text = "pub use a::A as B; pub(in crate::plan) use super::C; use d::D;\nmod inner { use e::E; }\n#[cfg(test)] use f::F;";
        let source = Source::read(text, &module("plan")).unwrap();
        let reexported: Vec<_> = source
            .mentions
            .iter()
            .filter(|mention| mention.is_reexport)
            .map(|mention| mention.path.join("::"))
            .collect();
        assert_eq!(reexported, ["a::A", "crate::C"]);
        let names: Vec<_> = source.names.iter().map(|(name, path)| format!("{name} {}", path.join("::"))).collect();
        assert_eq!(names, ["B a::A", "C crate::C", "D d::D"]);
    }

    #[test]
    fn lines_are_counted_from_one() {
        let source = Source::read("\n\nuse crate::keys::{\n    Label,\n    Seed,\n};", &module("plan")).unwrap();
        assert_eq!(source.mentions.iter().map(|mention| mention.line).collect::<Vec<_>>(), [4, 5]);
    }

    #[test]
    fn broken_text_is_refused() {
        assert!(Source::read("fn f( {", &[]).is_err());
    }
}
