//! Pictures as latents, and back.
//!
//! Input: pictures in display-referred sRGB with straight alpha. Output: latents as maps, pictures. Invariants: transparent places lie over
//! middle grey, where nothing is to be seen; sides fit the networks and the picture keeps its shape as nearly as that allows. Determinism:
//! as [`crate::image::resample`] and the networks. Cost: one pass of the autoencoder.

use super::{DiffuseError, Diffusion};
use crate::ctx::Ctx;
use crate::image::{Image, resample};
use crate::nn::NnError;
use crate::nn::conv::Grid;
use crate::nn::matrix::{matrix, read};
use crate::rng::Stream;
use candle_core::Tensor;

/// Variances beyond these are not believed.
const LOG_VARIANCE: (f32, f32) = (-30.0, 20.0);

/// Values of a map, pixel after pixel.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Latent {
    pub(super) values: Vec<f32>,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
}

/// What the autoencoder says of a picture: a normal distribution of latents, scaled for the denoiser.
#[derive(Clone, Debug)]
pub(super) struct Posterior {
    pub(super) mean: Latent,
    /// Standard deviations, in the order of `mean`.
    spread: Vec<f32>,
}

/// Width and height near `area` pixels in the shape of `size`, in multiples of `multiple`. The long side gives way where the short one
/// cannot be shorter.
pub(super) fn working_size((width, height): (usize, usize), area: usize, multiple: usize) -> (usize, usize) {
    let scale = (area as f64 / (width * height).max(1) as f64).sqrt();
    let fitting = |side: f64| ((side / multiple as f64).round() as usize).max(1) * multiple;
    let short = fitting(width.min(height) as f64 * scale);
    let long = fitting((width.max(height) as f64 * scale).min(area as f64 / short as f64));
    if width < height { (short, long) } else { (long, short) }
}

impl Latent {
    pub(super) fn grid(&self) -> Grid {
        Grid { images: 1, height: self.height, width: self.width }
    }

    /// The map as a matrix, `images` times over.
    pub(super) fn tensor(&self) -> Result<Tensor, NnError> {
        matrix(self.values.clone(), self.height * self.width, self.channels)
    }

    pub(super) fn with(&self, values: Vec<f32>) -> Self {
        Self { values, ..*self }
    }

    /// Normal numbers of this shape, drawn plane by plane.
    pub(super) fn noise(&self, stream: &mut Stream) -> Vec<f32> {
        let pixels = self.height * self.width;
        let planes: Vec<f32> = (0..self.channels * pixels).map(|_| stream.normal()).collect();
        let value = |at: usize| planes.get(at % self.channels * pixels + at / self.channels).copied();
        (0..self.values.len()).filter_map(value).collect()
    }
}

impl Posterior {
    /// One latent of the distribution.
    pub(super) fn sample(&self, stream: &mut Stream) -> Latent {
        let noise = self.mean.noise(stream);
        let drawn = self.mean.values.iter().zip(&self.spread).zip(&noise);
        self.mean.with(drawn.map(|((mean, spread), noise)| mean + spread * noise).collect())
    }
}

/// A picture as rows of colours in -1..1.
fn colours(picture: &Image) -> Vec<f32> {
    let [red, green, blue, _] = &picture.planes;
    let colours = red.iter().zip(green).zip(blue);
    colours.flat_map(|((&r, &g), &b)| [r, g, b].map(|value| 2.0 * value.clamp(0.0, 1.0) - 1.0)).collect()
}

impl Diffusion {
    /// `picture` over grey at the size at which the networks work on it: about `area` pixels, the model's own where zero.
    pub(super) fn sized(&self, picture: &Image, area: usize, ctx: &Ctx) -> Image {
        let (width, height) = self.working_size((picture.width, picture.height), area);
        resample::resize(&picture.clone().over([0.5; 3]), width, height, ctx)
    }

    /// The latents of a picture, whose sides fit.
    pub(super) fn encode(&self, picture: &Image, ctx: &Ctx) -> Result<Posterior, DiffuseError> {
        let grid = Grid { images: 1, height: picture.height, width: picture.width };
        let colours = matrix(colours(picture), grid.rows(), 3)?;
        let (moments, grid) = self.vae.encode(&colours, grid, &ctx.cancel)?;
        let channels = self.vae.channels;
        let scaling = self.vae.scaling;
        let (mean, spread) = read(&moments, |moments| {
            let rows = || moments.chunks(2 * channels).map(|row| row.split_at(channels.min(row.len())));
            let mean = rows().flat_map(|(mean, _)| mean.iter().map(|value| value * scaling)).collect();
            let (least, most) = LOG_VARIANCE;
            let spread = |value: &f32| scaling * libm::expf(0.5 * value.clamp(least, most));
            (mean, rows().flat_map(|(_, spreads)| spreads.iter().map(spread)).collect())
        })?;
        Ok(Posterior { mean: Latent { values: mean, height: grid.height, width: grid.width, channels }, spread })
    }

    /// The picture of a latent, opaque.
    pub(super) fn decode(&self, latent: &Latent, ctx: &Ctx) -> Result<Image, DiffuseError> {
        let scaling = self.vae.scaling;
        let unscaled = latent.with(latent.values.iter().map(|value| value / scaling).collect());
        let (colours, grid) = self.vae.decode(&unscaled.tensor()?, latent.grid(), &ctx.cancel)?;
        let mut picture = Image::filled(grid.width, grid.height, [0.0; 3]);
        read(&colours, |colours| {
            for (channel, plane) in picture.planes.iter_mut().take(3).enumerate() {
                let values = colours.iter().skip(channel).step_by(3);
                plane.iter_mut().zip(values).for_each(|(out, value)| *out = (0.5 * value + 0.5).clamp(0.0, 1.0));
            }
        })?;
        Ok(picture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn working_sizes_keep_shape_and_area_and_fit_the_networks() {
        assert_eq!(working_size((512, 512), 512 * 512, 64), (512, 512));
        assert_eq!(working_size((1920, 1080), 512 * 512, 64), (704, 384));
        assert_eq!(working_size((10_000, 1), 64 * 64, 16), (256, 16), "no more pixels than asked for");
        assert_eq!(working_size((1, 10_000), 64 * 64, 16), (16, 256));
        assert_eq!(working_size((1, 1), 64 * 64, 16), (64, 64));
    }
}
