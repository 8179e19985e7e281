//! Products of matrices.
//!
//! Input: f32 tensors on the CPU, as they lie in memory. Output: a tensor. Invariants: not tracked by candle's autograd. Determinism: the
//! kernels (crate `gemm`, those that candle calls too) split the rows and columns of a result among threads, never a sum; long sums are
//! cut here, before the kernels cut them by the size of a cache. Which instructions multiply is part of a step's class
//! ([`crate::ctx::Ctx::backend_class`]). Cost: 2 * rows * terms * columns operations; candle's own product reads the system's list of
//! processors each time, which a tenth of an encoder's pass and a third of a small denoiser's went into.

use super::{NnError, rows};
use candle_core::{Device, Layout, Storage, Tensor};
use gemm::{Parallelism, gemm};

/// Terms of a sum that are added in one go at most. The kernels of `gemm` cut longer ones where the first-level cache is
/// full, so that two processors would give two results; up to here they leave a sum whole whatever the cache.
const LONGEST_SUM: usize = 512;

/// a b, of two matrices or of two batches of them: long sums in equal parts, first to last.
pub(crate) fn product(a: &Tensor, b: &Tensor) -> Result<Tensor, NnError> {
    let (shape, counts) = match (a.dims(), b.dims()) {
        (&[rows, terms], &[same, columns]) if terms == same => (vec![rows, columns], [1, rows, terms, columns]),
        (&[batch, rows, terms], &[as_many, same, columns]) if (batch, terms) == (as_many, same) => {
            (vec![batch, rows, columns], [batch, rows, terms, columns])
        }
        _ => return Err(NnError::Layout("two matrices do not fit")),
    };
    let [batch, rows, terms, columns] = counts;
    let mut out = vec![0.0; batch * rows * columns];
    let ((a_storage, a_layout), (b_storage, b_layout)) = (a.storage_and_layout(), b.storage_and_layout());
    let (a, b) = (Strided::of(&a_storage, a_layout)?, Strided::of(&b_storage, b_layout)?);
    let part = terms.div_ceil(terms.div_ceil(LONGEST_SUM).max(1)).max(1);
    for (index, out) in out.chunks_mut((rows * columns).max(1)).enumerate() {
        for first in (0..terms).step_by(part) {
            let sum = [rows, part.min(terms - first), columns];
            add_product(out, a.from([index, 0, first]), b.from([index, first, 0]), sum, first > 0)?;
        }
    }
    Ok(Tensor::from_vec(out, shape, &Device::Cpu)?)
}

/// A batch of matrices in a tensor's memory.
#[derive(Clone, Copy)]
struct Strided<'a> {
    values: &'a [f32],
    /// From matrix to matrix, row to row, column to column.
    strides: [usize; 3],
}

impl<'a> Strided<'a> {
    fn of(storage: &'a Storage, layout: &Layout) -> Result<Self, NnError> {
        let Storage::Cpu(storage) = storage else {
            return Err(NnError::Layout("a tensor is not in main memory"));
        };
        let values = storage.as_slice::<f32>()?.get(layout.start_offset()..);
        let strides = match *layout.stride() {
            [row, column] => [0, row, column],
            [matrix, row, column] => [matrix, row, column],
            _ => return Err(NnError::Layout("a tensor is no batch of matrices")),
        };
        Ok(Self { values: values.unwrap_or_default(), strides })
    }

    /// What begins at this matrix, row and column.
    fn from(self, place: [usize; 3]) -> Self {
        let first: usize = place.iter().zip(self.strides).map(|(count, stride)| count * stride).sum();
        Self { values: self.values.get(first..).unwrap_or_default(), ..self }
    }

    /// Whether a matrix of this size lies within the memory.
    fn holds(self, rows: usize, columns: usize) -> bool {
        let [_, row, column] = self.strides;
        rows == 0 || columns == 0 || (rows - 1) * row + (columns - 1) * column < self.values.len()
    }
}

