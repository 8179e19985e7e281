//! Field: affine corrections of a colour that vary smoothly with its place and lightness.
//!
//! Input: a colour in `OKLab` and a place, 0 to 1. Output: what is added to the colour, and the gradient by the cells.
//! Formula: a bilateral grid of affine maps (Gharbi et al. 2017, "Deep Bilateral Learning for Real-Time Image Enhancement",
//! section 3.3), trilinear between the centres of cells. Invariants: as smooth in the picture as its lightness is, so it
//! draws no edge that the picture lacks. Determinism: cells in order. Cost: eight cells of twelve numbers a grid.

use serde::{Deserialize, Serialize};

/// An affine map: for each of L, a, b the constant and the factors of the three normalised axes.
pub type Cell = [[f32; 4]; 3];

/// What colours are measured from, so that all numbers of a cell have one scale.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normal {
    /// Mean colour.
    pub mean: [f32; 3],
    /// Standard deviation of each axis, never near zero.
    pub deviation: [f32; 3],
}

impl Default for Normal {
    fn default() -> Self {
        Self { mean: [0.5, 0.0, 0.0], deviation: LEAST_DEVIATION }
    }
}

/// A picture of one colour has no deviation; dividing by less than this would make grain of it.
const LEAST_DEVIATION: [f32; 3] = [0.1, 0.03, 0.03];

impl Normal {
    /// Of weighted colours.
    pub fn of(colors: impl Iterator<Item = ([f32; 3], f32)>) -> Self {
        let (mut total, mut sums, mut squares) = (0.0_f64, [0.0_f64; 3], [0.0_f64; 3]);
        for (color, weight) in colors {
            let weight = f64::from(weight);
            total += weight;
            for ((sum, square), value) in sums.iter_mut().zip(&mut squares).zip(color) {
                *sum += weight * f64::from(value);
                *square += weight * f64::from(value) * f64::from(value);
            }
        }
        if total <= 0.0 {
            return Self::default();
        }
        let mean = sums.map(|sum| sum / total);
        let spread = |axis: usize| ((squares[axis] / total - mean[axis] * mean[axis]).max(0.0).sqrt()) as f32;
        Self {
            mean: mean.map(|mean| mean as f32),
            deviation: [0, 1, 2].map(|axis| spread(axis).max(LEAST_DEVIATION[axis])),
        }
    }

    /// The constant and the three normalised axes of a colour.
    fn features(&self, color: [f32; 3]) -> [f32; 4] {
        let [l, a, b] = [0, 1, 2].map(|axis| (color[axis] - self.mean[axis]) / self.deviation[axis]);
        [1.0, l, a, b]
    }
}

/// One resolution of a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    /// Cells along x, y and lightness, each at least 1.
    pub size: [usize; 3],
    /// x fastest, lightness slowest.
    pub cells: Vec<Cell>,
}

/// The cells around a colour and how much each counts; those that do not exist count 0.
pub type Place = [(usize, f32); 8];

impl Grid {
    /// A grid that changes nothing.
    pub fn neutral(size: [usize; 3]) -> Self {
        Self { size, cells: vec![Cell::default(); size.iter().product()] }
    }

    /// The grid on the row at `y`.
    fn at_row(&self, y: f32) -> Self {
        let [columns, rows, depths] = self.size;
        let [(top, by_top), (bottom, by_bottom)] = span(y, rows);
        let row = |depth: usize, row: usize| {
            let first = columns * (row + rows * depth);
            self.cells.get(first..first + columns).unwrap_or_default()
        };
        let mixed = |(top, bottom): (&Cell, &Cell)| -> Cell {
            std::array::from_fn(|axis| {
                std::array::from_fn(|feature| by_top * top[axis][feature] + by_bottom * bottom[axis][feature])
            })
        };
        let cells = (0..depths).flat_map(|depth| row(depth, top).iter().zip(row(depth, bottom)).map(mixed));
        Self { size: [columns, 1, depths], cells: cells.collect() }
    }

    /// The cells that count at a place and a lightness, all from 0 to 1.
    pub fn place(&self, [x, y]: [f32; 2], lightness: f32) -> Place {
        let [across, down, deep] = [0, 1, 2].map(|axis| span([x, y, lightness][axis], self.size[axis]));
        let mut place = [(0, 0.0); 8];
        let mut slots = place.iter_mut();
        for (z, by_z) in deep {
            for (y, by_y) in down {
                for ((x, by_x), slot) in across.into_iter().zip(slots.by_ref()) {
                    *slot = (x + self.size[0] * (y + self.size[1] * z), by_x * by_y * by_z);
                }
            }
        }
        place
    }
}

/// The two neighbouring cells of `at` among `count` with centres at (n + 1/2) / count, and their weights.
fn span(at: f32, count: usize) -> [(usize, f32); 2] {
    let last = count.saturating_sub(1);
    let along = (at * count as f32 - 0.5).clamp(0.0, last as f32);
    let first = (along as usize).min(last);
    let rest = along - first as f32;
    [(first, 1.0 - rest), ((first + 1).min(last), rest)]
}

/// Grids from coarse to fine; none: nothing is added.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// What colours are measured from.
    pub normal: Normal,
    /// Coarse to fine.
    pub grids: Vec<Grid>,
}

impl Field {
    /// Whether nothing is added anywhere.
    pub fn is_neutral(&self) -> bool {
        self.grids.iter().flat_map(|grid| &grid.cells).all(|cell| *cell == Cell::default())
    }

