//! `openssl pkey -pubout` of each private key is what `openssl x509 -pubkey` finds in its certificate.

use std::path::Path;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::common::{succeed, tool};
use crate::openssl::Every;
use crate::openssl::unpacked::{Found, Unpacked};

pub(crate) fn check(unpacked: &Unpacked, every: Every) {
    let alike = |found: &&Found| found.place.contains("/worker-");
    let (workers, others): (Vec<&Found>, Vec<&Found>) = unpacked.found.iter().partition(alike);
    let chosen: Vec<&Found> = others.into_iter().chain(workers.into_iter().step_by(every.0)).collect();
    let checked = chosen.into_par_iter().filter_map(|found| {
        let public = |arguments: &[&str], file: &str| {
            succeed(tool("openssl").current_dir(&unpacked.flat).args(arguments).args(["-in", file]))
        };
        let certified = public(&["x509", "-noout", "-pubkey"], &found.file);
        let derived = public(&["pkey", "-pubout"], found.key.as_ref()?);
        assert_eq!(derived, certified, "{}", found.place);
        Some(())
    });
    let leaves = unpacked.found.len() - 3;
    assert!(checked.count() >= leaves / every.0, "each leaf has its key beside it");
    for (private, public) in &unpacked.bare_pairs {
        let derived = succeed(tool("openssl").args(["pkey", "-pubout", "-in"]).arg(private));
        assert_eq!(derived, read(public), "{}", public.display());
        let same = [(private, &unpacked.bare_pairs[0].0), (public, &unpacked.bare_pairs[0].1)];
        assert!(same.iter().all(|(one, first)| read(one) == read(first)), "one service-account key for all");
    }
    assert!(!unpacked.bare_pairs.is_empty());
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}
