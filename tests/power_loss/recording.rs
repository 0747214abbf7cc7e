//! A run as a list of changes to inodes and to names in folders, and what a power failure may leave of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::chance::Chance;
use super::trace::Call;
use super::tree::{Attributes, Seen, Tree, What};

/// An inode. The root is the first.
type Inode = usize;
/// A folder and a name in it.
type Name = (Inode, String);

/// What the file systems promise (see the module's documentation).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Model {
    Ordered,
    Reordered,
}

/// A change, or a sync.
#[derive(Clone, Debug)]
enum Op {
    /// What names stand for from now on.
    Names(Vec<(Name, Option<Inode>)>),
    Attributes(Inode, Attributes),
    Append(Inode, Vec<u8>),
    Cut(Inode, usize),
    Sync(Inode),
    SyncAll,
    /// A sync that was left out.
    Nothing,
}

/// What a run did.
#[derive(Clone, Debug)]
pub(crate) struct Recording {
    /// What each inode is, with what it held at first.
    inodes: Vec<Seen>,
    names: BTreeMap<Name, Inode>,
    ops: Vec<Op>,
    /// The call of each op, for messages and to find one.
    calls: Vec<Call>,
    /// For each op those before it on which it builds: the last ones with the same name, or the same attributes.
    needs: Vec<Vec<usize>>,
}

/// What a power failure left.
pub(crate) struct State {
    pub(crate) tree: Tree,
}

impl Recording {
    /// Follows calls from one tree to another. Fails unless they lead there, bit for bit.
    pub(crate) fn new(start: &Tree, calls: Vec<Call>, end: &Tree) -> Self {
        let attributes = Attributes { mode: 0o755, owner: (0, 0) };
        let recording = Self {
            inodes: vec![Seen { attributes, what: What::Folder }],
            names: BTreeMap::new(),
            ops: Vec::new(),
            calls: Vec::new(),
            needs: Vec::new(),
        };
        let mut follower = Follower { recording, names: BTreeMap::new() };
        for (place, seen) in start {
            let inode = follower.recording.add(seen.clone());
            follower.rename(&[(place, Some(inode))]);
        }
        follower.recording.names.clone_from(&follower.names);
        for call in calls {
            follower.call(call);
        }
        let mut recording = follower.recording;
        recording.needs = needs(&recording.ops);
        let state = recording.state(|_| true, |_, first, ops| written(first, ops), recording.ops.len());
        for place in state.tree.keys().chain(end.keys()) {
            assert_eq!(state.tree.get(place), end.get(place), "strace does not tell what happened to {place}");
        }
        recording
    }

    fn add(&mut self, seen: Seen) -> Inode {
        self.inodes.push(seen);
        self.inodes.len() - 1
    }

    /// The calls, in their order.
    pub(crate) fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// The times at which the power fails: before each sync, and at the end. What may be left of a moment between two
    /// syncs may be left at the second, too, by the loss of all that came in between.
    pub(crate) fn points(&self) -> Vec<usize> {
        let is_sync = |op: &(usize, &Op)| matches!(op.1, Op::Sync(_) | Op::SyncAll);
        self.ops.iter().enumerate().filter(is_sync).map(|(at, _)| at).chain([self.ops.len()]).collect()
    }

    /// The same run without the sync at this position.
    pub(crate) fn without_sync(&self, at: usize) -> Self {
        let mut recording = self.clone();
        assert!(matches!(recording.ops[at], Op::Sync(_) | Op::SyncAll), "{:?}", recording.calls[at]);
        recording.ops[at] = Op::Nothing;
        recording
    }

    /// The same run with one call made later, just after another.
    pub(crate) fn with_later(&self, at: usize, after: usize) -> Self {
        let mut recording = self.clone();
        recording.ops[at..=after].rotate_left(1);
        recording.calls[at..=after].rotate_left(1);
        recording.needs = needs(&recording.ops);
        recording
    }

