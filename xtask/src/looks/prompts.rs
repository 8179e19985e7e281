//! Looks that can be checked by their colours: prompts, other words for them, and what a picture of each look is like.
//!
//! Input: a [`Change`]. Output: a [`Verdict`]. Invariant: prompts and thresholds were chosen before the engine was measured
//! with them and stay as they are when a cell fails.

use super::measure::{CHROMATIC, Change, hue_share};

/// The photographs: a face, still life, an animal, two landscapes with sky, one thing on dark ground.
pub(crate) const PHOTOGRAPHS: [&str; 6] = ["astronaut", "coffee", "chelsea", "rocket", "temple", "flower"];

/// What a check found.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// Whether the picture looks as it should.
    pub(crate) ok: bool,
    /// What that was read from.
    pub(crate) figures: Vec<(&'static str, f64)>,
}

/// What could be too much of a look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Excess {
    /// Nothing that is checked.
    Unchecked,
    /// So dark that nothing is left.
    Darkness,
    /// So white that nothing is left.
    Whiteness,
    /// So much of one colour that nothing is left.
    Flatness,
}

/// A look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// What is asked for.
    pub(crate) prompt: &'static str,
    /// The same in other words.
    pub(crate) wording: Option<&'static str>,
    /// Whether a picture has the look.
    pub(crate) check: fn(&Change) -> Verdict,
    /// What could be too much of it.
    pub(crate) excess: Excess,
}

const fn look(prompt: &'static str, wording: &'static str, check: fn(&Change) -> Verdict, excess: Excess) -> Look {
    Look { prompt, wording: Some(wording), check, excess }
}

/// Every look.
pub(crate) const LOOKS: [Look; 12] = [
    look("black and white", "monochrome", grey, Excess::Unchecked),
    look("sepia", "an old brown photograph", sepia, Excess::Unchecked),
    look("at night", "a photo taken at midnight", night, Excess::Darkness),
    look("at sunset", "in the light of the setting sun", sunset, Excess::Unchecked),
    look("in fog", "a misty morning", fog, Excess::Whiteness),
    look("in the snow", "a snowy winter day", snow, Excess::Unchecked),
    look("a red picture", "everything in red", |change| tint(change, RED), Excess::Flatness),
    look("everything blue", "a picture in shades of blue", |change| tint(change, BLUE), Excess::Flatness),
    look("pink", "a pink tint", |change| tint(change, 355.0), Excess::Flatness),
    look("green", "tinted green", |change| tint(change, GREEN), Excess::Flatness),
    look("made of gold", "golden light", |change| tint(change, 85.0), Excess::Flatness),
    Look { prompt: "a blue picture", wording: None, check: |change| tint(change, BLUE), excess: Excess::Flatness },
];

/// Hues in OKLab, degrees.
pub(crate) const RED: f64 = 29.0;
/// The hue of sRGB's green.
pub(crate) const GREEN: f64 = 142.0;
/// The hue of sRGB's blue, a little toward the sky.
pub(crate) const BLUE: f64 = 262.0;
/// How far from a hue its name reaches, degrees.
pub(crate) const HUE_REACH: f64 = 35.0;

fn grey(change: &Change) -> Verdict {
    Verdict { ok: change.chroma <= 0.15, figures: vec![("chroma", change.chroma)] }
}

fn sepia(change: &Change) -> Verdict {
    // Sepia is weak: less chroma than elsewhere counts.
    let hue = hue_share(&change.result, 70.0, 15.0, 0.01);
    Verdict { ok: hue >= 0.85, figures: vec![("hue", hue)] }
}

fn night(change: &Change) -> Verdict {
    let [.., yellow] = change.shift;
    Verdict { ok: change.luma <= 0.5 && yellow < 0.0, figures: vec![("luma", change.luma), ("yellow", yellow)] }
}

fn sunset(change: &Change) -> Verdict {
    let [_, red, yellow] = change.shift;
    Verdict { ok: red > 0.01 && yellow > 0.01, figures: vec![("red", red), ("yellow", yellow)] }
}

