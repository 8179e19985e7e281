//! Which windows of a region are looked at in an iteration.
//!
//! Input: a region, a preset, a stream of random numbers. Output: [`CropSpec`]s. Invariants: our own windows stay
//! inside the region, hence inside the picture. Determinism: a pure function of the stream. Cost: negligible.

use super::{CropKind, CropSpec, Filter, Warp};
use crate::encoder::EncoderError;
use crate::rng::Stream;

/// A rectangle of whole pixels inside a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Left column.
    pub x: usize,
    /// Top row.
    pub y: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// How windows are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CropPreset {
    /// CLIPVG: a random crop of 0.98 of the region, padded black to a square, and `patches` windows of 0.8 of its
    /// longer side, padded white, with perspective 0.3; bicubic without antialiasing.
    Paper {
        /// Number of patches, 64 in the paper.
        patches: usize,
    },
    /// The whole region, then windows of 0.8 and 0.5 of it spread evenly (Latin hypercube) with mild perspective;
    /// antialiased, never padded. A long region is squeezed to at most 1.5 : 1 and beyond that cut.
    Stratified {
        /// Number of crops in all.
        crops: usize,
    },
}

const WHITE: [f32; 3] = [1.0; 3];
const BLACK: [f32; 3] = [0.0; 3];
/// Largest ratio of a window's sides: beyond it things no longer look like themselves in a square.
const MAX_SQUEEZE: f32 = 1.5;
/// Corners of a window move inward by up to this share of its sides.
const MILD_PERSPECTIVE: f32 = 0.1;

impl Region {
    /// The whole picture.
    pub fn whole(width: usize, height: usize) -> Self {
        Self { x: 0, y: 0, width, height }
    }

    fn visible(&self) -> [usize; 4] {
        [self.x, self.y, self.x + self.width, self.y + self.height]
    }

    fn check(&self, picture: (usize, usize)) -> Result<(), EncoderError> {
        let window = [self.x, self.y, self.width, self.height].map(|v| v as f32);
        let bad = |reason| Err(EncoderError::Window { window, reason });
        if self.width == 0 || self.height == 0 {
            return bad("the region is empty");
        }
        let fits = |at: usize, len: usize, limit: usize| at.checked_add(len).is_some_and(|end| end <= limit);
        if !fits(self.x, self.width, picture.0) || !fits(self.y, self.height, picture.1) {
            return bad("the region lies outside the picture");
        }
        Ok(())
    }
}

/// The crop that stands for a region: its centre square padded black (paper), or all of it squeezed to the square.
///
/// # Errors
/// [`EncoderError::Window`] when the region is empty or not inside the picture.
pub fn centre(region: Region, picture: (usize, usize), preset: CropPreset) -> Result<CropSpec, EncoderError> {
    region.check(picture)?;
    Ok(match preset {
        CropPreset::Paper { .. } => {
            let side = region.width.max(region.height);
            let [x, y] = paper_origin(region);
            paper_spec(region, [x, y], side, BLACK, CropKind::Region)
        }
        CropPreset::Stratified { .. } => stratified_spec(region, 1.0, [0.5; 2], Warp::None, CropKind::Region),
    })
}

/// The windows of one iteration.
///
/// # Errors
/// [`EncoderError::Window`] when the region is empty or not inside the picture.
pub fn draw(
    region: Region,
    picture: (usize, usize),
    preset: CropPreset,
    stream: &mut Stream,
) -> Result<Vec<CropSpec>, EncoderError> {
    region.check(picture)?;
    Ok(match preset {
        CropPreset::Paper { patches } => {
            let mut specs = vec![paper_region(region, stream)];
            specs.extend((0..patches).map(|_| paper_patch(region, stream)));
            specs
        }
        CropPreset::Stratified { crops } => stratified(region, crops, stream),
    })
}

/// Top left corner of the square around a region, as torchvision's centre crop pads.
fn paper_origin(region: Region) -> [i64; 2] {
    let side = region.width.max(region.height);
    [region.x as i64 - ((side - region.width) / 2) as i64, region.y as i64 - ((side - region.height) / 2) as i64]
}

