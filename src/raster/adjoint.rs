//! One band of the way back: from the pixels' derivative to that of fills, opacities and control points.
//!
//! Input: the plan, a band's record, dL/dpixel. Output: [`BandGrad`]. Invariants: the record is replayed once to know
//! what lay behind every edge, so that nothing is divided and any number of paths may share a pixel; buffers of area
//! derivatives are all zero between two paths. Determinism: front to back, in the record's order. Cost: one replay
//! and one undo of every recorded block, then one walk along the lines that are not hidden.

use super::composite::{Block, PaintSums, blend, blend_layer, blend_solid, undo_layer};
use super::coverage::{LANES, blocks_of};
use super::draw::{BandRecord, Bounds, DrawnRun, clear_block, load_planes, paint};
use super::flatten::BAND_ROWS;
use super::moments::{AreaGrad, CurveGrad, push_curve_grads};
use super::plan::{Band, NO_LAYER, Plan, Style};
use super::real::Real;

/// Derivatives of one band; front to back.
#[derive(Debug, Default)]
pub(super) struct BandGrad<T> {
    /// By the control points of each cubic; cubics of one path in their order.
    pub curves: Vec<CurveGrad<T>>,
    /// By the fill and opacity of each path.
    pub paints: Vec<(u32, [T; 4])>,
}

/// A layer as it was when it was laid down.
#[derive(Clone, Copy, Debug)]
struct LayerUse {
    group: u32,
    bounds: Bounds,
    first_snapshot: usize,
}

/// Buffers of one task.
#[derive(Debug, Default)]
pub(super) struct AdjointScratch<T> {
    frame: Vec<Block<T, 3>>,
    layer: Vec<Block<T, 4>>,
    before: Before<T>,
    layers: Vec<LayerUse>,
    snapshots: Vec<(Block<T, 3>, Block<T, 4>)>,
    grad: Vec<Block<T, 3>>,
    layer_grad: Vec<Block<T, 4>>,
    area_grad: Vec<[T; LANES]>,
}

/// What lay behind each block, in drawing order: on the base, and on layers.
#[derive(Debug, Default)]
struct Before<T> {
    base: Vec<Block<T, 3>>,
    layer: Vec<Block<T, 4>>,
}

/// Takes `band` back. `pixel_grad` holds the band's rows of dL/dpixel.
pub(super) fn undo_band<T: Real>(
    plan: &Plan<T>,
    band: Band,
    record: &BandRecord<T>,
    background: [T; 3],
    pixel_grad: [&[T]; 3],
    scratch: &mut AdjointScratch<T>,
    out: &mut BandGrad<T>,
) {
    let stride = blocks_of(plan.grid.width_px);
    out.curves.clear();
    out.paints.clear();
    replay(plan, record, background, stride, scratch);
    let AdjointScratch { before, layers, snapshots, grad, layer_grad, area_grad, .. } = scratch;
    load_planes(grad, plan.grid.width_px, pixel_grad);
    // One block more than the row: a line on the right border looks there and finds 0.
    area_grad.resize((stride + 1) * BAND_ROWS, [T::ZERO; LANES]);
    let mut undo = Undo { plan, band, record, stride, area_grad, out };
    let mut open = NO_LAYER;
    for run in record.runs.iter().rev() {
        let style = &plan.styles[run.path as usize];
        if style.layer != open {
            open = style.layer;
            if let Some(layer) = layers.pop_if(|layer| layer.group == open) {
                layer_grad.resize(stride * BAND_ROWS, clear_block());
                undo.layer(layer, snapshots, grad, layer_grad);
            }
        }
        if style.layer == NO_LAYER {
            undo.run(run, style, grad, &mut before.base);
        } else {
            undo.run(run, style, layer_grad, &mut before.layer);
        }
    }
}

/// Draws the record again and keeps what the way back needs.
fn replay<T: Real>(
    plan: &Plan<T>,
    record: &BandRecord<T>,
    background: [T; 3],
    stride: usize,
    scratch: &mut AdjointScratch<T>,
) {
    let AdjointScratch { frame, layer, before, layers, snapshots, .. } = scratch;
    layers.clear();
    snapshots.clear();
    before.base.clear();
    before.layer.clear();
    let has_layer = record.runs.iter().any(|run| plan.styles[run.path as usize].layer != NO_LAYER);
    if !has_layer && !plan.trained.points && !plan.trained.opacity {
        return;
    }
    frame.clear();
    frame.resize(stride * BAND_ROWS, background.map(|value| [value; LANES]));
    let mut open = (NO_LAYER, Bounds::EMPTY);
    for run in &record.runs {
        let style = &plan.styles[run.path as usize];
        if style.layer != open.0 {
            keep_layer(plan, open, stride, frame, layer, layers, snapshots);
            open = (style.layer, Bounds::EMPTY);
        }
        if style.layer == NO_LAYER {
            replay_run(plan, record, run, style, stride, frame, &mut before.base);
        } else {
            layer.resize(stride * BAND_ROWS, clear_block());
            for span in spans(record, run) {
                open.1.include(span.row.into(), span.first.into(), usize::from(span.first + span.blocks));
            }
            replay_run(plan, record, run, style, stride, layer, &mut before.layer);
        }
    }
    keep_layer(plan, open, stride, frame, layer, layers, snapshots);
}

fn spans<'a, T>(record: &'a BandRecord<T>, run: &DrawnRun) -> &'a [super::draw::Span] {
    &record.spans[run.spans.start as usize..run.spans.end as usize]
}

