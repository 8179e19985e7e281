//! Pictures and texts in and out of files.
//!
//! Input: PNG, JPEG, WebP, TIFF, EXR or SVG. Output: the same, written to a temporary name beside the target and
//! renamed, so that a target is either whole or absent.

use super::error::CliError;
use image::{DynamicImage, ImageFormat};
use linocut::image::{ColorSpace, Image, byte_from_unit, file};
use linocut::whole_file;
use rayon::prelude::*;
use std::io::{BufReader, Cursor, Read as _};
use std::path::{Path, PathBuf};

/// What an input file holds.
pub(crate) enum Input {
    /// A picture, in the file's own colour space.
    Picture(Image),
    /// The bytes of an SVG.
    Svg(Vec<u8>),
}

/// Reads `path` by its content; the name decides only for SVG.
pub(crate) fn read(path: &Path) -> Result<Input, CliError> {
    let failed = |reason: String| CliError::Read { path: path.to_owned(), reason };
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("svg")) {
        return Ok(Input::Svg(read_bytes(path)?));
    }
    let file = std::fs::File::open(path).map_err(|error| failed(format!("cannot be read ({error})")))?;
    let mut opened = BufReader::new(file);
    let mut head = [0; 5];
    let length = opened.read(&mut head).map_err(|error| failed(format!("cannot be read ({error})")))?;
    if head.get(..length).is_some_and(|head| head == b"<svg " || head == b"<?xml") {
        return Ok(Input::Svg(read_bytes(path)?));
    }
    Ok(Input::Picture(file::read_from(path, opened)?))
}

/// Reads a whole file.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, CliError> {
    std::fs::read(path)
        .map_err(|error| CliError::Read { path: path.to_owned(), reason: format!("cannot be read ({error})") })
}

/// The format that the name of an output asks for.
pub(crate) fn picture_format(path: &Path) -> Result<ImageFormat, CliError> {
    let supported = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Tiff, ImageFormat::OpenExr];
    ImageFormat::from_path(path).ok().filter(|format| supported.contains(format)).ok_or_else(|| {
        CliError::Usage(format!("{}: end the output's name in png, jpg, webp, tiff or exr", path.display()))
    })
}

/// The bytes of `image` (display-referred sRGB, straight alpha) in `format`: 8 bits a channel, EXR 32-bit floats in
/// linear light. Alpha is left out where the picture is opaque; a format that has none shows it on white.
pub(crate) fn encode_picture(image: &Image, format: ImageFormat) -> Result<Vec<u8>, image::ImageError> {
    let (width, height) = (image.width as u32, image.height as u32);
    let invalid = || {
        let kind = image::error::ParameterErrorKind::DimensionMismatch;
        image::ImageError::Parameter(image::error::ParameterError::from_kind(kind))
    };
    let picture = if format == ImageFormat::OpenExr {
        let linear = image.clone().into_space(ColorSpace::Linear).into_premultiplied();
        let pixels = interleaved(&linear, 4, |value| value);
        DynamicImage::ImageRgba32F(image::ImageBuffer::from_raw(width, height, pixels).ok_or_else(invalid)?)
    } else if image.has_alpha() && format == ImageFormat::Jpeg {
        return encode_picture(&image.clone().over([1.0; 3]), format);
    } else if image.has_alpha() {
        let pixels = interleaved(image, 4, byte_from_unit);
        DynamicImage::ImageRgba8(image::ImageBuffer::from_raw(width, height, pixels).ok_or_else(invalid)?)
    } else {
        let pixels = interleaved(image, 3, byte_from_unit);
        DynamicImage::ImageRgb8(image::ImageBuffer::from_raw(width, height, pixels).ok_or_else(invalid)?)
    };
    let mut bytes = Cursor::new(Vec::new());
    if format == ImageFormat::Jpeg {
        picture.write_with_encoder(image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 92))?;
    } else {
        picture.write_to(&mut bytes, format)?;
    }
    Ok(bytes.into_inner())
}

fn interleaved<T: Copy + Default + Send>(image: &Image, channels: usize, convert: impl Fn(f32) -> T + Sync) -> Vec<T> {
    let mut pixels = vec![T::default(); image.pixels() * channels];
    pixels.par_chunks_mut(image.width * channels).enumerate().for_each(|(row, out)| {
        for (channel, plane) in image.planes.iter().take(channels).enumerate() {
            let values = plane.iter().skip(row * image.width);
            out.iter_mut()
                .skip(channel)
                .step_by(channels)
                .zip(values)
                .for_each(|(pixel, &value)| *pixel = convert(value));
        }
    });
    pixels
}

/// An output that was asked for: opened beside its target before the work begins, so that an unwritable folder is
/// found out first, and renamed at the end.
pub(crate) struct Output {
    path: PathBuf,
    file: tempfile::NamedTempFile,
}

impl Output {
    /// Opens a temporary file beside `path`.
    pub(crate) fn create(path: &Path) -> Result<Self, CliError> {
        let failed = |reason: String| CliError::Write { path: path.to_owned(), reason };
        if path.is_dir() {
            return Err(failed("it is a folder".to_owned()));
        }
        let file = whole_file::beside(path).map_err(|error| failed(error.to_string()))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Writes everything and gives the file its name.
    pub(crate) fn finish(self, bytes: &[u8]) -> Result<(), CliError> {
        let Self { path, file } = self;
        whole_file::finish(file, &path, bytes).map_err(|error| CliError::Write { path, reason: error.to_string() })
    }

    /// Writes `image` in the format of the target's name.
    pub(crate) fn finish_picture(self, image: &Image) -> Result<(), CliError> {
        let format = picture_format(&self.path)?;
        let bytes = encode_picture(image, format)
            .map_err(|error| CliError::Write { path: self.path.clone(), reason: error.to_string() })?;
        self.finish(&bytes)
    }
}
