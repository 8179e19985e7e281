//! Separable resampling of a window, and its adjoint.
//!
//! Input: a plane. Output: a smaller or larger plane. Invariants: each output's weights sum to one; weight that
//! falls on pixels that do not count goes to the fill colour. Cost: rows first, so that nearly all of the work is
//! on contiguous runs.

/// How pixels between samples are made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Keys' cubic with a = -0.75 at the sample point whatever the scale, edge pixels repeated: PyTorch's `bicubic`
    /// without antialiasing, as CLIPVG resizes.
    Bicubic,
    /// Keys' cubic with a = -0.5, widened by the scale when shrinking: PyTorch's and Pillow's antialiased bicubic.
    Antialiased,
}

/// Keys' cubic convolution kernel (Keys 1981).
fn cubic(x: f64, a: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a
    } else {
        0.0
    }
}

/// Where the samples of one axis come from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// First edge of the window and its length, pixels.
    pub(super) window: (f64, f64),
    /// Pixels that count, `lo..hi`; the others have the fill colour.
    pub(super) visible: (usize, usize),
    /// Output samples.
    pub(super) samples: usize,
}

/// Sparse rows of weights: one contiguous run of source pixels an output sample.
#[derive(Clone, Debug, Default)]
pub(super) struct Axis {
    /// (first source pixel, first weight, number of weights)
    runs: Vec<(usize, usize, usize)>,
    weights: Vec<f32>,
}

impl Axis {
    pub(super) fn new(span: Span, filter: Filter) -> Self {
        let (start, len) = span.window;
        let (lo, hi) = (span.visible.0 as i64, span.visible.1 as i64);
        let (first, last) = (start.floor() as i64, (start + len).ceil() as i64 - 1);
        let scale = len / span.samples.max(1) as f64;
        let mut axis = Self::default();
        let mut taps: Vec<(i64, f64)> = Vec::new();
        for sample in 0..span.samples {
            let center = start + (sample as f64 + 0.5) * scale;
            taps.clear();
            match filter {
                Filter::Bicubic => {
                    let base = (center - 0.5).floor();
                    let pixel = |k: i64| ((base as i64 + k).clamp(first, last), center - 0.5 - base - k as f64);
                    taps.extend((-1..=2).map(pixel).map(|(at, x)| (at, cubic(x, -0.75))));
                }
                Filter::Antialiased => {
                    let widen = scale.max(1.0);
                    // Neighbours beyond the window take part as long as they are part of the picture.
                    let from = ((center - 2.0 * widen + 0.5).floor() as i64).max(first.min(lo));
                    let to = ((center + 2.0 * widen + 0.5).floor() as i64).min((last + 1).max(hi));
                    taps.extend((from..to).map(|at| (at, cubic((at as f64 + 0.5 - center) / widen, -0.5))));
                    let sum: f64 = taps.iter().map(|tap| tap.1).sum();
                    taps.iter_mut().for_each(|tap| tap.1 /= sum);
                }
            }
            axis.push(&taps, lo, hi);
        }
        axis
    }

    /// Each output pixel is the source pixel at `start` plus its own position.
    pub(super) fn copy(start: i64, samples: usize, visible: (usize, usize)) -> Self {
        let mut axis = Self::default();
        for sample in 0..samples as i64 {
            axis.push(&[(start + sample, 1.0)], visible.0 as i64, visible.1 as i64);
        }
        axis
    }

    fn push(&mut self, taps: &[(i64, f64)], lo: i64, hi: i64) {
        let seen = || taps.iter().filter(|tap| (lo..hi).contains(&tap.0));
        let first = seen().map(|tap| tap.0).min().unwrap_or(0);
        let count = seen().map(|tap| tap.0).max().map_or(0, |last| (last - first + 1) as usize);
        let offset = self.weights.len();
        self.weights.resize(offset + count, 0.0);
        for (at, weight) in seen() {
            if let Some(slot) = self.weights.get_mut(offset + (at - first) as usize) {
                *slot += *weight as f32;
            }
        }
        self.runs.push((first as usize, offset, count));
    }

    pub(super) fn len(&self) -> usize {
        self.runs.len()
    }

    /// Source pixels that any sample reads, `lo..hi`.
    pub(super) fn used(&self) -> (usize, usize) {
        let read = || self.runs.iter().filter(|run| run.2 > 0);
        let lo = read().map(|run| run.0).min().unwrap_or(0);
        (lo, read().map(|run| run.0 + run.2).max().unwrap_or(lo))
    }

