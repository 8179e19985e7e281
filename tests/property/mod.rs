//! Properties that hold for any input.

mod artifact;
mod encoder;
mod hit;
mod plan;
mod raster;
mod svg_round_trip;
mod text;
pub(crate) mod text_font;
mod vectorize;
mod vectorize_figures;
pub(crate) mod vectorize_support;
