//! Why an action made nothing: one enum for renders and buttons.
//!
//! Input: what failed. Output: words for an artist, and the kind of fault. Invariants: the value at fault and what to do stand in every
//! text. Cost: none.

use super::clips::ClipError;
use crate::cache::CacheError;
use crate::ctx::{Cancelled, ThreadError};
use crate::fault::Fault;
use crate::image::file::FileError;
use crate::nodes::param::ParamError;
use crate::schedule::ScheduleError;
use crate::session::SessionError;
use crate::text::TextError;

/// Why nothing was made.
#[derive(Debug, thiserror::Error)]
pub(super) enum TaskError {
    /// There is nothing to work on.
    #[error("connect a picture to the Source input")]
    NoSource,
    /// There is neither a picture nor a word.
    #[error("type a word under Text and choose a font, or connect a picture to the Source input")]
    NoWord,
    /// The font cannot be read.
    #[error("cannot read the font '{path}' ({reason}); choose a TrueType or OpenType file under Font")]
    Font {
        /// The file.
        path: String,
        /// The system's answer.
        reason: String,
    },
    /// The word cannot be drawn.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The host gives nowhere to write to.
    #[error("the host gives no Output picture; this is a fault of the host")]
    NoOutput,
    /// A picture cannot be understood.
    #[error(transparent)]
    Clip(#[from] ClipError),
    /// A reference file holds no picture.
    #[error(transparent)]
    Reference(#[from] FileError),
    /// A parameter does not parse.
    #[error(transparent)]
    Param(#[from] ParamError),
    /// The prompt schedule does not parse.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// No threads.
    #[error(transparent)]
    Threads(#[from] ThreadError),
    /// The work failed.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// One frame of several failed.
    #[error("frame {frame}: {error}; the frames before it are done")]
    Frame {
        /// The frame.
        frame: f64,
        /// What happened.
        error: Box<Self>,
    },
    /// A range without frames.
    #[error("the range runs from frame {first} to frame {last}; set Last frame to {first} or later")]
    Range {
        /// First frame.
        first: i64,
        /// Last frame.
        last: i64,
    },
    /// The SVG cannot be written.
    #[error("cannot write {path} ({reason}); give another file under SVG File")]
    Write {
        /// The file.
        path: String,
        /// The system's answer.
        reason: String,
    },
    /// There is no look to write.
    #[error("this edit changes no colours by a look: use mode full or color, and another quality than paper")]
    NoGrade,
    /// The cache cannot be emptied.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// There is nothing to export as shapes.
    #[error("this node makes no shapes; there is nothing to export")]
    NoShapes,
    /// There is no region to copy to.
    #[error("all {most} regions are in use; switch one off and empty its prompt")]
    NoRegion {
        /// Regions that a node has.
        most: usize,
    },
    /// The host called in again while it was being called.
    #[error("Linocut is at work already; wait until it is done, or stop it in the progress bar")]
    Busy,
    /// The host asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl TaskError {
    /// What kind of fault it is.
    pub(super) fn fault(&self) -> Fault {
        match self {
            Self::NoSource
            | Self::NoWord
            | Self::Range { .. }
            | Self::NoGrade
            | Self::NoShapes
            | Self::NoRegion { .. }
            | Self::Busy => Fault::Usage,
            Self::Font { .. } | Self::NoOutput | Self::Clip(_) | Self::Write { .. } => Fault::Work,
            Self::Text(error) => error.fault(),
            Self::Reference(error) => error.fault(),
            Self::Param(error) => error.fault(),
            Self::Schedule(error) => error.fault(),
            Self::Threads(error) => error.fault(),
            Self::Session(error) => error.fault(),
            Self::Frame { error, .. } => error.fault(),
            Self::Cache(error) => error.fault(),
            Self::Cancelled(error) => error.fault(),
        }
    }
}
