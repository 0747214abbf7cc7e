//! Names for a nameConstraints extension.

use ipnet::IpNet;

/// The names that a CA may sign for (RFC 5280, section 4.2.1.10). When both lists are empty, it may sign for every
/// name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PermittedNames {
    /// DNS domains. Each permits itself and every name below it.
    pub domains: Vec<String>,
    /// Address ranges. When there are domains and no ranges, no address is permitted.
    pub ranges: Vec<IpNet>,
}

impl PermittedNames {
    /// Returns the names with their kinds, the domains first: `DNS:apps.internal`, `IP:10.0.0.0/8`.
    #[must_use]
    pub fn labelled(&self) -> Vec<String> {
        let domains = self.domains.iter().map(|domain| format!("DNS:{domain}"));
        domains.chain(self.ranges.iter().map(|range| format!("IP:{range}"))).collect()
    }
}
