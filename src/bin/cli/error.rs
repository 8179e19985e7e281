//! Errors of the command line and their exit codes.

use linocut::ctx::{Cancelled, ThreadError};
use linocut::encoder::EncoderError;
use linocut::gpu::GpuError;
use linocut::job::ScoreError;
use linocut::models::{LoadError, ModelError};
use linocut::nodes::param::ParamError;
use linocut::optimize::OptimizeError;
use linocut::pipeline::PipelineError;
use linocut::raster::RasterError;
use linocut::scene::svg_in::SvgError;
use linocut::text::TextError;
use linocut::vectorize::VectorizeError;
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
    #[error("{path}: {error}")]
    Picture { path: PathBuf, error: linocut::image::ImageError },
    #[error("{path}: {error}")]
    Svg { path: PathBuf, error: SvgError },
    #[error(transparent)]
    Text(#[from] TextError),
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    #[error(transparent)]
    Raster(#[from] RasterError),
    #[error(transparent)]
    Encoder(#[from] EncoderError),
    #[error(transparent)]
    Score(#[from] ScoreError),
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
    /// 0 done, 1 work failed, 2 usage, 3 model missing or hash wrong, 4 device lost or out of memory, 5 cancelled.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            _ if self.is_cancelled() => 5,
            Self::Usage(_) | Self::Param(_) => 2,
            Self::Model(_) | Self::Load(_) => 3,
            Self::Threads(_) => 4,
            _ if self.gpu().is_some() || self.encoder().is_some_and(EncoderError::is_of_device) => 4,
            _ => 1,
        }
    }

    /// What the graphics card failed with, if it was that.
    pub(crate) fn gpu(&self) -> Option<&GpuError> {
        match self {
            Self::Gpu(error)
            | Self::Raster(RasterError::Gpu(error))
            | Self::Score(ScoreError::Raster(RasterError::Gpu(error)))
            | Self::Pipeline(PipelineError::Raster(RasterError::Gpu(error))) => Some(error),
            Self::Pipeline(PipelineError::Optimize(error)) => error.gpu(),
            _ => None,
        }
    }

    /// What the encoder failed with, if it was that.
    fn encoder(&self) -> Option<&EncoderError> {
        match self {
            Self::Encoder(error)
            | Self::Score(ScoreError::Encoder(error))
            | Self::Pipeline(PipelineError::Optimize(OptimizeError::Encoder(error))) => Some(error),
            _ => None,
        }
    }

    fn is_cancelled(&self) -> bool {
        matches!(
            self,
            Self::Cancelled(_)
                | Self::Raster(RasterError::Cancelled(_))
                | Self::Encoder(EncoderError::Cancelled(_))
                | Self::Score(
                    ScoreError::Encoder(EncoderError::Cancelled(_)) | ScoreError::Raster(RasterError::Cancelled(_))
                )
                | Self::Model(ModelError::Cancelled(_))
                | Self::Load(LoadError::Model(ModelError::Cancelled(_)))
                | Self::Pipeline(
                    PipelineError::Vectorize(VectorizeError::Cancelled(_))
                        | PipelineError::Raster(RasterError::Cancelled(_))
                        | PipelineError::Optimize(
                            OptimizeError::Cancelled(_)
                                | OptimizeError::Raster(RasterError::Cancelled(_))
                                | OptimizeError::Encoder(EncoderError::Cancelled(_))
                        )
                )
        )
    }
}
