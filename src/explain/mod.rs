//! Explanations: what a failure means, and what to look at next.

pub mod failures;
pub mod hints;
pub mod layers;
pub mod together;
