//! Whether words take on what is asked for and can still be read.
//!
//! Input: six words in the font of `examples`, four prompts. Output: a row a word and prompt: whether a second encoder, the
//! judge, sees the picture of the word move toward the prompt, and how many letters are still read. A letter's path is
//! drawn alone on a white square and read by the shipped encoder among 26 letters and ten digits, as its own test of
//! characters does; the judge knows too few letters for that. One that was not read before the edit does not count.
//! Cost: 24 edits, and 115 letters of two seconds each.

use super::cells::{self, Cell, Cells};
use super::outline::{self, Outline};
use super::table::{Group, Row, Summary};
use serde_json::Value;

const WORDS: [&str; 6] = ["Tree", "Fire", "Star", "Cat", "Moon", "Love"];
const PROMPTS: [&str; 4] = ["a tree", "flames", "a star", "a cat"];
const FONT: &str = "examples/font.ttf";
const JUDGE: &str = "models/train/judge";
/// White around a letter, in parts of its longer side.
const MARGIN: f64 = 0.15;
/// Side of the picture of a letter.
const LETTER_PX: u32 = 256;

/// Every word with every prompt.
pub(crate) fn words(cells: &Cells, group: &mut Group) -> Result<(), String> {
    let (mut known, mut kept) = (0_usize, 0_usize);
    for word in WORDS {
        for prompt in PROMPTS {
            let args = ["stylize", "--text", word, "--font", FONT, "--ground=on", "--prompt", prompt];
            let (before, after) = cells.before_and_after(&args)?;
            let toward = toward(cells, &before, &after, prompt)?;
            let (before, after) = (letters(cells, &before)?, letters(cells, &after)?);
            let readable = before.iter().zip(&after).filter(|(before, _)| **before).map(|(_, after)| *after);
            let readable = readable.collect::<Vec<_>>();
            known += readable.len();
            kept += readable.iter().filter(|read| **read).count();
            let read = readable.iter().filter(|read| **read).count() as f64 / readable.len().max(1) as f64;
            let figures = vec![("toward", toward), ("read", read), ("readable", readable.len() as f64)];
            group.push(Row { prompt: prompt.to_owned(), of: word.to_owned(), figures, ok: Some(toward > 0.0) });
        }
    }
    group.summaries.extend([
        Summary::share("words that the judge sees move toward their prompt", Some(80.0), group.share()),
        Summary::share("letters of these words that are still read", Some(75.0), kept as f64 / known.max(1) as f64),
    ]);
    Ok(())
}

/// The judge's cosine of the change with the prompt.
fn toward(cells: &Cells, before: &Cell, after: &Cell, prompt: &str) -> Result<f64, String> {
    let args = ["score", &after.name, "--before", &before.name, "--prompt", prompt, "--encoder", JUDGE];
    let said = cells.said(&args)?;
    said["scores"][0]["direction_cosine"].as_f64().ok_or_else(|| format!("{}: no direction", after.name))
}

/// Whether each letter of a word is read as what it is.
fn letters(cells: &Cells, cell: &Cell) -> Result<Vec<bool>, String> {
    let outlines = outline::read(&cell.svg)?;
    let letters = outlines.iter().filter_map(|outline| Some((outline, letter(&outline.id)?)));
    let read = letters.map(|(outline, letter)| {
        let svg = alone(outline);
        // Named by content: every prompt begins with the same letters.
        let name = cells::write(&format!("letter-{}.svg", blake3::hash(svg.as_bytes()).to_hex()), svg.as_bytes())?;
        let names = names();
        let names = names.iter().map(String::as_str).collect::<Vec<_>>();
        let said = cells.said(&[&["score", &name, "--prompt"][..], &names].concat())?;
        Ok(likeliest(&said).is_some_and(|name| name == format!("the letter {}", letter.to_ascii_lowercase())))
    });
    read.collect()
}

/// The character that a path draws; the program names paths `glyph-NUMBER-CHARACTER`.
fn letter(id: &str) -> Option<char> {
    id.strip_prefix("glyph-")?.split_once('-')?.1.chars().next()
}

/// What characters are called, both cases alike.
fn names() -> Vec<String> {
    ('a'..='z')
        .map(|letter| format!("the letter {letter}"))
        .chain((0..10).map(|digit| format!("the digit {digit}")))
        .collect()
}

fn likeliest(said: &Value) -> Option<&str> {
    let scores = said["scores"].as_array()?;
    let cosine = |score: &Value| score["cosine"].as_f64().unwrap_or(f64::NEG_INFINITY);
    scores.iter().max_by(|a, b| cosine(a).total_cmp(&cosine(b)))?["prompt"].as_str()
}

/// A drawing of one letter, black in the middle of a white square. Cut from the picture of the word it would bring pieces
/// of its neighbours.
fn alone(outline: &Outline) -> String {
    let bounds = outline.bounds();
    let side = bounds.width().max(bounds.height()).max(1.0) * (1.0 + 2.0 * MARGIN);
    let (x, y) = (bounds.center().x - side / 2.0, bounds.center().y - side / 2.0);
    let rule = if outline.even_odd { " fill-rule=\"evenodd\"" } else { "" };
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{LETTER_PX}\" height=\"{LETTER_PX}\" \
         viewBox=\"{x} {y} {side} {side}\"><path{rule} d=\"{}\"/></svg>\n",
        outline.path.to_svg()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use kurbo::BezPath;

    #[test]
    fn paths_tell_their_letters() {
        assert_eq!(letter("glyph-0-T"), Some('T'));
        assert_eq!(letter("glyph-3--"), Some('-'));
        assert_eq!(letter("path-3"), None);
        assert_eq!(names().len(), 36);
    }

    #[test]
    fn the_highest_cosine_names_the_letter() {
        let said = serde_json::json!({ "scores": [
            { "prompt": "the letter a", "cosine": 0.1 }, { "prompt": "the letter b", "cosine": 0.3 },
        ] });
        assert_eq!(likeliest(&said), Some("the letter b"));
    }

    #[test]
    fn a_letter_stands_in_the_middle_of_white() {
        let path = BezPath::from_svg("M10 10h10v20h-10z").unwrap();
        let svg = alone(&Outline { id: String::new(), path, even_odd: true });
        assert!(svg.contains("viewBox=\"2 7 26 26\"><path fill-rule=\"evenodd\" d=\"M10,10"), "{svg}");
    }
}
