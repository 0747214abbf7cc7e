//! `seed words`: a seed as 24 words, for paper.

use zeroize::Zeroizing;

use crate::cli::args::WordsArguments;
use crate::cli::command::new_file::NewFile;
use crate::cli::command::page::{self, Place};
use crate::cli::command::seed_file::{self, WeakSeed};
use crate::cli::failure::Failure;
use crate::cli::input::sealed::Opener;
use crate::keys::{Seed, wipe_stack};
use crate::words;

/// What is told whoever has put the words somewhere.
const KEEP: &str = "Whoever reads them can make every key of the cluster.";

pub(crate) fn run(arguments: &WordsArguments) -> Result<String, Failure> {
    let WordsArguments { file, open, out, page: how, dry_run } = arguments;
    let new = out.as_deref().map(|path| NewFile {
        path,
        mode: 0o600,
        doing: "create",
        hint: "words are never overwritten; choose another name",
    });
    let place = Place::of(how, new.is_some(), "the words of a seed", "--out FILE writes them to a file of mode 0600")?;
    if let (Some(new), true) = (&new, dry_run) {
        return new.foreseen(b"", "the words");
    }
    let seed = seed_file::read(file, WeakSeed::Named, &Opener::new(open))?;
    let indices = words::indices(seed.as_bytes());
    let body = page::words_and_code(&indices, how, place)?;
    let page = sheet(&seed, &body);
    wipe_stack();
    match new {
        Some(new) => {
            new.write(page.as_bytes())?;
            let path = new.path.display();
            Ok(format!(
                "{path}  the words of the seed id {}\n{KEEP} Print the page, then destroy the file.\n",
                seed.id()
            ))
        }
        None => {
            page::print(&page)?;
            Ok(String::new())
        }
    }
}

fn sheet(seed: &Seed, body: &str) -> Zeroizing<String> {
    let head = format!(
        "{}seed: 24 words, and the id that they must give.\n# {KEEP}\n\
         # `certferry seed from-words` makes the seed's file of them.\n\nseed id: {}\n\n",
        words::HEAD,
        seed.id()
    );
    let mut page = Zeroizing::new(String::with_capacity(head.len() + body.len()));
    page.push_str(&head);
    page.push_str(body);
    page
}
