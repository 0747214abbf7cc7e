//! The library does what the command line does, in one call each, without a terminal and without the program.

use std::io::{self, Cursor};
use std::sync::Mutex;

use certferry::adopted::Adopted;
use certferry::bundle::VerifiedPart;
use certferry::host::NodeTree;
use certferry::keys::{Seed, engines, relative_cost};
use certferry::kubernetes::PartName;
use certferry::lock::Lock;
use certferry::make::{
    self, BuildError, Comparison, Derivation, Deviation, Made, MakeError, Objection, Permission, Progress, Request,
    Signing, Subset,
};
use certferry::node::{self, Allowed, ApplyError, InstallRefusal, NodeError, Previous};
use certferry::profile::{self, Profile};
use certferry::sign::PublicKey;
use certferry::verify::{AlreadyVerified, check_bundle};
use certferry::x509::KeyAlgorithm;
use time::macros::datetime;

use crate::common::desk::{CANARY, PROFILE};

fn profile(generation: u32) -> Profile {
    let text = PROFILE.replace("issued_at = 2026-11-22", &format!("issued_at = 2026-11-22\ngeneration = {generation}"));
    profile::parse(text.as_bytes()).unwrap().profile
}

fn seed() -> Seed {
    Seed::parse(format!("certferry-seed-1:{CANARY}\n").as_bytes()).unwrap()
}

fn request<'a>(profile: &'a Profile, seed: &'a Seed, lock: Option<&'a Lock>) -> Request<'a> {
    let (permission, adopted) = (Permission::PROFILE, Adopted::nothing());
    Request {
        profile,
        seed,
        adopted,
        lock,
        subset: None,
        permission,
        rotation: None,
        signing: Signing::Derived,
        envelopes: None,
        signs_slices: false,
    }
}

fn build<'a>(request: &Request<'a>) -> Result<Made<'a, Cursor<Vec<u8>>>, MakeError> {
    let engines = engines();
    let derivation = Derivation { engine: &*engines[0].test, threads: None, progress: &|_| {} };
    let body = || Ok::<_, io::Error>(Cursor::<Vec<u8>>::default());
    make::build(request, derivation, body, |_| body()).map_err(|error| match error {
        BuildError::Make(error) => error,
        BuildError::Create(error) => panic!("{error}"),
    })
}

/// The part of `cp-1`, as `verify` has it.
fn part(made: &Made<'_, Cursor<Vec<u8>>>) -> (VerifiedPart, PublicKey) {
    let (at, name) = (datetime!(2026-11-23 00:00 UTC), PartName::Node("cp-1".to_owned()));
    let bundle = made.output.get_ref().as_slice();
    let checked = check_bundle(bundle, &made.signer, at, Some(&name), &AlreadyVerified::default()).unwrap();
    assert!(checked.findings.is_empty(), "{:?}", checked.findings);
    (checked.wanted.unwrap(), checked.key)
}

#[test]
fn the_same_request_makes_the_same_bytes_and_the_lock_says_so() {
    let (profile, seed) = (profile(1), seed());
    let first = build(&request(&profile, &seed, None)).unwrap();
    let lock = Lock::parse(first.lock.to_toml().as_bytes()).unwrap();
    assert_eq!(lock, first.lock);
    let locked = Request { permission: Permission::Locked, ..request(&profile, &seed, Some(&lock)) };
    let again = build(&locked).unwrap();
    assert!(first.output == again.output && first.signature == again.signature && first.lock == again.lock);
    assert!(Comparison::of_build(again.since.unwrap(), &again.plan).changes.is_empty());
}

#[test]
fn a_lock_that_stands_against_a_build_is_told_with_both_values() {
    let (old, new, seed) = (profile(1), profile(2), seed());
    let lock = build(&request(&old, &seed, None)).unwrap().lock;
    let locked = Request { permission: Permission::Locked, ..request(&new, &seed, Some(&lock)) };
    match build(&locked).map(|_| ()) {
        Err(MakeError::Objection(Objection::Differs(Deviation::Value { what, locked, built }))) => {
            assert_eq!([what, locked, built], ["generation", "1", "2"]);
        }
        other => panic!("{other:?}"),
    }
    let other = Seed::parse(format!("certferry-seed-1:{}", "0123456789abcdef".repeat(4)).as_bytes()).unwrap();
    let error = build(&request(&old, &other, Some(&lock))).map(|_| ()).unwrap_err().to_string();
    let (locked, given) = (seed.id(), other.id());
    let expected = format!("this is another seed: the lock was made with seed id {locked}, this one is {given}");
    assert_eq!(error, expected);
}

