//! Few descriptors and many targets that keep theirs: hosts that never answer.

use crate::net::Net;
use crate::program::prereq_behind;

/// So many in 10.99.0.0/24, where nobody ever answers.
fn silent(count: usize) -> Vec<String> {
    (2..count + 2).map(|last| format!("tcp://10.99.0.{last}:80")).collect()
}

#[test]
#[ignore = "needs real servers: make real"]
fn hosts_that_never_answer_leave_descriptors_for_all() {
    let net = Net::new();
    net.add_blackhole();
    // Each is tried three times in that time; 48 of them would have 144 sockets.
    for (limit, count) in [(128, 48), (128, 200), (40, 3), (16, 1)] {
        let targets = silent(count);
        let words: Vec<&str> = targets.iter().map(String::as_str).collect();
        let outcome = prereq_behind(&net, &format!(r#"ulimit -n {limit}; exec "$0" "$@""#), &words);
        outcome.is_unmet("10.99.0.2:80", "tcp.timeout");
        assert!(!outcome.output.contains("local.resources"), "{limit}:\n{}", outcome.output);
    }
}
