//! `diff`: says what came, went and changed between two bundles, or a bundle and what is on a node.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;

use crate::bundle::{Head, KUBELET_CLIENT_LINK, PartOwner, Record, Row, VerifiedIndex, VerifiedPart};
use crate::cli::args::{DiffArguments, OpenArguments, OutputFormat};
use crate::cli::failure::{Failure, OrFailure, named};
use crate::cli::input::bundle::{bundle_key, is_bundle};
use crate::cli::input::node_folder::Folder;
use crate::cli::input::opening::{self, Kind, Opening};
use crate::cli::input::source;
use crate::cli::text::changes::Detail;
use crate::cli::text::{comparison, comparison_json, json};
use crate::diff::{Differ, Tree};
use crate::host::NodeRoot;
use crate::kubernetes::{FILE_LIMIT, KUBELET_PKI, KUBERNETES, PartName, node_files};
use crate::make::Comparison;
use crate::node::place::{INSTALLED, RECORD};
use crate::sign::PublicKey;

/// The document for programs.
#[derive(Serialize)]
struct Json<'a, Compared> {
    before: SideJson<'a>,
    after: SideJson<'a>,
    differs: bool,
    heads: Vec<HeadJson<'a>>,
    other_profile: bool,
    #[serde(flatten)]
    compared: Compared,
}

#[derive(Serialize)]
struct SideJson<'a> {
    path: String,
    cluster: Option<&'a str>,
    generation: Option<u32>,
    kubernetes: Option<&'a str>,
}

#[derive(Serialize)]
struct HeadJson<'a> {
    what: &'static str,
    before: &'a str,
    after: &'a str,
}

pub(crate) fn run(arguments: &DiffArguments) -> Result<String, Failure> {
    let paths = [&arguments.before, &arguments.after];
    let texts = [arguments.key.first(), arguments.key.last()].map(|key| key.map(String::as_str));
    let (before, after) = (key(paths[0], texts[0])?, key(paths[1], texts[1])?);
    if arguments.key.len() > 2 {
        return Err(Failure::cannot_run("--key is given more than twice").hint("once for both, or one for each"));
    }
    let wanted = arguments.node.clone().map(PartName::Node);
    let open = &arguments.open;
    let mut before = Side::open(paths[0], before.as_ref(), open, wanted.as_ref())?;
    let mut after = Side::open(paths[1], after.as_ref(), open, wanted.as_ref())?;
    let comparison = compare(&mut before, &mut after, wanted.as_ref())?;
    let differs = differs(&comparison);
    let text = match arguments.format.output {
        OutputFormat::Json => json::document(
            "diff",
            &Json {
                before: before.json(),
                after: after.json(),
                differs,
                heads: comparison.heads.iter().map(|(what, before, after)| HeadJson { what, before, after }).collect(),
                other_profile: comparison.other_profile,
                compared: comparison_json::of(&comparison),
            },
        )?,
        OutputFormat::Text => {
            let detail = if arguments.verbose { Detail::Full } else { Detail::Folded };
            let heading = format!("from {} to {}", named(before.path), named(after.path));
            let text = comparison::render(&comparison, &heading, detail);
            if text.is_empty() { format!("{heading}: nothing differs\n") } else { text.trim_start().to_owned() }
        }
    };
    if differs { Err(Failure::says_no("they differ").output(text)) } else { Ok(text) }
}

fn differs(comparison: &Comparison) -> bool {
    !comparison.heads.is_empty() || !comparison.changes.is_empty() || !comparison.part_changes.is_empty()
}

/// Returns the key for a bundle. A folder needs none.
fn key(path: &Path, key: Option<&str>) -> Result<Option<PublicKey>, Failure> {
    if !source::is_standard(path) && path.metadata().or_cannot("read", path)?.is_dir() {
        return Ok(None);
    }
    // Of the standard input nothing is read before both keys are known.
    let kind = match source::is_standard(path) {
        true => Kind::Bundle,
        false => Kind::of(&source::open(path).or_cannot("read", path)?),
    };
    bundle_key(path, kind, key).map(Some)
}

