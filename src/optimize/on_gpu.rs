//! The loop on a graphics card: drawing, crops, terms of pixels and their way back run there; crops cross to the encoder and
//! their gradient back, and the gradient of the scene to the one step that both backends share.
//!
//! Input: as the loop on the CPU. Output: the same, within rounding. Invariants: [`Parameters`] steps for both, so a rule about
//! points or colours is written once; where lists were too short, the drawing is repeated with longer ones before anybody
//! looks. Determinism: bit-identical on one card. Cost: see `raster::gpu` and `encoder::crops::gpu`; the scene's gradient and its
//! new numbers are some hundred kilobytes an iteration, little beside the crops.

use std::rc::Rc;
use std::sync::Arc;

use super::holding_gpu::GpuHolding;
use super::objective::Objective;
use super::parameters::Parameters;
use super::{Loop, OptimizeError, Progressing};
use crate::encoder::crops::gpu::GpuCrops;
use crate::gpu::Gpu;
use crate::raster::SceneGrad;
use crate::raster::gpu::GpuTape;
use crate::scene::Scene;

/// Everything on the card.
struct Card<'a> {
    gpu: &'a Arc<Gpu>,
    tape: GpuTape,
    holding: GpuHolding,
    /// Windows by their place in the objective's pool.
    pool: Vec<Rc<GpuCrops>>,
}

/// Runs the iterations; `scene` is what they left.
///
/// # Errors
/// [`OptimizeError`].
pub(super) fn run(
    gpu: &Arc<Gpu>,
    scene: &mut Scene,
    objective: &mut Objective<'_>,
    parameters: &mut Parameters,
    looped: &Loop<'_>,
    progressing: &mut Progressing<'_, '_>,
) -> Result<(), OptimizeError> {
    let tape = GpuTape::new(scene, looped.size, super::PAPER_WHITE, parameters.trained(), gpu)?;
    let picture = (looped.size.width_px, looped.size.height_px);
    let mut card = Card {
        holding: GpuHolding::new(gpu, picture, objective.tone(), tape.buffer("image")?, tape.buffer("image_grad")?)?,
        gpu,
        tape,
        pool: Vec::new(),
    };
    for iteration in 0..looped.settings.iterations {
        looped.ctx.cancel.check()?;
        let (place, windows) = card.windows(objective, iteration)?;
        let crops = card.draw(&windows, scene)?;
        let verdict = objective.judge_crops(place, &crops, looped.ctx)?;
        progressing.see(iteration, verdict.loss, scene);
        looped.ctx.cancel.check()?;
        let gradient = card.gradient(&windows, &verdict.d_crops, scene)?;
        parameters.step(scene, gradient, looped.settings, iteration);
        if progressing.is_done(verdict.loss, verdict.distance) {
            break;
        }
    }
    Ok(())
}

impl Card<'_> {
    /// The place of the windows of `iteration` and the windows, brought to the card where it lacks them.
    fn windows(
        &mut self,
        objective: &mut Objective<'_>,
        iteration: u32,
    ) -> Result<(usize, Rc<GpuCrops>), OptimizeError> {
        let place = objective.place(iteration)?;
        if let Some(windows) = self.pool.get(place).filter(|_| !objective.redraws()) {
            return Ok((place, windows.clone()));
        }
        let crops = objective.crops(place)?;
        let windows = Rc::new(match self.pool.first() {
            Some(first) => first.sibling(crops)?,
            None => GpuCrops::new(crops, self.gpu, self.tape.buffer("image")?, self.tape.buffer("image_grad")?)?,
        });
        self.pool.truncate(place);
        self.pool.push(windows.clone());
        Ok((place, windows))
    }

    /// Draws the scene on the card and reads its crops.
    fn draw(&mut self, windows: &GpuCrops, scene: &Scene) -> Result<Vec<f32>, OptimizeError> {
        self.tape.upload(scene)?;
        let crop = |commands: &mut wgpu::CommandEncoder| windows.encode_forward(commands);
        let take = bytemuck::pod_collect_to_vec::<u8, f32>;
        Ok(self.tape.draw(self.gpu.commands()?, scene, crop, windows.crops(), take)?)
    }

    /// The gradient of the scene, given that of the crops.
    fn gradient(&self, windows: &GpuCrops, d_crops: &[f32], scene: &Scene) -> Result<SceneGrad, OptimizeError> {
        windows.set_grad(d_crops)?;
        let mut commands = self.gpu.commands()?;
        windows.encode_adjoint(&mut commands);
        self.holding.encode(&mut commands);
        self.tape.encode_backward(&mut commands)?;
        Ok(self.tape.read_gradient(commands, scene)?)
    }
}