fn fog(change: &Change) -> Verdict {
    Verdict { ok: change.contrast <= 0.6, figures: vec![("contrast", change.contrast)] }
}

fn snow(change: &Change) -> Verdict {
    let [light, ..] = change.shift;
    Verdict { ok: light > 0.03 && change.chroma < 0.8, figures: vec![("light", light), ("chroma", change.chroma)] }
}

fn tint(change: &Change, hue: f64) -> Verdict {
    let share = hue_share(&change.result, hue, HUE_REACH, CHROMATIC);
    Verdict { ok: share >= 0.75, figures: vec![("hue", share)] }
}

impl Excess {
    /// Whether a look that succeeded has left enough of the picture; none where nothing is checked.
    pub(crate) fn verdict(self, change: &Change) -> Option<Verdict> {
        match self {
            Self::Unchecked => None,
            Self::Darkness => {
                Some(Verdict { ok: (0.25..=0.5).contains(&change.luma), figures: vec![("luma", change.luma)] })
            }
            Self::Whiteness => {
                let (kept, light) = (change.local_contrast(), change.lightness());
                Some(Verdict { ok: kept >= 0.25 && light < 0.95, figures: vec![("kept", kept), ("light", light)] })
            }
            Self::Flatness => {
                let kept = change.local_contrast();
                Some(Verdict { ok: kept >= 0.6, figures: vec![("kept", kept)] })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::picture::{Picture, luma};
    use super::*;

    /// A gradient of hues, light enough to carry them.
    fn colourful() -> Picture {
        let rgb = (0..32 * 32).map(|index| {
            let (x, y) = (f64::from(index % 32) / 31.0, f64::from(index / 32) / 31.0);
            [0.2 + 0.6 * x, 0.2 + 0.6 * y, 0.8 - 0.6 * x]
        });
        Picture { width: 32, height: 32, rgb: rgb.collect() }
    }

    fn changed(to: impl Fn([f64; 3]) -> [f64; 3]) -> Change {
        let before = colourful();
        let after = Picture { rgb: before.rgb.iter().map(|rgb| to(*rgb)).collect(), ..before.clone() };
        Change::new(&before, &after)
    }

    #[test]
    fn a_picture_that_stays_has_none_of_the_looks() {
        let same = changed(|rgb| rgb);
        for look in LOOKS {
            assert!(!(look.check)(&same).ok, "{}", look.prompt);
        }
    }

    #[test]
    fn a_picture_without_colour_is_black_and_white() {
        assert!(grey(&changed(|rgb| [luma(rgb); 3])).ok);
    }

    #[test]
    fn known_grades_have_their_looks() {
        assert!(night(&changed(|[r, g, b]| [0.3 * r, 0.3 * g, 0.45 * b])).ok);
        assert!(sunset(&changed(|[r, g, b]| [(1.2 * r).min(1.0), 0.9 * g, 0.5 * b])).ok);
        assert!(fog(&changed(|rgb| rgb.map(|level| 0.6 + 0.3 * level))).ok);
        assert!(snow(&changed(|rgb| rgb.map(|level| 0.4 + 0.5 * level))).ok);
        assert!(tint(&changed(|rgb| [0.2 + 0.8 * luma(rgb), 0.3 * luma(rgb), 0.2 * luma(rgb)]), RED).ok);
    }

    #[test]
    fn black_is_too_much_night_and_one_colour_too_much_tint() {
        let ok = |excess: Excess, change: &Change| excess.verdict(change).map(|verdict| verdict.ok);
        assert_eq!(ok(Excess::Darkness, &changed(|_| [0.0; 3])), Some(false));
        assert_eq!(ok(Excess::Darkness, &changed(|rgb| rgb.map(|level| 0.4 * level))), Some(true));
        assert_eq!(ok(Excess::Flatness, &changed(|_| [0.8, 0.1, 0.1])), Some(false));
        assert_eq!(ok(Excess::Whiteness, &changed(|_| [1.0; 3])), Some(false));
        assert_eq!(ok(Excess::Unchecked, &changed(|rgb| rgb)), None);
    }
}
