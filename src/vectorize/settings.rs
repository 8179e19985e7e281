//! What a user may choose, in user units, and its one conversion to the units of the algorithms.
//!
//! Input: presets or single values. Output: `Tuning` for the stages below. Invariants: [`Settings::check`] accepts
//! every preset; after it no stage meets a number that it cannot use. Cost: none.

use serde::{Deserialize, Serialize};

use super::VectorizeError;

/// An extra, finer round inside a rectangle, such as a face.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegionRound {
    /// Left, top, width, height in canvas pixels; must lie inside the picture.
    pub rect_px: [u32; 4],
    /// Number of palette colours of the round, 1 to 256.
    pub colors: u32,
}

/// Everything that shapes a vectorization, in user units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Number of palette colours of each round, coarse to fine, each 1 to 256.
    pub rounds: Vec<u32>,
    /// An optional last round inside a rectangle.
    pub region: Option<RegionRound>,
    /// Hard limit on the number of paths, over all rounds and the ground.
    pub max_paths: usize,
    /// Components smaller than this join their closest neighbour; square pixels, at least 1.
    pub min_area_px: u32,
    /// Reach of the edge-preserving prefilter in pixels, 0 (off) to 4.
    pub prefilter_radius_px: u32,
    /// Colour step (distance in `OKLab`) that the prefilter keeps as an edge, above 0 up to 1.
    pub prefilter_contrast: f32,
    /// Turns sharper than this stay corners; degrees, 0 to 180.
    pub corner_threshold_deg: f32,
    /// How far a fitted curve may lie from the traced outline; pixels, 0.05 to 5.
    pub tolerance_px: f32,
    /// How far a shape reaches under the shapes that lie on it, so that small moves open no cracks; pixels, 0 to 8.
    pub overlap_px: u32,
}

impl Settings {
    /// Photographs: rounds of 10 and 30 colours (CLIPVG, section "multi-round vectorization").
    pub fn photo() -> Self {
        Self {
            rounds: vec![10, 30],
            region: None,
            max_paths: 2500,
            min_area_px: 6,
            prefilter_radius_px: 1,
            prefilter_contrast: 0.08,
            corner_threshold_deg: 60.0,
            tolerance_px: 0.5,
            overlap_px: 3,
        }
    }

    /// Few large flat areas, as in a screen print.
    pub fn poster() -> Self {
        Self {
            rounds: vec![6, 12],
            max_paths: 600,
            min_area_px: 40,
            prefilter_radius_px: 3,
            prefilter_contrast: 0.16,
            tolerance_px: 1.0,
            ..Self::photo()
        }
    }

    /// Ink on paper: two tones, then four for the thin strokes.
    pub fn lineart() -> Self {
        Self { rounds: vec![2, 4], max_paths: 2000, min_area_px: 4, prefilter_radius_px: 0, ..Self::photo() }
    }

    /// Flat colours with sharp corners.
    pub fn logo() -> Self {
        Self {
            rounds: vec![8, 16],
            max_paths: 1000,
            min_area_px: 8,
            prefilter_radius_px: 1,
            prefilter_contrast: 0.04,
            corner_threshold_deg: 45.0,
            ..Self::photo()
        }
    }

    /// Checks every value against its range.
    ///
    /// # Errors
    /// [`VectorizeError::Setting`] with the first value out of range.
    pub fn check(&self) -> Result<(), VectorizeError> {
        let colors = self.rounds.iter().chain(self.region.iter().map(|region| &region.colors));
        for &value in colors {
            in_range("colours of a round", f64::from(value), 1.0, 256.0)?;
        }
        let rounds = self.rounds.len() + usize::from(self.region.is_some());
        in_range("number of rounds", self.rounds.len() as f64, 1.0, 8.0)?;
        in_range("max_paths", self.max_paths as f64, rounds as f64 + 1.0, f64::from(u32::MAX))?;
        in_range("min_area_px", f64::from(self.min_area_px), 1.0, f64::from(1u32 << 20))?;
        in_range("prefilter_radius_px", f64::from(self.prefilter_radius_px), 0.0, 4.0)?;
        in_range("prefilter_contrast", f64::from(self.prefilter_contrast), 1e-4, 1.0)?;
        in_range("corner_threshold_deg", f64::from(self.corner_threshold_deg), 0.0, 180.0)?;
        in_range("tolerance_px", f64::from(self.tolerance_px), 0.05, 5.0)?;
        in_range("overlap_px", f64::from(self.overlap_px), 0.0, 8.0)
    }

