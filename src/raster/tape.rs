//! The rasterizer over all bands, in either precision: record forward, undo backward, weigh what is visible.
//!
//! Input: a scene, or a tape and planes. Output: planes, or derivatives. Invariants: a band writes its own rows and
//! its own record only. Determinism: bands and chunks are summed in order on the caller's thread or within one
//! chunk, so any number of threads gives the same bits. Cost: one task a band; buffers stay with the tape.

use rayon::prelude::*;

use super::RasterError;
use super::adjoint::{AdjointScratch, BandGrad, undo_band};
use super::draw::{BandRecord, DrawScratch, copy_planes, draw_band};
use super::flatten::{BAND_ROWS, Chunk};
use super::moments::CurveGrad;
use super::plan::{Plan, Pool, Setup};
use super::real::Real;
use super::visible::{VisibleScratch, sum_band};
use crate::ctx::Ctx;
use crate::scene::Scene;

/// Plan, record and buffers of one scene.
#[derive(Debug)]
pub(super) struct TapeOf<T> {
    /// Lines in bands, and styles.
    pub plan: Plan<T>,
    /// What each band drew.
    pub bands: Vec<BandRecord<T>>,
    background: [T; 3],
    draw_scratch: Pool<DrawScratch<T, 3>>,
    adjoint_scratch: Pool<AdjointScratch<T>>,
    band_grads: Pool<Vec<BandGrad<T>>>,
}

impl<T: Real> Default for TapeOf<T> {
    fn default() -> Self {
        Self {
            plan: Plan::default(),
            bands: Vec::new(),
            background: [T::ZERO; 3],
            draw_scratch: Pool::default(),
            adjoint_scratch: Pool::default(),
            band_grads: Pool::default(),
        }
    }
}

/// Derivatives in canvas pixels, in either precision.
#[derive(Debug)]
pub(super) struct GradOf<T> {
    /// One a control point.
    pub points: Vec<[T; 2]>,
    /// One a path: red, green, blue, opacity.
    pub paints: Vec<[T; 4]>,
}

impl<T: Real> TapeOf<T> {
    /// Draws `scene` over `background` into `planes` and remembers how.
    pub(super) fn record(
        &mut self,
        scene: &Scene,
        setup: Setup,
        background: [T; 3],
        planes: [&mut Vec<T>; 3],
        ctx: &Ctx,
    ) -> Result<(), RasterError> {
        self.plan.prepare(scene, setup, ctx)?;
        let size = setup.size;
        self.background = background;
        self.bands.resize_with(self.plan.grid.bands(), BandRecord::default);
        let rows = BAND_ROWS * size.width_px;
        let [red, green, blue] = planes.map(|plane| {
            plane.resize(size.width_px * size.height_px, T::ZERO);
            plane.par_chunks_mut(rows)
        });
        let (plan, pool) = (&self.plan, &self.draw_scratch);
        let bands = self.bands.par_iter_mut().zip(red.zip(green.zip(blue))).enumerate();
        bands.with_max_len(1).try_for_each(|(index, (record, (red, (green, blue))))| {
            ctx.cancel.check()?;
            pool.with(|scratch| {
                draw_band(plan, plan.band(index), background, scratch, Some(record));
                copy_planes(&scratch.frame, size.width_px, [red, green, blue], |value| value);
            });
            Ok(())
        })
    }

    /// Derivatives by everything in `scene`, which must be the recorded one, for dL/dpixel in `planes`.
    pub(super) fn undo(&self, scene: &Scene, planes: [&[T]; 3], ctx: &Ctx) -> Result<GradOf<T>, RasterError> {
        self.check(scene, &planes)?;
        let plan = &self.plan;
        let rows = BAND_ROWS * plan.grid.width_px;
        self.band_grads.with(|grads| {
            grads.resize_with(self.bands.len(), BandGrad::default);
            let [red, green, blue] = planes.map(|plane| plane.par_chunks(rows));
            let bands = grads.par_iter_mut().zip(&self.bands).zip(red.zip(green.zip(blue))).enumerate();
            bands.with_max_len(1).try_for_each(|(index, ((grad, record), (red, (green, blue))))| {
                ctx.cancel.check()?;
                self.adjoint_scratch.with(|scratch| {
                    undo_band(plan, plan.band(index), record, self.background, [red, green, blue], scratch, grad);
                });
                Ok::<(), RasterError>(())
            })?;
            let paints = sum_by_path(scene, grads.iter().map(|grad| grad.paints.as_slice()));
            Ok(GradOf { points: self.sum_points(scene, grads), paints })
        })
    }

