//! `openssl dgst -verify` takes archive, index and records as signed, and nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::common::{files, run, succeed, tool};
use crate::openssl::Every;
use crate::openssl::unpacked::Unpacked;

pub(crate) fn check(unpacked: &Unpacked, every: Every) {
    let bundle = &unpacked.bundle;
    let records = files(&unpacked.top).into_iter().filter(|path| path.ends_with(".json"));
    let (alike, others): (Vec<_>, Vec<_>) = records.partition(|path| path.starts_with("nodes/worker-"));
    let signatures = files(&unpacked.top).iter().filter(|path| path.ends_with(".sig")).count();
    assert_eq!(signatures, alike.len() + others.len(), "index and records are all signed");
    let mut signed = vec![bundle.archive.clone()];
    signed.extend(others.into_iter().chain(alike.into_iter().step_by(every.0)).map(|path| unpacked.top.join(path)));
    assert!(signed.len() >= 4, "archive, index, a node, the cluster");

    let stranger = stranger(&unpacked.flat);
    signed.into_par_iter().for_each(|path| {
        let signature = PathBuf::from(format!("{}.sig", path.display()));
        assert!(verifies(&path, &signature, &bundle.public_key), "{}", path.display());
        assert!(!verifies(&path, &signature, &stranger), "{} by another key", path.display());
        let altered = PathBuf::from(format!("{}.altered", path.display()));
        let bytes = fs::read(&path).unwrap();
        for place in [0, bytes.len() / 2, bytes.len() - 1] {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            fs::write(&altered, changed).unwrap();
            assert!(!verifies(&altered, &signature, &bundle.public_key), "{} at {place}", path.display());
        }
        fs::remove_file(altered).unwrap();
    });
}

/// Exit code and words must agree.
fn verifies(path: &Path, signature: &Path, public_key: &Path) -> bool {
    let mut command = tool("openssl");
    command.args(["dgst", "-sha256", "-verify"]).arg(public_key).arg("-signature").arg(signature).arg(path);
    let output = run(&mut command);
    match (output.status.code(), output.stdout.as_slice()) {
        (Some(0), b"Verified OK\n") => true,
        (Some(1), b"Verification failure\n") => false,
        other => panic!("{command:?}: {other:?} {}", String::from_utf8_lossy(&output.stderr)),
    }
}

/// Somebody else's public key.
fn stranger(folder: &Path) -> PathBuf {
    let (private, public) = (folder.join("stranger.key"), folder.join("stranger.pub"));
    let curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
    succeed(tool("openssl").arg("genpkey").args(curve).arg("-out").arg(&private));
    succeed(tool("openssl").args(["pkey", "-pubout", "-in"]).arg(private).arg("-out").arg(&public));
    public
}
