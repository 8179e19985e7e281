//! The crop operator and its adjoint on a graphics card, so that only crops and their gradient cross.
//!
//! Input: a picture and a gradient buffer on the card, one vec4 a pixel, row by row (red, green, blue and something that is
//! not read). Output: what [`Crops::forward`] and [`Crops::adjoint`] give. Invariants: the CPU's operator is the twin of every
//! shader: crops differ by less than 1e-4, the gradient by a relative 1e-4; the gradient's fourth value is 0. Determinism: two
//! runs on one card are bit-identical, as every sum is gathered by one thread in a fixed order. Cost: at most six
//! dispatches each way a group of windows.
//!
//! ```text
//! forward   image -rows-> lines -columns-> planes -warp-> planes [-rows-> lines -columns-> planes] -normalise-> crops
//! adjoint   the same backwards with transposed weights; the last step also sums over the windows
//! ```

mod plan;
mod stages;
mod warp;

use std::sync::Arc;

use super::{Crops, EncoderError, expect_len};
use crate::gpu::{self, Bound, GROUP, Gpu, GpuError, Stage, bytes_of};
use plan::{GROUP_BYTES, LINES, Plan, Step, Task, VALUE_BYTES};
use stages::{BLOCK, DENORMALISE, Frame, NORMALISE, RESIZE, SUM, UNWARP, WARP};

/// Buffers whose contents do not outlive one pass; sets of windows share them.
#[derive(Clone, Debug)]
struct Scratch {
    lines: wgpu::Buffer,
    planes: wgpu::Buffer,
    crops: wgpu::Buffer,
    d_crops: wgpu::Buffer,
}

/// The picture's buffers, which belong to whoever draws it.
#[derive(Clone, Debug)]
struct Picture {
    image: wgpu::Buffer,
    image_grad: wgpu::Buffer,
}

/// Tables of one set of windows.
struct Tables {
    runs: wgpu::Buffer,
    weights: wgpu::Buffer,
    resizes: wgpu::Buffer,
    warps: wgpu::Buffer,
    fills: wgpu::Buffer,
    tiles: wgpu::Buffer,
    windows: wgpu::Buffer,
}

/// One set of windows on a card.
#[derive(Debug)]
pub struct GpuCrops {
    gpu: Arc<Gpu>,
    /// Values of all crops.
    len: usize,
    picture: Picture,
    scratch: Scratch,
    forward: Vec<Bound>,
    adjoint: Vec<Bound>,
}

impl GpuCrops {
    /// Brings `crops` to the card for the picture in `image`, whose gradient is to be written to `image_grad`.
    ///
    /// # Errors
    /// [`GpuError::TooLarge`] when one window or all crops do not fit one buffer, and whatever the driver says.
    pub fn new(
        crops: &Crops,
        gpu: &Arc<Gpu>,
        image: &wgpu::Buffer,
        image_grad: &wgpu::Buffer,
    ) -> Result<Self, GpuError> {
        let picture = Picture { image: image.clone(), image_grad: image_grad.clone() };
        Self::with(crops, gpu, picture, None)
    }

    /// Another set of windows of the same picture, on the same memory for what lies between. Its crops, too, lie where those
    /// of this set lie: each set's must be fetched before the next set is encoded.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn sibling(&self, crops: &Crops) -> Result<Self, GpuError> {
        Self::with(crops, &self.gpu, self.picture.clone(), Some(&self.scratch))
    }

    fn with(crops: &Crops, gpu: &Arc<Gpu>, picture: Picture, used: Option<&Scratch>) -> Result<Self, GpuError> {
        let (bytes, limit) = (VALUE_BYTES * Plan::largest_window(crops), gpu.largest_buffer());
        if bytes > limit {
            return Err(GpuError::TooLarge { adapter: gpu.note.name.clone(), what: "a window", bytes, limit });
        }
        let plan = Plan::new(crops, GROUP_BYTES.min(limit));
        let len = crops.len() * crops.crop_len();
        let room = |what, bytes: u64, used: Option<&wgpu::Buffer>| match used {
            Some(buffer) if buffer.size() >= bytes => Ok(buffer.clone()),
            _ => gpu.storage(what, bytes),
        };
        let scratch = Scratch {
            lines: room("lines of crops", VALUE_BYTES * plan.lines, used.map(|used| &used.lines))?,
            planes: room("planes of crops", VALUE_BYTES * plan.planes, used.map(|used| &used.planes))?,
            crops: room("crops", 4 * len as u64, used.map(|used| &used.crops))?,
            d_crops: room("gradient of the crops", 4 * len as u64, used.map(|used| &used.d_crops))?,
        };
        let tables = Tables::new(&plan, gpu)?;
        let bind = |step: &Step| bind(step, crops, gpu, &picture, &scratch, &tables);
        let forward = plan.forward.iter().map(bind).collect::<Result<_, _>>()?;
        let adjoint = plan.adjoint.iter().map(bind).collect::<Result<_, _>>()?;
        Ok(Self { gpu: gpu.clone(), len, picture, scratch, forward, adjoint })
    }

    /// Commands that turn the picture into crops.
    pub fn encode_forward(&self, commands: &mut wgpu::CommandEncoder) {
        gpu::dispatch(commands, &self.forward);
    }

    /// Where the crops are, `[crops, 3, side, side]`, normalised, and how many bytes of the buffer they take.
    pub fn crops(&self) -> (&wgpu::Buffer, u64) {
        (&self.scratch.crops, 4 * self.len as u64)
    }

    /// Brings the gradient with respect to the crops to the card.
    ///
    /// # Errors
    /// [`EncoderError::Length`] when it has another size, [`EncoderError::Gpu`].
    pub fn set_grad(&self, d_crops: &[f32]) -> Result<(), EncoderError> {
        expect_len("gradient of the crops", self.len, d_crops.len())?;
        Ok(self.gpu.write(&self.scratch.d_crops, bytes_of(d_crops))?)
    }

    /// Commands that overwrite the picture's gradient with the adjoint of what [`Self::set_grad`] brought.
    pub fn encode_adjoint(&self, commands: &mut wgpu::CommandEncoder) {
        gpu::dispatch(commands, &self.adjoint);
    }
}

