//! Reading a binary message from front to back, never beyond its end.

use super::service::Malformed;

/// What is left of a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    /// The next `count` bytes.
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) =
            self.0.split_at_checked(count).ok_or(Malformed("a message that ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    /// The next bytes, as many as the caller has room for.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_read_beyond_the_end() {
        let mut cursor = Cursor(b"abcde");
        assert_eq!(cursor.array(), Ok(*b"ab"));
        assert_eq!(cursor.take(4), Err(Malformed("a message that ends too early")));
        assert_eq!(cursor.take(3), Ok(&b"cde"[..]));
        assert!(cursor.0.is_empty() && cursor.array::<1>().is_err());
    }
}
