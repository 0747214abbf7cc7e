//! One TOML file describes one cluster.

mod model;
mod version;

pub use model::{
    Authority, Cluster, Endpoint, EtcdClient, EtcdTopology, Kubelet, Node, Profile, Role, ShipCaKeys, User,
};
pub use version::Version;