    /// What is left when the power fails before the op at a point, by chance.
    pub(crate) fn crash(&self, model: Model, point: usize, chance: &mut Chance) -> State {
        let kept = match model {
            Model::Ordered => {
                let durable = self.durable_log(point);
                let kept = chance.between(durable, point);
                (0..point).map(|at| at < kept).collect()
            }
            Model::Reordered => self.kept_of_any(point, chance),
        };
        let synced = self.synced_data(point);
        let whole = chance.share();
        let bytes = |inode: Inode, first: &[u8], ops: &[&Op]| {
            let least = synced.get(&inode).copied().unwrap_or(0);
            if least == ops.len() || chance.happens(whole) {
                written(first, ops)
            } else {
                torn(first, ops, least, chance)
            }
        };
        self.state(|at| kept[at], bytes, point)
    }

    /// How many of the first ops are surely on a disk whose changes of names and attributes are one log. A sync of an
    /// inode writes the log up to its last change.
    fn durable_log(&self, point: usize) -> usize {
        let (mut durable, mut changed) = (0, BTreeMap::new());
        for (at, op) in self.ops[..point].iter().enumerate() {
            match op {
                Op::Sync(inode) => durable = durable.max(changed.get(inode).map_or(0, |at| at + 1)),
                Op::SyncAll => durable = at,
                op => changed.extend(op.inodes().into_iter().map(|inode| (inode, at))),
            }
        }
        durable
    }

    /// Which ops are kept where each of them may be lost that is not synced, and those that work on what it made.
    fn kept_of_any(&self, point: usize, chance: &mut Chance) -> Vec<bool> {
        let needs = &self.needs;
        let mut kept = self.synced_names(point);
        for at in (0..point).rev() {
            if kept[at] {
                needs[at].iter().for_each(|needed| kept[*needed] = true);
            }
        }
        let open: Vec<_> = (0..point).filter(|at| !kept[*at] && self.ops[*at].is_of_names()).collect();
        // One alone is lost, one alone is kept with what it needs, or each is lost by the same chance: all, or all but
        // new folders, without which nothing is seen of what is in them.
        let (one, kind) = (open.get(chance.below(open.len().max(1))), chance.below(6));
        let share = chance.share();
        let mut wanted: BTreeSet<usize> = match kind {
            0 => open.iter().filter(|at| Some(*at) != one).copied().collect(),
            1 => one.into_iter().copied().collect(),
            _ => {
                let mut is_kept = |at: &&usize| {
                    (kind > 3 && matches!(self.calls[**at], Call::MakeFolder { .. })) || chance.happens(share)
                };
                open.iter().filter(|at| is_kept(at)).copied().collect()
            }
        };
        if kind == 1 {
            for at in (0..point).rev() {
                if wanted.contains(&at) {
                    wanted.extend(&needs[at]);
                }
            }
        }
        for at in open {
            kept[at] = wanted.contains(&at) && needs[at].iter().all(|needed| kept[*needed]);
        }
        kept
    }

    /// Which changes of names and attributes are surely on the disk: those of which every folder, or the inode, was
    /// synced since.
    fn synced_names(&self, point: usize) -> Vec<bool> {
        let (mut synced, mut all) = (BTreeSet::new(), false);
        let mut kept = vec![false; point];
        for (at, op) in self.ops[..point].iter().enumerate().rev() {
            match op {
                Op::Sync(inode) => {
                    synced.insert(*inode);
                }
                Op::SyncAll => all = true,
                Op::Names(entries) => kept[at] = all || entries.iter().all(|((folder, _), _)| synced.contains(folder)),
                Op::Attributes(inode, _) => kept[at] = all || synced.contains(inode),
                Op::Append(..) | Op::Cut(..) | Op::Nothing => {}
            }
        }
        kept
    }

    /// How many of the ops on each file's bytes are surely on the disk.
    fn synced_data(&self, point: usize) -> BTreeMap<Inode, usize> {
        let (mut synced, mut written) = (BTreeMap::new(), BTreeMap::new());
        for op in &self.ops[..point] {
            match op {
                Op::Append(inode, _) | Op::Cut(inode, _) => *written.entry(*inode).or_insert(0) += 1,
                Op::Sync(inode) => synced.extend(written.get(inode).map(|count| (*inode, *count))),
                Op::SyncAll => synced.clone_from(&written),
                Op::Names(_) | Op::Attributes(..) | Op::Nothing => {}
            }
        }
        synced
    }

