//! Dense matrices as candle tensors, read and written through plain slices.
//!
//! Input: contiguous f32 tensors on the CPU. Output: tensors. Invariants: no tensor here is tracked by candle's
//! autograd; gradients are written out by hand, so none can get lost. Determinism: element-wise. Cost: no copies but those stated.

use candle_core::{CpuStorage, Device, InplaceOp1, Layout, Storage, Tensor};

use super::{NnError, rows};

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
