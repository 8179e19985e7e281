//! Vectorization: picture to scene, in rounds of rising precision (CLIPVG, AAAI 2023, section "multi-round
//! vectorization").
//!
//! Input: a picture at working size and [`Settings`]. Output: a [`Scene`] whose canvas is the picture's size in pixels:
//! group `ground` with one rectangle 2 pixels beyond the canvas (left out for pictures with alpha), then a group
//! `round-1`, `round-2`, … for each palette size, then `region-1` for the round inside a rectangle. A path is one
//! connected component, named `r{round}-l{label}-c{component}`; all segments are cubics.
//! Invariants: the scene passes [`Scene::validate`]; it never has more than [`Settings::max_paths`] paths; within a
//! round larger shapes lie below and reach under smaller ones; every visible pixel is covered in every round.
//! Determinism: bit-identical for any number of threads; random numbers come from `seed` alone.
//! Cost: linear in pixels; about 0.1 s a round for 512 x 512 on two cores.
//!
//! The stages, in order: `prefilter` (flatten and sharpen), `palette` (k-means in `OKLab`), `regions` (components),
//! `merge` (specks and budget), `outline` (stack and trace), `fit` (cubics by `visioncortex`).
//! A path's colour is the mean, in display-referred sRGB, of the source pixels of its component: the part of its round
//! that it is visible in. Later rounds cover everything, so this is what shows wherever they move apart.

mod fit;
mod merge;
mod outline;
mod palette;
mod prefilter;
mod regions;
mod settings;

use rayon::prelude::*;

pub use settings::{Preset, RegionRound, Settings};

/// Counts changes of what the same settings make of the same picture.
pub const VERSION: u32 = 1;

use self::outline::BLEED_PX;
use self::prefilter::Pixels;
use self::regions::{Colors, Regions};
use self::settings::Tuning;
use crate::ctx::{Cancelled, Ctx};
use crate::fault::Fault;
use crate::image::color::{linear_from_srgb, oklab_from_linear};
use crate::image::{Alpha, ColorSpace, Image, ImageError};
use crate::scene::{self, FillRule, Rgba, Scene};

/// A picture that cannot be vectorized as asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum VectorizeError {
    /// The picture itself is at fault.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A setting is out of range.
    #[error("{name} is {value}; choose a value from {low} to {high}")]
    Setting {
        /// Which one.
        name: &'static str,
        /// Its value.
        value: f64,
        /// Smallest accepted value.
        low: f64,
        /// Largest accepted value.
        high: f64,
    },
    /// The region is empty or reaches outside the picture.
    #[error(
        "region {}x{} at ({}, {}) does not lie inside the picture of {width} x {height} pixels; move or shrink it",
        rect_px[2], rect_px[3], rect_px[0], rect_px[1]
    )]
    Region {
        /// Left, top, width, height as asked.
        rect_px: [u32; 4],
        /// Width of the picture in pixels.
        width: usize,
        /// Height of the picture in pixels.
        height: usize,
    },
    /// The run was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl VectorizeError {
    /// What kind of fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Setting { .. } | Self::Region { .. } => Fault::Usage,
            Self::Image(error) => error.fault(),
            Self::Cancelled(error) => error.fault(),
        }
    }
}

/// Turns `image` into a scene of stacked rounds.
///
/// The picture is taken as straight alpha in display-referred sRGB (others are converted). Pixels with alpha below one
/// half give no shape; the others are composited on white before their colour is taken. `seed` chooses the start of
/// the palettes.
///
/// # Errors
/// [`VectorizeError`] for bad pictures, settings and regions, and when cancelled.
pub fn vectorize(image: &Image, settings: &Settings, seed: u64, ctx: &Ctx) -> Result<Scene, VectorizeError> {
    image.validate()?;
    settings.check()?;
    check_region(image, settings)?;
    ctx.install(|| run(image, settings, seed, ctx))
}

fn check_region(image: &Image, settings: &Settings) -> Result<(), VectorizeError> {
    let Some(region) = &settings.region else { return Ok(()) };
    let [x, y, width, height] = region.rect_px.map(u64::from);
    let fits = width > 0 && height > 0 && x + width <= image.width as u64 && y + height <= image.height as u64;
    let rect_px = region.rect_px;
    if fits { Ok(()) } else { Err(VectorizeError::Region { rect_px, width: image.width, height: image.height }) }
}

