//! What one picture of a batch takes of another one's attention (Hertz et al. 2023, section 3; VCT, Cheng et al. 2023, section 3.4).
//!
//! Input: two images of a batch, what is taken and where. Output: [`Taken`] for each attention. Invariants: where nothing is taken the
//! attention is the image's own. Cost: none.

use crate::nn::tiled::{Column, Taken};

/// Attention that image `to` takes from image `from`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Control<'a> {
    pub(super) from: usize,
    pub(super) to: usize,
    /// Attention of maps to themselves is taken where they have so many pixels at most.
    pub(super) pixels: Option<usize>,
    /// Attention to the text, token by token.
    pub(super) columns: Option<&'a [Column]>,
}

impl<'a> Control<'a> {
    /// For the attention of a map of `pixels` to itself.
    pub(super) fn of_pixels(&self, pixels: usize) -> Option<Taken<'a>> {
        let is_taken = self.pixels.is_some_and(|most| pixels <= most);
        is_taken.then_some(Taken { from: self.from, to: self.to, columns: None })
    }

    /// For the attention of a map to the text.
    pub(super) fn of_text(&self) -> Option<Taken<'a>> {
        self.columns.map(|columns| Taken { from: self.from, to: self.to, columns: Some(columns) })
    }
}

/// Columns of a concept's prompt against those of the empty one: begin, end and padding come from where the empty prompt has them, the
/// concept's `vectors` tokens are its own, damped by `damping`.
pub(super) fn columns_of_concept(vectors: usize, context_tokens: usize, damping: f32) -> Vec<Column> {
    let column = |position: usize| match position {
        0 => Column { taken: Some(0), factor: 1.0 },
        own if own <= vectors => Column { taken: None, factor: damping },
        // The end token stands behind the vectors; the empty prompt has it right behind the begin token.
        end if end == vectors + 1 => Column { taken: Some(1), factor: 1.0 },
        padding => Column { taken: Some(padding), factor: 1.0 },
    };
    (0..context_tokens).map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_concepts_tokens_are_its_own_and_the_rest_is_taken_where_it_stands() {
        for vectors in 1..=5 {
            let columns = columns_of_concept(vectors, 16, 0.5);
            assert_eq!(columns.len(), 16);
            assert_eq!(columns[0].taken, Some(0), "begin");
            for own in &columns[1..=vectors] {
                assert_eq!(*own, Column { taken: None, factor: 0.5 }, "the concept, not begin, is damped");
            }
            assert_eq!(columns[vectors + 1].taken, Some(1), "end");
            assert_eq!(columns[vectors + 2].taken, Some(vectors + 2), "padding");
        }
    }
}
