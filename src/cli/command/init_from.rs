//! `init --from`: writes the profile of a cluster that runs already.

use std::io;
use std::path::{Path, PathBuf};

use crate::cli::failure::{Failure, OrFailure};
use crate::cli::input::cluster_sources;
use crate::cli::text::shell;
use crate::host::{self, Outputs};
use crate::import::{self, Imported, Subject, Wishes};
use crate::kubernetes::is_label;

/// What keeps the keys that are brought, seeds and bundles out of version control.
const GITIGNORE: &str = "\
# Whoever has one of these has keys of the cluster.
adopted/**/*.key
adopted.tar
*.tar
*.seed
*-g[0-9]*.tar.gz
";

/// `registries` are tables to be added to the profile.
pub(crate) fn run(
    from: &[PathBuf],
    folder: &Path,
    name: Option<&str>,
    registries: &str,
    dry_run: bool,
) -> Result<String, Failure> {
    if let Some(name) = name.filter(|name| !is_label(name)) {
        return Err(Failure::cannot_run(format!("\"{name}\" cannot be the name of a cluster"))
            .hint("1 to 63 lower-case letters, digits and `-`, the first and last a letter or digit, as in prod-1"));
    }
    let sources = cluster_sources::read(from)?;
    let wishes = Wishes { name: name.map(str::to_owned), issued_at: host::now().date() };
    let mut imported = import::import(sources, &wishes);
    imported.profile += registries;
    let list = import::list(&imported.findings);
    let files = files(folder, &imported, &list);
    let mut text = String::new();
    for (path, content) in &files {
        let ending = match dry_run {
            true => foreseen(path, content)?,
            false => "",
        };
        text += &format!("{}{ending}\n", path.display());
    }
    if !dry_run {
        write(folder, &files)?;
    }
    if !list.is_empty() {
        text.extend(["\n", &list]);
    }
    let has = |subject: Subject| imported.findings.iter().any(|finding| finding.subject == subject);
    let first = if has(Subject::Bring) {
        "Bring the keys, look at every line of the profile"
    } else {
        "Look at every line of the profile"
    };
    let profile = folder.join(format!("{}.toml", imported.name));
    if dry_run {
        return Ok(text + "\nnothing was written\n");
    }
    text += &format!("\n{first}, then: certferry plan {}\n", shell::word(&profile));
    Ok(text)
}

/// Returns the files to write: the path and the content of each. A `.gitignore` that is there stays as it is.
fn files<'a>(folder: &Path, imported: &'a Imported, list: &'a str) -> Vec<(PathBuf, &'a str)> {
    let mut files = vec![
        (folder.join(format!("{}.toml", imported.name)), imported.profile.as_str()),
        (folder.join(format!("{}.list.txt", imported.name)), list),
    ];
    files.extend(imported.adopted.iter().map(|(path, pem)| (folder.join(path), pem.as_str())));
    let ignored = folder.join(".gitignore");
    if !ignored.exists() {
        files.push((ignored, GITIGNORE));
    }
    files
}

/// Writes every file, or none.
fn write(folder: &Path, files: &[(PathBuf, &str)]) -> Result<(), Failure> {
    let mut outputs = Outputs::new();
    outputs.create_folder(folder, 0o755).or_cannot("create", folder)?;
    // The keys come here, too.
    let adopted = folder.join("adopted");
    for folder in [&adopted, &adopted.join("etcd")] {
        outputs.create_folder(folder, 0o700).or_cannot("create", folder)?;
    }
    for (path, content) in files {
        outputs.put(path, content.as_bytes(), 0o644, false).or_cannot("create", path)?;
    }
    outputs.commit().map_err(|refused| exists(Failure::commit("create", &refused), &refused.error))
}

/// Refuses a file that [`write`] would refuse. Returns what would become of it.
fn foreseen(path: &Path, content: &str) -> Result<&'static str, Failure> {
    if path.symlink_metadata().is_err() {
        return Ok("  would be written");
    }
    let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
    let found = path.is_file().then(|| host::read(path, length).ok()).flatten();
    if found.is_some_and(|found| **found == *content.as_bytes()) {
        return Ok("  is there already");
    }
    let error = io::ErrorKind::AlreadyExists.into();
    Err(exists(Failure::cannot_run(format!("cannot create {}: file exists", path.display())), &error))
}

fn exists(failure: Failure, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::AlreadyExists => {
            failure.hint("a profile is never overwritten: name another folder with --out, or move the old one away")
        }
        _ => failure,
    }
}
