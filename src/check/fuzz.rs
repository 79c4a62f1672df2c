//! The codecs that are fuzzed.

/// A codec's name, and what feeds it.
pub static CODECS: &[(&str, fn(&[u8]))] = &[
    ("log", super::log::fuzz),
    ("memcached", super::memcached::fuzz),
    ("amqp", super::amqp::fuzz),
    ("kafka", super::kafka::fuzz),
    ("mongodb", super::mongodb::fuzz),
    ("mqtt", super::mqtt::fuzz),
    ("nats", super::nats::fuzz),
    ("redis", super::redis::fuzz),
    ("grpc", super::grpc::fuzz),
    ("mysql", super::mysql::fuzz),
    ("postgres", super::postgres::fuzz),
    ("k8s", super::k8s::fuzz),
    ("scram", super::scram::fuzz),
];
