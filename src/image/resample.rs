//! Change of size.
