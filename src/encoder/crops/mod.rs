//! Crops: from a picture to the normalised squares that the image tower takes, and back with a gradient.
//!
//! Input: three colour planes in 0..1. Output: `[crops, 3, side, side]`. Invariants: the operator is affine in the
//! pixels and [`Crops::adjoint`] is the exact adjoint of its linear part. Determinism: gradients of crops are summed
//! in a fixed order in at most [`GROUPS`] partial sums, whatever the thread count. Cost: a few operations a pixel
//! of the window; weights are computed once for both directions.
//!
//! Stages of one crop: resize (or copy) of the window, then, for warped crops, a perspective, then, in CLIPVG's
//! order, the resize that follows it.

pub mod draw;
pub mod gpu;
mod perspective;
mod resize;

use rayon::prelude::*;

use perspective::{Edge, Perspective, homography};
use resize::{Axis, Resize, Span};

pub use resize::Filter;

use super::{Config, EncoderError, expect_len};
use crate::ctx::Ctx;

/// Partial sums of the adjoint; each takes memory for one picture.
const GROUPS: usize = 8;

/// What a crop stands for in the loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CropKind {
    /// The whole region.
    Region,
    /// A random part of it.
    Patch,
}

/// How a window is distorted. Corners are listed from the top left, clockwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Warp {
    /// Not at all.
    None,
    /// torchvision's `perspective`: the corners of the cut-out window move to these places inside it (pixels of the
    /// window); what becomes free gets the fill colour. The window has whole-pixel edges and is warped before it is
    /// resized.
    Inward([[f32; 2]; 4]),
    /// The square shows this quadrangle of the window (0..1 in each axis); no fill is needed.
    Quad([[f32; 2]; 4]),
}

/// One crop of a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CropSpec {
    /// x, y, width, height in pixels of the picture; may reach outside.
    pub window: [f32; 4],
    /// Pixels that count: x0, y0, x1, y1 with x1 and y1 exclusive. The others, and those outside the picture, have
    /// the fill colour.
    pub visible: [usize; 4],
    /// Colour of what does not count, 0..1.
    pub fill: [f32; 3],
    /// Distortion.
    pub warp: Warp,
    /// Resampling.
    pub filter: Filter,
    /// Role in the loss.
    pub kind: CropKind,
}

/// One weight a crop: `region` for each [`CropKind::Region`], `patches` shared by all patches.
pub fn weights(specs: &[CropSpec], region: f32, patches: f32) -> Vec<f32> {
    let count = specs.iter().filter(|spec| spec.kind == CropKind::Patch).count().max(1) as f32;
    let weight = |spec: &CropSpec| if spec.kind == CropKind::Region { region } else { patches / count };
    specs.iter().map(weight).collect()
}

#[derive(Debug)]
struct Crop {
    first: Resize,
    /// Width of the plane that `first` makes.
    middle_width: usize,
    warp: Option<Perspective>,
    last: Option<Resize>,
    fill: [f32; 3],
}

/// The operator from a picture of one size to a batch of crops.
#[derive(Debug)]
pub struct Crops {
    width: usize,
    height: usize,
    side: usize,
    mean: [f32; 3],
    std: [f32; 3],
    crops: Vec<Crop>,
}

impl Crops {
    /// Prepares the crops of pictures of `width` x `height` pixels for an encoder.
    ///
    /// # Errors
    /// [`EncoderError::Window`] for windows that are empty, not finite or more than 65536 pixels wide.
    pub fn new(specs: &[CropSpec], width: usize, height: usize, config: &Config) -> Result<Self, EncoderError> {
        let side = config.image_side_px;
        let crops = specs.iter().map(|spec| Crop::new(spec, width, height, side)).collect::<Result<_, _>>()?;
        Ok(Self { width, height, side, mean: config.mean, std: config.std, crops })
    }

    /// Number of crops.
    pub fn len(&self) -> usize {
        self.crops.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.crops.is_empty()
    }

    fn crop_len(&self) -> usize {
        3 * self.side * self.side
    }

    /// Normalised crops `[crops, 3, side, side]` of red, green and blue planes.
    ///
    /// # Errors
    /// [`EncoderError::Length`] when a plane has another size.
    pub fn forward(&self, planes: [&[f32]; 3], ctx: &Ctx) -> Result<Vec<f32>, EncoderError> {
        for plane in planes {
            expect_len("picture plane", self.width * self.height, plane.len())?;
        }
        let mut out = vec![0.0; self.crops.len() * self.crop_len()];
        ctx.install(|| {
            out.par_chunks_mut(self.crop_len()).zip(&self.crops).for_each(|(out, crop)| {
                let planes = crop.forward(planes, self.width);
                let norms = self.mean.iter().zip(&self.std);
                for ((out, plane), (mean, std)) in out.chunks_mut(self.side * self.side).zip(&planes).zip(norms) {
                    out.iter_mut().zip(plane).for_each(|(out, value)| *out = (value - mean) / std);
                }
            });
        });
        Ok(out)
    }

