//! Parameter groups: which numbers of a scene move, together with whom, and how far.
//!
//! Input: a scene, the settings, the paths that may change and their layers. Output: updated scenes, one step at a time; the
//! same code whatever drew the scene. Invariants: frozen numbers keep their bits; fills stay in 0 to 1. Determinism: sums in
//! index order. Cost: a few operations a point, some hundred a fill.

use std::collections::BTreeMap;

use super::colors::{Colors, Start};
use super::layers::Layer;
use super::letters::Letters;
use super::warp::Warp;
use super::{Mode, Settings, select};
use crate::ctx::Ctx;
use crate::grade::{Field, Grade, Grid, Normal, oklab_from_srgb};
use crate::image::rect::Rect;
use crate::nn::adam::Adam;
use crate::raster::{RasterError, SceneGrad, Size, Trained};
use crate::scene::{Scene, as_usize};

/// OKLab lightness below which a colour counts as black, above which one without chroma counts as white.
const BLACK_BELOW: f32 = 0.25;
const WHITE_ABOVE: f32 = 0.93;
/// OKLab chroma below which a colour counts as grey.
const GREY_BELOW: f32 = 0.03;
/// Cells of the finer grid along x, y and lightness.
const CELLS: [usize; 3] = [4, 4, 2];
/// Cells of the coarse grid where no look is searched: a curve of tones, and what colours become along it.
const TONES: [usize; 3] = [1, 1, 4];

/// How points move.
#[derive(Clone, Debug)]
enum Points {
    /// Each by itself: the publication.
    Each(Adam),
    /// With the plane.
    Warp(Box<Warp>),
}

/// How fills move.
#[derive(Clone, Debug)]
enum Fills {
    /// Each slot by itself: the publication.
    Each(Adam),
    /// From coarse to fine.
    Graded(Box<Colors>),
}

/// Moments and masks of everything that may move.
#[derive(Clone, Debug)]
pub(super) struct Parameters {
    points: Option<Points>,
    /// Holds letters readable.
    letters: Option<Letters>,
    fills: Option<Fills>,
    point_is_free: Vec<bool>,
    /// Slot of each fill; fills of one slot take the same step of their own. None: frozen.
    slots: Vec<Option<u32>>,
    slot_count: usize,
    opacity: bool,
}

impl Parameters {
    /// Groups the numbers of `scene`; `free` says for each path whether it may change, `shares` how much of each region's grade
    /// it takes. Fills that paths of different fates share are split first, so that freezing holds.
    ///
    /// # Errors
    /// [`RasterError`] for a scene that cannot be drawn in `size`.
    pub(super) fn new(
        scene: &mut Scene,
        settings: &Settings,
        free: &[bool],
        shares: Vec<Vec<f32>>,
        size: Size,
        ctx: &Ctx,
    ) -> Result<Self, RasterError> {
        split_fills(scene, settings, free, &shares);
        let slots = slots(scene, settings, &taking(free, &shares));
        let slot_count = slots.iter().flatten().max().map_or(0, |slot| *slot as usize + 1);
        let points = match settings.warp {
            _ if settings.mode == Mode::Color => None,
            None => Some(Points::Each(Adam::new(2 * scene.points.len(), settings.rate_shape_px))),
            Some(reach) => {
                Some(Points::Warp(Box::new(Warp::new(scene, bounds(scene, settings), settings.rate_shape_px, reach))))
            }
        };
        let fills = match settings.is_graded() {
            _ if settings.mode == Mode::Shape => None,
            false => Some(Fills::Each(Adam::new(4 * slot_count, settings.rate_color))),
            true => {
                let starts = starts(scene, &slots, size, ctx)?;
                let layers = layers(&starts, shares, settings);
                Some(Fills::Graded(Box::new(Colors::new(scene, layers, starts, slot_count, settings.rate_color))))
            }
        };
        let opacity = settings.train_opacity;
        let point_is_free = free_points(scene, free);
        let held = settings.legibility > 0.0 && settings.warp.is_some();
        let letters = held.then(|| Letters::new(scene, &point_is_free, settings.legibility));
        Ok(Self { points, letters, fills, point_is_free, slots, slot_count, opacity })
    }

    /// Which gradients a step needs.
    pub(super) fn trained(&self) -> Trained {
        Trained { points: self.points.is_some(), opacity: self.fills.is_some() && self.opacity }
    }

