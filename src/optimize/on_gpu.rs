//! The loop on a graphics card: points, paints, moments and gradients stay there; only the crops cross to the encoder and
//! their gradient back, with one submission an iteration.
//!
//! Input: as the loop on the CPU. Output: the same, within rounding. Invariants: the way back of one iteration and the
//! drawing of the next are one submission; where lists were too short, the drawing is repeated with longer ones before
//! anybody looks. Determinism: bit-identical on one card. Cost: see `raster::gpu` and `encoder::crops::gpu`.

use std::rc::Rc;
use std::sync::Arc;

use super::holding_gpu::GpuHolding;
use super::objective::Objective;
use super::parameters::Parameters;
use super::parameters_gpu::GpuParameters;
use super::{Loop, OptimizeError, Progressing};
use crate::encoder::crops::gpu::GpuCrops;
use crate::gpu::Gpu;
use crate::raster::gpu::GpuTape;
use crate::scene::Scene;

/// Everything on the card.
struct Card<'a> {
    gpu: &'a Arc<Gpu>,
    tape: GpuTape,
    parameters: GpuParameters,
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
    parameters: &Parameters,
    looped: &Loop<'_>,
    progressing: &mut Progressing<'_, '_>,
) -> Result<(), OptimizeError> {
    let tape = GpuTape::new(scene, looped.size, super::PAPER_WHITE, parameters.trained(), gpu)?;
    let picture = (looped.size.width_px, looped.size.height_px);
    let (coherence, tone) = (objective.coherence(), objective.tone());
    let mut card = Card {
        parameters: GpuParameters::new(parameters, scene, &tape)?,
        holding: GpuHolding::new(gpu, picture, coherence, tone, tape.buffer("image")?, tape.buffer("image_grad")?)?,
        gpu,
        tape,
        pool: Vec::new(),
    };
    let (mut place, mut windows) = card.windows(objective, 0)?;
    let mut commands = gpu.commands()?;
    for iteration in 0..looped.settings.iterations {
        looped.ctx.cancel.check()?;
        let crops = card.draw(commands, &windows, scene)?;
        let verdict = objective.judge_crops(place, &crops, looped.ctx)?;
        if progressing.is_watched() {
            card.tape.read_scene(scene)?;
        }
        progressing.see(iteration, verdict.loss, scene);
        looped.ctx.cancel.check()?;
        commands = gpu.commands()?;
        card.encode_step(&mut commands, &windows, &verdict.d_crops, looped.settings.rate_scale(iteration))?;
        if progressing.is_done(verdict.loss, verdict.distance) || iteration + 1 == looped.settings.iterations {
            break;
        }
        (place, windows) = card.windows(objective, iteration + 1)?;
    }
    gpu.submit(commands)?;
    Ok(card.tape.read_scene(scene)?)
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

    /// Ends `commands` with a drawing of the scene on the card and its crops, and reads those.
    fn draw(
        &mut self,
        commands: wgpu::CommandEncoder,
        windows: &GpuCrops,
        scene: &Scene,
    ) -> Result<Vec<f32>, OptimizeError> {
        let crop = |commands: &mut wgpu::CommandEncoder| windows.encode_forward(commands);
        Ok(self.tape.draw(commands, scene, crop, windows.crops(), bytemuck::pod_collect_to_vec::<u8, f32>)?)
    }

    /// Commands from the gradient of the crops to moved points and paints.
    fn encode_step(
        &mut self,
        commands: &mut wgpu::CommandEncoder,
        windows: &GpuCrops,
        d_crops: &[f32],
        scale: f32,
    ) -> Result<(), OptimizeError> {
        windows.set_grad(d_crops)?;
        windows.encode_adjoint(commands);
        self.holding.encode(commands);
        self.tape.encode_backward(commands)?;
        Ok(self.parameters.encode(commands, scale)?)
    }
}
