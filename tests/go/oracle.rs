//! Go itself: a program of its standard library alone, built once.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use certferry::go::GoVersion;
use tempfile::TempDir;

use super::cases::{Case, Usage};
use crate::common::golang::{go, golang};
use crate::common::{skip, tool};

/// Go, and the program that speaks for it.
pub struct Oracle {
    folder: TempDir,
    /// The version of Go.
    pub go: GoVersion,
}

/// What Go says of a case. `None` is success.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub loaded: Option<String>,
    pub anchors: u64,
    pub key_pair: Option<String>,
    pub verify: Option<String>,
}

impl Oracle {
    /// Builds the program with the Go that `CERTFERRY_GO` names, or that is on the path; `None` where there is none.
    pub fn build() -> Option<Self> {
        let program = golang();
        if tool(&program).arg("version").output().is_err() {
            skip(&format!("{} is not here: apt-get install golang-go", program.display()));
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/go/oracle");
        for file in ["go.mod", "main.go"] {
            fs::copy(sources.join(file), folder.path().join(file)).unwrap();
        }
        let run = |arguments: &[&str]| go(folder.path(), arguments);
        let said = run(&["version"]);
        let version = said.split(' ').nth(2).and_then(GoVersion::parse).unwrap_or_else(|| panic!("{said}"));
        // The line "go" of go.mod decides what Go does by default: as that version does, and not as older ones.
        run(&["mod", "edit", &format!("-go=1.{}", version.0)]);
        run(&["build", "-o", "oracle"]);
        Some(Self { folder, go: version })
    }

    /// Asks about every case.
    pub fn ask(&self, cases: &[Case]) -> Vec<Answer> {
        let mut program = tool(self.folder.path().join("oracle"));
        program.env_remove("GODEBUG").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = program.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let lines: String = cases.iter().map(|case| question(case).to_string() + "\n").collect();
        let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()).unwrap());
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        assert!(output.status.success());
        let answers: Vec<_> = output.stdout.split(|octet| *octet == b'\n').filter(|line| !line.is_empty()).collect();
        assert_eq!(answers.len(), cases.len());
        answers.into_iter().zip(cases).map(|(line, case)| answer(line, case)).collect()
    }
}

fn question(case: &Case) -> serde_json::Value {
    let usage = match case.usage {
        Usage::Any => "any",
        Usage::Client => "clientAuth",
        Usage::Server => "serverAuth",
    };
    serde_json::json!({
        "id": case.number.to_string(),
        "leaf_pem": case.chain,
        "roots_pem": case.roots,
        "key_pem": case.key,
        "at": case.at.format(&time::format_description::well_known::Rfc3339).unwrap(),
        "usages": [usage],
        "host": case.host.clone().unwrap_or_default(),
    })
}

fn answer(line: &[u8], case: &Case) -> Answer {
    let value: serde_json::Value = serde_json::from_slice(line).unwrap();
    assert_eq!(value["id"], case.number.to_string());
    let text = |key: &str| value[key].as_str().map(str::to_owned);
    Answer {
        loaded: text("loaded"),
        anchors: value["anchors"].as_u64().unwrap(),
        key_pair: text("key_pair"),
        verify: text("verify"),
    }
}
