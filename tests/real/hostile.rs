//! The binary that is shipped keeps within the memory that a Pod allows it, whoever it talks to.

use crate::besieged::besieged;
use crate::program::binary;

#[test]
#[ignore = "measures the static binary: make real"]
fn every_kind_against_every_hostile_server_in_16_megabytes() {
    let most = if binary() == env!("CARGO_BIN_EXE_prereq") { 40_000 } else { 16_000 };
    besieged(&binary(), most);
}
