//! What holds for every input.

mod vectorize;
pub(crate) mod vectorize_support;
