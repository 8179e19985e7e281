//! Prompts that nobody tuned on, each with a mild check of its colours.
//!
//! Input: `recolor` at its default settings. Output: a row a prompt and photograph and the share that passes, without a goal:
//! it shows how far the other groups can be trusted. Cost: 72 edits.
//!
//! What a prompt must do is the least on which people agree: a gloomy picture is darker, whatever else it is.

use super::cells::Cells;
use super::colours::check;
use super::measure::{CHROMATIC, Change, hue_share};
use super::prompts::{BLUE, HUE_REACH, Verdict};
use super::table::{Group, Summary};

/// A prompt and what must be so.
type Unseen = (&'static str, fn(&Change) -> Verdict);

const UNSEEN: [Unseen; 12] = [
    ("in spring", spring),
    ("in autumn", autumn),
    ("at dawn", dawn),
    ("at noon", noon),
    ("in the rain", rain),
    ("a stormy day", storm),
    ("a faded old photograph", faded),
    ("a cyanotype", cyanotype),
    ("kodachrome film", kodachrome),
    ("a gloomy mood", gloomy),
    ("a cheerful mood", cheerful),
    ("in moonlight", moonlight),
];
/// Leaves in autumn, degrees in OKLab.
const ORANGE: f64 = 60.0;
/// Fresh leaves.
const LEAF: f64 = 130.0;
/// Gain of a share that is seen.
const SEEN: f64 = 0.05;

/// Every prompt on every photograph.
pub(crate) fn unseen(cells: &Cells, group: &mut Group) -> Result<(), String> {
    for (prompt, verdict) in UNSEEN {
        check(cells, group, prompt, |change| Some(verdict(change)))?;
    }
    group.summaries.push(Summary::share("prompts nobody tuned on that do the least they should", None, group.share()));
    Ok(())
}

/// Not darker, and greener or more colourful.
fn spring(change: &Change) -> Verdict {
    let green = change.hue_gain(LEAF, HUE_REACH);
    let ok = change.luma >= 0.95 && (green >= SEEN || change.chroma >= 1.05);
    Verdict { ok, figures: vec![("luma", change.luma), ("green", green), ("chroma", change.chroma)] }
}

/// Hues move to orange, unless nearly all are there.
fn autumn(change: &Change) -> Verdict {
    let (gain, share) = (change.hue_gain(ORANGE, HUE_REACH), hue_share(&change.result, ORANGE, HUE_REACH, CHROMATIC));
    Verdict { ok: gain >= SEEN || share >= 0.75, figures: vec![("gain", gain), ("hue", share)] }
}

/// The low sun's red, in the sky or everywhere.
fn dawn(change: &Change) -> Verdict {
    let [_, red, _] = change.shift;
    Verdict { ok: red > 0.005, figures: vec![("red", red)] }
}

/// Lighter.
fn noon(change: &Change) -> Verdict {
    Verdict { ok: change.luma >= 1.03, figures: vec![("luma", change.luma)] }
}

/// Paler, and not warmer.
fn rain(change: &Change) -> Verdict {
    let [.., yellow] = change.shift;
    Verdict {
        ok: change.chroma <= 0.85 && yellow < 0.005,
        figures: vec![("chroma", change.chroma), ("yellow", yellow)],
    }
}

/// Darker, and not more colourful.
fn storm(change: &Change) -> Verdict {
    let ok = change.luma <= 0.9 && change.chroma <= 1.0;
    Verdict { ok, figures: vec![("luma", change.luma), ("chroma", change.chroma)] }
}

/// Less contrast: old prints lose their blacks.
fn faded(change: &Change) -> Verdict {
    Verdict { ok: change.contrast <= 0.9, figures: vec![("contrast", change.contrast)] }
}

/// Prussian blue nearly everywhere.
fn cyanotype(change: &Change) -> Verdict {
    let share = hue_share(&change.result, BLUE - 12.0, HUE_REACH, CHROMATIC);
    Verdict { ok: share >= 0.75, figures: vec![("hue", share)] }
}

/// More colour or more contrast.
fn kodachrome(change: &Change) -> Verdict {
    let ok = change.chroma >= 1.05 || change.contrast >= 1.05;
    Verdict { ok, figures: vec![("chroma", change.chroma), ("contrast", change.contrast)] }
}

/// Darker.
fn gloomy(change: &Change) -> Verdict {
    Verdict { ok: change.luma <= 0.9, figures: vec![("luma", change.luma)] }
}

/// Lighter or more colourful.
fn cheerful(change: &Change) -> Verdict {
    let ok = change.luma >= 1.03 || change.chroma >= 1.1;
    Verdict { ok, figures: vec![("luma", change.luma), ("chroma", change.chroma)] }
}

/// Dark and cool.
fn moonlight(change: &Change) -> Verdict {
    let [.., yellow] = change.shift;
    Verdict { ok: change.luma <= 0.7 && yellow < 0.0, figures: vec![("luma", change.luma), ("yellow", yellow)] }
}

#[cfg(test)]
mod tests {
    use super::super::picture::Picture;
    use super::*;

    #[test]
    fn a_picture_that_stays_passes_no_check() {
        let rgb = (0..256).map(|index| [0.3 + 0.002 * f64::from(index), 0.5, 0.4]).collect();
        let same = Picture { width: 16, height: 16, rgb };
        let change = Change::new(&same, &same);
        for (prompt, verdict) in UNSEEN {
            assert!(!verdict(&change).ok, "{prompt}");
        }
    }
}