fn run(image: &Image, settings: &Settings, seed: u64, ctx: &Ctx) -> Result<Scene, VectorizeError> {
    let rounds = plan(settings, image);
    ctx.progress.stage("vectorize", rounds.len() as u64 + 1);
    let tuning = settings.tuning();
    let source = Source::new(image, &tuning);
    ctx.cancel.check()?;
    ctx.progress.advance(1, "prefilter");
    let mut scene = Scene::new(image.width as f32, image.height as f32);
    if !source.has_alpha {
        push_ground(&mut scene, &source);
    }
    let mut colors_left: u64 = rounds.iter().map(|round| u64::from(round.colors)).sum();
    for (index, round) in rounds.iter().enumerate() {
        let later = rounds.len() - index - 1;
        let paths_left = settings.max_paths - scene.paths.len() - later;
        let share = (paths_left as u64 * u64::from(round.colors) / colors_left.max(1)) as usize;
        colors_left -= u64::from(round.colors);
        scene.push_group(round.name.clone(), 1.0);
        push_round(&mut scene, &source.crop(round.rect_px), round, share.max(1), &tuning, seed, ctx)?;
        ctx.progress.advance(index as u64 + 2, &format!("{} paths", scene.paths.len()));
    }
    Ok(scene)
}

/// One pass of vectorization at one palette size.
struct Round {
    name: String,
    /// One-based, the `r` of its path names and the index of its random stream.
    number: u32,
    colors: u32,
    rect_px: [usize; 4],
    /// Which sides of its rectangle lie on the canvas edge: left, top, right, bottom.
    bleeds: [bool; 4],
}

fn plan(settings: &Settings, image: &Image) -> Vec<Round> {
    let whole = [0, 0, image.width, image.height];
    let mut rounds: Vec<Round> = Vec::new();
    for (number, &colors) in (1..).zip(&settings.rounds) {
        rounds.push(Round { name: format!("round-{number}"), number, colors, rect_px: whole, bleeds: [true; 4] });
    }
    if let Some(region) = &settings.region {
        let [x, y, width, height] = region.rect_px.map(|value| value as usize);
        let bleeds = [x == 0, y == 0, x + width == image.width, y + height == image.height];
        let number = rounds.len() as u32 + 1;
        let rect_px = [x, y, width, height];
        rounds.push(Round { name: "region-1".to_owned(), number, colors: region.colors, rect_px, bleeds });
    }
    rounds
}

/// Pixels as the stages read them; `flat` is the prefiltered picture that labels are taken from.
struct Source {
    width: usize,
    height: usize,
    rgb: Vec<[f32; 3]>,
    lab: Vec<[f32; 3]>,
    flat: Vec<[f32; 3]>,
    visible: Vec<bool>,
    has_alpha: bool,
}

impl Source {
    fn new(image: &Image, tuning: &Tuning) -> Self {
        let is_ready = image.alpha == Alpha::Straight && image.space == ColorSpace::Srgb;
        let converted = (!is_ready).then(|| image.clone().into_straight().into_space(ColorSpace::Srgb));
        let image = converted.as_ref().unwrap_or(image);
        let [red, green, blue, alpha] = &image.planes;
        let planes = (red, green, blue, alpha).into_par_iter().with_min_len(4096);
        let over_white = |(r, g, b, a): (&f32, &f32, &f32, &f32)| {
            let alpha = a.clamp(0.0, 1.0);
            [r, g, b].map(|value| value.clamp(0.0, 1.0) * alpha + (1.0 - alpha))
        };
        let rgb: Vec<[f32; 3]> = planes.map(over_white).collect();
        let to_lab = |rgb: &[f32; 3]| oklab_from_linear(rgb.map(linear_from_srgb));
        let lab: Vec<[f32; 3]> = rgb.par_iter().with_min_len(4096).map(to_lab).collect();
        let (width, height) = (image.width, image.height);
        let pixels = Pixels { width, height, values: lab };
        let limit_squared = tuning.prefilter_limit_squared;
        let flat = if tuning.prefilter_radius == 0 {
            pixels.values.clone()
        } else {
            let smooth = prefilter::smooth(&pixels, tuning.prefilter_radius, limit_squared);
            prefilter::sharpen(&smooth, limit_squared).values
        };
        let visible = alpha.iter().map(|&alpha| alpha >= 0.5).collect();
        Self { width, height, rgb, lab: pixels.values, flat, visible, has_alpha: image.has_alpha() }
    }

