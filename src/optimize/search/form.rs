//! Regular forms that a figure's silhouette may take: polygons, stars, crosses, cogs.
//!
//! Input: the outlines of figures about a centre, a form's numbers. Output: what the distance of a point from the centre is
//! multiplied with in a direction, so that the silhouette becomes the form. Formula: an isotoxal star polygon (Grünbaum and
//! Shephard 1987, "Tilings and patterns", section 2.5) with flat tips: as many equal parts as [`Form::times`], each of a tip
//! across its spoke and two straight sides down to the inner corners; of the silhouette's area. Invariants: along a ray the map
//! only stretches, so outlines never cross. Determinism: no trigonometry but that of [`color::cos_sin_of_turns`]. Cost: a pass
//! over the outlines for each of 128 rays, once a search; some 20 operations a point and spoke.

use crate::image::color;
use crate::image::rect::Rect;

/// Rays that a silhouette is measured along.
const RAYS: usize = 128;
/// Canvas pixels between a figure that stands free and the border.
const LEAST_FREE_PX: f32 = 2.0;
/// Parts that a form may have.
pub(crate) const TIMES: std::ops::RangeInclusive<u32> = 3..=6;
/// Distance of the inner corners, in that of the tips.
pub(crate) const INNER: [f32; 2] = [0.3, 1.0];
/// Most that a tip takes of its part of a turn.
pub(crate) const MOST_TIP: f32 = 0.9;

/// A regular form.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Form {
    /// Equal parts around the centre, 3 to 6.
    times: u32,
    /// Distance of the inner corners from the centre, the tips' being 1.
    inner: f32,
    /// Corner of a tip, as cosine and sine of its angle to the spoke.
    tip: [f32; 2],
    /// Inner corner, as cosine and sine of its angle to the spoke.
    valley: [f32; 2],
    /// Direction of the first spoke.
    first: [f32; 2],
}

impl Form {
    /// `times` parts, rounded; inner corners at `inner` of the tips' distance; tips over `tip` of the turn, 0 to 1; the first
    /// spoke points `turn` parts past upright.
    pub(crate) fn new(times: f32, inner: f32, tip: f32, turn: f32) -> Self {
        let times = whole(times);
        let half = 0.5 / times;
        Self {
            times: times as u32,
            inner: inner.clamp(INNER[0], INNER[1]),
            tip: color::cos_sin_of_turns(half * tip.clamp(0.0, MOST_TIP)),
            valley: color::cos_sin_of_turns(half),
            first: color::cos_sin_of_turns(turn / times - 0.25),
        }
    }

    /// Inner corners where the sides of a polygon of `times` corners are straight.
    pub(crate) fn straight(times: f32) -> f32 {
        let [cos, _] = color::cos_sin_of_turns(0.5 / whole(times));
        cos
    }

    /// Distance of the outline in a direction, the outermost corners' being 1.
    fn radius(&self, direction: [f32; 2]) -> f32 {
        let step = color::cos_sin_of_turns(1.0 / self.times as f32);
        let (mut spoke, mut near) = (self.first, [-1.0, 0.0]);
        for _ in 0..self.times {
            let cos = dot(spoke, direction);
            if cos > near[0] {
                near = [cos, cross(spoke, direction).abs()];
            }
            spoke = [spoke[0] * step[0] - spoke[1] * step[1], spoke[1] * step[0] + spoke[0] * step[1]];
        }
        let [cos, sin] = near;
        if sin * self.tip[0] < cos * self.tip[1] {
            return self.tip[0] / cos.max(1e-6);
        }
        let inner = self.valley.map(|value| self.inner * value);
        let side = [inner[0] - self.tip[0], inner[1] - self.tip[1]];
        let across = cross(near, side);
        // A form without sides ends where its tips meet.
        if across.abs() < 1e-6 { 1.0 } else { (cross(self.tip, side) / across).clamp(0.05, 1.0) }
    }
}

fn whole(times: f32) -> f32 {
    times.round().clamp(*TIMES.start() as f32, *TIMES.end() as f32)
}

/// The farthest outline of a figure in every direction from its centre.
#[derive(Clone, Debug)]
pub(crate) struct Silhouette {
    centre: [f32; 2],
    distances: Vec<f32>,
    area: f32,
}

impl Silhouette {
    /// Of closed polygons about `centre`; none where some direction has none.
    pub(crate) fn of(contours: &[&[[f32; 2]]], centre: [f32; 2]) -> Option<Self> {
        let distances = (0..RAYS).map(|ray| {
            let direction = direction_of(ray as f32);
            contours.iter().filter_map(|contour| farthest(contour, centre, direction)).reduce(f32::max)
        });
        let distances = distances.collect::<Option<Vec<_>>>()?;
        let area = area(|ray| distances.get(ray % RAYS).copied().unwrap_or_default());
        (area > 1.0).then_some(Self { centre, distances, area })
    }

    /// Whether it stands free: nowhere at or beyond the border of `bounds`.
    pub(crate) fn is_inside(&self, bounds: Rect) -> bool {
        self.distances.iter().enumerate().all(|(ray, distance)| {
            let direction = direction_of(ray as f32);
            bounds.depth_of([0, 1].map(|axis| self.centre[axis] + distance * direction[axis])) > LEAST_FREE_PX
        })
    }

