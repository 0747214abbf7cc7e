//! Records and indexes: JSON that a signature covers and a shell script reads.

use certferry::bundle::{Index, Record, Row};
use serde_json::Value;

/// What is taken says the same to another reader of JSON, and names no place outside its tree.
pub fn run(bytes: &[u8]) {
    if let Ok(record) = Record::read(bytes) {
        let json = other_reader(bytes);
        assert_eq!(json["part"], record.owner.part().to_string());
        assert_eq!(json["generation"], record.head.generation);
        let files = json["files"].as_array().map_or(0, Vec::len);
        assert!(files == record.rows.len() && files <= 4096);
        for row in &record.rows {
            assert_inside(row.path());
            if let Row::Link { target, .. } = row {
                assert!(!target.contains('/') && !matches!(target.as_str(), "" | "." | ".."), "{target}");
            }
        }
    }
    if let Ok(index) = Index::read(bytes) {
        let json = other_reader(bytes);
        assert_eq!(json["partial"], index.partial);
        assert_eq!(json["parts"].as_array().map(Vec::len), Some(index.parts.len()));
        for (part, _) in &index.parts {
            assert_inside(&part.to_string());
        }
        assert_inside(&index.head.top());
    }
}

fn other_reader(bytes: &[u8]) -> Value {
    let Ok(value) = serde_json::from_slice(bytes) else { panic!("not JSON") };
    value
}

/// A relative path that stays where it is put.
pub fn assert_inside(path: &str) {
    assert!(path.len() <= 256, "{path}");
    assert!(path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\'), "{path}");
    assert!(path.split('/').all(|name| !matches!(name, "" | "." | "..")), "{path}");
}
