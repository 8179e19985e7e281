//! Coherence term: the *change* of the picture should be smooth, so that an evening falls over a whole wall and does
//! not break it into confetti that only pleases the encoder.
//!
//! Input: the current and the first render. Output: loss and pixel gradient. Formula: Dirichlet energy of the change
//! D = I - I0, the mean over pixels and channels of the squared differences to the right and downward neighbours; its
//! gradient is the discrete Laplacian. Determinism: fixed order. Cost: some ten operations a value.

/// The first picture.
#[derive(Clone, Debug)]
pub(super) struct Coherence {
    width: usize,
    first: [Vec<f32>; 3],
}

impl Coherence {
    /// Remembers the `planes` of a picture `width` pixels wide.
    pub(super) fn new(width: usize, planes: [&[f32]; 3]) -> Self {
        Self { width, first: planes.map(<[f32]>::to_vec) }
    }

    /// The first picture's planes.
    pub(super) fn first(&self) -> [&[f32]; 3] {
        self.first.each_ref().map(Vec::as_slice)
    }

    /// Energy of the change in `planes`; `weight` times its gradient is added to `gradient`.
    pub(super) fn add_gradient(&self, planes: [&[f32]; 3], weight: f32, gradient: &mut [Vec<f32>; 3]) -> f32 {
        let mut energy = 0.0;
        for ((plane, first), gradient) in planes.iter().zip(&self.first).zip(gradient) {
            let change = plane.iter().zip(first).map(|(now, first)| now - first).collect::<Vec<_>>();
            let scale = 1.0 / (3 * change.len().max(1)) as f32;
            for row in 0..change.len() / self.width.max(1) {
                let span = row * self.width..(row + 1) * self.width;
                let right = (span.start..span.end - 1).map(|at| (at, at + 1));
                let down = span.map(|at| (at, at + self.width));
                for (a, b) in right.chain(down) {
                    let (Some(from), Some(to)) = (change.get(a), change.get(b)) else { continue };
                    let difference = to - from;
                    energy += scale * difference * difference;
                    let slope = 2.0 * weight * scale * difference;
                    if let Ok([from, to]) = gradient.get_disjoint_mut([a, b]) {
                        *from -= slope;
                        *to += slope;
                    }
                }
            }
        }
        energy
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Stage, Stream};

    fn noise(count: usize, index: u32) -> Vec<f32> {
        let mut stream = Stream::new(6, 0, Stage::Test, index);
        (0..count).map(|_| stream.unit()).collect()
    }

    #[test]
    fn the_gradient_agrees_with_finite_differences() {
        let (width, height) = (7, 5);
        let [first, now] = [0, 1].map(|set| [0, 1, 2].map(|plane| noise(width * height, 3 * set + plane)));
        let coherence = Coherence::new(width, first.each_ref().map(Vec::as_slice));
        let energy = |planes: &[Vec<f32>; 3], weight: f32| {
            let mut gradient = [0, 1, 2].map(|_| vec![0.0; width * height]);
            let energy = coherence.add_gradient(planes.each_ref().map(Vec::as_slice), weight, &mut gradient);
            (f64::from(energy), gradient)
        };
        let (_, gradient) = energy(&now, 2.0);
        for at in 0..width * height {
            let moved = |step: f32| {
                let mut planes = now.clone();
                planes[2][at] += step;
                energy(&planes, 0.0).0
            };
            let numeric = 2.0 * (moved(0.25) - moved(-0.25)) / 0.5;
            assert!((numeric - f64::from(gradient[2][at])).abs() < 1e-5, "pixel {at}: {numeric}");
        }
    }

    #[test]
    fn a_change_that_is_the_same_everywhere_is_free() {
        let plane = noise(12, 0);
        let darker = plane.iter().map(|value| value - 0.5).collect::<Vec<_>>();
        let mut gradient = [0, 1, 2].map(|_| vec![0.0; 12]);
        let energy = Coherence::new(4, [&plane; 3]).add_gradient([&darker; 3], 1.0, &mut gradient);
        assert!(energy < 1e-12, "energy {energy}");
    }
}