    /// The size of a form of the silhouette's area: the distance of its tips.
    pub(crate) fn size(&self, form: &Form) -> f32 {
        (self.area / area(|ray| form.radius(direction_of(ray as f32))).max(1e-6)).sqrt()
    }

    /// What makes the silhouette in a direction into `form` of `size`.
    pub(crate) fn factor(&self, form: &Form, size: f32, direction: [f32; 2]) -> f32 {
        size * form.radius(direction) / self.distance(direction).max(1e-3)
    }

    fn distance(&self, direction: [f32; 2]) -> f32 {
        let ray = ray_of(direction);
        let (first, part) = (ray as usize, ray.fract());
        let at = |ray: usize| self.distances.get(ray % RAYS).copied().unwrap_or_default();
        at(first) + part * (at(first + 1) - at(first))
    }
}

/// The direction of a ray: rays are even along a square on its corner, whose angles need no trigonometry.
fn direction_of(ray: f32) -> [f32; 2] {
    let quarter = 4.0 * ray / RAYS as f32;
    let part = quarter.fract();
    let (x, y) = match quarter as u32 % 4 {
        0 => (1.0 - part, part),
        1 => (-part, 1.0 - part),
        2 => (part - 1.0, -part),
        _ => (part, part - 1.0),
    };
    let length = x.hypot(y);
    [x / length, y / length]
}

/// The ray in a direction, and how far on to the next one: the inverse of [`direction_of`].
fn ray_of([x, y]: [f32; 2]) -> f32 {
    let part = y / (x.abs() + y.abs()).max(1e-9);
    let quarter = match (x >= 0.0, y >= 0.0) {
        (true, true) => part,
        (false, _) => 2.0 - part,
        (true, false) => 4.0 + part,
    };
    (quarter * RAYS as f32 / 4.0).rem_euclid(RAYS as f32)
}

/// The area inside of distances along the rays.
fn area(distance: impl Fn(usize) -> f32) -> f32 {
    let triangle = |ray: usize| {
        let (from, to) = (direction_of(ray as f32), direction_of((ray + 1) as f32));
        0.5 * distance(ray) * distance(ray + 1) * cross(from, to)
    };
    (0..RAYS).map(triangle).sum()
}

/// How far a ray from `centre` goes until it leaves a polygon for good.
fn farthest(contour: &[[f32; 2]], centre: [f32; 2], direction: [f32; 2]) -> Option<f32> {
    let from = contour.iter();
    let to = contour.iter().cycle().skip(1);
    let hits = from.zip(to).filter_map(|(from, to)| {
        let [from, to] = [from, to].map(|point| [point[0] - centre[0], point[1] - centre[1]]);
        let [left, right] = [cross(direction, from), cross(direction, to)];
        if (left > 0.0) == (right > 0.0) {
            return None;
        }
        let part = left / (left - right);
        let distance = dot(direction, from) + part * (dot(direction, to) - dot(direction, from));
        (distance > 0.0).then_some(distance)
    });
    hits.reduce(f32::max)
}

fn dot(a: [f32; 2], b: [f32; 2]) -> f32 {
    a[0] * b[0] + a[1] * b[1]
}

fn cross(a: [f32; 2], b: [f32; 2]) -> f32 {
    a[0] * b[1] - a[1] * b[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rays_and_directions_are_inverse() {
        for ray in 0..RAYS {
            let back = ray_of(direction_of(ray as f32));
            let apart = (back - ray as f32).abs();
            assert!(apart.min(RAYS as f32 - apart) < 1e-3, "{ray}: {back}");
        }
    }

    #[test]
    fn a_disc_becomes_the_form_with_its_area() {
        let disc = (0..256).map(|at| color::cos_sin_of_turns(at as f32 / 256.0).map(|value| 300.0 + 100.0 * value));
        let silhouette = Silhouette::of(&[&disc.collect::<Vec<_>>()], [300.0, 300.0]).unwrap();
        assert!((silhouette.area / (100.0_f32.powi(2) * std::f32::consts::PI) - 1.0).abs() < 0.01);
        let square = Form::new(4.0, 0.5_f32.sqrt(), 0.0, 0.5);
        let size = silhouette.size(&square);
        let half = size / 2.0_f32.sqrt();
        assert!((half / 88.6 - 1.0).abs() < 0.01, "half a side is {half}");
        let right = 100.0 * silhouette.factor(&square, size, [1.0, 0.0]);
        assert!((right / half - 1.0).abs() < 0.01, "{right} against {half}");
        let cross = Form::new(4.0, 0.45, 0.3, 0.0);
        let up = 100.0 * silhouette.factor(&cross, silhouette.size(&cross), [0.0, -1.0]);
        let aslant = 100.0 * silhouette.factor(&cross, silhouette.size(&cross), [0.5_f32.sqrt(); 2]);
        assert!(up > 2.0 * aslant, "arms {up}, between them {aslant}");
    }

    #[test]
    fn what_is_open_to_a_side_has_no_silhouette() {
        let aside = [[10.0, 10.0], [20.0, 10.0], [20.0, 20.0]];
        assert!(Silhouette::of(&[&aside], [0.0, 0.0]).is_none());
    }
}
