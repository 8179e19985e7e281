//! Linocut edits pictures with a sentence: it turns a picture into vector shapes and optimises the shapes until
//! a vision-language model agrees with the text (CLIPVG, AAAI 2023).

pub mod ctx;
pub mod rng;

pub mod image;
pub mod scene;

pub mod cache;
pub mod encoder;
pub mod job;
pub mod models;
pub mod nodes;
pub mod optimize;
pub mod raster;
pub mod text;
pub mod vectorize;
