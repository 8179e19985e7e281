//! Scene to pixels, and pixel derivative to scene derivative: exact area coverage with an exact adjoint.
//!
//! Input: a [`Scene`] and a raster size (the canvas is scaled to it, x and y apart). Output: an [`Image`], and on the
//! way back a [`SceneGrad`]. Invariants: a pixel's cover is the exact area of the flattened path in it
//! (`min(|signed winding area|, 1)`, or its even-odd fold); a group of opacity below 1 is an isolated layer; any
//! number of paths may share a pixel; nothing is sampled. Determinism: the same bits for any number of threads.
//! Cost: a few milliseconds a megapixel and ten thousand cubics; see [`mod@bench`] for the limit of the machine.
//!
//! One picture is cut into bands of 16 rows, each a task of the caller's thread pool:
//!
//! 1. `flatten`: cubics become lines within [`TOLERANCE_PX`], sorted into bands.
//! 2. `coverage`: the lines of one path in one band become signed areas, block by block.
//! 3. `composite`: areas become colours, back to front, four pixels at a time.
//! 4. `adjoint`: the way back through 3, front to back, with what lay behind each edge.
//! 5. `moments`: the way back through 2 and 1, a line integral along every edge, exact for the cubic itself.
//!
//! The model is the one browsers and resvg use, so what is optimised is what users see; cover as alpha lets a little
//! of what lies behind shine through where two paths abut, and in pixels that hold a self-crossing the area is the
//! net winding. Reference: Li et al. 2020, "Differentiable Vector Graphics Rasterization for Editing and Learning",
//! for the problem; the signed-area accumulation of libart for the forward model.

mod adjoint;
pub mod bench;
mod composite;
mod coverage;
mod draw;
mod flatten;
pub mod gpu;
mod moments;
mod plan;
mod real;
mod tape;
#[cfg(test)]
mod tests;
mod visible;
mod work;

use rayon::prelude::*;

use crate::ctx::{Cancelled, Ctx};
use crate::fault::Fault;
use crate::gpu::{Backend, GpuError};
use crate::image::{Alpha, ColorSpace, Image, ImageError};
use crate::scene::{Scene, SceneError};
use draw::{DrawScratch, copy_planes, draw_band};
use flatten::BAND_ROWS;
use plan::{Plan, Pool, Setup};
use tape::TapeOf;
pub use work::{Work, work};

/// Largest distance between a cubic and the lines that stand for it, in raster pixels: a tenth of a pixel's width
/// moves an edge pixel by less than what eight bits can show in most places, and matches browsers.
pub const TOLERANCE_PX: f64 = 0.1;

/// Raster size in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub width_px: usize,
    /// Rows.
    pub height_px: usize,
}

impl Size {
    /// Of a scene's canvas, in whole pixels.
    pub fn of_canvas(scene: &Scene) -> Self {
        let side = |length: f32| length.ceil().max(1.0) as usize;
        Self { width_px: side(scene.width), height_px: side(scene.height) }
    }
}

/// What lies behind the scene.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Background {
    /// An opaque colour; display-referred sRGB.
    Rgb([f32; 3]),
    /// Nothing: the picture gets an alpha plane.
    Transparent,
}

/// Which derivatives the way back must deliver besides those by fill colours, which cost less than asking; the others are zero
/// and cost nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trained {
    /// By control points.
    pub points: bool,
    /// By the opacity of fills and of groups.
    pub opacity: bool,
}

/// A scene that cannot be drawn, or a derivative that does not belong to it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RasterError {
    /// The scene breaks an invariant.
    #[error(transparent)]
    Scene(#[from] SceneError),
    /// The raster size is zero or too large.
    #[error(transparent)]
    Size(#[from] ImageError),
    /// A control point is NaN or infinite.
    #[error("path '{path}' has a control point that is not a finite number; drop the path or the last step")]
    NotFinite {
        /// Id of the path.
        path: String,
    },
    /// A fill is not a colour.
    #[error("fill {index} is {rgba:?}; colours must be finite and opacity within 0 to 1")]
    Fill {
        /// Index into the scene's fills.
        index: usize,
        /// The fill.
        rgba: [f32; 4],
    },
    /// A group's opacity is out of range.
    #[error("group '{group}' has opacity {opacity}; it must be within 0 to 1")]
    GroupOpacity {
        /// Id of the group.
        group: String,
        /// The number.
        opacity: f32,
    },
    /// A plane does not have the raster's size.
    #[error("a plane of {found} values was given for a raster of {expected} pixels")]
    PlaneSize {
        /// Values found.
        found: usize,
        /// Pixels of the raster.
        expected: usize,
    },
    /// A value of a plane is NaN or infinite.
    #[error("value {index} of a plane is {value}, which is not a finite number")]
    PlaneNotFinite {
        /// Index of the pixel.
        index: usize,
        /// The number.
        value: f32,
    },
    /// The tape was recorded from a scene of another shape.
    #[error("the scene has {paths} paths but the tape was recorded from one of {recorded}; run forward again")]
    OtherScene {
        /// Paths of the scene given.
        paths: usize,
        /// Paths recorded.
        recorded: usize,
    },
    /// The run was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The graphics card failed.
    #[error(transparent)]
    Gpu(#[from] GpuError),
}

impl RasterError {
    /// What kind of fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Gpu(error) => error.fault(),
            Self::Cancelled(error) => error.fault(),
            _ => Fault::Work,
        }
    }
}

