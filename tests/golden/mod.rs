//! golden

mod svg;
