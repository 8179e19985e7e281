//! Attention whose weights are never kept: a tile of queries at a time, worked out once more on the way back (Dao et al. 2022,
//! section 3.1, without the running maximum: a tile holds whole rows). What a sequence looks at can be taken from another one.
//!
//! Input: queries `[sequences * queries, width]`, keys and values `[sequences * keys, 2 * width]`. Output: mixed values, or gradients.
//! Invariants: a sequence sees its own keys alone; taken weights have no gradient. Determinism: tiles do not depend on the thread
//! count; sums run over tiles first to last. Cost: 4 * keys * width operations a query, 10 for the gradient; a tile takes 4 MB.

use super::NnError;
use super::matrix::{edit, matrix, read};
use super::product::product;
use super::rows;
use super::softmax::{softmax, softmax_backward};
use candle_core::Tensor;
use rayon::prelude::*;

/// Weights of a tile.
const TILE_VALUES: usize = 1 << 20;

/// Sizes of an attention.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tiled {
    pub(crate) heads: usize,
    /// Values a head.
    pub(crate) head: usize,
    pub(crate) sequences: usize,
    /// Rows of queries of a sequence.
    pub(crate) queries: usize,
    /// Rows of keys of a sequence.
    pub(crate) keys: usize,
}

/// Where a column of weights comes from, and what it is multiplied by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Column {
    /// The other sequence's column; the own one where `None`.
    pub(crate) taken: Option<usize>,
    pub(crate) factor: f32,
}

/// A sequence that looks where another one looks.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Taken<'a> {
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// Key by key; all weights as they are where `None`.
    pub(crate) columns: Option<&'a [Column]>,
}

/// Columns of one head of one sequence.
fn part(x: &Tensor, rows: (usize, usize), columns: (usize, usize)) -> Result<Tensor, NnError> {
    Ok(x.narrow(0, rows.0, rows.1)?.narrow(1, columns.0, columns.1)?)
}

impl Tiled {
    fn scale(&self) -> f32 {
        1.0 / (self.head as f32).sqrt()
    }

    fn width(&self) -> usize {
        self.heads * self.head
    }

    fn tile_rows(&self) -> usize {
        (TILE_VALUES / self.keys.max(1)).clamp(1, self.queries.max(1))
    }

    /// First query and number of queries of every tile.
    fn tiles(&self) -> impl Iterator<Item = (usize, usize)> {
        let (rows, queries) = (self.tile_rows(), self.queries);
        (0..queries).step_by(rows).map(move |first| (first, rows.min(queries - first)))
    }

    /// Sequence and head of a job.
    fn jobs(&self) -> impl IndexedParallelIterator<Item = (usize, usize)> {
        let heads = self.heads.max(1);
        (0..self.sequences * heads).into_par_iter().map(move |job| (job / heads, job % heads))
    }

    fn query(&self, query: &Tensor, (sequence, head): (usize, usize), tile: (usize, usize)) -> Result<Tensor, NnError> {
        part(query, (sequence * self.queries + tile.0, tile.1), (head * self.head, self.head))
    }

    fn key(&self, key_value: &Tensor, (sequence, head): (usize, usize)) -> Result<Tensor, NnError> {
        part(key_value, (sequence * self.keys, self.keys), (head * self.head, self.head))
    }

    fn value(&self, key_value: &Tensor, (sequence, head): (usize, usize)) -> Result<Tensor, NnError> {
        part(key_value, (sequence * self.keys, self.keys), (self.width() + head * self.head, self.head))
    }

    /// softmax(q k^T / sqrt(head)) of a tile: `[rows, keys]`.
    fn weights(
        &self,
        query: &Tensor,
        key_value: &Tensor,
        job: (usize, usize),
        tile: (usize, usize),
    ) -> Result<Tensor, NnError> {
        let weights = product(&self.query(query, job, tile)?, &self.key(key_value, job)?.t()?)?;
        edit(&weights, |s| softmax(s, self.keys, self.scale(), |_| self.keys))?;
        Ok(weights)
    }

