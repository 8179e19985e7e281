//! Pictures of the host: any depth, any number of channels, any row bytes, any origin.
//!
//! Input: a clip and a time. Output: an [`Image`] with its top row first, and the way back into the host's memory.
//! Invariants: only pixels inside an image's bounds are touched; a clip that says it is connected and gives no data
//! reads as none. Determinism: bytes become values and values bytes as in files. Cost: one pass over the pixels.

use super::props::{Props, lasting};
use super::suites::Suites;
use super::sys::*;
use crate::ctx::Ctx;
use crate::image::{Alpha, ColorSpace, Image, ImageError, byte_from_unit};
use half::f16;
use rayon::prelude::*;
use std::ffi::CStr;

/// Where a picture lies in the host's plane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// Left, bottom, right, top in pixels of the render scale.
    pub bounds: OfxRectI,
    /// Pixels of this render per pixel of the full picture.
    pub scale: [f64; 2],
    /// Width of a pixel over its height.
    pub pixel_aspect: f64,
}

impl Frame {
    /// Of no picture, at full scale.
    pub(super) const EMPTY: Self =
        Self { bounds: OfxRectI { x1: 0, y1: 0, x2: 0, y2: 0 }, scale: [1.0; 2], pixel_aspect: 1.0 };

    /// Columns.
    pub(super) fn width(&self) -> usize {
        usize::try_from(i64::from(self.bounds.x2) - i64::from(self.bounds.x1)).unwrap_or(0)
    }

    /// Rows.
    pub(super) fn height(&self) -> usize {
        usize::try_from(i64::from(self.bounds.y2) - i64::from(self.bounds.y1)).unwrap_or(0)
    }

    /// x, y, width, height in pixels with the origin at the top left, from canonical coordinates (origin at the bottom
    /// left, full scale).
    pub(super) fn rect_px_from_canonical(&self, [x, y]: [f64; 2], [width, height]: [f64; 2]) -> [f64; 4] {
        let [x_scale, y_scale] = self.px_per_canonical();
        let top = f64::from(self.bounds.y2) - (y + height) * y_scale;
        [x * x_scale - f64::from(self.bounds.x1), top, width * x_scale, height * y_scale]
    }

    /// Canonical coordinates of a point in pixels with the origin at the top left.
    pub(super) fn canonical_from_px(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [x_scale, y_scale] = self.px_per_canonical();
        [(x + f64::from(self.bounds.x1)) / x_scale, (f64::from(self.bounds.y2) - y) / y_scale]
    }

    fn px_per_canonical(&self) -> [f64; 2] {
        [self.scale[0] / self.pixel_aspect, self.scale[1]]
    }
}

/// How a channel is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// 8 bits, 0 to 1 as 0 to 255.
    Byte,
    /// 16 bits, 0 to 1 as 0 to 65535.
    Short,
    /// 16-bit floating point.
    Half,
    /// 32-bit floating point.
    Float,
}

impl Depth {
    fn of(name: &str) -> Option<Self> {
        let depths = [
            (kOfxBitDepthByte, Self::Byte),
            (kOfxBitDepthShort, Self::Short),
            (kOfxBitDepthHalf, Self::Half),
            (kOfxBitDepthFloat, Self::Float),
        ];
        depths.into_iter().find(|(known, _)| is(known, name)).map(|(_, depth)| depth)
    }

    fn bytes(self) -> usize {
        match self {
            Self::Byte => 1,
            Self::Short | Self::Half => 2,
            Self::Float => 4,
        }
    }

    /// Hosts hand floating point over as linear light and integers as sRGB, unless told otherwise.
    pub(super) fn usual_space(self) -> ColorSpace {
        match self {
            Self::Byte | Self::Short => ColorSpace::Srgb,
            Self::Half | Self::Float => ColorSpace::Linear,
        }
    }

    fn read(self, bytes: &[u8]) -> f32 {
        match (self, bytes) {
            (Self::Byte, &[a]) => f32::from(a) / 255.0,
            (Self::Short, &[a, b]) => f32::from(u16::from_ne_bytes([a, b])) / 65535.0,
            (Self::Half, &[a, b]) => f16::from_ne_bytes([a, b]).to_f32(),
            (Self::Float, &[a, b, c, d]) => f32::from_ne_bytes([a, b, c, d]),
            _ => 0.0,
        }
    }

