//! property

mod svg_round_trip;
