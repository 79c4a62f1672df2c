//! The list of hostile servers, and for whom what they give is enough: some services are ready by the status of their
//! health page alone. In braces, whose greeting it is, and what is told of an attempt that it cuts short.

use super::{Hostility, http, slow, wire};

macro_rules! hostilities {
    ($($module:ident::$name:ident $([$($enough:literal)*])? $({$of:literal $class:literal})?;)*) => {
        pub(super) static HOSTILITIES: &[Hostility] = &[$(
            Hostility {
                name: stringify!($name),
                serve: $module::$name,
                enough_for: &[$($($enough),*)?],
                cut_short: &[$(($of, $class))?],
            },
        )*];
    };
}

hostilities! {
    wire::silence;
    wire::closed_at_once;
    wire::reset;
    wire::half_closed;
    wire::echo;
    wire::endless_zeros;
    wire::endless_ones;
    wire::endless_letters;
    wire::endless_lines;
    wire::endless_empty_lines;
    wire::endless_nesting;
    wire::byte_by_byte;
    slow::greeting_of_postgres {"postgres://" "service.timeout"};
    slow::greeting_of_mysql {"mysql://" "service.timeout"};
    slow::greeting_of_kafka {"kafka://" "service.timeout"};
    slow::greeting_of_mongodb {"mongodb://" "service.timeout"};
    slow::greeting_of_mqtt {"mqtt://" "service.timeout"};
    slow::greeting_of_amqp {"amqp://" "service.timeout"};
    slow::greeting_of_redis {"redis://" "service.timeout"};
    slow::greeting_of_nats {"nats://" "service.timeout"};
    slow::greeting_of_memcached {"memcached://" "service.timeout"};
    slow::greeting_of_grpc {"grpc://" "service.timeout"};
    slow::greeting_of_tls {"tls://" "tls.timeout"};
    slow::greeting_of_http {"http://HOST/#expect" "http.timeout"};
    wire::noise;
    wire::giant_length_signed;
    wire::giant_length_unsigned;
    wire::giant_packet;
    wire::giant_message;
    wire::giant_packet_of_mqtt;
    wire::giant_frame_of_amqp;
    wire::giant_bulk_of_resp;
    wire::giant_array_of_resp;
    wire::giant_greeting_of_nats;
    wire::tls_garbage;
    wire::tls_alerts;
    http::yes_to_all ["prometheus" "minio" "vault"];
    http::no_to_all;
    http::endless_headers;
    http::one_endless_header;
    http::endless_status_line;
    http::endless_body ["prometheus" "minio" "vault"];
    http::giant_chunk ["prometheus" "minio" "vault"];
    http::giant_content_length;
    http::endless_chunk_extension ["prometheus" "minio" "vault"];
    http::endless_trailers ["prometheus" "minio" "vault"];
    http::endless_continue;
    http::redirects_for_ever;
    http::redirects_in_a_circle;
    http::compressed_bomb ["prometheus" "minio" "vault"];
    http::deep_json ["prometheus" "minio" "vault"];
    http::http2_goaway;
    http::http2_reset;
    http::http2_endless_resets;
    http::http2_endless_pings;
    http::http2_endless_settings;
    http::http2_endless_continuation;
    http::http2_endless_data;
    http::http2_giant_frame;
    http::http2_wrong_stream;
}
