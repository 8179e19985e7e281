//! Vectors as the shading language has them.
//!
//! Input and output: numbers in single precision. Invariants: everything works part by part, and nothing is contracted, so each
//! operation rounds once. Determinism: IEEE basic operations alone. Cost: none.

use std::ops::{Add, AddAssign, Index, IndexMut, Mul, Neg, Sub, SubAssign};

/// `vec2<f32>`, `vec4<f32>`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Vector<const N: usize>(pub [f32; N]);

/// `vec2<f32>`: x, y.
pub(super) type Vec2 = Vector<2>;
/// `vec4<f32>`: mostly red, green, blue and one more.
pub(super) type Vec4 = Vector<4>;

/// `vec2<f32>(x, y)`.
pub(super) const fn vec2(x: f32, y: f32) -> Vec2 {
    Vector([x, y])
}

/// `vec4<f32>(x, y, z, w)`.
pub(super) const fn vec4(x: f32, y: f32, z: f32, w: f32) -> Vec4 {
    Vector([x, y, z, w])
}

impl<const N: usize> Vector<N> {
    /// All parts 0.
    pub(super) const ZERO: Self = Self([0.0; N]);

    /// `f` of each pair of parts.
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|at| f(self.0[at], other.0[at])))
    }

    /// `f` of each part.
    pub(super) fn map(self, f: impl Fn(f32) -> f32) -> Self {
        Self(self.0.map(f))
    }

    /// `min`.
    pub(super) fn min(self, other: Self) -> Self {
        self.zip(other, f32::min)
    }

    /// `max`.
    pub(super) fn max(self, other: Self) -> Self {
        self.zip(other, f32::max)
    }

    /// `clamp`.
    pub(super) fn clamp(self, low: Self, high: Self) -> Self {
        self.max(low).min(high)
    }

    /// `dot`, first part first.
    pub(super) fn dot(self, other: Self) -> f32 {
        self.zip(other, f32::mul).0.into_iter().reduce(f32::add).unwrap_or(0.0)
    }
}

impl<const N: usize> Default for Vector<N> {
    fn default() -> Self {
        Self::ZERO
    }
}

impl Vec2 {
    pub(super) fn x(self) -> f32 {
        self.0[0]
    }

    pub(super) fn y(self) -> f32 {
        self.0[1]
    }
}

impl Vec4 {
    /// The fourth part: opacity or transmittance.
    pub(super) fn w(self) -> f32 {
        self.0[3]
    }

    /// `vec4<f32>(self.rgb, w)`.
    pub(super) fn with_w(self, w: f32) -> Self {
        let [red, green, blue, _] = self.0;
        vec4(red, green, blue, w)
    }
}

impl<const N: usize> Add for Vector<N> {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        self.zip(other, f32::add)
    }
}

impl<const N: usize> Sub for Vector<N> {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self.zip(other, f32::sub)
    }
}

impl<const N: usize> Mul for Vector<N> {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        self.zip(other, f32::mul)
    }
}

impl<const N: usize> Mul<f32> for Vector<N> {
    type Output = Self;
    fn mul(self, by: f32) -> Self {
        self.map(|part| part * by)
    }
}

impl<const N: usize> Mul<Vector<N>> for f32 {
    type Output = Vector<N>;
    fn mul(self, vector: Vector<N>) -> Vector<N> {
        vector * self
    }
}

impl<const N: usize> Neg for Vector<N> {
    type Output = Self;
    fn neg(self) -> Self {
        self.map(f32::neg)
    }
}

impl<const N: usize> AddAssign for Vector<N> {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl<const N: usize> SubAssign for Vector<N> {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl<const N: usize> Index<usize> for Vector<N> {
    type Output = f32;
    fn index(&self, at: usize) -> &f32 {
        &self.0[at]
    }
}

impl<const N: usize> IndexMut<usize> for Vector<N> {
    fn index_mut(&mut self, at: usize) -> &mut f32 {
        &mut self.0[at]
    }
}
