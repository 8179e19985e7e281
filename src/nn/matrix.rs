//! Dense matrices as candle tensors, read and written through plain slices.
//!
//! Input: contiguous f32 tensors on the CPU. Output: tensors. Invariants: no tensor here is tracked by candle's
//! autograd; gradients are written out by hand, so none can get lost. Determinism: candle's matrix product splits
//! the rows and columns of its result among threads, never a sum; long sums are cut here ([`product`]), before it cuts
//! them by the size of a cache. Which instructions multiply is part of a
//! step's class ([`crate::ctx::Ctx::backend_class`]). Cost: no copies but those stated.

use candle_core::{CpuStorage, D, Device, InplaceOp1, Layout, Storage, Tensor};

use super::{NnError, rows};

/// Terms of a sum that are added in one go at most. The kernels of `gemm` cut longer ones where the first-level cache is
/// full, so that two processors would give two results; up to here they leave a sum whole whatever the cache.
const LONGEST_SUM: usize = 512;

/// a b, of two matrices or of two batches of them: long sums in equal parts, first to last.
pub(crate) fn product(a: &Tensor, b: &Tensor) -> Result<Tensor, NnError> {
    let terms = a.dim(D::Minus1)?;
    let part = terms.div_ceil(terms.div_ceil(LONGEST_SUM).max(1)).max(1);
    let of = |first: usize| -> Result<Tensor, NnError> {
        let count = part.min(terms - first);
        Ok(a.narrow(D::Minus1, first, count)?.matmul(&b.narrow(D::Minus2, first, count)?)?)
    };
    if terms <= part {
        return Ok(a.matmul(b)?);
    }
    let sum = of(0)?;
    for first in (part..terms).step_by(part) {
        add_to(&sum, &of(first)?)?;
    }
    Ok(sum)
}

/// sum += part, of contiguous tensors of one shape; nobody else may hold `sum`.
pub(crate) fn add_to(sum: &Tensor, part: &Tensor) -> Result<(), NnError> {
    read(part, |part| edit(sum, |sum| rows::add(sum, part)))?
}

/// A matrix that takes over `data`.
pub(crate) fn matrix(data: Vec<f32>, rows: usize, columns: usize) -> Result<Tensor, NnError> {
    Ok(Tensor::from_vec(data, (rows, columns), &Device::Cpu)?)
}

/// Shows a contiguous tensor's values to `f`.
pub(crate) fn read<R>(tensor: &Tensor, f: impl FnOnce(&[f32]) -> R) -> Result<R, NnError> {
    let (storage, layout) = tensor.storage_and_layout();
    let Storage::Cpu(storage) = &*storage else {
        return Err(NnError::Layout("a tensor is not in main memory"));
    };
    let all = storage.as_slice::<f32>()?;
    let part = layout.contiguous_offsets().and_then(|(start, end)| all.get(start..end));
    part.map(f).ok_or(NnError::Layout("a tensor is not contiguous"))
}

struct Edit<F>(F);

impl<F: Fn(&mut [f32])> InplaceOp1 for Edit<F> {
    fn name(&self) -> &'static str {
        "edit"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let CpuStorage::F32(all) = storage else { candle_core::bail!("edit: the tensor is not f32") };
        match layout.contiguous_offsets().and_then(|(start, end)| all.get_mut(start..end)) {
            Some(part) => (self.0)(part),
            None => candle_core::bail!("edit: the tensor is not contiguous"),
        }
        Ok(())
    }
}

/// Lets `f` change a contiguous tensor that nobody else holds.
pub(crate) fn edit(tensor: &Tensor, f: impl Fn(&mut [f32])) -> Result<(), NnError> {
    Ok(tensor.inplace_op1(&Edit(f))?)
}

/// Rows `picks[i]` of each group of `group` rows.
pub(crate) fn pick_rows(x: &Tensor, group: usize, picks: &[usize]) -> Result<Tensor, NnError> {
    let width = x.dim(1)?;
    let rows = read(x, |x| {
        let groups = x.chunks((group * width).max(1)).zip(picks);
        let row = |(rows, &pick): (&[f32], &usize)| rows.get(pick * width..(pick + 1) * width).map(<[f32]>::to_vec);
        groups.map(row).collect::<Option<Vec<_>>>().map(|rows| rows.concat())
    })?;
    matrix(rows.ok_or(NnError::Layout("a picked row is out of range"))?, picks.len(), width)
}

/// Adds row i of `part` to row `picks[i]` of the i-th group of `group` rows of `x`.
pub(crate) fn add_to_picked(x: &mut [f32], part: &[f32], width: usize, group: usize, picks: &[usize]) {
    let groups = x.chunks_mut((group * width).max(1)).zip(part.chunks(width.max(1))).zip(picks);
    for ((rows, part), &pick) in groups {
        for (x, part) in rows.iter_mut().skip(pick * width).zip(part) {
            *x += part;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Stage, Stream};

    /// A product of one part is the kernel's own; a longer one is the sum of its parts, whatever the kernel would do.
    #[test]
    fn a_long_sum_is_cut_in_equal_parts_and_no_shorter_one_is() {
        let mut stream = Stream::new(5, 0, Stage::Test, 0);
        let (rows, columns) = (70, 33);
        for (terms, part) in [(1, 1), (512, 512), (513, 257), (768, 384), (1100, 367)] {
            let mut noise = |count: usize| (0..count).map(|_| stream.normal()).collect::<Vec<_>>();
            let (a, b) = (noise(rows * terms), noise(terms * columns));
            let (a, b) = (matrix(a, rows, terms).unwrap(), matrix(b, terms, columns).unwrap());
            let cut = |first: usize| {
                let count = part.min(terms - first);
                a.narrow(1, first, count).unwrap().matmul(&b.narrow(0, first, count).unwrap()).unwrap()
            };
            let parts = (0..terms).step_by(part).map(cut).reduce(|sum, part| (sum + part).unwrap()).unwrap();
            let values = |tensor: &Tensor| read(tensor, <[f32]>::to_vec).unwrap();
            assert_eq!(values(&product(&a, &b).unwrap()), values(&parts), "{terms} terms");
        }
    }
}
