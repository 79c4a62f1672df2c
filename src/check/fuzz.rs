//! The codecs that are fuzzed.

/// What reads bytes, by its name.
pub type Reader = (&'static str, fn(&[u8]));

/// The codecs.
pub static CODECS: &[Reader] = &[
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
