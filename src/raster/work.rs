//! How much there is to do for a scene: the counts that a machine's limit is computed from.
//!
//! Input: a scene and a raster size. Output: [`Work`]. Invariants: counts depend on the scene and the size alone.
//! Determinism: integer sums. Cost: one forward pass and one walk.

use rayon::prelude::*;

use super::coverage::LANES;
use super::draw::BandRecord;
use super::flatten::Line;
use super::plan::Plan;
use super::real::Real;
use super::tape::TapeOf;
use super::{RasterError, Size, TOLERANCE_PX, Trained};
use crate::ctx::Ctx;
use crate::scene::Scene;

/// Counts of one scene at one raster size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Paths of the scene.
    pub paths: u64,
    /// Cubics of the scene.
    pub curves: u64,
    /// Lines that the cubics become, of those that can touch the canvas.
    pub lines: u64,
    /// Pixels that lines pass through, counted per line.
    pub crossings: u64,
    /// Pixels with cover, counted per path.
    pub fragments: u64,
}

impl Work {
    /// Cycles of one core that forward and backward need at least with a scalar walk: 26 a crossing, 3.5 a fragment,
    /// 25 a line.
    pub fn limit_cycles(&self) -> f64 {
        26.0 * self.crossings as f64 + 3.5 * self.fragments as f64 + 25.0 * self.lines as f64
    }
}

/// Counts the work of drawing `scene` at `size` and of going back.
///
/// # Errors
/// As [`super::forward`].
pub fn work(scene: &Scene, size: Size, ctx: &Ctx) -> Result<Work, RasterError> {
    let mut tape = TapeOf::<f32>::default();
    let mut planes = [const { Vec::new() }; 3];
    let trained = Trained { points: true, ..Trained::default() };
    ctx.install(|| {
        tape.record(scene, size, TOLERANCE_PX, [0.0; 3], trained, &mut planes, ctx)?;
        let plan = &tape.plan;
        let bands = (0..tape.bands.len()).into_par_iter();
        let crossings = bands.map(|band| band_crossings(plan, band)).sum();
        let fragments = tape.bands.par_iter().map(|record| band_fragments(record, size.width_px)).sum();
        Ok(Work {
            paths: scene.paths.len() as u64,
            curves: scene.segments() as u64,
            lines: plan.chunks.iter().map(|chunk| chunk.line_count).sum(),
            crossings,
            fragments,
        })
    })
}

fn band_crossings<T: Real>(plan: &Plan<T>, index: usize) -> u64 {
    let band = plan.band(index);
    let (top, width) = (T::from_index(band.top), T::from_index(plan.grid.width_px));
    let bottom = T::from_index(band.top + band.rows);
    plan.runs(index).flat_map(|run| run.lines).map(|line| line_crossings(line, top, bottom, width)).sum()
}

/// Pixels of the band that `line` passes through.
fn line_crossings<T: Real>(line: &Line<T>, top: T, bottom: T, width: T) -> u64 {
    let ([x0, y0], [x1, y1]) = (line.from, line.to);
    if y0 == y1 {
        let columns = x0.within(T::ZERO, width).index().abs_diff(x1.within(T::ZERO, width).index());
        return if y0 >= top && y0 < bottom { columns as u64 + 1 } else { 0 };
    }
    let x_at = |y: T| (x0 + (y - y0) * ((x1 - x0) / (y1 - y0))).within(T::ZERO, width).index();
    let (start, end) = (y0.within(top, bottom), y1.within(top, bottom));
    if start == end {
        return 0;
    }
    (x_at(start).abs_diff(x_at(end)) + start.index().abs_diff(end.index())) as u64 + 1
}

fn band_fragments<T: Real>(record: &BandRecord<T>, width_px: usize) -> u64 {
    let mut areas = record.areas.iter();
    let mut fragments = 0;
    for span in &record.spans {
        let first_px = usize::from(span.first) * LANES;
        let last_px = (first_px + usize::from(span.blocks) * LANES).min(width_px);
        if span.solid {
            fragments += last_px - first_px;
            continue;
        }
        let covers = areas.by_ref().take(span.blocks.into()).flatten().take(last_px - first_px);
        fragments += covers.filter(|&&area| area != T::ZERO).count();
    }
    fragments as u64
}
