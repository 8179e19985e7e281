//! Parameter groups on a graphics card: as [`super::parameters`], with moments and gradients that never leave it.
//!
//! Input: the groups, and the gradient buffers of a [`GpuTape`]. Output: commands that move its points and paints.
//! Invariants: frozen numbers keep their bits; fills stay in 0 to 1. Determinism: sums in fixed order. Cost: seven small
//! dispatches an iteration and 64 bytes to the card.

use std::sync::Arc;

use super::adam::{Adam, BETA_1, BETA_2, EPSILON};
use super::parameters::Parameters;
use crate::gpu::{self, Bound, GROUP, Gpu, GpuError, Stage, bytes_of, stage, table_of};
use crate::raster::gpu::GpuTape;
use crate::scene::Scene;

const NONE: u32 = u32::MAX;

/// As `Step` in `shaders/step.wgsl`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
struct Step {
    count: u32,
    flag: u32,
    rate: f32,
    bias_2: f32,
    floor: f32,
    partials: u32,
    fills: u32,
    unused: u32,
}

fn constants() -> String {
    let floats = [("BETA_1", BETA_1), ("BETA_2", BETA_2), ("EPSILON", EPSILON)];
    gpu::constants(&[("GROUP", GROUP), ("NONE", NONE)], &floats.map(|(name, value)| (name, f64::from(value))))
}

const GATHER_SLOTS: Stage = stage!("gather_slots", ["slot_fills", "paint_grads", "slot_grads"], ["step"], constants);
const ADAM: Stage =
    stage!("adam", ["grads", "free", "means", "variances", "partials"], ["step", "step_sum"], constants);
const ADAM_FLOOR: Stage = stage!("adam_floor", ["partials", "epsilon"], ["step", "step_sum"], constants);
const STEP_POINTS: Stage =
    stage!("step_points", ["contours", "means", "variances", "epsilon", "points"], ["step"], constants);
const STEP_PAINTS: Stage =
    stage!("step_paints", ["slots", "means", "variances", "epsilon", "paints"], ["step"], constants);

/// One list of numbers that Adam moves.
#[derive(Debug)]
struct List {
    step: Step,
    rate: f32,
    uniform: wgpu::Buffer,
    stages: Vec<Bound>,
}

/// Moments and masks of everything that may move, on a card.
#[derive(Debug)]
pub(super) struct GpuParameters {
    gpu: Arc<Gpu>,
    lists: Vec<List>,
    steps: i32,
}

impl GpuParameters {
    /// Brings `parameters` of `scene` to the card of `tape`.
    ///
    /// # Errors
    /// [`GpuError`].
    pub(super) fn new(parameters: &Parameters, scene: &Scene, tape: &GpuTape) -> Result<Self, GpuError> {
        let gpu = tape.gpu().clone();
        let points = parameters.points.as_ref().map(|adam| point_list(&gpu, adam, parameters, scene, tape));
        let colors = parameters.colors.as_ref().map(|adam| color_list(&gpu, adam, parameters, scene, tape));
        let lists = points.into_iter().chain(colors).collect::<Result<_, _>>()?;
        Ok(Self { gpu, lists, steps: 0 })
    }

    /// Commands for one Adam step down the gradients on the card, its rates multiplied by `scale`.
    ///
    /// # Errors
    /// [`GpuError::Lost`].
    pub(super) fn encode(&mut self, commands: &mut wgpu::CommandEncoder, scale: f32) -> Result<(), GpuError> {
        self.steps += 1;
        let (bias_1, bias_2) = (1.0 - BETA_1.powi(self.steps), 1.0 - BETA_2.powi(self.steps));
        for list in &mut self.lists {
            (list.step.rate, list.step.bias_2) = (list.rate * scale / bias_1, bias_2);
            self.gpu.write(&list.uniform, bytes_of(&[list.step]))?;
        }
        gpu::dispatch(commands, self.lists.iter().flat_map(|list| &list.stages));
        Ok(())
    }
}

