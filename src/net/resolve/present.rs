//! Record data as text, in the presentation format of master files (RFC 1035 §5.1).

use std::fmt::Write as _;

use hickory_resolver::proto::rr::RData;

/// `data` as text: control characters escaped, strings quoted.
#[must_use]
pub fn presentation(data: &RData) -> String {
    if let RData::TXT(txt) = data {
        let strings: Vec<String> = txt.txt_data.iter().map(|string| quoted(string)).collect();
        return strings.join(" ");
    }
    let plain = match data {
        // Hickory ends each value with a comma.
        RData::SVCB(_) | RData::HTTPS(_) => {
            data.to_string().replace(", ", " ").trim_end_matches(',').to_owned()
        }
        _ => data.to_string(),
    };
    let mut text = String::new();
    for c in plain.chars() {
        if c.is_control() {
            let _ = write!(text, "\\{:03}", u32::from(c));
        } else {
            text.push(c);
        }
    }
    text
}

fn quoted(string: &[u8]) -> String {
    let mut text = String::from('"');
    for chunk in string.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' | '\\' => text.extend(['\\', c]),
                c if c.is_ascii_control() => {
                    let _ = write!(text, "\\{:03}", u32::from(c));
                }
                // C1 controls, of two bytes each.
                c if c.is_control() => {
                    let _ = write!(text, "\\194\\{:03}", u32::from(c));
                }
                c => text.push(c),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\{byte:03}");
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_resolver::proto::rr::Name;
    use hickory_resolver::proto::rr::rdata::svcb::{Alpn, SVCB, SvcParamKey, SvcParamValue};
    use hickory_resolver::proto::rr::rdata::{A, HTTPS, MX, TXT};

    #[test]
    fn strings_are_quoted_and_controls_escaped() {
        let txt = TXT::from_bytes(vec![b"v=\"1\" \\", b"\x1b[31m\xff\xc2\x9b\xc3\xa9"]);
        assert_eq!(presentation(&RData::TXT(txt)), r#""v=\"1\" \\" "\027[31m\255\194\155é""#);
    }

    #[test]
    fn other_data_is_plain() {
        assert_eq!(presentation(&RData::A(A::new(10, 0, 0, 1))), "10.0.0.1");
        let mx = MX::new(10, Name::from_ascii("mail.example.com.").unwrap());
        assert_eq!(presentation(&RData::MX(mx)), "10 mail.example.com.");
        let alpn = SvcParamValue::Alpn(Alpn(vec!["h2".into(), "h3".into()]));
        let params = vec![(SvcParamKey::Alpn, alpn), (SvcParamKey::Port, SvcParamValue::Port(8443))];
        let https = HTTPS(SVCB::new(1, Name::root(), params));
        assert_eq!(presentation(&RData::HTTPS(https)), "1 . alpn=h2,h3 port=8443");
    }
}
