//! Measures RSA keys of each engine beside `openssl genrsa` and, where it is installed, Go's crypto/rsa. It measures
//! processor time on one core, so that other work on the machine disturbs least.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Outcome, process};

const ALGORITHMS: [(&str, u32); 3] = [("rsa-2048", 2048), ("rsa-3072", 3072), ("rsa-4096", 4096)];

/// A Go program that makes as many keys of a size as its arguments say.
const GO: &str = r#"package main

import (
	"crypto/rand"
	"crypto/rsa"
	"os"
	"strconv"
)

func main() {
	bits, _ := strconv.Atoi(os.Args[1])
	count, _ := strconv.Atoi(os.Args[2])
	for i := 0; i < count; i++ {
		if _, err := rsa.GenerateKey(rand.Reader, bits); err != nil {
			panic(err)
		}
	}
}
"#;

/// The options of the command line.
struct Options {
    keys: u32,
    candidates: u32,
    /// The arguments for cargo.
    features: &'static [&'static str],
}

impl Options {
    fn parse(arguments: &[String], keys: u32, usage: &str) -> Result<Self, String> {
        let mut options = Self { keys, candidates: 1_000_000, features: &[] };
        let mut rest = arguments.iter().map(String::as_str);
        while let Some(option) = rest.next() {
            let number = match option {
                "--keys" => &mut options.keys,
                "--candidates" => &mut options.candidates,
                "--aws-lc" => {
                    options.features = &["--features", "aws-lc"];
                    continue;
                }
                _ => return Err(format!("unknown argument `{option}`\nhint: {usage}")),
            };
            let text = rest.next().unwrap_or_default();
            *number = text.parse().map_err(|_| format!("{option}: `{text}` is no number\nhint: {usage}"))?;
        }
        Ok(options)
    }

    /// Returns a call of the benchmark with these arguments.
    fn bench(&self, arguments: &[&str]) -> Command {
        let mut cargo = process::cargo();
        cargo
            .args(["bench", "--quiet", "--locked", "--bench", "engines"])
            .args(self.features)
            .arg("--")
            .args(arguments);
        cargo
    }
}

/// Prints the table. `--keys N` is the number of RSA-2048 keys of each kind, 300 by default. Of the larger keys a tenth
/// as many are made. `--aws-lc` adds that engine.
///
/// # Errors
/// Fails when a program cannot be built or run.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let options = Options::parse(arguments, 300, "cargo xtask bench engines [--keys N] [--aws-lc]")?;
    let engines = process::output(&mut options.bench(&["list"]))?;
    let mut output = String::new();
    for (name, bits) in ALGORITHMS {
        for engine in engines.lines() {
            eprintln!("xtask: {name}, {engine}");
            let count = count(options.keys, bits).to_string();
            output += &process::output(&mut options.bench(&["time", &count, engine, &bits.to_string()]))?;
        }
    }
    let others = others(options.keys)?;
    println!("\nRSA keys, one processor: milliseconds of its time\n\n{}", table(&output, &others));
    Ok(())
}

/// Returns the seconds on the wall that the quickest engine takes for so many RSA-2048 keys on all processors.
///
/// # Errors
/// Fails when the benchmark cannot be built or run.
pub(super) fn wall(keys: usize) -> Result<f64, String> {
    let options = Options { keys: 0, candidates: 0, features: &[] };
    let output = process::output(&mut options.bench(&["wall", &keys.to_string()]))?;
    let seconds = output.lines().find_map(|line| line.strip_prefix("wall ")?.split(' ').nth(2)?.parse().ok());
    seconds.ok_or_else(|| format!("the benchmark said {output}, and no seconds"))
}

/// `cargo xtask engines`: checks that every engine makes the same keys and verdicts. `--keys N` is the number of keys,
/// 2,000 by default. `--candidates N` is the number of candidates, a million by default. `--aws-lc` adds that engine.
///
/// # Errors
/// Fails when two engines differ.
pub(crate) fn compare(arguments: &[String]) -> Outcome {
    let usage = "cargo xtask engines [--keys N] [--candidates N] [--aws-lc]";
    let options = Options::parse(arguments, 2_000, usage)?;
    process::run(&mut options.bench(&["compare", &options.keys.to_string(), &options.candidates.to_string()]))
}

/// Returns how many keys of a size are made. There are fewer of the larger ones, because they take much longer and
/// fewer say as much.
fn count(keys: u32, bits: u32) -> u32 {
    if bits == 2048 { keys } else { keys.div_ceil(10) }
}

/// Returns the mean milliseconds of a key by other programs, by program and algorithm.
fn others(keys: u32) -> Result<BTreeMap<(String, &'static str), f64>, String> {
    let mut means = BTreeMap::new();
    let openssl = process::output(process::command("openssl").arg("version"))?;
    let openssl = format!("openssl {}", openssl.split_whitespace().nth(1).unwrap_or_default());
    let folder = std::env::temp_dir().join(format!("xtask-bench-{}", std::process::id()));
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let go = go(&folder);
    for (name, bits) in ALGORITHMS {
        // These are slow, so there are fewer. Their times spread widely.
        let count = count(keys, bits).min(if bits == 2048 { 200 } else { 30 });
        eprintln!("xtask: {name}, {openssl}");
        let once = format!("openssl genrsa {bits} >/dev/null 2>&1");
        let mean =
            children_time(&format!("i=0; while [ $i -lt {count} ]; do {once}; i=$((i+1)); done"))? / f64::from(count);
        means.insert((openssl.clone(), name), mean);
        if let Some((version, program)) = &go {
            eprintln!("xtask: {name}, {version}");
            let mean = children_time(&format!("GOMAXPROCS=1 {} {bits} {count}", program.display()))? / f64::from(count);
            means.insert((version.clone(), name), mean);
        }
    }
    fs::remove_dir_all(&folder).map_err(|error| error.to_string())?;
    Ok(means)
}