fn point_list(
    gpu: &Gpu,
    adam: &Adam,
    parameters: &Parameters,
    scene: &Scene,
    tape: &GpuTape,
) -> Result<List, GpuError> {
    let mut contours = Vec::with_capacity(scene.points.len() / 3);
    for contour in &scene.contours {
        let about = [contour.start, contour.end - contour.start];
        contours.resize(contours.len() + about[1] as usize / 3, about);
    }
    let contours = gpu.storage_of("contours", &contours)?;
    let free = parameters.point_is_free.iter().flat_map(|free| [*free; 2]).collect::<Vec<_>>();
    let mut list = Making::new(gpu, adam, &free, u32::from(parameters.smooth), scene)?;
    list.adam(tape.buffer("point_grads")?)?;
    list.bind(&STEP_POINTS, &[("contours", &contours), ("points", tape.buffer("points")?)], scene.points.len() as u32)?;
    Ok(list.done)
}

fn color_list(
    gpu: &Gpu,
    adam: &Adam,
    parameters: &Parameters,
    scene: &Scene,
    tape: &GpuTape,
) -> Result<List, GpuError> {
    let mut fills = vec![Vec::new(); parameters.slot_count];
    for (fill, slot) in parameters.slots.iter().enumerate() {
        if let Some(fills) = slot.and_then(|slot| fills.get_mut(slot as usize)) {
            fills.push(fill as u32);
        }
    }
    let slot_fills = gpu.storage_of("slot_fills", &table_of(&fills))?;
    let slots = parameters.slots.iter().map(|slot| slot.unwrap_or(NONE)).collect::<Vec<_>>();
    let slots = gpu.storage_of("slots", &slots)?;
    let slot_grads = gpu.storage("slot_grads", 16 * parameters.slot_count as u64)?;
    let mut list =
        Making::new(gpu, adam, &vec![true; 4 * parameters.slot_count], u32::from(parameters.opacity), scene)?;
    let gathered =
        [("slot_fills", &slot_fills), ("paint_grads", tape.buffer("paint_grads")?), ("slot_grads", &slot_grads)];
    list.bind(&GATHER_SLOTS, &gathered, parameters.slot_count as u32)?;
    list.adam(&slot_grads)?;
    list.bind(&STEP_PAINTS, &[("slots", &slots), ("paints", tape.buffer("paints")?)], scene.fills.len() as u32)?;
    Ok(list.done)
}

/// A list whose stages are being bound.
struct Making<'a> {
    gpu: &'a Gpu,
    own: Vec<(&'static str, wgpu::Buffer)>,
    done: List,
}

impl<'a> Making<'a> {
    fn new(gpu: &'a Gpu, adam: &Adam, free: &[bool], flag: u32, scene: &Scene) -> Result<Self, GpuError> {
        let count = free.len() as u32;
        let partials = count.div_ceil(GROUP);
        let fills = scene.fills.len() as u32;
        let step = Step { count, flag, rate: 0.0, bias_2: 1.0, floor: adam.floor, partials, fills, unused: 0 };
        let bits = free
            .chunks(32)
            .map(|free| free.iter().enumerate().fold(0, |bits, (at, free)| bits | (u32::from(*free) << at)));
        let own = vec![
            ("free", gpu.storage_of("free", &bits.collect::<Vec<_>>())?),
            ("means", gpu.storage("means", 4 * u64::from(count))?),
            ("variances", gpu.storage("variances", 4 * u64::from(count))?),
            ("partials", gpu.storage("partials", 8 * u64::from(partials))?),
            ("epsilon", gpu.storage("epsilon", 4)?),
        ];
        let uniform = gpu.uniform("step", bytes_of(&[step]))?;
        Ok(Self { gpu, own, done: List { step, rate: adam.rate, uniform, stages: Vec::new() } })
    }

    /// Binds the two stages that every list has.
    fn adam(&mut self, grads: &wgpu::Buffer) -> Result<(), GpuError> {
        self.bind(&ADAM, &[("grads", grads)], self.done.step.count)?;
        self.bind(&ADAM_FLOOR, &[], 1)
    }

