//! golden

pub(crate) mod encoder;
