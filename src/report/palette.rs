//! Colour: a few accents, never the only bearer of a meaning.

use std::fmt::Display;

/// What an accent says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// It holds.
    Good,
    /// It does not hold yet.
    Wait,
    /// It failed.
    Bad,
    /// What to look at.
    Hint,
    /// Beside the point, such as times.
    Dim,
}

impl Tone {
    /// The parameter of «select graphic rendition» (ECMA-48, 8.3.117).
    fn code(self) -> u8 {
        match self {
            Self::Good => 32,
            Self::Wait => 33,
            Self::Bad => 31,
            Self::Hint => 36,
            Self::Dim => 2,
        }
    }
}

/// With colour, or without, which is the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Palette {
    coloured: bool,
}

impl Palette {
    /// Without colour.
    pub const PLAIN: Self = Self { coloured: false };

    /// With colour if `coloured`.
    #[must_use]
    pub fn new(coloured: bool) -> Self {
        Self { coloured }
    }

    /// `text` with an accent. Its width is to be settled before: the accent takes none on the screen, but
    /// counts where text is padded.
    pub(super) fn paint(self, tone: Tone, text: impl Display) -> String {
        if self.coloured { format!("\x1b[{}m{text}\x1b[0m", tone.code()) } else { text.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_the_same_with_and_without_colour() {
        assert_eq!(Palette::new(true).paint(Tone::Good, "ready"), "\x1b[32mready\x1b[0m");
        assert_eq!(Palette::PLAIN.paint(Tone::Good, "ready"), "ready");
    }
}