    fn write(self, value: f32, bytes: &mut [u8]) {
        match (self, bytes) {
            (Self::Byte, [a]) => *a = byte_from_unit(value),
            (Self::Short, two) => {
                two.copy_from_slice(&((value.clamp(0.0, 1.0) * 65535.0 + 0.5) as u16).to_ne_bytes());
            }
            (Self::Half, two) => two.copy_from_slice(&f16::from_f32(value).to_ne_bytes()),
            (Self::Float, four) => four.copy_from_slice(&value.to_ne_bytes()),
            (Self::Byte, _) => {}
        }
    }
}

fn is(known: &CStr, name: &str) -> bool {
    known.to_bytes() == name.as_bytes()
}

/// Why a picture of the host cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClipError {
    /// Another depth than the four of the standard, or other channels.
    #[error("the clip '{clip}' has pixels of the kind '{kind}', which Linocut does not read; convert them before")]
    Kind {
        /// The clip.
        clip: &'static str,
        /// What the host said.
        kind: String,
    },
    /// A property that says where the pixels are is absent or makes no sense.
    #[error("the host does not say where the pixels of the clip '{clip}' are ({what}); this is a fault of the host")]
    Layout {
        /// The clip.
        clip: &'static str,
        /// Which property.
        what: &'static str,
    },
    /// Bad size or bad numbers.
    #[error("the clip '{clip}': {error}")]
    Picture {
        /// The clip.
        clip: &'static str,
        /// What is wrong.
        error: ImageError,
    },
}

/// A picture borrowed from the host until it is dropped.
pub(super) struct HostImage {
    handle: OfxPropertySetHandle,
    suites: Suites,
    clip: &'static str,
    data: *mut u8,
    row_bytes: isize,
    /// Where it lies.
    pub frame: Frame,
    /// How a channel is stored.
    pub depth: Depth,
    channels: usize,
    /// How colour relates to alpha; none where the picture is opaque.
    pub alpha: Option<Alpha>,
}

impl Drop for HostImage {
    fn drop(&mut self) {
        if let Some(release) = self.suites.effect.clipReleaseImage {
            // SAFETY: the handle came from clipGetImage and is given back once.
            unsafe { release(self.handle) };
        }
    }
}

// SAFETY: the pixels belong to this image until it is dropped, and shared references only read them; writing needs
// `&mut`. The handle is used on the render thread alone, in `drop`.
unsafe impl Sync for HostImage {}

/// [`clip`] by the name that a node gives it.
pub(super) fn named(effect: OfxImageEffectHandle, name: &str, suites: Suites) -> Option<OfxImageClipHandle> {
    clip(effect, lasting(name), suites)
}

/// The clip `name` of `effect`, where it is connected.
pub(super) fn clip(effect: OfxImageEffectHandle, name: &CStr, suites: Suites) -> Option<OfxImageClipHandle> {
    let (mut clip, mut props) = (std::ptr::null_mut(), std::ptr::null_mut());
    let get = suites.effect.clipGetHandle?;
    // SAFETY: a host function with the live instance, a C string and places for two handles.
    let status = unsafe { get(effect, name.as_ptr(), &raw mut clip, &raw mut props) };
    if status != kOfxStatOK || clip.is_null() {
        return None;
    }
    let connected = Props::new(props, suites).int(kOfxImageClipPropConnected, 0).unwrap_or(0) != 0;
    (connected || name == kOfxImageEffectOutputClipName).then_some(clip)
}

/// What the host says of a clip by one of its properties.
fn said(clip: OfxImageClipHandle, property: &CStr, suites: Suites) -> Option<String> {
    let (mut props, get) = (std::ptr::null_mut(), suites.effect.clipGetPropertySet?);
    // SAFETY: a host function with a live clip and a place for a handle.
    let status = unsafe { get(clip, &raw mut props) };
    (status == kOfxStatOK && !props.is_null()).then(|| Props::new(props, suites).string(property, 0)).flatten()
}

/// What the host says the numbers of the clip `name` mean; none where it does not say, or names a space of another gamut or curve.
pub(super) fn named_space(effect: OfxImageEffectHandle, name: &str, suites: Suites) -> Option<ColorSpace> {
    match said(named(effect, name, suites)?, kOfxImageClipPropColourspace, suites)?.as_str() {
        "lin_rec709_srgb" => Some(ColorSpace::Linear),
        "srgb_tx" | "srgb_display" | "ofx_display_sdr" => Some(ColorSpace::Srgb),
        _ => None,
    }
}

/// How the channels of `clip` are stored, where the host says it before it hands a picture over.
pub(super) fn depth(clip: OfxImageClipHandle, suites: Suites) -> Option<Depth> {
    Depth::of(&said(clip, kOfxImageEffectPropPixelDepth, suites)?)
}

