//! Whatever searches for the primes, the keys are the same: every engine, any number of threads, a CPU without vector
//! instructions. And what is in memory meanwhile stays there.

use crate::common;
use std::fs;
use std::num::NonZeroUsize;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use certferry::keys::{Engine, Label, Seed, derive, engines};
use certferry::kubernetes::KeyId;
use certferry::x509::KeyAlgorithm;
use sha2::{Digest, Sha256};

const VARIABLE: &str = "CERTFERRY_ENGINE";

/// Derives `count` keys with each engine, as a build does.
fn keys_are_the_same(algorithm: KeyAlgorithm, count: u32) {
    let seed = Seed::parse(format!("certferry-seed-1:{}", "0123456789abcdef".repeat(4)).as_bytes()).unwrap();
    let label = |number: u32| Label::new("test", &KeyId::User(format!("u{number}").into()), algorithm, 1);
    let labels: Vec<Label> = (0..count).map(label).collect();
    let keys = |engine: &Engine, threads| -> Vec<_> {
        let ring = derive(&*engine.test, &seed, &labels, NonZeroUsize::new(threads), &|_| ());
        let ring = ring.unwrap_or_else(|error| panic!("{error:?}"));
        ring.iter().map(|(id, key)| (id.clone(), key.to_pem())).collect()
    };
    let mut engines = engines();
    let expected = keys(&engines.pop().unwrap(), 2);
    assert_eq!(expected.len(), count as usize);
    if engines.is_empty() {
        println!("skipped: this CPU runs the portable engine alone");
    }
    for engine in &engines {
        for threads in [1, 3] {
            assert!(keys(engine, threads) == expected, "{} {}, {threads}", engine.name, algorithm.name());
        }
    }
}

#[test]
fn a_few_keys_are_the_same_with_every_engine() {
    for (algorithm, count) in [(KeyAlgorithm::Rsa2048, 20), (KeyAlgorithm::Rsa3072, 2), (KeyAlgorithm::Rsa4096, 1)] {
        keys_are_the_same(algorithm, count);
    }
}

/// So many more than above that the program makes them, as it travels.
#[test]
#[ignore = "release only"]
fn release_bundles_of_many_keys_are_the_same_with_every_engine() {
    for (algorithm, count) in [(KeyAlgorithm::Rsa2048, 100), (KeyAlgorithm::Rsa3072, 10), (KeyAlgorithm::Rsa4096, 10)] {
        let profile = common::changed_profile("single-node", |profile| {
            common::use_fast_keys(profile);
            profile["keys"]["leaf"] = algorithm.name().into();
            let user = |number: u32| {
                toml::Value::from(toml::Table::from_iter([("name".to_owned(), format!("u{number}").into())]))
            };
            profile.insert("user".to_owned(), (0..count).map(user).collect::<Vec<_>>().into());
        });
        let folder = tempfile::tempdir().unwrap();
        let profile = common::write(folder.path(), "many.toml", &profile, 0o644);
        let bundle = |engine: &str, threads| {
            let mut certferry = common::certferry();
            certferry.env(VARIABLE, engine);
            build(certferry, &profile, threads)
        };
        let mut engines = engines_of_the_program();
        let expected = bundle(engines.pop().unwrap(), 2);
        for engine in engines {
            for threads in [1, 3] {
                assert_eq!(bundle(engine, threads), expected, "{engine} {}, {threads}", algorithm.name());
            }
        }
    }
}

/// The names of the engines of the program that the tests run. The one that travels is built without AWS-LC, whatever the
/// tests are built with.
fn engines_of_the_program() -> Vec<&'static str> {
    let travels = std::env::var_os("CERTFERRY_PROGRAM").is_some();
    engines().iter().map(|engine| engine.name).filter(|name| *name != "aws-lc" || !travels).collect()
}

/// The bundle's hash that `tests/golden` holds for an example.
fn golden(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.txt"));
    let text = fs::read_to_string(path).unwrap();
    text.lines().find_map(|line| line.strip_prefix("bundle ")).unwrap().to_owned()
}

