//! Layers of neural networks with frozen weights: forward, and the gradient of a function with respect to their input.
//!
//! Input: matrices in main memory, or tensors of any device of candle ([`on_device`]). Output: the same. Invariants: weights are
//! frozen and never get gradients; gradients are written out by hand and proved by finite differences, layer by layer.
//! Determinism: on the processor no sum is split among threads or cut by a cache ([`product`]). Cost: nearly all in
//! matrix products; what stands between them is fused.

pub(crate) mod activation;
pub(crate) mod adam;
pub(crate) mod attention;
pub(crate) mod block;
pub(crate) mod conv;
#[cfg(test)]
mod differences;
pub(crate) mod group_norm;
pub(crate) mod linear;
pub(crate) mod matrix;
pub(crate) mod norm;
pub(crate) mod on_device;
mod product;
mod rows;
mod softmax;
pub(crate) mod tiled;
pub(crate) mod timing;
pub(crate) mod weights;

use crate::fault::Fault;
pub use activation::Activation;
pub use block::TowerConfig;

/// What can go wrong with weights and between layers.
#[derive(Debug, thiserror::Error)]
pub enum NnError {
    /// The weight file's header is broken.
    #[error("the weights are not a valid safetensors file ({0}); fetch the model again")]
    Weights(String),
    /// A tensor is absent.
    #[error(
        "the weights lack the tensor {tensor} of shape {expected:?}; is this a model of the kind that was asked for?"
    )]
    MissingTensor {
        /// Its name.
        tensor: String,
        /// The shape that the configuration asks for.
        expected: Vec<usize>,
    },
    /// A tensor has another shape than the configuration says.
    #[error("the tensor {tensor} has shape {found:?}, but the configuration asks for {expected:?}")]
    TensorShape {
        /// Its name.
        tensor: String,
        /// The shape that the configuration asks for.
        expected: Vec<usize>,
        /// The shape in the file.
        found: Vec<usize>,
    },
    /// A tensor is stored in a number format that weights do not come in.
    #[error("the tensor {tensor} holds {found} numbers; F32, F16 and BF16 are supported")]
    TensorType {
        /// Its name.
        tensor: String,
        /// The format in the file.
        found: String,
    },
    /// A weight is NaN or infinite.
    #[error("value {index} of the tensor {tensor} is {value}; the weights are damaged, fetch the model again")]
    TensorValue {
        /// Its name.
        tensor: String,
        /// Position in the tensor.
        index: usize,
        /// The number.
        value: f32,
    },
    /// A tensor is not laid out as the code above it arranged: a defect of this program.
    #[error("internal layout error: {0}; please report it")]
    Layout(&'static str),
    /// The tensor library failed.
    #[error("the computation of a network failed: {0}")]
    Compute(#[from] candle_core::Error),
}

impl NnError {
    /// What kind of fault it is.
    pub fn fault(&self) -> Fault {
        Fault::Work
    }
}