/// out = a b, or out += a b where `adds`, for `rows` x `terms` and `terms` x `columns`; `out` is contiguous.
#[allow(
    unsafe_code,
    reason = "the kernels take pointers; through candle each product would ask the system for its processors"
)]
fn add_product(
    out: &mut [f32],
    a: Strided<'_>,
    b: Strided<'_>,
    [rows, terms, columns]: [usize; 3],
    adds: bool,
) -> Result<(), NnError> {
    if out.len() != rows * columns || !a.holds(rows, terms) || !b.holds(terms, columns) {
        return Err(NnError::Layout("a matrix is larger than its memory"));
    }
    if adds && (rows == 1 || columns == 1) {
        // The kernels for vectors add each term to what is there already, which is another sum.
        let mut part = vec![0.0; out.len()];
        add_product(&mut part, a, b, [rows, terms, columns], false)?;
        rows::add(out, &part);
        return Ok(());
    }
    let threads = rayon::current_num_threads();
    let parallelism = if threads > 1 { Parallelism::Rayon(threads) } else { Parallelism::None };
    let ([_, a_row, a_column], [_, b_row, b_column]) = (a.strides.map(|s| s as isize), b.strides.map(|s| s as isize));
    let kept = if adds { 1.0 } else { 0.0 };
    // SAFETY: by the checks above every index that the sizes and strides reach lies within its slice; `out` is borrowed for writing
    // alone, and f32 is what the kernel is called for.
    unsafe {
        gemm(
            rows,
            columns,
            terms,
            out.as_mut_ptr(),
            1,
            columns as isize,
            adds,
            a.values.as_ptr(),
            a_column,
            a_row,
            b.values.as_ptr(),
            b_column,
            b_row,
            kept,
            1.0_f32,
            false,
            false,
            false,
            parallelism,
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::matrix::{matrix, read};
    use crate::rng::{Stage, Stream};

    /// A product of one part is the kernel's own; a longer one is the sum of its parts, whatever the kernel would do.
    #[test]
    fn a_long_sum_is_cut_in_equal_parts_and_no_shorter_one_is() {
        let mut stream = Stream::new(5, 0, Stage::Test, 0);
        let lengths = [(1, 1), (512, 512), (513, 257), (768, 384), (1100, 367)];
        let sizes = [(70, 33), (1, 33), (70, 1)];
        for ((rows, columns), (terms, part)) in sizes.into_iter().flat_map(|size| lengths.map(|length| (size, length)))
        {
            let mut noise = |count: usize| (0..count).map(|_| stream.normal()).collect::<Vec<_>>();
            let (a, b) = (noise(rows * terms), noise(terms * columns));
            let (a, b) = (matrix(a, rows, terms).unwrap(), matrix(b, terms, columns).unwrap());
            let cut = |first: usize| {
                let count = part.min(terms - first);
                a.narrow(1, first, count).unwrap().matmul(&b.narrow(0, first, count).unwrap()).unwrap()
            };
            let parts = (0..terms).step_by(part).map(cut).reduce(|sum, part| (sum + part).unwrap()).unwrap();
            let values = |tensor: &Tensor| read(tensor, <[f32]>::to_vec).unwrap();
            assert_eq!(values(&product(&a, &b).unwrap()), values(&parts), "{rows} x {terms} x {columns}");
        }
    }

    #[test]
    fn matrices_are_taken_as_they_lie_turned_cut_out_or_in_batches() {
        let mut stream = Stream::new(6, 0, Stage::Test, 0);
        let mut noise = |shape: &[usize]| {
            let values = (0..shape.iter().product()).map(|_| stream.normal()).collect::<Vec<f32>>();
            Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
        };
        let (wide, tall) = (noise(&[3, 40, 600]), noise(&[3, 50, 40]));
        let cases = [
            (wide.clone(), wide.transpose(1, 2).unwrap()),
            (tall.clone(), wide.narrow(2, 7, 90).unwrap()),
            (tall.get(1).unwrap().t().unwrap(), tall.get(2).unwrap()),
            (tall.narrow(0, 1, 2).unwrap(), wide.narrow(0, 0, 2).unwrap()),
        ];
        for (a, b) in cases {
            let (found, known) = (product(&a, &b).unwrap(), a.contiguous().unwrap().matmul(&b).unwrap());
            assert_eq!(found.dims(), known.dims());
            let off = (found - known).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap();
            assert!(off.to_scalar::<f32>().unwrap() < 1e-3, "{:?} {:?}", a.dims(), b.dims());
        }
        assert!(product(&wide, &tall).is_err() && product(&wide, &tall.get(0).unwrap()).is_err());
    }
}
