//! CONTRIBUTING.md leads to what is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn text() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("CONTRIBUTING.md")).unwrap()
}

/// What stands in backticks, line breaks taken for blanks.
fn quoted(text: &str) -> Vec<String> {
    let words = text.split('`').skip(1).step_by(2);
    words.map(|word| word.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn every_place_that_it_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["src", "tests", "templates", "profiles", "xtask"];
    let places: BTreeSet<_> = quoted(&text())
        .into_iter()
        .filter(|word| folders.iter().any(|folder| word == folder || word.starts_with(&format!("{folder}/"))))
        .collect();
    assert!(places.len() > 15, "or this looked at nothing: {places:?}");
    let absent: Vec<_> = places.iter().filter(|place| !root.join(place).exists()).collect();
    assert!(absent.is_empty(), "{absent:?}");
}

#[test]
fn its_rooms_are_those_of_the_source() {
    let text = text();
    let section = text.split("\n## Rooms\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let told: BTreeSet<_> = rows.map(str::to_owned).collect();
    let names = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let rooms = names.filter(|name| !["lib.rs", "main.rs"].contains(&name.as_str()));
    assert_eq!(told, rooms.map(|name| name.trim_end_matches(".rs").to_owned()).collect());
}

#[test]
fn its_commands_are_known() {
    let main = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("xtask/src/main.rs")).unwrap();
    let commands: BTreeSet<_> =
        main.split("name: \"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect();
    let text = text();
    let named = text.split("cargo xtask").skip(1).filter_map(|rest| rest.split_whitespace().next());
    let named: BTreeSet<_> = named.map(|word| word.trim_end_matches(['`', ',', '.', ':', ';']).to_owned()).collect();
    assert!(named.len() > 6 && named.is_subset(&commands), "{named:?}, known are {commands:?}");
}

#[test]
fn every_error_type_is_an_error() {
    let mut sources = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match entry.is_dir() {
                true => folders.push(entry),
                false if entry.extension().is_some_and(|extension| extension == "rs") => {
                    sources.push(fs::read_to_string(entry).unwrap());
                }
                false => {}
            }
        }
    }
    let all = sources.concat();
    let mut count = 0;
    for source in &sources {
        for (start, _) in source.match_indices("\npub enum ").chain(source.match_indices("\npub struct ")) {
            let name = source[start..].split([' ', '<', ';', '(']).nth(2).unwrap().trim();
            // `Failed`, `BadSignature` and `NotA...` are errors by other names.
            let is_error = name.ends_with("Error") || name.ends_with("Failed") || name.starts_with("NotA");
            if !is_error && name != "BadSignature" && name != "Defect" {
                continue;
            }
            count += 1;
            let attributes = source[..start].rsplit("\n\n").next().unwrap();
            let derives = attributes.lines().any(|line| line.starts_with("#[derive(") && line.contains("Error"));
            let implements = all.contains(&format!("Error for {name} "));
            assert!(derives || implements, "{name} does not implement Error");
        }
    }
    assert!(count > 20, "or this found next to none: {count}");
}
