//! Directional loss: how far the picture has moved in the direction in which the text moved
//! (StyleGAN-NADA, Gal et al. 2021, equation 3; CLIPVG, Song et al. 2023, section on the loss).
//!
//! Input: raw features. Output: a loss, and its exact gradient with respect to the image features.
//! Invariants: finite for every finite input, also where nothing has moved yet. Determinism: sums run in input
//! order, in f64. Cost: negligible beside the towers.
//!
//! With n(x) = x / |x|: text direction dT = `n(n(mean E(t)) - n(mean E(t_ref)))`, the means over [`super::templates`];
//! image direction `dI = n(E(x)) - n(E(x_ref))`; loss = sum of weight * (1 - dI . dT / sqrt(|dI|^2 + eps^2)).
//! With eps = [`SHARP`] the cosine of any visible change is exact to 1e-5, and at dI = 0 the gradient points along dT; a larger
//! one counts small changes for less, so that the first steps do not decide everything.

use super::crops::Crops;
use super::crops::draw::{self, CropPreset, Region};
use super::{Encoder, EncoderError, expect_len, templates};
use crate::ctx::Ctx;

/// The text that CLIPVG measures a prompt from.
pub const REFERENCE_PROMPT: &str = "A photo";
/// Weight of a region's own crop.
pub const REGION_WEIGHT: f32 = 30.0;
/// Weight of all of a region's patches together.
pub const PATCH_WEIGHT: f32 = 80.0;
/// Length below which an image direction counts as no direction, in the publication's loss.
pub const SHARP: f64 = 1e-4;

/// How the features of a prompt in its templates become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextMean {
    /// Mean of the raw features (CLIPVG).
    Raw,
    /// Mean of the features, each normalised first (zero-shot practice): long features do not outvote short ones.
    Normalised,
}

/// Loss over a batch of crops.
#[derive(Clone, Debug)]
pub struct DirectionLoss {
    /// Sum of weight * (1 - cosine).
    pub loss: f64,
    /// Gradient with respect to the features, `[batch, embedding]`.
    pub d_features: Vec<f32>,
    /// Cosine of each crop's image direction with the text direction.
    pub cosines: Vec<f32>,
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn length(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

fn widened(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| f64::from(x)).collect()
}

/// x / |x|; the zero vector stays zero.
fn unit(mut x: Vec<f64>) -> Vec<f64> {
    let scale = length(&x).max(f64::MIN_POSITIVE);
    x.iter_mut().for_each(|x| *x /= scale);
    x
}

/// Cosine of two vectors; 0 where one of them is zero.
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    dot(&unit(widened(a)), &unit(widened(b))) as f32
}

/// The feature of `prompt` over the 79 templates, of length 1. `score` and reports compare pictures with this
/// feature, as zero-shot practice does; the mean is [`TextMean::Normalised`] there.
///
/// # Errors
/// [`EncoderError::EmptyPrompt`], [`EncoderError::PromptTooLong`] for the longest template, cancellation.
pub fn prompt_feature(encoder: &Encoder, prompt: &str, mean: TextMean, ctx: &Ctx) -> Result<Vec<f32>, EncoderError> {
    if prompt.trim().is_empty() {
        return Err(EncoderError::EmptyPrompt);
    }
    let features = encoder.embed_text(&templates::wrap(prompt), ctx)?;
    let mut sum = vec![0.0; encoder.embedding_len()];
    for feature in &features {
        let feature = widened(feature);
        let feature = if mean == TextMean::Normalised { unit(feature) } else { feature };
        sum.iter_mut().zip(&feature).for_each(|(sum, value)| *sum += value);
    }
    let unit: Vec<f32> = unit(sum).iter().map(|&x| x as f32).collect();
    if unit.iter().all(|x| x.is_finite()) { Ok(unit) } else { Err(EncoderError::NotFinite("a text feature")) }
}

