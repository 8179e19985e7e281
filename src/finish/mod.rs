//! Finish: from a finished edit to a picture of any size; nothing here is searched or optimised.
//!
//! Input: the scenes before and after, their grades, the source at its own size, how much of the edit and of the source's
//! detail is wanted. Output: a picture. Invariants: strength 0 is the source, bit for bit; where nothing was free and detail is
//! kept, so is every other strength; alpha is the source's, and soft edges show the edit (`rims`); what is brighter than a display
//! is kept where it was not edited away (`bright`); nothing becomes darker than black that was not. Determinism: as the
//! rasterizer. Cost: one drawing of the shapes where they are seen, some more where detail is kept, and about a hundred operations
//! a pixel and grade.

mod bright;
mod letters;
pub mod lut;
mod moved;
mod photo;
mod repainted;
mod rims;
pub mod scores;
mod strength;

pub use letters::Letters;
pub use repainted::draw_picture;
pub use strength::scene_at;

use crate::ctx::Ctx;
use crate::image::Image;
use crate::optimize::Edited;
use crate::raster::{self, Background, RasterError, Size};
use crate::scene::Scene;
use bright::Bright;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// How an edit is shown; nothing of it edits anew.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finish {
    /// How much of the source's own pixels is kept where shapes stood still, 0 to 1: 0 gives flat shapes.
    pub detail: f32,
    /// How far along its way the edit is shown, 0 to 1: 0 is the source.
    pub strength: f32,
    /// How much of their way outlines stay back, 0 to 1: at 1 none moves, whatever the colours do.
    #[serde(default, skip_serializing_if = "is_none")]
    pub structure: f32,
    /// How the letters of a word are shown; none for pictures and other shapes, and for a word as the encoder sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub letters: Option<Letters>,
}

impl Default for Finish {
    fn default() -> Self {
        Self { detail: 0.0, strength: 1.0, structure: 0.0, letters: None }
    }
}

impl Finish {
    /// How far along its way the edit is shown, 0 to 1: points, and colours.
    fn ways(&self) -> [f32; 2] {
        let strength = self.strength.clamp(0.0, 1.0);
        [strength * (1.0 - self.structure.clamp(0.0, 1.0)), strength]
    }
}

/// Whether outlines go all the way: what was judged before they could stay back keeps its name.
fn is_none(structure: &f32) -> bool {
    *structure == 0.0
}

/// The shapes of `edited` as `finish` shows them: what an SVG holds.
pub fn scene_shown(edited: &Edited, finish: Finish) -> Scene {
    let scene = scene_at(edited, finish.ways());
    match finish.letters {
        Some(letters) => letters::dressed(&scene, letters),
        None => scene,
    }
}

/// One pixel of an edit laid over its source: `shown` is mix by mask, 0 to 1. At 0 and 1 the numbers are kept to the bit.
pub fn mixed(before: [f32; 4], after: [f32; 4], shown: f32) -> [f32; 4] {
    if shown >= 1.0 {
        return after;
    }
    if shown <= 0.0 {
        return before;
    }
    [0, 1, 2, 3].map(|plane| before[plane] + shown * (after[plane] - before[plane]))
}

/// Draws `edited` at `size`; `source` has that size, in display-referred sRGB with straight alpha, and gives the result its
/// alpha.
///
/// # Errors
/// [`RasterError`] for a scene that cannot be drawn.
pub fn draw(
    edited: &Edited,
    size: Size,
    source: Option<&Image>,
    finish: Finish,
    ctx: &Ctx,
) -> Result<Image, RasterError> {
    let Some(source) = source else { return shapes_alone(edited, size, finish, ctx) };
    let ways = finish.ways();
    let [_, strength] = ways;
    if strength == 0.0 {
        return Ok(source.clone());
    }
    // Without detail a strength near 0 would show the flat shapes; the source is what it must come near to.
    let detail = 1.0 - strength * (1.0 - finish.detail.clamp(0.0, 1.0));
    let mut picture = source.clone();
    let [red, green, blue, _] = &mut picture.planes;
    let colors = colors(edited, size, source, detail, ways, ctx)?;
    for (plane, colors) in [red, green, blue].into_iter().zip(colors) {
        *plane = colors;
    }
    keep_source(&mut picture, source);
    Ok(picture)
}