impl Tables {
    fn new(plan: &Plan, gpu: &Gpu) -> Result<Self, GpuError> {
        Ok(Self {
            runs: gpu.storage_of("runs of crops", &plan.runs)?,
            weights: gpu.storage_of("weights of crops", &plan.weights)?,
            resizes: gpu.storage_of("resizes of crops", &plan.resizes)?,
            warps: gpu.storage_of("warps of crops", &plan.warps)?,
            fills: gpu.storage_of("fills of crops", &plan.fills)?,
            tiles: gpu.storage_of("tiles of crops", &plan.tiles)?,
            windows: gpu.storage_of("windows of crops", &plan.windows)?,
        })
    }
}

fn stage_of(task: Task) -> Stage {
    match task {
        Task::ImageToLines | Task::LinesToPlanes | Task::PlanesToLines => RESIZE,
        Task::Warp => WARP,
        Task::Unwarp => UNWARP,
        Task::Normalise => NORMALISE,
        Task::Denormalise => DENORMALISE,
        Task::Sum => SUM,
    }
}

fn bind(
    step: &Step,
    crops: &Crops,
    gpu: &Gpu,
    picture: &Picture,
    scratch: &Scratch,
    tables: &Tables,
) -> Result<Bound, GpuError> {
    let four = |[r, g, b]: [f32; 3]| [r, g, b, 1.0];
    let frame = Frame {
        mean: four(crops.mean),
        deviation: four(crops.std),
        width: crops.width as u32,
        height: crops.height as u32,
        side: crops.side as u32,
        groups_per_job: step.groups_per_job,
        first_job: step.first_job,
        jobs: step.jobs,
        adds: u32::from(step.adds),
        padding: 0,
    };
    let workgroups = match step.task {
        Task::Sum => {
            let threads = crops.width.div_ceil(LINES) * crops.height.div_ceil(BLOCK);
            threads.div_ceil(GROUP as usize) as u32
        }
        _ => step.jobs * step.groups_per_job,
    };
    let frame = gpu.uniform("frame of crops", bytes_of(&[frame]))?;
    gpu.bind(&stage_of(step.task), &frame, workgroups, |name| {
        let buffer = match (name, step.task) {
            ("runs", _) => &tables.runs,
            ("weights", _) => &tables.weights,
            ("resizes", _) => &tables.resizes,
            ("warps", _) => &tables.warps,
            ("fills", _) => &tables.fills,
            ("tiles", _) => &tables.tiles,
            ("windows", _) => &tables.windows,
            ("source", Task::ImageToLines) => &picture.image,
            ("source", Task::LinesToPlanes) | ("lines", _) => &scratch.lines,
            ("source", Task::PlanesToLines) | ("planes", _) => &scratch.planes,
            ("result", Task::LinesToPlanes) => &scratch.planes,
            ("result", Task::ImageToLines | Task::PlanesToLines) => &scratch.lines,
            ("crops", _) => &scratch.crops,
            ("d_crops", _) => &scratch.d_crops,
            ("image_grad", _) => &picture.image_grad,
            _ => return None,
        };
        Some(buffer.as_entire_binding())
    })
}
