//! The term that holds letters readable, on a graphics card: [`Tone`] without its loss.
//!
//! Input: the picture and its gradient on the card, one vec4 a pixel, row by row. Output: the term's weight times its
//! gradient, added to the picture's. Invariants: the term on the CPU is the twin of the shader; the gradient's fourth value
//! becomes 0. Determinism: every sum is one thread's, in a fixed order. Cost: four dispatches.

use std::sync::Arc;

use super::legibility::Tone;
use crate::gpu::{self, Bound, GROUP, Gpu, GpuError, Stage, bytes_of, stage};
use crate::raster::gpu::pixels_of;

/// Pixels that a thread of the blur makes; the shader writes eight weights out.
const BLOCK: u32 = 8;
/// Ending of a blur: its result is kept.
const STORE: u32 = 0;
/// Ending of a blur: the first picture, blurred, is subtracted.
const LESS_HELD: u32 = 1;
/// Ending of a blur: the result is scaled and added to what is there.
const ADD: u32 = 2;

const BLUR: Stage = stage!("holding_blur", ["source", "kernel", "held", "result"], ["holding_common"], constants);

fn constants() -> String {
    let unsigned = [("GROUP", GROUP), ("BLOCK", BLOCK), ("STORE", STORE), ("LESS_HELD", LESS_HELD), ("ADD", ADD)];
    gpu::constants(&unsigned, &[])
}

/// As in `shaders/holding_common.wgsl`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
struct Frame {
    width: u32,
    height: u32,
    radius: u32,
    along_columns: u32,
    ending: u32,
    scale: f32,
    padding: [u32; 2],
}

/// The term of one run on a card; empty where there is none.
#[derive(Debug)]
pub(super) struct GpuHolding {
    bound: Vec<Bound>,
}

/// What the term needs.
struct Place<'a> {
    gpu: &'a Gpu,
    size: (usize, usize),
    image: &'a wgpu::Buffer,
    image_grad: &'a wgpu::Buffer,
}

impl GpuHolding {
    /// Brings the term with its weight to the card for pictures of `size` (width, height) pixels.
    ///
    /// # Errors
    /// [`GpuError`], when the driver fails or the picture does not fit.
    pub(super) fn new(
        gpu: &Arc<Gpu>,
        size: (usize, usize),
        tone: Option<(&Tone, f32)>,
        image: &wgpu::Buffer,
        image_grad: &wgpu::Buffer,
    ) -> Result<Self, GpuError> {
        let place = Place { gpu, size, image, image_grad };
        let mut bound = Vec::new();
        if let Some((tone, weight)) = tone {
            bound.extend(place.bind_tone(tone, weight)?);
        }
        Ok(Self { bound })
    }

    /// Commands that add the term's gradient to the picture's.
    pub(super) fn encode(&self, commands: &mut wgpu::CommandEncoder) {
        gpu::dispatch(commands, &self.bound);
    }
}

