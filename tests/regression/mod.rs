//! regression

mod svg;
