//! Loops over rows of a matrix: how many a task takes, and sums in a fixed order.
//!
//! Input: row-major slices. Output: slices, sums. Invariants: rows are independent of each other. Determinism: a row is summed in
//! sixteen lanes that are added first to last, whatever the thread count. Cost: one read of each operand; written so that the
//! compiler turns it into SIMD.

use rayon::prelude::*;

/// Values a parallel task works on at least; far above the cost of handing out a task.
const TASK_VALUES: usize = 1 << 14;
const LANES: usize = 16;

/// Rows of `width` values that a task takes.
pub(super) fn rows_per_task(width: usize) -> usize {
    (TASK_VALUES / width.max(1)).max(1)
}

/// The sum of `term` over two slices of one length.
#[inline(always)]
pub(super) fn sum_by(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    for (x, y) in a_blocks.iter().zip(b_blocks) {
        for ((lane, &x), &y) in lanes.iter_mut().zip(x).zip(y) {
            *lane += term(x, y);
        }
    }
    for ((lane, &x), &y) in lanes.iter_mut().zip(a_rest).zip(b_rest) {
        *lane += term(x, y);
    }
    lanes.iter().sum()
}

/// sum += part.
pub(crate) fn add(sum: &mut [f32], part: &[f32]) {
    sum.par_chunks_mut(TASK_VALUES).zip(part.par_chunks(TASK_VALUES)).for_each(|(sum, part)| {
        sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
    });
}

/// Adds `bias` to every row of `x`.
pub(super) fn add_bias(x: &mut [f32], bias: &[f32]) {
    let width = bias.len().max(1);
    x.par_chunks_mut(rows_per_task(width) * width).for_each(|rows| {
        for row in rows.chunks_mut(width) {
            for (x, &bias) in row.iter_mut().zip(bias) {
                *x += bias;
            }
        }
    });
}