/// Goes through both sides, which have their parts in one order.
fn compare(before: &mut Side<'_>, after: &mut Side<'_>, wanted: Option<&PartName>) -> Result<Comparison, Failure> {
    // A folder has the files of one node.
    let wanted = wanted.or(before.alone.as_ref()).or(after.alone.as_ref()).cloned();
    let wanted = wanted.as_ref();
    let mut differ = Differ::default();
    let (mut left, mut right) = (before.next(wanted)?, after.next(wanted)?);
    let (mut compared, mut have_heads) = (0, false);
    loop {
        let order = match (&left, &right) {
            (None, None) => break,
            (Some((left, _)), Some((right, _))) => left.cmp(right),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
        };
        let old = if order.is_le() { left.take() } else { None };
        let new = if order.is_ge() { right.take() } else { None };
        // What a slice or a partial bundle does not have is not gone.
        let name = old.as_ref().or(new.as_ref()).map(|(name, _)| name);
        let is_known = name
            .is_some_and(|name| (old.is_some() || !before.may_have(name)) && (new.is_some() || !after.may_have(name)));
        if is_known {
            if let (false, Some(before), Some(after)) = (have_heads, &before.head, &after.head) {
                differ.heads(before, after);
                have_heads = true;
            }
            compared += 1;
            differ.part(old.as_ref().map(|(_, tree)| tree), new.as_ref().map(|(_, tree)| tree));
        }
        if old.is_some() {
            left = before.next(wanted)?;
        }
        if new.is_some() {
            right = after.next(wanted)?;
        }
    }
    for side in [&*before, &*after] {
        if let Parts::Bundle(opening) = &side.parts {
            opening::tell_closed(side.path, &opening.heads)?;
        }
    }
    if compared == 0 {
        let what = wanted.map_or_else(|| "no part that both have".to_owned(), |part| format!("no part {part} in both"));
        return Err(Failure::cannot_run(format!("there is {what}: {} and {}", named(before.path), named(after.path))));
    }
    Ok(differ.finish())
}

/// One of the two that are compared.
struct Side<'a> {
    path: &'a Path,
    /// The head of the records, once one is known.
    head: Option<Head>,
    /// The parts of its cluster; `None` where they are not known.
    all: Option<Vec<PartName>>,
    /// The node of a folder, which has no other part.
    alone: Option<PartName>,
    parts: Parts<'a>,
}

enum Parts<'a> {
    Bundle(Box<Opening<'a>>),
    Folder(Option<Tree>),
}

impl<'a> Side<'a> {
    fn open(
        path: &'a Path,
        key: Option<&'a PublicKey>,
        open: &OpenArguments,
        wanted: Option<&PartName>,
    ) -> Result<Self, Failure> {
        let Some(key) = key else { return Self::folder(path, wanted) };
        let source = source::open(path).or_cannot("read", path)?;
        if !is_bundle(&source) {
            return Err(Failure::cannot_run(format!("{} is neither a bundle nor a folder", named(path)))
                .hint("name bundles, slices, or the root of a node's files"));
        }
        let opening = opening::reader(path, source, key, open, wanted)?;
        let whole = opening.reader.index().map(VerifiedIndex::index).filter(|index| !index.partial);
        let all = whole.map(|index| index.parts.iter().map(|(part, _)| part.clone()).collect());
        Ok(Self { path, head: None, all, alone: None, parts: Parts::Bundle(Box::new(opening)) })
    }

