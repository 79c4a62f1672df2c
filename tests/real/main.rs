//! The program as a user runs it, against real servers, each test in a network namespace of its own
//! with its own resolv.conf. Needs root and the packages of `tests/real/setup.sh`, so the tests are `#[ignore]`d for
//! plain `cargo test` and run by `make real`. What is missing then is a failure, never a skip.
//!
//! Only what is promised to users is asserted: exit status, failure classes, that the target is named, that there is
//! a hint. `PREREQ=path` puts another binary to the test, such as the static one that is shipped.

mod amqp;
#[path = "../hostile/mod.rs"]
mod besieged;
mod certs;
mod clock;
mod descriptors;
mod dns;
mod faults;
mod grpc;
mod hints;
mod hostile;
mod http;
mod kafka;
mod lies;
mod limits;
mod memcached;
mod mongodb;
mod mqtt;
mod mysql;
mod nats;
mod net;
mod postgres;
mod presets;
mod process;
mod program;
mod redis;
mod report;
mod servers;
mod tcp;
mod tls;
