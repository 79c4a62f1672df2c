//! Values of settings as text, the way their parsers read them.

use std::time::Duration;

use crate::plan::Backoff;
use crate::plan::duration::{Limit, exact};
use crate::plan::layer::{Color, LogFormat};
use crate::plan::mesh::Mesh;

/// A value that can be written down.
pub(super) trait Written {
    /// The value, as its setting reads it.
    fn written(&self) -> String;
}

impl Written for Limit {
    fn written(&self) -> String {
        match self {
            Self::Never => "0".into(),
            Self::After(duration) => exact(*duration),
        }
    }
}

impl Written for Duration {
    fn written(&self) -> String {
        exact(*self)
    }
}

impl Written for String {
    fn written(&self) -> String {
        self.clone()
    }
}

macro_rules! as_displayed {
    ($($type:ty),*) => {
        $(impl Written for $type {
            fn written(&self) -> String {
                self.to_string()
            }
        })*
    };
}

as_displayed!(bool, u32, f32);

impl Written for Mesh {
    fn written(&self) -> String {
        self.name().into()
    }
}

impl Written for Backoff {
    fn written(&self) -> String {
        match self {
            Self::Adaptive => "adaptive",
            Self::Exponential => "exponential",
            Self::Constant => "constant",
        }
        .into()
    }
}

impl Written for LogFormat {
    fn written(&self) -> String {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
        .into()
    }
}

impl Written for Color {
    fn written(&self) -> String {
        match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        }
        .into()
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::settings::settings;
    use crate::plan::layer::Layer;

    #[test]
    fn what_is_set_is_written_and_read_back_the_same() {
        let values = [
            ("DUR", &["0", "1h30m", "1us"][..]),
            ("N", &["1", "7", "100"]),
            ("", &["true", "false"]),
            ("RULE", &["adaptive", "exponential", "constant"]),
            ("FORMAT", &["text", "json"]),
            ("WHEN", &["auto", "always", "never"]),
            ("NAME", &["auto", "off", "istio", "linkerd"]),
            ("MODE", &["env", "http://u:p@h:1"]),
            ("PATH", &["", "/a b"]),
            ("FILE", &["a.svg"]),
        ];
        for setting in settings() {
            let (_, texts) = values.iter().find(|(value, _)| *value == setting.value).expect("a known form");
            for text in *texts {
                let (mut first, mut second) = (Layer::default(), Layer::default());
                (setting.set)(&mut first, text).unwrap();
                let written = (setting.get)(&first);
                assert!(!written.is_empty(), "--{} {text}", setting.flag);
                for text in &written {
                    (setting.set)(&mut second, text).unwrap();
                }
                assert_eq!(first, second, "--{} {text}: {written:?}", setting.flag);
            }
            assert!((setting.get)(&Layer::default()).is_empty());
        }
    }
}
