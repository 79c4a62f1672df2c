//! The codecs that are fuzzed.

/// A codec's name, and what feeds it.
pub static CODECS: &[(&str, fn(&[u8]))] = &[
    ("log", super::log::fuzz),
    ("memcached", super::memcached::fuzz),
    ("redis", super::redis::fuzz),
    ("nats", super::nats::fuzz),
    ("mqtt", super::mqtt::fuzz),
    ("grpc", super::grpc::fuzz),
    ("amqp", super::amqp::fuzz),
    ("kafka", super::kafka::fuzz),
    ("scram", super::scram::fuzz),
];
