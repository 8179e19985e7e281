//! Hostile and broken input: what the user sees, and that nothing is left half-written.

mod cache;
mod cli;
mod diffusion;
mod diffusion_fetch;
mod encoder;
mod font;
mod full_disk;
mod models;
mod models_fetch;
mod models_hub;
mod svg;
