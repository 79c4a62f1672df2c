//! Explanations: what a failure means, and what to look at next.

pub mod failures;
pub mod hints;
#[cfg(feature = "k8s")]
mod kube;
pub mod layers;
pub mod together;