    /// For each source pixel of `lo..hi`, which must be all that are read, the samples that read it.
    pub(super) fn transposed(&self, (lo, hi): (usize, usize)) -> Self {
        let mut readers = vec![Vec::new(); hi - lo];
        for (sample, (first, weights)) in self.runs().enumerate() {
            for (reader, &weight) in readers.iter_mut().skip(first.saturating_sub(lo)).zip(weights) {
                reader.push((sample as i64, f64::from(weight)));
            }
        }
        let mut axis = Self::default();
        readers.iter().for_each(|taps| axis.push(taps, 0, self.len() as i64));
        axis
    }

    /// For each sample its first source pixel and the weights from there on.
    pub(super) fn runs(&self) -> impl Iterator<Item = (usize, &[f32])> {
        self.runs
            .iter()
            .map(|&(first, offset, count)| (first, self.weights.get(offset..offset + count).unwrap_or_default()))
    }
}

/// Resampling of both axes.
#[derive(Clone, Debug)]
pub(super) struct Resize {
    pub(super) rows: Axis,
    pub(super) columns: Axis,
}

impl Resize {
    pub(super) fn forward(&self, plane: &[f32], width: usize, fill: f32) -> Vec<f32> {
        let (lo, hi) = self.columns.used();
        let span = hi - lo;
        let mut line = vec![0.0_f32; span];
        let mut out = Vec::with_capacity(self.rows.len() * self.columns.len());
        for (top, weights) in self.rows.runs() {
            // The fill colour is subtracted first, so that pixels that do not count need no weights.
            line.fill(-fill * weights.iter().sum::<f32>());
            for (row, &weight) in weights.iter().enumerate() {
                let start = (top + row) * width + lo;
                for (line, &pixel) in line.iter_mut().zip(plane.get(start..start + span).unwrap_or_default()) {
                    *line += weight * pixel;
                }
            }
            out.extend(self.columns.runs().map(|(left, weights)| {
                let pixels = line.get(left.saturating_sub(lo)..).unwrap_or_default();
                fill + weights.iter().zip(pixels).map(|(weight, pixel)| weight * pixel).sum::<f32>()
            }));
        }
        out
    }

    /// Adds the adjoint of `g` to `out`, a plane of the given width.
    pub(super) fn adjoint(&self, g: &[f32], width: usize, out: &mut [f32]) {
        let (lo, hi) = self.columns.used();
        let span = hi - lo;
        let mut line = vec![0.0_f32; span];
        for ((top, row_weights), g) in self.rows.runs().zip(g.chunks(self.columns.len().max(1))) {
            line.fill(0.0);
            for ((left, weights), &g) in self.columns.runs().zip(g) {
                for (line, &weight) in line.iter_mut().skip(left.saturating_sub(lo)).zip(weights) {
                    *line += weight * g;
                }
            }
            for (row, &weight) in row_weights.iter().enumerate() {
                let start = (top + row) * width + lo;
                if let Some(out) = out.get_mut(start..start + span) {
                    for (out, &line) in out.iter_mut().zip(&line) {
                        *out += weight * line;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(axis: &Axis, columns: usize) -> Vec<Vec<f32>> {
        let row = |(first, weights): (usize, &[f32])| {
            let mut row = vec![0.0; columns];
            row.iter_mut().skip(first).zip(weights).for_each(|(value, weight)| *value = *weight);
            row
        };
        axis.runs().map(row).collect()
    }

    #[test]
    fn a_transposed_axis_has_the_transposed_weights() {
        for filter in [Filter::Bicubic, Filter::Antialiased] {
            for (window, visible) in [((-3.5, 30.0), (2, 17)), ((4.0, 3.0), (0, 40)), ((50.0, 9.0), (0, 40))] {
                let axis = Axis::new(Span { window, visible, samples: 12 }, filter);
                let (lo, hi) = axis.used();
                let (there, back) = (matrix(&axis, 40), matrix(&axis.transposed((lo, hi)), 12));
                for (sample, row) in there.iter().enumerate() {
                    for (pixel, &weight) in row.iter().enumerate() {
                        let found = if (lo..hi).contains(&pixel) { back[pixel - lo][sample] } else { 0.0 };
                        assert_eq!(found, weight, "{filter:?} {window:?}: pixel {pixel} of sample {sample}");
                    }
                }
            }
        }
    }
}
