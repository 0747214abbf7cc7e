//! Profiles, and the text about what is wrong with them.

use std::collections::BTreeSet;

use certferry::cli::text::problems::render;
use certferry::keys::Label;
use certferry::plan::plan;
use certferry::profile::parse;

/// A plan of more nodes takes time that is better spent on more profiles.
const NODES: usize = 64;

/// A profile is taken or refused in words; what is taken can be planned, and no two keys have one label.
pub fn run(source: &[u8]) {
    let parsed = match parse(source) {
        Ok(parsed) => parsed,
        Err(problems) => {
            assert!(!problems.is_empty(), "refused without a reason");
            let text = render("fuzz.toml", source, &problems);
            assert!(text.contains("error"), "{text}");
            return;
        }
    };
    let text = render("fuzz.toml", source, &parsed.warnings);
    assert!(!text.contains("error:"), "{text}");
    if parsed.profile.nodes.len() > NODES {
        return;
    }
    let plan = plan(&parsed.profile);
    let labels: BTreeSet<String> = plan
        .keys
        .iter()
        .map(|key| Label::new(&plan.cluster, &key.id, key.algorithm, key.generation).to_string())
        .collect();
    assert_eq!(labels.len(), plan.keys.len(), "two keys with one label");
    let mut places = BTreeSet::new();
    for recipient in &plan.recipients {
        for file in plan.files(*recipient) {
            assert!(places.insert((recipient.part(), file.path.to_lowercase())), "{}", file.path);
        }
    }
}
