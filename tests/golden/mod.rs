//! Pictures and numbers that were looked at once and must stay.

pub(crate) mod encoder;
mod numbers;
mod svg;
mod vectorize;
