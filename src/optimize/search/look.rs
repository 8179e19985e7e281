//! The look of a layer, found without gradients.
//!
//! Input: a small picture, how much of each pixel the layer takes, a glance. Output: a [`Look`]. A look is scored by what the
//! encoder says of the picture under it, less what a colourist would not do for it: turning knobs far, leaving the gamut,
//! flattening shadings, crushing shadows. Then each knob is set back to neutral where that costs next to nothing. Invariants:
//! the start is a low-discrepancy sequence over the knobs; nothing is written for any prompt. Determinism: as
//! [`super::evolve`]. Cost: [`Effort::glances`] glances and ten more.

use super::evolve::{evolve, halton, sifted, simplified};
use super::glance::{Glance, Planes};
use super::{Effort, SIFTED};
use crate::ctx::Ctx;
use crate::encoder::EncoderError;
use crate::grade::{Look, clipped, oklab_from_srgb, srgb_from_oklab};
use crate::rng::Stream;
use rayon::prelude::*;

/// Numbers of a look.
const KNOBS: usize = 8;
/// Range of each knob in the first round: stops, stops, factor, turns, tints.
const LOW: [f32; KNOBS] = [-1.3, -1.7, 0.0, -0.16, -0.14, -0.14, -0.12, -0.12];
const HIGH: [f32; KNOBS] = [0.75, 0.45, 1.6, 0.16, 0.14, 0.14, 0.12, 0.12];
/// Spread of children.
const SIGMA: [f32; KNOBS] = [0.3, 0.3, 0.3, 0.05, 0.05, 0.05, 0.06, 0.06];
/// What each knob's distance from neutral is measured in, when it is weighed.
const UNITS: [f32; KNOBS] = [1.0, 1.5, 1.0, 0.16, 0.12, 0.12, 0.2, 0.2];
/// Weight of that distance, squared.
const COST: f32 = 0.01;
/// Weight of the mean clipped amount.
const CLIPPED: f32 = 0.5;
/// Weight of lost shading, below this part of the picture's own, in looks with a tint: a cast of colour needs no loss of
/// shading, as fog does.
const FLATTENED: f32 = 0.22;
const LEAST_SHADING: f32 = 0.72;
/// Light below which a darker look is held to be flatter.
const DARKEST: f32 = 0.7;
/// Tint from which that counts whole.
const CAST: f32 = 0.08;
/// Weight of lost light, below this part of the picture's own lightness.
const CRUSHED: f32 = 1.0;
const LEAST_LIGHT: f32 = 0.62;
/// Shading that a cast of colour must leave, and how contrast is raised until it does, in stops.
const KEPT_SHADING: f32 = 0.68;
const CONTRAST_STEP: f32 = 0.1;
const CONTRAST_STEPS: usize = 12;
/// A simpler look may cost this much.
const SNAP: f32 = 0.006;
/// A look without any colour may cost this much: next to grey nobody wants a rest of colour.
const SNAP_TO_GREY: f32 = 0.02;

/// A small picture under search.
#[derive(Debug)]
pub(crate) struct Canvas {
    pub(crate) width: usize,
    /// `OKLab` of each pixel before.
    pub(crate) before: Vec<[f32; 3]>,
    /// sRGB of each pixel as all other layers leave it.
    pub(crate) others: Vec<[f32; 3]>,
    /// The layer's share of each pixel.
    pub(crate) share: Vec<f32>,
}

/// What a look does to a canvas besides its look.
#[derive(Clone, Copy, Debug)]
struct Damage {
    clipped: f32,
    /// Shading that is left, 1: all.
    shading: f32,
    /// Mean lightness that is left, 1: all.
    light: f32,
}

impl Canvas {
    /// The mean lightness of what the layer takes: the pivot of its looks.
    pub(crate) fn pivot(&self) -> f32 {
        let sums = self.before.iter().zip(&self.share);
        let (sum, total) = sums.fold((0.0_f64, 0.0_f64), |(sum, total), ([l, ..], share)| {
            (sum + f64::from(l * share), total + f64::from(*share))
        });
        if total > 0.0 { (sum / total) as f32 } else { 0.5 }
    }

    /// The picture under `look`, and the damage.
    fn under(&self, look: &Look) -> (Planes, Damage) {
        let mut planes = [const { Vec::new() }; 3];
        planes.iter_mut().for_each(|plane| plane.reserve(self.before.len()));
        let prepared = look.prepared();
        let mut lightness = Vec::with_capacity(self.before.len());
        let (mut over, mut total) = (0.0, 0.0);
        for ((color, others), &share) in self.before.iter().zip(&self.others).zip(&self.share) {
            let mut mixed = *others;
            let mut light = color[0];
            if share > 0.0 {
                let graded = prepared.apply(*color);
                let shown = srgb_from_oklab(graded);
                mixed = [0, 1, 2].map(|channel| others[channel] + share * (shown[channel] - others[channel]));
                over += share * clipped(graded);
                total += share;
                light = graded[0].clamp(0.0, 1.0);
            }
            lightness.push(light);
            planes.iter_mut().zip(mixed).for_each(|(plane, value)| plane.push(value));
        }
        let damage = Damage {
            clipped: over / f32::max(total, 1.0),
            shading: self.shading(|at| lightness.get(at).copied().unwrap_or(0.0))
                / self.shading(|at| self.before.get(at).map_or(0.0, |color| color[0])).max(1e-6),
            light: self.mean(&lightness) / self.pivot().max(1e-6),
        };
        (planes, damage)
    }

