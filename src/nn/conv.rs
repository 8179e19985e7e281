//! Convolutions with windows of three by three pixels on the processor, with the gradient of their input, and the change of size
//! around them.
//!
//! Input: maps as matrices: a row a pixel, a column a channel, images one after another ([`Grid`]). Output: the same. Formula: the
//! windows of a band of pixels become rows (im2col, Chellapilla et al. 2006) that one matrix product multiplies; the gradient goes
//! back the same way. Invariants: weights never get gradients; windows that hang over the edge see zeros. Determinism: as
//! [`super::product::product`]; a pixel's gradient is summed band by band and tap by tap. Cost: 18 * inputs * outputs operations a
//! pixel, as many for the gradient; a band's windows take 8 MB at most.

use super::NnError;
use super::linear::Linear;
use super::matrix::{edit, matrix, read};
use super::product::product;
use super::rows::{add_bias, rows_per_task};
use candle_core::Tensor;
use rayon::prelude::*;

/// Pixels of a window along one side.
const SIDE: usize = 3;
const TAPS: usize = SIDE * SIDE;
/// Values of the windows that are multiplied at a time.
const BAND_VALUES: usize = 1 << 21;

/// How the rows of a matrix form maps: image after image, line after line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    pub(crate) images: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
}

impl Grid {
    /// Pixels of one image.
    pub(crate) fn pixels(self) -> usize {
        self.height * self.width
    }

    /// Rows of the matrix.
    pub(crate) fn rows(self) -> usize {
        self.images * self.pixels()
    }

    /// Twice as high and as wide.
    pub(crate) fn doubled(self) -> Self {
        Self { height: 2 * self.height, width: 2 * self.width, ..self }
    }

    /// Image, line and column of a row.
    fn place(self, row: usize) -> (usize, usize, usize) {
        let pixels = self.pixels().max(1);
        let (image, pixel) = (row / pixels, row % pixels);
        (image, pixel / self.width.max(1), pixel % self.width.max(1))
    }
}

/// Where the windows stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Windows {
    /// Around every pixel.
    Every,
    /// Around every second pixel of every second line.
    Second,
    /// As [`Self::Second`], one pixel further right and down: how the autoencoder of Stable Diffusion pads.
    SecondAhead,
}

impl Windows {
    fn stride(self) -> usize {
        match self {
            Self::Every => 1,
            Self::Second | Self::SecondAhead => 2,
        }
    }

    /// Pixels of the window before its pixel.
    fn before(self) -> usize {
        match self {
            Self::Every | Self::Second => 1,
            Self::SecondAhead => 0,
        }
    }

    /// The map that comes out of one of `grid`.
    fn out(self, grid: Grid) -> Grid {
        let side = |side: usize| match self {
            Self::Every => side,
            Self::Second => side.div_ceil(2),
            Self::SecondAhead => side / 2,
        };
        Grid { height: side(grid.height), width: side(grid.width), ..grid }
    }
}

/// A frozen convolution.
#[derive(Clone, Debug)]
pub(crate) struct Conv {
    /// `[9 * inputs, outputs]`, tap after tap, and one bias an output.
    pub(crate) linear: Linear,
    pub(crate) inputs: usize,
    pub(crate) windows: Windows,
}

impl Conv {
    fn band_rows(&self) -> usize {
        (BAND_VALUES / (TAPS * self.inputs).max(1)).max(1)
    }

    /// The convolved map and its arrangement.
    pub(crate) fn forward(&self, x: &Tensor, grid: Grid) -> Result<(Tensor, Grid), NnError> {
        let out_grid = self.windows.out(grid);
        let outputs = self.linear.bias.len();
        let mut out = vec![0.0; out_grid.rows() * outputs];
        let band = self.band_rows();
        for (n, out) in out.chunks_mut((band * outputs).max(1)).enumerate() {
            let rows = out.len() / outputs.max(1);
            let windows = read(x, |x| self.windows_of(x, grid, out_grid, n * band, rows))?;
            let band = self.linear.product(&matrix(windows, rows, TAPS * self.inputs)?)?;
            read(&band, |band| out.copy_from_slice(band))?;
        }
        add_bias(&mut out, &self.linear.bias);
        Ok((matrix(out, out_grid.rows(), outputs)?, out_grid))
    }

    /// Gradient with respect to the input, whose arrangement `grid` is.
    pub(crate) fn backward(&self, g: &Tensor, grid: Grid) -> Result<Tensor, NnError> {
        let out_grid = self.windows.out(grid);
        let mut g_x = vec![0.0; grid.rows() * self.inputs];
        let transposed = self.linear.weight.t()?;
        let band = self.band_rows();
        for first in (0..out_grid.rows()).step_by(band) {
            let rows = band.min(out_grid.rows() - first);
            let windows = product(&g.narrow(0, first, rows)?, &transposed)?;
            read(&windows, |windows| self.scatter(windows, grid, out_grid, first, &mut g_x))?;
        }
        matrix(g_x, grid.rows(), self.inputs)
    }

