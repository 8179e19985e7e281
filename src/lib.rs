//! Linocut edits pictures with a sentence: it turns a picture into vector shapes and optimises the shapes until
//! a vision-language model agrees with the text (CLIPVG, AAAI 2023).
//!
//! The modules in the order of the data: base types, the stages that make, draw, judge and move shapes, what is to be made as
//! data ([`plan`]), the flow that makes it ([`pipeline`]), what users set ([`nodes`]) and the one road from that to a picture
//! ([`session`]).

pub mod ctx;
pub mod fault;
pub mod gpu;
pub mod grade;
pub mod rng;
pub mod whole_file;

pub mod image;
pub mod scene;
pub mod schedule;

pub mod cache;
pub mod diffuse;
pub mod encoder;
pub mod models;
pub mod raster;
pub mod text;
pub mod vectorize;

pub mod finish;
pub mod optimize;

pub mod plan;

pub mod pipeline;

pub mod nn;
pub mod nodes;

pub mod session;

pub mod host;

// Unit tests share scenes with the tests in `tests/`, which name the library from outside.
#[cfg(test)]
extern crate self as linocut;
