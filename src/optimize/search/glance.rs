//! Glance: how well a small picture agrees with a prompt, forward only.
//!
//! Input: pictures of one size. Output: a loss each, as in the steps, but on few crops and with the whole region and its parts
//! equally heavy. Determinism: one fixed set of windows a search. Cost: a forward pass over the crops.

use super::super::objective::Aim;
use crate::ctx::Ctx;
use crate::encoder::crops::draw::{self, CropPreset, Region};
use crate::encoder::crops::{Crops, weights};
use crate::encoder::{Encoder, EncoderError};
use crate::rng::{Stage, Stream};

/// Index of the stream of windows, far from those of iterations.
const STREAM: u32 = u32::MAX;

/// Colour planes of a small picture.
pub(crate) type Planes = [Vec<f32>; 3];

/// What the encoder is asked about pictures of one size.
#[derive(Debug)]
pub(crate) struct Glance<'a> {
    encoder: &'a Encoder,
    aim: &'a Aim,
    crops: Crops,
    weights: Vec<f32>,
}

impl<'a> Glance<'a> {
    /// Looks at `region` of pictures of `size` (width, height) pixels with `crops` windows.
    ///
    /// # Errors
    /// [`EncoderError`] for an unusable region.
    pub(crate) fn new(
        encoder: &'a Encoder,
        aim: &'a Aim,
        region: Region,
        size: (usize, usize),
        crops: u32,
        seed: u64,
    ) -> Result<Self, EncoderError> {
        let mut stream = Stream::new(seed, 0, Stage::Crops, STREAM);
        let preset = CropPreset::Stratified { crops: crops as usize };
        let specs = draw::draw(region, size, preset, &mut stream)?;
        let crops = Crops::new(&specs, size.0, size.1, &encoder.config)?;
        let weights = if specs.len() > 1 { weights(&specs, 0.5, 0.5) } else { weights(&specs, 1.0, 0.0) };
        Ok(Self { encoder, aim, crops, weights })
    }

    /// The loss of every picture, 0 to 2.
    ///
    /// # Errors
    /// [`EncoderError`], cancellation among them.
    pub(crate) fn losses(&self, pictures: &[Planes], ctx: &Ctx) -> Result<Vec<f32>, EncoderError> {
        let mut crops = Vec::new();
        for planes in pictures {
            crops.extend(self.crops.forward(planes.each_ref().map(Vec::as_slice), ctx)?);
        }
        let count = self.crops.len();
        let features = self.encoder.embed_crops(&crops, pictures.len() * count, ctx)?;
        let each = features.chunks_exact((count * self.encoder.embedding_len()).max(1));
        each.map(|features| Ok(self.aim.loss(features, &self.weights)?.loss as f32)).collect()
    }
}
