//! The program as its users see it: the real binary, real sockets on loopback, exit statuses and output.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]

#[path = "../hostile/mod.rs"]
mod besieged;
mod config;
mod hints;
mod hostile;
mod install;
mod mirrors;
mod output;
mod process;
mod program;
mod readme;
mod reports;
mod secrets;
mod signals;
mod terminal;
mod usage;
mod validate;
mod verbs;
mod waits;
