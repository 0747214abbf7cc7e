//! The chapter `json` of the manual has a table for each schema, rewritten with `CERTFERRY_BLESS=1`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::common::{certferry, succeed};

#[test]
fn golden_the_manual_has_every_key_of_every_document() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/manual/json.md");
    let chapter = fs::read_to_string(&path).unwrap();
    let (head, found) = chapter.split_once("## Documents\n").unwrap();
    let names = succeed(certferry().arg("schema"));
    let (mut text, mut shared) = (String::new(), BTreeMap::new());
    for name in names.lines() {
        let schema: Value = serde_json::from_str(&succeed(certferry().args(["schema", name]))).unwrap();
        text += &section(name, &schema);
        for (name, schema) in schema["$defs"].as_object().into_iter().flatten() {
            shared.insert(name.clone(), schema.clone());
        }
    }
    text += "\n## What several documents have in common\n";
    for (name, schema) in shared {
        text += &section(&name, &schema);
    }
    if std::env::var_os("CERTFERRY_BLESS").is_some_and(|value| value == "1") {
        fs::write(&path, format!("{head}## Documents\n{text}")).unwrap();
        return;
    }
    assert_eq!(found, text, "`cargo xtask bless` rewrites {}", path.display());
}

fn section(name: &str, schema: &Value) -> String {
    let mut rows = String::new();
    add(&mut rows, "", schema);
    format!(
        "\n### {name}\n\n{}\n\n| key | is | holds |\n|---|---|---|\n{rows}",
        schema["description"].as_str().unwrap()
    )
}

/// Adds a row for each key, those that may be absent last.
fn add(rows: &mut String, prefix: &str, object: &Value) {
    let properties = object["properties"].as_object().unwrap();
    let required = object["required"].as_array().unwrap().iter().map(|key| key.as_str().unwrap());
    let required: Vec<_> = required.collect();
    let optional = properties.keys().map(String::as_str).filter(|key| !required.contains(key));
    for key in required.iter().copied().chain(optional) {
        let property = &properties[key];
        let holds = property["description"].as_str().unwrap().replace('|', "\\|");
        *rows += &format!("| `{prefix}{key}` | {} | {holds} |\n", kind(property));
        if let Some((inner, is_list)) = inner(property) {
            add(rows, &format!("{prefix}{key}{}.", if is_list { "[]" } else { "" }), inner);
        }
    }
}

/// The object in a property that stands there itself, and whether it is of a list.
fn inner(property: &Value) -> Option<(&Value, bool)> {
    let of_type = |wanted: &str| property["type"] == wanted || property["type"][0] == wanted;
    if of_type("object") {
        return Some((property, false));
    }
    of_type("array").then(|| inner(&property["items"])).flatten().map(|(inner, _)| (inner, true))
}

fn kind(property: &Value) -> String {
    if let Some(name) = property["$ref"].as_str() {
        return format!("`{}`", name.trim_start_matches("#/$defs/"));
    }
    if let Some(all) = property["anyOf"].as_array() {
        return all.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    if let Some(value) = property.get("const") {
        return value.as_str().map_or_else(|| value.to_string(), |value| format!("`{value}`"));
    }
    if let Some(values) = property["enum"].as_array() {
        let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), |word| format!("`{word}`"));
        return values.iter().map(word).collect::<Vec<_>>().join(", ");
    }
    let name = |name: &Value| match name.as_str().unwrap() {
        "string" => "text".to_owned(),
        "integer" => "number".to_owned(),
        "boolean" => "true or false".to_owned(),
        "array" => format!("list of {}", kind(&property["items"])),
        "object" => "object".to_owned(),
        other => other.to_owned(),
    };
    match &property["type"] {
        Value::Array(names) => names.iter().map(name).collect::<Vec<_>>().join(" or "),
        other => name(other),
    }
}