impl Place<'_> {
    /// The gradient of a mean over pixels and channels of a square: weight times this, times what is squared.
    fn scale(&self, weight: f32) -> f32 {
        weight * 2.0 / (3 * self.pixels().max(1)) as f32
    }

    fn pixels(&self) -> usize {
        self.size.0 * self.size.1
    }

    fn frame(&self, scale: f32) -> Frame {
        let (width, height) = (self.size.0 as u32, self.size.1 as u32);
        Frame { width, height, radius: 0, along_columns: 0, ending: STORE, scale, padding: [0; 2] }
    }

    fn bind_tone(&self, tone: &Tone, weight: f32) -> Result<[Bound; 4], GpuError> {
        let held = self.gpu.storage_of("the first picture, blurred", &pixels_of(tone.target()))?;
        let kernel = self.gpu.storage_of("kernel of the blur", tone.kernel())?;
        let bytes = size_of::<[f32; 4]>() as u64 * self.pixels() as u64;
        let [rows, both] = [self.gpu.storage("blurred rows", bytes)?, self.gpu.storage("blurred picture", bytes)?];
        let radius = tone.kernel().len() as u32 / 2;
        let (width, height) = self.size;
        let axis = |source: &wgpu::Buffer, result: &wgpu::Buffer, along_columns, ending| {
            let (along, lines) = if along_columns == 1 { (height, width) } else { (width, height) };
            let threads = along.div_ceil(BLOCK as usize) * lines;
            let workgroups = threads.div_ceil(GROUP as usize) as u32;
            let frame = Frame { radius, along_columns, ending, ..self.frame(self.scale(weight)) };
            let frame = self.gpu.uniform("frame of the blur", bytes_of(&[frame]))?;
            self.gpu.bind(&BLUR, &frame, workgroups, |name| match name {
                "source" => Some(source.as_entire_binding()),
                "kernel" => Some(kernel.as_entire_binding()),
                "held" => Some(held.as_entire_binding()),
                "result" => Some(result.as_entire_binding()),
                _ => None,
            })
        };
        Ok([
            axis(self.image, &rows, 0, STORE)?,
            axis(&rows, &both, 1, LESS_HELD)?,
            axis(&both, &rows, 0, STORE)?,
            axis(&rows, self.image_grad, 1, ADD)?,
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctx::{Ctx, Silent};
    use crate::gpu::Wanted;
    use crate::rng::{Stage as Key, Stream};

    #[test]
    fn every_shader_is_valid_bound_as_its_table_says_and_within_what_webgpu_promises() {
        crate::gpu::assert_sound(&[BLUR]);
    }

    fn noise(count: usize, index: u32) -> [Vec<f32>; 3] {
        [0, 1, 2].map(|plane| {
            let mut stream = Stream::new(7, 0, Key::Test, 3 * index + plane);
            (0..count).map(|_| stream.unit()).collect()
        })
    }

    fn borrowed(planes: &[Vec<f32>; 3]) -> [&[f32]; 3] {
        planes.each_ref().map(Vec::as_slice)
    }

    /// The gradient after both ways of adding to it.
    fn on_card(size: (usize, usize), weight: f32, runs: u32) -> (Vec<[f32; 4]>, [Vec<f32>; 3]) {
        let count = size.0 * size.1;
        let [first, now, before] = [0, 1, 2].map(|index| noise(count, index));
        let ctx = Ctx::new(2, Arc::new(Silent)).unwrap();
        let tone = Tone::new(size.0, size.1, borrowed(&first), &ctx);
        let mut expected = before.clone();
        for _ in 0..runs {
            tone.add_gradient(borrowed(&now), weight, &mut expected, &ctx);
        }
        let gpu = Wanted::from_environment().open().unwrap();
        let mut drawn = pixels_of(borrowed(&now));
        // Transmittance is no colour.
        drawn.iter_mut().for_each(|pixel| pixel[3] = 0.5);
        let image = gpu.storage_of("image", &drawn).unwrap();
        let image_grad = gpu.storage_of("image_grad", &pixels_of(borrowed(&before))).unwrap();
        let holding = GpuHolding::new(&gpu, size, Some((&tone, weight)), &image, &image_grad).unwrap();
        let mut commands = gpu.commands().unwrap();
        (0..runs).for_each(|_| holding.encode(&mut commands));
        let bytes = 16 * count as u64;
        let read = gpu.reader(bytes).unwrap();
        read.copy(&mut commands, &image_grad, 0, 0, bytes);
        let start = std::time::Instant::now();
        let found = gpu.finish(commands, &read, bytemuck::pod_collect_to_vec::<u8, [f32; 4]>).unwrap();
        println!("{size:?}: {runs} times the term in {:.1} ms", 1e3 * start.elapsed().as_secs_f64());
        (found, expected)
    }

    #[test]
    #[ignore = "needs a graphics card"]
    fn the_term_adds_on_the_gpu_what_it_adds_on_the_cpu() {
        for size in [(150, 110), (512, 384), (1, 7), (40, 1)] {
            // A weight that makes the term about as large as what is there.
            let count = (size.0 * size.1) as f32;
            let (found, expected) = on_card(size, 2.0 * count, 2);
            let (mut off, mut all) = (0.0, 0.0);
            for (at, pixel) in found.iter().enumerate() {
                for (value, plane) in pixel.iter().zip(&expected) {
                    off += f64::from(value - plane[at]).powi(2);
                    all += f64::from(plane[at]).powi(2);
                }
                assert_eq!(pixel[3], 0.0, "fourth value of pixel {at}");
            }
            let relative = (off / all).sqrt();
            println!("{size:?}: relative {relative:.1e}");
            assert!(relative < 1e-5, "{size:?}: {relative}");
        }
    }

    #[test]
    #[ignore = "needs a graphics card"]
    fn two_runs_are_bit_identical() {
        let [first, second] = [(); 2].map(|()| on_card((150, 110), 20.0, 1).0);
        assert!(first == second, "the gradients differ");
    }
}
