//! The rasterizer on a graphics card: the same picture and the same derivatives as on the CPU, within rounding.
//!
//! Input: a scene and a card. Output: as [`super::render`], [`super::forward`] and [`super::backward`]. Invariants: pictures
//! differ from the CPU's by at most 1e-4, derivatives by a relative 1e-4; two runs on one card are bit-identical.
//! Stages, shaders and bindings: `shaders/README.md`. Cost: twelve dispatches for both ways; nothing but the pictures crosses.

pub(in crate::raster) mod constants;
mod geometry;
mod session;
pub(in crate::raster) mod stages;
#[cfg(test)]
mod twins;

use std::sync::Arc;

use super::plan::check_paints;
use super::{Background, RasterError, SceneGrad, Size, Trained, check_finite};
use crate::ctx::Ctx;
use crate::gpu::{Gpu, GpuError, bytes_of};
use crate::image::{Alpha, Image};
use crate::scene::Scene;
pub use session::Counts;
use session::{Purpose, Session};

/// A scene that is drawn on a card again and again, with the way back.
#[derive(Debug)]
pub struct GpuTape {
    session: Session,
}

/// As [`super::render`], on `gpu`.
///
/// # Errors
/// As [`super::render`], and [`RasterError::Gpu`].
pub fn render(
    scene: &Scene,
    size: Size,
    background: Background,
    gpu: &Arc<Gpu>,
    ctx: &Ctx,
) -> Result<Image, RasterError> {
    check(scene, size)?;
    let behind = match background {
        Background::Rgb([r, g, b]) => [r, g, b, 0.0],
        Background::Transparent => [0.0, 0.0, 0.0, 1.0],
    };
    let purpose = Purpose { size, background: behind, trained: None };
    let mut session = Session::new(gpu.clone(), scene, purpose)?;
    let mut image = Image::filled(size.width_px, size.height_px, [0.0; 3]);
    session.forward_strips(scene, |first_row, pixels| {
        ctx.cancel.check()?;
        write_rows(&mut image, first_row, pixels);
        Ok(())
    })?;
    if background == Background::Transparent {
        image.alpha = Alpha::Premultiplied;
    }
    Ok(image)
}

fn check(scene: &Scene, size: Size) -> Result<(), RasterError> {
    Image::check_size(size.width_px, size.height_px)?;
    scene.validate_structure()?;
    check_paints(scene)
}

/// Planes as pixels, the way pictures lie on a card; the fourth value is 0.
pub fn pixels_of([red, green, blue]: [&[f32]; 3]) -> Vec<[f32; 4]> {
    red.iter().zip(green).zip(blue).map(|((r, g), b)| [*r, *g, *b, 0.0]).collect()
}

/// Writes pixels with transmittance into the rows from `first_row` on.
fn write_rows(image: &mut Image, first_row: usize, pixels: &[[f32; 4]]) {
    let start = first_row * image.width;
    for (plane, values) in image.planes.iter_mut().enumerate() {
        let values = values.get_mut(start..start + pixels.len()).unwrap_or_default();
        for (value, pixel) in values.iter_mut().zip(pixels) {
            let found = pixel.get(plane).copied().unwrap_or(0.0);
            *value = if plane == 3 { 1.0 - found } else { found };
        }
    }
}

impl GpuTape {
    /// Brings `scene` to the card.
    ///
    /// # Errors
    /// As [`super::forward`], and [`RasterError::Gpu`].
    pub fn new(
        scene: &Scene,
        size: Size,
        background: [f32; 3],
        trained: Trained,
        gpu: &Arc<Gpu>,
    ) -> Result<Self, RasterError> {
        check(scene, size)?;
        let [r, g, b] = background;
        let purpose = Purpose { size, background: [r, g, b, 0.0], trained: Some(trained) };
        Ok(Self { session: Session::new(gpu.clone(), scene, purpose)? })
    }

    /// Draws `scene`, which has the shape of the first one; the picture stays on the card.
    ///
    /// # Errors
    /// As [`super::forward`], and [`RasterError::Gpu`].
    pub fn forward(&mut self, scene: &Scene) -> Result<(), RasterError> {
        self.upload(scene)?;
        self.session.forward(scene)
    }

    /// Brings the numbers of `scene`, which has the shape of the first one, to the card.
    ///
    /// # Errors
    /// As [`super::forward`], and [`RasterError::Gpu`].
    pub fn upload(&self, scene: &Scene) -> Result<(), RasterError> {
        check_paints(scene)?;
        self.check_shape(scene)?;
        Ok(self.session.upload(scene)?)
    }

    /// The picture of the last [`Self::forward`].
    ///
    /// # Errors
    /// [`RasterError::Gpu`].
    pub fn image(&self) -> Result<Image, RasterError> {
        let Size { width_px, height_px } = self.session.purpose.size;
        let pixels = self.read::<[f32; 4]>("image", width_px * height_px)?;
        let mut image = Image::filled(width_px, height_px, [0.0; 3]);
        write_rows(&mut image, 0, &pixels);
        Ok(image)
    }

    /// As [`super::backward`], for the scene of the last [`Self::forward`].
    ///
    /// # Errors
    /// As [`super::backward`], and [`RasterError::Gpu`].
    pub fn backward(&self, scene: &Scene, pixel_grad: [&[f32]; 3]) -> Result<SceneGrad, RasterError> {
        self.set_pixel_grad(pixel_grad)?;
        let mut commands = self.session.gpu.commands()?;
        self.session.encode_backward(&mut commands)?;
        self.read_gradient(commands, scene)
    }

