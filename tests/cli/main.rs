//! The program as its users see it: the real binary, real sockets on loopback, exit statuses and output.

mod hostile;
mod output;
mod program;
mod secrets;
mod signals;
mod usage;
mod waits;
