//! The arguments of `init`.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::cli::text::starter::{Machines, Pool, Registry, Starter, User};

/// The most machines that a starter profile writes one by one.
const MOST_CONTROL_PLANES: u32 = 99;
/// The most nodes of a profile.
const MOST_NODES: u32 = 99_999;

/// The options that describe a cluster that is to come.
const NEW_CLUSTER: [&str; 8] =
    ["kubernetes", "endpoint", "control_planes", "nodes", "pool", "etcd", "etcd_members", "user"];

#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("written").args(["file", "from"])))]
#[command(after_help = "Three control planes, external etcd and 40 workers, all but the names:\n  \
    certferry init prod-1.toml --kubernetes 1.31.4 --endpoint k8s.corp.internal:6443 \\\n    \
    --control-planes 3@10.0.0.11 --etcd external --etcd-members 3@10.0.1.11 \\\n    \
    --pool app=30@10.0.2.1 --pool gpu=10@10.0.3.1 --user alice=platform-ops --user bob=dev\n\n\
    A cluster that runs already, of the surveys of its nodes:\n  \
    certferry init --from surveys nodes.yaml --out prod-1")]
pub(crate) struct InitArguments {
    /// The profile to write, which must not exist, or - for the standard output [default: -]
    file: Option<PathBuf>,
    /// What is known of a cluster that runs already: surveys, roots or tar archives of nodes, folders of these, kubeadm's
    /// configuration, the output of `kubectl get nodes -o yaml`
    #[arg(long, value_name = "PATH", num_args = 1.., requires = "out", conflicts_with_all = NEW_CLUSTER)]
    pub(crate) from: Vec<PathBuf>,
    /// The folder for the profile of that cluster, its CA certificates and the list of what there is to do
    #[arg(long, value_name = "DIR", requires = "from")]
    pub(crate) out: Option<PathBuf>,
    /// The cluster's name [default: prod-1; with --from the one that kubeadm knows]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The Kubernetes version, in full
    #[arg(long, default_value = "1.31.0", value_name = "VERSION")]
    kubernetes: String,
    /// Where clients reach the API servers [default: k8s.NAME.internal:6443]
    #[arg(long, value_name = "HOST:PORT")]
    endpoint: Option<String>,
    /// How many control planes, and the address of the first; the others count upwards
    #[arg(long, default_value = "3", value_name = "COUNT[@ADDRESS]", value_parser = control_planes)]
    control_planes: Machines,
    /// How many workers, and the address of the first [default: 3, none with --pool]
    #[arg(long, value_name = "COUNT[@ADDRESS]", value_parser = nodes)]
    nodes: Option<Machines>,
    /// A pool of workers, NAME-1 to NAME-COUNT, and the address of the first; may be given several times
    #[arg(long, value_name = "NAME=COUNT[@ADDRESS]", value_parser = pool)]
    pool: Vec<Pool>,
    /// Where etcd runs: on the control planes, or on machines of its own
    #[arg(long, value_name = "WHERE", default_value = "stacked")]
    etcd: Etcd,
    /// How many machines of its own etcd has, and the address of the first [default: 3]
    #[arg(long, value_name = "COUNT[@ADDRESS]", value_parser = control_planes)]
    etcd_members: Option<Machines>,
    /// A user, and a group; may be given several times [default: alice=platform-ops]
    #[arg(long, value_name = "NAME[=GROUP]", value_parser = user)]
    user: Vec<User>,
    /// A registry that nodes pull from, and its root: tls for the one that certferry makes, or a file of PEM; may be given
    /// several times
    #[arg(long, value_name = "HOST[:PORT]=ROOT", value_parser = registry)]
    registry: Vec<Registry>,
    /// Say what would be written; write nothing
    #[arg(long, requires = "written")]
    pub(crate) dry_run: bool,
}

/// Where the members of etcd run.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Etcd {
    /// On the control planes
    Stacked,
    /// On machines of their own
    External,
}

impl InitArguments {
    /// Returns what a starter profile says. `issued_at` is the day from which validity counts.
    ///
    /// # Errors
    /// Returns what does not go together.
    pub(crate) fn starter(&self, issued_at: String) -> Result<Starter, String> {
        let etcd_members = match (self.etcd, &self.etcd_members) {
            (Etcd::Stacked, Some(_)) => return Err("--etcd-members is for --etcd external".to_owned()),
            (Etcd::Stacked, None) => None,
            (Etcd::External, members) => Some(members.unwrap_or(Machines { count: 3, first: None })),
        };
        let no_pool = self.pool.is_empty();
        Ok(Starter {
            name: self.name().to_owned(),
            kubernetes: self.kubernetes.clone(),
            issued_at,
            endpoint: self.endpoint.clone(),
            control_planes: self.control_planes,
            etcd_members,
            nodes: self.nodes.unwrap_or(Machines { count: if no_pool { 3 } else { 0 }, first: None }),
            pools: self.pool.clone(),
            users: match self.user.is_empty() {
                true => vec![User { name: "alice".to_owned(), group: Some("platform-ops".to_owned()) }],
                false => self.user.clone(),
            },
            registries: self.registry.clone(),
        })
    }

    /// Returns the file to write, if it is not to be printed.
    pub(crate) fn written_file(&self) -> Option<&Path> {
        self.file.as_deref().filter(|file| *file != Path::new("-"))
    }

    /// Returns the cluster's name.
    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or("prod-1")
    }
}

fn control_planes(text: &str) -> Result<Machines, String> {
    machines(text, 1, MOST_CONTROL_PLANES)
}

fn nodes(text: &str) -> Result<Machines, String> {
    machines(text, 0, MOST_NODES)
}

fn machines(text: &str, least: u32, most: u32) -> Result<Machines, String> {
    let (count, first) = match text.split_once('@') {
        Some((count, address)) => {
            (count, Some(address.parse::<IpAddr>().map_err(|_| format!("{address} is no address"))?))
        }
        None => (text, None),
    };
    // `parse` alone would accept a sign.
    let is_number = count.bytes().all(|byte| byte.is_ascii_digit());
    let number = count.parse().ok().filter(|number| is_number && (least..=most).contains(number));
    let count = number.ok_or_else(|| format!("{count} is no number from {least} to {most}"))?;
    Ok(Machines { count, first })
}

fn pool(text: &str) -> Result<Pool, String> {
    let (name, rest) = text.split_once('=').ok_or("expected NAME=COUNT@ADDRESS, such as app=30@10.20.0.1")?;
    Ok(Pool { name: name.to_owned(), machines: machines(rest, 1, MOST_NODES)? })
}

fn registry(text: &str) -> Result<Registry, String> {
    let (host, root) = text.split_once('=').ok_or("expected HOST=ROOT, such as registry.corp.internal:5000=tls")?;
    Ok(Registry { host: host.to_owned(), root: root.to_owned() })
}

fn user(text: &str) -> Result<User, String> {
    Ok(match text.split_once('=') {
        Some((name, group)) => User { name: name.to_owned(), group: Some(group.to_owned()) },
        None => User { name: text.to_owned(), group: None },
    })
}
