//! What a call uses that is not counted in tokens: time of sound or film, pictures, characters. Never says what any of
//! it costs.

use serde::{Deserialize, Serialize};

/// One value for each of what calls use beside tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    default,
    bound(
        serialize = "T: Serialize + Default + PartialEq",
        deserialize = "T: Deserialize<'de> + Default"
    )
)]
pub struct PerUnit<T> {
    /// Milliseconds of sound or film that are taken in.
    #[serde(skip_serializing_if = "is_default")]
    pub input_ms: T,
    /// Milliseconds of sound or film that are made.
    #[serde(skip_serializing_if = "is_default")]
    pub output_ms: T,
    /// Pictures that are taken in.
    #[serde(skip_serializing_if = "is_default")]
    pub input_images: T,
    /// Pictures that are made.
    #[serde(skip_serializing_if = "is_default")]
    pub output_images: T,
    /// Characters that are taken in: of speech, those to be spoken.
    #[serde(skip_serializing_if = "is_default")]
    pub input_characters: T,
    /// Characters that are made.
    #[serde(skip_serializing_if = "is_default")]
    pub output_characters: T,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// How much was used of each; nothing where nobody counted it, which is not the same as zero.
pub type Units = PerUnit<Option<u64>>;

impl Units {
    /// Nobody counted any.
    pub const UNKNOWN: Self = Self {
        input_ms: None,
        output_ms: None,
        input_images: None,
        output_images: None,
        input_characters: None,
        output_characters: None,
    };

    /// Whether nobody counted any.
    pub fn is_unknown(&self) -> bool {
        *self == Self::UNKNOWN
    }
}

impl<T: Copy> PerUnit<T> {
    /// Their values, in the order of the fields.
    pub const fn all(&self) -> [T; 6] {
        [
            self.input_ms,
            self.output_ms,
            self.input_images,
            self.output_images,
            self.input_characters,
            self.output_characters,
        ]
    }

    /// With others in their places.
    pub fn zip<U: Copy, V>(&self, other: &PerUnit<U>, with: impl Fn(T, U) -> V) -> PerUnit<V> {
        PerUnit {
            input_ms: with(self.input_ms, other.input_ms),
            output_ms: with(self.output_ms, other.output_ms),
            input_images: with(self.input_images, other.input_images),
            output_images: with(self.output_images, other.output_images),
            input_characters: with(self.input_characters, other.input_characters),
            output_characters: with(self.output_characters, other.output_characters),
        }
    }
}