/// Returns Go's version and the program that it built, if Go is installed.
fn go(folder: &Path) -> Option<(String, PathBuf)> {
    let mut folders = process::search_path();
    // Debian keeps the versions beside each other, and the last one is the newest.
    let mut versions: Vec<PathBuf> =
        fs::read_dir("/usr/lib").ok()?.filter_map(|entry| Some(entry.ok()?.path().join("bin"))).collect();
    versions.retain(|path| path.to_string_lossy().contains("/go") && path.join("go").exists());
    versions.sort();
    folders.extend(versions.into_iter().rev());
    let go = folders.into_iter().map(|folder| folder.join("go")).find(|path| path.exists())?;
    let (source, program) = (folder.join("main.go"), folder.join("keys"));
    fs::write(&source, GO).ok()?;
    let mut build = process::command(&go.to_string_lossy());
    build.env("GOCACHE", folder.join("cache")).args(["build", "-o"]).arg(&program).arg(&source);
    process::run(&mut build).ok()?;
    let version = process::output(process::command(&go.to_string_lossy()).arg("version")).ok()?;
    Some((version.split_whitespace().nth(2)?.replace("go", "Go "), program))
}

/// Returns the milliseconds of processor time that a shell's children take, by the shell's own account.
fn children_time(script: &str) -> Result<f64, String> {
    let output = process::output(process::command("sh").args(["-c", &format!("{script}; times")]))?;
    let line = output.lines().last().unwrap_or_default();
    line.split_whitespace()
        .map(milliseconds)
        .sum::<Option<f64>>()
        .ok_or_else(|| format!("sh: `times` said {line}, not minutes and seconds"))
}

/// Reads the milliseconds of a text such as `1m2.34s`.
fn milliseconds(text: &str) -> Option<f64> {
    let (minutes, seconds) = text.strip_suffix('s')?.split_once('m')?;
    Some((minutes.parse::<f64>().ok()? * 60.0 + seconds.parse::<f64>().ok()?) * 1e3)
}

/// Returns the lines of the benchmark as a table in Markdown, with how many times as long the other programs take.
fn table(output: &str, others: &BTreeMap<(String, &'static str), f64>) -> String {
    let lines: Vec<Vec<&str>> = output.lines().map(|line| line.split_whitespace().collect()).collect();
    let programs: BTreeSet<&String> = others.keys().map(|(program, _)| program).collect();
    let mut head =
        "| engine | key | mean ms | alone: mean | median | 90 % | average key: division | tests | tested |".to_owned();
    head.extend(programs.iter().map(|program| format!(" {program} takes |")));
    let mut text = format!("{head}\n|{}\n", "---|".repeat(head.matches('|').count() - 1));
    for words in &lines {
        let ["key", engine, name, _, mean, alone, median, high] = words[..] else { continue };
        let average = average(&lines, engine, name);
        text += &format!("| {engine} | {name} | {mean} | {alone} | {median} | {high} | {average} |");
        for program in &programs {
            let ratio = others.iter().find(|((other, key), _)| other == *program && *key == name);
            let ratio = ratio.and_then(|(_, other)| Some(other / mean.parse::<f64>().ok()?));
            text += &ratio.map_or_else(|| " - |".to_owned(), |ratio| format!(" {ratio:.1} x |"));
        }
        text.push('\n');
    }
    for ((program, name), mean) in others {
        text += &format!("| {program} | {name} | {mean:.1} |{}\n", " |".repeat(6 + programs.len()));
    }
    text
}

/// Returns division, tests and survivors of the average key as cells.
fn average(lines: &[Vec<&str>], engine: &str, name: &str) -> String {
    let found = lines.iter().find(|words| words.starts_with(&["average", engine, name]));
    found.map_or_else(|| "- | - | -".to_owned(), |words| words[3..].join(" | "))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Options, milliseconds, table};

    #[test]
    fn options_are_read() {
        let parse = |text: &str| {
            let arguments: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            Options::parse(&arguments, 300, "usage")
                .map(|options| (options.keys, options.candidates, options.features.len()))
        };
        assert_eq!(parse(""), Ok((300, 1_000_000, 0)));
        assert_eq!(parse("--candidates 5 --aws-lc --keys 7"), Ok((7, 5, 2)));
        assert_eq!(parse("--keys"), Err("--keys: `` is no number\nhint: usage".to_owned()));
        assert_eq!(parse("--fast"), Err("unknown argument `--fast`\nhint: usage".to_owned()));
    }

    #[test]
    fn a_shell_tells_minutes_and_seconds() {
        assert_eq!(milliseconds("2m3.50s"), Some(123_500.0));
        assert_eq!(milliseconds("0m0.010000s"), Some(10.0));
        assert_eq!(milliseconds("3.5"), None);
    }

    #[test]
    fn lines_become_a_table() {
        let output = "key ifma rsa-2048 300 5.0 5.5 4.5 9.1\naverage ifma rsa-2048 0.4 4.5 72\n";
        let others = BTreeMap::from([(("openssl 3.0".to_owned(), "rsa-2048"), 160.0)]);
        let expected = "\
| engine | key | mean ms | alone: mean | median | 90 % | average key: division | tests | tested | openssl 3.0 takes |
|---|---|---|---|---|---|---|---|---|---|
| ifma | rsa-2048 | 5.0 | 5.5 | 4.5 | 9.1 | 0.4 | 4.5 | 72 | 32.0 x |
| openssl 3.0 | rsa-2048 | 160.0 | | | | | | | |
";
        assert_eq!(table(output, &others), expected);
    }
}