    fn mean(&self, lightness: &[f32]) -> f32 {
        let (sum, total) = lightness
            .iter()
            .zip(&self.share)
            .fold((0.0, 0.0), |(sum, total), (l, share)| (sum + l * share, total + share));
        if total > 0.0 { sum / total } else { 0.0 }
    }

    /// Sum of the steps of lightness between neighbours in a row.
    fn shading(&self, lightness: impl Fn(usize) -> f32) -> f32 {
        let inside = |at: &usize| !at.is_multiple_of(self.width.max(1));
        let steps = (1..self.before.len()).filter(inside);
        1e-4 + steps
            .map(|at| self.share.get(at).copied().unwrap_or(0.0) * (lightness(at) - lightness(at - 1)).abs())
            .sum::<f32>()
    }
}

/// What a colourist holds against a look.
fn cost(knobs: &[f32; KNOBS], damage: Damage) -> f32 {
    let neutral = Look::default().knobs();
    let far = (0..KNOBS).map(|knob| ((knobs[knob] - neutral[knob]) / UNITS[knob]).powi(2)).sum::<f32>();
    let cast = (knobs[4].hypot(knobs[5]) / CAST).min(1.0);
    // Darker is flatter by itself, up to a point.
    let shading = damage.shading / damage.light.clamp(DARKEST, 1.0);
    let flattened = cast * (LEAST_SHADING - shading).max(0.0);
    let crushed = (LEAST_LIGHT - damage.light).max(0.0);
    COST * far + CLIPPED * damage.clipped + FLATTENED * flattened + CRUSHED * crushed
}

/// The best look for `canvas` by `glances`: one that sifts, one that decides.
///
/// # Errors
/// [`EncoderError`], cancellation among them.
pub(crate) fn find(
    canvas: &Canvas,
    glances: [&Glance<'_>; 2],
    effort: Effort,
    stream: &mut Stream,
    advance: &mut dyn FnMut(usize),
    ctx: &Ctx,
) -> Result<Look, EncoderError> {
    let pivot = canvas.pivot();
    let mut score = |glance: &Glance<'_>, all: &[[f32; KNOBS]]| -> Result<Vec<f32>, EncoderError> {
        let draw = |knobs: &[f32; KNOBS]| canvas.under(&Look::of_knobs(*knobs, pivot));
        let (pictures, damages): (Vec<_>, Vec<_>) =
            ctx.install(|| all.par_iter().map(draw).collect::<Vec<_>>()).into_iter().unzip();
        let losses = glance.losses(&pictures, ctx)?;
        advance(all.len());
        Ok(losses.into_iter().zip(all).zip(damages).map(|((loss, knobs), damage)| loss + cost(knobs, damage)).collect())
    };
    let [sift, decide] = glances;
    let neutral = Look::default().knobs();
    let starts = std::iter::once(neutral).chain((0..effort.first).map(start)).collect();
    let starts = sifted(starts, SIFTED, |all| score(sift, all))?;
    let found = evolve(starts, SIGMA, effort, stream, |all| score(decide, all))?;
    let best = found.first().map_or(neutral, |(knobs, _)| *knobs);
    let found = simplified(best, &simpler(), |all| score(decide, all))?;
    Ok(with_shading(Look::of_knobs(found, pivot), canvas))
}

/// `look` with as much contrast as a cast of colour needs to keep the picture's shadings: an encoder is content with flat
/// colour, a person is not.
fn with_shading(mut look: Look, canvas: &Canvas) -> Look {
    let [a, b] = look.tint;
    if a.hypot(b) < CAST {
        return look;
    }
    // Contrast about the mean clips a little at both ends, so that one step rarely is enough.
    for _ in 0..CONTRAST_STEPS {
        let (_, damage) = canvas.under(&look);
        if damage.shading >= KEPT_SHADING {
            break;
        }
        look.contrast += CONTRAST_STEP;
    }
    look
}

/// A point of the first round: half of them leave hue and slopes alone, because most looks do.
fn start(index: u32) -> [f32; KNOBS] {
    let unit = halton::<KNOBS>(index);
    let neutral = Look::default().knobs();
    std::array::from_fn(|knob| {
        let is_plain = index.is_multiple_of(2) && matches!(knob, 3 | 6 | 7);
        if is_plain { neutral[knob] } else { LOW[knob] + unit[knob] * (HIGH[knob] - LOW[knob]) }
    })
}

/// Knobs that are set back together.
const SIMPLER: [&[usize]; 8] = [&[6, 7], &[3], &[4, 5], &[4, 5, 6, 7], &[0], &[1], &[0, 1], &[2]];

/// Simpler looks: groups of knobs at neutral, and no chroma at all.
fn simpler() -> Vec<([Option<f32>; KNOBS], f32)> {
    let neutral = Look::default().knobs();
    let set = |group: &[usize], to: [f32; KNOBS]| std::array::from_fn(|knob| group.contains(&knob).then_some(to[knob]));
    let mut all = SIMPLER.map(|group| (set(group, neutral), SNAP)).to_vec();
    all.push((set(&[2, 3, 4, 5, 6, 7], [0.0; KNOBS]), SNAP_TO_GREY));
    all
}

/// The canvas of a picture of which a layer takes `share`.
pub(crate) fn canvas(width: usize, planes: &[Vec<f32>; 3], others: &[Vec<f32>; 3], share: Vec<f32>) -> Canvas {
    let pixels = |[r, g, b]: &[Vec<f32>; 3]| r.iter().zip(g).zip(b).map(|((r, g), b)| [*r, *g, *b]).collect::<Vec<_>>();
    let before = pixels(planes).into_iter().map(oklab_from_srgb).collect();
    Canvas { width, before, others: pixels(others), share }
}
