//! Colours from coarse to fine: a grade for each layer, then what each shape adds of its own.
//!
//! Input: the gradient by fills. Output: new fills. Formula: c = Σ over layers share (look(c0) + field(c0, x, y)) + what is
//! left of c0 + rest, in `OKLab`, brought into the gamut. Invariants: frozen fills keep their bits, and so do all of them as
//! long as nothing has moved; opacities stay. Towards a reference, colours first settle on its palette alone, then follow the
//! encoder as well. Determinism: fills in order. Cost: some hundred operations a fill; see [`Palette::distance`].

use super::layers::Layer;
use super::settings::Likeness;
use super::structure::Structure;
use crate::ctx::{Cancelled, Ctx};
use crate::grade::{self, Cell, Grid, Palette};
use crate::image::color;
use crate::nn::adam::Adam;
use crate::scene::Scene;

/// Rate of each grid and of the shapes' own rest, against the look's.
const RATES: [f32; 2] = [1.0, 0.5];
const RATE_OF_REST: f32 = 0.3;
/// The same in drawings of at most [`FEW`] colours: no look can turn a red disc green and its blue ground yellow.
const RATE_OF_FEW: f32 = 25.0;
const FEW: usize = 16;
/// Part of the steps after which shapes may take a colour of their own.
const REST_FROM: f32 = 0.3;
/// What is kept of the finer grid and of the rest at every step, so that they hold only what is asked for again and again.
const KEPT: f32 = 0.98;
/// Rate of the coarsest grid while colours settle on a palette: a look's way in some fifty steps.
const SETTLING_RATE: f32 = 0.005;
/// What is left of it at the last of those steps.
const SETTLED: f32 = 0.05;
/// Rates of the grids in those steps: what is the same everywhere comes first, or a sky would have two colours.
const SETTLING_RATES: [f32; 2] = [1.0, 0.15];

/// One fill's start and place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    /// `OKLab`.
    pub color: [f32; 3],
    /// Centre of what is seen of it, 0 to 1 in each axis.
    pub place: [f32; 2],
    /// What is seen of it, in pixels.
    pub area: f32,
    /// Slot of its own rest; none: frozen.
    pub slot: Option<u32>,
    /// A path that has this fill: all of them take the same shares.
    pub path: usize,
}

/// Everything that decides the fills.
#[derive(Clone, Debug)]
pub(super) struct Colors {
    pub(super) layers: Vec<Layer>,
    pub(super) starts: Vec<Start>,
    initial: Vec<[f32; 4]>,
    rest: Vec<[f32; 3]>,
    moments: Moments,
    /// The reference that colours follow besides the encoder.
    followed: Option<Followed>,
}

/// What colours follow besides the encoder: the palette of a reference, as far as the picture's structure allows.
#[derive(Clone, Debug)]
pub(super) struct Followed {
    pub(super) palette: Palette,
    pub(super) structure: Structure,
    pub(super) likeness: Likeness,
}

/// Moments of everything that decides the fills.
#[derive(Clone, Debug)]
struct Moments {
    grids: Vec<Vec<Adam>>,
    rest: Adam,
}

impl Moments {
    /// Those of parameters that move at `rate`, grids at `rates` of it.
    fn new(layers: &[Layer], slot_count: usize, rate: f32, rates: [f32; 2]) -> Self {
        let of_layer = |layer: &Layer| {
            let of = |(grid, scale): (&Grid, f32)| Adam::new(12 * grid.cells.len(), rate * scale);
            layer.grade.field.grids.iter().zip(rates).map(of).collect()
        };
        let rest = rate * if slot_count <= FEW { RATE_OF_FEW } else { RATE_OF_REST };
        Self { grids: layers.iter().map(of_layer).collect(), rest: Adam::new(3 * slot_count, rest) }
    }
}

/// One step among others.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// How many of them are done, 0 to 1.
    progress: f32,
    /// Factor of the rates.
    scale: f32,
    /// What is kept of the finer grid and of the rest.
    kept: f32,
}

impl Colors {
    /// Colours of `scene` that begin as they are; `rate` is that of the coarsest grid.
    pub(super) fn new(scene: &Scene, layers: Vec<Layer>, starts: Vec<Start>, slot_count: usize, rate: f32) -> Self {
        Self {
            moments: Moments::new(&layers, slot_count, rate, RATES),
            rest: vec![[0.0; 3]; slot_count],
            initial: scene.fills.clone(),
            layers,
            starts,
            followed: None,
        }
    }

