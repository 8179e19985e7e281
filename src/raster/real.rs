//! The two precisions of the rasterizer: f32 for the picture, f64 for the proof of its derivatives.
//!
//! Input and output: numbers. Invariants: both precisions run the same code, only rounding differs.
//! Determinism: IEEE basic operations alone, no library functions besides the square root. Cost: none.

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

/// A floating-point number the rasterizer can be built with.
pub(super) trait Real:
    Copy
    + Debug
    + Default
    + PartialOrd
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// 1/2.
    const HALF: Self;
    /// Winding areas closer than this to 0 or 1 are 0 or 1: swallows the rounding of the row sums.
    const SNAP: Self;
    /// 1.5 times the last power of two with fractions: adding and subtracting it rounds to an integer.
    const ROUND: Self;
    /// From the scene's precision; exact.
    fn of(value: f32) -> Self;
    /// From a tolerance or a ratio; rounds.
    fn from_f64(value: f64) -> Self;
    /// From a column, row or count below 2^24; exact.
    fn from_index(value: usize) -> Self;
    /// Towards zero; negative numbers become 0.
    fn index(self) -> usize;
    /// Magnitude.
    fn abs(self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;

    /// The smaller one; one instruction, because NaN has been rejected before.
    #[inline(always)]
    fn least(self, other: Self) -> Self {
        if self < other { self } else { other }
    }

    /// The larger one.
    #[inline(always)]
    fn most(self, other: Self) -> Self {
        if self > other { self } else { other }
    }

    /// Into `[low, high]`.
    #[inline(always)]
    fn within(self, low: Self, high: Self) -> Self {
        self.most(low).least(high)
    }
}

macro_rules! real {
    ($real:ty, $signed:ty, $snap:literal, $round:literal) => {
        impl Real for $real {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const HALF: Self = 0.5;
            const SNAP: Self = $snap;
            const ROUND: Self = $round;

            #[inline(always)]
            fn of(value: f32) -> Self {
                Self::from(value)
            }
            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                value as Self
            }
            #[inline(always)]
            fn from_index(value: usize) -> Self {
                value as $signed as Self
            }
            #[inline(always)]
            fn index(self) -> usize {
                // Through the signed type: one conversion instruction where the unsigned one needs a branch.
                (self as $signed).max(0) as usize
            }
            #[inline(always)]
            fn abs(self) -> Self {
                <$real>::abs(self)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                <$real>::sqrt(self)
            }
        }
    };
}

real!(f32, i32, 1e-5, 12_582_912.0);
real!(f64, i64, 1e-12, 6_755_399_441_055_744.0);