/// The picture of `clip` at `time`, none where the host has none.
///
/// # Errors
/// [`ClipError`] where the picture cannot be understood.
pub(super) fn image(
    clip: OfxImageClipHandle,
    name: &'static str,
    time: OfxTime,
    scale: [f64; 2],
    suites: Suites,
) -> Result<Option<HostImage>, ClipError> {
    let mut handle = std::ptr::null_mut();
    let Some(get) = suites.effect.clipGetImage else { return Ok(None) };
    // SAFETY: a host function with a live clip; no region asks for all of it.
    let status = unsafe { get(clip, time, std::ptr::null(), &raw mut handle) };
    if status != kOfxStatOK || handle.is_null() {
        return Ok(None);
    }
    let props = Props::new(handle, suites);
    let layout = |what| ClipError::Layout { clip: name, what };
    let mut image = HostImage {
        handle,
        suites,
        clip: name,
        data: std::ptr::null_mut(),
        row_bytes: 0,
        frame: Frame { scale, ..Frame::EMPTY },
        depth: Depth::Float,
        channels: 4,
        alpha: None,
    };
    // Some hosts give a picture without pixels for a clip that is not there.
    let Some(data) = props.pointer(kOfxImagePropData) else { return Ok(None) };
    image.data = data.cast();
    image.row_bytes = props.int(kOfxImagePropRowBytes, 0).ok_or_else(|| layout("row bytes"))? as isize;
    image.frame.bounds = props.rect(kOfxImagePropBounds).ok_or_else(|| layout("bounds"))?;
    let aspect = props.double(kOfxImagePropPixelAspectRatio, 0).filter(|aspect| aspect.is_finite() && *aspect > 0.0);
    image.frame.pixel_aspect = aspect.unwrap_or(1.0);
    let kind = |kind: String| ClipError::Kind { clip: name, kind };
    let depth = props.string(kOfxImageEffectPropPixelDepth, 0).unwrap_or_default();
    image.depth = Depth::of(&depth).ok_or_else(|| kind(depth))?;
    let components = props.string(kOfxImageEffectPropComponents, 0).unwrap_or_default();
    let known = [(kOfxImageComponentRGBA, 4), (kOfxImageComponentRGB, 3), (kOfxImageComponentAlpha, 1)];
    let channels = known.into_iter().find(|(known, _)| is(known, &components)).map(|(_, channels)| channels);
    image.channels = channels.ok_or_else(|| kind(components))?;
    let premultiplied = props.string(kOfxImageEffectPropPreMultiplication, 0).unwrap_or_default();
    image.alpha = match image.channels {
        4 if is(kOfxImageOpaque, &premultiplied) => None,
        4 if is(kOfxImageUnPreMultiplied, &premultiplied) => Some(Alpha::Straight),
        4 => Some(Alpha::Premultiplied),
        _ => None,
    };
    let (width, height) = (image.frame.width(), image.frame.height());
    Image::check_size(width, height).map_err(|error| ClipError::Picture { clip: name, error })?;
    if image.row_bytes.unsigned_abs() < width * image.channels * image.depth.bytes() {
        return Err(layout("row bytes"));
    }
    Ok(Some(image))
}

impl HostImage {
    /// Bytes of a row.
    fn row_length(&self) -> usize {
        self.frame.width() * self.channels * self.depth.bytes()
    }

    /// The first byte of the row `from_top`, counted from the top of the bounds; it keeps the host's right to write.
    fn row_start(&self, from_top: usize) -> *mut u8 {
        let from_bottom = self.frame.height() - 1 - from_top;
        // SAFETY: the host promises rows of `row_bytes` from the bottom row on, and the row lies within the bounds. The data
        // pointer is the bottom row's, also for negative row bytes.
        unsafe { self.data.offset(self.row_bytes * from_bottom as isize) }
    }

    /// Bytes of the row `from_top`.
    fn row(&self, from_top: usize) -> &[u8] {
        // SAFETY: the row starts there, and `row_bytes` holds a row (checked).
        unsafe { std::slice::from_raw_parts(self.row_start(from_top), self.row_length()) }
    }

    /// As [`row`](Self::row), all rows for writing.
    fn rows_mut(&mut self) -> Vec<&mut [u8]> {
        let row_mut = |from_top| {
            // SAFETY: as in `row`; `&mut self` makes these the only views, rows do not overlap because `row_bytes` holds
            // a row (checked), and the host gave the output to be written.
            unsafe { std::slice::from_raw_parts_mut(self.row_start(from_top), self.row_length()) }
        };
        (0..self.frame.height()).map(row_mut).collect()
    }