    fn bind(&mut self, stage: &Stage, others: &[(&'static str, &wgpu::Buffer)], threads: u32) -> Result<(), GpuError> {
        let bound = self.gpu.bind(stage, &self.done.uniform, threads.div_ceil(GROUP), |name| {
            let own = self.own.iter().map(|(own, buffer)| (*own, buffer));
            let mut all = own.chain(others.iter().copied());
            all.find(|(found, _)| *found == name).map(|(_, buffer)| buffer.as_entire_binding())
        })?;
        self.done.stages.push(bound);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctx::{Ctx, Silent};
    use crate::gpu::Wanted;
    use crate::optimize::{Mode, Quality, Settings};
    use crate::raster::{SceneGrad, Size};
    use crate::rng::{Stage, Stream};
    use crate::scene::FillRule;

    #[test]
    fn every_shader_is_valid_and_bound_as_its_table_says() {
        crate::gpu::assert_sound(&[GATHER_SLOTS, ADAM, ADAM_FLOOR, STEP_POINTS, STEP_PAINTS]);
    }

    fn scene() -> Scene {
        let mut stream = Stream::new(3, 0, Stage::Test, 0);
        let mut scene = Scene::new(64.0, 64.0);
        for index in 0..7 {
            let fill = scene.push_fill([0.5, 0.02, 0.98, 0.9]);
            let points = (0..3 * (1 + index)).map(|_| [stream.unit() * 64.0, stream.unit() * 64.0]).collect();
            scene.push_path(format!("r1-l{}-c{index}", index % 3), fill, FillRule::NonZero, &[points]);
        }
        scene
    }

    fn gradient(scene: &Scene, index: u32) -> SceneGrad {
        let mut stream = Stream::new(3, 0, Stage::Test, 1 + index);
        let mut number = || stream.normal() * 1e-3;
        SceneGrad {
            points: scene.points.iter().map(|_| [number(), number()]).collect(),
            fills: scene.fills.iter().map(|_| [number(), number(), number(), number()]).collect(),
            groups: vec![0.0; scene.groups.len()],
        }
    }

    #[test]
    #[ignore = "needs a graphics card"]
    fn steps_on_the_card_are_those_of_the_cpu() {
        let gpu = Wanted::from_environment().open().unwrap();
        let _ctx = Ctx::new(1, Arc::new(Silent)).unwrap();
        for quality in [Quality::Normal, Quality::Paper] {
            let settings = Settings::of(quality, Mode::Full);
            let mut scene = scene();
            let free = [true, true, false, true, true, true, true];
            let mut parameters = Parameters::new(&mut scene, &settings, &free);
            let size = Size { width_px: 64, height_px: 64 };
            let tape = GpuTape::new(&scene, size, [1.0; 3], parameters.trained(), &gpu).unwrap();
            let mut on_gpu = GpuParameters::new(&parameters, &scene, &tape).unwrap();
            let before = scene.clone();
            for index in 0..5 {
                let gradient = gradient(&scene, index);
                gpu.write(tape.buffer("point_grads").unwrap(), bytes_of(&gradient.points)).unwrap();
                gpu.write(tape.buffer("paint_grads").unwrap(), bytes_of(&gradient.fills)).unwrap();
                let mut commands = gpu.commands().unwrap();
                on_gpu.encode(&mut commands, 0.7).unwrap();
                gpu.submit(commands).unwrap();
                parameters.step(&mut scene, gradient, 0.7);
            }
            let mut found = before.clone();
            tape.read_scene(&mut found).unwrap();
            let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 2e-5);
            assert!(close(found.points.as_flattened(), scene.points.as_flattened()), "{quality:?}: points");
            assert!(close(found.fills.as_flattened(), scene.fills.as_flattened()), "{quality:?}: fills");
            let frozen = scene.paths[2].contours.start as usize;
            let frozen = scene.contours[frozen].start as usize..scene.contours[frozen].end as usize;
            assert_eq!(
                found.points[frozen.clone()],
                before.points[frozen],
                "{quality:?}: frozen points keep their bits"
            );
            assert_ne!(found.points, before.points, "{quality:?}: something moved");
        }
    }
}