    /// Runs `commands`, which end with [`Self::encode_backward`], and reads the gradient they leave.
    ///
    /// # Errors
    /// [`RasterError::OtherScene`], [`RasterError::Gpu`].
    pub fn read_gradient(&self, mut commands: wgpu::CommandEncoder, scene: &Scene) -> Result<SceneGrad, RasterError> {
        self.check_shape(scene)?;
        let gpu = &self.session.gpu;
        let by_points = size_of_val(scene.points.as_slice()) as u64;
        let by_fills = size_of::<[f32; 4]>() as u64 * self.session.fill_count();
        let read = gpu.reader(by_points + by_fills)?;
        read.copy(&mut commands, self.session.buffer("point_grads")?, 0, 0, by_points);
        read.copy(&mut commands, self.session.buffer("fill_grads")?, 0, by_points, by_fills);
        let (points, fills) = gpu.finish(commands, &read, |bytes| {
            let (points, fills) = bytes.split_at_checked(by_points as usize).unwrap_or((bytes, &[]));
            (bytemuck::pod_collect_to_vec::<u8, [f32; 2]>(points), bytemuck::pod_collect_to_vec::<u8, [f32; 4]>(fills))
        })?;
        Ok(SceneGrad { points, fills })
    }

    /// Brings dL/dpixel to the card.
    ///
    /// # Errors
    /// [`RasterError::PlaneSize`], [`RasterError::PlaneNotFinite`], [`RasterError::Gpu`].
    pub fn set_pixel_grad(&self, pixel_grad: [&[f32]; 3]) -> Result<(), RasterError> {
        let Size { width_px, height_px } = self.session.purpose.size;
        let expected = width_px * height_px;
        if let Some(plane) = pixel_grad.iter().find(|plane| plane.len() != expected) {
            return Err(RasterError::PlaneSize { found: plane.len(), expected });
        }
        check_finite(&pixel_grad)?;
        Ok(self.session.gpu.write(self.session.buffer("image_grad")?, bytes_of(&pixels_of(pixel_grad)))?)
    }

    /// The way back on the card alone, waited for.
    ///
    /// # Errors
    /// [`RasterError::Gpu`].
    pub fn undo(&self) -> Result<(), RasterError> {
        let mut commands = self.session.gpu.commands()?;
        self.session.encode_backward(&mut commands)?;
        Ok(self.session.gpu.run(commands)?)
    }

    /// The card.
    pub fn gpu(&self) -> &Arc<Gpu> {
        &self.session.gpu
    }

    /// A buffer by its name in the shaders. `image`, `image_grad`, `points`, `paints` and the gradients of both stay the same
    /// as long as the tape lives.
    ///
    /// # Errors
    /// [`GpuError::Driver`] for a name that no shader has.
    pub fn buffer(&self, name: &'static str) -> Result<&wgpu::Buffer, GpuError> {
        self.session.buffer(name)
    }

    /// Ends `commands` with a drawing of the scene on the card into `image` and with what `follow` adds, runs them, and shows the
    /// first bytes of `wanted`, as many as it says, to `take`. Where lists were too short, the drawing and what follows are repeated
    /// with longer ones, and only what fits is kept. `scene` gives names to paths.
    ///
    /// # Errors
    /// [`RasterError::NotFinite`], [`RasterError::Gpu`].
    pub fn draw<R>(
        &mut self,
        commands: wgpu::CommandEncoder,
        scene: &Scene,
        follow: impl Fn(&mut wgpu::CommandEncoder),
        wanted: (&wgpu::Buffer, u64),
        take: impl Fn(&[u8]) -> R,
    ) -> Result<R, RasterError> {
        self.session.draw(commands, scene, follow, Some(wanted), take)
    }

    /// Commands from `image_grad` to `point_grads` and `fill_grads`.
    ///
    /// # Errors
    /// [`GpuError`].
    pub fn encode_backward(&self, commands: &mut wgpu::CommandEncoder) -> Result<(), GpuError> {
        self.session.encode_backward(commands)
    }

    /// What the last drawing held.
    pub fn counts(&self) -> Counts {
        self.session.counts
    }

    /// Shaders that a drawing and the way back dispatch.
    pub fn dispatches(&self) -> (u64, u64) {
        let strips = self.session.counts.strips;
        let (forward, backward) = (stages::FORWARD.len() as u64, stages::BACKWARD.len() as u64);
        let again = if strips > 1 { forward } else { 0 };
        (strips * forward, strips * (backward + again) + stages::GATHER.len() as u64)
    }

    fn read<T: bytemuck::AnyBitPattern + bytemuck::NoUninit>(
        &self,
        name: &'static str,
        count: usize,
    ) -> Result<Vec<T>, GpuError> {
        let bytes = (count * size_of::<T>()) as u64;
        let mut commands = self.session.gpu.commands()?;
        let read = self.session.gpu.reader(bytes)?;
        read.copy(&mut commands, self.session.buffer(name)?, 0, 0, bytes);
        self.session.gpu.finish(commands, &read, bytemuck::pod_collect_to_vec::<u8, T>)
    }

    fn check_shape(&self, scene: &Scene) -> Result<(), RasterError> {
        let geometry = &self.session.geometry;
        let same = scene.paths.len() == geometry.paths.len()
            && scene.points.len() == geometry.points as usize
            && scene.fills.len() == geometry.fills as usize
            && scene.groups.len() == geometry.groups as usize;
        let (paths, recorded) = (scene.paths.len(), geometry.paths.len());
        if same { Ok(()) } else { Err(RasterError::OtherScene { paths, recorded }) }
    }
}
