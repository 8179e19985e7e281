//! Properties that hold for any input.

mod cache;
mod encoder;
mod vectorize;
pub(crate) mod vectorize_support;