    /// What is there after those of the first ops that are kept. `bytes` makes those of a file from what it held at
    /// first and the ops on its bytes.
    fn state(
        &self,
        kept: impl Fn(usize) -> bool,
        mut bytes: impl FnMut(Inode, &[u8], &[&Op]) -> Vec<u8>,
        point: usize,
    ) -> State {
        let mut names = self.names.clone();
        let mut attributes: Vec<_> = self.inodes.iter().map(|seen| seen.attributes).collect();
        let mut writes: BTreeMap<Inode, Vec<&Op>> = BTreeMap::new();
        for (at, op) in self.ops[..point].iter().enumerate() {
            match op {
                Op::Append(inode, _) | Op::Cut(inode, _) => writes.entry(*inode).or_default().push(op),
                Op::Names(entries) if kept(at) => {
                    for (name, inode) in entries {
                        match inode {
                            Some(inode) => names.insert(name.clone(), *inode),
                            None => names.remove(name),
                        };
                    }
                }
                Op::Attributes(inode, new) if kept(at) => attributes[*inode] = *new,
                _ => {}
            }
        }
        let mut state = State { tree: Tree::new() };
        let mut ahead = vec![(0, String::new())];
        while let Some((folder, place)) = ahead.pop() {
            let inside = names.range((folder, String::new())..(folder + 1, String::new()));
            for ((_, name), &inode) in inside {
                let place = if place.is_empty() { name.clone() } else { format!("{place}/{name}") };
                let what = match (&self.inodes[inode].what, writes.get(&inode)) {
                    (What::File(first), Some(ops)) => What::File(Arc::new(bytes(inode, first, ops))),
                    (what, _) => what.clone(),
                };
                if what == What::Folder {
                    ahead.push((inode, place.clone()));
                }
                state.tree.insert(place, Seen { attributes: attributes[inode], what });
            }
        }
        state
    }
}

impl Op {
    fn is_of_names(&self) -> bool {
        matches!(self, Self::Names(_) | Self::Attributes(..))
    }

    /// The inodes that it changes.
    fn inodes(&self) -> Vec<Inode> {
        match self {
            Self::Names(entries) => {
                entries.iter().flat_map(|((folder, _), inode)| [Some(*folder), *inode]).flatten().collect()
            }
            Self::Attributes(inode, _) | Self::Append(inode, _) | Self::Cut(inode, _) => vec![*inode],
            Self::Sync(_) | Self::SyncAll | Self::Nothing => Vec::new(),
        }
    }
}

fn needs(ops: &[Op]) -> Vec<Vec<usize>> {
    let (mut names, mut attributes) = (BTreeMap::new(), BTreeMap::new());
    let of = |(at, op): (usize, &Op)| match op {
        Op::Names(entries) => entries.iter().filter_map(|(name, _)| names.insert(name.clone(), at)).collect(),
        Op::Attributes(inode, _) => attributes.insert(*inode, at).into_iter().collect(),
        _ => Vec::new(),
    };
    ops.iter().enumerate().map(of).collect()
}

fn written(first: &[u8], ops: &[&Op]) -> Vec<u8> {
    let mut bytes = first.to_vec();
    for op in ops {
        match op {
            Op::Append(_, more) => bytes.extend(more),
            Op::Cut(_, length) => bytes.truncate(*length),
            _ => {}
        }
    }
    bytes
}

/// Bytes of which not all are on the disk: those of a time before, the first of what was to be added, or the room for
/// it alone.
fn torn(first: &[u8], ops: &[&Op], least: usize, chance: &mut Chance) -> Vec<u8> {
    let count = chance.between(least, ops.len() - 1);
    let mut bytes = written(first, &ops[..count]);
    if let Op::Append(_, more) = ops[count] {
        match chance.below(4) {
            0 => bytes.extend(&more[..chance.below(more.len() + 1)]),
            1 => bytes.resize(bytes.len() + more.len(), 0),
            _ => {}
        }
    }
    bytes
}