    /// The weights of a tile where its sequence takes them from another.
    fn taken_weights(
        &self,
        own: Tensor,
        taken: &Taken<'_>,
        other: impl FnOnce() -> Result<Tensor, NnError>,
    ) -> Result<Tensor, NnError> {
        let Some(columns) = taken.columns else { return other() };
        read(&other()?, |other| {
            edit(&own, |own| {
                for (own, other) in own.chunks_mut(self.keys.max(1)).zip(other.chunks(self.keys.max(1))) {
                    for (own, column) in own.iter_mut().zip(columns) {
                        let weight = column.taken.and_then(|column| other.get(column).copied()).unwrap_or(*own);
                        *own = column.factor * weight;
                    }
                }
            })
        })??;
        Ok(own)
    }

    /// Mixed values `[sequences * queries, width]`.
    pub(crate) fn forward(
        &self,
        query: &Tensor,
        key_value: &Tensor,
        taken: Option<&Taken<'_>>,
    ) -> Result<Tensor, NnError> {
        let one = |job: (usize, usize)| -> Result<Vec<f32>, NnError> {
            let value = self.value(key_value, job)?;
            let mut mixed = Vec::with_capacity(self.queries * self.head);
            for tile in self.tiles() {
                let own = || self.weights(query, key_value, job, tile);
                let weights = match taken.filter(|taken| taken.to == job.0) {
                    None => own()?,
                    Some(taken) => {
                        self.taken_weights(own()?, taken, || self.weights(query, key_value, (taken.from, job.1), tile))?
                    }
                };
                read(&product(&weights, &value)?, |part| mixed.extend_from_slice(part))?;
            }
            Ok(mixed)
        };
        let heads = self.jobs().map(one).collect::<Result<Vec<_>, _>>()?;
        self.joined(&heads, self.queries, self.heads)
    }

    /// Puts `parts` pieces `[rows, head]` a sequence side by side.
    fn joined(&self, pieces: &[Vec<f32>], rows: usize, parts: usize) -> Result<Tensor, NnError> {
        let (head, width) = (self.head.max(1), parts * self.head);
        let mut out = vec![0.0; self.sequences * rows * width];
        for (sequence, pieces) in out.chunks_mut((rows * width).max(1)).zip(pieces.chunks(parts.max(1))) {
            sequence.par_chunks_mut(width.max(1)).enumerate().for_each(|(row, out)| {
                for (out, piece) in out.chunks_mut(head).zip(pieces) {
                    let row = piece.get(row * head..(row + 1) * head).unwrap_or_default();
                    out.iter_mut().zip(row).for_each(|(out, &value)| *out = value);
                }
            });
        }
        matrix(out, self.sequences * rows, width)
    }