    /// The pixel that tap (`down`, `right`) of the window at (`line`, `column`) sees.
    fn seen(&self, grid: Grid, (line, column): (usize, usize), (down, right): (usize, usize)) -> Option<usize> {
        let at = |place: usize, tap: usize| (place * self.windows.stride() + tap).checked_sub(self.windows.before());
        let (line, column) = (at(line, down)?, at(column, right)?);
        (line < grid.height && column < grid.width).then_some(line * grid.width + column)
    }

    /// Windows of `rows` pixels from `first` on: `[rows, 9 * inputs]`.
    fn windows_of(&self, x: &[f32], grid: Grid, out_grid: Grid, first: usize, rows: usize) -> Vec<f32> {
        let inputs = self.inputs.max(1);
        let mut windows = vec![0.0; rows * TAPS * inputs];
        let task = rows_per_task(TAPS * inputs);
        windows.par_chunks_mut(task * TAPS * inputs).enumerate().for_each(|(n, windows)| {
            for (row, window) in windows.chunks_mut(TAPS * inputs).enumerate() {
                let (image, line, column) = out_grid.place(first + n * task + row);
                let image = x.get(image * grid.pixels() * inputs..).unwrap_or_default();
                for (tap, values) in window.chunks_mut(inputs).enumerate() {
                    let pixel = self.seen(grid, (line, column), (tap / SIDE, tap % SIDE));
                    let pixel = pixel.and_then(|pixel| image.get(pixel * inputs..(pixel + 1) * inputs));
                    if let Some(pixel) = pixel {
                        values.copy_from_slice(pixel);
                    }
                }
            }
        });
        windows
    }

    /// The window place that sees `pixel` with its tap.
    fn seer(&self, out_grid: Grid, pixel: (usize, usize), (down, right): (usize, usize)) -> Option<usize> {
        let at = |place: usize, tap: usize| {
            let moved = (place + self.windows.before()).checked_sub(tap)?;
            (moved % self.windows.stride() == 0).then_some(moved / self.windows.stride())
        };
        let (line, column) = (at(pixel.0, down)?, at(pixel.1, right)?);
        (line < out_grid.height && column < out_grid.width).then_some(line * out_grid.width + column)
    }

    /// Adds the gradient of windows from `first` on to that of the pixels they saw: the adjoint of [`Self::windows_of`].
    fn scatter(&self, windows: &[f32], grid: Grid, out_grid: Grid, first: usize, g_x: &mut [f32]) {
        let inputs = self.inputs.max(1);
        let task = rows_per_task(TAPS * inputs);
        g_x.par_chunks_mut(task * inputs).enumerate().for_each(|(n, g_x)| {
            for (row, g_x) in g_x.chunks_mut(inputs).enumerate() {
                let (image, line, column) = grid.place(n * task + row);
                for tap in 0..TAPS {
                    let seer = self.seer(out_grid, (line, column), (tap / SIDE, tap % SIDE));
                    let window = seer.and_then(|seer| (image * out_grid.pixels() + seer).checked_sub(first));
                    let start = window.map(|window| (window * TAPS + tap) * inputs);
                    if let Some(values) = start.and_then(|start| windows.get(start..start + inputs)) {
                        g_x.iter_mut().zip(values).for_each(|(g, &value)| *g += value);
                    }
                }
            }
        });
    }
}

/// Every pixel as a square of two by two.
pub(crate) fn doubled(x: &Tensor, grid: Grid) -> Result<Tensor, NnError> {
    let (channels, large) = (x.dim(1)?, grid.doubled());
    let mut out = vec![0.0; large.rows() * channels];
    read(x, |x| {
        out.par_chunks_mut((large.width * channels).max(1)).enumerate().for_each(|(line, out)| {
            // Images follow each other with an even number of lines, so lines may be counted through.
            let from = x.get((line / 2) * grid.width * channels..).unwrap_or_default();
            for (pixels, pixel) in out.chunks_mut((2 * channels).max(1)).zip(from.chunks(channels.max(1))) {
                pixels.chunks_mut(channels.max(1)).for_each(|out| out.copy_from_slice(pixel));
            }
        });
    })?;
    matrix(out, large.rows(), channels)
}

/// Gradient of [`doubled`]: the sum of each square.
pub(crate) fn doubled_backward(g: &Tensor, grid: Grid) -> Result<Tensor, NnError> {
    let (channels, large) = (g.dim(1)?, grid.doubled());
    let mut out = vec![0.0_f32; grid.rows() * channels];
    let line_values = large.width * channels;
    read(g, |g| {
        out.par_chunks_mut((grid.width * channels).max(1)).zip(g.par_chunks((2 * line_values).max(1))).for_each(
            |(out, lines)| {
                for line in lines.chunks(line_values.max(1)) {
                    for (out, pair) in out.chunks_mut(channels.max(1)).zip(line.chunks((2 * channels).max(1))) {
                        for pixel in pair.chunks(channels.max(1)) {
                            out.iter_mut().zip(pixel).for_each(|(out, &g)| *out += g);
                        }
                    }
                }
            },
        );
    })?;
    matrix(out, grid.rows(), channels)
}

