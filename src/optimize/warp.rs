//! Points move with the plane: one smooth field of displacements instead of a step for each point.
//!
//! Input: the gradient by points. Output: moved points. Formula: the gradient is gathered on a grid, blurred (three boxes an
//! axis, near a Gaussian), and stepped by Adam with one second moment, that of the longest vector; the step is read off at the
//! points and fades towards the border of what may move. A step is at most a quarter of the blur's reach, so the flow is one to
//! one: outlines never cross, strokes keep both sides, shapes that abut stay shut. This is steepest descent under a Sobolev
//! norm of the deformation (Beg et al. 2005, "Computing large deformation metric mappings", section 3): large bends come first,
//! small ones as the reach shrinks. Determinism: points in order. Cost: a few operations a point and 200,000 for the grid.

use crate::image::rect::Rect;
use crate::nn::adam::{BETA_1, EPSILON};
use crate::scene::Scene;

/// Nodes along each side of the grid.
const SIDE: usize = 96;
/// Weight of what was in the second moment; shorter than Adam's, because the reach changes.
const BETA_2: f32 = 0.99;
/// Most that the border holds of the bounds' short side.
const MOST_FADE: f32 = 0.25;
/// Boxes a blur: three are near a Gaussian.
const BOXES: usize = 3;

/// How far the influence of a point reaches, as a part of the canvas's long side: at the first and at the last step.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Reach {
    /// At the first step.
    pub first: f32,
    /// At the last one.
    pub last: f32,
}

impl Reach {
    /// At `progress` through the steps, 0 to 1: geometric between the two.
    fn at(self, progress: f32) -> f32 {
        // The logarithm of the ratio, by bisection in exponents of two: the same bits on every machine.
        let ratio = self.last / self.first;
        let (mut low, mut high) = (-8.0_f32, 8.0);
        for _ in 0..24 {
            let middle = 0.5 * (low + high);
            if crate::image::color::exp2(middle) < ratio { low = middle } else { high = middle }
        }
        self.first * crate::image::color::exp2(low * progress)
    }
}

/// The field's moments and what moves with it.
#[derive(Clone, Debug)]
pub(super) struct Warp {
    rate_px: f32,
    reach: Reach,
    bounds: Rect,
    width: f32,
    height: f32,
    mean: Vec<[f32; 2]>,
    variance: f32,
    steps: i32,
}

impl Warp {
    /// A field over `scene`'s canvas that vanishes outside `bounds`; points move at most about `rate_px` canvas pixels a step.
    pub(super) fn new(scene: &Scene, bounds: Rect, rate_px: f32, reach: Reach) -> Self {
        let (width, height) = (scene.width, scene.height);
        Self { rate_px, reach, bounds, width, height, mean: vec![[0.0; 2]; SIDE * SIDE], variance: 0.0, steps: 0 }
    }

    /// Moves the free points of `points` down `gradient`, at `progress` through the steps.
    pub(super) fn step(
        &mut self,
        points: &mut [[f32; 2]],
        gradient: &[[f32; 2]],
        is_free: &[bool],
        progress: f32,
        scale: f32,
    ) {
        let long = self.width.max(self.height);
        let reach_px = self.reach.at(progress) * long;
        let mut field = self.gathered(points, gradient, is_free);
        self.blur(&mut field, reach_px);
        let longest = field.iter().map(|[x, y]| x * x + y * y).fold(0.0, f32::max);
        self.steps += 1;
        self.variance = BETA_2 * self.variance + (1.0 - BETA_2) * longest;
        for (mean, now) in self.mean.iter_mut().zip(&field) {
            *mean = [0, 1].map(|axis| BETA_1 * mean[axis] + (1.0 - BETA_1) * now[axis]);
        }
        let bias_1 = 1.0 - BETA_1.powi(self.steps);
        let bias_2 = 1.0 - BETA_2.powi(self.steps);
        let length = (self.variance / bias_2).sqrt() + EPSILON;
        // Where gradients grow faster than their moments follow, the length of the step itself is the limit.
        let longest_mean = self.mean.iter().map(|[x, y]| x * x + y * y).fold(0.0, f32::max).sqrt() + EPSILON;
        let most = reach_px / 4.0;
        let rate = ((self.rate_px * scale).min(most) / (bias_1 * length)).min(most / longest_mean);
        for (point, _) in points.iter_mut().zip(is_free).filter(|(_, free)| **free) {
            let fade = self.fade(*point, reach_px);
            let step = self.read(*point);
            *point = [0, 1].map(|axis| point[axis] - rate * fade * step[axis]);
        }
    }

    /// 1 inside, falling to 0 at the border of the bounds over one reach; 0 outside.
    fn fade(&self, point: [f32; 2], reach_px: f32) -> f32 {
        let over = reach_px.min(MOST_FADE * self.bounds.width.min(self.bounds.height));
        (self.bounds.depth_of(point) / over.max(1e-6)).clamp(0.0, 1.0)
    }

    /// The four nodes around a place in canvas pixels, with their weights.
    fn nodes(&self, [x, y]: [f32; 2]) -> [(usize, f32); 4] {
        let along = |at: f32, length: f32| {
            let at = (at / length.max(1e-6) * (SIDE - 1) as f32).clamp(0.0, (SIDE - 1) as f32);
            let first = (at as usize).min(SIDE - 2);
            (first, at - first as f32)
        };
        let ((column, u), (row, v)) = (along(x, self.width), along(y, self.height));
        let at = row * SIDE + column;
        [(at, (1.0 - u) * (1.0 - v)), (at + 1, u * (1.0 - v)), (at + SIDE, (1.0 - u) * v), (at + SIDE + 1, u * v)]
    }

