//! Names to addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Net;
use super::dial::Family;
use super::trace::Trace;
use crate::check::{Reason, class};

/// What is shared between look-ups.
#[derive(Default)]
pub struct Shared;

impl Net {
    /// The addresses of `name`, looked up anew.
    ///
    /// # Errors
    /// The reason why there are none.
    pub async fn lookup_ip(&self, trace: &Trace, name: &str, family: Family) -> Result<Vec<IpAddr>, Reason> {
        let _ = (trace, family);
        if name == "localhost" {
            return Ok(vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()]);
        }
        Err(Reason::new(&class::DNS_UNREACHABLE, format!("no name server for {name}")))
    }
}
