//! Which proxy HTTP goes through.

/// A placeholder until HTTP is there.
#[derive(Debug, Clone, Default)]
pub struct ProxyMode;

impl ProxyMode {
    /// Reads `none`.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "none" { Ok(Self) } else { Err(format!("'{text}' is no proxy")) }
    }
}
