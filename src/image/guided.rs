//! Guided filter: makes planes follow the edges of a picture, and no others.
//!
//! Input: a colour picture as guide, planes of the same size. Output: the planes, locally affine in the guide. Formula: He, Sun
//! and Tang 2013, "Guided Image Filtering", equations 19 to 21 (colour guide), at a lower resolution as in He and Sun 2015, "Fast
//! Guided Filter". Invariants: a constant plane stays constant. Determinism: sums in fixed order, rows as whole tasks. Cost:
//! about sixty box means of a picture of at most [`SMALL_SIDE_PX`] pixels a side, and a dozen operations a pixel and plane.

use rayon::prelude::*;

/// Long side at which coefficients are computed.
const SMALL_SIDE_PX: usize = 384;

/// A picture's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Size {
    width: usize,
    height: usize,
}

/// Filters `planes` of `width` columns guided by `guide`, over windows of `radius_px` pixels; steps of the guide below the
/// square root of `epsilon` are smoothed over. Call it inside the thread budget.
pub fn filter<const N: usize>(
    guide: [&[f32]; 3],
    planes: [&[f32]; N],
    width: usize,
    radius_px: f32,
    epsilon: f32,
) -> [Vec<f32>; N] {
    let height = guide[0].len() / width.max(1);
    let full = Size { width, height };
    let step = width.max(height).div_ceil(SMALL_SIDE_PX).max(1);
    let small = Size { width: width.div_ceil(step), height: height.div_ceil(step) };
    let radius = (radius_px / step as f32).round().max(1.0) as usize;
    let reduced = guide.map(|plane| reduce(plane, full, small, step));
    let local = Local::new(&reduced, small, radius, epsilon);
    planes.map(|plane| {
        let coefficients = local.coefficients(&reduce(plane, full, small, step));
        apply(guide, &coefficients, full, small)
    })
}

/// Means and inverse covariances of the guide around every small pixel.
struct Local<'a> {
    guide: &'a [Vec<f32>; 3],
    size: Size,
    radius: usize,
    mean: [Vec<f32>; 3],
    /// Upper triangle of the inverse of covariance + epsilon.
    inverse: Vec<[f32; 6]>,
}

impl<'a> Local<'a> {
    fn new(guide: &'a [Vec<f32>; 3], size: Size, radius: usize, epsilon: f32) -> Self {
        let mean = guide.each_ref().map(|plane| box_mean(plane, size, radius));
        let pairs = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)];
        let products = pairs.map(|(a, b)| box_mean(&product(&guide[a], &guide[b]), size, radius));
        let inverse = (0..size.width * size.height).map(|at| {
            let covariance = std::array::from_fn(|pair| {
                let (a, b) = pairs[pair];
                let own = if a == b { epsilon } else { 0.0 };
                products[pair][at] - mean[a][at] * mean[b][at] + own
            });
            inverted(covariance)
        });
        let inverse = inverse.collect();
        Self { guide, size, radius, mean, inverse }
    }

    /// Factors of the three channels and the constant, averaged over the windows that hold a pixel.
    fn coefficients(&self, plane: &[f32]) -> [Vec<f32>; 4] {
        let mean = box_mean(plane, self.size, self.radius);
        let with = self.guide.each_ref().map(|guide| box_mean(&product(guide, plane), self.size, self.radius));
        let mut out = [const { Vec::new() }; 4];
        for (at, inverse) in self.inverse.iter().enumerate() {
            let [x, y, z] = [0, 1, 2].map(|axis: usize| with[axis][at] - self.mean[axis][at] * mean[at]);
            let [a, b, c, d, e, f] = *inverse;
            let slope = [a * x + b * y + c * z, b * x + d * y + e * z, c * x + e * y + f * z];
            let constant = mean[at] - (0..3).map(|axis| slope[axis] * self.mean[axis][at]).sum::<f32>();
            out.iter_mut().zip([slope[0], slope[1], slope[2], constant]).for_each(|(out, value)| out.push(value));
        }
        out.map(|plane| box_mean(&plane, self.size, self.radius))
    }
}

/// Inverse of a symmetric matrix given by its upper triangle.
fn inverted([a, b, c, d, e, f]: [f32; 6]) -> [f32; 6] {
    let minors = [d * f - e * e, c * e - b * f, b * e - c * d, a * f - c * c, b * c - a * e, a * d - b * b];
    let determinant = a * minors[0] + b * minors[1] + c * minors[2];
    // Epsilon on the diagonal keeps it above zero but for rounding.
    minors.map(|minor| minor / determinant.max(f32::MIN_POSITIVE))
}

fn product(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a * b).collect()
}

/// Means of blocks of `step` x `step` pixels.
fn reduce(plane: &[f32], full: Size, small: Size, step: usize) -> Vec<f32> {
    if step == 1 {
        return plane.to_vec();
    }
    let mut out = vec![0.0; small.width * small.height];
    out.par_chunks_exact_mut(small.width.max(1)).enumerate().for_each(|(row, out)| {
        let rows = row * step..((row + 1) * step).min(full.height);
        for (column, out) in out.iter_mut().enumerate() {
            let columns = column * step..((column + 1) * step).min(full.width);
            let count = (rows.len() * columns.len()).max(1);
            let of_row = |y: usize| plane.get(y * full.width + columns.start..y * full.width + columns.end);
            let sum: f32 = rows.clone().filter_map(of_row).map(|row| row.iter().sum::<f32>()).sum();
            *out = sum / count as f32;
        }
    });
    out
}