/// The shapes without a picture below them: what lies between them is transparent.
fn shapes_alone(edited: &Edited, size: Size, finish: Finish, ctx: &Ctx) -> Result<Image, RasterError> {
    let scene = scene_shown(edited, finish);
    let mut picture = raster::render(&scene, size, Background::Transparent, ctx)?.into_straight();
    if let Some(Letters { color, ground: false }) = finish.letters {
        // Beyond the letters too: whoever scales the picture mixes in no other colour.
        picture.planes.iter_mut().zip(color).for_each(|(plane, value)| plane.fill(value));
    }
    Ok(picture)
}

/// The colours of `edited` over `source`, with `detail` of the source's own pixels, points and colours so far along their `ways`.
fn colors(
    edited: &Edited,
    size: Size,
    source: &Image,
    detail: f32,
    ways: [f32; 2],
    ctx: &Ctx,
) -> Result<[Vec<f32>; 3], RasterError> {
    let scene = scene_at(edited, ways);
    let [_, strength] = ways;
    let bright = Bright::of(source);
    let rims = rims::rims(source, edited, &scene, size, ctx)?;
    let rims = rims.as_ref();
    let needs_grade = !edited.layers.is_empty() && (detail > 0.0 || rims.is_some() || !bright.is_none());
    let graded = needs_grade.then(|| photo::graded(&bright.dimmed, edited, rims, strength, size, ctx)).transpose()?;
    let lit = graded.as_ref().filter(|_| !bright.is_none()).map(|graded| bright.brightened(graded));
    let graded = match graded {
        Some(graded) if photo::hides_shapes(edited, &scene, detail) => return Ok(lit.unwrap_or(graded)),
        graded => graded,
    };
    let cut: [&[f32]; 3] = [0, 1, 2].map(|plane: usize| bright.cut.planes[plane].as_slice());
    let under = graded.as_ref().map_or(cut, |graded| graded.each_ref().map(Vec::as_slice));
    let mut shapes = rims::drawn(rims, &scene, size, 1.0, Some(under), ctx)?;
    let needs_stillness = detail > 0.0 || !bright.is_none();
    let still = needs_stillness.then(|| moved::stillness(&edited.initial, &scene, rims, size, ctx)).transpose()?;
    let still = still.flatten();
    let grain = if detail > 0.0 && graded.is_none() {
        let before = rims::drawn(rims, &edited.initial, size, 1.0, Some(cut), ctx)?;
        let mut grain = photo::with_grain(&shapes, &bright.cut, &before);
        bright.add_cut(&mut grain, &source.planes, None);
        Some(grain)
    } else {
        None
    };
    bright.add_cut(&mut shapes, lit.as_ref().map_or(&source.planes[..], |lit| lit), still.as_deref());
    if let Some(wanted) = grain.or(lit).or(graded).filter(|_| detail > 0.0) {
        ctx.install(|| lay_on(&mut shapes, &wanted, detail, still.as_deref()));
    }
    Ok(shapes)
}

/// Lays `amount` of `wanted` on `shapes` where they stood still.
fn lay_on(shapes: &mut [Vec<f32>; 3], wanted: &[Vec<f32>; 3], amount: f32, still: Option<&[f32]>) {
    shapes.par_iter_mut().zip(wanted).for_each(|(out, wanted)| {
        for (at, (out, wanted)) in out.iter_mut().zip(wanted).enumerate() {
            let weight = amount * still.map_or(1.0, |still| still.get(at).copied().unwrap_or(1.0));
            *out = if weight == 1.0 { *wanted } else { *out + weight * (wanted - *out) };
        }
    });
}

