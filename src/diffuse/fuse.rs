//! A concept goes onto a picture: two latents are led from the same noise, one back to the picture, the other under the concept's prompt with
//! the first one's attention (VCT, section 3.4).
//!
//! Input: what [`super::concept`] and [`super::pivot`] made. Output: the picture. Formula: both predictions are guided from the step's content;
//! attention of maps to themselves is taken over for the first `layout` of the steps where maps are not large, attention to the text for
//! the first `placing` of them. The source's latent is led as long as something is taken of it. Determinism: nothing is drawn. Cost: a pass of
//! the denoiser over four latents a step, over two where nothing is taken.

use super::control::{Control, columns_of_concept};
use super::latent::Latent;
use super::pivot::guided;
use super::text::Text;
use super::{DiffuseError, Diffusion, STAGES, Tensors};
use crate::ctx::Ctx;
use crate::image::Image;
use crate::nn::tiled::Column;
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// Settings of the fusion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fuse {
    /// Share of the steps in which the source's layout is kept, 0 to 1.
    pub layout: f32,
    /// Share of the steps in which the source's places of things are kept, 0 to 1.
    pub placing: f32,
    /// How far guidance goes beyond the conditional prediction.
    pub guidance: f32,
    /// Factor of attention to the concept while places are kept.
    pub damping: f32,
    /// Maps of so many pixels at most keep the layout, and all that are not at full size.
    pub map_pixels: usize,
}

impl Default for Fuse {
    /// The publication's settings.
    fn default() -> Self {
        Self { layout: 0.9, placing: 0.2, guidance: 7.5, damping: 0.5, map_pixels: 32 * 32 }
    }
}

/// What the streams are led by.
struct Streams<'a> {
    empty: &'a Tensor,
    concept: &'a Tensor,
    columns: &'a [Column],
    settings: &'a Fuse,
    steps: usize,
}

impl<'a> Streams<'a> {
    /// What the latent with the concept takes of the source's in step `at`, if anything.
    fn control(&self, at: usize, source: &Latent) -> Option<Control<'a>> {
        let Fuse { layout, placing, map_pixels, .. } = *self.settings;
        let keeps_layout = at < (self.steps as f32 * layout) as usize;
        let keeps_places = at < ((self.steps + 1) as f32 * placing) as usize;
        (keeps_layout || keeps_places).then(|| Control {
            from: 2,
            to: 3,
            pixels: keeps_layout.then_some(((source.height / 2) * (source.width / 2)).max(map_pixels)),
            columns: keeps_places.then_some(self.columns),
        })
    }
}

impl Diffusion {
    /// The picture of `pivot`'s source with the concept, opaque, at the size at which the source was worked on.
    ///
    /// # Errors
    /// [`DiffuseError::Cancelled`], [`DiffuseError::Lacks`] where the inputs are not those of this model.
    pub fn fuse(&self, concept: &Tensors, pivot: &Tensors, settings: &Fuse, ctx: &Ctx) -> Result<Image, DiffuseError> {
        let [_, edited] = self.fused(concept, pivot, settings, ctx)?;
        self.decode(&edited, ctx)
    }

    /// The two latents: the source's as far as it was led, and the one with the concept.
    pub(super) fn fused(
        &self,
        concept: &Tensors,
        pivot: &Tensors,
        settings: &Fuse,
        ctx: &Ctx,
    ) -> Result<[Latent; 2], DiffuseError> {
        let ([height, width, channels], noise) = pivot.get("noise")?;
        let ([steps, tokens, content_width], contents) = pivot.get("content")?;
        let ([count, text_width], vectors) = concept.get("vectors")?;
        let Text { width: own_width, context_tokens, .. } = self.text;
        let fits = text_width == own_width && count + 2 <= context_tokens;
        if !fits || [tokens, content_width] != [context_tokens, own_width] || channels != self.unet.outputs {
            return Err(DiffuseError::Lacks { name: "vectors" });
        }
        let moves = self.schedule.moves(steps);
        let empty = self.states("")?;
        let (own, _) = self.text.forward(&self.prompt_of(vectors)?)?;
        let columns = columns_of_concept(count, context_tokens, settings.damping);
        let streams = Streams { empty: &empty, concept: &own, columns: &columns, settings, steps: moves.len() };
        ctx.progress.stage(STAGES[3], moves.len() as u64);
        let start = Latent { values: noise.to_vec(), height, width, channels };
        let mut pair = [start.clone(), start];
        for ((at, step), content) in moves.iter().enumerate().zip(contents.chunks((tokens * content_width).max(1))) {
            let content = self.content_states(content)?;
            let [source, edited] = &mut pair;
            let guided = match streams.control(at, source) {
                Some(control) => {
                    let [of_source, of_edited] =
                        self.guided_pair([source, edited], step.timestep, &content, &streams, &control, ctx)?;
                    *source = source.with(step.step(&source.values, &of_source));
                    of_edited
                }
                None => self.guided_alone(edited, step.timestep, &content, &streams, ctx)?,
            };
            *edited = edited.with(step.step(&edited.values, &guided));
            ctx.progress.advance(at as u64 + 1, "");
        }
        Ok(pair)
    }

    /// The guided predictions of one step for the source's latent and the other one, which takes attention of the first.
    fn guided_pair(
        &self,
        [source, edited]: [&Latent; 2],
        timestep: usize,
        content: &Tensor,
        streams: &Streams<'_>,
        control: &Control<'_>,
        ctx: &Ctx,
    ) -> Result<[Vec<f32>; 2], DiffuseError> {
        let latents = [source, edited, source, edited];
        let states = [content, content, streams.empty, streams.concept];
        let noises = self.noises(&latents, timestep, &states, Some(control), &ctx.cancel)?;
        let [source_content, edited_content, source_empty, edited_concept] = noises.as_slice() else {
            return Err(DiffuseError::Lacks { name: "noise" });
        };
        let guidance = streams.settings.guidance;
        Ok([guided(source_empty, source_content, guidance), guided(edited_concept, edited_content, guidance)])
    }

    /// The guided prediction of one step for the latent with the concept, by itself.
    fn guided_alone(
        &self,
        edited: &Latent,
        timestep: usize,
        content: &Tensor,
        streams: &Streams<'_>,
        ctx: &Ctx,
    ) -> Result<Vec<f32>, DiffuseError> {
        let noises = self.noises(&[edited, edited], timestep, &[content, streams.concept], None, &ctx.cancel)?;
        let [of_content, of_concept] = noises.as_slice() else { return Err(DiffuseError::Lacks { name: "noise" }) };
        Ok(guided(of_concept, of_content, streams.settings.guidance))
    }
}
