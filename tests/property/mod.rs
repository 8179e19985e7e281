//! property
mod raster;
