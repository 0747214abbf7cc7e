//! The starter profile that `init` writes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::cli::failure::Failure;
use crate::template::render;

const STARTER: &str = include_str!("../../../templates/starter.toml");
const NODE: &str = include_str!("../../../templates/starter-node.toml");
const POOL: &str = include_str!("../../../templates/starter-pool.toml");
const REGISTRY: &str = include_str!("../../../templates/starter-registry.toml");
const REGISTRY_CERTIFICATE: &str = include_str!("../../../templates/starter-registry-certificate.toml");
const USER: &str = include_str!("../../../templates/starter-user.toml");

/// The most workers that are written one by one. More are a pool.
const ONE_BY_ONE: u32 = 99;

/// The addresses of the first machines where no others are given.
const CONTROL_PLANES: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 11);
const WORKERS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 21);
const ETCD_MEMBERS: Ipv4Addr = Ipv4Addr::new(192, 168, 2, 11);
const POOLS: Ipv4Addr = Ipv4Addr::new(10, 20, 0, 1);

/// What a starter profile says.
pub(crate) struct Starter {
    pub(crate) name: String,
    pub(crate) kubernetes: String,
    pub(crate) issued_at: String,
    pub(crate) endpoint: Option<String>,
    pub(crate) control_planes: Machines,
    /// The machines of etcd. `None` when its members are on the control planes.
    pub(crate) etcd_members: Option<Machines>,
    pub(crate) nodes: Machines,
    pub(crate) pools: Vec<Pool>,
    pub(crate) users: Vec<User>,
    pub(crate) registries: Vec<Registry>,
}

/// Machines whose addresses follow each other.
#[derive(Clone, Copy)]
pub(crate) struct Machines {
    pub(crate) count: u32,
    pub(crate) first: Option<IpAddr>,
}

/// Workers that are written as one row.
#[derive(Clone)]
pub(crate) struct Pool {
    pub(crate) name: String,
    pub(crate) machines: Machines,
}

/// A person with a kubeconfig.
#[derive(Clone)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) group: Option<String>,
}

/// A registry that nodes pull from.
#[derive(Clone)]
pub(crate) struct Registry {
    pub(crate) host: String,
    /// `tls`, or the text of certificates; on the command line the file that has it.
    pub(crate) root: String,
}

/// Returns the text of the profile. Whether it is a good one is for the check of profiles to say.
pub(crate) fn profile(starter: &Starter) -> Result<String, Failure> {
    let first = starter.control_planes.first.unwrap_or(CONTROL_PLANES.into());
    let mut nodes = one_by_one("cp", "control-plane", starter.control_planes.count, first)?;
    if let Some(Machines { count, first }) = starter.etcd_members {
        nodes += &one_by_one("etcd", "etcd", count, first.unwrap_or(ETCD_MEMBERS.into()))?;
    }
    let mut pools = starter.pools.clone();
    if starter.nodes.count > ONE_BY_ONE {
        pools.insert(0, Pool { name: "worker".to_owned(), machines: starter.nodes });
    } else {
        nodes += &one_by_one("worker", "worker", starter.nodes.count, starter.nodes.first.unwrap_or(WORKERS.into()))?;
    }
    // A pool without an address goes on behind the one before.
    let mut next = IpAddr::from(POOLS);
    for Pool { name, machines } in pools {
        let first = machines.first.unwrap_or(next);
        next = counted_up(first, machines.count)?;
        let names = quoted(&format!("{name}-[1..{}]", machines.count));
        nodes += &rendered(POOL, &[("names", &names), ("address", &quoted(&first.to_string()))])?;
    }
    let user = |User { name, group }: &User| {
        let groups = group.as_deref().map(quoted).unwrap_or_default();
        rendered(USER, &[("name", &quoted(name)), ("groups", &groups)])
    };
    let users = starter.users.iter().map(user).collect::<Result<Vec<_>, _>>()?.join("\n");
    let registries = registries(starter)?;
    let sans = match (&starter.endpoint, starter.control_planes.first) {
        (None, None) => quoted("192.168.1.100"),
        _ => String::new(),
    };
    let endpoint = starter.endpoint.clone().unwrap_or_else(|| format!("k8s.{}.internal:6443", starter.name));
    let subnet = if first.is_ipv4() { "10.96.0.0/12" } else { "fd00:10:96::/112" };
    let etcd = match starter.etcd_members {
        Some(_) => "# The members of etcd are on machines of their own.\netcd = \"external\"\n",
        None => "",
    };
    rendered(
        STARTER,
        &[
            ("name", &quoted(&starter.name)),
            ("kubernetes", &quoted(&starter.kubernetes)),
            ("issued_at", &starter.issued_at),
            ("endpoint", &quoted(&endpoint)),
            ("sans", &sans),
            ("subnet", &quoted(subnet)),
            ("etcd", etcd),
            ("nodes", &nodes),
            ("users", &users),
            ("registries", &registries),
        ],
    )
}

/// Returns the tables of all registries.
pub(crate) fn registries(starter: &Starter) -> Result<String, Failure> {
    starter.registries.iter().map(registry).collect()
}

/// Returns the tables of a registry, with one for its certificate where the profile makes that, too.
fn registry(Registry { host, root }: &Registry) -> Result<String, Failure> {
    if root != "tls" {
        // A literal string, in which nothing has a meaning.
        let root = format!("'''\n{root}'''");
        return rendered(REGISTRY, &[("host", &quoted(host)), ("root", &root)]);
    }
    let name = host.split(':').next().unwrap_or_default();
    let certificate = rendered(REGISTRY_CERTIFICATE, &[("secret", &quoted(name)), ("name", &quoted(name))])?;
    Ok(certificate + &rendered(REGISTRY, &[("host", &quoted(host)), ("root", &quoted(root))])?)
}

fn one_by_one(prefix: &str, role: &str, count: u32, first: IpAddr) -> Result<String, Failure> {
    let row = |number: u32| {
        let (name, address) = (format!("{prefix}-{}", number + 1), counted_up(first, number)?.to_string());
        rendered(NODE, &[("name", &quoted(&name)), ("role", &quoted(role)), ("address", &quoted(&address))])
    };
    (0..count).map(row).collect()
}

fn counted_up(first: IpAddr, count: u32) -> Result<IpAddr, Failure> {
    let address = match first {
        IpAddr::V4(first) => first.to_bits().checked_add(count).map(|bits| Ipv4Addr::from_bits(bits).into()),
        IpAddr::V6(first) => first.to_bits().checked_add(count.into()).map(|bits| Ipv6Addr::from_bits(bits).into()),
    };
    address.ok_or_else(|| Failure::cannot_run(format!("{count} addresses from {first} on are more than there are")))
}

/// Returns a string of TOML.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn rendered(template: &str, values: &[(&str, &str)]) -> Result<String, Failure> {
    match render(template, values) {
        Ok(text) => Ok(text.to_string()),
        Err(name) => Err(Failure::defect(&format!("the built-in template names an unknown value `{name}`"))),
    }
}