fn paper_spec(region: Region, origin: [i64; 2], side: usize, fill: [f32; 3], kind: CropKind) -> CropSpec {
    let [x, y] = origin.map(|v| v as f32);
    let window = [x, y, side as f32, side as f32];
    CropSpec { window, visible: region.visible(), fill, warp: Warp::None, filter: Filter::Bicubic, kind }
}

fn paper_region(region: Region, stream: &mut Stream) -> CropSpec {
    let side = region.width.max(region.height);
    let crop = (side * 98 / 100).max(1);
    let origin = paper_origin(region).map(|at| at + i64::from(stream.up_to((side - crop) as u32)));
    paper_spec(region, origin, crop, BLACK, CropKind::Region)
}

fn paper_patch(region: Region, stream: &mut Stream) -> CropSpec {
    let side = ((0.8 * region.width.max(region.height) as f64).round() as usize).max(1);
    let pad = (0.2 * side as f64).round() as usize;
    let mut place = |start: usize, len: usize| {
        let deficit = side.saturating_sub(len + 2 * pad);
        let room = len + 2 * pad + 2 * deficit - side;
        start as i64 - (pad + deficit) as i64 + i64::from(stream.up_to(room as u32))
    };
    // torchvision draws the row first.
    let y = place(region.y, region.height);
    let x = place(region.x, region.width);
    let jitter = (0.3 * (side / 2) as f64) as u32;
    let far = side as f32 - 1.0;
    let corners = [[0.0, 0.0], [far, 0.0], [far, far], [0.0, far]].map(|corner: [f32; 2]| {
        corner.map(|at| {
            let inward = stream.up_to(jitter) as f32;
            if at > 0.0 { at - inward } else { inward }
        })
    });
    let warp = if side < 2 { Warp::None } else { Warp::Inward(corners) };
    CropSpec { warp, ..paper_spec(region, [x, y], side, WHITE, CropKind::Patch) }
}

/// A window of `scale` times the region; `place` is 0 at the left or top end of its freedom, 1 at the other.
fn stratified_spec(region: Region, scale: f32, place: [f32; 2], warp: Warp, kind: CropKind) -> CropSpec {
    let (w, h) = (region.width as f32, region.height as f32);
    let longest = w.max(h) * scale;
    let (mut width, mut height) = (longest.min(w), longest.min(h));
    (width, height) = (width.min(height * MAX_SQUEEZE), height.min(width * MAX_SQUEEZE));
    let [u, v] = place;
    let window = [region.x as f32 + u * (w - width), region.y as f32 + v * (h - height), width, height];
    CropSpec { window, visible: region.visible(), fill: WHITE, warp, filter: Filter::Antialiased, kind }
}

fn stratified(region: Region, crops: usize, stream: &mut Stream) -> Vec<CropSpec> {
    let patches = crops.saturating_sub(1);
    let mut specs = vec![stratified_spec(region, 1.0, [0.5; 2], Warp::None, CropKind::Region)];
    let (columns, rows) = (shuffled(patches, stream), shuffled(patches, stream));
    for (n, (column, row)) in columns.into_iter().zip(rows).enumerate() {
        let mut place = |cell: usize| (cell as f32 + stream.unit()) / patches as f32;
        let place = [place(column), place(row)];
        let scale = if n % 3 == 2 { 0.5 } else { 0.8 };
        let corners = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]].map(|corner: [f32; 2]| {
            corner.map(|at| {
                let inward = stream.range(0.0, MILD_PERSPECTIVE);
                if at > 0.0 { 1.0 - inward } else { inward }
            })
        });
        specs.push(stratified_spec(region, scale, place, Warp::Quad(corners), CropKind::Patch));
    }
    specs
}

/// 0..n in random order (Fisher and Yates).
fn shuffled(n: usize, stream: &mut Stream) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    for last in (1..n).rev() {
        order.swap(last, stream.up_to(last as u32) as usize);
    }
    order
}
