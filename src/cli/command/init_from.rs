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
*.seed
*-g[0-9]*.tar.gz
";

pub(crate) fn run(from: &[PathBuf], folder: &Path, name: Option<&str>) -> Result<String, Failure> {
    if let Some(name) = name.filter(|name| !is_label(name)) {
        return Err(Failure::cannot_run(format!("\"{name}\" cannot be the name of a cluster"))
            .hint("1 to 63 lower-case letters, digits and `-`, the first and last a letter or digit, as in prod-1"));
    }
    let sources = cluster_sources::read(from)?;
    let wishes = Wishes { name: name.map(str::to_owned), issued_at: host::now().date() };
    let imported = import::import(sources, &wishes);
    let list = import::list(&imported.findings);
    let written = write(folder, &imported, &list)?;
    let mut text: String = written.iter().map(|path| format!("{}\n", path.display())).collect();
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
    text += &format!("\n{first}, then: certferry plan {}\n", shell::word(&profile));
    Ok(text)
}

/// Writes every file, or none. Returns their paths.
fn write(folder: &Path, imported: &Imported, list: &str) -> Result<Vec<PathBuf>, Failure> {
    let mut outputs = Outputs::new();
    outputs.create_folder(folder, 0o755).or_cannot("create", folder)?;
    let adopted = folder.join("adopted");
    // The keys come here, too.
    for folder in [&adopted, &adopted.join("etcd")] {
        outputs.create_folder(folder, 0o700).or_cannot("create", folder)?;
    }
    let mut files = vec![
        (format!("{}.toml", imported.name), imported.profile.as_str()),
        (format!("{}.list.txt", imported.name), list),
    ];
    files.extend(imported.adopted.iter().map(|(path, pem)| (path.clone(), pem.as_str())));
    let mut written = Vec::new();
    for (path, content) in files {
        let path = folder.join(path);
        outputs.put(&path, content.as_bytes(), 0o644, false).or_cannot("create", &path)?;
        written.push(path);
    }
    let ignored = folder.join(".gitignore");
    if !ignored.exists() {
        outputs.put(&ignored, GITIGNORE.as_bytes(), 0o644, false).or_cannot("create", &ignored)?;
        written.push(ignored);
    }
    outputs.commit().map_err(|refused| {
        let failure = Failure::commit("create", &refused);
        match refused.error.kind() {
            io::ErrorKind::AlreadyExists => {
                failure.hint("a profile is never overwritten: name another folder with --out, or move the old one away")
            }
            _ => failure,
        }
    })?;
    Ok(written)
}
