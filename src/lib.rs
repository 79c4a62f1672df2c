//! `prereq` holds a program back until what it depends on is really there, and says why when it is not.

pub mod check;
pub mod net;
pub mod plan;
