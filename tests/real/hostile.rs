//! The binary that is shipped keeps within the memory that a Pod allows it, whoever it talks to.

use crate::besieged::{besieged, besieged_behind_tls};
use crate::program::binary;

#[test]
#[ignore = "measures the static binary: make real"]
fn every_kind_against_every_hostile_server_in_16_megabytes() {
    besieged(&binary(), most());
}

#[test]
#[ignore = "measures the static binary: make real"]
fn every_kind_against_hostile_servers_that_it_trusts_in_16_megabytes() {
    besieged_behind_tls(&binary(), most());
}

/// What it may take, in kB.
fn most() -> u64 {
    if binary() == env!("CARGO_BIN_EXE_prereq") { 40_000 } else { 16_000 }
}
