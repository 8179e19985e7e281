//! attacks

mod font;
mod svg;
