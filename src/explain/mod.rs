//! Explanations: what to look at next.

pub mod hints;
pub mod layers;