/// What [`forward`] remembers for [`backward`]; keep it and pass it to [`forward_into`] again, its buffers are reused.
#[derive(Debug, Default)]
pub struct Tape(TapeOf<f32>);

/// dL/dscene, in the scene's own units (canvas pixels). The opacity of groups is drawn, not trained.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SceneGrad {
    /// By each control point.
    pub points: Vec<[f32; 2]>,
    /// By each fill: red, green, blue, opacity; summed over the paths that share it, back to front.
    pub fills: Vec<[f32; 4]>,
}

/// Draws `scene` where `ctx` says; display-referred sRGB. With [`Background::Transparent`] the colours are premultiplied and alpha is
/// one minus the transmittance. Memory besides the picture is 24 bytes a line and some rows a thread.
///
/// # Errors
/// A [`RasterError`] naming the path, fill, group or size at fault, or that the run was cancelled.
pub fn render(scene: &Scene, size: Size, background: Background, ctx: &Ctx) -> Result<Image, RasterError> {
    match &ctx.backend {
        Backend::Cpu => render_on_cpu(scene, size, background, ctx),
        Backend::Gpu(wanted) => wanted.run(
            |error: &RasterError| error.fault().is_worth_a_retry(),
            |card| gpu::render(scene, size, background, card, ctx),
        ),
    }
}

fn render_on_cpu(scene: &Scene, size: Size, background: Background, ctx: &Ctx) -> Result<Image, RasterError> {
    let mut plan = Plan::<f32>::default();
    ctx.install(|| plan.prepare(scene, Setup { size, tolerance_px: TOLERANCE_PX, trained: Trained::default() }, ctx))?;
    let mut image = Image::filled(size.width_px, size.height_px, [0.0; 3]);
    let [red, green, blue, alpha] =
        image.planes.each_mut().map(|plane| plane.par_chunks_mut(BAND_ROWS * size.width_px));
    let bands = red.zip(green.zip(blue.zip(alpha))).enumerate().with_max_len(1);
    match background {
        Background::Rgb(rgb) => {
            let pool = Pool::<DrawScratch<f32, 3>>::default();
            ctx.install(|| {
                bands.try_for_each(|(index, (red, (green, (blue, _))))| {
                    ctx.cancel.check()?;
                    pool.with(|scratch| {
                        draw_band(&plan, plan.band(index), rgb, scratch, None);
                        copy_planes(&scratch.frame, size.width_px, [red, green, blue], |value| value);
                    });
                    Ok::<(), RasterError>(())
                })
            })?;
        }
        Background::Transparent => {
            let pool = Pool::<DrawScratch<f32, 4>>::default();
            ctx.install(|| {
                bands.try_for_each(|(index, (red, (green, (blue, alpha))))| {
                    ctx.cancel.check()?;
                    pool.with(|scratch| {
                        draw_band(&plan, plan.band(index), [0.0, 0.0, 0.0, 1.0], scratch, None);
                        copy_planes(&scratch.frame, size.width_px, [red, green, blue, &mut *alpha], |value| value);
                    });
                    alpha.iter_mut().for_each(|value| *value = 1.0 - *value);
                    Ok::<(), RasterError>(())
                })
            })?;
            image.alpha = Alpha::Premultiplied;
        }
    }
    Ok(image)
}

