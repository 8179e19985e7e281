//! Things in photographs, by hand: where each lies and which of its pixels have its colour.
//!
//! Input: a photograph. Output: a mask. Invariant: a thing is a union of ellipses, less others, narrowed to a colour of
//! the source; drawn once by looking at the photographs, before any edit was measured with them.

use super::measure::CARRIES_HUE;
use super::picture::{Lab, Picture, chroma, hue_distance};
use super::prompts::{BLUE, GREEN, RED};

/// Edges are soft and outlines coarse: so near to a thing nothing counts as outside it.
const EDGE_PX: usize = 6;

/// x and y of the centre, horizontal and vertical radius, pixels.
type Ellipse = [f64; 4];

/// A thing that is given another colour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thing {
    /// The photograph.
    pub(crate) photograph: &'static str,
    /// The region as the program takes it.
    pub(crate) region: &'static str,
    /// What is asked for.
    pub(crate) prompt: &'static str,
    /// The hue that this names.
    pub(crate) hue: f64,
    /// Where the thing lies.
    body: &'static [Ellipse],
    /// Whether all of that is the thing, whatever its colour: the white inside of a cup is cup.
    solid: bool,
    /// Where no pixel has to change.
    exempt: &'static [Ellipse],
    /// Whether a pixel of the source shows the thing's colour.
    shows: fn(Lab) -> bool,
}

/// Where a pixel belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Should take the colour.
    Inside,
    /// May change.
    Edge,
    /// Should stay.
    Outside,
}

/// Every thing.
pub(crate) const THINGS: [Thing; 4] = [
    Thing {
        photograph: "flower",
        region: "130,64,232,230",
        prompt: "a blue flower",
        hue: BLUE,
        body: &[[246.0, 178.0, 113.0, 112.0]],
        solid: true,
        exempt: &[],
        shows: |lab| hue_distance(lab, 60.0) <= 30.0 && chroma(lab) > 0.05,
    },
    Thing {
        photograph: "coffee",
        region: "130,4,250,240",
        prompt: "a green cup",
        hue: GREEN,
        body: &[[245.0, 92.0, 100.0, 80.0], [243.0, 160.0, 94.0, 84.0], [200.0, 225.0, 36.0, 42.0]],
        solid: true,
        exempt: &[[245.0, 92.0, 94.0, 76.0]],
        shows: |lab| hue_distance(lab, 38.0) <= 22.0 && chroma(lab) > 0.06 && lightness(lab) < 0.55,
    },
    Thing {
        photograph: "astronaut",
        region: "16,195,356,317",
        prompt: "a blue suit",
        hue: BLUE,
        body: &[[195.0, 385.0, 190.0, 190.0]],
        solid: false,
        exempt: &[],
        shows: |lab| hue_distance(lab, 40.0) <= 18.0 && chroma(lab) > 0.12,
    },
    Thing {
        photograph: "rocket",
        region: "240,96,36,236",
        prompt: "a red rocket",
        hue: RED,
        body: &[[258.0, 215.0, 12.0, 115.0]],
        solid: true,
        exempt: &[],
        shows: |lab| lightness(lab) > 0.4,
    },
];

impl Thing {
    /// Where each pixel of its photograph belongs.
    pub(crate) fn mask(&self, source: &Picture) -> Vec<Place> {
        let within = |ellipses: &[Ellipse], index: usize| {
            let (x, y) = ((index % source.width) as f64, (index / source.width) as f64);
            ellipses.iter().any(|[cx, cy, rx, ry]| ((x - cx) / rx).powi(2) + ((y - cy) / ry).powi(2) <= 1.0)
        };
        let lab = source.lab();
        let body = (0..lab.len()).map(|index| within(self.body, index)).collect::<Vec<_>>();
        let exempt = |index: usize| within(self.exempt, index);
        let core =
            lab.iter().zip(&body).enumerate().map(|(index, (lab, body))| *body && (self.shows)(*lab) && !exempt(index));
        let core = core.collect::<Vec<_>>();
        let near = grown(if self.solid { &body } else { &core }, source.width);
        let place = |(core, near): (&bool, bool)| match (core, near) {
            (true, _) => Place::Inside,
            (false, true) => Place::Edge,
            (false, false) => Place::Outside,
        };
        core.iter().zip(near).map(place).collect()
    }

    /// Share of the pixels inside that have the hue in `result`, as far as they are light and dark enough for one.
    pub(crate) fn inside(&self, mask: &[Place], result: &[Lab], reach_deg: f64, least: f64) -> f64 {
        let inside = result.iter().zip(mask).filter(|(_, place)| **place == Place::Inside).map(|(lab, _)| *lab);
        let able = inside.filter(|[lightness, ..]| *lightness > CARRIES_HUE.start && *lightness < CARRIES_HUE.end);
        let able = able.collect::<Vec<_>>();
        let right = able.iter().filter(|lab| hue_distance(**lab, self.hue) <= reach_deg && chroma(**lab) > least);
        right.count() as f64 / able.len().max(1) as f64
    }
}

fn lightness([lightness, ..]: Lab) -> f64 {
    lightness
}

/// A mask and everything within [`EDGE_PX`] of it along rows and columns.
fn grown(mask: &[bool], width: usize) -> Vec<bool> {
    let spread = |mask: &[bool], step: usize, row: bool| {
        let near = |index: usize| {
            (0..=EDGE_PX).any(|distance| {
                let same = |other: usize| !row || other / width == index / width;
                let at = |other: usize| same(other) && mask.get(other).copied().unwrap_or(false);
                at(index + distance * step) || index.checked_sub(distance * step).is_some_and(at)
            })
        };
        (0..mask.len()).map(near).collect::<Vec<_>>()
    };
    spread(&spread(mask, 1, true), width, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grown_mask_keeps_to_its_rows() {
        let mut mask = vec![false; 40 * 20];
        mask[5 * 40 + 39] = true;
        let grown = grown(&mask, 40);
        assert!(grown[5 * 40 + 33] && grown[11 * 40 + 39] && !grown[6 * 40] && !grown[12 * 40 + 39]);
        assert_eq!(grown.iter().filter(|near| **near).count(), 7 * 12);
    }

    #[test]
    fn every_thing_is_found_in_its_photograph() {
        for thing in THINGS {
            let path = super::super::cells::located(&super::super::cells::example(thing.photograph));
            let source = Picture::open(&path).unwrap();
            let mask = thing.mask(&source);
            let share = |place| mask.iter().filter(|other| **other == place).count() as f64 / mask.len() as f64;
            assert!((0.01..0.3).contains(&share(Place::Inside)), "{}: {}", thing.prompt, share(Place::Inside));
            assert!(share(Place::Outside) > 0.5, "{}: {}", thing.prompt, share(Place::Outside));
            assert!(thing.inside(&mask, &source.lab(), 35.0, 0.03) < 0.2, "{} has its colour already", thing.prompt);
        }
    }
}
