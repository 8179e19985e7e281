//! Plain cosine of a picture with texts, as `score` and reports give it.
//!
//! Input: a picture in display-referred sRGB, texts. Output: cosines, -1 to 1. The picture (or a rectangle of it) is
//! squeezed to the encoder's square by at most 1.5 : 1 and cut beyond that, composited on white; each text is the
//! mean over the 79 templates, as in zero-shot practice. Determinism and cost: one crop and 79 texts a prompt.

use super::crops::draw::{CropPreset, Region};
use super::direction::{TextMean, cosine, prompt_feature, region_feature};
use super::{Encoder, EncoderError};
use crate::ctx::Ctx;
use crate::image::rect::Rect;
use crate::image::{Alpha, Image};

/// The features of `texts`, to be compared with any number of pictures.
///
/// # Errors
/// [`EncoderError`] for unusable texts.
pub fn text_features(encoder: &Encoder, texts: &[String], ctx: &Ctx) -> Result<Vec<Vec<f32>>, EncoderError> {
    texts.iter().map(|text| prompt_feature(encoder, text, TextMean::Normalised, ctx)).collect()
}

/// The cosine of `image`, or of its part in `rect` (pixels of the image), with each of [`text_features`].
///
/// # Errors
/// [`EncoderError`] for a rectangle outside the picture.
pub fn cosines(
    encoder: &Encoder,
    image: &Image,
    rect: Option<Rect>,
    texts: &[Vec<f32>],
    ctx: &Ctx,
) -> Result<Vec<f32>, EncoderError> {
    let (width, height) = (image.width, image.height);
    let region = match rect {
        None => Region::whole(width, height),
        Some(rect) => {
            let window = [rect.x, rect.y, rect.width, rect.height];
            let outside = EncoderError::Window { window, reason: "it lies outside the picture" };
            let inside = rect.clipped(width as f32, height as f32).ok_or(outside)?;
            let (x, y) = ((inside.x as usize).min(width - 1), (inside.y as usize).min(height - 1));
            let span = |length: f32, limit: usize| (length.round() as usize).clamp(1, limit);
            Region { x, y, width: span(inside.width, width - x), height: span(inside.height, height - y) }
        }
    };
    let [r, g, b] = on_white(image);
    let preset = CropPreset::Stratified { crops: 1 };
    let feature = region_feature(encoder, [&r, &g, &b], (width, height), region, preset, ctx)?;
    Ok(texts.iter().map(|text| cosine(&feature, text)).collect())
}

/// The colour planes over white paper.
fn on_white(image: &Image) -> [Vec<f32>; 3] {
    let [r, g, b, alpha] = &image.planes;
    [r, g, b].map(|plane| {
        let over = |(&value, &a): (&f32, &f32)| match image.alpha {
            Alpha::Straight => value * a + (1.0 - a),
            Alpha::Premultiplied => value + (1.0 - a),
        };
        plane.iter().zip(alpha).map(over).collect()
    })
}
