//! What to wait for and how: pure data, made from text without any network traffic.

pub mod duration;
pub mod env;
pub mod expand;
pub mod layer;
pub mod mesh;
pub mod problem;
pub mod secret;
pub mod target;

mod policy;
mod resolve;
mod tree;
mod worst;
mod written;

pub use policy::{Backoff, Policy, Settings};
pub use resolve::{Plan, Precondition, resolve};
pub use tree::{Node, OptionSpec, Spec, TargetSpec};
pub use written::{Hide, Written, has_userinfo, written};
