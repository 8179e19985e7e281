//! What a picture needs before the first pixel: lines in bands, fills by path, and buffers that live on.
//!
//! Input: a scene, a raster size, what will be trained. Output: [`Plan`], read by every band's task. Invariants: a
//! band's runs are ordered as the scene's paths. Determinism: chunks and bands depend on scene and size alone; the
//! scratch pool hands out buffers, never values. Cost: one pass over the points; buffers are kept between calls.

use std::ops::Range;

use parking_lot::Mutex;
use rayon::prelude::*;

use super::flatten::{BAND_ROWS, Chunk, Grid, Line, Run, chunk_paths};
use super::real::Real;
use super::{RasterError, Size, Trained};
use crate::ctx::Ctx;
use crate::image::Image;
use crate::scene::{FillRule, Scene};

/// Marks a path that is drawn straight onto the base.
pub(super) const NO_LAYER: u32 = u32::MAX;

/// How one path is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style<T> {
    /// Red, green, blue.
    pub rgb: [T; 3],
    /// 0 to 1.
    pub opacity: T,
    /// Which winding numbers are inside.
    pub rule: FillRule,
    /// The group it is a layer of, or [`NO_LAYER`].
    pub layer: u32,
}

/// What a picture is prepared for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    /// Raster size.
    pub size: Size,
    /// Largest distance between a cubic and its lines, in raster pixels.
    pub tolerance_px: f64,
    /// What the way back must deliver.
    pub trained: Trained,
}

/// Everything the bands share.
#[derive(Debug)]
pub(super) struct Plan<T> {
    /// Raster size and scale.
    pub grid: Grid<T>,
    /// What the way back must deliver.
    pub trained: Trained,
    /// Flattened paths, in order.
    pub chunks: Vec<Chunk<T>>,
    /// One a path.
    pub styles: Vec<Style<T>>,
    /// One a group.
    pub group_opacity: Vec<T>,
    /// (chunk, run) of each run, ordered by band, then path.
    runs: Vec<(u32, u32)>,
    /// First entry of `runs` of each band, and the end.
    band_starts: Vec<u32>,
}

impl<T: Real> Default for Plan<T> {
    fn default() -> Self {
        let grid = Grid { scale: [T::ONE; 2], width_px: 1, height_px: 1, tolerance_px: T::ONE, keep_horizontal: false };
        let (chunks, styles, group_opacity) = (Vec::new(), Vec::new(), Vec::new());
        let trained = Trained::default();
        Self { grid, trained, chunks, styles, group_opacity, runs: Vec::new(), band_starts: Vec::new() }
    }
}

/// Rows of one band.
#[derive(Clone, Copy, Debug)]
pub(super) struct Band {
    /// Index from the top.
    pub index: usize,
    /// First row in the picture.
    pub top: usize,
    /// Number of rows, at most [`BAND_ROWS`].
    pub rows: usize,
}

impl<T: Real> Plan<T> {
    /// Prepares `scene`, reusing the buffers of an earlier plan.
    ///
    /// # Errors
    /// As [`super::forward`].
    pub(super) fn prepare(&mut self, scene: &Scene, setup: Setup, ctx: &Ctx) -> Result<(), RasterError> {
        let Setup { size, tolerance_px, trained } = setup;
        Image::check_size(size.width_px, size.height_px)?;
        scene.validate_structure()?;
        self.read_styles(scene)?;
        self.grid = Grid::new(scene, size, tolerance_px, trained.points);
        self.trained = trained;
        chunk_paths(scene, &mut self.chunks);
        let grid = self.grid;
        self.chunks.par_iter_mut().try_for_each(|chunk| {
            ctx.cancel.check()?;
            chunk.flatten(scene, &grid)
        })?;
        self.sort_runs();
        Ok(())
    }

    fn read_styles(&mut self, scene: &Scene) -> Result<(), RasterError> {
        self.group_opacity.clear();
        self.styles.clear();
        check_paints(scene)?;
        for (index, group) in scene.groups.iter().enumerate() {
            self.group_opacity.push(T::of(group.opacity));
            let layer = if group.opacity < 1.0 { index as u32 } else { NO_LAYER };
            for path in scene.paths.get(crate::scene::as_usize(&group.paths)).unwrap_or_default() {
                let [red, green, blue, opacity] = scene.fills.get(path.fill as usize).copied().unwrap_or_default();
                let rgb = [T::of(red), T::of(green), T::of(blue)];
                self.styles.push(Style { rgb, opacity: T::of(opacity), rule: path.rule, layer });
            }
        }
        Ok(())
    }

