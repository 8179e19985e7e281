//! Search without gradients, before the first step: the encoder knows which look and which outline it wants, but its gradients
//! end in other places.
//!
//! Input: a small picture or scene, glances of the encoder. Output: a look for each layer, and a bend of the plane. Invariants:
//! starts are low-discrepancy sequences that know nothing of prompts. Determinism: Halton numbers and counter-based streams,
//! candidates in order. Cost: a forward pass of the encoder over a few crops for each candidate.

pub(super) mod evolve;
pub(super) mod form;
pub(super) mod glance;
pub(super) mod look;
pub(super) mod outline;

use serde::{Deserialize, Serialize};

/// How long a search lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effort {
    /// Candidates of the first round, besides leaving everything as it is; they are sifted by glances of [`SIFTED_CROPS`].
    pub first: u32,
    /// Rounds of children of the best.
    pub rounds: u32,
    /// Candidates of each of those rounds.
    pub children: u32,
    /// Crops of a glance.
    pub crops: u32,
}

/// Crops of a glance that sifts: the whole region.
pub(super) const SIFTED_CROPS: u32 = 1;
/// Candidates that stay after sifting.
const SIFTED: usize = 8;

impl Effort {
    /// Glances of a whole search, without those that simplify its result.
    pub fn glances(self) -> u32 {
        1 + self.first + SIFTED as u32 + self.rounds * self.children
    }
}
