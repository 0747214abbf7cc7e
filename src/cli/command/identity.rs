//! `identity new`: makes the identity to whose recipient others seal.

use std::fmt::Write;

use serde::Serialize;
use zeroize::Zeroizing;

use crate::cli::args::{IdentityCommand, OutputFormat};
use crate::cli::command::new_file::NewFile;
use crate::cli::failure::Failure;
use crate::cli::text::{fingerprint, json, qr};
use crate::host;
use crate::seal::{Identity, Kind};
use crate::sign::Fingerprint;

/// The document for programs.
#[derive(Serialize)]
struct Json {
    changed: bool,
    dry_run: bool,
    file: String,
    recipient: Option<String>,
    fingerprint: Option<String>,
    groups: Option<String>,
    words: Option<String>,
}

pub(crate) fn run(command: &IdentityCommand) -> Result<String, Failure> {
    let IdentityCommand::New { file, x25519, qr, dry_run, format } = command;
    if file.as_os_str() == "-" {
        return Err(Failure::cannot_run("an identity is not written to the standard output")
            .hint("name a file that does not exist; it gets mode 0600"));
    }
    let new = NewFile { path: file, mode: 0o600, doing: "create", hint: "an identity is never overwritten" };
    let name = file.display().to_string();
    if *dry_run {
        new.check()?;
        return match format.output {
            OutputFormat::Text => Ok(format!("{name}  the identity, would be written; nothing was\n")),
            OutputFormat::Json => told(name, None),
        };
    }
    let kind = if *x25519 { Kind::X25519 } else { Kind::Hybrid };
    let identity = Identity::random(kind).map_err(|error| Failure::cannot_run(error.to_string()))?;
    let recipient = identity.recipient();
    // The form of age-keygen, but for the day.
    let mut text = Zeroizing::new(String::with_capacity(4096));
    let _ = writeln!(text, "# public key: {recipient}");
    text.push_str(&identity.to_text());
    text.push('\n');
    new.write(text.as_bytes())?;
    let digits = recipient.sha256().iter().fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"));
    let named = format!("sha256:{digits}").parse::<Fingerprint>();
    let named = named.map_err(|error| Failure::defect(&error.to_string()))?;
    if format.output == OutputFormat::Json {
        return told(name, Some((recipient.to_string(), named)));
    }
    let code = match qr {
        None => String::new(),
        Some(background) => {
            let form = if host::is_utf8() { qr::Form::HalfBlocks } else { qr::Form::Ascii };
            let code = qr::render(&named.to_string().to_uppercase(), form, *background);
            format!("\n{}", code.map_err(|error| Failure::defect(&error.to_string()))?)
        }
    };
    Ok(format!(
        "{name}  the identity: whoever has it opens what is sealed to the recipient. It stays here.\n\n{recipient}\n\n{}{code}",
        fingerprint::of_recipient(&named)
    ))
}

/// Returns the document about an identity that was made, or that would be.
fn told(file: String, made: Option<(String, Fingerprint)>) -> Result<String, Failure> {
    let (recipient, named) = made.unzip();
    let document = Json {
        changed: true,
        dry_run: recipient.is_none(),
        file,
        recipient,
        fingerprint: named.map(|named| named.to_string()),
        groups: named.map(|named| named.halves().join(" ")),
        words: named.map(|named| named.words().join(" ")),
    };
    json::document("identity-new", &document)
}
