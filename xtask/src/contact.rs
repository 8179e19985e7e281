//! The contact sheet as a picture: a column of words, a row of originals, a grid of small pictures.
//!
//! Words are set in a pixel font of 5 x 7 dots, small letters only, so that no font file has to be found.

use image::imageops::{overlay, replace};
use image::{DynamicImage, Rgb, RgbImage};
use std::path::Path;

const THUMB_PX: u32 = 96;
const GAP_PX: u32 = 3;
/// Side of a dot of the letters.
const DOT_PX: u32 = 2;
/// Letters that fit beside a row.
pub(crate) const LINE_LETTERS: usize = 12;
const LETTER_PX: u32 = 6 * DOT_PX;
const LINE_PX: u32 = 10 * DOT_PX;
const WORDS_PX: u32 = LINE_LETTERS as u32 * LETTER_PX + 2 * GAP_PX;
const QUALITY: u8 = 75;

/// Columns of `a` to `z`, left to right; the lowest bit is the top dot.
const LETTERS: [[u8; 5]; 26] = [
    [0x20, 0x54, 0x54, 0x54, 0x78],
    [0x7f, 0x48, 0x44, 0x44, 0x38],
    [0x38, 0x44, 0x44, 0x44, 0x20],
    [0x38, 0x44, 0x44, 0x48, 0x7f],
    [0x38, 0x54, 0x54, 0x54, 0x18],
    [0x08, 0x7e, 0x09, 0x01, 0x02],
    [0x18, 0xa4, 0xa4, 0xa4, 0x7c],
    [0x7f, 0x08, 0x04, 0x04, 0x78],
    [0x00, 0x44, 0x7d, 0x40, 0x00],
    [0x40, 0x80, 0x84, 0x7d, 0x00],
    [0x7f, 0x10, 0x28, 0x44, 0x00],
    [0x00, 0x41, 0x7f, 0x40, 0x00],
    [0x7c, 0x04, 0x18, 0x04, 0x78],
    [0x7c, 0x08, 0x04, 0x04, 0x78],
    [0x38, 0x44, 0x44, 0x44, 0x38],
    [0xfc, 0x24, 0x24, 0x24, 0x18],
    [0x18, 0x24, 0x24, 0x24, 0xfc],
    [0x7c, 0x08, 0x04, 0x04, 0x08],
    [0x48, 0x54, 0x54, 0x54, 0x20],
    [0x04, 0x3f, 0x44, 0x40, 0x20],
    [0x3c, 0x40, 0x40, 0x20, 0x7c],
    [0x1c, 0x20, 0x40, 0x20, 0x1c],
    [0x3c, 0x40, 0x30, 0x40, 0x3c],
    [0x44, 0x28, 0x10, 0x28, 0x44],
    [0x1c, 0xa0, 0xa0, 0xa0, 0x7c],
    [0x44, 0x64, 0x54, 0x4c, 0x44],
];

/// Writes `rows` of a text and pictures, the originals first, to `path`.
pub(crate) fn write(path: &Path, rows: &[(&str, Vec<DynamicImage>)]) -> Result<(), String> {
    let pitch = THUMB_PX + GAP_PX;
    let columns = rows.iter().map(|(_, pictures)| pictures.len()).max().unwrap_or(0) as u32;
    let mut sheet = RgbImage::from_pixel(WORDS_PX + columns * pitch, rows.len() as u32 * pitch, Rgb([255; 3]));
    for (row, (text, pictures)) in (0_u32..).zip(rows) {
        let top = row * pitch;
        draw_text(&mut sheet, text, top + GAP_PX);
        for (column, picture) in (0_u32..).zip(pictures) {
            let thumb = picture.thumbnail(THUMB_PX, THUMB_PX).into_rgb8();
            let centre = |length: u32| i64::from((THUMB_PX - length) / 2);
            let left = i64::from(WORDS_PX + column * pitch) + centre(thumb.width());
            replace(&mut sheet, &thumb, left, i64::from(top) + centre(thumb.height()));
        }
    }
    let failed = |error: String| format!("{}: {error}", path.display());
    let mut bytes = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, QUALITY);
    sheet.write_with_encoder(encoder).map_err(|error| failed(error.to_string()))?;
    std::fs::write(path, bytes).map_err(|error| failed(error.to_string()))
}

/// Sets `text` at the left edge, from `top_px` down, broken between words.
fn draw_text(sheet: &mut RgbImage, text: &str, top_px: u32) {
    let dot = RgbImage::from_pixel(DOT_PX, DOT_PX, Rgb([0; 3]));
    for (line, words) in (0_u32..).zip(lines(text)) {
        for (at, letter) in (0_u32..).zip(words.bytes()) {
            let Some(columns) = letter.checked_sub(b'a').and_then(|index| LETTERS.get(usize::from(index))) else {
                continue;
            };
            for (x, column) in (0_u32..).zip(columns) {
                for y in (0..8).filter(|y| column >> y & 1 == 1) {
                    let (left, top) = (GAP_PX + at * LETTER_PX + x * DOT_PX, top_px + line * LINE_PX + y * DOT_PX);
                    overlay(sheet, &dot, i64::from(left), i64::from(top));
                }
            }
        }
    }
}

/// `text` in lines of at most [`LINE_LETTERS`].
fn lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= LINE_LETTERS => *line += &format!(" {word}"),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
