//! `sign`: signs what `build --unsigned` asks for, on a machine that has the signer's key and no seed.

use std::ffi::OsStr;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::bundle::{Checksum, Head, REQUEST_LIMIT, SigningRequest};
use crate::cli::args::{OutputFormat, SignArguments};
use crate::cli::command::new_file::NewFile;
use crate::cli::failure::{Failure, OrFailure, named};
use crate::cli::input::sealed::Opener;
use crate::cli::input::{misplaced_secret, signer_key, source};
use crate::cli::text::{fingerprint, json, node_names};
use crate::host;
use crate::keys::PrivateKey;
use crate::kubernetes::PartName;
use crate::make::install_script;
use crate::sign::{Fingerprint, SigningFailed};

/// The most bytes of a file that may have been given in place of a request, and in which a secret is looked for.
const SMALL: usize = 64 << 10;

#[derive(Serialize)]
struct SignJson {
    changed: bool,
    dry_run: bool,
    request: String,
    file: String,
    signer: String,
    bundle: Option<RequestJson>,
    checksum: Option<ChecksumJson>,
}

/// What a request asks for.
#[derive(Serialize)]
struct RequestJson {
    cluster: String,
    cluster_id: String,
    generation: u32,
    kubernetes: String,
    partial: bool,
    index_sha256: String,
    profile_sha256: String,
    signatures: usize,
    parts: Vec<PartJson>,
}

#[derive(Serialize)]
struct PartJson {
    part: String,
    sha256: String,
}

#[derive(Serialize)]
struct ChecksumJson {
    name: String,
    sha256: String,
}

/// What there is to sign.
enum Asked {
    Bundle(Box<SigningRequest>),
    File(Checksum),
}

pub(crate) fn run(arguments: &SignArguments) -> Result<String, Failure> {
    let path = arguments.request.as_path();
    let content = source::read(path, REQUEST_LIMIT).or_cannot("read", path)?;
    let asked = match Checksum::read(&content) {
        Some(checksum) => Asked::File(checksum),
        None => {
            if content.len() <= SMALL {
                misplaced_secret::refuse_secret(path, &content, "what `certferry build --unsigned` wrote")?;
            }
            Asked::Bundle(Box::new(request(path, &content)?))
        }
    };
    let out = arguments.out.clone().map_or_else(|| default_out(path, &asked), Ok)?;
    let key = signer_key::read_private(&arguments.signer, &Opener::new(&arguments.open))?;
    let fingerprint = signer_key::fingerprint(&key)?;
    if let Asked::Bundle(request) = &asked {
        check(path, request, &arguments.signer, &fingerprint)?;
    }
    let answer = signed(&asked, &content, &key)?;
    let new = NewFile { path: &out, mode: 0o644, doing: "write", hint: "name another with --out" };
    let is_there = out.is_file() && host::read(&out, answer.len() as u64).is_ok_and(|found| **found == *answer);
    let foreseen = new.foreseen(&answer, "the signatures")?;
    if !arguments.dry_run {
        new.write(&answer)?;
    }
    if arguments.format.output == OutputFormat::Json {
        return json::document("sign", &document(arguments, &asked, &out, !is_there, &fingerprint));
    }
    let written = match arguments.dry_run {
        true => foreseen.trim_end().to_owned(),
        false => format!("{}  {}; nothing in it is secret", out.display(), count(&asked)),
    };
    Ok(text(&asked, &written, &fingerprint, arguments.dry_run))
}

fn request(path: &Path, content: &[u8]) -> Result<SigningRequest, Failure> {
    SigningRequest::read(content).map_err(|error| {
        Failure::says_no(format!("{} {error}", named(path)))
            .hint("nothing was signed; carry the file again as `certferry build --unsigned` wrote it")
    })
}

/// Refuses what this key is not asked to sign, and a script that this version of certferry does not know.
fn check(path: &Path, request: &SigningRequest, key: &Path, fingerprint: &Fingerprint) -> Result<(), Failure> {
    let wanted = request.signer().fingerprint();
    if wanted != *fingerprint {
        return Err(Failure::says_no(format!(
            "{} asks for the signatures of another key than {}",
            named(path),
            named(key)
        ))
        .lines(format!("it asks for  {wanted}\nthe key is   {fingerprint}\n"))
        .hint("nothing was signed; the profile names the signer in `signer` of [bundle]"));
    }
    if request.script() != install_script::SCRIPT.as_bytes() {
        return Err(Failure::says_no(format!(
            "the install.sh in {} is not the one of this version of certferry ({})",
            named(path),
            env!("CARGO_PKG_VERSION")
        ))
        .hint(
            "root runs it on every node: sign with the version that made the request, or read it and sign by hand \
               (certferry help signer)",
        ));
    }
    Ok(())
}

