//! Properties that hold for any input.

mod cache;
mod vectorize;
pub(crate) mod vectorize_support;
