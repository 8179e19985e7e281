//! Parameter groups: which numbers of a scene move, together with whom, and how far.
//!
//! Input: a scene, the settings and the paths that may change. Output: updated scenes, one Adam step at a time.
//! Invariants: frozen numbers keep their bits; fills stay in 0 to 1. Determinism: sums in index order.
//! Cost: a few operations a point and fill.

use std::collections::BTreeMap;

use super::adam::Adam;
use super::{Mode, Settings};
use crate::image::color;
use crate::raster::{SceneGrad, Trained};
use crate::scene::{Scene, as_usize};

/// OKLab lightness below which a colour counts as black, above which one without chroma counts as white.
const BLACK_BELOW: f32 = 0.25;
const WHITE_ABOVE: f32 = 0.93;
/// OKLab chroma below which a colour counts as grey.
const GREY_BELOW: f32 = 0.03;

/// Moments and masks of everything that may move.
#[derive(Debug)]
pub(super) struct Parameters {
    pub(super) points: Option<Adam>,
    pub(super) colors: Option<Adam>,
    pub(super) point_is_free: Vec<bool>,
    /// Slot of each fill; fills of one slot take the same step. None: frozen.
    pub(super) slots: Vec<Option<u32>>,
    pub(super) slot_count: usize,
    pub(super) opacity: bool,
    pub(super) smooth: bool,
}

/// Times that the steps of neighbouring points are averaged; three passes of (1, 2, 1) / 4 reach about two anchors.
const SMOOTHING_PASSES: usize = 3;

impl Parameters {
    /// Groups the numbers of `scene`; `free` says for each path whether it may change. Fills that frozen and free
    /// paths share are split first, so that freezing holds.
    pub(super) fn new(scene: &mut Scene, settings: &Settings, free: &[bool]) -> Self {
        if !settings.share_palette {
            split_fills(scene, |path| path as u32);
        } else {
            split_fills(scene, |path| u32::from(free.get(path).copied().unwrap_or(true)));
        }
        let slots = slots(scene, settings, free);
        let slot_count = slots.iter().flatten().max().map_or(0, |slot| *slot as usize + 1);
        let mut point_is_free = vec![false; scene.points.len()];
        for (path, _) in scene.paths.iter().zip(free).filter(|(_, free)| **free) {
            for contour in scene.contours.get(as_usize(&path.contours)).unwrap_or_default() {
                point_is_free.get_mut(as_usize(contour)).unwrap_or_default().fill(true);
            }
        }
        let points = (settings.mode != Mode::Color)
            .then(|| Adam::new(2 * scene.points.len(), settings.rate_shape_px, settings.gradient_floor));
        let colors = (settings.mode != Mode::Shape)
            .then(|| Adam::new(4 * slot_count, settings.rate_color, settings.gradient_floor));
        Self {
            points,
            colors,
            point_is_free,
            slots,
            slot_count,
            opacity: settings.train_opacity,
            smooth: settings.smooth_steps,
        }
    }

    /// Which gradients a step needs.
    pub(super) fn trained(&self) -> Trained {
        let colors = self.colors.is_some();
        Trained { points: self.points.is_some(), colors, opacity: colors && self.opacity }
    }

    /// One Adam step down `gradient`, its rates multiplied by `scale`.
    pub(super) fn step(&mut self, scene: &mut Scene, mut gradient: SceneGrad, scale: f32) {
        if let Some(adam) = &mut self.points {
            for (g, _) in gradient.points.iter_mut().zip(&self.point_is_free).filter(|(_, free)| !**free) {
                *g = [0.0; 2];
            }
            adam.step(gradient.points.as_flattened_mut(), scale);
            if self.smooth {
                smooth(scene, &mut gradient.points);
            }
            for (value, step) in scene.points.as_flattened_mut().iter_mut().zip(gradient.points.as_flattened()) {
                *value += step;
            }
        }
        if let Some(adam) = &mut self.colors {
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
    }
}

/// Averages each point's step with its neighbours' along the contour: translations and gentle bends pass, zigzags that
/// only please the encoder do not. A contour is free or frozen as a whole, so zero steps stay zero.
fn smooth(scene: &Scene, steps: &mut [[f32; 2]]) {
    for contour in &scene.contours {
        let Some(steps) = steps.get_mut(as_usize(contour)) else { continue };
        for _ in 0..SMOOTHING_PASSES {
            let (Some(&first), Some(&last)) = (steps.first(), steps.last()) else { continue };
            let mut before = last;
            for at in 0..steps.len() {
                let after = steps.get(at + 1).copied().unwrap_or(first);
                if let Some(step) = steps.get_mut(at) {
                    let here = *step;
                    *step = [0, 1].map(|axis| 0.25 * before[axis] + 0.5 * here[axis] + 0.25 * after[axis]);
                    before = here;
                }
            }
        }
    }
}

/// Gives paths of one old fill a fill of their own for every value of `kind`.
fn split_fills(scene: &mut Scene, kind: impl Fn(usize) -> u32) {
    let mut renamed = BTreeMap::new();
    let mut fills = Vec::new();
    for (index, path) in scene.paths.iter_mut().enumerate() {
        path.fill = *renamed.entry((path.fill, kind(index))).or_insert_with(|| {
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
            let fill = scene.fills.get(path.fill as usize).copied().unwrap_or_default();
            let kept = settings.keep_black_white && is_black_or_white(fill);
            if free.get(index).copied().unwrap_or(true) && !kept {
                let next = names.len() as u32;
                if let Some(slot) = slots.get_mut(path.fill as usize) {
                    *slot = Some(*names.entry(name).or_insert(next));
                }
            }
        }
    }
    slots
}

/// The palette label in a traced path's id, `l3` of `r1-l3-c12`.
fn label_of(id: &str) -> Option<&str> {
    let label = id.split('-').nth(1)?;
    label.strip_prefix('l').filter(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

fn is_black_or_white([r, g, b, _]: [f32; 4]) -> bool {
    let [lightness, green_red, blue_yellow] = color::oklab_from_linear([r, g, b].map(color::linear_from_srgb));
    let grey = green_red.hypot(blue_yellow) < GREY_BELOW;
    lightness < BLACK_BELOW || (lightness > WHITE_ABOVE && grey)
}