    /// Counting sort of the runs by band; stable, so paths stay back to front.
    fn sort_runs(&mut self) {
        let bands = self.grid.bands();
        self.band_starts.clear();
        self.band_starts.resize(bands + 1, 0);
        for run in self.chunks.iter().flat_map(|chunk| &chunk.runs) {
            self.band_starts[run.band as usize + 1] += 1;
        }
        for band in 0..bands {
            self.band_starts[band + 1] += self.band_starts[band];
        }
        let mut next = self.band_starts.clone();
        self.runs.clear();
        self.runs.resize(self.band_starts[bands] as usize, (0, 0));
        for (chunk_index, chunk) in self.chunks.iter().enumerate() {
            for (run_index, run) in chunk.runs.iter().enumerate() {
                let slot = &mut next[run.band as usize];
                self.runs[*slot as usize] = (chunk_index as u32, run_index as u32);
                *slot += 1;
            }
        }
    }

    /// The rows of band `index`.
    pub(super) fn band(&self, index: usize) -> Band {
        let top = index * BAND_ROWS;
        Band { index, top, rows: BAND_ROWS.min(self.grid.height_px - top) }
    }

    /// The runs of band `index`, back to front.
    pub(super) fn runs(&self, index: usize) -> impl Iterator<Item = RunRef<'_, T>> {
        let range = self.band_starts[index] as usize..self.band_starts[index + 1] as usize;
        self.runs[range].iter().map(|&(chunk, run)| {
            let chunk_data = &self.chunks[chunk as usize];
            let run = &chunk_data.runs[run as usize];
            RunRef { path: run.path, chunk, run_lines: run.lines.clone(), lines: lines_of(chunk_data, run) }
        })
    }

    /// The lines of a recorded run.
    pub(super) fn lines(&self, chunk: u32, lines: &Range<u32>) -> &[Line<T>] {
        &self.chunks[chunk as usize].lines[lines.start as usize..lines.end as usize]
    }
}

/// Whether all fills are colours and all opacities are within 0 to 1.
///
/// # Errors
/// [`RasterError::Fill`], [`RasterError::GroupOpacity`].
pub(super) fn check_paints(scene: &Scene) -> Result<(), RasterError> {
    for (index, &[red, green, blue, opacity]) in scene.fills.iter().enumerate() {
        let finite = red.is_finite() && green.is_finite() && blue.is_finite();
        if !finite || !(0.0..=1.0).contains(&opacity) {
            return Err(RasterError::Fill { index, rgba: [red, green, blue, opacity] });
        }
    }
    match scene.groups.iter().find(|group| !(0.0..=1.0).contains(&group.opacity)) {
        Some(group) => Err(RasterError::GroupOpacity { group: group.id.clone(), opacity: group.opacity }),
        None => Ok(()),
    }
}

fn lines_of<'a, T>(chunk: &'a Chunk<T>, run: &Run) -> &'a [Line<T>] {
    &chunk.lines[run.lines.start as usize..run.lines.end as usize]
}

/// One path in one band.
pub(super) struct RunRef<'a, T> {
    /// Index of the path.
    pub path: u32,
    /// Its chunk.
    pub chunk: u32,
    /// Its lines, as a range of the chunk's.
    pub run_lines: Range<u32>,
    /// Its lines.
    pub lines: &'a [Line<T>],
}

/// Buffers that tasks borrow: as many as ran at once, kept for the next call.
#[derive(Debug)]
pub(super) struct Pool<S>(Mutex<Vec<S>>);

impl<S> Default for Pool<S> {
    fn default() -> Self {
        Self(Mutex::new(Vec::new()))
    }
}

impl<S: Default> Pool<S> {
    /// Runs `work` with a buffer nobody else has; what it holds is from an earlier task.
    pub(super) fn with<R>(&self, work: impl FnOnce(&mut S) -> R) -> R {
        let mut scratch = self.0.lock().pop().unwrap_or_default();
        let result = work(&mut scratch);
        self.0.lock().push(scratch);
        result
    }
}
