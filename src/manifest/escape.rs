//! Dollars in containers: Kubernetes expands `$(NAME)` in some places, and makes `$$` one `$` there
//! (<https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#entrypoint>).

/// `text` as it must be written where Kubernetes expands (`command`, `args`, `env`, probes), so that the program gets
/// `text`. What needs no escape, such as `${NAME}`, is left as it is.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        escaped.push(c);
        if c == '$' && matches!(rest.peek(), Some('$' | '(')) {
            escaped.push('$');
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Kubernetes does it, in a container where no variable is set: an unknown reference stays as it is
    /// (<https://github.com/kubernetes/kubernetes/blob/v1.33.0/third_party/forked/golang/expansion/expand.go>).
    fn expand(input: &str) -> String {
        let mut output = String::new();
        let mut rest = input;
        while let Some(at) = rest.find('$') {
            output.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('$') {
                output.push('$');
                rest = after;
            } else if let Some((name, after)) =
                rest.strip_prefix('(').and_then(|inside| inside.split_once(')'))
            {
                output.extend(["<value of ", name, ">"]);
                rest = after;
            } else {
                output.push('$');
            }
        }
        output + rest
    }

    #[test]
    fn only_what_would_be_expanded_is_escaped() {
        for (text, written) in [
            ("http://${HOST}/", "http://${HOST}/"),
            ("$(HOST)", "$$(HOST)"),
            ("$$", "$$$"),
            ("$$(X)", "$$$$(X)"),
            ("$${X}", "$$${X}"),
            ("#json=$.state==ready", "#json=$.state==ready"),
            ("#expect=^ok$", "#expect=^ok$"),
        ] {
            assert_eq!(escape(text), written);
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_escaped_arrives_as_it_was(text in "[$(){}a]{0,12}") {
            proptest::prop_assert_eq!(expand(&escape(&text)), text);
        }
    }
}
