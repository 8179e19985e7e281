//! Structure: whether a grade leaves the lights and darks of a picture where they are.
//!
//! Input: a small picture, a grade. Output: 1 less the correlation of the steps of lightness between neighbours before and after, and its
//! gradient by the field's cells. Formula: 1 - G·H / (|G| |H|), G and H the differences of lightness along x and y. Invariants: a
//! gain of contrast is no loss; what leaves the range of a display has no steps any more. Determinism: pixels in order. Cost: two
//! evaluations of the field a pixel.

use crate::grade::{Cell, Grade, oklab_from_srgb};
use crate::image::Image;

/// A small picture whose structure is to stay.
#[derive(Clone, Debug)]
pub(super) struct Structure {
    width: usize,
    height: usize,
    /// `OKLab` of each pixel.
    colors: Vec<[f32; 3]>,
    /// Differences of lightness to the right and down.
    steps: Vec<[f32; 2]>,
}

impl Structure {
    /// Of a display-referred picture.
    pub(super) fn new(picture: &Image) -> Self {
        let [red, green, blue, _] = &picture.planes;
        let colors = red.iter().zip(green).zip(blue).map(|((r, g), b)| oklab_from_srgb([*r, *g, *b]));
        let colors = colors.collect::<Vec<_>>();
        let (width, height) = (picture.width, picture.height);
        let steps = steps(width, &colors.iter().map(|color| color[0]).collect::<Vec<_>>());
        Self { width, height, colors, steps }
    }

    /// How much of the structure `grade` loses, 0 to 2; `weight` times its gradient is added to `by_cells`, one list a grid.
    pub(super) fn loss(&self, grade: &Grade, weight: f32, by_cells: &mut [Vec<Cell>]) -> f32 {
        let graded =
            (0..self.colors.len()).map(|at| grade.apply(self.color(at), self.place(at))[0]).collect::<Vec<_>>();
        let shown = graded.iter().map(|lightness| lightness.clamp(0.0, 1.0)).collect::<Vec<_>>();
        let after = steps(self.width, &shown);
        let dot = |a: &[[f32; 2]], b: &[[f32; 2]]| -> f64 {
            a.as_flattened().iter().zip(b.as_flattened()).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        let (before_size, after_size) = (dot(&self.steps, &self.steps).sqrt(), dot(&after, &after).sqrt());
        if before_size <= f64::EPSILON || after_size <= f64::EPSILON {
            return 0.0;
        }
        let correlation = dot(&self.steps, &after) / (before_size * after_size);
        let (by_before, by_after) = (1.0 / (before_size * after_size), correlation / (after_size * after_size));
        let mut by_lightness = vec![0.0_f32; graded.len()];
        for (at, (before, after)) in self.steps.iter().zip(&after).enumerate() {
            for (axis, next) in [at + 1, at + self.width].into_iter().enumerate() {
                let by_step = f64::from(after[axis]) * by_after - f64::from(before[axis]) * by_before;
                // Where there is no neighbour both steps are 0, and so is this.
                if let Some(by) = by_lightness.get_mut(next) {
                    *by += by_step as f32;
                    by_lightness[at] -= by_step as f32;
                }
            }
        }
        for (at, by) in by_lightness.into_iter().enumerate() {
            if (0.0..=1.0).contains(&graded.get(at).copied().unwrap_or(0.0)) {
                grade.field.add_gradient(self.color(at), self.place(at), [weight * by, 0.0, 0.0], by_cells);
            }
        }
        (1.0 - correlation) as f32
    }

    fn color(&self, at: usize) -> [f32; 3] {
        self.colors.get(at).copied().unwrap_or_default()
    }

    fn place(&self, at: usize) -> [f32; 2] {
        let (column, row) = (at % self.width.max(1), at / self.width.max(1));
        [(column as f32 + 0.5) / self.width as f32, (row as f32 + 0.5) / self.height as f32]
    }
}

/// The differences to the right and down; 0 where there is no neighbour.
fn steps(width: usize, lightness: &[f32]) -> Vec<[f32; 2]> {
    let step = |(at, value): (usize, &f32)| {
        let right = if (at + 1).is_multiple_of(width.max(1)) { None } else { lightness.get(at + 1) };
        [right, lightness.get(at + width)].map(|next| next.map_or(0.0, |next| next - value))
    };
    lightness.iter().enumerate().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grade::{Field, Grid, Normal};
    use crate::rng::{Stage, Stream};

    fn picture() -> Image {
        let mut stream = Stream::new(6, 0, Stage::Test, 0);
        let mut picture = Image::filled(9, 7, [0.5; 3]);
        picture.planes.iter_mut().take(3).flatten().for_each(|value| *value = 0.2 + 0.6 * stream.unit());
        picture
    }

    fn grade(scale: f32) -> Grade {
        let mut stream = Stream::new(7, 0, Stage::Test, 0);
        let mut grids = vec![Grid::neutral([1, 1, 2]), Grid::neutral([2, 2, 1])];
        for value in grids.iter_mut().flat_map(|grid| grid.cells.as_flattened_mut().as_flattened_mut()) {
            *value = scale * stream.normal();
        }
        let normal = Normal { mean: [0.5, 0.0, 0.0], deviation: [0.2, 0.1, 0.1] };
        Grade { field: Field { normal, grids }, ..Grade::default() }
    }

    fn blank(grade: &Grade) -> Vec<Vec<Cell>> {
        grade.field.grids.iter().map(|grid| vec![Cell::default(); grid.cells.len()]).collect()
    }

    #[test]
    fn what_only_gains_contrast_or_light_loses_nothing_and_what_turns_dark_to_light_loses_all() {
        let structure = Structure::new(&picture());
        let with = |constant: f32, slope: f32| {
            let mut grade = grade(0.0);
            grade.field.grids[0].cells.iter_mut().for_each(|cell| cell[0] = [constant, slope * 0.2, 0.0, 0.0]);
            structure.loss(&grade, 1.0, &mut blank(&grade))
        };
        assert!(with(0.0, 0.0).abs() < 1e-5 && with(0.05, 0.0).abs() < 1e-5, "brighter");
        assert!(with(0.0, -0.5).abs() < 1e-5, "softer");
        assert!((with(0.0, -2.0) - 2.0).abs() < 1e-5, "a negative");
        assert!(with(3.0, 0.0).abs() < 1e-9, "nothing is left to compare");
    }

    #[test]
    fn the_gradient_by_cells_is_that_of_finite_differences() {
        let structure = Structure::new(&picture());
        let grade = grade(0.05);
        let mut by_cells = blank(&grade);
        structure.loss(&grade, 1.0, &mut by_cells);
        for (grid, by_grid) in by_cells.iter().enumerate() {
            for (cell, by_cell) in by_grid.iter().enumerate() {
                for (row, column) in [(0, 0), (0, 1), (0, 3), (1, 2)] {
                    let value = |step: f32| {
                        let mut moved = grade.clone();
                        moved.field.grids[grid].cells[cell][row][column] += step;
                        f64::from(structure.loss(&moved, 1.0, &mut blank(&moved)))
                    };
                    let numeric = (value(2e-3) - value(-2e-3)) / 4e-3;
                    let exact = f64::from(by_cell[row][column]);
                    assert!((numeric - exact).abs() < 1e-3, "grid {grid}, cell {cell}: {numeric} against {exact}");
                }
            }
        }
    }
}