/// Raw feature of a region of a picture: the reference of [`loss`], and what `score` compares with
/// [`prompt_feature`] by [`cosine`].
///
/// # Errors
/// [`EncoderError::Window`] when the region is not inside the picture, [`EncoderError::Length`], cancellation.
pub fn region_feature(
    encoder: &Encoder,
    planes: [&[f32]; 3],
    picture: (usize, usize),
    region: Region,
    preset: CropPreset,
    ctx: &Ctx,
) -> Result<Vec<f32>, EncoderError> {
    let spec = draw::centre(region, picture, preset)?;
    let crop = Crops::new(&[spec], picture.0, picture.1, &encoder.config)?.forward(planes, ctx)?;
    encoder.embed_crops(&crop, 1, ctx)
}

/// The weighted mean of raw features `[batch, embedding]`, each made of length 1 first, of length 1 itself.
pub fn mean_feature(features: &[f32], weights: &[f32], embedding: usize) -> Vec<f32> {
    let mut sum = vec![0.0; embedding];
    for (feature, &weight) in features.chunks(embedding.max(1)).zip(weights) {
        let feature = unit(widened(feature));
        sum.iter_mut().zip(&feature).for_each(|(sum, value)| *sum += f64::from(weight) * value);
    }
    unit(sum).iter().map(|&x| x as f32).collect()
}

/// Direction from the feature of the reference text to that of the prompt, both of length 1. Of length 1 itself, or
/// zero where the two texts mean the same to the encoder: then every loss is constant.
pub fn text_direction(prompt: &[f32], reference: &[f32]) -> Vec<f32> {
    let difference = prompt.iter().zip(reference).map(|(p, r)| f64::from(*p) - f64::from(*r)).collect();
    unit(difference).iter().map(|&x| x as f32).collect()
}

/// The direction `amount` (0 to 1) of the way from `from` to `to`, of length 1; opposite directions meet at zero.
pub fn between(from: &[f32], to: &[f32], amount: f32) -> Vec<f32> {
    let amount = f64::from(amount.clamp(0.0, 1.0));
    let mixed = from.iter().zip(to).map(|(&a, &b)| (1.0 - amount) * f64::from(a) + amount * f64::from(b)).collect();
    unit(mixed).iter().map(|&x| x as f32).collect()
}

/// Directional loss of raw image features `[batch, embedding]`, with one weight a crop, measured from one `reference`
/// `[embedding]`: the region's centre crop in the initial picture (CLIPVG), or zeros for the plain distance from a text.
/// `softness` is the length that a direction must have to count: [`SHARP`] for the publication's loss.
///
/// # Errors
/// [`EncoderError::Length`] when the lengths do not agree, [`EncoderError::NotFinite`].
pub fn loss(
    features: &[f32],
    reference: &[f32],
    text_direction: &[f32],
    weights: &[f32],
    softness: f64,
) -> Result<DirectionLoss, EncoderError> {
    let embedding = text_direction.len().max(1);
    expect_len("image features", weights.len() * embedding, features.len())?;
    expect_len("reference feature", embedding, reference.len())?;
    let direction = widened(text_direction);
    let mut out = DirectionLoss { loss: 0.0, d_features: Vec::with_capacity(features.len()), cosines: Vec::new() };
    for (feature, &weight) in features.chunks(embedding).zip(weights) {
        let (cosine, gradient) = cosine_and_gradient(feature, reference, &direction, softness);
        out.loss += f64::from(weight) * (1.0 - cosine);
        out.cosines.push(cosine as f32);
        out.d_features.extend(gradient.iter().map(|g| (-f64::from(weight) * g) as f32));
    }
    let finite = out.loss.is_finite() && out.d_features.iter().all(|g| g.is_finite());
    if finite { Ok(out) } else { Err(EncoderError::NotFinite("the directional loss")) }
}

