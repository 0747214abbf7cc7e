//! The JSON Schemas of the documents that `-o json` prints.

/// The documents, each with its name and its schema. A schema refers to definitions that several of them share.
pub(crate) const SCHEMAS: &[(&str, &str)] = &[
    ("error", include_str!("error.json")),
    ("seed-new", include_str!("seed-new.json")),
    ("seed-id", include_str!("seed-id.json")),
    ("seed-from-words", include_str!("seed-from-words.json")),
    ("seed-split", include_str!("seed-split.json")),
    ("seed-combine", include_str!("seed-combine.json")),
    ("plan", include_str!("plan.json")),
    ("plan-against", include_str!("plan-against.json")),
    ("build", include_str!("build.json")),
    ("sign", include_str!("sign.json")),
    ("verify", include_str!("verify.json")),
    ("inspect", include_str!("inspect.json")),
    ("inspect-lint", include_str!("inspect-lint.json")),
    ("doctor", include_str!("doctor.json")),
    ("unpack", include_str!("unpack.json")),
    ("apply", include_str!("apply.json")),
    ("rollback", include_str!("rollback.json")),
    ("status", include_str!("status.json")),
    ("diff", include_str!("diff.json")),
    ("split", include_str!("split.json")),
    ("seal", include_str!("seal.json")),
    ("fingerprint", include_str!("fingerprint.json")),
    ("inventory", include_str!("inventory.json")),
];

/// What several schemas have in common.
const DEFINITIONS: &[(&str, &str)] = &[
    ("change", include_str!("definitions/change.json")),
    ("command", include_str!("definitions/command.json")),
    ("effect", include_str!("definitions/effect.json")),
    ("binding", include_str!("definitions/binding.json")),
    ("side", include_str!("definitions/side.json")),
    ("bundle", include_str!("definitions/bundle.json")),
    ("finding", include_str!("definitions/finding.json")),
    ("installed", include_str!("definitions/installed.json")),
    ("restart", include_str!("definitions/restart.json")),
    ("step", include_str!("definitions/step.json")),
    ("warning", include_str!("definitions/warning.json")),
];

/// Returns the schema of a document, with the definitions to which it refers.
pub(crate) fn schema(name: &str) -> Option<String> {
    let (_, text) = SCHEMAS.iter().find(|(known, _)| *known == name)?;
    let definitions: Vec<_> = DEFINITIONS
        .iter()
        .filter(|(name, _)| text.contains(&format!("\"#/$defs/{name}\"")))
        .map(|(name, text)| format!("    \"{name}\": {}", text.trim_end().replace('\n', "\n    ")))
        .collect();
    let body = text.trim_end().trim_end_matches('}').trim_end();
    Some(match definitions.is_empty() {
        true => (*text).to_owned(),
        false => format!("{body},\n  \"$defs\": {{\n{}\n  }}\n}}\n", definitions.join(",\n")),
    })
}

#[cfg(test)]
mod tests {
    use super::{DEFINITIONS, SCHEMAS};

    /// [`schema`](super::schema) looks only into the document itself.
    #[test]
    fn no_definition_refers_to_another_and_each_is_used() {
        for (name, text) in DEFINITIONS {
            assert!(!text.contains("$ref"), "{name}");
            assert!(SCHEMAS.iter().any(|(_, schema)| schema.contains(&format!("\"#/$defs/{name}\""))), "{name}");
        }
    }
}
