//! The binary that is shipped keeps within the memory and the time that it is allowed, whoever it talks to.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use crate::besieged::{besieged, besieged_at_full_speed, besieged_behind_tls};
use crate::net::Net;
use crate::program::{SHORT, binary, start_briefly};

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

#[test]
#[ignore = "measures the static binary: make real"]
fn every_kind_against_floods_at_full_speed_in_16_megabytes() {
    besieged_at_full_speed(&binary(), most(), late());
}

/// Interim responses as fast as they can be sent are read in long turns, which the end has to wait for.
#[test]
#[ignore = "measures the static binary: make real"]
fn a_flood_of_interim_responses_delays_the_end_a_little() {
    let net = Net::new();
    let listener = net.inside(|| TcpListener::bind("127.0.0.1:8080").expect("a port"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]);
                let many = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(8_000);
                while stream.write_all(&many).is_ok() {}
            });
        }
    });
    let outcome = start_briefly(&net, &["http://127.0.0.1:8080/"]).finish(SHORT + late());
    outcome.is_unmet("127.0.0.1:8080", "http.timeout");
}

/// What it may take, in kB.
fn most() -> u64 {
    if is_debug() { 40_000 } else { 16_000 }
}

/// How long what reads a flood may delay the end. Unoptimised, it reads forty times as slowly, and it is not alone.
fn late() -> Duration {
    Duration::from_millis(if is_debug() { 60_000 } else { 500 })
}

fn is_debug() -> bool {
    binary() == env!("CARGO_BIN_EXE_prereq")
}
