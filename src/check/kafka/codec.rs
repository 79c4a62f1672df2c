//! The wire format of Kafka: requests and responses of the few APIs that are needed here, in versions that every broker
//! since 0.11 has, none of them «flexible».
//!
//! Source: <https://kafka.apache.org/protocol> and the schemas it is made of:
//! <https://github.com/apache/kafka/tree/trunk/clients/src/main/resources/common/message>.

use std::ops::RangeInclusive;

use crate::check::cursor::Cursor;
use crate::check::service::{Decoded, Malformed};

/// The longest response that is read, in bytes.
const LONGEST: i32 = 1024 * 1024;

/// An API: its key, and the versions of it that are spoken here.
#[derive(Debug)]
pub(super) struct Api {
    key: i16,
    versions: RangeInclusive<i16>,
    /// Its name in the protocol.
    pub(super) name: &'static str,
}

/// Which APIs a broker has; the first request, and the only one that needs no log-in.
pub(super) static API_VERSIONS: Api = Api { key: 18, versions: 0..=0, name: "ApiVersions" };
/// Brokers, controller, topics. From version 4 on a topic that is asked for is not created.
pub(super) static METADATA: Api = Api { key: 3, versions: 4..=8, name: "Metadata" };
/// Which SASL mechanism follows.
pub(super) static SASL_HANDSHAKE: Api = Api { key: 17, versions: 1..=1, name: "SaslHandshake" };
/// One step of it.
pub(super) static SASL_AUTHENTICATE: Api = Api { key: 36, versions: 0..=0, name: "SaslAuthenticate" };

/// What a broker has: API keys, each with the lowest and the highest version.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Versions(Vec<(i16, i16, i16)>);

impl Versions {
    /// The highest version of an API that both sides speak.
    pub(super) fn of(&self, api: &Api) -> Option<i16> {
        let (_, lowest, highest) = self.0.iter().find(|(key, ..)| *key == api.key)?;
        let version = *api.versions.end().min(highest);
        (version >= *api.versions.start() && version >= *lowest).then_some(version)
    }
}

/// A request with header version 1.
pub(super) fn request(api: &Api, version: i16, correlation: i32, body: &[u8]) -> Vec<u8> {
    let mut request = Vec::new();
    request.extend(api.key.to_be_bytes());
    request.extend(version.to_be_bytes());
    request.extend(correlation.to_be_bytes());
    request.extend(string("prereq"));
    request.extend(body);
    let size = i32::try_from(request.len()).unwrap_or(i32::MAX).to_be_bytes();
    [&size[..], &request].concat()
}

/// The body of Metadata: these topics, or none at all.
pub(super) fn metadata(version: i16, topic: Option<&str>) -> Vec<u8> {
    let mut body = i32::from(topic.is_some()).to_be_bytes().to_vec();
    body.extend(topic.map(string).unwrap_or_default());
    // Not to be created. From version 8 on: without authorized operations, of the cluster and of topics.
    body.push(0);
    body.extend(if version >= 8 { &[0, 0][..] } else { &[] });
    body
}

/// A string: two bytes of length.
pub(super) fn string(text: &str) -> Vec<u8> {
    let length = i16::try_from(text.len()).unwrap_or(i16::MAX);
    [&length.to_be_bytes(), text.as_bytes()].concat()
}

/// Bytes: four bytes of length.
pub(super) fn bytes(bytes: &[u8]) -> Vec<u8> {
    let length = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
    [&length.to_be_bytes(), bytes].concat()
}

