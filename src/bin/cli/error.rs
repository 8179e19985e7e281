//! Errors of the command line and their exit codes.

use linocut::ctx::{Cancelled, ThreadError};
use linocut::diffuse::DiffuseError;
use linocut::encoder::EncoderError;
use linocut::fault::Fault;
use linocut::gpu::GpuError;
use linocut::image::file::FileError;
use linocut::models::{LoadError, ModelError};
use linocut::nodes::param::ParamError;
use linocut::raster::RasterError;
use linocut::scene::svg_in::SvgError;
use linocut::schedule::ScheduleError;
use linocut::session::SessionError;
use linocut::text::TextError;
use std::path::PathBuf;

/// Everything that can end a command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Param(#[from] ParamError),
    #[error("{path}: {reason}")]
    Read { path: PathBuf, reason: String },
    #[error("{path}: cannot be written ({reason}); nothing was left there")]
    Write { path: PathBuf, reason: String },
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{path}: {error}")]
    Svg { path: PathBuf, error: SvgError },
    #[error(transparent)]
    Text(#[from] TextError),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    #[error(transparent)]
    Raster(#[from] RasterError),
    #[error(transparent)]
    Encoder(#[from] EncoderError),
    #[error(transparent)]
    Diffuse(#[from] DiffuseError),
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Gpu(#[from] GpuError),
    #[error(transparent)]
    Threads(#[from] ThreadError),
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl CliError {
    /// What kind of fault ended the command.
    pub(crate) fn fault(&self) -> Fault {
        match self {
            Self::Usage(_) => Fault::Usage,
            Self::Read { .. } | Self::Write { .. } => Fault::Work,
            Self::Param(error) => error.fault(),
            Self::File(error) => error.fault(),
            Self::Svg { error, .. } => error.fault(),
            Self::Text(error) => error.fault(),
            Self::Session(error) => error.fault(),
            Self::Schedule(error) => error.fault(),
            Self::Raster(error) => error.fault(),
            Self::Encoder(error) => error.fault(),
            Self::Diffuse(error) => error.fault(),
            Self::Model(error) => error.fault(),
            Self::Load(error) => error.fault(),
            Self::Gpu(error) => error.fault(),
            Self::Threads(error) => error.fault(),
            Self::Cancelled(error) => error.fault(),
        }
    }

    /// What the shell is told.
    pub(crate) fn exit_code(&self) -> u8 {
        match self.fault() {
            Fault::Work => 1,
            Fault::Usage => 2,
            Fault::Model => 3,
            Fault::Device { .. } => 4,
            Fault::Cancelled => 5,
        }
    }
}
