//! Which places the image tower can run at, and the towers that were moved there.
//!
//! Input: an [`EncoderPlace`]. Output: the tower at that place. Invariants: weights are moved once an encoder and place
//! and stay there as long as the encoder; a place that cannot be served is an error and never another place.
//! Determinism: none of its own. Cost: one copy of the weights at the first use.

use std::sync::Arc;

use candle_core::Device;
use parking_lot::Mutex;

use super::EncoderError;
use super::on_device::DeviceTower;
use super::vision::Vision;
use crate::ctx::EncoderPlace;
use crate::nn::NnError;

/// The towers of one encoder away from the processor; a handful at most.
#[derive(Debug, Default)]
pub(super) struct Towers(Mutex<Vec<(EncoderPlace, Arc<DeviceTower>)>>);

impl Towers {
    /// The tower at `place`, moved there when it is the first time; `None` for the processor, where `vision` itself
    /// works. The lock is held while weights move, so that a second thread waits instead of moving them again.
    pub(super) fn tower(&self, place: EncoderPlace, vision: &Vision) -> Result<Option<Arc<DeviceTower>>, EncoderError> {
        let EncoderPlace::Cuda { precision, .. } = place else { return Ok(None) };
        let mut towers = self.0.lock();
        if let Some((_, tower)) = towers.iter().find(|(known, _)| *known == place) {
            return Ok(Some(Arc::clone(tower)));
        }
        let Some(device) = open(place)? else { return Ok(None) };
        let tower = Arc::new(vision.to_device(&device, precision).map_err(|error| failure_on(place, error))?);
        towers.push((place, Arc::clone(&tower)));
        Ok(Some(tower))
    }

    /// Puts a tower in the place of a card that the machine of a test does not have.
    #[cfg(test)]
    pub(super) fn adopt(&self, place: EncoderPlace, tower: DeviceTower) {
        self.0.lock().push((place, Arc::new(tower)));
    }
}

/// Whether this build and this machine can serve `place`; a program asks once, before any work is lost.
///
/// # Errors
/// [`EncoderError::NotBuilt`], [`EncoderError::NoDevice`].
pub fn check_place(place: EncoderPlace) -> Result<(), EncoderError> {
    open(place).map(|_| ())
}

/// The tensor library's device for a place; `None` for the processor.
fn open(place: EncoderPlace) -> Result<Option<Device>, EncoderError> {
    match place {
        EncoderPlace::Cpu => Ok(None),
        EncoderPlace::Cuda { index, .. } => cuda(place, index).map(Some),
    }
}

#[cfg(feature = "cuda")]
fn cuda(wanted: EncoderPlace, index: usize) -> Result<Device, EncoderError> {
    Device::new_cuda(index).map_err(|error| EncoderError::NoDevice { wanted, reason: error.to_string() })
}

#[cfg(not(feature = "cuda"))]
fn cuda(wanted: EncoderPlace, _index: usize) -> Result<Device, EncoderError> {
    Err(EncoderError::NotBuilt { wanted })
}

/// An error of the tensor library with the place it came from and what to do about it.
pub(super) fn failure_on(place: EncoderPlace, error: EncoderError) -> EncoderError {
    match error {
        EncoderError::Nn(NnError::Compute(error)) => EncoderError::DeviceFailed { place, reason: error.to_string() },
        other => other,
    }
}