/// Mean over the window of `2 radius + 1` pixels a side, cut at the border.
fn box_mean(plane: &[f32], size: Size, radius: usize) -> Vec<f32> {
    let rows = box_rows(plane, size.width, radius);
    let turned = transposed(&rows, size.width);
    transposed(&box_rows(&turned, size.height, radius), size.height)
}

/// Mean of `plane`, of `width` columns, over the window of `2 radius + 1` pixels a side, cut at the border.
pub(crate) fn mean(plane: &[f32], width: usize, radius: usize) -> Vec<f32> {
    box_mean(plane, Size { width, height: plane.len() / width.max(1) }, radius)
}

fn box_rows(plane: &[f32], width: usize, radius: usize) -> Vec<f32> {
    let mut out = vec![0.0; plane.len()];
    let width = width.max(1);
    plane.par_chunks_exact(width).zip(out.par_chunks_exact_mut(width)).for_each(|(row, out)| {
        let mut sums = Vec::with_capacity(width + 1);
        sums.push(0.0_f64);
        for value in row {
            sums.push(sums.last().copied().unwrap_or(0.0) + f64::from(*value));
        }
        for (at, out) in out.iter_mut().enumerate() {
            let (from, to) = (at.saturating_sub(radius), (at + radius + 1).min(width));
            *out = ((sums[to] - sums[from]) / (to - from) as f64) as f32;
        }
    });
    out
}

/// Rows as columns.
pub(crate) fn transposed(plane: &[f32], width: usize) -> Vec<f32> {
    let height = plane.len() / width.max(1);
    let mut out = vec![0.0; plane.len()];
    out.par_chunks_exact_mut(height.max(1)).enumerate().for_each(|(x, column)| {
        column.iter_mut().zip(plane.iter().skip(x).step_by(width.max(1))).for_each(|(out, value)| *out = *value);
    });
    out
}

/// The affine function of the guide that the coefficients say at each place, read bilinearly.
fn apply(guide: [&[f32]; 3], coefficients: &[Vec<f32>; 4], full: Size, small: Size) -> Vec<f32> {
    let mut out = vec![0.0; full.width * full.height];
    let across = (0..full.width).map(|x| neighbours(x, full.width, small.width)).collect::<Vec<_>>();
    out.par_chunks_exact_mut(full.width.max(1)).enumerate().for_each(|(row, out)| {
        let (top, bottom, down) = neighbours(row, full.height, small.height);
        let columns = (0..small.width).map(|column| {
            let at = |row: usize| row * small.width + column;
            coefficients.each_ref().map(|plane| plane[at(top)] + down * (plane[at(bottom)] - plane[at(top)]))
        });
        let columns = columns.collect::<Vec<_>>();
        let from = row * full.width;
        let [red, green, blue] = guide.map(|plane| &plane[from..from + full.width]);
        let pixels = out.iter_mut().zip(&across).zip(red).zip(green).zip(blue);
        for ((((out, (left, right, along)), red), green), blue) in pixels {
            let (left, right) = (&columns[*left], &columns[*right]);
            let [a, b, c, d]: [f32; 4] = std::array::from_fn(|at| left[at] + along * (right[at] - left[at]));
            *out = d + red * a + green * b + blue * c;
        }
    });
    out
}

/// The two small pixels around a pixel's centre, and how far it is on the way to the second.
fn neighbours(at: usize, full: usize, small: usize) -> (usize, usize, f32) {
    let last = small.saturating_sub(1);
    let along = ((at as f32 + 0.5) * small as f32 / full.max(1) as f32 - 0.5).clamp(0.0, last as f32);
    let first = (along as usize).min(last);
    (first, (first + 1).min(last), along - first as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A step in the guide at column 20, a step in the plane at column 28.
    fn steps(width: usize, height: usize) -> ([Vec<f32>; 3], Vec<f32>) {
        let step = |at: usize| move |index: usize| if index % width < at { 0.2 } else { 0.8 };
        let guide = [0, 1, 2].map(|_| (0..width * height).map(step(20)).collect());
        (guide, (0..width * height).map(step(28)).collect())
    }

    #[test]
    fn a_step_that_the_guide_lacks_is_smoothed_and_one_that_it_has_stays() {
        let (width, height) = (64, 48);
        let (guide, plane) = steps(width, height);
        let guide = guide.each_ref().map(Vec::as_slice);
        let [smooth, kept] = filter(guide, [&plane, guide[0]], width, 6.0, 1e-4);
        let row = 24 * width;
        let largest = |plane: &[f32], from: usize, to: usize| {
            (from..to).map(|x| (plane[row + x + 1] - plane[row + x]).abs()).fold(0.0, f32::max)
        };
        assert!(largest(&smooth, 24, 50) < 0.1, "no step where the guide is flat");
        assert!(largest(&kept, 16, 24) > 0.55, "the guide's own step stays");
    }

    #[test]
    fn a_constant_plane_stays_constant_at_any_size() {
        for (width, height) in [(1, 1), (3, 500), (1000, 2), (500, 400)] {
            let (guide, _) = steps(width, height);
            let plane = vec![0.37; width * height];
            let [out] = filter(guide.each_ref().map(Vec::as_slice), [&plane], width, 9.0, 1e-4);
            assert!(out.iter().all(|value| (value - 0.37).abs() < 1e-4), "{width} x {height}");
        }
    }
}