    /// Values of one pixel: red, green, blue, alpha as stored; opaque where there is no alpha, grey where there is
    /// nothing else. `x` and `y` in the host's plane; none outside the bounds.
    pub(super) fn pixel(&self, x: i32, y: i32) -> Option<[f32; 4]> {
        let column = usize::try_from(i64::from(x) - i64::from(self.frame.bounds.x1)).ok()?;
        let from_top = usize::try_from(i64::from(self.frame.bounds.y2) - 1 - i64::from(y)).ok()?;
        if from_top >= self.frame.height() {
            return None;
        }
        self.values(self.row(from_top), column)
    }

    /// How far a mask covers one pixel, 0 to 1; nothing outside its bounds, and what is not a number covers nothing.
    pub(super) fn cover(&self, x: i32, y: i32, inverted: bool) -> f32 {
        let [.., alpha] = self.pixel(x, y).unwrap_or([0.0; 4]);
        let part = if alpha.is_finite() { alpha.clamp(0.0, 1.0) } else { 0.0 };
        if inverted { 1.0 - part } else { part }
    }

    fn values(&self, row: &[u8], column: usize) -> Option<[f32; 4]> {
        let size = self.channels * self.depth.bytes();
        let mut channels = row.get(column * size..(column + 1) * size)?.chunks_exact(self.depth.bytes());
        let mut next = || channels.next().map(|bytes| self.depth.read(bytes));
        let first = next()?;
        Some(match self.channels {
            1 => [first; 4],
            _ => [first, next()?, next()?, if self.alpha.is_some() { next()? } else { 1.0 }],
        })
    }

    /// The whole picture, top row first; `space` says what its numbers mean.
    ///
    /// # Errors
    /// [`ClipError::Picture`] for NaN and infinite pixels.
    pub(super) fn read(&self, space: ColorSpace) -> Result<Image, ClipError> {
        let (width, height) = (self.frame.width(), self.frame.height());
        let mut planes = [const { Vec::new() }; 4];
        planes.iter_mut().for_each(|plane| plane.resize(width * height, 0.0));
        let [red, green, blue, alpha] = planes.each_mut().map(|plane| plane.par_chunks_mut(width));
        red.zip(green.zip(blue.zip(alpha))).enumerate().for_each(|(from_top, (red, (green, (blue, alpha))))| {
            let row = self.row(from_top);
            let pixels = red.iter_mut().zip(green).zip(blue.iter_mut().zip(alpha)).enumerate();
            for (column, ((red, green), (blue, alpha))) in pixels {
                [*red, *green, *blue, *alpha] = self.values(row, column).unwrap_or_default();
            }
        });
        let image = Image { width, height, planes, space, alpha: self.alpha.unwrap_or(Alpha::Straight) };
        image.validate().map_err(|error| ClipError::Picture { clip: self.clip, error })?;
        Ok(image)
    }

    /// Writes `pixel(x, y)` to every pixel of `window` that lies inside the bounds.
    pub(super) fn write(&mut self, window: OfxRectI, ctx: &Ctx, pixel: impl Fn(i32, i32) -> [f32; 4] + Sync) {
        let bounds = self.frame.bounds;
        let (left, right) = (window.x1.max(bounds.x1), window.x2.min(bounds.x2));
        let (depth, channels, alpha) = (self.depth, self.channels, self.alpha);
        let size = channels * depth.bytes();
        let first = (i64::from(left) - i64::from(bounds.x1)).max(0) as usize;
        let rows = (window.y1.max(bounds.y1)..window.y2.min(bounds.y2)).rev();
        let skipped = i64::from(bounds.y2) - i64::from(window.y2.min(bounds.y2));
        let rows = rows.zip(self.rows_mut().into_iter().skip(skipped.max(0) as usize)).collect::<Vec<_>>();
        let write_row = |(y, row): (i32, &mut [u8])| {
            for (x, bytes) in (left..right).zip(row.chunks_exact_mut(size).skip(first)) {
                let values = pixel(x, y);
                let kept = match channels {
                    1 => [values[3]; 4],
                    _ if alpha.is_none() => [values[0], values[1], values[2], 1.0],
                    _ => values,
                };
                bytes.chunks_exact_mut(depth.bytes()).zip(kept).for_each(|(bytes, value)| depth.write(value, bytes));
            }
        };
        ctx.install(|| rows.into_par_iter().for_each(write_row));
    }
}
