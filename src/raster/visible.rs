//! How much of each path is seen, and what lies under the seen part of it in another picture.
//!
//! Input: a recorded scene and up to four planes. Output: per path, the planes weighted by T a, with a = opacity x
//! cover and T the transmittance of all that lies in front. Invariants: with one plane of ones, the sums of all
//! paths and of the background add up to the number of pixels. Determinism: bands in order, front to back within.
//! Cost: the way back without geometry, one plane at a time in SIMD lanes.
//!
//! The colour of a path enters a pixel with the factor T a, so this is the derivative by the fills for a pixel
//! derivative that is the given planes.

use super::composite::{Block, PaintSums, blend, blend_solid};
use super::coverage::{LANES, blocks_of};
use super::draw::{BandRecord, Bounds, Span, load_planes, paint};
use super::flatten::BAND_ROWS;
use super::plan::{NO_LAYER, Plan};
use super::real::Real;

/// Buffers of one task.
#[derive(Debug)]
pub(super) struct VisibleScratch<T, const N: usize> {
    grad: Vec<Block<T, N>>,
    layer_grad: Vec<Block<T, N>>,
    /// Transmittance of a layer.
    layer: Vec<Block<T, 1>>,
}

impl<T, const N: usize> Default for VisibleScratch<T, N> {
    fn default() -> Self {
        Self { grad: Vec::new(), layer_grad: Vec::new(), layer: Vec::new() }
    }
}

/// Appends (path, sums) of every path in the band, front to back.
pub(super) fn sum_band<T: Real, const N: usize>(
    plan: &Plan<T>,
    record: &BandRecord<T>,
    planes: [&[T]; N],
    scratch: &mut VisibleScratch<T, N>,
    out: &mut Vec<(u32, [T; N])>,
) {
    let stride = blocks_of(plan.grid.width_px);
    let VisibleScratch { grad, layer_grad, layer } = scratch;
    load_planes(grad, plan.grid.width_px, planes);
    let mut open = NO_LAYER;
    for (index, run) in record.runs.iter().enumerate().rev() {
        let style = &plan.styles[run.path as usize];
        if style.layer != open {
            open = style.layer;
            if open != NO_LAYER {
                layer_grad.resize(stride * BAND_ROWS, [[T::ZERO; LANES]; N]);
                enter_layer(plan, record, index, stride, grad, layer_grad, layer);
            }
        }
        let grad = if open == NO_LAYER { &mut *grad } else { &mut *layer_grad };
        let mut sums = PaintSums::<T, N>::new();
        let mut areas = run.areas.start as usize;
        for span in spans(record, index) {
            let grad = &mut grad[span.range(stride)];
            if span.solid {
                grad.iter_mut().for_each(|grad| sums.undo_fill(grad, &[T::ONE; LANES], style.opacity));
            } else {
                let end = areas + grad.len();
                let blocks = grad.iter_mut().zip(&record.areas[areas..end]);
                blocks.for_each(|(grad, areas)| sums.undo_fill(grad, areas, style.opacity));
                areas = end;
            }
        }
        out.push((run.path, sums.fill()));
    }
}

fn spans<T>(record: &BandRecord<T>, run: usize) -> &[Span] {
    let range = &record.runs[run].spans;
    &record.spans[range.start as usize..range.end as usize]
}

/// Splits the weight between the layer whose front path is run `last`, and what lies behind the layer.
fn enter_layer<T: Real, const N: usize>(
    plan: &Plan<T>,
    record: &BandRecord<T>,
    last: usize,
    stride: usize,
    grad: &mut [Block<T, N>],
    layer_grad: &mut [Block<T, N>],
    layer: &mut Vec<Block<T, 1>>,
) {
    let group = plan.styles[record.runs[last].path as usize].layer;
    let first = record.runs[..last].iter().rposition(|run| plan.styles[run.path as usize].layer != group);
    layer.clear();
    layer.resize(stride * BAND_ROWS, [[T::ONE; LANES]]);
    let mut bounds = Bounds::EMPTY;
    for (index, run) in record.runs.iter().enumerate().take(last + 1).skip(first.map_or(0, |first| first + 1)) {
        let mut paint = paint::<T, 1>(&plan.styles[run.path as usize]);
        paint.fill = [T::ZERO];
        let mut areas = run.areas.start as usize;
        for span in spans(record, index) {
            bounds.include(span.row.into(), span.first.into(), usize::from(span.first + span.blocks));
            let pixels = &mut layer[span.range(stride)];
            if span.solid {
                blend_solid(pixels, &paint);
            } else {
                let end = areas + pixels.len();
                pixels
                    .iter_mut()
                    .zip(&record.areas[areas..end])
                    .for_each(|(pixels, areas)| blend(pixels, areas, &paint));
                areas = end;
            }
        }
    }
    let opacity = plan.group_opacity[group as usize];
    for range in bounds.row_ranges(stride) {
        for ((grad, by_layer), [transmittance]) in
            grad[range.clone()].iter_mut().zip(&mut layer_grad[range.clone()]).zip(&layer[range])
        {
            for (grad, by_layer) in grad.iter_mut().zip(by_layer) {
                for lane in 0..LANES {
                    by_layer[lane] = opacity * grad[lane];
                    grad[lane] -= opacity * (T::ONE - transmittance[lane]) * grad[lane];
                }
            }
        }
    }
}
