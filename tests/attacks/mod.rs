//! attacks

mod svg;
