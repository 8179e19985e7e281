//! The bend of the plane that outlines begin with, found without gradients.
//!
//! Input: a scene, which points are free, a glance. Output: moved points. Formula: every point keeps its direction from a
//! centre and its distance is multiplied by 2^(Σ a(n) cos nθ + b(n) sin nθ), n from 1 to 6: the low Fourier modes of an outline
//! (Zahn and Roskies 1972), applied to the plane. A figure that stands free is given a regular form as well ([`super::form`]):
//! corners are what low modes have not. Along each ray the map only stretches, so it is one to one: no outline crosses itself,
//! and there is no room for teeth. Invariants: frozen points keep their bits, the border of the canvas stays; starts know
//! nothing of prompts. Determinism: as [`super::evolve`]. Cost: a small drawing and a glance for each candidate.

use super::evolve::{evolve, halton, sifted, simplified};
use super::form::{self, Form, Silhouette};
use super::glance::Glance;
use super::{Effort, SIFTED};
use crate::ctx::Ctx;
use crate::gpu::Backend;
use crate::image::color;
use crate::image::rect::Rect;
use crate::optimize::OptimizeError;
use crate::optimize::letters::Letters;
use crate::raster::{self, Background, Size};
use crate::rng::Stream;
use crate::scene::Scene;

/// Numbers of a bend: cosine and sine of modes 1 to 6, then those of a form.
const KNOBS: usize = WAVES + 5;
const WAVES: usize = 12;
/// A form's parts, inner corners, tips and turn (see [`Form::new`]), and how much of it is taken, 0 to 1.
const TIMES: usize = WAVES;
const INNER: usize = WAVES + 1;
const TIP: usize = WAVES + 2;
const TURN: usize = WAVES + 3;
const AMOUNT: usize = WAVES + 4;
/// Modes that starts try, one each in turn.
const FIRST_MODE: u32 = 2;
const START_MODES: u32 = 5;
/// Size of the mode that a start tries, in stops of two, and of all the others.
const LEAST_SIZE: f32 = 0.12;
const MOST_SIZE: f32 = 0.6;
const OTHERS: f32 = 0.08;
/// Spread of children: modes in stops of two, forms keep their number of parts.
const SIGMA: [f32; KNOBS] = {
    let mut sigma = [0.09; KNOBS];
    sigma[TIMES] = 0.0;
    sigma[INNER] = 0.08;
    sigma[TIP] = 0.08;
    sigma[TURN] = 0.04;
    sigma[AMOUNT] = 0.1;
    sigma
};
/// Numbers of parts that forms have.
const FORMS: u32 = *form::TIMES.end() - *form::TIMES.start() + 1;
/// Those that stay after sifting: a glance of one crop cannot tell which number is wanted.
const SIFTED_FORMS: usize = 2;
/// Weight of a bend's size, squared.
const COST: f32 = 0.02;
/// Weight of the part of points that are pushed to the border.
const AT_BORDER: f32 = 1.0;
/// Part of the short side of the bounds over which their border holds the plane.
const FADE: f32 = 0.05;
/// A bend must lower the score by this much to be taken.
const LEAST_GAIN: f32 = 0.01;
/// A bend without one of its modes, or with a simpler number of a form, may cost this much more.
const SNAP: f32 = 0.01;
/// A form without any modes, or a polygon, may cost this much more: the encoder does not see what is clean.
const SNAP_FORM: f32 = 0.03;

/// What bends: a scene and its free points about a centre in canvas pixels.
#[derive(Debug)]
pub(crate) struct Bending<'a> {
    pub(crate) scene: &'a Scene,
    pub(crate) is_free: &'a [bool],
    pub(crate) centre: [f32; 2],
    /// Where it may bend: outside and at the border everything stays.
    pub(crate) bounds: Rect,
    /// Size of the small drawings.
    pub(crate) size: Size,
    /// What holds letters readable.
    pub(crate) letters: Option<&'a Letters>,
    /// What may take a regular form; none: bends alone.
    pub(crate) silhouette: Option<Silhouette>,
}

