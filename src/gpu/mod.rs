//! Graphics cards: which there are, which one is used, and what happens when it fails.
//!
//! Input: what the user asked for. Output: [`Gpu`], one a process and card, made when it is first needed and never while a
//! host loads or describes the plug-in. Invariants: discrete cards come before integrated ones, and those before software;
//! every call to the driver stands inside error scopes, so that a fault is an error and no panic; a lost card is opened anew
//! at the next [`Wanted::open`]. Determinism: none of its own. Cost: some hundred milliseconds for the first card of a process.

mod adapters;
mod buffers;
mod device;
mod stage;

pub use adapters::{AdapterNote, Backend, Kind, Wanted, list};
pub use buffers::{Read, bytes_of, table_of};
pub use device::{Gpu, Shader};
#[cfg(test)]
pub(crate) use stage::assert_sound;
pub(crate) use stage::stage;
pub use stage::{Bound, GROUP, Stage, constants, dispatch};

use crate::fault::Fault;

/// Why the card did not do the work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GpuError {
    /// The machine has no card with a driver.
    #[error(
        "no graphics card with a Vulkan, Metal or DX12 driver was found; draw on the cpu, or install a driver \
         (mesa-vulkan-drivers draws in software)"
    )]
    NoAdapter,
    /// None has the name or index asked for.
    #[error(
        "no graphics card matches '{wanted}'; there are: {found}. Set LINOCUT_GPU or --gpu to an index, a part of a name or off"
    )]
    NotFound {
        /// What was asked for.
        wanted: String,
        /// The cards there are.
        found: String,
    },
    /// The card was switched off by the user.
    #[error("graphics cards are switched off (LINOCUT_GPU=off or --gpu off); choose the backend cpu or auto")]
    Off,
    /// The driver does not give a device.
    #[error(
        "the graphics card {adapter} cannot be opened ({reason}); choose the backend cpu or another card (LINOCUT_GPU)"
    )]
    Refused {
        /// Name of the card.
        adapter: String,
        /// The driver's words.
        reason: String,
    },
    /// The device is gone: reset, removed, or taken by the system.
    #[error("the graphics card {adapter} was lost ({reason}); run again, or choose the backend cpu")]
    Lost {
        /// Name of the card.
        adapter: String,
        /// The driver's words.
        reason: String,
    },
    /// No memory is left.
    #[error(
        "the graphics card {adapter} has no memory left for {bytes} bytes; close other programs or choose the backend cpu"
    )]
    OutOfMemory {
        /// Name of the card.
        adapter: String,
        /// Size of the largest buffer that was asked for.
        bytes: u64,
    },
    /// The work does not fit the card's limits, however it is cut.
    #[error(
        "the graphics card {adapter} takes {limit} bytes in one piece, but {what} needs {bytes}; choose the backend cpu"
    )]
    TooLarge {
        /// Name of the card.
        adapter: String,
        /// What does not fit.
        what: &'static str,
        /// Bytes needed.
        bytes: u64,
        /// Bytes that fit.
        limit: u64,
    },
    /// The driver refuses a call: a defect of the driver or of this program.
    #[error("the driver of {adapter} failed: {reason}; choose the backend cpu and please report it")]
    Driver {
        /// Name of the card.
        adapter: String,
        /// The driver's words.
        reason: String,
    },
}

impl GpuError {
    /// What kind of fault it is: one of the card, whatever it was.
    pub fn fault(&self) -> Fault {
        Fault::Device { retry: matches!(self, Self::Lost { .. } | Self::OutOfMemory { .. }) }
    }
}