    /// Whether each point may move.
    pub(super) fn point_is_free(&self) -> &[bool] {
        &self.point_is_free
    }

    /// What holds letters readable; none where there are none.
    pub(super) fn letters(&self) -> Option<&Letters> {
        self.letters.as_ref()
    }

    /// The grades of the regions; none where colours have none.
    pub(super) fn colors(&mut self) -> Option<&mut Colors> {
        if let Some(Fills::Graded(colors)) = &mut self.fills { Some(colors) } else { None }
    }

    /// What became of the grades, and what each fill adds of its own.
    pub(super) fn into_grades(self) -> (Vec<Layer>, Vec<[f32; 3]>) {
        if let Some(Fills::Graded(colors)) = self.fills { colors.into_grades() } else { (Vec::new(), Vec::new()) }
    }

    /// One step down `gradient`, that of `iteration`.
    pub(super) fn step(&mut self, scene: &mut Scene, mut gradient: SceneGrad, settings: &Settings, iteration: u32) {
        let scale = settings.rate_scale(iteration);
        let progress = iteration as f32 / settings.iterations.max(1) as f32;
        match &mut self.points {
            None => {}
            Some(Points::Each(adam)) => {
                for (g, _) in gradient.points.iter_mut().zip(&self.point_is_free).filter(|(_, free)| !**free) {
                    *g = [0.0; 2];
                }
                adam.step(gradient.points.as_flattened_mut(), scale);
                for (value, step) in scene.points.as_flattened_mut().iter_mut().zip(gradient.points.as_flattened()) {
                    *value += step;
                }
            }
            Some(Points::Warp(warp)) => {
                warp.step(&mut scene.points, &gradient.points, &self.point_is_free, progress, scale);
                if let Some(letters) = &self.letters {
                    letters.hold(&mut scene.points);
                }
            }
        }
        match &mut self.fills {
            None => {}
            Some(Fills::Each(adam)) => {
                let mut sums = vec![[0.0; 4]; self.slot_count];
                for (slot, g) in self.slots.iter().zip(&gradient.fills) {
                    if let Some(sum) = slot.and_then(|slot| sums.get_mut(slot as usize)) {
                        let [r, gr, b, a] = *g;
                        let a = if self.opacity { a } else { 0.0 };
                        sum.iter_mut().zip([r, gr, b, a]).for_each(|(sum, value)| *sum += value);
                    }
                }
                adam.step(sums.as_flattened_mut(), scale);
                for (slot, fill) in self.slots.iter().zip(&mut scene.fills) {
                    if let Some(step) = slot.and_then(|slot| sums.get(slot as usize)) {
                        fill.iter_mut().zip(step).for_each(|(value, step)| *value = (*value + step).clamp(0.0, 1.0));
                    }
                }
            }
            Some(Fills::Graded(colors)) => colors.step(&mut scene.fills, &gradient.fills, progress, scale),
        }
    }
}

/// Where points may move: the rectangles of the prompts, or the canvas.
pub(super) fn bounds(scene: &Scene, settings: &Settings) -> Rect {
    let canvas = Rect::new(0.0, 0.0, scene.width, scene.height);
    let rects = settings.regions.iter().map(|region| region.rect_in_canvas).collect::<Option<Vec<_>>>();
    rects.into_iter().flatten().reduce(Rect::around).unwrap_or(canvas)
}

/// The free paths whose colours may change: those that take a grade, where there are any.
fn taking(free: &[bool], shares: &[Vec<f32>]) -> Vec<bool> {
    let takes = |path: usize| {
        shares.is_empty() || shares.iter().any(|shares| shares.get(path).is_some_and(|share| *share > 0.0))
    };
    free.iter().enumerate().map(|(path, free)| *free && takes(path)).collect()
}

fn free_points(scene: &Scene, free: &[bool]) -> Vec<bool> {
    let mut is_free = vec![false; scene.points.len()];
    for (path, _) in scene.paths.iter().zip(free).filter(|(_, free)| **free) {
        for contour in scene.contours.get(as_usize(&path.contours)).unwrap_or_default() {
            is_free.get_mut(as_usize(contour)).unwrap_or_default().fill(true);
        }
    }
    is_free
}

