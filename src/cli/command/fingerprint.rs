//! `fingerprint`: prints the name of a signer's public key in every form in which people carry it.

use std::path::Path;

use serde::Serialize;

use crate::cli::args::{FingerprintArguments, OutputFormat};
use crate::cli::failure::{Failure, OrFailure};
use crate::cli::input::{bundle, source, trusted_key};
use crate::cli::text::{fingerprint as text, json, qr};
use crate::host;
use crate::sign::Fingerprint;

/// The document for programs.
#[derive(Serialize)]
struct Json {
    file: String,
    fingerprint: String,
    groups: String,
    words: String,
}

pub(crate) fn run(arguments: &FingerprintArguments) -> Result<String, Failure> {
    let (file, fingerprint) = find(&arguments.file)?;
    if arguments.output == OutputFormat::Json {
        let body = Json {
            file,
            fingerprint: fingerprint.to_string(),
            groups: fingerprint.halves().join(" "),
            words: fingerprint.words().join(" "),
        };
        return json::document("fingerprint", &body);
    }
    let code = match arguments.qr {
        None => String::new(),
        Some(background) => {
            let form = if host::is_utf8() { qr::Form::HalfBlocks } else { qr::Form::Ascii };
            // In capital letters it fits a smaller code, and `--key` takes any.
            let content = fingerprint.to_string().to_uppercase();
            let code = qr::render(&content, form, background).map_err(|error| Failure::defect(&error.to_string()))?;
            format!("\n{code}")
        }
    };
    Ok(format!("{file}\n\n{}{code}", text::all(&fingerprint)))
}

/// Returns the fingerprint of the key, and the name of the key's file.
fn find(file: &Path) -> Result<(String, Fingerprint), Failure> {
    if file != Path::new("-") {
        // Before the words about --key, which is no option of this.
        file.metadata().or_cannot("read", file)?;
    }
    // Nothing lies beside a pipe.
    if !source::is_standard(file)
        && file.metadata().or_cannot("read", file)?.is_file()
        && bundle::is_bundle(&source::open(file).or_cannot("read", file)?)
    {
        let of = |path: &Path| {
            let key = trusted_key::read_key(path)?;
            bundle::check_outer_signature(file, &key)?;
            Ok((path.display().to_string(), key.fingerprint()))
        };
        // Of several keys it is the one that has signed the bundle.
        let mut likeliest = None;
        for path in trusted_key::keys_beside(file)? {
            match of(&path) {
                Ok(found) => return Ok(found),
                Err(failure) => {
                    likeliest.get_or_insert(failure);
                }
            }
        }
        return Err(likeliest.unwrap_or_else(|| Failure::defect("no name of a key")));
    }
    Ok((file.display().to_string(), trusted_key::read_key(file)?.fingerprint()))
}