    fn gathered(&self, points: &[[f32; 2]], gradient: &[[f32; 2]], is_free: &[bool]) -> Vec<[f32; 2]> {
        let mut field = vec![[0.0; 2]; SIDE * SIDE];
        for ((point, by_point), _) in points.iter().zip(gradient).zip(is_free).filter(|(_, free)| **free) {
            for (at, weight) in self.nodes(*point) {
                if let Some(node) = field.get_mut(at) {
                    *node = [0, 1].map(|axis| node[axis] + weight * by_point[axis]);
                }
            }
        }
        field
    }

    fn read(&self, point: [f32; 2]) -> [f32; 2] {
        let mut sum = [0.0; 2];
        for (at, weight) in self.nodes(point) {
            let node = self.mean.get(at).copied().unwrap_or_default();
            sum = [0, 1].map(|axis| sum[axis] + weight * node[axis]);
        }
        sum
    }

    /// Blurs the field with a standard deviation of `reach_px`, canvas pixels, in both directions.
    fn blur(&self, field: &mut [[f32; 2]], reach_px: f32) {
        for (stride, across, length) in [(1, SIDE, self.width), (SIDE, 1, self.height)] {
            let nodes = reach_px / length.max(1e-6) * (SIDE - 1) as f32;
            // Three boxes of 2 r + 1 nodes have the variance r (r + 1).
            let radius = (0.5 * ((1.0 + 4.0 * nodes * nodes).sqrt() - 1.0)).round().max(1.0) as usize;
            for line in 0..SIDE {
                for _ in 0..BOXES {
                    blur_line(field, line * across, stride, radius.min(SIDE - 1));
                }
            }
        }
    }
}

/// Means of the `2 radius + 1` nodes around each of a line's, nodes outside counting zero.
fn blur_line(field: &mut [[f32; 2]], start: usize, stride: usize, radius: usize) {
    let line: [[f32; 2]; SIDE] =
        std::array::from_fn(|index| field.get(start + index * stride).copied().unwrap_or_default());
    let mut sums = [[0.0_f32; 2]; SIDE + 1];
    for (index, value) in line.iter().enumerate() {
        sums[index + 1] = [0, 1].map(|axis| sums[index][axis] + value[axis]);
    }
    let scale = 1.0 / (2 * radius + 1) as f32;
    for index in 0..SIDE {
        let (from, to) = (index.saturating_sub(radius), (index + radius + 1).min(SIDE));
        if let Some(node) = field.get_mut(start + index * stride) {
            *node = [0, 1].map(|axis| scale * (sums[to][axis] - sums[from][axis]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points half a pixel apart in the middle of the canvas: neighbours there see almost one field.
    fn grid_of_points(scene: &Scene) -> Vec<[f32; 2]> {
        let at = |index: usize, length: f32| length / 2.0 + 0.5 * (index as f32 - 20.0);
        (0..40).flat_map(|row| (0..40).map(move |column| [at(column, scene.width), at(row, scene.height)])).collect()
    }

    #[test]
    fn neighbours_never_change_sides_however_rough_the_gradient() {
        let scene = Scene::new(300.0, 200.0);
        let mut points = grid_of_points(&scene);
        let mut warp = Warp::new(&scene, Rect::new(0.0, 0.0, 300.0, 200.0), 8.0, Reach { first: 0.08, last: 0.02 });
        let free = vec![true; points.len()];
        let mut stream = crate::rng::Stream::new(1, 0, crate::rng::Stage::Test, 0);
        for step in 0..60 {
            let gradient = points.iter().map(|_| [stream.normal(), stream.normal()]).collect::<Vec<_>>();
            warp.step(&mut points, &gradient, &free, step as f32 / 60.0, 1.0);
        }
        for row in 0..39 {
            for column in 0..39 {
                let at = |r: usize, c: usize| points[r * 40 + c];
                let (o, x, y) = (at(row, column), at(row, column + 1), at(row + 1, column));
                let area = (x[0] - o[0]) * (y[1] - o[1]) - (x[1] - o[1]) * (y[0] - o[0]);
                assert!(area > 0.0, "the plane folded at {row}, {column}");
            }
        }
        let moved = points.iter().zip(grid_of_points(&scene)).map(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1]));
        assert!(moved.fold(0.0, f32::max) > 5.0, "nothing moved far");
    }

    #[test]
    fn frozen_points_keep_their_bits_and_the_border_stays() {
        let scene = Scene::new(100.0, 100.0);
        let start = vec![[50.0, 50.0], [51.0, 50.0], [0.0, 50.0]];
        let mut points = start.clone();
        let mut warp = Warp::new(&scene, Rect::new(0.0, 0.0, 100.0, 100.0), 2.0, Reach { first: 0.08, last: 0.08 });
        warp.step(&mut points, &[[1.0, 0.0]; 3], &[true, false, true], 0.0, 1.0);
        assert!(points[0][0] < 49.0, "the free point follows: {:?}", points[0]);
        assert_eq!(points[1..], start[1..], "frozen, and on the border");
    }

    #[test]
    fn reach_shrinks_evenly_in_ratio() {
        let reach = Reach { first: 0.08, last: 0.02 };
        for (progress, wanted) in [(0.0, 0.08), (0.5, 0.04), (1.0, 0.02)] {
            let found = reach.at(progress);
            assert!((found - wanted).abs() < 1e-5, "{found} at {progress} instead of {wanted}");
        }
    }
}
