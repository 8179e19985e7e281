//! Known results.

mod vectorize;