/// Leaves what the source has under full transparency, for hosts that drop alpha show it. Cuts off what rounding, and grain on
/// shapes that an edit made darker or lighter, carry beyond black and white; beyond white only where the source was within.
fn keep_source(picture: &mut Image, source: &Image) {
    let is_translucent = source.has_alpha();
    let [red, green, blue, alpha] = &source.planes;
    let is_within = |at: usize| [red, green, blue].iter().all(|plane| plane.get(at).is_some_and(|value| *value <= 1.0));
    for (plane, before) in picture.planes.iter_mut().zip(&source.planes).take(3) {
        for (at, ((value, before), alpha)) in plane.iter_mut().zip(before).zip(alpha).enumerate() {
            if is_translucent && *alpha == 0.0 {
                *value = *before;
            } else if *value < 0.0 {
                *value = value.max(before.min(0.0));
            } else if *value > 1.0 && is_within(at) {
                *value = 1.0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctx::Silent;
    use crate::grade::{Grade, Look};
    use crate::optimize::Layer;
    use crate::scene::FillRule;
    use std::sync::Arc;

    const SIZE: Size = Size { width_px: 40, height_px: 8 };

    fn ctx() -> Ctx {
        Ctx::new(2, Arc::new(Silent)).unwrap()
    }

    /// A red strip that fades out to the right, and the shape of the part that is at least half there.
    fn fading() -> (Image, Scene) {
        let mut image = Image::filled(SIZE.width_px, SIZE.height_px, [0.8, 0.2, 0.1]);
        let alpha = |x: usize| ((30.0 - x as f32) / 20.0).clamp(0.0, 1.0);
        image.planes[3].iter_mut().enumerate().for_each(|(at, value)| *value = alpha(at % SIZE.width_px));
        let mut scene = Scene::new(SIZE.width_px as f32, SIZE.height_px as f32);
        scene.push_group("round-1".to_owned(), 1.0);
        let fill = scene.push_fill([0.8, 0.2, 0.1, 1.0]);
        let square = [[-2.0, -2.0], [20.0, -2.0], [20.0, 10.0], [-2.0, 10.0]];
        let next = square.into_iter().cycle().skip(1);
        let along = |a: [f32; 2], b: [f32; 2], t: f32| [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t];
        let points =
            square.into_iter().zip(next).flat_map(|(a, b)| [a, along(a, b, 1.0 / 3.0), along(a, b, 2.0 / 3.0)]);
        scene.push_path("a".to_owned(), fill, FillRule::NonZero, &[points.collect()]);
        (image, scene)
    }

    fn recolored(scene: &Scene, color: [f32; 3]) -> Edited {
        let mut after = scene.clone();
        after.fills[0][..3].copy_from_slice(&color);
        Edited { scene: after, ..Edited::untouched(scene) }
    }

    #[test]
    fn what_no_shape_covers_changes_as_the_shapes_nearby() {
        let (source, scene) = fading();
        let edited = recolored(&scene, [0.1, 0.7, 0.3]);
        for detail in [0.0, 0.5, 1.0] {
            let drawn = draw(&edited, SIZE, Some(&source), Finish { detail, ..Finish::default() }, &ctx()).unwrap();
            for at in (0..30).map(|x| 3 * SIZE.width_px + x) {
                let color = [0, 1, 2].map(|plane: usize| drawn.planes[plane][at]);
                let off = color.iter().zip([0.1, 0.7, 0.3]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(off < 1e-3, "detail {detail}: {color:?} at {at}");
            }
            assert_eq!(drawn.planes[3], source.planes[3], "alpha");
            assert_eq!(drawn.planes[0][35], source.planes[0][35], "what is not there is left alone");
        }
    }

    #[test]
    fn paper_is_seen_where_a_shape_has_gone_and_not_along_an_outline_that_gave_way() {
        let (source, scene) = fading();
        let green_of = |drawn_in_px: f32| {
            let mut edited = Edited::untouched(&scene);
            let right = edited.scene.points.iter_mut().filter(|[x, _]| *x > 0.0);
            right.for_each(|[x, _]| *x = (*x - drawn_in_px).max(0.0));
            draw(&edited, SIZE, Some(&source), Finish::default(), &ctx()).unwrap().planes[1].clone()
        };
        let worst = green_of(1.5).iter().take(30).map(|green| (green - 0.2).abs()).fold(0.0, f32::max);
        assert!(worst < 0.03, "a line of {worst}");
        let gone = green_of(18.0);
        assert!((4..10).all(|x| gone[x] > 0.9), "white where the shape was: {:?}", &gone[..30]);
        // The edge is half there or more where the shape was.
        let sliver = green_of(6.0);
        assert!((13..30).all(|x| sliver[x] < 0.25), "paper in a soft edge: {:?}", &sliver[..30]);
    }

    #[test]
    fn shapes_below_do_not_shine_through_a_common_edge() {
        let (source, top) = fading();
        let mut scene = top.clone();
        let above = scene.push_fill([0.8, 0.2, 0.1, 1.0]);
        scene.fills[0] = [0.1, 0.9, 0.9, 1.0];
        scene.points.iter_mut().for_each(|[x, _]| *x += 0.5);
        let outline = scene.points.clone();
        scene.push_path("b".to_owned(), above, FillRule::NonZero, &[outline]);
        let drawn = draw(&Edited::untouched(&scene), SIZE, Some(&source), Finish::default(), &ctx()).unwrap();
        let worst = drawn.planes[1].iter().take(30).map(|green| (green - 0.2).abs()).fold(0.0, f32::max);
        assert!(worst < 0.03, "a line of {worst}");
    }

    #[test]
    fn a_share_of_a_grade_reaches_under_a_soft_edge() {
        let (source, scene) = fading();
        let look = Look { saturation: 0.0, ..Look::default() };
        let layer = Layer { grade: Grade { look, ..Grade::default() }, shares: vec![1.0] };
        let edited = Edited { layers: vec![layer], rest: vec![[0.0; 3]], ..Edited::untouched(&scene) };
        let finish = Finish { detail: 1.0, ..Finish::default() };
        let drawn = draw(&edited, SIZE, Some(&source), finish, &ctx()).unwrap();
        for x in [5, 19, 22, 28] {
            let [r, g, b] = [0, 1, 2].map(|plane: usize| drawn.planes[plane][3 * SIZE.width_px + x]);
            assert!((r - g).abs() < 0.01 && (g - b).abs() < 0.01, "grey at {x}: {r}, {g}, {b}");
        }
    }

    #[test]
    fn grain_on_a_shape_that_became_black_or_white_stays_within_the_range() {
        let (mut source, scene) = fading();
        source.planes[0].iter_mut().step_by(3).for_each(|value| *value = 0.2);
        source.planes[1].iter_mut().step_by(2).for_each(|value| *value = 0.9);
        for color in [[0.0; 3], [1.0; 3]] {
            let finish = Finish { detail: 1.0, ..Finish::default() };
            let drawn = draw(&recolored(&scene, color), SIZE, Some(&source), finish, &ctx()).unwrap();
            let colors = drawn.planes.iter().take(3).flatten();
            assert!(
                colors.clone().all(|value| (0.0..=1.0).contains(value)),
                "{color:?}: {:?}",
                colors.max_by(|a, b| a.total_cmp(b))
            );
        }
    }

    #[test]
    fn letters_are_shown_in_their_colour_on_nothing() {
        let (_, mut scene) = fading();
        scene.groups[0].id = crate::scene::LETTERS.to_owned();
        let letters = Some(Letters { color: [0.9, 0.5, 0.1], ground: false });
        let finish = Finish { letters, ..Finish::default() };
        let drawn = draw(&Edited::untouched(&scene), SIZE, None, finish, &ctx()).unwrap();
        assert_eq!((drawn.planes[3][5], drawn.planes[3][35]), (1.0, 0.0), "cover is alpha");
        let colors = [0, 1, 2].map(|plane: usize| drawn.planes[plane].clone());
        assert_eq!(colors, [0.9, 0.5, 0.1].map(|value| vec![value; SIZE.width_px * SIZE.height_px]));
    }
}
