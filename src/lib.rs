//! `prereq` holds a program back until what it depends on is really there, and says why when it is not.
//!
//! The way through the code: [`cli`] reads words and variables into layers of settings; [`plan`] makes a plan of
//! them; [`engine`] carries it out, asking the probes of [`check`], which share [`net`]; [`report`] tells what
//! happens, and [`explain`] what to look at next. `manifest` writes down for Kubernetes what a command line asks for.

mod aside;
pub mod check;
pub mod cli;
pub mod content;
pub mod engine;
pub mod explain;
#[cfg(any(fuzzing, test))]
pub mod fuzz;
#[cfg(feature = "manifest")]
pub mod manifest;
pub mod net;
pub mod plan;
pub mod report;
