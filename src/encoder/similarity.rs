//! Plain cosine of a picture with texts, and of its change with them, as `score` and reports give it.
//!
//! Input: pictures in display-referred sRGB, texts. Output: cosines, -1 to 1. A picture (or a rectangle of it) is
//! squeezed to the encoder's square by at most 1.5 : 1 and cut beyond that, composited on white; each text is the
//! mean over the 79 templates, as in zero-shot practice. Determinism and cost: one crop and 79 texts a prompt.

use super::crops::draw::{self, CropPreset, Region};
use super::crops::{self, Crops};
use super::direction::{self, TextMean, cosine, prompt_feature, region_feature, text_direction};
use super::{Encoder, EncoderError, Tapped};
use crate::ctx::Ctx;
use crate::image::rect::Rect;
use crate::image::{Alpha, Image};
use crate::rng::{Stage, Stream};
use serde::Serialize;

/// How far a change of a picture is the change from one text to another.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Moved {
    /// Cosine of the direction from picture to picture with that from text to text (directional similarity:
    /// StyleGAN-NADA, Gal et al. 2022, equation 2); 0 where the two pictures or the two texts are the same.
    pub direction_cosine: f32,
    /// Cosine of the picture before with the direction from text to text.
    pub along_before: f32,
    /// The same of the picture after.
    pub along_after: f32,
}

/// The feature of `text`, to be compared with any number of pictures.
///
/// # Errors
/// [`EncoderError`] for an unusable text.
pub fn text_feature(encoder: &Encoder, text: &str, ctx: &Ctx) -> Result<Vec<f32>, EncoderError> {
    prompt_feature(encoder, text, TextMean::Normalised, ctx)
}

/// What the change from `before` to `after`, two [`picture_feature`]s, has of the change from `reference` to `text`,
/// two [`text_feature`]s.
///
/// # Errors
/// [`EncoderError`] for features of different lengths.
pub fn moved(before: &[f32], after: &[f32], reference: &[f32], text: &[f32]) -> Result<Moved, EncoderError> {
    let along = text_direction(text, reference);
    let change = direction::loss(after, before, &along, &[1.0], direction::SHARP)?;
    Ok(Moved {
        direction_cosine: change.cosines.first().copied().unwrap_or(0.0),
        along_before: cosine(before, &along),
        along_after: cosine(after, &along),
    })
}

/// The feature of `image`, or of its part in `rect` (pixels of the image), to be compared with a [`text_feature`]
/// by [`cosine`].
///
/// # Errors
/// [`EncoderError`] for a rectangle outside the picture.
pub fn picture_feature(
    encoder: &Encoder,
    image: &Image,
    rect: Option<Rect>,
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
    region_feature(encoder, [&r, &g, &b], (width, height), region, preset, ctx)
}

/// What the image tower sees in several windows of a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// What the windows have in common, of length 1: the mean of their features, each of length 1, the whole picture weighing
    /// against its parts as in the steps of an edit.
    pub feature: Vec<f32>,
    /// Of each tap the token states of all windows.
    pub states: Vec<Vec<f32>>,
}

/// Looks at `crops` windows of `image`, the whole of it among them, and at their token states after each of the blocks `taps`.
///
/// # Errors
/// [`EncoderError`] for an empty picture, cancellation.
pub fn seen_in_crops(
    encoder: &Encoder,
    image: &Image,
    crops: usize,
    taps: &[usize],
    ctx: &Ctx,
) -> Result<Seen, EncoderError> {
    let (width, height) = (image.width, image.height);
    let mut stream = Stream::new(0, 0, Stage::Crops, 0);
    let specs =
        draw::draw(Region::whole(width, height), (width, height), CropPreset::Stratified { crops }, &mut stream)?;
    let weights = crops::weights(&specs, direction::REGION_WEIGHT, direction::PATCH_WEIGHT);
    let [r, g, b] = on_white(image);
    let cut = Crops::new(&specs, width, height, &encoder.config)?.forward([&r, &g, &b], ctx)?;
    let Tapped { features, states, .. } = encoder.embed_crops_tapped(&cut, specs.len(), taps, ctx)?;
    Ok(Seen { feature: direction::mean_feature(&features, &weights, encoder.embedding_len()), states })
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
