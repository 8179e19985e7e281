//! property

mod svg_round_trip;
mod text;
pub(crate) mod text_font;
