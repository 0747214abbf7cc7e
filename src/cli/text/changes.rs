//! The words for changes and their reasons, in `build`, `plan` and `diff`.
//!
//! What a reviewer must see stands first and is never left out: CAs and the signer, what has power over the cluster,
//! what goes, what ends earlier. Then come the nodes: those whose changes are alike share a line.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::cli::text::node_names;
use crate::kubernetes::{KeyId, PartName, is_shared};
use crate::lock::{Change, ChangeId, ChangeKind, ChangeReason};
use crate::x509::escape_for_terminal;

/// The most lines about nodes that are listed, unless all are asked for. The others are counted.
const LISTED: usize = 40;

/// The most lists of reasons that the changes of one file may have on several nodes, and still be told one by one.
const ALIKE: usize = 3;

/// How much is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Nodes with the same change share a line.
    Folded,
    /// Each change has a line.
    Full,
}

/// Why a change stands where it does. The first is the heaviest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// What all nodes trust, or what signs.
    Shared,
    /// A certificate that may do everything.
    BreakGlass,
    /// What people, programs and the cluster itself get.
    Cluster,
    /// What a node has no longer.
    Removed,
    /// What ends earlier than before.
    EndsEarlier,
    /// Anything else on a node.
    Node,
}

/// A place that several nodes may have.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place<'a> {
    weight: Weight,
    sign: char,
    /// The base name of a key, or the path of a file.
    name: &'a str,
}

/// The nodes on which a place changes for the same reasons.
struct Group<'a> {
    reasons: &'a [ChangeReason],
    nodes: Vec<&'a str>,
}

