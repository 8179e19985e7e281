//! Projective resampling of a plane, and its adjoint.
//!
//! Input: a plane and four pairs of corners. Output: the warped plane. Invariants: sample positions and weights are
//! computed anew, and equally, in both directions. Cost: one division and four taps a sample.

/// What lies outside the source plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    /// The border pixel goes on.
    Repeat,
    /// torchvision's fill: picture and a mask of ones are sampled with zeros outside, then m v + (1 - m) fill.
    MaskedFill,
}

/// A homography from output to source pixels, sampled bilinearly on `samples` x `samples` points a pixel.
#[derive(Clone, Debug)]
pub(super) struct Perspective {
    pub(super) coefficients: [f64; 8],
    pub(super) from_width: usize,
    pub(super) from_height: usize,
    pub(super) to: usize,
    pub(super) samples: usize,
    pub(super) edge: Edge,
}

/// The homography that takes `from[i]` to `to[i]`, as the eight numbers of
/// ((a x + b y + c) / (g x + h y + 1), (d x + e y + f) / (g x + h y + 1)); none if three corners are in line.
pub(super) fn homography(from: [[f64; 2]; 4], to: [[f64; 2]; 4]) -> Option<[f64; 8]> {
    let mut system = [[0.0_f64; 9]; 8];
    for (pair, ([x, y], [u, v])) in system.chunks_mut(2).zip(from.into_iter().zip(to)) {
        for (row, value) in pair
            .iter_mut()
            .zip([[x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y, u], [0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y, v]])
        {
            *row = value;
        }
    }
    solve(system)
}

/// Gauss-Jordan elimination with row exchange.
fn solve(mut system: [[f64; 9]; 8]) -> Option<[f64; 8]> {
    for column in 0..8 {
        let size = |row: &[f64; 9]| row.get(column).map_or(0.0, |v| v.abs());
        let (best, _) = system.iter().enumerate().skip(column).max_by(|a, b| size(a.1).total_cmp(&size(b.1)))?;
        system.swap(column, best);
        let pivot_row = *system.get(column)?;
        let pivot = *pivot_row.get(column)?;
        if pivot.abs() < 1e-9 {
            return None;
        }
        for (at, row) in system.iter_mut().enumerate() {
            let factor = row.get(column).copied()? / pivot;
            if at != column {
                row.iter_mut().zip(pivot_row).for_each(|(value, pivot)| *value -= factor * pivot);
            }
        }
    }
    let mut out = [0.0; 8];
    for (at, (out, row)) in out.iter_mut().zip(&system).enumerate() {
        *out = row.get(8)? / row.get(at)?;
    }
    Some(out)
}

/// Up to four source pixels of one sample.
#[derive(Clone, Copy, Debug, Default)]
struct Sample {
    taps: [(usize, f32); 4],
    /// Share of the fill colour.
    fill: f32,
}

impl Perspective {
    pub(super) fn new(coefficients: [f64; 8], from: (usize, usize), to: usize, samples: usize, edge: Edge) -> Self {
        Self { coefficients, from_width: from.0, from_height: from.1, to, samples, edge }
    }

    fn sample(&self, x: f64, y: f64) -> Sample {
        let [a, b, c, d, e, f, g, h] = self.coefficients;
        let inverse = 1.0 / (g * x + h * y + 1.0);
        // Pixel centres lie at halves; from here on pixel i is at position i.
        let (mut u, mut v) = ((a * x + b * y + c) * inverse - 0.5, (d * x + e * y + f) * inverse - 0.5);
        let (last_u, last_v) = (self.from_width as f64 - 1.0, self.from_height as f64 - 1.0);
        if self.edge == Edge::Repeat {
            (u, v) = (u.clamp(0.0, last_u), v.clamp(0.0, last_v));
        }
        // Far outside nothing is seen; clamping keeps the integers small, also for points behind the plane.
        (u, v) = (u.clamp(-2.0, last_u + 2.0), v.clamp(-2.0, last_v + 2.0));
        let (u0, v0) = (u.floor(), v.floor());
        let (fu, fv) = ((u - u0) as f32, (v - v0) as f32);
        let corners =
            [(0, 0, (1.0 - fu) * (1.0 - fv)), (1, 0, fu * (1.0 - fv)), (0, 1, (1.0 - fu) * fv), (1, 1, fu * fv)];
        let mut sample = Sample::default();
        let mut mask = 0.0;
        for (tap, (du, dv, weight)) in sample.taps.iter_mut().zip(corners) {
            let (column, row) = (u0 as i64 + du, v0 as i64 + dv);
            let inside = (0..self.from_width as i64).contains(&column) && (0..self.from_height as i64).contains(&row);
            if inside {
                *tap = (row as usize * self.from_width + column as usize, weight);
                mask += weight;
            }
        }
        if self.edge == Edge::MaskedFill {
            sample.taps.iter_mut().for_each(|tap| tap.1 *= mask);
            sample.fill = 1.0 - mask;
        }
        sample
    }

    fn for_each_sample(&self, mut f: impl FnMut(usize, &Sample)) {
        let n = self.samples;
        let offset = |k: usize| (k as f64 + 0.5) / n as f64;
        for at in 0..self.to * self.to {
            let (column, row) = (at % self.to, at / self.to);
            for sub in 0..n * n {
                f(at, &self.sample(column as f64 + offset(sub % n), row as f64 + offset(sub / n)));
            }
        }
    }

    /// Warps three planes at once, as the positions are the same.
    pub(super) fn forward(&self, planes: &[Vec<f32>; 3], fill: [f32; 3]) -> [Vec<f32>; 3] {
        let mut out = [(); 3].map(|()| vec![0.0_f32; self.to * self.to]);
        let share = 1.0 / (self.samples * self.samples) as f32;
        self.for_each_sample(|at, sample| {
            for ((out, plane), fill) in out.iter_mut().zip(planes).zip(fill) {
                let taps = sample.taps.iter().map(|&(from, weight)| weight * plane.get(from).copied().unwrap_or(0.0));
                if let Some(out) = out.get_mut(at) {
                    *out += share * (taps.sum::<f32>() + sample.fill * fill);
                }
            }
        });
        out
    }

    /// The adjoint for the three planes.
    pub(super) fn adjoint(&self, g: &[Vec<f32>; 3]) -> [Vec<f32>; 3] {
        let mut out = [(); 3].map(|()| vec![0.0_f32; self.from_width * self.from_height]);
        let share = 1.0 / (self.samples * self.samples) as f32;
        self.for_each_sample(|at, sample| {
            for (out, g) in out.iter_mut().zip(g) {
                let g = share * g.get(at).copied().unwrap_or(0.0);
                for &(to, weight) in &sample.taps {
                    if let Some(out) = out.get_mut(to) {
                        *out += weight * g;
                    }
                }
            }
        });
        out
    }
}
