//! What holds for every input.

mod vectorize;
mod vectorize_figures;
pub(crate) mod vectorize_support;