    /// Brings the colours near to a palette, and holds them there in every later step. A reference without chroma leaves none.
    ///
    /// # Errors
    /// Cancellation.
    pub(super) fn settle(&mut self, fills: &mut [[f32; 4]], followed: Followed, ctx: &Ctx) -> Result<(), Cancelled> {
        if followed.palette.is_grey() {
            self.layers.iter_mut().for_each(|layer| layer.grade.look.saturation = 0.0);
        }
        let steps = followed.likeness.palette_steps;
        let later = self.moments.clone();
        self.moments = Moments::new(&self.layers, self.rest.len(), SETTLING_RATE, SETTLING_RATES);
        for step in 0..steps {
            ctx.cancel.check()?;
            let progress = step as f32 / steps as f32;
            let scale = 1.0 - (1.0 - SETTLED) * progress;
            let (mut by_colors, mut by_cells) = (vec![[0.0; 3]; self.starts.len()], self.blank());
            self.follow(&followed, 1.0, &mut by_colors, &mut by_cells);
            // What holds back falls with the steps, else the last small steps would undo the first.
            self.descend(&by_colors, by_cells, Pace { progress, scale, kept: 1.0 - (1.0 - KEPT) * scale });
            ctx.progress.advance(u64::from(step) + 1, "");
        }
        self.paint(fills);
        self.moments = later;
        self.followed = Some(followed);
        Ok(())
    }

    /// Adds `weight` times the gradient of the squared distance from a palette, by the colours that may change, and that of lost
    /// structure, by the cells of the grades.
    fn follow(&self, followed: &Followed, weight: f32, by_colors: &mut [[f32; 3]], by_cells: &mut [Vec<Vec<Cell>>]) {
        let colors = self.starts.iter().map(|start| self.wanted(start)).collect::<Vec<_>>();
        let area = |start: &Start| if start.slot.is_some() { start.area } else { 0.0 };
        let areas = self.starts.iter().map(area).collect::<Vec<_>>();
        for (sum, by_palette) in by_colors.iter_mut().zip(followed.palette.distance(&colors, &areas).by_colors) {
            sum.iter_mut().zip(by_palette).for_each(|(sum, value)| *sum += weight * value);
        }
        for (layer, by_cells) in self.layers.iter().zip(by_cells) {
            followed.structure.loss(&layer.grade, weight * followed.likeness.structure_weight, by_cells);
        }
    }

    /// The fills before the edit.
    pub(super) fn initial(&self) -> &[[f32; 4]] {
        &self.initial
    }

    /// The layers, and what each fill adds of its own.
    pub(super) fn into_grades(self) -> (Vec<Layer>, Vec<[f32; 3]>) {
        let rest = self.starts.iter().map(|start| self.rest_of(start)).collect();
        (self.layers, rest)
    }

    /// Whether every grade that a fill takes leaves nothing but grey.
    fn is_grey(&self, start: &Start) -> bool {
        self.layers.iter().all(|layer| layer.share(start.path) == 0.0 || layer.grade.look.is_grey())
    }

    fn rest_of(&self, start: &Start) -> [f32; 3] {
        start.slot.and_then(|slot| self.rest.get(slot as usize)).copied().unwrap_or_default()
    }

    /// The colour of a fill, not yet in the gamut.
    fn wanted(&self, start: &Start) -> [f32; 3] {
        let mut sum = [0.0; 3];
        let mut left = 1.0;
        for layer in &self.layers {
            let share = layer.share(start.path);
            if share > 0.0 {
                let graded = layer.grade.apply(start.color, start.place);
                sum = [0, 1, 2].map(|axis| sum[axis] + share * graded[axis]);
                left -= share;
            }
        }
        let rest = self.rest_of(start);
        [0, 1, 2].map(|axis| sum[axis] + left.max(0.0) * start.color[axis] + rest[axis])
    }