    /// Reads what is on a node: the files whose places certferry knows, and those that its record names.
    fn folder(path: &'a Path, wanted: Option<&PartName>) -> Result<Self, Failure> {
        let folder = Folder::find(path)?;
        let record = folder.root.read(&format!("{INSTALLED}/{RECORD}"), FILE_LIMIT).ok();
        let record = record.and_then(|record| Record::read(&record).ok());
        let part = wanted.cloned().or_else(|| record.as_ref().map(|record| record.owner.part())).ok_or_else(|| {
            Failure::cannot_run(format!("{} does not say which node it is", named(path)))
                .hint("certferry has not installed it; name the node with --node NAME")
        })?;
        let role = record.as_ref().and_then(|record| match &record.owner {
            PartOwner::Node(node) => Some(node.role),
            PartOwner::Cluster => None,
        });
        let mut tree = Tree::new(part.clone(), role);
        let current = folder.root.leads_to(KUBELET_CLIENT_LINK).ok();
        let possible = node_files();
        let certificates_dir = folder.certificates_dir();
        let places = record.iter().flat_map(|record| &record.rows).map(|row| row.path().to_owned());
        let found = [KUBERNETES, KUBELET_PKI].into_iter().flat_map(|below| folder.root.files(below).0);
        let found = found.filter(|path| {
            let usual = certificates_dir.usual(path);
            !certificates_dir.is_foreign(path) && possible.iter().any(|file| file.is_on_node(&usual))
        });
        for place in places.chain(found).collect::<BTreeSet<_>>() {
            // Of its own client certificates the kubelet reads the one to which its link leads.
            let name = |path: &str| path.rsplit('/').next().map(str::to_owned);
            let is_old =
                Tree::is_dated(&place) && current.as_ref().is_some_and(|current| name(current) != name(&place));
            if place != KUBELET_CLIENT_LINK && !is_old {
                read(&mut tree, &folder.root, &place)?;
            }
        }
        let head = record.map(|record| record.head);
        let all = Some(vec![part.clone()]);
        Ok(Self { path, head, all, alone: Some(part), parts: Parts::Folder(Some(tree)) })
    }

    /// Returns whether a part that was not read may be there all the same: in the bundle of a slice, in the whole one
    /// of a partial bundle, or sealed.
    fn may_have(&self, name: &PartName) -> bool {
        self.all.as_ref().is_none_or(|all| all.binary_search(name).is_ok())
    }

    fn next(&mut self, wanted: Option<&PartName>) -> Result<Option<(PartName, Tree)>, Failure> {
        match &mut self.parts {
            Parts::Folder(tree) => Ok(tree.take().and_then(|tree| Some((self.alone.clone()?, tree)))),
            Parts::Bundle(opening) => {
                while let Some(part) = opening.reader.next_part().map_err(|error| Failure::bundle(self.path, &error))? {
                    let record = part.record();
                    self.head.get_or_insert_with(|| record.head.clone());
                    let name = record.owner.part();
                    if wanted.is_none_or(|wanted| *wanted == name) {
                        return Ok(Some((name, tree_of(&part))));
                    }
                }
                Ok(None)
            }
        }
    }

    fn json(&self) -> SideJson<'_> {
        let head = self.head.as_ref();
        SideJson {
            path: self.path.display().to_string(),
            cluster: head.map(|head| head.cluster.as_str()),
            generation: head.map(|head| head.generation),
            kubernetes: head.map(|head| head.kubernetes.as_str()),
        }
    }
}

fn read(tree: &mut Tree, root: &NodeRoot, place: &str) -> Result<(), Failure> {
    match root.read(place, FILE_LIMIT) {
        Ok(content) => tree.add(place, &content),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(Failure::io("read", &root.path(place), &error)),
    }
    Ok(())
}

fn tree_of(part: &VerifiedPart) -> Tree {
    let owner = &part.record().owner;
    let role = match owner {
        PartOwner::Node(node) => Some(node.role),
        PartOwner::Cluster => None,
    };
    let mut tree = Tree::new(owner.part(), role);
    for (row, content) in part.files() {
        // The kubelet's link leads to a file of the part.
        if matches!(row, Row::File { .. }) {
            tree.add(row.path(), content);
        }
    }
    tree
}
