//! Whether the diffusion engine, with the small model that is built in, gives a picture the look of a reference and keeps its structure.
//!
//! Input: eight pairs of plain shapes and four of photographs, chosen before the engine was run on them. Output: a row a pair: how far
//! the distance of colours from the reference fell, of shapes that of the thing and of the ground, of photographs sliced
//! Wasserstein; how well the steps of luma follow the source's at the size at which the model paints; how much of the source comes
//! back from its noise; of shapes, which of the two forms the thing has where all layout is kept and where none is. Cost: twelve
//! concepts and pivots, some six minutes.

use super::cells::{self, Cells, example};
use super::ideal::Ideal;
use super::measure::mean;
use super::picture::{Lab, Picture, oklab};
use super::table::{Goal, Group, Row, Summary};
use super::transfers::{correlation, sliced};
use crate::tools::{number, root};
use image::RgbImage;

/// Pixels that the small model paints.
const PAINTED_PX: f64 = 64.0 * 64.0;
const SIDE_PX: usize = 512;
/// What the command is told.
pub(crate) const ENGINE: [&str; 4] = ["--engine", "diffusion", "--model", "small"];
const FALL_GOAL: f64 = 0.5;
const CORRELATION_GOAL: f64 = 0.6;
/// Decibels that the pivot may lose.
const LOSS_GOAL_DB: f64 = 1.0;

