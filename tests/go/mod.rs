//! certferry judges certificates as Go does: random chains, the same question to both, one answer, word for word.

mod asn1;
mod cases;
mod dice;
mod keys;
mod oracle;
mod planted;
mod recipe;

use std::collections::{BTreeMap, BTreeSet};

use certferry::go::{GoError, GoUsage, GoVersion, VerifyOptions, certificates, check_key_pair, trusted, verify};
use rayon::prelude::*;

pub use cases::{Case, Usage};
pub use oracle::Oracle;

use cases::case;
use oracle::Answer;

/// Any number would do. Others find other faults.
const SEED: u64 = 1;
const CASES: u64 = 2000;

/// What both say of a case, where they differ: what was asked, Go's answer, certferry's.
type Difference = (&'static str, String, String);

#[test]
fn certferry_says_what_go_says() {
    let Some(oracle) = Oracle::build() else { return };
    let seed = number("CERTFERRY_GO_SEED").unwrap_or(SEED);
    let count = number("CERTFERRY_GO_CASES").unwrap_or(CASES);
    let cases: Vec<Case> = (0..count).into_par_iter().map(|number| case(seed, number)).collect();
    let answers = compare(&oracle, &cases);
    // The chance that makes the cases is worth something only while they fall to both sides, and in many ways.
    let accepted = answers.iter().filter(|answer| answer.verify.is_none()).count();
    let [least, most] = [30, 60].map(|percent| cases.len() * percent / 100);
    assert!((least..most).contains(&accepted), "{accepted} of {} are accepted", cases.len());
    let texts = kinds(&answers).len();
    assert!(texts > 100 || cases.len() < 2000, "{texts} kinds of texts");
}

#[test]
fn certferry_says_what_go_says_of_whole_clusters() {
    let Some(oracle) = Oracle::build() else { return };
    let answers = compare(&oracle, &planted::cases());
    let sound = answers.iter().filter(|answer| answer.verify.is_none() && answer.key_pair.is_none()).count();
    assert!(sound > 10 && sound < answers.len(), "{sound} of {} are sound", answers.len());
}

#[test]
fn certferry_says_what_go_says_of_nodes() {
    let Some(oracle) = Oracle::build() else { return };
    let answers = compare(&oracle, &planted::disks());
    let sound = answers.iter().filter(|answer| answer.verify.is_none() && answer.key_pair.is_none()).count();
    assert!(sound > 20 && answers.len() > 500, "{sound} of {} are sound", answers.len());
}

/// Asks both about every case, and fails where they differ.
fn compare(oracle: &Oracle, cases: &[Case]) -> Vec<Answer> {
    let answers = oracle.ask(cases);
    let differences: Vec<(&Case, Difference)> = cases
        .par_iter()
        .zip(&answers)
        .flat_map_iter(|(case, answer)| {
            differences(case, answer, oracle.go).into_iter().map(move |found| (case, found))
        })
        .collect();
    tell(oracle, &answers, &differences);
    let unexplained: Vec<_> = differences.iter().filter(|(_, difference)| !is_known(difference, oracle.go)).collect();
    let mut groups: BTreeMap<_, Vec<&(&Case, Difference)>> = BTreeMap::new();
    for found in &unexplained {
        let (what, go, own) = &found.1;
        groups.entry((*what, kind(go), kind(own))).or_default().push(found);
    }
    for group in groups.values() {
        let (case, (what, go, own)) = group[0];
        let (count, faults) = (group.len(), case.faults.join("; "));
        println!("{count} times, as in case {} ({faults}): {what}\n  Go:        {go}\n  certferry: {own}", case.number);
    }
    assert!(unexplained.is_empty(), "{} differences from {}", unexplained.len(), oracle.go);
    let unchecked = differences.iter().filter(|(_, (_, _, own))| own.starts_with(UNJUDGED)).count();
    assert!(unchecked * 20 < cases.len(), "{unchecked} answers of {} are none", cases.len());
    answers
}

/// A whole case as files, to look at one: `CERTFERRY_GO_CASE=17` prints it.
#[test]
fn a_case_that_is_asked_for_is_printed() {
    let seed = number("CERTFERRY_GO_SEED").unwrap_or(SEED);
    if let Some(number) = number("CERTFERRY_GO_CASE") {
        let case = case(seed, number);
        println!("{:?} at {} for {:?}, host {:?}", case.faults, case.at, case.usage, case.host);
        println!("chain:\n{}\nroots:\n{}\nkey:\n{}", case.chain, case.roots, case.key);
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

const ACCEPTED: &str = "accepted";

fn differences(case: &Case, go: &Answer, version: GoVersion) -> Vec<Difference> {
    let own = judge(case, version);
    let texts = [
        ("load", &go.loaded, &own.loaded),
        ("key pair", &go.key_pair, &own.key_pair),
        ("verify", &go.verify, &own.verify),
    ];
    let said = |text: &Option<String>| text.clone().unwrap_or_else(|| ACCEPTED.to_owned());
    let mut found: Vec<_> =
        texts.into_iter().filter(|(_, go, own)| go != own).map(|(what, go, own)| (what, said(go), said(own))).collect();
    if go.anchors != own.anchors {
        found.push(("anchors", go.anchors.to_string(), own.anchors.to_string()));
    }
    found
}

fn judge(case: &Case, go: GoVersion) -> Answer {
    let text = |error: GoError| error.to_string();
    let roots = trusted(case.roots.as_bytes(), go);
    let anchors: BTreeSet<&[u8]> = roots.iter().map(|root| root.der()).collect();
    let chain = certificates(case.chain.as_bytes(), go);
    let usage = match case.usage {
        Usage::Any => GoUsage::Any,
        Usage::Client => GoUsage::ClientAuth,
        Usage::Server => GoUsage::ServerAuth,
    };
    let options = VerifyOptions { at: case.at, usage, host: case.host.as_deref().filter(|host| !host.is_empty()), go };
    let verdict = match &chain {
        Ok(chain) => verify(&chain[0], &chain[1..], &roots, &options).err().map(text),
        Err(_) => Some("not loaded".to_owned()),
    };
    Answer {
        anchors: u64::try_from(anchors.len()).unwrap(),
        loaded: chain.err().map(text),
        key_pair: check_key_pair(case.chain.as_bytes(), case.key.as_bytes(), go).err().map(text),
        verify: verdict,
    }
}

const UNJUDGED: &str = "cannot be judged: ";

/// What certferry says that it cannot judge. Then any answer of Go is right.
const UNCHECKED: [&str; 5] = [
    // No crate of ours knows the curve, and no program of Kubernetes makes such keys.
    "a private key on the curve P-224",
    "a signature on the curve P-224",
    // ring computes with none so small, and with SHA-384 and RSASSA-PSS from 2048 bits on.
    "a signature of an RSA key of 512 bits",
    "a signature of an RSA key of 1024 bits",
    // Go 1.24 and later decide over policies only where a CA asks for them, which none of Kubernetes does.
    "certificate policies",
];

/// How errors begin that encoding/asn1 made.
const OLD: [&str; 5] =
    ["asn1: ", "parsing time ", "pkcs12: ", "x509: trailing data after X.509 ", "x509: failed to unmarshal "];

/// Whether a difference stands.
fn is_known((_, go, own): &Difference, version: GoVersion) -> bool {
    // Go before 1.17 read certificates with encoding/asn1, in whose words nobody would find the way.
    let is_old = version.0 < 17 && OLD.iter().any(|begin| go.starts_with(begin)) && own.starts_with("x509: ");
    // Go 1.27 goes on with what encoding/asn1 says of a key.
    let is_longer = own == "tls: failed to parse private key" && go.starts_with(&format!("{own}: "));
    is_old || is_longer || own.strip_prefix(UNJUDGED).is_some_and(|what| UNCHECKED.contains(&what))
}

/// Says what was asked, so that a run by hand tells how much it covers.
fn tell(oracle: &Oracle, answers: &[Answer], differences: &[(&Case, Difference)]) {
    let (kinds, accepted) = (kinds(answers), answers.iter().filter(|answer| answer.verify.is_none()).count());
    println!(
        "{}: {} cases, {accepted} accepted, {} kinds of texts, {} answers that differ",
        oracle.go,
        answers.len(),
        kinds.len(),
        differences.len()
    );
    if std::env::var_os("CERTFERRY_GO_TEXTS").is_some() {
        kinds.iter().for_each(|(text, count)| println!("{count:5} {text}"));
    }
}

/// The kinds of texts that Go gave, each with its number.
fn kinds(answers: &[Answer]) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for answer in answers {
        for text in [&answer.loaded, &answer.key_pair, &answer.verify].into_iter().flatten() {
            *kinds.entry(kind(text)).or_default() += 1;
        }
    }
    kinds
}

/// A text without what it quotes and counts.
fn kind(text: &str) -> String {
    let mut kind = String::new();
    let mut is_quoted = false;
    for letter in text.chars() {
        match letter {
            '"' => {
                is_quoted = !is_quoted;
                kind.push('"');
            }
            _ if is_quoted => {}
            '0'..='9' => kind.push('0'),
            _ => kind.push(letter),
        }
    }
    while kind.contains("00") {
        kind = kind.replace("00", "0");
    }
    kind
}
