//! `-o json`: every document is as its schema says, to somebody else's validator, and says what the text says.

mod made;
mod manual;
mod near;
mod node;

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::common::{certferry, end, fail, succeed, tool};

/// Documents and their schemas, judged all at once when this is dropped: the validator is slow to start.
#[derive(Default)]
pub struct Documents {
    schemas: BTreeMap<String, Value>,
    cases: Vec<(Value, Value)>,
}

impl Documents {
    /// Runs a command with `-o json`; returns its exit code, its document and its error, both to be judged.
    pub fn ends(&mut self, command: &mut Command) -> (i32, Value, Value) {
        let ended = end(command.args(["-o", "json"]));
        let code = ended.code.unwrap();
        assert_eq!(ended.stderr.is_empty(), code == 0, "{command:?}: {}", ended.stderr);
        let (document, error) = (self.add(&ended.stdout), self.add(&ended.stderr));
        if code != 0 {
            assert_eq!((&error["schema"], &error["exit_code"]), (&json!("certferry.error.v1"), &json!(code)));
        }
        (code, document, error)
    }

    /// Runs a command with `-o json` that succeeds; returns its document.
    pub fn of(&mut self, command: &mut Command) -> Value {
        let (code, document, error) = self.ends(command);
        assert_eq!(code, 0, "{command:?}: {error}");
        document
    }

    /// Runs a command with `-o json` that fails without a result; returns its error.
    pub fn error(&mut self, command: &mut Command, expected: i32) -> Value {
        let (code, document, error) = self.ends(command);
        assert_eq!((code, document), (expected, Value::Null), "{command:?}: {error}");
        error
    }

    /// Adds what a command printed: one document that ends in a newline and is indented by two, or nothing.
    pub fn add(&mut self, text: &str) -> Value {
        if text.is_empty() {
            return Value::Null;
        }
        assert!(text.ends_with("\n}\n"), "{text}");
        let name = text.strip_prefix("{\n  \"schema\": \"certferry.").unwrap_or_else(|| panic!("no schema: {text}"));
        let name = name.split_once(".v1\",\n").unwrap().0.to_owned();
        let document: Value = serde_json::from_str(text).unwrap();
        let schema = || serde_json::from_str(&succeed(certferry().args(["schema", &name]))).unwrap();
        let schema = self.schemas.entry(name.clone()).or_insert_with(schema);
        self.cases.push((schema.clone(), document.clone()));
        document
    }
}

impl Drop for Documents {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        judge(&self.cases).unwrap();
    }
}

/// Returns what another validator has to say against documents, each with its schema.
fn judge(cases: &[(Value, Value)]) -> Result<(), String> {
    let mut python = tool("python3");
    python.args(["-c", include_str!("validator.py")]);
    let mut python = python.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    python.stdin.take().unwrap().write_all(&serde_json::to_vec(cases).unwrap()).unwrap();
    let output = python.wait_with_output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8(output.stderr).unwrap());
    }
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{} documents hold\n", cases.len()));
    Ok(())
}

/// A key too many, one too few and a wrong value: the schemas and their judge see each of them.
#[test]
fn the_judge_refuses() {
    let mut documents = Documents::default();
    let error = documents.error(certferry().args(["status", "--root", "/nowhere"]), 2);
    let (schema, _) = documents.cases.pop().unwrap();
    let wrong = [
        |error: &mut Value| error["code"] = 2.into(),
        |error: &mut Value| drop(error.as_object_mut().unwrap().remove("hints")),
        |error: &mut Value| error["exit_code"] = 3.into(),
        |error: &mut Value| error["schema"] = "certferry.error.v2".into(),
    ];
    let wrong = wrong.map(|change| {
        let mut wrong = error.clone();
        change(&mut wrong);
        (schema.clone(), wrong)
    });
    assert_eq!(
        judge(&wrong).unwrap_err(),
        "0: certferry.error.v1: $: Additional properties are not allowed ('code' was unexpected)\n\
         1: certferry.error.v1: $: 'hints' is a required property\n\
         2: certferry.error.v1: $.exit_code: 3 is not one of [1, 2]\n\
         3: certferry.error.v1: $.schema: 'certferry.error.v1' was expected\n"
    );
}

#[test]
fn a_wrong_command_line_is_told_in_the_form_that_it_asks_for() {
    let mut documents = Documents::default();
    let error = documents.error(certferry().args(["apply", "b.tar.gz", "--nod", "cp-1"]), 2);
    assert_eq!(
        error,
        json!({
            "schema": "certferry.error.v1",
            "exit_code": 2,
            "error": "unexpected argument '--nod' found",
            "details": [
                "Usage: certferry apply --node <NAME> --key <FILE|FINGERPRINT> <BUNDLE>",
                "For more information, try '--help'."
            ],
            "hints": ["a similar argument exists: '--node'"],
            "warnings": []
        })
    );
}

/// Each command that takes `-o json` has a schema of its name, and each schema its command.
#[test]
fn every_document_has_a_schema() {
    let listed = succeed(certferry().arg("schema"));
    let listed: Vec<_> = listed.lines().collect();
    // What `inspect --lint` and `plan --against` print is another document.
    let mut expected = ["error", "inspect-lint", "plan-against"].map(str::to_owned).to_vec();
    for command in crate::cli_help::COMMANDS {
        let help = succeed(certferry().args(command.split_whitespace()).arg("--help"));
        if help.contains("--output <FORMAT>") && (help.contains("- json:") || help.contains("json]")) {
            expected.push(command.replace(' ', "-"));
        }
    }
    let (mut found, mut expected) = (listed.clone(), expected.iter().map(String::as_str).collect::<Vec<_>>());
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
    let full = succeed(certferry().args(["schema", "certferry.apply.v1"]));
    assert_eq!(full, succeed(certferry().args(["schema", "apply"])));
    let unknown = fail(certferry().args(["schema", "applied"]), 2);
    assert_eq!(unknown, format!("error: there is no document `applied`\nhint: there is {}\n", listed.join(", ")));
}
