//! Properties that hold for any input.

mod cache;
mod encoder;
mod raster;
mod vectorize;
mod vectorize_figures;
pub(crate) mod vectorize_support;
