//! A Service's endpoints, from `EndpointSlice` objects or from Endpoints: pure, over the objects as the API has them.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::Value;

/// The endpoints of a Service.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Endpoints {
    /// The addresses that take traffic.
    pub(super) ready: BTreeSet<IpAddr>,
    /// Those that do not: not ready, or on their way out.
    pub(super) others: BTreeSet<IpAddr>,
    /// Endpoints known by name only.
    pub(super) named: usize,
}

impl Endpoints {
    /// Reads all slices of a Service, or its Endpoints.
    pub(super) fn read<'a>(objects: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut found = Self::default();
        for object in objects {
            for endpoint in array(&object["endpoints"]) {
                found.slice(endpoint);
            }
            for subset in array(&object["subsets"]) {
                found.ready.extend(array(&subset["addresses"]).iter().filter_map(|one| ip(&one["ip"])));
                found
                    .others
                    .extend(array(&subset["notReadyAddresses"]).iter().filter_map(|one| ip(&one["ip"])));
            }
        }
        // A Service with two ports may have one of them ready only: it takes traffic.
        found.others.retain(|other| !found.ready.contains(other));
        found
    }

    /// An endpoint of a slice. An unknown condition counts as «ready»
    /// (<https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#conditions>); a Service with
    /// `publishNotReadyAddresses` has `ready` set for all, also for those that are terminating.
    fn slice(&mut self, endpoint: &Value) {
        let conditions = &endpoint["conditions"];
        let ready = conditions["ready"].as_bool().unwrap_or(true);
        let leaving = conditions["terminating"].as_bool().unwrap_or(false);
        let fits = ready && !leaving;
        for address in array(&endpoint["addresses"]) {
            match ip(address) {
                Some(ip) if fits => drop(self.ready.insert(ip)),
                Some(ip) => drop(self.others.insert(ip)),
                None => self.named += usize::from(fits),
            }
        }
    }

    /// How many take traffic.
    pub(super) fn count(&self) -> usize {
        self.ready.len() + self.named
    }
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn ip(value: &Value) -> Option<IpAddr> {
    value.as_str()?.parse().ok()
}
