//! Linocut edits pictures with a sentence: it turns a picture into vector shapes and optimises the shapes until
//! a vision-language model agrees with the text (CLIPVG, AAAI 2023).

pub mod ctx;
pub mod image;
pub mod rng;
pub mod scene;
