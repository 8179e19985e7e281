//! The blocks of a tower from the tensors of the Hugging Face format.
//!
//! Input: where tensors come from, the sizes of a tower. Output: blocks. Invariants and cost: as [`crate::nn::weights`].

use candle_core::Tensor;

use super::block::Block;
use super::config::TowerConfig;
use crate::nn::NnError;
use crate::nn::linear::Linear;
use crate::nn::weights::{Source, linear, norm};

/// The blocks of a tower: tensors `<tower>.encoder.layers.<n>.*`.
pub(super) fn blocks(source: &dyn Source, tower: &str, config: &TowerConfig) -> Result<Vec<Block>, NnError> {
    (0..config.layers).map(|n| block(source, &format!("{tower}.encoder.layers.{n}"), config)).collect()
}

fn block(source: &dyn Source, name: &str, config: &TowerConfig) -> Result<Block, NnError> {
    let TowerConfig { width, hidden, heads, activation, eps, .. } = *config;
    let attention = |part: &str| linear(source, &format!("{name}.self_attn.{part}"), width, width);
    let (key, value) = (attention("k_proj")?, attention("v_proj")?);
    Ok(Block {
        norm1: norm(source, &format!("{name}.layer_norm1"), width, eps)?,
        query: attention("q_proj")?,
        key_value: Linear {
            weight: Tensor::cat(&[&key.weight, &value.weight], 1)?.contiguous()?,
            bias: [key.bias, value.bias].concat(),
        },
        out: attention("out_proj")?,
        norm2: norm(source, &format!("{name}.layer_norm2"), width, eps)?,
        up: linear(source, &format!("{name}.mlp.fc1"), hidden, width)?,
        down: linear(source, &format!("{name}.mlp.fc2"), width, hidden)?,
        heads,
        activation,
    })
}