/// Returns the bytes of the answer.
fn signed(asked: &Asked, content: &[u8], key: &PrivateKey) -> Result<Vec<u8>, Failure> {
    let sign = |_: &str, message: &[u8]| key.sign(message).map_err(|_| SigningFailed::Key);
    let signed = match asked {
        Asked::Bundle(request) => request.answer(&sign).map_err(|error| error.to_string()),
        Asked::File(_) => key.sign(content).map_err(|error| error.to_string()),
    };
    signed.map_err(|error| Failure::defect(&error))
}

/// Returns the name of the answer: `X.signatures.tar` for `X.request.tar`, else `.signatures.tar` or `.sig` behind it.
fn default_out(path: &Path, asked: &Asked) -> Result<PathBuf, Failure> {
    let name = path.file_name().filter(|_| !source::is_standard(path)).and_then(OsStr::to_str);
    let Some(name) = name else {
        return Err(Failure::cannot_run("the request has no name after which the answer could be called")
            .hint("name the file to write with --out"));
    };
    let name = match asked {
        Asked::File(_) => format!("{name}.sig"),
        Asked::Bundle(_) => format!("{}.signatures.tar", name.strip_suffix(".request.tar").unwrap_or(name)),
    };
    Ok(path.with_file_name(name))
}

fn count(asked: &Asked) -> String {
    match asked {
        Asked::Bundle(request) => format!("{} signatures", request.documents().len()),
        Asked::File(_) => "a signature".to_owned(),
    }
}

fn text(asked: &Asked, written: &str, signer: &Fingerprint, dry_run: bool) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    match asked {
        Asked::File(checksum) => {
            let _ = writeln!(text, "the checksum of {}\n\n  {written}\n", checksum.name);
            let _ = writeln!(text, "content  sha256:{}", checksum.sha256);
            text += &fingerprint::signer(signer);
            if !dry_run {
                text += "Carry it beside the bundle and its .sha256.\n";
            }
        }
        Asked::Bundle(request) => {
            let index = request.index();
            let Head { cluster, generation, kubernetes, issued_at, .. } = &index.head;
            let partial = if index.partial { ", a partial bundle" } else { "" };
            let _ = writeln!(
                text,
                "{cluster}, generation {generation}, Kubernetes {kubernetes}, issued {issued_at}{partial}\n\n  {written}\n"
            );
            let nodes = node_names::ranges(index.parts.iter().filter_map(|(part, _)| part.node()));
            let has_cluster = index.parts.iter().any(|(part, _)| *part == PartName::Cluster);
            let cluster = has_cluster.then(|| "cluster".to_owned());
            let parts: Vec<_> = nodes.into_iter().map(|nodes| format!("node/{nodes}")).chain(cluster).collect();
            let _ = writeln!(text, "parts    {}", parts.join(", "));
            let _ = writeln!(text, "index    sha256:{}", request.index_sha256());
            text += "         It must be what `build --unsigned` said, where the bundle is made.\n";
            let _ = writeln!(text, "profile  sha256:{}", index.profile_sha256);
            text += "         It must be what `sha256sum` says of the profile that was agreed on.\n";
            text += &fingerprint::signer(signer);
            if !dry_run {
                text += "\nBack where the seed is: certferry build PROFILE --seed FILE --signatures FILE\n";
            }
        }
    }
    text
}

fn document(arguments: &SignArguments, asked: &Asked, out: &Path, changed: bool, signer: &Fingerprint) -> SignJson {
    let (mut bundle, mut checksum) = (None, None);
    match asked {
        Asked::File(file) => {
            checksum = Some(ChecksumJson { name: file.name.clone(), sha256: file.sha256.to_string() });
        }
        Asked::Bundle(request) => {
            let index = request.index();
            let part = |(part, sha256): &(PartName, crate::bundle::Sha256)| PartJson {
                part: part.to_string(),
                sha256: sha256.to_string(),
            };
            bundle = Some(RequestJson {
                cluster: index.head.cluster.clone(),
                cluster_id: index.head.cluster_id.to_string(),
                generation: index.head.generation,
                kubernetes: index.head.kubernetes.clone(),
                partial: index.partial,
                index_sha256: request.index_sha256().to_string(),
                profile_sha256: index.profile_sha256.to_string(),
                signatures: request.documents().len(),
                parts: index.parts.iter().map(part).collect(),
            });
        }
    }
    SignJson {
        changed,
        dry_run: arguments.dry_run,
        request: arguments.request.display().to_string(),
        file: out.display().to_string(),
        signer: signer.to_string(),
        bundle,
        checksum,
    }
}
