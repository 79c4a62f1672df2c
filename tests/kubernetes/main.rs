//! What is written for Kubernetes, held against its own types: what `prereq manifest` prints, and the examples.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]

mod examples;
mod manifest;
mod strict;
mod yaml;