    /// The same choices in the units of the algorithms: the one place where units change.
    pub(super) fn tuning(&self) -> Tuning {
        Tuning {
            min_area: self.min_area_px,
            prefilter_radius: self.prefilter_radius_px as usize,
            prefilter_limit_squared: self.prefilter_contrast * self.prefilter_contrast,
            corner_cosine: f64::from(self.corner_threshold_deg).to_radians().cos(),
            tolerance: f64::from(self.tolerance_px),
            overlap: self.overlap_px,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::photo()
    }
}

/// Named starting points for [`Settings`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Preset {
    /// [`Settings::photo`].
    #[default]
    Photo,
    /// [`Settings::poster`].
    Poster,
    /// [`Settings::lineart`].
    Lineart,
    /// [`Settings::logo`].
    Logo,
}

impl Preset {
    /// Every preset, in the order of the user interface.
    pub const ALL: [Self; 4] = [Self::Photo, Self::Poster, Self::Lineart, Self::Logo];

    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Photo => "photo",
            Self::Poster => "poster",
            Self::Lineart => "lineart",
            Self::Logo => "logo",
        }
    }

    /// The preset of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// Its settings.
    pub fn settings(self) -> Settings {
        match self {
            Self::Photo => Settings::photo(),
            Self::Poster => Settings::poster(),
            Self::Lineart => Settings::lineart(),
            Self::Logo => Settings::logo(),
        }
    }
}

/// [`Settings`] in the units of the algorithms.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tuning {
    /// Smallest component in pixels.
    pub(super) min_area: u32,
    /// Prefilter window half side; 0 is off.
    pub(super) prefilter_radius: usize,
    /// Squared `OKLab` distance at which the prefilter's weight reaches zero.
    pub(super) prefilter_limit_squared: f32,
    /// A turn whose cosine is below this is a corner.
    pub(super) corner_cosine: f64,
    /// Largest distance of a curve from its outline, in pixels.
    pub(super) tolerance: f64,
    /// Steps that a shape grows under the shapes on it.
    pub(super) overlap: u32,
}

fn in_range(name: &'static str, value: f64, low: f64, high: f64) -> Result<(), VectorizeError> {
    if (low..=high).contains(&value) { Ok(()) } else { Err(VectorizeError::Setting { name, value, low, high }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_pass_their_own_check_and_are_found_by_name() {
        for preset in Preset::ALL {
            preset.settings().check().unwrap();
            assert_eq!(Preset::from_name(preset.name()), Some(preset), "{}", preset.name());
        }
        assert_eq!(Preset::from_name("sepia"), None, "unknown name");
    }

    #[test]
    fn values_out_of_range_are_named_with_their_limits() {
        let bad = |change: fn(&mut Settings)| {
            let mut settings = Settings::photo();
            change(&mut settings);
            settings.check().unwrap_err().to_string()
        };
        let message = bad(|settings| settings.rounds = vec![10, 0]);
        assert!(message.contains("colours of a round") && message.contains('0'), "{message}");
        assert!(bad(|settings| settings.rounds.clear()).contains("number of rounds"), "no rounds");
        assert!(bad(|settings| settings.max_paths = 2).contains("max_paths"), "fewer paths than rounds");
        assert!(bad(|settings| settings.tolerance_px = f32::NAN).contains("tolerance_px"), "NaN");
    }
}