/// Builds a profile with the program as `certferry` starts it; the bundle's hash.
fn build(mut certferry: Command, profile: &Path, threads: u32) -> String {
    let folder = tempfile::tempdir().unwrap();
    let seed = common::write(folder.path(), "test.seed", common::SEED, 0o600);
    let (out, lock) = (folder.path().join("out"), folder.path().join("test.lock.toml"));
    certferry.arg("build").arg(profile).args(["--allow-weak-seed", "--seed"]).arg(seed).arg("--out").arg(&out);
    certferry.arg("--lock").arg(&lock).arg("--quiet").arg("--threads").arg(threads.to_string());
    common::succeed(&mut certferry);
    let archive = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path());
    let archive = archive.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "gz")).unwrap();
    Sha256::digest(fs::read(archive).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_bundle_is_the_same_with_every_engine_and_any_number_of_threads() {
    let name = "single-node";
    for engine in engines_of_the_program() {
        for threads in [1, 2, 3, 8] {
            let mut certferry = common::certferry();
            certferry.env(VARIABLE, engine);
            let bundle = build(certferry, &common::profile(name), threads);
            assert_eq!(bundle, golden(name), "{engine}, {threads} threads");
        }
    }
}

/// The program on an emulated CPU that has nothing beyond x86-64's first version.
fn on_an_old_cpu() -> Command {
    let mut qemu = common::tool("qemu-x86_64");
    qemu.args(["-cpu", "qemu64"]).arg(env!("CARGO_BIN_EXE_certferry"));
    qemu
}

#[test]
#[cfg(target_arch = "x86_64")]
fn a_bundle_is_the_same_on_a_cpu_without_vector_instructions() {
    assert_eq!(build(on_an_old_cpu(), &common::profile("single-node"), 2), golden("single-node"));
}

#[test]
#[cfg(target_arch = "x86_64")]
fn an_engine_that_the_cpu_cannot_run_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let seed = common::write(folder.path(), "test.seed", common::SEED, 0o600);
    let run = |mut command: Command, engine| {
        command
            .env(VARIABLE, engine)
            .arg("build")
            .arg(common::profile("single-node"))
            .args(["--allow-weak-seed", "--seed"])
            .arg(&seed);
        common::fail(command.arg("--out").arg(folder.path().join("out")), 2)
    };
    let hint = "keys are the same with each of them";
    // This is the program as cargo has built it for the tests.
    let names = if cfg!(feature = "aws-lc") { "aws-lc, portable" } else { "portable" };
    assert_eq!(
        run(on_an_old_cpu(), "ifma"),
        format!("error: CERTFERRY_ENGINE: no engine `ifma` on this machine\nhint: this machine has {names}; {hint}\n")
    );
    let names = engines_of_the_program().join(", ");
    assert_eq!(
        run(common::certferry(), "gmp"),
        format!("error: CERTFERRY_ENGINE: no engine `gmp` on this machine\nhint: this machine has {names}; {hint}\n")
    );
    assert!(!folder.path().join("out").exists());
}

/// Another architecture needs its own standard library, which not every machine with this test has.
#[test]
fn the_program_compiles_where_there_are_no_vector_instructions_of_x86() {
    let target = "aarch64-unknown-linux-gnu";
    let sysroot = common::succeed(common::tool("rustc").args(["--print", "sysroot"]));
    if !Path::new(sysroot.trim()).join("lib/rustlib").join(target).exists() {
        return common::skip_even_in_ci(&format!("no standard library for {target} (rustup target add {target})"));
    }
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let mut cargo = common::tool(env!("CARGO"));
    cargo.args(["check", "--locked", "--lib", "--target", target, "--manifest-path"]).arg(manifest);
    common::succeed(cargo.arg("--target-dir").arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("aarch64")));
}

#[test]
fn no_core_dump_is_written_while_keys_are_in_memory() {
    const NOBODY: u32 = 65_534;
    // Everybody must be able to start it and to read what it reads.
    let folder = tempfile::Builder::new().permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755)).tempdir();
    let folder = folder.unwrap();
    let program = folder.path().join("certferry");
    common::place_program(Path::new(env!("CARGO_BIN_EXE_certferry")), &program);
    let profile = folder.path().join("profile.toml");
    fs::copy(common::profile("thousand-nodes"), &profile).unwrap();
    let seed = common::write(folder.path(), "test.seed", common::SEED, 0o600);
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();

    if common::is_root() && common::rights::lacks(&[common::rights::Right::Owners]) {
        return;
    }
    let uid = |path: &str| fs::metadata(path).unwrap().uid();
    if !common::is_root() && uid("/proc/self") == uid("/proc/sys") {
        return common::skip("root and this user have one number here, so that nothing would show");
    }
    let mut command = Command::new(&program);
    if common::is_root() {
        // Root may do everything, so that nothing would show.
        for path in [&seed, &out] {
            std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        command.uid(NOBODY).gid(NOBODY);
    }
    command.arg("build").arg(&profile).args(["--allow-weak-seed", "--seed"]).arg(&seed).arg("--out").arg(&out);
    command.arg("--lock").arg(out.join("lock.toml")).env(VARIABLE, "portable").current_dir(folder.path());
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // Far into the keys, of which there are thousands.
    sleep(Duration::from_millis(700));
    let proc = Path::new("/proc").join(child.id().to_string());
    let running = child.try_wait().unwrap();
    let limits = fs::read_to_string(proc.join("limits"));
    let owner = fs::metadata(proc.join("status")).map(|status| status.uid());
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(running, None, "it was to run for seconds");

    let limits = limits.unwrap();
    let cores = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(cores.split_whitespace().collect::<Vec<_>>(), ["Max", "core", "file", "size", "0", "0", "bytes"]);
    // proc(5): the files of a process that may not be dumped belong to root, whoever runs it.
    assert_eq!(owner.unwrap(), 0);
}