fn replay_run<T: Real, const N: usize>(
    plan: &Plan<T>,
    record: &BandRecord<T>,
    run: &DrawnRun,
    style: &Style<T>,
    stride: usize,
    frame: &mut [Block<T, N>],
    before: &mut Vec<Block<T, N>>,
) {
    let paint = paint::<T, N>(style);
    let mut areas = run.areas.start as usize;
    for span in spans(record, run) {
        let pixels = &mut frame[span.range(stride)];
        if span.solid {
            if plan.trained.opacity {
                before.extend_from_slice(pixels);
            }
            blend_solid(pixels, &paint);
        } else {
            before.extend_from_slice(pixels);
            let end = areas + pixels.len();
            for (pixels, areas) in pixels.iter_mut().zip(&record.areas[areas..end]) {
                blend(pixels, areas, &paint);
            }
            areas = end;
        }
    }
}

/// Lays the open layer over the frame and keeps both as they were.
fn keep_layer<T: Real>(
    plan: &Plan<T>,
    (group, bounds): (u32, Bounds),
    stride: usize,
    frame: &mut [Block<T, 3>],
    layer: &mut [Block<T, 4>],
    layers: &mut Vec<LayerUse>,
    snapshots: &mut Vec<(Block<T, 3>, Block<T, 4>)>,
) {
    if group == NO_LAYER {
        return;
    }
    layers.push(LayerUse { group, bounds, first_snapshot: snapshots.len() });
    let opacity = plan.group_opacity[group as usize];
    for range in bounds.row_ranges(stride) {
        for (base, layer) in frame[range.clone()].iter_mut().zip(&mut layer[range]) {
            snapshots.push((*base, *layer));
            blend_layer(base, layer, opacity);
            *layer = clear_block();
        }
    }
}

/// The parts of the way back that do not change from path to path.
struct Undo<'a, T> {
    plan: &'a Plan<T>,
    band: Band,
    record: &'a BandRecord<T>,
    stride: usize,
    area_grad: &'a mut Vec<[T; LANES]>,
    out: &'a mut BandGrad<T>,
}

impl<T: Real> Undo<'_, T> {
    fn layer(
        &self,
        layer: LayerUse,
        snapshots: &[(Block<T, 3>, Block<T, 4>)],
        grad: &mut [Block<T, 3>],
        layer_grad: &mut [Block<T, 4>],
    ) {
        let opacity = self.plan.group_opacity[layer.group as usize];
        let mut kept = snapshots[layer.first_snapshot..].iter();
        for range in layer.bounds.row_ranges(self.stride) {
            let pixels = grad[range.clone()].iter_mut().zip(&mut layer_grad[range]);
            for ((grad, by_layer), (before, above)) in pixels.zip(kept.by_ref()) {
                *by_layer = undo_layer(grad, before, above, opacity);
            }
        }
    }

    /// Takes one path off: `grad` goes from after it to before it, `before` loses what it knew of the path.
    fn run<const N: usize>(
        &mut self,
        run: &DrawnRun,
        style: &Style<T>,
        grad: &mut [Block<T, N>],
        before: &mut Vec<Block<T, N>>,
    ) {
        let trained = self.plan.trained;
        let paint = paint::<T, N>(style);
        let mut sums = PaintSums::<T, N>::new();
        let mut areas_end = run.areas.end as usize;
        let mut known = before.len();
        let mut moved = T::ZERO;
        for span in spans(self.record, run).iter().rev() {
            let grad = &mut grad[span.range(self.stride)];
            let count = grad.len();
            if span.solid {
                if trained.opacity {
                    known -= count;
                    for (grad, before) in grad.iter_mut().zip(&before[known..]) {
                        sums.undo(grad, before, &[T::ONE; LANES], &paint);
                    }
                } else {
                    grad.iter_mut().for_each(|grad| sums.undo_fill(grad, &[T::ONE; LANES], paint.opacity));
                }
                continue;
            }
            let areas = &self.record.areas[areas_end - count..areas_end];
            areas_end -= count;
            if !trained.points && !trained.opacity {
                let blocks = grad.iter_mut().zip(areas);
                blocks.for_each(|(grad, areas)| sums.undo_fill(grad, areas, paint.opacity));
                continue;
            }
            known -= count;
            let by_areas = &mut self.area_grad[span.range(self.stride + 1)];
            for (((grad, before), areas), by_area) in grad.iter_mut().zip(&before[known..]).zip(areas).zip(by_areas) {
                *by_area = sums.undo(grad, before, areas, &paint);
                moved = by_area.iter().fold(moved, |most, value| most.most(value.abs()));
            }
        }
        before.truncate(known);
        let [red, green, blue] = std::array::from_fn(|plane| sums.fill().get(plane).copied().unwrap_or(T::ZERO));
        let opacity = if trained.opacity { sums.opacity() } else { T::ZERO };
        self.out.paints.push((run.path, [red, green, blue, opacity]));
        if trained.points {
            self.walk(run, moved != T::ZERO);
        }
    }

    /// Walks the path's lines where `visible`, and clears its area derivatives.
    fn walk(&mut self, run: &DrawnRun, visible: bool) {
        if visible {
            let grad = AreaGrad {
                values: self.area_grad.as_flattened(),
                stride: (self.stride + 1) * LANES,
                width: T::from_index(self.plan.grid.width_px),
                rows: T::from_index(self.band.rows),
                top: T::from_index(self.band.top),
            };
            push_curve_grads(self.plan.lines(run.chunk, &run.lines), &grad, &mut self.out.curves);
        }
        for span in spans(self.record, run).iter().filter(|span| !span.solid) {
            self.area_grad[span.range(self.stride + 1)].fill([T::ZERO; LANES]);
        }
    }
}