impl Bending<'_> {
    /// The free points under a bend.
    fn bent(&self, knobs: &[f32; KNOBS]) -> Vec<[f32; 2]> {
        let form = self.form(knobs);
        let points = self.scene.points.iter().zip(self.is_free);
        let moved = points.map(|(point, free)| if *free { self.moved(*point, knobs, form.as_ref()) } else { *point });
        let mut moved = moved.collect::<Vec<_>>();
        if let Some(letters) = self.letters {
            letters.hold(&mut moved);
        }
        moved
    }

    /// The form that a bend gives, with its size.
    fn form(&self, knobs: &[f32; KNOBS]) -> Option<(&Silhouette, Form, f32)> {
        let &[.., times, inner, tip, turn, amount] = knobs;
        let silhouette = self.silhouette.as_ref().filter(|_| amount > 0.0)?;
        let form = Form::new(times, inner, tip, turn);
        Some((silhouette, form, silhouette.size(&form)))
    }

    fn moved(&self, point: [f32; 2], knobs: &[f32; KNOBS], form: Option<&(&Silhouette, Form, f32)>) -> [f32; 2] {
        let [x, y] = [0, 1].map(|axis| point[axis] - self.centre[axis]);
        let length = x.hypot(y);
        if length < 1e-3 {
            return point;
        }
        let (cos, sin) = (x / length, y / length);
        let (mut cos_n, mut sin_n, mut exponent) = (1.0, 0.0, 0.0);
        for mode in knobs.split_at(WAVES).0.chunks_exact(2) {
            (cos_n, sin_n) = (cos_n * cos - sin_n * sin, sin_n * cos + cos_n * sin);
            exponent += mode[0] * cos_n + mode[1] * sin_n;
        }
        let fade = self.fade(point);
        let formed = form.map_or(1.0, |(silhouette, form, size)| silhouette.factor(form, *size, [cos, sin]));
        let amount = fade * knobs[AMOUNT].clamp(0.0, 1.0);
        let factor = color::exp2((exponent * fade).clamp(-3.0, 3.0)) * (1.0 + amount * (formed - 1.0));
        [self.centre[0] + factor * x, self.centre[1] + factor * y]
    }

    /// 1 inside, 0 at the border and outside.
    fn fade(&self, point: [f32; 2]) -> f32 {
        (self.bounds.depth_of(point) / (FADE * self.bounds.width.min(self.bounds.height))).clamp(0.0, 1.0)
    }

    /// Part of the moved points that left the canvas.
    fn outside(&self, points: &[[f32; 2]]) -> f32 {
        let margin = FADE * self.bounds.width.min(self.bounds.height) / 2.0;
        let near = |point: [f32; 2]| self.bounds.depth_of(point) < margin;
        let free = points.iter().zip(&self.scene.points).zip(self.is_free).filter(|(_, free)| **free);
        let (count, left) = free.fold((0, 0), |(count, left), ((after, before), _)| {
            (count + 1, left + u32::from(near(*after) && !near(*before)))
        });
        left as f32 / count.max(1) as f32
    }
}

/// Glances of a whole search at most, without those that simplify its result.
pub(crate) fn glances(effort: Effort) -> u32 {
    let forms = FORMS * (effort.first / FORMS + SIFTED_FORMS as u32);
    effort.glances() + forms
}

