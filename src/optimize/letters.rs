//! Letters keep their identity: each stays near a moved, turned, scaled and slanted copy of itself.
//!
//! Input: the outlines of letters before and after a step. Output: outlines that are held. Formula: the best affine map
//! z' = a z + b conj(z) + c of a letter's points (least squares, closed form over complex numbers), its turn, scale and stretch
//! limited; where the root mean square distance of the letter from that copy exceeds a part of the letter's size, the distance
//! is scaled back.
//! Invariants: letters may travel, grow and lean with the word, but none bends beyond what can be read; frozen points keep their
//! bits. Determinism: points in order. Cost: some forty operations a point.

use crate::image::rect::Rect;
use crate::scene::{Scene, as_usize};
use std::ops::Range;

/// How far a letter may bend, as a part of its root mean square radius, at a legibility of 1.
const BEND: f32 = 0.04;
/// Largest turn of a letter: sine of the angle.
const MOST_SINE: f32 = 0.1;
/// How much longer and narrower a letter may become along any axis, as a part of its scale.
const MOST_STRETCH: f32 = 0.12;
/// A letter with less width than this, as a part of the square of its moment, is a line: nothing says how it stretches.
const LEAST_WIDTH: f32 = 1e-4;
/// Smallest and largest scale.
const SCALES: [f32; 2] = [0.6, 1.6];
/// How far a piece of a letter may stand out of the letter's bounds, as a part of the canvas's long side.
const PIECE_OUT: f32 = 0.015;
/// What is as wide and as high as this part of the canvas is the ground.
const GROUND: f32 = 0.98;

/// The letters of a scene as they were.
#[derive(Clone, Debug)]
pub(super) struct Letters {
    letters: Vec<Letter>,
    bend: f32,
}

#[derive(Clone, Debug)]
struct Letter {
    /// Where its points are.
    ranges: Vec<Range<usize>>,
    /// Its points, measured from its middle.
    shape: Vec<[f32; 2]>,
    middle: [f32; 2],
    /// Sum of the squared lengths of `shape`.
    moment: f32,
    /// Sum of the squares of `shape` as complex numbers.
    square: [f32; 2],
}

impl Letters {
    /// The free paths of `scene` as letters that are held with `legibility`, above 0; a path within the bounds of a larger one
    /// is a piece of that letter, such as what tracing finds between a letter and its ground.
    pub(super) fn new(scene: &Scene, is_free: &[bool], legibility: f32) -> Self {
        let paths = scene.paths.iter().filter_map(|path| {
            let contours = scene.contours.get(as_usize(&path.contours))?;
            let points = contours.first()?.start as usize..contours.last()?.end as usize;
            is_free.get(points.start).copied().unwrap_or(false).then_some(points)
        });
        let letters = grouped(scene, paths.collect()).into_iter().map(|ranges| Letter::new(scene, ranges));
        Self { letters: letters.collect(), bend: BEND / legibility.max(1e-3) }
    }

    /// Brings every letter of `points` back to what can be read.
    pub(super) fn hold(&self, points: &mut [[f32; 2]]) {
        self.letters.iter().for_each(|letter| letter.hold(points, self.bend));
    }
}

/// Paths with those that lie within them, in the order of their first ones.
fn grouped(scene: &Scene, paths: Vec<Range<usize>>) -> Vec<Vec<Range<usize>>> {
    let out = PIECE_OUT * scene.width.max(scene.height);
    let area = |rect: &Rect| rect.width * rect.height;
    let bounds = paths.iter().map(|range| bounds(scene.points.get(range.clone()).unwrap_or_default()));
    let bounds = bounds.collect::<Vec<_>>();
    let mut order = bounds.iter().enumerate().collect::<Vec<_>>();
    order.sort_by(|(_, a), (_, b)| area(b).total_cmp(&area(a)));
    let mut letters: Vec<(Option<Rect>, Vec<usize>)> = Vec::new();
    for (index, rect) in order {
        let corners = [[rect.x, rect.y], [rect.x + rect.width, rect.y + rect.height]];
        let holds = |letter: &Option<Rect>| {
            letter.is_some_and(|letter| corners.iter().all(|corner| letter.depth_of(*corner) >= -out))
        };
        if let Some((_, pieces)) = letters.iter_mut().find(|(letter, _)| holds(letter)) {
            pieces.push(index);
        } else {
            let is_ground = rect.width >= GROUND * scene.width && rect.height >= GROUND * scene.height;
            letters.push(((!is_ground).then_some(*rect), vec![index]));
        }
    }
    let sorted = |mut pieces: Vec<usize>| {
        pieces.sort_unstable();
        pieces
    };
    let mut letters = letters.into_iter().map(|(_, pieces)| sorted(pieces)).collect::<Vec<_>>();
    letters.sort_unstable();
    let ranges = |pieces: Vec<usize>| pieces.into_iter().filter_map(|index| paths.get(index).cloned()).collect();
    letters.into_iter().map(ranges).collect()
}

