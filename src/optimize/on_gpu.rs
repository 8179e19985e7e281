//! The loop on a graphics card: points, paints, moments and gradients stay there; only the crops cross to the encoder and
//! their gradient back, with one submission an iteration.
//!
//! Input: as the loop on the CPU. Output: the same, within rounding. Invariants: the way back of one iteration and the
//! drawing of the next are one submission; where lists were too short, the drawing is repeated with longer ones before
//! anybody looks. Determinism: bit-identical on one card. Cost: see `raster::gpu` and `encoder::crops::gpu`.

use std::sync::Arc;

use super::holding_gpu::GpuHolding;
use super::objective::Objective;
use super::parameters::Parameters;
use super::parameters_gpu::GpuParameters;
use super::{Loop, OptimizeError, Progressing};
use crate::encoder::crops::gpu::GpuCrops;
use crate::gpu::{Gpu, Read};
use crate::raster::gpu::GpuTape;
use crate::scene::Scene;

/// Lists may have to grow a few times before a drawing fits.
const MOST_REPEATS: usize = 24;

/// One place of the pool of windows on the card.
struct Windows {
    crops: GpuCrops,
    read: Read,
}

/// Everything on the card.
struct Card<'a> {
    gpu: &'a Arc<Gpu>,
    tape: GpuTape,
    parameters: GpuParameters,
    holding: GpuHolding,
    pool: Vec<Windows>,
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
    let mut place = card.place(objective, 0)?;
    let mut commands = gpu.commands()?;
    for iteration in 0..looped.settings.iterations {
        looped.ctx.cancel.check()?;
        let crops = card.draw(commands, place, scene)?;
        let verdict = objective.judge_crops(place, &crops, looped.ctx)?;
        if progressing.is_watched() {
            card.tape.read_scene(scene)?;
        }
        progressing.see(iteration, verdict.loss, scene);
        looped.ctx.cancel.check()?;
        commands = gpu.commands()?;
        card.encode_step(&mut commands, place, &verdict.d_crops, looped.settings.rate_scale(iteration))?;
        if progressing.is_done(iteration, verdict.loss, verdict.distance) || iteration + 1 == looped.settings.iterations
        {
            break;
        }
        place = card.place(objective, iteration + 1)?;
    }
    gpu.submit(commands)?;
    Ok(card.tape.read_scene(scene)?)
}

impl Card<'_> {
    /// The windows of `iteration`, brought to the card where it lacks them.
    fn place(&mut self, objective: &mut Objective<'_>, iteration: u32) -> Result<usize, OptimizeError> {
        let place = objective.place(iteration)?;
        if objective.redraws() || place >= self.pool.len() {
            let crops = objective.crops(place)?;
            let crops = match self.pool.first() {
                Some(first) => first.crops.sibling(crops)?,
                None => {
                    let picture = (self.tape.buffer("image")?, self.tape.buffer("image_grad")?);
                    GpuCrops::new(crops, self.gpu, picture.0, picture.1)?
                }
            };
            let (_, bytes) = crops.crops();
            let (_, counter_bytes) = self.tape.counters()?;
            let read = self.gpu.reader(bytes + counter_bytes)?;
            self.pool.truncate(place);
            self.pool.push(Windows { crops, read });
        }
        Ok(place)
    }

    /// Ends `commands` with a drawing of the scene on the card and its crops, and reads those.
    fn draw(
        &mut self,
        mut commands: wgpu::CommandEncoder,
        place: usize,
        scene: &Scene,
    ) -> Result<Vec<f32>, OptimizeError> {
        for _ in 0..MOST_REPEATS {
            self.tape.encode_forward(&mut commands)?;
            let Some(windows) = self.pool.get_mut(place) else { break };
            windows.crops.encode_forward(&mut commands);
            let (counters, counter_bytes) = self.tape.counters()?;
            let (crops, bytes) = windows.crops.crops();
            // More strips have more counters.
            if windows.read.bytes() < bytes + counter_bytes {
                windows.read = self.gpu.reader(bytes + counter_bytes)?;
            }
            windows.read.copy(&mut commands, crops, 0, 0, bytes);
            windows.read.copy(&mut commands, counters, 0, bytes, counter_bytes);
            let (crops, counters) = self.gpu.finish(commands, &windows.read, |all| {
                let (crops, counters) = all.split_at_checked(bytes as usize).unwrap_or((all, &[]));
                (bytemuck::pod_collect_to_vec::<u8, f32>(crops), counters.to_vec())
            })?;
            if !self.tape.must_repeat(&counters, scene)? {
                return Ok(crops);
            }
            commands = self.gpu.commands()?;
        }
        Err(OptimizeError::Raster(self.tape.never_fits()))
    }

    /// Commands from the gradient of the crops to moved points and paints.
    fn encode_step(
        &mut self,
        commands: &mut wgpu::CommandEncoder,
        place: usize,
        d_crops: &[f32],
        scale: f32,
    ) -> Result<(), OptimizeError> {
        if let Some(windows) = self.pool.get(place) {
            windows.crops.set_grad(d_crops)?;
            windows.crops.encode_adjoint(commands);
        }
        self.holding.encode(commands);
        self.tape.encode_backward(commands)?;
        Ok(self.parameters.encode(commands, scale)?)
    }
}
