//! The one integration binary: what breaks for a user, grouped by kind.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a panic in a test is its failure report")]
#![allow(clippy::print_stdout, reason = "figures are shown with --nocapture")]

mod attacks;
mod figures;
mod golden;
mod gpu;
mod host;
mod house;
mod layers;
mod manual;
mod property;
mod regression;
mod util;