fn bounds(points: &[[f32; 2]]) -> Rect {
    let at = |[x, y]: &[f32; 2]| Rect::new(*x, *y, 0.0, 0.0);
    points.iter().map(at).reduce(Rect::around).unwrap_or(Rect::new(0.0, 0.0, 0.0, 0.0))
}

fn points_in<'a>(points: &'a [[f32; 2]], ranges: &'a [Range<usize>]) -> impl Iterator<Item = [f32; 2]> + 'a {
    ranges.iter().flat_map(|range| points.get(range.clone()).unwrap_or_default()).copied()
}

impl Letter {
    fn new(scene: &Scene, ranges: Vec<Range<usize>>) -> Self {
        let points = points_in(&scene.points, &ranges).collect::<Vec<_>>();
        let middle = middle(&points);
        let shape = points.iter().map(|point| [0, 1].map(|axis| point[axis] - middle[axis])).collect::<Vec<_>>();
        let moment = shape.iter().map(|[x, y]| x * x + y * y).sum();
        let square = shape.iter().fold([0.0; 2], |[n, m], [x, y]| [n + x * x - y * y, m + 2.0 * x * y]);
        Self { ranges, shape, middle, moment, square }
    }

    fn hold(&self, all: &mut [[f32; 2]], bend: f32) {
        let points = points_in(all, &self.ranges).collect::<Vec<_>>();
        if self.moment <= 0.0 || points.len() != self.shape.len() {
            return;
        }
        let now = middle(&points);
        let copy = self.copy_of(&points, now);
        let held = |shape: &[f32; 2]| {
            let [x, y] = copy.applied(*shape);
            [now[0] + x, now[1] + y]
        };
        let (mut away, mut moment) = (0.0, 0.0);
        for (point, shape) in points.iter().zip(&self.shape) {
            let held = held(shape);
            away += (point[0] - held[0]).powi(2) + (point[1] - held[1]).powi(2);
            moment += (held[0] - now[0]).powi(2) + (held[1] - now[1]).powi(2);
        }
        let part = (away / moment).sqrt();
        let kept = if part > bend { bend / part } else { 1.0 };
        if kept == 1.0 && self.middle == now {
            return;
        }
        for (place, shape) in self.ranges.iter().flat_map(Clone::clone).zip(&self.shape) {
            let Some(point) = all.get_mut(place) else { continue };
            let held = held(shape);
            *point = [0, 1].map(|axis| held[axis] + kept * (point[axis] - held[axis]));
        }
    }

    /// The affine map that brings the letter nearest to `points`, within what can be read.
    fn copy_of(&self, points: &[[f32; 2]], now: [f32; 2]) -> Affine {
        // Normal equations of w = a z + b conj(z) over complex numbers.
        let (mut turned, mut mirrored) = ([0.0; 2], [0.0; 2]);
        for (point, [x, y]) in points.iter().zip(&self.shape) {
            let [u, v] = [0, 1].map(|axis| point[axis] - now[axis]);
            turned = [turned[0] + x * u + y * v, turned[1] + x * v - y * u];
            mirrored = [mirrored[0] + x * u - y * v, mirrored[1] + x * v + y * u];
        }
        let [n, m] = self.square;
        let determinant = self.moment * self.moment - n * n - m * m;
        if determinant < LEAST_WIDTH * self.moment * self.moment {
            return Affine { turn: turned.map(|value| value / self.moment), stretch: [0.0; 2] }.limited();
        }
        let by = |value: f32| value / determinant;
        let turn = [
            by(self.moment * turned[0] - n * mirrored[0] - m * mirrored[1]),
            by(self.moment * turned[1] - n * mirrored[1] + m * mirrored[0]),
        ];
        let stretch = [
            by(self.moment * mirrored[0] - n * turned[0] + m * turned[1]),
            by(self.moment * mirrored[1] - n * turned[1] - m * turned[0]),
        ];
        Affine { turn, stretch }.limited()
    }
}

/// z' = turn z + stretch conj(z): singular values are the sum and the difference of the two lengths.
#[derive(Clone, Copy, Debug)]
struct Affine {
    turn: [f32; 2],
    stretch: [f32; 2],
}