/// Reads the response to the request with this `correlation`; its body is for `read`.
pub(super) fn response<T>(
    heard: &[u8],
    correlation: i32,
    read: impl Fn(&mut Cursor<'_>) -> Result<T, Malformed>,
) -> Decoded<T> {
    let Some((size, rest)) = heard.split_first_chunk() else { return Ok(None) };
    let size = i32::from_be_bytes(*size);
    if size > LONGEST {
        return Err(Malformed("a response longer than 1 MiB"));
    }
    let size = usize::try_from(size).map_err(|_| Malformed("a response of negative length"))?;
    let Some(message) = rest.get(..size) else { return Ok(None) };
    let mut from = Cursor(message);
    if int32(&mut from)? != correlation {
        return Err(Malformed("a response to another request"));
    }
    Ok(Some((read(&mut from)?, size + 4)))
}

/// Reads the body of `ApiVersions`: an error code, and what the broker has.
pub(super) fn api_versions(from: &mut Cursor<'_>) -> Result<(i16, Versions), Malformed> {
    let code = int16(from)?;
    let mut versions = Vec::new();
    for _ in 0..int32(from)? {
        versions.push((int16(from)?, int16(from)?, int16(from)?));
    }
    Ok((code, Versions(versions)))
}

/// Reads the body of `SaslHandshake`: an error code, and the mechanisms that the broker offers.
pub(super) fn sasl_handshake(from: &mut Cursor<'_>) -> Result<(i16, Vec<String>), Malformed> {
    let code = int16(from)?;
    let mut mechanisms = Vec::new();
    for _ in 0..int32(from)? {
        mechanisms.push(nullable(from)?);
    }
    Ok((code, mechanisms))
}

/// Reads the body of `SaslAuthenticate`: an error code, and what the mechanism says.
pub(super) fn sasl_authenticate(from: &mut Cursor<'_>) -> Result<(i16, Vec<u8>), Malformed> {
    let code = int16(from)?;
    let _message = nullable(from)?;
    let length = usize::try_from(int32(from)?).unwrap_or_default();
    Ok((code, from.take(length)?.to_vec()))
}

/// What Metadata says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Metadata {
    /// How many brokers are up.
    pub(super) brokers: usize,
    /// The broker that is the controller; negative when there is none.
    pub(super) controller: i32,
    /// The topic that was asked for.
    pub(super) topic: Option<Topic>,
}

/// A topic.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Topic {
    /// Its error code.
    pub(super) code: i16,
    /// How many partitions it has.
    pub(super) partitions: usize,
    /// How many of them have no leader.
    pub(super) leaderless: usize,
}

/// Reads the body of Metadata in this version.
pub(super) fn metadata_of(version: i16, from: &mut Cursor<'_>) -> Result<Metadata, Malformed> {
    let _throttle = int32(from)?;
    let mut brokers = 0;
    for _ in 0..int32(from)? {
        let _node = int32(from)?;
        let _host = nullable(from)?;
        let _port = int32(from)?;
        let _rack = nullable(from)?;
        brokers += 1;
    }
    let _cluster = nullable(from)?;
    let controller = int32(from)?;
    let mut topic = None;
    for _ in 0..int32(from)? {
        topic = Some(topic_of(version, from)?);
    }
    Ok(Metadata { brokers, controller, topic })
}

fn topic_of(version: i16, from: &mut Cursor<'_>) -> Result<Topic, Malformed> {
    let mut topic = Topic { code: int16(from)?, partitions: 0, leaderless: 0 };
    let _name = nullable(from)?;
    let [_internal] = from.array()?;
    for _ in 0..int32(from)? {
        let _code = int16(from)?;
        let _index = int32(from)?;
        let leader = int32(from)?;
        let _epoch = if version >= 7 { int32(from)? } else { 0 };
        // All replicas, those in sync and, from version 5 on, those that are offline.
        for _ in 0..if version >= 5 { 3 } else { 2 } {
            let count = usize::try_from(int32(from)?).unwrap_or_default();
            from.take(count.saturating_mul(4))?;
        }
        topic.partitions += 1;
        topic.leaderless += usize::from(leader < 0);
    }
    let _operations = if version >= 8 { int32(from)? } else { 0 };
    Ok(topic)
}

fn int16(from: &mut Cursor<'_>) -> Result<i16, Malformed> {
    from.array().map(i16::from_be_bytes)
}

fn int32(from: &mut Cursor<'_>) -> Result<i32, Malformed> {
    from.array().map(i32::from_be_bytes)
}

/// A string, or nothing where its length is negative.
fn nullable(from: &mut Cursor<'_>) -> Result<String, Malformed> {
    let length = usize::try_from(int16(from)?).unwrap_or_default();
    Ok(String::from_utf8_lossy(from.take(length)?).into_owned())
}
