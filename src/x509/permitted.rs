//! Names for a nameConstraints extension.

use ipnet::IpNet;

/// The names that a CA may sign for (RFC 5280, section 4.2.1.10); everything when both are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PermittedNames {
    /// DNS domains: each stands for itself and what is below it.
    pub domains: Vec<String>,
    /// Address ranges. Domains without any range mean no address at all.
    pub ranges: Vec<IpNet>,
}

impl PermittedNames {
    /// `DNS:apps.internal` and `IP:10.0.0.0/8`, the domains first.
    #[must_use]
    pub fn labelled(&self) -> Vec<String> {
        let domains = self.domains.iter().map(|domain| format!("DNS:{domain}"));
        domains.chain(self.ranges.iter().map(|range| format!("IP:{range}"))).collect()
    }
}
