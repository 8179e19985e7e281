//! Hostile and broken input: what the user sees, and that nothing is left half-written.

mod cache;
#[cfg(unix)]
mod full_disk;
mod models;
mod models_fetch;
mod models_hub;