/// Follows calls: knows what is at which place.
struct Follower {
    recording: Recording,
    names: BTreeMap<Name, Inode>,
}

impl Follower {
    fn call(&mut self, call: Call) {
        let op = match &call {
            Call::Create { place, .. } if self.find(place).is_some() => None,
            Call::Create { place, mode } => Some(self.make(place, *mode, What::File(Arc::default()))),
            Call::MakeFolder { place, mode } => Some(self.make(place, *mode, What::Folder)),
            Call::MakeLink { place, target } => Some(self.make(place, 0o777, What::Link(target.clone()))),
            Call::AddName { from, to } => Some(self.rename(&[(to, Some(self.at(from)))])),
            Call::Rename { from, to } => Some(self.rename(&[(from, None), (to, Some(self.at(from)))])),
            Call::Exchange { left, right } => {
                Some(self.rename(&[(left, Some(self.at(right))), (right, Some(self.at(left)))]))
            }
            Call::Remove { place } => Some(self.rename(&[(place, None)])),
            Call::Append { place, bytes } => Some(Op::Append(self.at(place), bytes.clone())),
            Call::Cut { place, length } => self.cut(place, *length),
            Call::SetMode { place, mode } => self.attributes(place, |before| Attributes { mode: *mode, ..before }),
            Call::SetOwner { place, owner: (user, group) } => self.attributes(place, |before| {
                let owner = (user.unwrap_or(before.owner.0), group.unwrap_or(before.owner.1));
                Attributes { owner, ..before }
            }),
            Call::Sync { place } => Some(Op::Sync(self.at(place))),
            Call::SyncAll => Some(Op::SyncAll),
        };
        if let Some(op) = op {
            self.recording.ops.push(op);
            self.recording.calls.push(call);
        }
    }

    fn find(&self, place: &str) -> Option<Inode> {
        let mut names = place.split('/').filter(|name| !name.is_empty());
        names.try_fold(0, |folder, name| self.names.get(&(folder, name.to_owned())).copied())
    }

    fn at(&self, place: &str) -> Inode {
        self.find(place).unwrap_or_else(|| panic!("nothing is at {place}"))
    }

    fn make(&mut self, place: &str, mode: u32, what: What) -> Op {
        let inode = self.recording.add(Seen { attributes: Attributes { mode, owner: (0, 0) }, what });
        self.rename(&[(place, Some(inode))])
    }

    fn rename(&mut self, changes: &[(&str, Option<Inode>)]) -> Op {
        let name = |place: &str| {
            let (folder, name) = place.rsplit_once('/').unwrap_or(("", place));
            (self.at(folder), name.to_owned())
        };
        let entries: Vec<_> = changes.iter().map(|(place, inode)| (name(place), *inode)).collect();
        for (name, inode) in &entries {
            match inode {
                Some(inode) => self.names.insert(name.clone(), *inode),
                None => self.names.remove(name),
            };
        }
        Op::Names(entries)
    }

    /// Of a file that is empty nothing is cut.
    fn cut(&self, place: &str, length: usize) -> Option<Op> {
        let inode = self.at(place);
        let of = |op: &&Op| matches!(op, Op::Append(of, _) | Op::Cut(of, _) if *of == inode);
        let is_written =
            self.recording.ops.iter().any(|op| of(&op)) || !self.recording.inodes[inode].content().is_empty();
        is_written.then_some(Op::Cut(inode, length))
    }

    fn attributes(&self, place: &str, change: impl Fn(Attributes) -> Attributes) -> Option<Op> {
        let inode = self.at(place);
        let of = |op: &Op| match op {
            Op::Attributes(of, attributes) if *of == inode => Some(*attributes),
            _ => None,
        };
        let before = self.recording.ops.iter().rev().find_map(of);
        let before = before.unwrap_or(self.recording.inodes[inode].attributes);
        (change(before) != before).then(|| Op::Attributes(inode, change(before)))
    }
}
