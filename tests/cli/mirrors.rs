//! Servers that repeat what they are told, secrets and all, where their protocol has words of its own: in the refusal.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::program::{read_head, response};

/// What a server of `scheme` does with a connection. With HTTP it may be content all the same, and what speaks HTTP
/// need not have `words` for a refusal.
pub(crate) fn mirror(scheme: &str, ready: bool, words: bool, stream: TcpStream) {
    match scheme {
        "amqp" => amqp(stream),
        "k8s" if words => api(stream),
        "kafka" => kafka(stream),
        "memcached" => lines(stream, b"", |told| format!("SERVER_ERROR {told}\r\n")),
        "mysql" => mysql(stream),
        "nats" => lines(stream, NATS, |told| format!("-ERR '{told}'\r\n")),
        "postgres" => postgres(stream),
        "redis" => lines(stream, b"", |told| format!("-ERR unknown command, with {told}\r\n")),
        _ => http(stream, if ready { "200 OK" } else { "401 Unauthorized" }),
    }
}

const NATS: &[u8] =
    b"INFO {\"server_id\":\"m\",\"version\":\"2\",\"auth_required\":true,\"max_payload\":99}\r\n";

/// The end of what came, as a line.
fn line(heard: &[u8]) -> String {
    let text: String =
        String::from_utf8_lossy(heard).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let start = text.len().saturating_sub(150);
    text[text.ceil_char_boundary(start)..].trim().to_owned()
}

fn hear(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut buffer = vec![0; 4096];
    let count = stream.read(&mut buffer).ok().filter(|count| *count > 0)?;
    buffer.truncate(count);
    Some(buffer)
}

fn http(mut stream: TcpStream, status: &str) {
    let head = read_head(&mut stream);
    let _ = stream.write_all(response(status, &head).as_bytes());
}

/// What went wrong, as the API of Kubernetes has it.
fn api(mut stream: TcpStream) {
    let head = read_head(&mut stream);
    let status =
        serde_json::json!({"kind": "Status", "reason": line(head.as_bytes()), "message": head, "code": 500});
    let _ = stream.write_all(response("500 Internal Server Error", &status.to_string()).as_bytes());
}

fn lines(mut stream: TcpStream, greeting: &[u8], answer: fn(&str) -> String) {
    let _ = stream.write_all(greeting);
    while let Some(heard) = hear(&mut stream) {
        let _ = stream.write_all(answer(&line(&heard)).as_bytes());
    }
}

/// A text behind its length of one byte.
fn short(text: &str) -> Vec<u8> {
    [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

/// Connection.Start, and Connection.Close upon the log-in.
fn amqp(mut stream: TcpStream) {
    let frame = |method: [u8; 4], arguments: &[u8]| {
        let size = u32::try_from(arguments.len() + 4).unwrap().to_be_bytes();
        [&[1, 0, 0], &size[..], &method, arguments, &[0xCE]].concat()
    };
    let start = [&[0, 9, 0, 0, 0, 0, 0, 0, 0, 5][..], b"PLAIN", &[0, 0, 0, 5], b"en_US"].concat();
    if hear(&mut stream).is_none() || stream.write_all(&frame([0, 10, 0, 10], &start)).is_err() {
        return;
    }
    while let Some(heard) = hear(&mut stream) {
        let close = [&[2, 8][..], &short(&line(&heard)), &[0, 10, 0, 11]].concat();
        let _ = stream.write_all(&frame([0, 10, 0, 50], &close));
    }
}

/// Metadata, `SaslHandshake` and `SaslAuthenticate`, each with its versions.
const KAFKA: [u8; 18] = [0, 3, 0, 0, 0, 8, 0, 17, 0, 0, 0, 1, 0, 36, 0, 0, 0, 0];

/// Takes PLAIN, and refuses the log-in.
fn kafka(mut stream: TcpStream) {
    while let Some(heard) = hear(&mut stream) {
        let told = line(&heard);
        let body = match heard.get(4..6) {
            Some([0, 18]) => [&[0, 0, 0, 0, 0, 3], &KAFKA[..]].concat(),
            Some([0, 17]) => b"\0\0\0\0\0\x01\0\x05PLAIN".to_vec(),
            Some([0, 36]) => [&[0, 58, 0][..], &short(&told), &[0; 4]].concat(),
            _ => vec![0; 6],
        };
        let Some(number) = heard.get(8..12) else { return };
        let size = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        let _ = stream.write_all(&[&size, number, &body[..]].concat());
    }
}

fn mysql(mut stream: TcpStream) {
    let packet = |number: u8, body: &[u8]| {
        let size = u32::try_from(body.len()).unwrap().to_le_bytes();
        [&size[..3], &[number], body].concat()
    };
    // Protocol 4.1, authentication by plug-ins, and the salt in two parts.
    let flags = [&[0x01, 0xA2, 33, 2, 0, 0x08, 0, 21][..], &[0; 10]].concat();
    let greeting =
        [b"\x0A8.0.0\0", &[1, 0, 0, 0][..], b"saltsalt\0", &flags, b"saltsaltsalt\0mysql_native_password\0"];
    let _ = stream.write_all(&packet(0, &greeting.concat()));
    while let Some(heard) = hear(&mut stream) {
        let error = [b"\xFF\x15\x04#28000", line(&heard).as_bytes()].concat();
        let _ = stream.write_all(&packet(heard[3].wrapping_add(1), &error));
    }
}

/// Has no TLS, asks for an MD5 password, and refuses it.
fn postgres(mut stream: TcpStream) {
    const ASKS_FOR_TLS: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
    if hear(&mut stream).is_some_and(|heard| heard == ASKS_FOR_TLS) {
        let _ = stream.write_all(b"N");
        hear(&mut stream);
    }
    if stream.write_all(b"R\0\0\0\x0C\0\0\0\x05salt").is_err() {
        return;
    }
    while let Some(heard) = hear(&mut stream) {
        let fields = format!("SFATAL\0C28P01\0M{}\0\0", line(&heard));
        let size = u32::try_from(fields.len() + 4).unwrap().to_be_bytes();
        let _ = stream.write_all(&[b"E", &size[..], fields.as_bytes()].concat());
    }
}