/// Draws `scene` over an opaque colour and remembers how.
///
/// # Errors
/// As [`render`].
pub fn forward(
    scene: &Scene,
    size: Size,
    background: [f32; 3],
    trained: Trained,
    ctx: &Ctx,
) -> Result<(Image, Tape), RasterError> {
    let mut tape = Tape::default();
    let mut image = Image::filled(0, 0, background);
    forward_into(scene, size, background, trained, (&mut image, &mut tape), ctx)?;
    Ok((image, tape))
}

/// As [`forward`], into a picture and a tape of an earlier call, whose buffers are reused. After an error neither may
/// be used but for another forward pass.
///
/// # Errors
/// As [`render`].
pub fn forward_into(
    scene: &Scene,
    size: Size,
    background: [f32; 3],
    trained: Trained,
    (image, tape): (&mut Image, &mut Tape),
    ctx: &Ctx,
) -> Result<(), RasterError> {
    let [red, green, blue, alpha] = &mut image.planes;
    ctx.install(|| {
        tape.0.record(scene, Setup { size, tolerance_px: TOLERANCE_PX, trained }, background, [red, green, blue], ctx)
    })?;
    alpha.clear();
    alpha.resize(size.width_px * size.height_px, 1.0);
    (image.width, image.height) = (size.width_px, size.height_px);
    (image.space, image.alpha) = (ColorSpace::Srgb, Alpha::Straight);
    Ok(())
}

/// dL/dscene for `pixel_grad` = dL/d(red, green, blue) of each pixel of the recorded picture.
///
/// # Errors
/// [`RasterError::PlaneSize`], [`RasterError::PlaneNotFinite`], [`RasterError::OtherScene`] or cancelled.
pub fn backward(scene: &Scene, tape: &Tape, pixel_grad: [&[f32]; 3], ctx: &Ctx) -> Result<SceneGrad, RasterError> {
    check_finite(&pixel_grad)?;
    let grad = ctx.install(|| tape.0.undo(scene, pixel_grad, ctx))?;
    let mut fills = vec![[0.0; 4]; scene.fills.len()];
    for (path, by_paint) in scene.paths.iter().zip(&grad.paints) {
        if let Some(fill) = fills.get_mut(path.fill as usize) {
            fill.iter_mut().zip(by_paint).for_each(|(sum, &part)| *sum += part);
        }
    }
    Ok(SceneGrad { points: grad.points, fills })
}

/// Per path, Σ T a · `mask` over the pixels, in square raster pixels: with a mask of ones, the area of the path that
/// is seen. T is the transmittance of what lies in front, a is opacity times cover.
///
/// # Errors
/// As [`forward`] and [`backward`].
pub fn visible_area(scene: &Scene, size: Size, mask: &[f32], ctx: &Ctx) -> Result<Vec<f32>, RasterError> {
    let sums = visible(scene, size, [mask], ctx)?;
    Ok(sums.into_iter().map(|[sum]| sum).collect())
}

/// Per path, `[Σw·r, Σw·g, Σw·b, Σw]` with w = T a of [`visible_area`]: divided by the last one, the mean colour of
/// the picture `planes` under the seen part of the path.
///
/// # Errors
/// As [`forward`] and [`backward`].
pub fn visible_sums(scene: &Scene, size: Size, planes: [&[f32]; 3], ctx: &Ctx) -> Result<Vec<[f32; 4]>, RasterError> {
    let ones = vec![1.0; size.width_px.saturating_mul(size.height_px).min(crate::image::MAX_PIXELS)];
    let [red, green, blue] = planes;
    visible(scene, size, [red, green, blue, &ones], ctx)
}

fn visible<const N: usize>(
    scene: &Scene,
    size: Size,
    planes: [&[f32]; N],
    ctx: &Ctx,
) -> Result<Vec<[f32; N]>, RasterError> {
    check_finite(&planes)?;
    let mut tape = TapeOf::default();
    let [red, green, blue] = &mut [const { Vec::new() }; 3];
    ctx.install(|| {
        tape.record(
            scene,
            Setup { size, tolerance_px: TOLERANCE_PX, trained: Trained::default() },
            [0.0; 3],
            [red, green, blue],
            ctx,
        )?;
        tape.visible(scene, planes, ctx)
    })
}

fn check_finite(planes: &[&[f32]]) -> Result<(), RasterError> {
    for plane in planes {
        // A sum of zeros unless something is not finite: vectorizes, unlike a search.
        if plane.iter().fold(true, |finite, value| finite & value.is_finite()) {
            continue;
        }
        if let Some((index, &value)) = plane.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            return Err(RasterError::PlaneNotFinite { index, value });
        }
    }
    Ok(())
}
