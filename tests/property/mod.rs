//! property

mod encoder;
