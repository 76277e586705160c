//! The fingerprint of a function's code together with what the code takes from the build.

/// A fingerprint, made by the compiler. It begins with the hash of the tokens. Each call adds what one of them
/// evaluates to, in the order of the code.
pub struct Code(u128);

impl Code {
    /// Begins with the hash of the tokens.
    #[must_use]
    pub const fn of(tokens: u128) -> Self {
        Self(tokens)
    }

    /// Adds the value of a `cfg`.
    #[must_use]
    pub const fn flag(self, holds: bool) -> Self {
        self.word(if holds { 1 } else { 2 })
    }

    /// Adds a variable of the environment.
    #[must_use]
    pub const fn variable(self, value: Option<&str>) -> Self {
        match value {
            Some(text) => self.bytes(text.as_bytes()),
            None => self.word(3),
        }
    }

    /// Adds a file or a text.
    #[must_use]
    pub const fn bytes(self, mut bytes: &[u8]) -> Self {
        let mut code = self.word(bytes.len() as u128);
        // Sixteen at a time, because the compiler interprets this.
        while let Some((word, rest)) = bytes.split_first_chunk() {
            code = code.word(u128::from_le_bytes(*word));
            bytes = rest;
        }
        while let [byte, rest @ ..] = bytes {
            code = code.word(*byte as u128);
            bytes = rest;
        }
        code
    }

    /// Adds a number.
    #[must_use]
    pub const fn number(self, number: u64) -> Self {
        self.word(number as u128)
    }

    /// Returns the fingerprint.
    #[must_use]
    pub const fn fingerprint(self) -> u128 {
        self.0
    }

    /// A step of FNV-1a, 128 bits wide. The rotation brings high bits to where the multiplication spreads them.
    const fn word(self, word: u128) -> Self {
        const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
        Self((self.0 ^ word).wrapping_mul(PRIME).rotate_left(61))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_has_different_fingerprints() {
        let codes = [
            Code::of(7),
            Code::of(8),
            Code::of(7).flag(true),
            Code::of(7).flag(false),
            Code::of(7).flag(true).flag(false),
            Code::of(7).flag(false).flag(true),
            Code::of(7).variable(None),
            Code::of(7).variable(Some("")),
            Code::of(7).variable(Some("a")),
            Code::of(7).bytes(b"0123456789abcdef"),
            Code::of(7).bytes(b"0123456789abcdefg"),
            Code::of(7).bytes(b"0123456789abcdeg"),
            Code::of(7).bytes(&[0]),
            Code::of(7).bytes(&[0; 16]),
        ];
        let codes = codes.map(Code::fingerprint);
        for (at, one) in codes.iter().enumerate() {
            assert!(!codes[..at].contains(one), "{at}");
        }
    }
}