/// Returns a line for each change, or for each row of nodes that change alike: `~ node/cp-[1..3]/apiserver  alternative
/// names +DNS:vip.lab`.
pub(crate) fn lines(changes: &[Change], break_glass: &BTreeSet<KeyId>, detail: Detail) -> String {
    let mut weighed: Vec<_> = changes.iter().map(|change| (weight(change, break_glass), change)).collect();
    weighed.sort_by_key(|(weight, _)| *weight);
    let mut text = String::new();
    if detail == Detail::Full {
        for (weight, change) in weighed {
            text += &alone(change, weight);
        }
        return text;
    }
    // In the order in which each place is met first.
    let mut order = Vec::new();
    let mut places: BTreeMap<Place<'_>, Vec<Group<'_>>> = BTreeMap::new();
    let mut alike: BTreeMap<(Place<'_>, &[ChangeReason]), usize> = BTreeMap::new();
    for (weight, change) in weighed {
        let Some((node, name)) = on_node(change).filter(|_| weight > Weight::Cluster || is_file(change)) else {
            text += &alone(change, weight);
            continue;
        };
        let place = Place { weight, sign: sign(change.kind), name };
        let groups = places.entry(place).or_default();
        if groups.is_empty() {
            order.push(place);
        }
        let number = *alike.entry((place, &*change.reasons)).or_insert(groups.len());
        match groups.get_mut(number) {
            Some(group) => group.nodes.push(node),
            None => groups.push(Group { reasons: &change.reasons, nodes: vec![node] }),
        }
    }
    let (mut listed, mut more) = (0, 0);
    for place in order {
        for line in folded(place, places.remove(&place).unwrap_or_default()) {
            if place.weight == Weight::Node && listed == LISTED {
                more += 1;
                continue;
            }
            listed += usize::from(place.weight == Weight::Node);
            text += &line;
        }
    }
    if more > 0 {
        let _ = writeln!(text, "  and {more} more lines of this kind, about nodes alone; --verbose shows all");
    }
    text
}

/// Returns the reasons of a change.
pub(crate) fn reasons(change: &Change) -> Vec<String> {
    change.reasons.iter().map(ToString::to_string).collect()
}

fn weight(change: &Change, break_glass: &BTreeSet<KeyId>) -> Weight {
    match &change.id {
        ChangeId::Key(id) if id.part().is_none() => Weight::Shared,
        ChangeId::File(PartName::Node(_), path) if is_shared(path) => Weight::Shared,
        ChangeId::Key(id) if break_glass.contains(id) && change.kind != ChangeKind::Removed => Weight::BreakGlass,
        _ if on_node(change).is_none() => Weight::Cluster,
        _ if change.kind == ChangeKind::Removed => Weight::Removed,
        _ if change.ends_earlier() => Weight::EndsEarlier,
        _ => Weight::Node,
    }
}

/// Returns the node of a change, and what changes there.
fn on_node(change: &Change) -> Option<(&str, &str)> {
    match &change.id {
        ChangeId::Key(KeyId::Node { node, base_name }) => Some((node, base_name)),
        ChangeId::File(PartName::Node(node), path) => Some((node, path)),
        ChangeId::Key(_) | ChangeId::File(PartName::Cluster, _) => None,
    }
}

const fn is_file(change: &Change) -> bool {
    matches!(change.id, ChangeId::File(..))
}

const fn sign(kind: ChangeKind) -> char {
    match kind {
        ChangeKind::Added => '+',
        ChangeKind::Changed => '~',
        ChangeKind::Removed => '-',
    }
}

fn alone(change: &Change, weight: Weight) -> String {
    let mark = if weight == Weight::BreakGlass { "BREAK-GLASS: may do everything" } else { "" };
    line(sign(change.kind), &change.id.to_string(), &reasons(change).join("; "), mark)
}

/// Returns the lines for a place: one for each row of nodes that change for the same reasons.
fn folded(place: Place<'_>, groups: Vec<Group<'_>>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut tell = |nodes: &[&str], reasons: &str| {
        let id = |nodes: String| format!("node/{nodes}/{}", place.name);
        lines.extend(
            node_names::ranges(nodes.iter().copied()).into_iter().map(|row| line(place.sign, &id(row), reasons, "")),
        );
    };
    // Each node has its own addresses, for example. What must be seen is told one by one all the same.
    if groups.len() > ALIKE && place.weight == Weight::Node {
        let mut kinds: BTreeMap<Vec<Cow<'_, str>>, Vec<&str>> = BTreeMap::new();
        for group in groups {
            kinds.entry(group.reasons.iter().map(kind).collect()).or_default().extend(group.nodes);
        }
        for (kind, nodes) in kinds {
            let each = if nodes.len() > 1 { ", not the same on all of them; --verbose shows each" } else { "" };
            tell(&nodes, &format!("{}{each}", kind.join("; ")));
        }
        return lines;
    }
    for Group { reasons, nodes } in groups {
        tell(&nodes, &reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "));
    }
    lines
}

/// Returns a reason without its values.
fn kind(reason: &ChangeReason) -> Cow<'_, str> {
    match reason {
        ChangeReason::Value { field, .. } | ChangeReason::List { field, .. } => Cow::Borrowed(field),
        other => Cow::Owned(other.to_string()),
    }
}

fn line(sign: char, id: &str, reasons: &str, mark: &str) -> String {
    let told = [id, reasons, mark].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("  ");
    format!("  {sign} {}\n", escape_for_terminal(&told))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Change, ChangeId, ChangeKind, ChangeReason, Detail, KeyId, LISTED, PartName, lines};

    fn value(field: &'static str, old: &str, new: &str) -> Arc<[ChangeReason]> {
        [ChangeReason::Value { field, old: old.to_owned(), new: new.to_owned() }].into()
    }

    fn on_nodes(nodes: std::ops::RangeInclusive<u32>, reasons: impl Fn(u32) -> Arc<[ChangeReason]>) -> Vec<Change> {
        let id = |number| ChangeId::Key(KeyId::node(&format!("w-{number}"), "kubelet"));
        nodes.map(|number| Change { id: id(number), kind: ChangeKind::Changed, reasons: reasons(number) }).collect()
    }

    fn folded(changes: &[Change]) -> String {
        lines(changes, &[KeyId::User("root".into())].into(), Detail::Folded)
    }

    #[test]
    fn what_must_be_seen_stands_first_and_is_never_left_out() {
        let change = |id, kind, reasons| Change { id, kind, reasons };
        let key = |id: &str| ChangeId::Key(id.parse().unwrap_or(KeyId::BundleSigner));
        let nothing: Arc<[ChangeReason]> = [].into();
        let mut changes = on_nodes(1..=60, |number| value("end of validity", "2225", &format!("{}", 2100 + number)));
        changes.push(change(key("node/w-61/kubelet"), ChangeKind::Removed, nothing.clone()));
        changes.extend([
            change(key("user/alice"), ChangeKind::Added, nothing.clone()),
            change(key("user/root"), ChangeKind::Added, nothing.clone()),
            change(key("ca/kubernetes"), ChangeKind::Changed, [ChangeReason::Key].into()),
            change(
                ChangeId::File(PartName::Cluster, "users/rbac.yaml".to_owned()),
                ChangeKind::Changed,
                nothing.clone(),
            ),
            change(
                ChangeId::File(PartName::Node("w-1".to_owned()), "etc/kubernetes/pki/ca.crt".to_owned()),
                ChangeKind::Changed,
                nothing,
            ),
        ]);
        let text = folded(&changes);
        let mut told = text.lines();
        for expected in [
            "  ~ ca/kubernetes  another key",
            "  + user/root  BREAK-GLASS: may do everything",
            "  + user/alice",
            "  ~ cluster/users/rbac.yaml",
            "  ~ node/w-1/etc/kubernetes/pki/ca.crt",
            "  - node/w-61/kubelet",
            "  ~ node/w-1/kubelet  end of validity 2225 -> 2101",
        ] {
            assert_eq!(told.next(), Some(expected), "{text}");
        }
        assert_eq!(told.count(), 59);
    }

    #[test]
    fn nodes_that_change_alike_share_a_line() {
        let same = on_nodes(1..=400, |_| value("issued_at", "2020", "2026"));
        assert_eq!(folded(&same), "  ~ node/w-[1..400]/kubelet  issued_at 2020 -> 2026\n");
        let three = on_nodes(1..=9, |number| value("issued_at", "2020", &format!("{}", number % 3)));
        assert_eq!(folded(&three).lines().count(), 9);
        let each = on_nodes(1..=400, |number| value("alternative names", "", &number.to_string()));
        let expected =
            "  ~ node/w-[1..400]/kubelet  alternative names, not the same on all of them; --verbose shows each\n";
        assert_eq!(folded(&each), expected);
        assert_eq!(lines(&each, &[].into(), Detail::Full).lines().count(), 400);
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let changes: Vec<_> =
            on_nodes(1..=100, |_| value("issued_at", "2020", "2026")).into_iter().step_by(2).collect();
        let text = folded(&changes);
        assert_eq!(text.lines().count(), LISTED + 1);
        assert!(text.ends_with("  and 10 more lines of this kind, about nodes alone; --verbose shows all\n"), "{text}");
    }
}
