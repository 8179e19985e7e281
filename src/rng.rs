//! Counter-based random numbers: the n-th number of a stream is a pure function of its key.
//!
//! Input: (seed, frame, stage, index). Output: uniform and normal numbers. Invariants: streams with different
//! keys are independent; drawing in one never shifts another. Determinism: integer arithmetic only, the same on
//! every machine. Cost: ten multiply rounds for four numbers (Philox-4x32-10, Salmon et al. 2011, "Parallel
//! random numbers: as easy as 1, 2, 3").

/// Which part of the pipeline draws; part of the key, so that stages never share numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Stage {
    /// Start and restart of the palette's cluster centres.
    Palette = 1,
    /// Crop windows and perspective of an iteration.
    Crops = 2,
    /// Children of a search for a look.
    Look = 3,
    /// Children of a search for a bend.
    Bend = 4,
    /// Timesteps and noise of the search for a concept.
    Concept = 5,
    /// Generated test data.
    Test = 255,
}

/// One stream of random numbers.
#[derive(Clone, Debug)]
pub struct Stream {
    key: [u32; 2],
    counter: [u32; 4],
    block: [u32; 4],
    used: usize,
}

impl Stream {
    /// The stream of (`seed`, `frame`, `stage`, `index`).
    pub fn new(seed: u64, frame: u32, stage: Stage, index: u32) -> Self {
        Self { key: halves(seed), counter: [0, index, stage as u32, frame], block: [0; 4], used: 4 }
    }

    /// The next 32 random bits.
    pub fn bits(&mut self) -> u32 {
        if self.used == 4 {
            self.block = philox(self.key, self.counter);
            self.counter[0] = self.counter[0].wrapping_add(1);
            self.used = 0;
        }
        let [a, b, c, d] = self.block;
        let bits = match self.used {
            0 => a,
            1 => b,
            2 => c,
            _ => d,
        };
        self.used += 1;
        bits
    }

    /// Uniform in [0, 1), on the grid of 2^-24.
    pub fn unit(&mut self) -> f32 {
        (self.bits() >> 8) as f32 * (1.0 / 16_777_216.0)
    }

    /// Uniform in [`low`, `high`).
    pub fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Uniform integer in 0..=`max`, by multiplication (bias below 2^-32 x `max`).
    pub fn up_to(&mut self, max: u32) -> u32 {
        ((u64::from(self.bits()) * (u64::from(max) + 1)) >> 32) as u32
    }

    /// Standard normal, by the sum of twelve uniforms: exact arithmetic, so the same on every machine.
    pub fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.unit()).sum::<f32>() - 6.0
    }
}

fn halves(value: u64) -> [u32; 2] {
    [value as u32, (value >> 32) as u32]
}

fn philox(mut key: [u32; 2], mut counter: [u32; 4]) -> [u32; 4] {
    for _ in 0..10 {
        let [low_a, high_a] = halves(u64::from(counter[0]) * 0xD251_1F53);
        let [low_b, high_b] = halves(u64::from(counter[2]) * 0xCD9E_8D57);
        counter = [high_b ^ counter[1] ^ key[0], low_b, high_a ^ counter[3] ^ key[1], low_a];
        key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn philox_agrees_with_the_published_known_answers() {
        assert_eq!(philox([0; 2], [0; 4]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8], "zero key");
        assert_eq!(
            philox([u32::MAX; 2], [u32::MAX; 4]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd],
            "all-ones key"
        );
    }

    #[test]
    fn streams_are_independent_of_each_other_and_repeatable() {
        let draw = |index| {
            let mut stream = Stream::new(7, 0, Stage::Test, index);
            (0..5).map(|_| stream.bits()).collect::<Vec<_>>()
        };
        assert_eq!(draw(3), draw(3), "same key, same numbers");
        assert_ne!(draw(3), draw(4), "other index, other numbers");
    }

    #[test]
    fn uniform_and_normal_numbers_have_the_right_moments() {
        let mut stream = Stream::new(1, 0, Stage::Test, 0);
        let n = 20_000;
        let (mut mean, mut square) = (0.0, 0.0);
        for _ in 0..n {
            let value = f64::from(stream.normal());
            mean += value / f64::from(n);
            square += value * value / f64::from(n);
        }
        assert!(mean.abs() < 0.03 && (square - 1.0).abs() < 0.05, "mean {mean}, variance {square}");
        assert!((0..1000).all(|_| stream.up_to(5) <= 5), "bounds hold");
    }
}
