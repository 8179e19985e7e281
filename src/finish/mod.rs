//! Finish: from a finished edit to a picture of any size; nothing here is searched or optimised.
//!
//! Input: the scenes before and after, their grades, the source at its own size, how much of the edit and of the source's
//! detail is wanted. Output: a picture. Invariants: strength 0 is the source, bit for bit; where nothing was free and detail is
//! kept, so is every other strength. Determinism: as the rasterizer. Cost: one drawing of the shapes where they are seen, some
//! more where detail is kept, and about a hundred operations a pixel and grade.

pub mod lut;
mod moved;
mod photo;
pub mod scores;
mod strength;

pub use strength::scene_at;

use crate::ctx::Ctx;
use crate::image::Image;
use crate::optimize::Edited;
use crate::raster::{self, Background, RasterError, Size};
use serde::{Deserialize, Serialize};

/// How an edit is shown; nothing of it edits anew.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finish {
    /// How much of the source's own pixels is kept where shapes stood still, 0 to 1: 0 gives flat shapes.
    pub detail: f32,
    /// How far along its way the edit is shown, 0 to 1: 0 is the source.
    pub strength: f32,
}

impl Default for Finish {
    fn default() -> Self {
        Self { detail: 0.0, strength: 1.0 }
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
    let strength = finish.strength.clamp(0.0, 1.0);
    let scene = scene_at(edited, strength);
    let Some(source) = source else {
        return Ok(raster::render(&scene, size, Background::Transparent, ctx)?.into_straight());
    };
    if strength == 0.0 {
        return Ok(source.clone());
    }
    // Without detail a strength near 0 would show the flat shapes; the source is what it must come near to.
    let detail = 1.0 - strength * (1.0 - finish.detail.clamp(0.0, 1.0));
    let mut picture = match photo::hides_shapes(edited, &scene, detail) {
        true => source.clone(),
        false => raster::render(&scene, size, Background::Rgb([1.0; 3]), ctx)?,
    };
    if detail > 0.0 {
        photo::lay_on(&mut picture, source, edited, &scene, [detail, strength], ctx)?;
    }
    keep_transparency(&mut picture, source);
    Ok(picture)
}

/// Gives `picture` the alpha of `source`, and what the source has under full transparency: hosts that drop alpha show it.
fn keep_transparency(picture: &mut Image, source: &Image) {
    let [_, _, _, alpha] = &source.planes;
    if alpha.contains(&0.0) {
        for (plane, before) in picture.planes.iter_mut().zip(&source.planes) {
            for ((value, before), alpha) in plane.iter_mut().zip(before).zip(alpha) {
                *value = if *alpha == 0.0 { *before } else { *value };
            }
        }
    }
    let [_, _, _, own] = &mut picture.planes;
    own.clone_from_slice(alpha);
}