    fn crop(&self, [x, y, width, height]: [usize; 4]) -> Self {
        fn cut<T: Copy>(values: &[T], stride: usize, [x, y, width, height]: [usize; 4]) -> Vec<T> {
            let rows = values.chunks(stride.max(1)).skip(y).take(height);
            rows.flat_map(|row| row.iter().skip(x).take(width).copied()).collect()
        }
        let rect = [x, y, width, height];
        Self {
            width,
            height,
            rgb: cut(&self.rgb, self.width, rect),
            lab: cut(&self.lab, self.width, rect),
            flat: cut(&self.flat, self.width, rect),
            visible: cut(&self.visible, self.width, rect),
            has_alpha: self.has_alpha,
        }
    }
}

/// The bottom rectangle, in the mean colour of the picture.
fn push_ground(scene: &mut Scene, source: &Source) {
    let mut sums = [0.0f64; 3];
    for rgb in &source.rgb {
        for (sum, &value) in sums.iter_mut().zip(rgb) {
            *sum += f64::from(value);
        }
    }
    let [r, g, b] = sums.map(|sum| (sum / source.rgb.len().max(1) as f64) as f32);
    let bleed = BLEED_PX as f32;
    let (right, bottom) = (source.width as f32 + bleed, source.height as f32 + bleed);
    let corners = [[-bleed, -bleed], [right, -bleed], [right, bottom], [-bleed, bottom]];
    let mut points = Vec::new();
    for (from, to) in corners.into_iter().zip(corners.into_iter().cycle().skip(1)) {
        let at = |t: f32| [from[0] + (to[0] - from[0]) * t, from[1] + (to[1] - from[1]) * t];
        points.extend([from, at(1.0 / 3.0), at(2.0 / 3.0)]);
    }
    scene.push_group(scene::GROUND.to_owned(), 1.0);
    let fill = scene.push_fill([r, g, b, 1.0]);
    scene.push_path("ground-1".to_owned(), fill, FillRule::NonZero, &[points]);
}

fn push_round(
    scene: &mut Scene,
    source: &Source,
    round: &Round,
    budget: usize,
    tuning: &Tuning,
    seed: u64,
    ctx: &Ctx,
) -> Result<(), VectorizeError> {
    let centers = palette::palette(&source.flat, &source.visible, round.colors as usize, seed, round.number);
    let labels = palette::label_pixels(&source.flat, &source.visible, &centers);
    ctx.cancel.check()?;
    let colors = Colors { lab: &source.lab, rgb: &source.rgb };
    let mut regions = regions::connected(&labels, source.width, &colors);
    merge::merge_specks(&mut regions, tuning.min_area);
    ctx.cancel.check()?;
    merge::merge_to_budget(&mut regions, budget);
    ctx.cancel.check()?;
    for shape in shapes(&regions, round, source.has_alpha, tuning) {
        let fill = scene.push_fill(shape.fill);
        scene.push_path(shape.id, fill, FillRule::NonZero, &shape.contours);
    }
    Ok(ctx.cancel.check()?)
}

struct Shape {
    id: String,
    fill: Rgba,
    contours: Vec<Vec<[f32; 2]>>,
}

/// The fitted components of a round, back to front.
fn shapes(regions: &Regions, round: &Round, keeps_holes: bool, tuning: &Tuning) -> Vec<Shape> {
    let [left, top, ..] = round.rect_px.map(|value| value as f32);
    let traced = outline::trace(regions, tuning.overlap, round.bleeds, keeps_holes);
    let shape = |traced: &outline::Traced| {
        let region = regions.regions.get(traced.region as usize).copied().unwrap_or_default();
        let [r, g, b] = region.rgb();
        let place = |points: Vec<[f32; 2]>| points.into_iter().map(|[x, y]| [x + left, y + top]).collect();
        Shape {
            id: format!("r{}-l{}-c{}", round.number, region.label, traced.region),
            fill: [r, g, b, 1.0],
            contours: traced.outlines.iter().map(|outline| place(fit::fit(outline, tuning))).collect(),
        }
    };
    traced.par_iter().map(shape).collect()
}