/// c = d . t / sqrt(|d|^2 + eps^2) with d = n(f) - n(r), and dc/df.
fn cosine_and_gradient(feature: &[f32], reference: &[f32], direction: &[f64], eps: f64) -> (f64, Vec<f64>) {
    let feature = widened(feature);
    let size = length(&feature);
    let u = unit(feature);
    let r = unit(widened(reference));
    let d: Vec<f64> = u.iter().zip(&r).map(|(u, r)| u - r).collect();
    let soft = (dot(&d, &d) + eps * eps).sqrt();
    let cosine = dot(&d, direction) / soft;
    // dc/dd = (t - c d / soft) / soft; then through the normalisation of the feature, whose Jacobian is
    // (I - u u^T) / |f|.
    let by_d: Vec<f64> = direction.iter().zip(&d).map(|(t, d)| (t - cosine * d / soft) / soft).collect();
    let radial = dot(&by_d, &u);
    // A feature of length zero has no direction to turn.
    let inverse = if size > 1e-12 { 1.0 / size } else { 0.0 };
    let gradient = by_d.iter().zip(&u).map(|(g, u)| (g - radial * u) * inverse).collect();
    (cosine, gradient)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Stage, Stream};

    fn noise(n: usize, index: u32) -> Vec<f32> {
        let mut stream = Stream::new(11, 0, Stage::Test, index);
        (0..n).map(|_| stream.normal()).collect()
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences_with_and_without_a_reference() {
        let (features, start, weights) = (noise(24, 1), noise(8, 2), [30.0, 1.25, 2.5]);
        let direction = text_direction(&noise(8, 3), &noise(8, 4));
        for (reference, softness) in [(start.as_slice(), SHARP), (&[0.0; 8], SHARP), (start.as_slice(), 0.3)] {
            let at = loss(&features, reference, &direction, &weights, softness).unwrap();
            let scale = at.d_features.iter().fold(0.0_f64, |m, &g| m.max(f64::from(g).abs()));
            for i in 0..features.len() {
                let value = |h: f32| {
                    let mut moved = features.clone();
                    moved[i] += h;
                    let loss = loss(&moved, reference, &direction, &weights, softness).unwrap().loss;
                    (loss, f64::from(moved[i]))
                };
                let ((up, at_up), (down, at_down)) = (value(1e-3), value(-1e-3));
                let error = (up - down) / (at_up - at_down) - f64::from(at.d_features[i]);
                assert!(error.abs() < 1e-5 * scale, "value {i}: off by {error}, scale {scale}");
            }
        }
    }

    #[test]
    fn an_unchanged_picture_has_a_finite_gradient_along_the_text() {
        let feature = noise(8, 5);
        let direction = text_direction(&noise(8, 6), &noise(8, 7));
        let at = loss(&feature, &feature, &direction, &[1.0], SHARP).unwrap();
        assert!((at.loss - 1.0).abs() < 1e-12 && at.cosines == [0.0], "nothing has moved: {at:?}");
        let down: f32 = at.d_features.iter().zip(&direction).map(|(g, t)| g * t).sum();
        assert!(down < 0.0, "a step along the text lowers the loss");
        let zero = loss(&feature, &feature, &[0.0; 8], &[1.0], SHARP).unwrap();
        assert!(zero.d_features.iter().all(|&g| g == 0.0), "equal texts pull nowhere");
        assert!(loss(&[0.0; 8], &feature, &direction, &[1.0], SHARP).unwrap().loss.is_finite());
    }

    #[test]
    fn a_picture_moved_along_the_text_has_loss_zero() {
        let reference = [1.0, 0.0, 0.0];
        let moved = [0.0, 1.0, 0.0];
        let direction = text_direction(&moved, &reference);
        let at = loss(&moved, &reference, &direction, &[2.0], SHARP).unwrap();
        assert!(at.loss.abs() < 1e-7, "loss {}", at.loss);
        assert!((cosine(&moved, &[0.0, 3.0, 0.0]) - 1.0).abs() < 1e-7 && cosine(&moved, &[0.0; 3]) == 0.0);
    }

    #[test]
    fn lengths_that_do_not_agree_are_named() {
        let message = loss(&[1.0; 7], &[1.0; 4], &[1.0; 4], &[1.0, 1.0], SHARP).unwrap_err().to_string();
        assert!(message.contains("image features: 7 values where 8 are needed"), "{message}");
    }
}
