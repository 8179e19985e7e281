//! Pictures out of files.
//!
//! Input: PNG, JPEG, WebP, TIFF or EXR, known by its content. Output: the picture in the file's own colour space, upright. Invariants:
//! what is too large, broken or holds no numbers is an error that names the file. Determinism: as the decoders. Cost: one decoding.

use super::{Alpha, ColorSpace, Image, ImageError, MAX_PIXELS};
use crate::fault::Fault;
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};
use rayon::prelude::*;
use std::io::{BufReader, Seek as _};
use std::path::{Path, PathBuf};

/// Why there is no picture in a file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read, or is none.
    #[error("{}: {reason}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What failed, and what to do.
        reason: String,
    },
    /// What it holds cannot be worked on.
    #[error("{}: {error}", path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: ImageError,
    },
}

impl FileError {
    /// What kind of fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Read { .. } => Fault::Work,
            Self::Picture { error, .. } => error.fault(),
        }
    }
}

/// The picture in the open `file`, called `path`, from its beginning.
///
/// # Errors
/// [`FileError`].
pub fn read_from(path: &Path, mut file: BufReader<std::fs::File>) -> Result<Image, FileError> {
    let failed = |reason: String| FileError::Read { path: path.to_owned(), reason };
    let unreadable = |error: std::io::Error| failed(format!("cannot be read ({error})"));
    file.rewind().map_err(unreadable)?;
    let mut reader = ImageReader::new(file);
    let mut limits = Limits::default();
    limits.max_alloc = Some(16 * MAX_PIXELS as u64);
    reader.limits(limits);
    let reader = reader.with_guessed_format().map_err(unreadable)?;
    let Some(format) = reader.format() else {
        return Err(failed("not a picture; give PNG, JPEG, WebP, TIFF, EXR or SVG".to_owned()));
    };
    let undecodable = |error: image::ImageError| failed(format!("cannot be decoded ({error}); is the file whole?"));
    let mut decoder = reader.into_decoder().map_err(undecodable)?;
    let (width, height) = decoder.dimensions();
    let wrong = |error| FileError::Picture { path: path.to_owned(), error };
    Image::check_size(width as usize, height as usize).map_err(wrong)?;
    let orientation = decoder.orientation().map_err(undecodable)?;
    let mut decoded = DynamicImage::from_decoder(decoder).map_err(undecodable)?;
    decoded.apply_orientation(orientation);
    let holds_floats = matches!(decoded, DynamicImage::ImageRgb32F(_) | DynamicImage::ImageRgba32F(_));
    let image = image_from_decoded(decoded, format);
    if holds_floats {
        image.validate().map_err(wrong)?;
    }
    Ok(image)
}

/// The picture in the file `path`.
///
/// # Errors
/// [`FileError`].
pub fn read(path: &Path) -> Result<Image, FileError> {
    let failed = |error| FileError::Read { path: path.to_owned(), reason: format!("cannot be read ({error})") };
    read_from(path, BufReader::new(std::fs::File::open(path).map_err(failed)?))
}

/// EXR holds linear light with premultiplied alpha; every other format holds sRGB with straight alpha.
fn image_from_decoded(decoded: DynamicImage, format: ImageFormat) -> Image {
    let (space, alpha) = match format {
        ImageFormat::OpenExr => (ColorSpace::Linear, Alpha::Premultiplied),
        _ => (ColorSpace::Srgb, Alpha::Straight),
    };
    let (width, height) = (decoded.width() as usize, decoded.height() as usize);
    let planes = match decoded {
        // What most files hold goes straight into planes.
        DynamicImage::ImageRgb8(pixels) => planes_from_bytes::<3>(pixels.as_raw()),
        DynamicImage::ImageRgba8(pixels) => planes_from_bytes::<4>(pixels.as_raw()),
        other => {
            let pixels = other.into_rgba32f();
            let (whole, _) = pixels.as_raw().as_chunks::<4>();
            [0, 1, 2, 3].map(|channel| whole.par_iter().map(|pixel| pixel[channel]).collect())
        }
    };
    Image { width, height, planes, space, alpha }
}

/// Planes of 0 to 1; without a fourth channel the picture is opaque.
fn planes_from_bytes<const N: usize>(bytes: &[u8]) -> [Vec<f32>; 4] {
    let (pixels, _) = bytes.as_chunks::<N>();
    [0, 1, 2, 3].map(|channel| match channel {
        3 if N == 3 => vec![1.0; pixels.len()],
        _ => pixels.par_iter().with_min_len(1 << 14).map(|pixel| f32::from(pixel[channel]) / 255.0).collect(),
    })
}
