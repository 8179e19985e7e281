//! Frozen affine maps on the processor, with the gradient of their input, and the sums that end a branch.
//!
//! Input: matrices of rows. Output: matrices. Invariants: weights never get gradients. Determinism: as [`super::product::product`].
//! Cost: 2 * inputs * outputs operations a row, as many for the gradient.

use super::NnError;
use super::matrix::edit;
use super::product::product;
use super::rows::{add_bias, rows_per_task};
use candle_core::Tensor;
use rayon::prelude::*;

/// A frozen affine map y = x W^T + b.
#[derive(Clone, Debug)]
pub(crate) struct Linear {
    /// W^T, `[inputs, outputs]`: the forward product reads it in storage order, which is the faster way round;
    /// for the backward product the order makes no difference.
    pub(crate) weight: Tensor,
    /// One value an output; empty where the map has none.
    pub(crate) bias: Vec<f32>,
}

impl Linear {
    /// x W^T; the bias is left to the caller's next fused step.
    pub(crate) fn product(&self, x: &Tensor) -> Result<Tensor, NnError> {
        product(x, &self.weight)
    }

    /// x W^T + b.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor, NnError> {
        let y = self.product(x)?;
        edit(&y, |y| add_bias(y, &self.bias))?;
        Ok(y)
    }

    /// Gradient with respect to x.
    pub(crate) fn backward(&self, g: &Tensor) -> Result<Tensor, NnError> {
        product(g, &self.weight.t()?)
    }
}

/// x + branch + bias, the end of each half of a block.
pub(crate) fn add_residual(x: &[f32], branch: &[f32], bias: &[f32]) -> Vec<f32> {
    let width = bias.len().max(1);
    let task = rows_per_task(width) * width;
    let mut out = vec![0.0; x.len()];
    out.par_chunks_mut(task).zip(x.par_chunks(task)).zip(branch.par_chunks(task)).for_each(|((out, x), branch)| {
        let rows = out.chunks_mut(width).zip(x.chunks(width)).zip(branch.chunks(width));
        for ((out, x), branch) in rows {
            for (((out, &x), &branch), &bias) in out.iter_mut().zip(x).zip(branch).zip(bias) {
                *out = x + branch + bias;
            }
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::differences::{check, noise};
    use crate::nn::matrix::{matrix, read};

    #[test]
    fn a_linear_map_has_the_gradient_of_finite_differences() {
        let (rows, inputs, outputs) = (3, 11, 7);
        let linear =
            Linear { weight: matrix(noise(inputs * outputs, 1), inputs, outputs).unwrap(), bias: noise(outputs, 2) };
        let (x, w) = (noise(rows * inputs, 3), noise(rows * outputs, 4));
        let values = |tensor: Tensor| read(&tensor, <[f32]>::to_vec).unwrap();
        let g = values(linear.backward(&matrix(w.clone(), rows, outputs).unwrap()).unwrap());
        check("linear", &x, &w, &g, |x| values(linear.forward(&matrix(x.to_vec(), rows, inputs).unwrap()).unwrap()));
    }

    #[test]
    fn residual_and_bias_are_plain_sums() {
        assert_eq!(add_residual(&[1.0, 2.0], &[10.0, 20.0], &[100.0, 200.0]), [111.0, 222.0]);
        let mut x = [1.0, 2.0, 3.0, 4.0];
        add_bias(&mut x, &[10.0, 20.0]);
        assert_eq!(x, [11.0, 22.0, 13.0, 24.0]);
    }
}