    /// Gradients with respect to queries and to keys and values, of a pass without taken weights.
    pub(crate) fn backward(&self, query: &Tensor, key_value: &Tensor, g: &Tensor) -> Result<(Tensor, Tensor), NnError> {
        let one = |job: (usize, usize)| -> Result<[Vec<f32>; 3], NnError> {
            let (key, value) = (self.key(key_value, job)?, self.value(key_value, job)?);
            let mut g_query = Vec::with_capacity(self.queries * self.head);
            let [mut g_key, mut g_value] = [(); 2].map(|()| vec![0.0; self.keys * self.head]);
            for tile in self.tiles() {
                let weights = self.weights(query, key_value, job, tile)?;
                let (q, g) = (self.query(query, job, tile)?, self.query(g, job, tile)?);
                let g_weights = product(&g, &value.t()?)?;
                read(&weights, |p| edit(&g_weights, |g| softmax_backward(p, self.keys, self.scale(), g)))??;
                read(&product(&g_weights, &key)?, |part| g_query.extend_from_slice(part))?;
                read(&product(&g_weights.t()?, &q)?, |part| rows::add(&mut g_key, part))?;
                read(&product(&weights.t()?, &g)?, |part| rows::add(&mut g_value, part))?;
            }
            Ok([g_query, g_key, g_value])
        };
        let pieces = self.jobs().map(one).collect::<Result<Vec<_>, _>>()?;
        let (mut g_query, mut g_key_value) = (Vec::new(), Vec::new());
        for sequence in pieces.chunks(self.heads.max(1)) {
            g_query.extend(sequence.iter().map(|[g_query, ..]| g_query.clone()));
            g_key_value.extend(sequence.iter().map(|[_, g_key, _]| g_key.clone()));
            g_key_value.extend(sequence.iter().map(|[.., g_value]| g_value.clone()));
        }
        Ok((self.joined(&g_query, self.queries, self.heads)?, self.joined(&g_key_value, self.keys, 2 * self.heads)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::differences::{check, noise};

    fn values(tensor: &Tensor) -> Vec<f32> {
        read(tensor, <[f32]>::to_vec).unwrap()
    }

    #[test]
    fn tiled_attention_has_the_gradient_of_finite_differences() {
        let attention = Tiled { heads: 2, head: 3, sequences: 2, queries: 4, keys: 5 };
        let (query, key_value, w) = (noise(8 * 6, 1), noise(10 * 12, 2), noise(8 * 6, 3));
        let queries = |q: &[f32]| matrix(q.to_vec(), 8, 6).unwrap();
        let keys = |k: &[f32]| matrix(k.to_vec(), 10, 12).unwrap();
        let (g_query, g_key_value) = attention.backward(&queries(&query), &keys(&key_value), &queries(&w)).unwrap();
        let forward = |q: &[f32], k: &[f32]| values(&attention.forward(&queries(q), &keys(k), None).unwrap());
        check("queries", &query, &w, &values(&g_query), |query| forward(query, &key_value));
        check("keys and values", &key_value, &w, &values(&g_key_value), |key_value| forward(&query, key_value));
    }

    /// More weights than a tile holds: the rows of a large attention are those of small ones.
    #[test]
    fn tiles_do_not_show() {
        let whole = Tiled { heads: 1, head: 4, sequences: 1, queries: 1500, keys: 1024 };
        assert!(whole.tile_rows() < whole.queries, "several tiles");
        let (query, key_value) = (noise(1500 * 4, 1), noise(1024 * 8, 2));
        let key_value = matrix(key_value, 1024, 8).unwrap();
        let all = values(&whole.forward(&matrix(query.clone(), 1500, 4).unwrap(), &key_value, None).unwrap());
        let few = Tiled { queries: 10, ..whole };
        let last = matrix(query[1490 * 4..].to_vec(), 10, 4).unwrap();
        let last = values(&few.forward(&last, &key_value, None).unwrap());
        let far = all[1490 * 4..].iter().zip(&last).fold(0.0_f32, |far, (a, b)| far.max((a - b).abs()));
        assert!(far < 1e-6, "{far}");
    }

    #[test]
    fn a_sequence_looks_where_another_one_looks() {
        let attention = Tiled { heads: 2, head: 3, sequences: 3, queries: 4, keys: 5 };
        let (query, key_value) = (matrix(noise(12 * 6, 1), 12, 6).unwrap(), matrix(noise(15 * 12, 2), 15, 12).unwrap());
        let free = values(&attention.forward(&query, &key_value, None).unwrap());
        let with = |columns| {
            let taken = Taken { from: 0, to: 2, columns };
            values(&attention.forward(&query, &key_value, Some(&taken)).unwrap())
        };
        let all = with(None);
        assert_eq!(all[..48], free[..48], "the others stay");
        // The weights of sequence 0 on the values of sequence 2.
        let keys_of_0 = part(&key_value, (0, 5), (0, 6)).unwrap();
        let values_of_2 = part(&key_value, (10, 5), (6, 6)).unwrap();
        let crossed = Tensor::cat(&[&keys_of_0, &values_of_2], 1).unwrap().contiguous().unwrap();
        let one = Tiled { sequences: 1, ..attention };
        let expected = values(&one.forward(&query.narrow(0, 0, 4).unwrap(), &crossed, None).unwrap());
        assert_eq!(all[48..], expected);
        let own = [Column { taken: None, factor: 1.0 }; 5];
        assert_eq!(with(Some(&own)), free, "own columns with a factor of one change nothing");
        let each: Vec<_> = (0..5).map(|at| Column { taken: Some(at), factor: 1.0 }).collect();
        assert_eq!(with(Some(&each)), all, "all columns one by one are the whole");
        let nothing = [Column { taken: None, factor: 0.0 }; 5];
        assert_eq!(with(Some(&nothing))[48..], [0.0; 24], "a factor of zero looks nowhere");
    }
}
