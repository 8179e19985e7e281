//! attacks

mod encoder;