    /// Gradient with respect to the planes, given that with respect to the crops.
    ///
    /// # Errors
    /// [`EncoderError::Length`] when the gradient has another size.
    pub fn adjoint(&self, d_crops: &[f32], ctx: &Ctx) -> Result<[Vec<f32>; 3], EncoderError> {
        expect_len("gradient of the crops", self.crops.len() * self.crop_len(), d_crops.len())?;
        let group = self.crops.len().div_ceil(GROUPS).max(1);
        let pixels = self.width * self.height;
        Ok(ctx.install(|| {
            let tasks = self.crops.par_chunks(group).zip(d_crops.par_chunks(group * self.crop_len()));
            let partial = |(crops, d_crops): (&[Crop], &[f32])| {
                let mut sum = [(); 3].map(|()| vec![0.0_f32; pixels]);
                for (crop, d_crop) in crops.iter().zip(d_crops.chunks(self.crop_len())) {
                    crop.adjoint(&self.denormalised(d_crop), self.width, &mut sum);
                }
                sum
            };
            let mut partials = tasks.map(partial).collect::<Vec<_>>().into_iter();
            let mut total = partials.next().unwrap_or_else(|| [(); 3].map(|()| vec![0.0; pixels]));
            for partial in partials {
                for (total, part) in total.iter_mut().zip(&partial) {
                    total.par_iter_mut().with_min_len(1 << 14).zip(part).for_each(|(total, part)| *total += part);
                }
            }
            total
        }))
    }

    /// Gradient of one crop's planes before normalisation.
    fn denormalised(&self, d_crop: &[f32]) -> [Vec<f32>; 3] {
        let mut planes = d_crop.chunks((self.side * self.side).max(1));
        self.std.map(|std| planes.next().unwrap_or_default().iter().map(|d| d / std).collect())
    }
}

impl Crop {
    fn new(spec: &CropSpec, width: usize, height: usize, side: usize) -> Result<Self, EncoderError> {
        let bad = |reason| EncoderError::Window { window: spec.window, reason };
        let [x, y, w, h] = spec.window.map(f64::from);
        if ![x, y, w, h].iter().all(|v| v.is_finite() && v.abs() <= 65_536.0) {
            return Err(bad("it is not finite or larger than 65536 pixels"));
        }
        if w <= 0.0 || h <= 0.0 {
            return Err(bad("it is empty"));
        }
        let [x0, y0, x1, y1] = spec.visible;
        let (across, down) = ((x0.min(width), x1.min(width)), (y0.min(height), y1.min(height)));
        let span = |window, visible, samples| Axis::new(Span { window, visible, samples }, spec.filter);
        let resized = |columns, rows| Resize { columns: span((x, w), across, columns), rows: span((y, h), down, rows) };
        let fill = spec.fill;
        match spec.warp {
            Warp::None => Ok(Self { first: resized(side, side), middle_width: side, warp: None, last: None, fill }),
            Warp::Quad(corners) => {
                // Twice the output's density is enough for 2 x 2 bilinear samples; more than the source has is not.
                let density = |len: f64| (2 * side).min((len.ceil() as usize).max(side));
                let middle = (density(w), density(h));
                let square = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]].map(|c| c.map(|v| v * side as f64));
                let quad = corners.map(|[u, v]| [f64::from(u) * middle.0 as f64, f64::from(v) * middle.1 as f64]);
                let coefficients = homography(square, quad).ok_or_else(|| bad("its corners are in line"))?;
                let warp = Perspective::new(coefficients, middle, side, 2, Edge::Repeat);
                let first = resized(middle.0, middle.1);
                Ok(Self { first, middle_width: middle.0, warp: Some(warp), last: None, fill })
            }
            Warp::Inward(corners) => {
                if w != h || [x, y, w].iter().any(|v| v.fract() != 0.0) {
                    return Err(bad("a window that is warped first must be a square of whole pixels"));
                }
                let cut = w as usize;
                let edge = w - 1.0;
                let square = [[0.0, 0.0], [edge, 0.0], [edge, edge], [0.0, edge]];
                let moved = corners.map(|corner| corner.map(f64::from));
                let coefficients = homography(moved, square).ok_or_else(|| bad("its corners are in line"))?;
                let first =
                    Resize { columns: Axis::copy(x as i64, cut, across), rows: Axis::copy(y as i64, cut, down) };
                let axis = || Axis::new(Span { window: (0.0, w), visible: (0, cut), samples: side }, spec.filter);
                let warp = Perspective::new(coefficients, (cut, cut), cut, 1, Edge::MaskedFill);
                let last = Some(Resize { columns: axis(), rows: axis() });
                Ok(Self { first, middle_width: cut, warp: Some(warp), last, fill })
            }
        }
    }

    fn forward(&self, planes: [&[f32]; 3], width: usize) -> [Vec<f32>; 3] {
        let mut fills = self.fill.into_iter();
        let mut planes = planes.map(|plane| self.first.forward(plane, width, fills.next().unwrap_or(0.0)));
        if let Some(warp) = &self.warp {
            planes = warp.forward(&planes, self.fill);
        }
        match &self.last {
            Some(last) => planes.map(|plane| last.forward(&plane, self.middle_width, 0.0)),
            None => planes,
        }
    }

    /// Adds the gradient of one crop to `sum`.
    fn adjoint(&self, g: &[Vec<f32>; 3], width: usize, sum: &mut [Vec<f32>; 3]) {
        let mut owned;
        let mut g = g;
        if let Some(last) = &self.last {
            owned = [(); 3].map(|()| vec![0.0; self.middle_width * self.middle_width]);
            for (out, g) in owned.iter_mut().zip(g) {
                last.adjoint(g, self.middle_width, out);
            }
            g = &owned;
        }
        if let Some(warp) = &self.warp {
            owned = warp.adjoint(g);
            g = &owned;
        }
        for (sum, g) in sum.iter_mut().zip(g) {
            self.first.adjoint(g, width, sum);
        }
    }
}