#[test]
fn what_a_request_lacks_is_told_before_any_work() {
    let (profile, seed) = (profile(1), seed());
    let (none, unknown) = (["cp-1".to_owned()], ["cp-9".to_owned()]);
    let subset = |nodes| Some(Subset { nodes, with_cluster: false });
    let whole = request(&profile, &seed, None);
    let error = make::check(&Request { subset: subset(&none), ..whole }).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "there is no lock to build against");
    let lock = build(&whole).unwrap().lock;
    let partial = Request { subset: subset(&unknown), ..request(&profile, &seed, Some(&lock)) };
    assert_eq!(make::check(&partial).map(|_| ()).unwrap_err().to_string(), "the profile has no node cp-9");
}

#[test]
fn an_output_that_cannot_be_made_ends_the_build_with_its_own_error() {
    let (profile, seed) = (profile(1), seed());
    let engines = engines();
    let derivation = Derivation { engine: &*engines[0].test, threads: None, progress: &|_| {} };
    let request = request(&profile, &seed, None);
    let create = |name: &str| Err::<Cursor<Vec<u8>>, _>(format!("no place for {name}"));
    let made = make::build(&request, derivation, || Ok(Cursor::<Vec<u8>>::default()), create);
    match made.map(|_| ()) {
        Err(BuildError::Create(error)) => assert_eq!(error, "no place for lab-g1.tar.gz"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_part_is_applied_and_rolled_back() {
    let seed = seed();
    let [first, second] = [1, 2].map(|generation| part(&build(&request(&profile(generation), &seed, None)).unwrap()));
    let folder = tempfile::tempdir().unwrap();
    let tree = NodeTree::new(folder.path().to_owned());
    let allowed = Allowed::default();
    let apply = |part| node::apply(&tree, allowed, None, || Ok::<_, ApplyError>(part), &mut |_| {});
    let generation = || node::status(&tree).unwrap().installed.map(|installed| installed.generation);

    let foreseen = node::dry_run(&tree, allowed, None, &first).unwrap();
    assert!(foreseen.changes.has_files() && generation().is_none());
    assert!(matches!(node::rollback(&tree, None, &mut |_| {}), Err(ApplyError::Node(NodeError::NoPrevious))));
    assert!(apply(&first).unwrap().changes.has_files());
    assert!(apply(&first).unwrap().changes.is_nothing());
    apply(&second).unwrap();
    assert_eq!(generation(), Some(2));
    match apply(&first).map(|_| ()) {
        Err(ApplyError::Refused { refusal: InstallRefusal::Older, from, to }) => {
            assert_eq!((from.generation, to.generation), (2, 1));
        }
        other => panic!("{other:?}"),
    }
    let back = node::rollback(&tree, None, &mut |_| {}).unwrap();
    assert_eq!(generation(), Some(1));
    assert!(matches!(back.status.previous, Previous::Installed(previous) if previous.generation == 2));
}

#[test]
fn a_part_that_is_refused_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let tree = NodeTree::new(folder.path().to_owned());
    let refuse = || Err(ApplyError::NotANode);
    assert!(node::apply(&tree, Allowed::default(), None, refuse, &mut |_| {}).is_err());
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}

/// A key of 4096 bits is worth many of 2048, so that what is left is not told after the cheap ones.
#[test]
fn a_build_tells_how_far_it_is_by_what_keys_cost() {
    let text = PROFILE.replace("leaf = \"ecdsa-p256\"", "leaf = \"rsa-2048\"");
    let (profile, seed) = (profile::parse(text.as_bytes()).unwrap().profile, seed());
    let (engines, told) = (engines(), Mutex::new(Vec::new()));
    let progress = |progress| told.lock().unwrap().push(progress);
    let derivation = Derivation { engine: &*engines[0].test, threads: None, progress: &progress };
    let body = || Ok::<_, io::Error>(Cursor::<Vec<u8>>::default());
    let keys = make::build(&request(&profile, &seed, None), derivation, body, |_| body()).ok().unwrap().plan.keys;
    let mut told = told.into_inner().unwrap();
    assert_eq!(told.split_off(told.len() - 2), [Progress::Writing, Progress::Checking]);
    let expected: u64 = keys.iter().map(|key| u64::from(relative_cost(key.algorithm))).sum();
    let mut done = 0;
    for step in &told {
        let Progress::Keys { cost, of } = step else { panic!("{step:?}") };
        assert_eq!(*of, expected);
        done += cost;
    }
    assert_eq!((told.len(), done), (keys.len(), expected));
    assert!(relative_cost(KeyAlgorithm::Rsa4096) > 10 * relative_cost(KeyAlgorithm::Rsa2048));
}
