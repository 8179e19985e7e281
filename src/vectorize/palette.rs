//! Palette of a round: k-means in `OKLab` over a histogram, then the nearest colour of every pixel.
//!
//! Input: `OKLab` pixels, number of colours, seed. Output: one label a pixel. Invariants: labels are below the number
//! of colours returned, which is at most the number asked for. Determinism: counter-based seeding, sums in cell
//! order. Cost: linear in pixels for histogram and labels; clustering sees at most 2^18 cells, however large the
//! picture, because colours are first gathered on a grid of 1/64.

use rayon::prelude::*;

use super::prefilter::distance_squared;
use crate::rng::{Stage, Stream};

/// Label of a pixel that gives no shape.
pub(super) const NO_LABEL: u16 = u16::MAX;

const GRID: usize = 64;
const ITERATIONS: usize = 16;
const CANDIDATES: usize = 4;

struct Cell {
    mean: [f32; 3],
    count: f32,
}

/// Cluster centres of the visible pixels, at most `colors`; fewer where the picture has fewer distinct colours.
pub(super) fn palette(values: &[[f32; 3]], visible: &[bool], colors: usize, seed: u64, round: u32) -> Vec<[f32; 3]> {
    let cells = histogram(values, visible);
    let mut centers = seed_centers(&cells, colors, &mut Stream::new(seed, 0, Stage::Palette, round));
    for _ in 0..ITERATIONS {
        if !refine(&cells, &mut centers) {
            break;
        }
    }
    centers
}

/// The nearest of `centers` for every visible pixel; [`NO_LABEL`] for the others.
pub(super) fn label_pixels(values: &[[f32; 3]], visible: &[bool], centers: &[[f32; 3]]) -> Vec<u16> {
    let label = |(value, &is_visible): (&[f32; 3], &bool)| {
        if is_visible { nearest(*value, centers).0 as u16 } else { NO_LABEL }
    };
    values.par_iter().zip(visible).with_min_len(4096).map(label).collect()
}

fn histogram(values: &[[f32; 3]], visible: &[bool]) -> Vec<Cell> {
    let mut sums = vec![[0.0f64; 4]; GRID * GRID * GRID];
    let level = |value: f32| ((value * GRID as f32) as i32).clamp(0, GRID as i32 - 1) as usize;
    for (&[l, a, b], _) in values.iter().zip(visible).filter(|&(_, &is_visible)| is_visible) {
        let index = (level(l) * GRID + level(a + 0.5)) * GRID + level(b + 0.5);
        if let Some([count, sum @ ..]) = sums.get_mut(index) {
            *count += 1.0;
            for (sum, value) in sum.iter_mut().zip([l, a, b]) {
                *sum += f64::from(value);
            }
        }
    }
    let cell =
        |&[count, l, a, b]: &[f64; 4]| Cell { mean: [l, a, b].map(|sum| (sum / count) as f32), count: count as f32 };
    sums.iter().filter(|sum| sum[0] > 0.0).map(cell).collect()
}

/// Greedy k-means++ (Arthur and Vassilvitskii 2007): each new centre is the best of a few drawn by squared distance.
fn seed_centers(cells: &[Cell], colors: usize, stream: &mut Stream) -> Vec<[f32; 3]> {
    let mut centers: Vec<[f32; 3]> = Vec::new();
    let mut distances: Vec<f32> = cells.iter().map(|cell| cell.count).collect();
    while centers.len() < colors {
        let mut best: Option<(f64, [f32; 3], Vec<f32>)> = None;
        for _ in 0..CANDIDATES {
            let Some(center) = draw(cells, &distances, stream) else { return centers };
            let closer = |(cell, &old): (&Cell, &f32)| {
                let new = cell.count * distance_squared(cell.mean, center);
                if centers.is_empty() { new } else { new.min(old) }
            };
            let next: Vec<f32> = cells.iter().zip(&distances).map(closer).collect();
            let potential = next.iter().map(|&value| f64::from(value)).sum();
            if best.as_ref().is_none_or(|(least, ..)| potential < *least) {
                best = Some((potential, center, next));
            }
        }
        if let Some((_, center, next)) = best {
            centers.push(center);
            distances = next;
        }
    }
    centers
}

fn draw(cells: &[Cell], weights: &[f32], stream: &mut Stream) -> Option<[f32; 3]> {
    let total: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
    let mut left = f64::from(stream.unit()) * total;
    let mut chosen = None;
    for (cell, &weight) in cells.iter().zip(weights).filter(|&(_, &weight)| weight > 0.0) {
        chosen = Some(cell.mean);
        left -= f64::from(weight);
        if left < 0.0 {
            break;
        }
    }
    chosen
}

/// One step of Lloyd's algorithm; whether any centre moved noticeably.
fn refine(cells: &[Cell], centers: &mut [[f32; 3]]) -> bool {
    let mut sums = vec![[0.0f64; 4]; centers.len()];
    for cell in cells {
        if let Some([count, sum @ ..]) = sums.get_mut(nearest(cell.mean, centers).0) {
            *count += f64::from(cell.count);
            for (sum, value) in sum.iter_mut().zip(cell.mean) {
                *sum += f64::from(value * cell.count);
            }
        }
    }
    let mut moved = false;
    for (center, [count, sum @ ..]) in centers.iter_mut().zip(sums).filter(|(_, sum)| sum[0] > 0.0) {
        let mean = sum.map(|sum| (sum / count) as f32);
        moved |= distance_squared(mean, *center) > 1e-7;
        *center = mean;
    }
    moved
}

fn nearest(value: [f32; 3], centers: &[[f32; 3]]) -> (usize, f32) {
    let mut best = (0, f32::INFINITY);
    for (index, &center) in centers.iter().enumerate() {
        let distance = distance_squared(value, center);
        if distance < best.1 {
            best = (index, distance);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separate_colours_are_found_exactly() {
        let colors = [[0.2, 0.1, 0.0], [0.5, -0.1, 0.1], [0.9, 0.0, -0.2]];
        let values: Vec<[f32; 3]> = (0..300).map(|i| colors[i % 3]).collect();
        let visible = vec![true; values.len()];
        let centers = palette(&values, &visible, 10, 1, 0);
        assert_eq!(centers.len(), 3, "no more colours than the picture has");
        let labels = label_pixels(&values, &visible, &centers);
        for (value, &label) in values.iter().zip(&labels) {
            assert!(distance_squared(*value, centers[label as usize]) < 1e-10, "{value:?} got {label}");
        }
    }

    #[test]
    fn invisible_pixels_have_no_say_and_no_label() {
        let values = [[0.1, 0.0, 0.0], [0.9, 0.0, 0.0]];
        let visible = [true, false];
        let centers = palette(&values, &visible, 5, 1, 0);
        assert_eq!(centers, [[0.1, 0.0, 0.0]], "the invisible colour is not in the palette");
        assert_eq!(label_pixels(&values, &visible, &centers), [0, NO_LABEL], "labels");
        assert!(palette(&values, &[false, false], 5, 1, 0).is_empty(), "nothing visible, no palette");
    }
}