/// The points under the best bend by `glances`, one that sifts and one that decides; as they are where none is worth it.
///
/// # Errors
/// [`OptimizeError`] for a scene that cannot be drawn, cancellation.
pub(crate) fn find(
    bending: &Bending<'_>,
    glances: [&Glance<'_>; 2],
    effort: Effort,
    stream: &mut Stream,
    advance: &mut dyn FnMut(usize),
    ctx: &Ctx,
) -> Result<Vec<[f32; 2]>, OptimizeError> {
    // Small drawings are not worth a card's while, and every backend begins at the same place.
    let mut cpu = ctx.clone();
    cpu.backend = Backend::Cpu;
    let mut scene = bending.scene.clone();
    let mut score = |glance: &Glance<'_>, all: &[[f32; KNOBS]]| -> Result<Vec<f32>, OptimizeError> {
        let (mut pictures, mut costs) = (Vec::new(), Vec::new());
        for knobs in all {
            scene.points = bending.bent(knobs);
            let size: f32 = knobs.iter().take(WAVES).map(|knob| knob * knob).sum();
            costs.push(COST * size + AT_BORDER * bending.outside(&scene.points));
            let [r, g, b, _] = raster::render(&scene, bending.size, Background::Rgb([1.0; 3]), &cpu)?.planes;
            pictures.push([r, g, b]);
        }
        advance(all.len());
        Ok(glance.losses(&pictures, ctx)?.into_iter().zip(costs).map(|(loss, cost)| loss + cost).collect())
    };
    let [sift, decide] = glances;
    let still = score(decide, &[[0.0; KNOBS]])?.first().copied().unwrap_or(f32::INFINITY);
    let mut starts = sifted((0..effort.first).map(wave).collect(), SIFTED, |all| score(sift, all))?;
    if bending.silhouette.is_some() {
        for times in form::TIMES {
            let forms = (0..effort.first / FORMS).map(|index| formed(times, index));
            starts.extend(sifted(forms.collect(), SIFTED_FORMS, |all| score(sift, all))?);
        }
    }
    let found = evolve(starts, SIGMA, effort, stream, |all| score(decide, all))?;
    let Some((best, _)) = found.first().filter(|(_, score)| *score < still - LEAST_GAIN) else {
        return Ok(bending.scene.points.clone());
    };
    Ok(bending.bent(&simplified(*best, &simpler(best), |all| score(decide, all))?))
}

/// Settings that make a bend simpler, and what each may cost.
fn simpler(best: &[f32; KNOBS]) -> Vec<([Option<f32>; KNOBS], f32)> {
    let without = |mode: usize| (std::array::from_fn(|knob| (knob / 2 == mode).then_some(0.0)), SNAP);
    let mut simpler = (0..WAVES / 2).map(without).collect::<Vec<_>>();
    if best[AMOUNT] > 0.0 {
        let set = |knobs: &[(usize, f32)]| {
            std::array::from_fn(|at| knobs.iter().find(|(knob, _)| *knob == at).map(|(_, to)| *to))
        };
        simpler.extend([
            (std::array::from_fn(|knob| (knob < WAVES).then_some(0.0)), SNAP_FORM),
            (set(&[(INNER, Form::straight(best[TIMES])), (TIP, 0.0)]), SNAP_FORM),
            (set(&[(TIP, 0.0)]), SNAP),
            (set(&[(TURN, (2.0 * best[TURN]).round() / 2.0)]), SNAP),
            (set(&[(AMOUNT, 1.0)]), SNAP),
        ]);
    }
    simpler
}

/// A start: one mode of some size and phase, and a little of all others.
fn wave(index: u32) -> [f32; KNOBS] {
    let unit = halton::<WAVES>(index);
    let mode = (FIRST_MODE + index % START_MODES) as usize;
    let size = LEAST_SIZE + unit[0] * (MOST_SIZE - LEAST_SIZE);
    let phase = color::cos_sin_of_turns(unit[1]);
    let knob = |knob: usize, unit: &f32| {
        let own = if knob / 2 + 1 == mode { size * phase[knob % 2] } else { 0.0 };
        own + OTHERS * (2.0 * unit - 1.0)
    };
    let mut knobs = [0.0; KNOBS];
    knobs.iter_mut().zip(unit.iter().enumerate()).for_each(|(to, (at, unit))| *to = knob(at, unit));
    knobs
}

/// A start: a form of some parts, upright on a tip or on a side, every other one with flat tips.
fn formed(times: u32, index: u32) -> [f32; KNOBS] {
    let [tip, inner] = halton::<2>(index);
    let mut knobs = [0.0; KNOBS];
    knobs[TIMES] = times as f32;
    knobs[INNER] = form::INNER[0] + inner * (form::INNER[1] - form::INNER[0]);
    knobs[TIP] = if index / 2 % 2 == 1 { form::MOST_TIP * tip } else { 0.0 };
    knobs[TURN] = 0.5 * (index % 2) as f32;
    knobs[AMOUNT] = 1.0;
    knobs
}
