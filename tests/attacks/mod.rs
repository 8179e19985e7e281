//! Hostile and broken input.

mod cli;
