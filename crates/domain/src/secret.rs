//! A value that must not be shown: wiped when dropped, and its `Debug` says only that it is there.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// A secret text. There is no `Display`, no `Serialize` and no `Clone` by accident: who needs the text
/// says so with [`Secret::expose`], which can be searched for.
///
// threat: AGP-I1
// threat: AGP-R-001
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Secret(String);

impl Secret {
    /// Takes the text in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Never pass it to a log, an error or a metric.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A second copy, on purpose.
    pub fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn agp_i1_debug_does_not_show_the_text() {
        assert_eq!(format!("{:?}", Some(Secret::new("sk-canary"))), "Some([secret])");
    }
}