/// Adds one row an image to all its pixels.
pub(crate) fn add_to_images(x: &Tensor, grid: Grid, rows: &Tensor) -> Result<(), NnError> {
    let channels = x.dim(1)?;
    let each = read(rows, <[f32]>::to_vec)?;
    edit(x, |x| {
        for (image, row) in x.chunks_mut((grid.pixels() * channels).max(1)).zip(each.chunks(channels.max(1))) {
            add_bias(image, row);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::differences::{check, noise};

    fn values(tensor: &Tensor) -> Vec<f32> {
        read(tensor, <[f32]>::to_vec).unwrap()
    }

    #[test]
    fn convolutions_have_the_gradient_of_finite_differences_wherever_their_windows_stand() {
        let grid = Grid { images: 2, height: 4, width: 5 };
        let (inputs, outputs) = (3, 2);
        for windows in [Windows::Every, Windows::Second, Windows::SecondAhead] {
            let weight = matrix(noise(TAPS * inputs * outputs, 1), TAPS * inputs, outputs).unwrap();
            let conv = Conv { linear: Linear { weight, bias: noise(outputs, 2) }, inputs, windows };
            let rows = windows.out(grid).rows();
            let (x, w) = (noise(grid.rows() * inputs, 3), noise(rows * outputs, 4));
            let forward = |x: &[f32]| {
                let x = matrix(x.to_vec(), grid.rows(), inputs).unwrap();
                values(&conv.forward(&x, grid).unwrap().0)
            };
            let g = values(&conv.backward(&matrix(w.clone(), rows, outputs).unwrap(), grid).unwrap());
            check("conv", &x, &w, &g, forward);
        }
    }

    /// A map so large that its windows are multiplied in several bands is the sum over its taps all the same.
    #[test]
    fn bands_do_not_show() {
        let grid = Grid { images: 3, height: 61, width: 33 };
        let (inputs, outputs) = (80, 3);
        let weight = matrix(noise(TAPS * inputs * outputs, 1), TAPS * inputs, outputs).unwrap();
        let conv = Conv { linear: Linear { weight, bias: noise(outputs, 2) }, inputs, windows: Windows::Every };
        assert!(grid.rows() > conv.band_rows(), "several bands");
        let x = noise(grid.rows() * inputs, 3);
        let out = values(&conv.forward(&matrix(x.clone(), grid.rows(), inputs).unwrap(), grid).unwrap().0);
        let weight = values(&conv.linear.weight);
        for (image, line, column) in [(0, 0, 0), (1, 60, 32), (1, 13, 7), (2, 30, 0)] {
            for output in 0..outputs {
                let mut sum = f64::from(conv.linear.bias[output]);
                for tap in 0..TAPS {
                    let (y, x_) = (line + tap / 3, column + tap % 3);
                    if (1..=61).contains(&y) && (1..=33).contains(&x_) {
                        let pixel = ((image * 61 + y - 1) * 33 + x_ - 1) * inputs;
                        for input in 0..inputs {
                            let weight = weight[(tap * inputs + input) * outputs + output];
                            sum += f64::from(x[pixel + input]) * f64::from(weight);
                        }
                    }
                }
                let found = out[((image * 61 + line) * 33 + column) * outputs + output];
                assert!((f64::from(found) - sum).abs() < 1e-3, "{found}, not {sum}");
            }
        }
        let g = noise(grid.rows() * outputs, 5);
        let g_x = values(&conv.backward(&matrix(g.clone(), grid.rows(), outputs).unwrap(), grid).unwrap());
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
        let unbiased: Vec<f32> = out.iter().zip(conv.linear.bias.iter().cycle()).map(|(y, b)| y - b).collect();
        let (forward, backward) = (dot(&unbiased, &g), dot(&x, &g_x));
        assert!(
            (forward - backward).abs() < 1e-3 * forward.abs().max(100.0),
            "{forward} and {backward} are one number"
        );
    }

    #[test]
    fn doubling_has_the_gradient_of_finite_differences() {
        let grid = Grid { images: 2, height: 2, width: 3 };
        let (x, w) = (noise(grid.rows() * 2, 1), noise(grid.doubled().rows() * 2, 2));
        let g = doubled_backward(&matrix(w.clone(), grid.doubled().rows(), 2).unwrap(), grid).unwrap();
        check("doubled", &x, &w, &values(&g), |x| {
            values(&doubled(&matrix(x.to_vec(), grid.rows(), 2).unwrap(), grid).unwrap())
        });
    }
}
