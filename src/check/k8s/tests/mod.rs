//! Against a scripted API server, with objects as a real one has them.

mod account;
mod discovery;
mod judged;
mod pages;
mod parse;
mod server;
mod states;
mod watched;
