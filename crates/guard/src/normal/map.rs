//! From places in a made text back to the text it was made from. Never holds text.

use std::ops::Range;

/// How two texts lie to each other, in bytes.
#[derive(Debug)]
pub(crate) enum Map {
    /// Byte for byte.
    Same,
    /// Every part stands for the whole stretch.
    Whole(Range<usize>),
    /// From each place of the made text on (first), the other text goes on from there (second).
    /// Both ascend.
    Pieces(Vec<(u32, u32)>),
}

impl Map {
    /// The stretch of the text that the made text was made from.
    pub(crate) fn back(&self, span: Range<usize>) -> Range<usize> {
        match self {
            Self::Same => span,
            Self::Whole(from) => from.clone(),
            Self::Pieces(pieces) => {
                let start = place(pieces, span.start);
                start..place(pieces, span.end).max(start)
            }
        }
    }
}

fn place(pieces: &[(u32, u32)], at: usize) -> usize {
    let next = pieces.partition_point(|(made, _)| *made as usize <= at);
    match next.checked_sub(1).and_then(|index| pieces.get(index)) {
        None => at,
        Some((made, from)) => {
            let end = pieces.get(next).map_or(usize::MAX, |(_, from)| *from as usize);
            (*from as usize + (at - *made as usize)).min(end)
        }
    }
}

/// Notes where a text goes on that is made piece by piece.
#[derive(Default)]
pub(crate) struct Pieces(Vec<(u32, u32)>);

impl Pieces {
    /// The made text, so long by now, goes on from this place.
    pub(crate) fn note(&mut self, made: usize, from: usize) {
        if let (Ok(made), Ok(from)) = (u32::try_from(made), u32::try_from(from)) {
            match self.0.last_mut() {
                Some(last) if last.0 == made => last.1 = from,
                _ => self.0.push((made, from)),
            }
        }
    }

    pub(crate) fn map(self) -> Map {
        Map::Pieces(self.0)
    }
}
