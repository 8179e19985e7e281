//! Letters of straight strokes, for viewers that draw lines and no text.
//!
//! Input: a text. Output: strokes in units of a cell, origin at the bottom left of the text. Invariants: small letters are drawn as
//! capitals, what has no strokes leaves a gap. Determinism: a table. Cost: a few points a letter.

/// Height of a letter in units.
pub(super) const HEIGHT: f64 = 4.0;
/// From one letter to the next.
const ADVANCE: f64 = 3.0;
/// Letters that are drawn of a text; more would cover the picture.
const MOST: usize = 48;

/// Strokes of a letter: corners as column and row of a cell three wide and five high, strokes apart by a bar.
fn strokes(letter: char) -> &'static str {
    match letter.to_ascii_uppercase() {
        '0' | 'O' => "00 04 24 20 00",
        '1' => "03 14 10",
        '2' => "04 24 22 02 00 20",
        '3' => "04 24 20 00|02 22",
        '4' => "04 02 22|24 20",
        '5' | 'S' => "24 04 02 22 20 00",
        '6' => "24 04 00 20 22 02",
        '7' => "04 24 10",
        '8' => "00 04 24 20 00|02 22",
        '9' => "22 02 04 24 20 00",
        'A' => "00 03 14 23 20|02 22",
        'B' => "00 04 14 23 12 21 10 00|02 12",
        'C' => "24 04 00 20",
        'D' => "00 04 14 23 21 10 00",
        'E' => "24 04 00 20|02 12",
        'F' => "24 04 00|02 12",
        'G' => "24 04 00 20 22 12",
        'H' => "00 04|20 24|02 22",
        'I' => "10 14",
        'J' => "24 20 00 01",
        'K' => "00 04|24 02 20",
        'L' => "04 00 20",
        'M' => "00 04 12 24 20",
        'N' => "00 04 20 24",
        'P' => "00 04 24 22 02",
        'Q' => "00 04 24 20 00|11 20",
        'R' => "00 04 24 22 02|12 20",
        'T' => "04 24|14 10",
        'U' => "04 00 20 24",
        'V' => "04 10 24",
        'W' => "04 00 12 20 24",
        'X' => "00 24|04 20",
        'Y' => "04 12 24|12 10",
        'Z' => "04 24 00 20",
        '-' => "02 22",
        ':' => "10 11|13 14",
        '.' | ',' => "10 11",
        '%' => "00 24|04 03|20 21",
        _ => "",
    }
}

/// The strokes of `text`, each a line of two points or more.
pub(super) fn lines(text: &str) -> Vec<Vec<[f64; 2]>> {
    let placed = |(at, letter): (usize, char)| {
        let left = at as f64 * ADVANCE;
        let corner = move |corner: &str| match corner.as_bytes() {
            &[column, row] => Some([left + f64::from(column - b'0'), f64::from(row - b'0')]),
            _ => None,
        };
        let stroke = move |stroke: &'static str| stroke.split(' ').filter_map(corner).collect::<Vec<_>>();
        strokes(letter).split('|').map(stroke)
    };
    text.chars().take(MOST).enumerate().flat_map(placed).filter(|line| line.len() > 1).collect()
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn every_letter_and_digit_has_strokes_inside_its_cell() {
        for letter in ('0'..='9').chain('a'..='z').chain('A'..='Z').chain("-:.,%".chars()) {
            let found = lines(&letter.to_string());
            assert!(!found.is_empty(), "{letter}");
            assert!(
                found.iter().flatten().all(|[x, y]| (0.0..=2.0).contains(x) && (0.0..=4.0).contains(y)),
                "{letter}"
            );
        }
        assert!(lines(" \u{2603}").is_empty(), "others leave a gap");
        assert_eq!(lines(" 1")[0][0], [3.0, 3.0], "the second letter stands beside the first");
        assert!(lines(&"8".repeat(500)).len() <= 96, "a long text is cut");
    }
}
