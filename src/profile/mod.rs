//! One TOML file describes one cluster.

mod model;
mod version;

pub use model::{
    AltName, Authority, Cluster, Endpoint, EtcdClient, EtcdTopology, Kubelet, Node, Profile, Role, ShipCaKeys, User,
    Validity,
};
pub use version::Version;
