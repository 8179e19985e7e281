//! Covers to colours, back to front, and the exact derivative of that.
//!
//! Input: blocks of four pixels with N planes, signed areas, fills. Output: the blended blocks; on the way back the
//! derivative by fill, opacity and winding area. Invariants: premultiplied; the fourth plane, where there is one,
//! is transmittance (1 - alpha), for which every fill has the value 0, so that one formula serves all planes.
//! Determinism: lanes are summed in fixed order. Cost: six operations a pixel and plane forward, ten backward.
//!
//! With a = opacity x cover, forward is `C <- C + a (fill - C)`. With G = dL/dC after the fill and C before it:
//! `dL/dfill += a G`, `dL/da = G (fill - C)`, `dL/dopacity += cover dL/da`, `dL/darea = opacity cover' dL/da`,
//! `G <- (1 - a) G`.

use super::coverage::{LANES, cover, cover_slope};
use super::real::Real;

/// Four pixels of N planes, planes apart.
pub(super) type Block<T, const N: usize> = [[T; LANES]; N];

/// What a path is filled with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint<T, const N: usize> {
    /// Value in each plane.
    pub fill: [T; N],
    /// 0 to 1.
    pub opacity: T,
}

/// Lays the fill over four pixels with the given signed areas.
#[inline(always)]
pub(super) fn blend<T: Real, const N: usize>(block: &mut Block<T, N>, areas: &[T; LANES], paint: &Paint<T, N>) {
    let amount = areas.map(|area| paint.opacity * cover(area));
    for (plane, fill) in block.iter_mut().zip(paint.fill) {
        for (value, amount) in plane.iter_mut().zip(amount) {
            *value += amount * (fill - *value);
        }
    }
}

/// Lays the fill over fully covered blocks.
#[inline(always)]
pub(super) fn blend_solid<T: Real, const N: usize>(blocks: &mut [Block<T, N>], paint: &Paint<T, N>) {
    let opaque = paint.fill.map(|fill| [fill; LANES]);
    if paint.opacity >= T::ONE {
        blocks.fill(opaque);
    } else {
        blocks.iter_mut().for_each(|block| blend(block, &[T::ONE; LANES], paint));
    }
}

/// Derivatives by one path's fill and opacity, one sum a lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct PaintSums<T, const N: usize> {
    fill: [[T; LANES]; N],
    opacity: [T; LANES],
}

impl<T: Real, const N: usize> PaintSums<T, N> {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        Self { fill: [[T::ZERO; LANES]; N], opacity: [T::ZERO; LANES] }
    }

    /// dL/dfill in each plane.
    pub(super) fn fill(&self) -> [T; N] {
        self.fill.map(add_lanes)
    }

    /// dL/dopacity.
    pub(super) fn opacity(&self) -> T {
        add_lanes(self.opacity)
    }

    /// Takes four pixels back to before the fill was laid over them; by the fill only.
    #[inline(always)]
    pub(super) fn undo_fill(&mut self, grad: &mut Block<T, N>, areas: &[T; LANES], opacity: T) {
        let amount = areas.map(|area| opacity * cover(area));
        for (grad, sum) in grad.iter_mut().zip(&mut self.fill) {
            for lane in 0..LANES {
                let part = amount[lane] * grad[lane];
                sum[lane] += part;
                grad[lane] -= part;
            }
        }
    }

    /// Takes four pixels back to before the fill was laid over them, where they were `before`.
    /// Returns the derivative by the signed areas.
    #[inline(always)]
    pub(super) fn undo(
        &mut self,
        grad: &mut Block<T, N>,
        before: &Block<T, N>,
        areas: &[T; LANES],
        paint: &Paint<T, N>,
    ) -> [T; LANES] {
        let covers = areas.map(cover);
        let mut by_amount = [T::ZERO; LANES];
        for plane in 0..N {
            let (grad, before, sum) = (&mut grad[plane], &before[plane], &mut self.fill[plane]);
            for lane in 0..LANES {
                by_amount[lane] += grad[lane] * (paint.fill[plane] - before[lane]);
                let part = paint.opacity * covers[lane] * grad[lane];
                sum[lane] += part;
                grad[lane] -= part;
            }
        }
        let mut by_area = [T::ZERO; LANES];
        for lane in 0..LANES {
            self.opacity[lane] += covers[lane] * by_amount[lane];
            by_area[lane] = paint.opacity * cover_slope(areas[lane]) * by_amount[lane];
        }
        by_area
    }
}

/// Lays an isolated layer over four pixels: `C <- C (1 - opacity (1 - T)) + opacity L`, with the layer's
/// premultiplied colour L and transmittance T. The layer has no say in the transmittance of a base that keeps one.
#[inline(always)]
pub(super) fn blend_layer<T: Real, const N: usize>(base: &mut Block<T, N>, layer: &Block<T, 4>, opacity: T) {
    let [red, green, blue, transmittance] = layer;
    let light = [red, green, blue];
    for (plane, values) in base.iter_mut().enumerate() {
        for lane in 0..LANES {
            let shade = opacity * (T::ONE - transmittance[lane]);
            let add = light.get(plane).map_or(T::ZERO, |light| light[lane]);
            values[lane] += opacity * add - shade * values[lane];
        }
    }
}

/// Takes four pixels back to before a layer was laid over them, where they were `before`. Returns the derivative by
/// the layer's planes; how much of a layer is laid down is not trained.
#[inline(always)]
pub(super) fn undo_layer<T: Real>(
    grad: &mut Block<T, 3>,
    before: &Block<T, 3>,
    layer: &Block<T, 4>,
    opacity: T,
) -> Block<T, 4> {
    let mut by_layer = [[T::ZERO; LANES]; 4];
    let [_, _, _, transmittance] = layer;
    for plane in 0..3 {
        for lane in 0..LANES {
            let (g, c) = (grad[plane][lane], before[plane][lane]);
            let alpha = T::ONE - transmittance[lane];
            by_layer[plane][lane] = opacity * g;
            by_layer[3][lane] += opacity * g * c;
            grad[plane][lane] = g * (T::ONE - opacity * alpha);
        }
    }
    by_layer
}

fn add_lanes<T: Real>([a, b, c, d]: [T; LANES]) -> T {
    (a + b) + (c + d)
}
