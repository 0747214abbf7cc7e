//! Who holds the seed cannot sign, and who signs cannot make keys.

use std::io::{self, Cursor};
use std::sync::Mutex;

use certferry::adopted::Adopted;
use certferry::keys::{PrivateKey, Seed, engines, relative_cost};
use certferry::make::{self, BuildError, Derivation, MakeError, Permission, Progress, Request, Signing};
use certferry::profile::{self, Profile};
use certferry::sign::PublicKey;
use certferry::x509::KeyAlgorithm;
use sha2::{Digest, Sha256};

use super::{ASSEMBLE, REQUEST, SEED, SIGN, desk, fingerprint, key, shell};
use crate::common::desk::{CANARY, Desk, PROFILE};

/// What the keys cost that are derived for a profile.
fn derived(profile: &Profile, signing: Signing<'_>) -> Result<u64, MakeError> {
    let seed = Seed::parse(format!("certferry-seed-1:{CANARY}\n").as_bytes()).unwrap();
    let (engines, cost) = (engines(), Mutex::new(0));
    let progress = |progress| {
        if let Progress::Keys { cost: of_key, .. } = progress {
            *cost.lock().unwrap() += of_key;
        }
    };
    let derivation = Derivation { engine: &*engines[0].test, threads: None, progress: &progress };
    let request = Request {
        profile,
        seed: &seed,
        adopted: Adopted::nothing(),
        lock: None,
        subset: None,
        permission: Permission::PROFILE,
        rotation: None,
        signing,
        envelopes: None,
        signs_slices: false,
    };
    let body = || Ok::<_, io::Error>(Cursor::<Vec<u8>>::default());
    match make::build(&request, derivation, body, |_| body()) {
        Ok(_) => Ok(*cost.lock().unwrap()),
        Err(BuildError::Make(error)) => Err(error),
        Err(BuildError::Create(error)) => panic!("{error}"),
    }
}

#[test]
fn the_seeds_key_is_not_even_made() {
    let desk = desk();
    let private = PrivateKey::from_pem(&desk.read("signer.key")).unwrap();
    let public = PublicKey::from_pem(&desk.read("signer.pub")).unwrap();
    let seeds = profile::parse(PROFILE.as_bytes()).unwrap().profile;
    let mut own = profile::parse(&desk.read("lab.toml")).unwrap().profile;
    own.signer.as_mut().unwrap().found = Some(Sha256::digest(public.as_der()).into());
    let with = derived(&seeds, Signing::Derived).unwrap();
    for signing in [Signing::Key(&private), Signing::Nobody { key: &public }] {
        assert_eq!(with - derived(&own, signing).unwrap(), u64::from(relative_cost(KeyAlgorithm::EcdsaP256)));
    }
    // The library holds to the profile as the program does.
    assert!(matches!(derived(&own, Signing::Derived), Err(MakeError::NobodySigns)));
    assert!(matches!(derived(&seeds, Signing::Key(&private)), Err(MakeError::NoSignerNamed)));
    own.signer.as_mut().unwrap().found = Some([7; 32]);
    assert!(matches!(derived(&own, Signing::Key(&private)), Err(MakeError::OtherSigner { .. })));
}

/// Whoever has the seed and the public key, but no signature: nothing that can be built there is taken.
#[test]
fn the_seed_alone_signs_nothing() {
    let desk = desk();
    desk.succeed(REQUEST);
    // The seed's own key signs what it was not asked to.
    desk.write("own.toml", PROFILE);
    desk.succeed("build own.toml --seed lab.seed --out own");
    for key in ["signer.pub".to_owned(), fingerprint(&desk, "signer")] {
        let ended = desk.run(&format!("verify own/lab-g1.tar.gz --key {key}"));
        assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    }
    // The rehearsal of `--unsigned`, of which everybody knows the key, is signed by nobody either: nothing of it is
    // kept.
    assert_eq!(
        desk.names(""),
        [
            "lab-g1.request.tar",
            "lab.seed",
            "lab.toml",
            "own.lock.toml",
            "own.toml",
            "own/install.sh",
            "own/install.sh.sig",
            "own/lab-g1.tar.gz",
            "own/lab-g1.tar.gz.sig",
            "own/lab.pub",
            "signer.key",
            "signer.pub"
        ]
    );
}

/// Whoever signs has the request and a key. No byte of it is one of a key of the cluster.
#[test]
fn the_signer_alone_makes_no_key() {
    let at_seed = desk();
    at_seed.succeed(REQUEST);
    let at_signer = Desk::new();
    for name in ["lab.toml", "lab.seed"] {
        std::fs::remove_file(at_signer.path(name)).unwrap();
    }
    for name in ["lab-g1.request.tar", "signer.key"] {
        at_signer.write(name, at_seed.read(name));
    }
    at_signer.set_mode("signer.key", 0o600);
    at_signer.succeed(SIGN);
    assert_eq!(at_signer.names(""), ["lab-g1.request.tar", "lab-g1.signatures.tar", "signer.key"]);
    at_seed.write("lab-g1.signatures.tar", at_signer.read("lab-g1.signatures.tar"));
    at_seed.succeed(ASSEMBLE);

    // The private keys of the bundle, as raw scalars, in DER and in base64 at each offset.
    shell(&at_seed, "mkdir seen && tar -xzf out/lab-g1.tar.gz -C seen");
    let keys = shell(&at_seed, "find seen -name '*.key'");
    assert!(keys.lines().count() > 5, "{keys}");
    let crossed = ["lab-g1.request.tar", "lab-g1.signatures.tar"].map(|name| at_seed.read(name));
    let has = |place: &[u8], wanted: &[u8]| place.windows(wanted.len()).any(|window| window == wanted);
    for path in keys.lines() {
        let scalar = shell(
            &at_seed,
            &format!("openssl ec -in {path} -outform DER 2>/dev/null | tail -c +8 | head -c 32 | od -An -v -tx1"),
        );
        let scalar: Vec<u8> = scalar.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
        assert_eq!(scalar.len(), 32);
        let pem = at_seed.text(path);
        let body = pem.lines().nth(1).unwrap().as_bytes();
        for place in &crossed {
            assert!(!has(place, &scalar) && !has(place, &body[10..40]), "{path}");
        }
        // The search finds what is there.
        assert!(has(&at_seed.read(path), &body[10..40]), "{path}");
    }
    // The script looks for keys on a node, and has their mark in it.
    shell(&at_seed, "tar -xf lab-g1.request.tar && ! grep -rl 'PRIVATE KEY' lab-g1 --exclude=install.sh");
}

/// The key of the rehearsal is everybody's, so no profile may take it for a signer by mistake: it signs nothing that
/// leaves the program.
#[test]
fn a_signer_of_another_cluster_signs_nothing_here() {
    let desk = desk();
    desk.succeed(REQUEST);
    key(&desk, "other");
    super::sign_by_hand(&desk, "other");
    let ended = desk.run(ASSEMBLE);
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    assert!(!desk.exists("out") && !desk.exists("lab.lock.toml"));
    let ended = desk.run(&format!("{SEED} --out out"));
    assert_eq!(ended.code, Some(2), "{}", ended.stdout);
}