    /// Writes the fills.
    pub(super) fn paint(&self, fills: &mut [[f32; 4]]) {
        let is_neutral = self.layers.iter().all(|layer| layer.grade.is_neutral());
        let still = is_neutral && self.rest.as_flattened().iter().all(|value| *value == 0.0);
        for ((fill, start), initial) in fills.iter_mut().zip(&self.starts).zip(&self.initial) {
            if start.slot.is_none() || still {
                *fill = *initial;
                continue;
            }
            let [r, g, b] = grade::srgb_from_oklab(self.wanted(start));
            *fill = [r, g, b, initial[3]];
        }
    }

    /// One step down `gradient`, by the fills, at `progress` through the steps; then paints.
    pub(super) fn step(&mut self, fills: &mut [[f32; 4]], gradient: &[[f32; 4]], progress: f32, scale: f32) {
        let by_fill = |(start, &[r, g, b, _]): (&Start, &[f32; 4])| by_oklab(self.wanted(start), [r, g, b]);
        let mut by_colors = self.starts.iter().zip(gradient).map(by_fill).collect::<Vec<_>>();
        let mut by_cells = self.blank();
        if let Some(followed) = &self.followed {
            self.follow(followed, followed.likeness.palette_weight, &mut by_colors, &mut by_cells);
        }
        self.descend(&by_colors, by_cells, Pace { progress, scale, kept: KEPT });
        self.paint(fills);
    }

    /// No gradient by any cell of any grid of any layer.
    fn blank(&self) -> Vec<Vec<Vec<Cell>>> {
        let of_layer = |layer: &Layer| {
            layer.grade.field.grids.iter().map(|grid| vec![Cell::default(); grid.cells.len()]).collect()
        };
        self.layers.iter().map(of_layer).collect()
    }

    /// One step down `by_colors`, the gradient by the `OKLab` colour of every fill, and down what is in `by_cells` already.
    fn descend(
        &mut self,
        by_colors: &[[f32; 3]],
        mut by_cells: Vec<Vec<Vec<Cell>>>,
        Pace { progress, scale, kept }: Pace,
    ) {
        let mut by_rest = vec![[0.0; 3]; self.rest.len()];
        for (start, &by_color) in self.starts.iter().zip(by_colors) {
            let Some(slot) = start.slot else { continue };
            let mut by_color = by_color;
            if self.is_grey(start) {
                // Where the look takes all colour away, nothing brings a little of it back.
                by_color = [by_color[0], 0.0, 0.0];
            }
            for (layer, by_cells) in self.layers.iter().zip(&mut by_cells) {
                let share = layer.share(start.path);
                if share > 0.0 {
                    let part = by_color.map(|value| share * value);
                    layer.grade.field.add_gradient(start.color, start.place, part, by_cells);
                }
            }
            if let Some(sum) = by_rest.get_mut(slot as usize) {
                sum.iter_mut().zip(by_color).for_each(|(sum, value)| *sum += value);
            }
        }
        for ((layer, by_cells), moments) in self.layers.iter_mut().zip(&mut by_cells).zip(&mut self.moments.grids) {
            let grids = layer.grade.field.grids.iter_mut().zip(by_cells).zip(moments).enumerate();
            for (level, ((grid, by_cells), adam)) in grids {
                let steps = by_cells.as_flattened_mut().as_flattened_mut();
                adam.step(steps, scale);
                let kept = if level == 0 { 1.0 } else { kept };
                let values = grid.cells.as_flattened_mut().as_flattened_mut();
                values.iter_mut().zip(steps).for_each(|(value, step)| *value = kept * *value + *step);
            }
        }
        if progress >= REST_FROM || self.rest.len() <= FEW {
            let steps = by_rest.as_flattened_mut();
            self.moments.rest.step(steps, scale);
            let values = self.rest.as_flattened_mut().iter_mut();
            values.zip(steps).for_each(|(value, step)| *value = kept * *value + *step);
        }
    }
}

/// The gradient by an `OKLab` colour of that by its sRGB; what would push a channel further out of the gamut is dropped.
fn by_oklab(oklab: [f32; 3], by_srgb: [f32; 3]) -> [f32; 3] {
    let linear = color::linear_from_oklab(oklab);
    let kept = [0, 1, 2].map(|channel| {
        let (value, slope) = (linear[channel], by_srgb[channel]);
        let outwards = (value > 1.0 && slope < 0.0) || (value < 0.0 && slope > 0.0);
        if outwards { 0.0 } else { slope }
    });
    color::d_oklab_from_d_srgb(oklab, kept)
}
