//! The one integration binary: what breaks for a user, grouped by kind.

mod attacks;
mod golden;
mod property;
mod regression;
mod util;
