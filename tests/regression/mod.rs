//! What once went wrong, or would hurt most if it did: each test is named after what a user would see.

mod edit;
mod looks;
mod paint;
mod svg;
mod transfer;
