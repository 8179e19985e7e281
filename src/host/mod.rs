//! Hosts: programs that load Linocut as a plug-in.

pub mod ofx;