/// Names and values of a row.
type Figures = Vec<(&'static str, f64)>;

/// A plain thing on a plain ground, in sRGB.
#[derive(Debug)]
pub(crate) struct Thing {
    form: Ideal,
    color: [u8; 3],
    ground: [u8; 3],
}

const fn thing(form: Ideal, color: [u8; 3], ground: [u8; 3]) -> Thing {
    Thing { form, color, ground }
}

const WHITE: [u8; 3] = [255, 255, 255];
const BLACK: [u8; 3] = [20, 20, 20];
const YELLOW: [u8; 3] = [245, 210, 40];
const NAVY: [u8; 3] = [20, 30, 90];

/// Source and reference.
pub(crate) const THINGS: [[Thing; 2]; 8] = [
    [thing(Ideal::Square, [240, 140, 30], WHITE), thing(Ideal::Star, [130, 50, 160], WHITE)],
    [thing(Ideal::Star, [40, 70, 210], [235, 220, 190]), thing(Ideal::Ring, [40, 150, 60], WHITE)],
    [thing(Ideal::Ring, [40, 150, 60], BLACK), thing(Ideal::Square, [220, 40, 40], YELLOW)],
    [thing(Ideal::Heart, [220, 40, 40], WHITE), thing(Ideal::Cross, [20, 140, 140], [240, 140, 30])],
    [thing(Ideal::Cross, BLACK, [245, 150, 190]), thing(Ideal::Triangle, [40, 70, 210], WHITE)],
    [thing(Ideal::Triangle, YELLOW, NAVY), thing(Ideal::Heart, [245, 150, 190], WHITE)],
    [thing(Ideal::Square, [130, 50, 160], WHITE), thing(Ideal::Triangle, BLACK, YELLOW)],
    [thing(Ideal::Ring, [120, 70, 30], WHITE), thing(Ideal::Heart, [60, 210, 200], NAVY)],
];
/// The same, of `examples`.
pub(crate) const PHOTOS: [(&str, &str); 4] =
    [("flower", "chelsea"), ("astronaut", "rocket"), ("horse", "flower"), ("chelsea", "coffee")];

/// Measures every pair.
pub(crate) fn concepts(cells: &Cells, group: &mut Group) -> Result<(), String> {
    for [source, reference] in &THINGS {
        things(cells, group, source, reference)?;
    }
    for (source, reference) in PHOTOS {
        let (input, other) = (example(source), example(reference));
        let open = |name: &str| Picture::open(&root().join(name));
        let (before, wanted) = (open(&input)?.lab(), open(&other)?.lab());
        let far = |picture: &Picture| sliced(&picture.lab(), &wanted);
        let (figures, after) = pair(cells, &input, &other)?;
        let fall = 1.0 - far(&after) / sliced(&before, &wanted);
        push(group, format!("like {reference}"), source.to_owned(), figures, fall);
    }
    summarize(group);
    Ok(())
}

/// The edit, with what is measured of every pair: correlation and decibels lost.
fn pair(cells: &Cells, input: &str, other: &str) -> Result<(Figures, Picture), String> {
    let cell = cells.cached(&[&["transfer", input, "--reference", other], &ENGINE[..]].concat())?;
    let after = Picture::open(&cell.picture)?;
    let scale = (PAINTED_PX / (after.width * after.height) as f64).sqrt();
    let length = |pixels: usize| (pixels as f64 * scale).round() as usize;
    let painted = Picture { width: length(after.width), height: length(after.height), rgb: Vec::new() };
    let before =
        cells.cached(&[&["transfer", input, "--reference", other, "--strength", "0"], &ENGINE[..]].concat())?;
    let [small_before, small_after] = [&before, &cell].map(|cell| Picture::open_like(&cell.picture, &painted));
    let kept = correlation(&small_before?, &small_after?);
    let pivot = cells.said(&["bench", "pivot", input, "--model", "small"])?;
    let lost_db = number(&pivot, "autoencoder_db") - number(&pivot, "pivot_db");
    Ok((vec![("correlation", kept), ("lost_db", lost_db)], after))
}

fn push(group: &mut Group, prompt: String, of: String, figures: Figures, fall: f64) {
    let kept = figures.iter().any(|(name, value)| *name == "correlation" && *value >= CORRELATION_GOAL);
    let figures = [vec![("fall", fall)], figures].concat();
    group.push(Row { prompt, of, figures, ok: Some(fall >= FALL_GOAL && kept) });
}

fn things(cells: &Cells, group: &mut Group, source: &Thing, reference: &Thing) -> Result<(), String> {
    let (input, other) = (source.file()?, reference.file()?);
    let (mut figures, after) = pair(cells, &input, &other)?;
    let wanted = [reference.color, reference.ground].map(lab);
    let far = |found: [Lab; 2]| found.iter().zip(&wanted).map(|(found, wanted)| apart(found, wanted)).sum::<f64>();
    let fall = 1.0 - far(source.colors(&after)) / far([source.color, source.ground].map(lab));
    for (name, layout) in [("kept_form", "1"), ("free_form", "0")] {
        let turned = ["--layout", layout, "--placing", "0", "--detail", "0"];
        let args = [&["transfer", &input, "--reference", &other], &ENGINE[..], &turned[..]].concat();
        let form = standing_out(&Picture::open(&cells.cached(&args)?.picture)?);
        figures.push((name, source.form.fit(&form) - reference.form.fit(&form)));
    }
    push(group, format!("like {}", reference.name()), source.name(), figures, fall);
    Ok(())
}

fn summarize(group: &mut Group) {
    let all = |name: &str| group.figure(name).into_iter().collect::<Vec<_>>();
    let least = |name: &str| all(name).into_iter().fold(f64::INFINITY, f64::min);
    let share = |name: &str, holds: &dyn Fn(f64) -> bool| {
        mean(all(name).into_iter().map(|value| f64::from(u8::from(holds(value)))))
    };
    group.summaries = vec![
        Summary::share(
            "diffusion: pairs whose colours come at least half way to the reference's",
            Some(100.0),
            share("fall", &|fall| fall >= FALL_GOAL),
        ),
        Summary::share("the same, mean way", Some(50.0), mean(all("fall").into_iter())),
        Summary {
            what: "diffusion: correlation of the steps of luma with the source's, least",
            goal: Some(Goal::Least(CORRELATION_GOAL)),
            now: least("correlation"),
            unit: "",
            digits: 2,
        },
        Summary {
            what: "diffusion: lost on the way from noise beside the autoencoder alone, most",
            goal: Some(Goal::Most(LOSS_GOAL_DB)),
            now: all("lost_db").into_iter().fold(f64::NEG_INFINITY, f64::max),
            unit: " dB",
            digits: 2,
        },
        Summary::share(
            "diffusion: things with the source's form where all layout is kept",
            Some(100.0),
            share("kept_form", &|more| more > 0.0),
        ),
        Summary::share(
            "diffusion: things with the reference's form where none is",
            Some(100.0),
            share("free_form", &|more| more < 0.0),
        ),
    ];
}

impl Thing {
    fn name(&self) -> String {
        format!("{:?} in {} on {}", self.form, hex(self.color), hex(self.ground)).to_lowercase()
    }

    /// Draws it.
    pub(crate) fn drawn(&self) -> RgbImage {
        let inside = self.form.mask(SIDE_PX);
        let side = SIDE_PX as u32;
        RgbImage::from_fn(side, side, |x, y| {
            let is_inside = inside.get((y * side + x) as usize).copied().unwrap_or(false);
            image::Rgb(if is_inside { self.color } else { self.ground })
        })
    }

    /// Draws it into a file.
    fn file(&self) -> Result<String, String> {
        let mut png = std::io::Cursor::new(Vec::new());
        self.drawn().write_to(&mut png, image::ImageFormat::Png).map_err(|error| error.to_string())?;
        cells::write(&format!("{}.png", self.name().replace([' ', '#'], "")), &png.into_inner())
    }

    /// Mean colours of a picture where the thing is, and where the ground is.
    fn colors(&self, picture: &Picture) -> [Lab; 2] {
        let inside = self.form.mask(picture.width);
        let lab = picture.lab();
        [true, false].map(|wanted| {
            let of = lab.iter().zip(&inside).filter(|(_, inside)| **inside == wanted).map(|(lab, _)| *lab);
            let (count, sum) =
                of.fold((0.0, [0.0; 3]), |(count, [l, a, b]), lab| (count + 1.0, [l + lab[0], a + lab[1], b + lab[2]]));
            sum.map(|sum| sum / f64::max(count, 1.0))
        })
    }
}

fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn lab(color: [u8; 3]) -> Lab {
    oklab(color.map(|level| f64::from(level) / 255.0))
}

fn apart(a: &Lab, b: &Lab) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

/// What differs from the border's colour, black on white: more than half as far as all but the farthest hundredth do.
fn standing_out(picture: &Picture) -> Picture {
    let lab = picture.lab();
    let (width, height) = (picture.width, picture.height);
    let is_end = |at: usize, count: usize| at == 0 || at + 1 == count;
    let is_border = |at: usize| is_end(at % width, width) || is_end(at / width, height);
    let border = [0, 1, 2].map(|axis| {
        let values = lab.iter().enumerate().filter(|(at, _)| is_border(*at)).map(|(_, lab)| lab[axis]);
        quantile(values.collect(), 0.5)
    });
    let far = lab.iter().map(|lab| apart(lab, &border)).collect::<Vec<_>>();
    let threshold = quantile(far.clone(), 0.97) / 2.0;
    let rgb = far.iter().map(|far| [f64::from(u8::from(*far <= threshold)); 3]).collect();
    Picture { width, height, rgb }
}

fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get((share * values.len() as f64) as usize).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_found_in_its_colours_and_in_its_form() {
        for thing in THINGS.iter().flatten() {
            let picture = Picture::of(&thing.drawn().into());
            let [color, ground] = thing.colors(&picture);
            assert!(apart(&color, &lab(thing.color)) < 1e-9 && apart(&ground, &lab(thing.ground)) < 1e-9);
            let fit = thing.form.fit(&standing_out(&picture));
            assert!(fit > 0.9, "{} fits itself by {fit}", thing.name());
        }
    }
}
