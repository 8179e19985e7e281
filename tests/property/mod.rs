//! Properties that hold for any input.

mod cache;
