//! Many names of nodes in few words: `worker-[1..400]`, as a pool of the profile is written.

use std::collections::BTreeMap;

/// The fewest names in a row that are written as a range.
const ROW: usize = 3;

/// Returns the names as ranges and single names: each name is in exactly one of them, and nothing else is.
pub(crate) fn ranges<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    // A number with leading zeros stands beside those of its own width alone.
    let mut series: BTreeMap<(&str, Option<usize>, &str), Vec<u32>> = BTreeMap::new();
    let mut single = Vec::new();
    for name in names {
        match split(name) {
            Some((prefix, digits, suffix, number)) => {
                let width = digits.starts_with('0').then_some(digits.len());
                series.entry((prefix, width, suffix)).or_default().push(number);
            }
            None => single.push(name.to_owned()),
        }
    }
    join_padded(&mut series);
    let mut found = Vec::new();
    for ((prefix, width, suffix), mut numbers) in series {
        numbers.sort_unstable();
        numbers.dedup();
        let digits = |number: u32| format!("{number:0width$}", width = width.unwrap_or(1));
        for row in numbers.chunk_by(|left, right| left + 1 == *right) {
            match row {
                [first, .., last] if row.len() >= ROW => {
                    found.push(format!("{prefix}[{}..{}]{suffix}", digits(*first), digits(*last)));
                }
                _ => found.extend(row.iter().map(|number| format!("{prefix}{}{suffix}", digits(*number)))),
            }
        }
    }
    single.sort_unstable();
    single.dedup();
    found.extend(single);
    found
}

/// Moves numbers without leading zeros to those of the same width with them: `worker-[098..101]`.
fn join_padded(series: &mut BTreeMap<(&str, Option<usize>, &str), Vec<u32>>) {
    let padded: Vec<_> = series.keys().copied().filter(|(_, width, _)| width.is_some()).collect();
    for (prefix, width, suffix) in padded {
        let Some(plain) = series.get_mut(&(prefix, None, suffix)) else { continue };
        let is_wide = |number: &u32| Some(number.to_string().len()) == width;
        let wide: Vec<_> = plain.iter().copied().filter(is_wide).collect();
        plain.retain(|number| !is_wide(number));
        series.entry((prefix, width, suffix)).or_default().extend(wide);
    }
}

/// Cuts a name at the last number of its first label: `node-17.lab` is `node-`, `17` and `.lab`.
fn split(name: &str) -> Option<(&str, &str, &str, u32)> {
    let label = name.split('.').next()?;
    let end = label.rfind(|letter: char| letter.is_ascii_digit())? + 1;
    let before = label[..end].trim_end_matches(|letter: char| letter.is_ascii_digit());
    let digits = label.get(before.len()..end)?;
    // So that a row of numbers never passes the largest.
    let number = digits.parse().ok().filter(|number| *number < u32::MAX)?;
    Some((before, digits, name.get(end..)?, number))
}

#[cfg(test)]
mod tests {
    use super::ranges;

    #[test]
    fn ranges_name_each_node_once_and_nothing_else() {
        for (names, expected) in [
            (&["worker-1"][..], &["worker-1"][..]),
            (&["cp-1", "cp-2"], &["cp-1", "cp-2"]),
            (&["cp-2", "cp-1", "cp-3", "cp-2"], &["cp-[1..3]"]),
            (&["w-10", "w-9", "w-11", "w-8", "w-13"], &["w-[8..11]", "w-13"]),
            (&["w-098", "w-099", "w-100", "w-101"], &["w-[098..101]"]),
            (&["w-08", "w-9", "w-10", "w-11", "w-12"], &["w-9", "w-08", "w-[10..12]"]),
            (&["n1.lab", "n2.lab", "n3.lab", "n3.far"], &["n3.far", "n[1..3].lab"]),
            (&["node.dc2", "gpu", "n-1-a", "n-2-a", "n-3-a"], &["n-[1..3]-a", "gpu", "node.dc2"]),
            (&["w-4294967295", "w-4294967294", "w-99999999999"], &["w-4294967294", "w-4294967295", "w-99999999999"]),
            (&[], &[]),
        ] {
            assert_eq!(ranges(names.iter().copied()), expected, "{names:?}");
        }
    }
}