    /// The field on the row of pixels at `y`, 0 to 1: with cells along x and lightness alone it costs a third.
    pub fn at_row(&self, y: f32) -> Self {
        let grids = self.grids.iter().map(|grid| grid.at_row(y)).collect();
        Self { normal: self.normal, grids }
    }

    /// What is added to `color` at `place`.
    pub fn apply(&self, color: [f32; 3], place: [f32; 2]) -> [f32; 3] {
        if self.grids.is_empty() {
            return [0.0; 3];
        }
        let features = self.normal.features(color);
        let mut sum = [0.0; 3];
        for grid in &self.grids {
            for (at, weight) in grid.place(place, color[0]).into_iter().filter(|(_, weight)| *weight != 0.0) {
                let Some(cell) = grid.cells.get(at) else { continue };
                for (sum, row) in sum.iter_mut().zip(cell) {
                    *sum += weight * row.iter().zip(&features).map(|(row, feature)| row * feature).sum::<f32>();
                }
            }
        }
        sum
    }

    /// Adds to `gradients`, one list of cells a grid, what `by_color`, the gradient by the graded colour of `color` at
    /// `place`, means for the cells.
    pub fn add_gradient(&self, color: [f32; 3], place: [f32; 2], by_color: [f32; 3], gradients: &mut [Vec<Cell>]) {
        let features = self.normal.features(color);
        for (grid, gradient) in self.grids.iter().zip(gradients) {
            for (at, weight) in grid.place(place, color[0]) {
                let Some(cell) = gradient.get_mut(at) else { continue };
                for (row, by_axis) in cell.iter_mut().zip(by_color) {
                    row.iter_mut().zip(&features).for_each(|(sum, feature)| *sum += weight * by_axis * feature);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Stage, Stream};

    fn field() -> Field {
        let mut stream = Stream::new(4, 0, Stage::Test, 0);
        let mut grids = vec![Grid::neutral([1, 1, 1]), Grid::neutral([4, 3, 2])];
        for value in grids.iter_mut().flat_map(|grid| grid.cells.as_flattened_mut().as_flattened_mut()) {
            *value = stream.normal();
        }
        Field { normal: Normal { mean: [0.4, 0.1, 0.0], deviation: [0.2, 0.1, 0.05] }, grids }
    }

    #[test]
    fn a_row_of_a_field_is_the_field_on_that_row() {
        let value = |at: usize| (at * 37 % 101) as f32 / 101.0;
        let mut grid = Grid::neutral([4, 3, 2]);
        let numbers = grid.cells.as_flattened_mut().as_flattened_mut();
        numbers.iter_mut().enumerate().for_each(|(at, number)| *number = value(at) - 0.5);
        let field = Field { grids: vec![grid], ..Field::default() };
        for y in [0.0, 0.2, 0.5, 0.77, 1.0] {
            let row = field.at_row(y);
            for (color, x) in [([0.2, 0.1, -0.1], 0.1), ([0.9, 0.0, 0.2], 0.6)] {
                let (whole, by_row) = (field.apply(color, [x, y]), row.apply(color, [x, y]));
                let apart = whole.iter().zip(by_row).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(apart < 1e-6, "{whole:?} and {by_row:?} at {y}");
            }
        }
    }

    #[test]
    fn the_gradient_by_every_cell_is_that_of_finite_differences() {
        let field = field();
        let (color, place, weights) = ([0.62, -0.03, 0.08], [0.31, 0.77], [0.6, -1.0, 0.3]);
        let value = |field: &Field| {
            field.apply(color, place).iter().zip(weights).map(|(v, w)| f64::from(*v) * f64::from(w)).sum::<f64>()
        };
        let mut gradients = field.grids.iter().map(|grid| vec![Cell::default(); grid.cells.len()]).collect::<Vec<_>>();
        field.add_gradient(color, place, weights, &mut gradients);
        for (grid, by_cells) in gradients.iter().enumerate() {
            for (cell, by_cell) in by_cells.iter().enumerate() {
                for (row, column) in [(0, 0), (1, 2), (2, 3)] {
                    let moved = |step: f32| {
                        let mut field = field.clone();
                        field.grids[grid].cells[cell][row][column] += step;
                        value(&field)
                    };
                    let numeric = moved(0.5) - moved(-0.5);
                    let exact = f64::from(by_cell[row][column]);
                    assert!((numeric - exact).abs() < 1e-4, "cell {cell} of grid {grid}: {numeric} against {exact}");
                }
            }
        }
    }

    #[test]
    fn weights_of_a_place_add_up_to_one_and_change_without_a_jump() {
        let grid = Grid::neutral([4, 4, 2]);
        let sum = |x: f32| {
            let place = grid.place([x, 0.4], 0.6);
            let total = place.iter().map(|(_, weight)| weight).sum::<f32>();
            assert!((total - 1.0).abs() < 1e-5, "weights at {x} add up to {total}");
            place.iter().map(|(at, weight)| *at as f32 * weight).sum::<f32>()
        };
        let values = (0..=1000).map(|step| sum(step as f32 / 1000.0)).collect::<Vec<_>>();
        assert!(values.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 0.01), "a jump between two places");
    }

    #[test]
    fn a_picture_of_one_colour_has_a_deviation_to_divide_by() {
        let normal = Normal::of([([0.5, 0.1, 0.1], 1.0); 5].into_iter());
        assert_eq!(normal.deviation, LEAST_DEVIATION);
        assert_eq!(Normal::of(std::iter::empty()), Normal::default(), "nothing at all");
    }
}