impl Affine {
    /// The same within what can be read.
    fn limited(self) -> Self {
        let [cos, sin] = self.turn;
        let scale = cos.hypot(sin);
        if scale < 1e-6 {
            return Self { turn: [SCALES[0], 0.0], stretch: [0.0; 2] };
        }
        let sine = (sin / scale).clamp(-MOST_SINE, MOST_SINE);
        let scale = scale.clamp(SCALES[0], SCALES[1]);
        let turn = [scale * (1.0 - sine * sine).sqrt(), scale * sine];
        let length = self.stretch[0].hypot(self.stretch[1]);
        let part = (MOST_STRETCH * scale / length.max(1e-9)).min(1.0);
        Self { turn, stretch: self.stretch.map(|value| part * value) }
    }

    fn applied(self, [x, y]: [f32; 2]) -> [f32; 2] {
        let ([p, q], [r, s]) = (self.turn, self.stretch);
        [p * x - q * y + r * x + s * y, q * x + p * y + s * x - r * y]
    }
}

fn middle(points: &[[f32; 2]]) -> [f32; 2] {
    let sum = points.iter().fold([0.0; 2], |sum, point| [0, 1].map(|axis| sum[axis] + point[axis]));
    sum.map(|sum: f32| sum / points.len().max(1) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::FillRule;

    fn word() -> Scene {
        let mut scene = Scene::new(200.0, 100.0);
        let fill = scene.push_fill([0.0, 0.0, 0.0, 1.0]);
        for left in [20.0, 110.0] {
            let bar = (0..30).map(|step| {
                let along = step as f32 / 30.0;
                if along < 0.5 { [left, 20.0 + 100.0 * along] } else { [left + 20.0, 120.0 - 100.0 * along] }
            });
            scene.push_path(format!("{left}"), fill, FillRule::NonZero, &[bar.collect()]);
        }
        scene
    }

    #[test]
    fn a_letter_that_travels_and_leans_is_left_alone_and_one_that_melts_is_held() {
        let scene = word();
        let letters = Letters::new(&scene, &vec![true; scene.points.len()], 1.0);
        let (sin, cos) = (0.08_f32, (1.0_f32 - 0.0064).sqrt());
        let leaning = |[x, y]: &[f32; 2]| [10.0 + cos * x - sin * y + 0.1 * y, 5.0 + sin * x + cos * y];
        let mut points = scene.points.iter().map(leaning).collect::<Vec<_>>();
        let wanted = points.clone();
        letters.hold(&mut points);
        let off = points.iter().zip(&wanted).map(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1])).fold(0.0, f32::max);
        assert!(off < 1e-2, "a leaning letter moved by {off}");
        let mut molten = scene.points.clone();
        molten.iter_mut().take(30).enumerate().for_each(|(at, point)| point[0] += 40.0 * ((at % 7) as f32 / 7.0));
        let before = molten.clone();
        letters.hold(&mut molten);
        assert_ne!(molten[..30], before[..30], "a molten letter is held");
        assert_eq!(molten[30..], before[30..], "its neighbour keeps its bits");
    }

    #[test]
    fn what_lies_within_a_letter_goes_with_it() {
        let mut scene = word();
        let fill = scene.push_fill([1.0; 4]);
        let sliver = vec![[19.0, 30.0], [21.0, 30.0], [21.0, 60.0]];
        scene.push_path("sliver".to_owned(), fill, FillRule::NonZero, &[sliver]);
        let ground = vec![[0.0, 0.0], [200.0, 0.0], [200.0, 100.0], [0.0, 100.0]];
        scene.push_path("ground".to_owned(), fill, FillRule::NonZero, &[ground]);
        let letters = Letters::new(&scene, &vec![true; scene.points.len()], 1.0);
        let points = letters.letters.iter().map(|letter| letter.shape.len()).collect::<Vec<_>>();
        assert_eq!(points, [33, 30, 4], "the first letter with its sliver, the second one, the ground");
    }

    #[test]
    fn letters_of_one_point_or_none_do_no_harm() {
        let mut scene = Scene::new(8.0, 8.0);
        let fill = scene.push_fill([0.0; 4]);
        scene.push_path("dot".to_owned(), fill, FillRule::NonZero, &[vec![[4.0, 4.0]; 3]]);
        let letters = Letters::new(&scene, &[true; 3], 1.0);
        let mut points = vec![[1.0, 2.0]; 3];
        letters.hold(&mut points);
        assert_eq!(points, [[1.0, 2.0]; 3], "nothing to compare");
    }
}