/// Gives paths of one old fill a fill of their own for every fate: with a shared palette whether they are free and what they
/// take of each grade, else each path its own.
fn split_fills(scene: &mut Scene, settings: &Settings, free: &[bool], shares: &[Vec<f32>]) {
    let share_of = |path: usize| shares.iter().map(move |shares| shares.get(path).copied().unwrap_or(0.0).to_bits());
    let fate = |path: usize| match settings.share_palette {
        true => std::iter::once(u32::from(free.get(path).copied().unwrap_or(true))).chain(share_of(path)).collect(),
        false => vec![path as u32],
    };
    let mut renamed = BTreeMap::new();
    let mut fills = Vec::new();
    for (index, path) in scene.paths.iter_mut().enumerate() {
        path.fill = *renamed.entry((path.fill, fate(index))).or_insert_with(|| {
            fills.push(scene.fills.get(path.fill as usize).copied().unwrap_or_default());
            (fills.len() - 1) as u32
        });
    }
    scene.fills = fills;
}

/// The slot of every fill: with a shared palette, fills of one group and one traced label move together.
fn slots(scene: &Scene, settings: &Settings, free: &[bool]) -> Vec<Option<u32>> {
    let mut slots = vec![None; scene.fills.len()];
    let mut names = BTreeMap::new();
    for (group, paths) in scene.groups.iter().map(|group| (group, as_usize(&group.paths))) {
        for (index, path) in scene.paths.iter().enumerate().take(paths.end).skip(paths.start) {
            let name = match label_of(&path.id) {
                Some(label) if settings.share_palette => (group.id.as_str(), label, 0),
                _ => ("", "", path.fill + 1),
            };
            if free.get(index).copied().unwrap_or(true) {
                let next = names.len() as u32;
                if let Some(slot) = slots.get_mut(path.fill as usize) {
                    *slot = Some(*names.entry(name).or_insert(next));
                }
            }
        }
    }
    slots
}

/// Where every fill begins: its colour, and the centre and size of what is seen of it.
fn starts(scene: &Scene, slots: &[Option<u32>], size: Size, ctx: &Ctx) -> Result<Vec<Start>, RasterError> {
    let seen = select::seen_places(scene, size, ctx)?;
    let mut sums = vec![([0.0_f32; 3], 0); scene.fills.len()];
    for (index, (path, seen)) in scene.paths.iter().zip(seen).enumerate() {
        if let Some((sum, first)) = sums.get_mut(path.fill as usize) {
            sum.iter_mut().zip(seen).for_each(|(sum, value)| *sum += value);
            *first = index;
        }
    }
    let start = |(fill, ([x, y, area], path)): (usize, ([f32; 3], usize))| {
        let [r, g, b, _] = scene.fills.get(fill).copied().unwrap_or_default();
        Start {
            color: oklab_from_srgb([r, g, b]),
            place: if area > 0.0 { [x / area, y / area] } else { [0.5; 2] },
            area,
            slot: slots.get(fill).copied().flatten(),
            path,
        }
    };
    Ok(sums.into_iter().enumerate().map(start).collect())
}

/// Neutral grades over the colours that take them; a shared palette has no place.
fn layers(starts: &[Start], shares: Vec<Vec<f32>>, settings: &Settings) -> Vec<Layer> {
    let [columns, rows, depths] = CELLS;
    let fine = if settings.share_palette { [1, 1, depths] } else { [columns, rows, depths] };
    let coarse = if settings.likeness.is_some() { TONES } else { [1; 3] };
    let layer = |shares: Vec<f32>| {
        let of = |start: &Start| shares.get(start.path).copied().unwrap_or(0.0);
        let normal = Normal::of(starts.iter().map(|start| (start.color, start.area * of(start))));
        let grids = [coarse, fine].map(Grid::neutral).to_vec();
        let is_whole = shares.iter().all(|share| *share == 1.0);
        let grade = Grade { field: Field { normal, grids }, ..Grade::default() };
        Layer { grade, shares: if is_whole { Vec::new() } else { shares } }
    };
    shares.into_iter().map(layer).collect()
}

/// The palette label in a traced path's id, `l3` of `r1-l3-c12`.
fn label_of(id: &str) -> Option<&str> {
    let label = id.split('-').nth(1)?;
    label.strip_prefix('l').filter(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether a fill is almost black or almost white.
pub(super) fn is_black_or_white([r, g, b, _]: [f32; 4]) -> bool {
    let [lightness, green_red, blue_yellow] = oklab_from_srgb([r, g, b]);
    let grey = green_red.hypot(blue_yellow) < GREY_BELOW;
    lightness < BLACK_BELOW || (lightness > WHITE_ABOVE && grey)
}