    /// Per path, the planes weighted by how much of the path is seen.
    pub(super) fn visible<const N: usize>(
        &self,
        scene: &Scene,
        planes: [&[T]; N],
        ctx: &Ctx,
    ) -> Result<Vec<[T; N]>, RasterError> {
        self.check(scene, &planes)?;
        let plan = &self.plan;
        let row_values = BAND_ROWS * plan.grid.width_px;
        let pool = Pool::<VisibleScratch<T, N>>::default();
        let bands = self.bands.par_iter().enumerate().with_max_len(1);
        let sums = bands.map(|(index, record)| {
            ctx.cancel.check()?;
            let start = index * row_values;
            let rows = planes.map(|plane| &plane[start..(start + row_values).min(plane.len())]);
            let mut sums = Vec::with_capacity(record.runs.len());
            pool.with(|scratch| sum_band(plan, record, rows, scratch, &mut sums));
            Ok(sums)
        });
        let sums: Vec<_> = sums.collect::<Result<_, RasterError>>()?;
        Ok(sum_by_path(scene, sums.iter().map(Vec::as_slice)))
    }

    fn check(&self, scene: &Scene, planes: &[&[T]]) -> Result<(), RasterError> {
        let recorded = self.plan.styles.len();
        let points = self.plan.chunks.last().map_or(0, |chunk| chunk.points.end as usize);
        if scene.paths.len() != recorded
            || scene.points.len() != points
            || scene.groups.len() != self.plan.group_opacity.len()
        {
            return Err(RasterError::OtherScene { paths: scene.paths.len(), recorded });
        }
        let pixels = self.plan.grid.width_px * self.plan.grid.height_px;
        match planes.iter().find(|plane| plane.len() != pixels) {
            Some(plane) => Err(RasterError::PlaneSize { found: plane.len(), expected: pixels }),
            None => Ok(()),
        }
    }

    fn sum_points(&self, scene: &Scene, grads: &[BandGrad<T>]) -> Vec<[T; 2]> {
        let mut points = vec![[T::ZERO; 2]; scene.points.len()];
        if !self.plan.trained.points {
            return points;
        }
        let mut rest = points.as_mut_slice();
        let mut tasks = Vec::with_capacity(self.plan.chunks.len());
        for chunk in &self.plan.chunks {
            let (own, behind) = rest.split_at_mut(chunk.points.len());
            tasks.push((chunk, own));
            rest = behind;
        }
        let scale = self.plan.grid.scale;
        tasks.into_par_iter().for_each(|(chunk, points)| {
            for grad in grads {
                curves_of(chunk, &grad.curves).iter().for_each(|curve| add_curve(chunk, curve, points));
            }
            for [x, y] in points {
                *x *= scale[0];
                *y *= scale[1];
            }
        });
        points
    }
}

/// The chunk's part of a band's derivatives: bands go front to back, so later chunks come first.
fn curves_of<'a, T>(chunk: &Chunk<T>, curves: &'a [CurveGrad<T>]) -> &'a [CurveGrad<T>] {
    let range = chunk.points.start / 3..chunk.points.end / 3;
    let first = curves.partition_point(|curve| curve.curve >= range.end);
    let end = curves.partition_point(|curve| curve.curve >= range.start);
    &curves[first..end]
}

fn add_curve<T: Real>(chunk: &Chunk<T>, curve: &CurveGrad<T>, points: &mut [[T; 2]]) {
    let start = chunk.points.start;
    let first = (3 * curve.curve - start) as usize;
    let next = chunk.next_anchor[(curve.curve - start / 3) as usize] - start;
    let targets = [first, first + 1, first + 2, next as usize];
    for (target, [x, y]) in targets.into_iter().zip(curve.points) {
        let [px, py] = &mut points[target];
        *px += x;
        *py += y;
    }
}

/// Sums per path over all bands, from the top.
fn sum_by_path<'a, T: Real, const N: usize>(
    scene: &Scene,
    bands: impl Iterator<Item = &'a [(u32, [T; N])]>,
) -> Vec<[T; N]> {
    let mut sums = vec![[T::ZERO; N]; scene.paths.len()];
    for &(path, ref values) in bands.flatten() {
        for (sum, &value) in sums[path as usize].iter_mut().zip(values) {
            *sum += value;
        }
    }
    sums
}
