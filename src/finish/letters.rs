//! How the letters of a word are shown: in a colour, on paper or on nothing. The edit itself is black on white.
//!
//! Input: the scene of a word, whose groups are `ground` and `letters`. Output: the scene as it is shown. Determinism: plain
//! copying. Cost: a copy of the scene.

use crate::scene::{self, Scene, as_usize};
use serde::{Deserialize, Serialize};

/// How letters are shown; nothing of it edits anew.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Letters {
    /// Display-referred sRGB, 0 to 1.
    pub color: [f32; 3],
    /// Whether the white ground is drawn; else the letters lie on nothing.
    pub ground: bool,
}

/// `word` with its letters in their colour, and without its ground where that is not wanted.
pub(super) fn dressed(word: &Scene, letters: Letters) -> Scene {
    let mut shown = Scene::new(word.width, word.height);
    shown.fills.clone_from(&word.fills);
    for group in word.groups.iter().filter(|group| letters.ground || group.id != scene::GROUND) {
        shown.push_group(group.id.clone(), group.opacity);
        for path in word.paths.get(as_usize(&group.paths)).unwrap_or_default() {
            let contours = word.contours_of(path).map(<[_]>::to_vec).collect::<Vec<_>>();
            shown.push_path(path.id.clone(), path.fill, path.rule, &contours);
            if group.id == scene::LETTERS
                && let Some([color @ .., _]) = shown.fills.get_mut(path.fill as usize)
            {
                *color = letters.color;
            }
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::FillRule;

    #[test]
    fn letters_take_their_colour_and_lose_their_ground() {
        let mut word = Scene::new(8.0, 8.0);
        let square = |x: f32| vec![vec![[x, 0.0], [x + 1.0, 0.0], [x, 1.0]]];
        for (group, fill) in [(scene::GROUND, [1.0; 4]), (scene::LETTERS, [0.0, 0.0, 0.0, 1.0])] {
            word.push_group(group.to_owned(), 1.0);
            let fill = word.push_fill(fill);
            word.push_path(format!("{group}-1"), fill, FillRule::NonZero, &square(fill as f32));
        }
        let color = [0.9, 0.1, 0.2];
        let on_paper = dressed(&word, Letters { color, ground: true });
        assert_eq!((on_paper.fills[0], on_paper.fills[1]), ([1.0; 4], [0.9, 0.1, 0.2, 1.0]));
        assert_eq!((&on_paper.points, &on_paper.groups), (&word.points, &word.groups), "shapes stay");
        let bare = dressed(&word, Letters { color, ground: false });
        bare.validate().unwrap();
        assert_eq!(bare.paths.iter().map(|path| path.id.as_str()).collect::<Vec<_>>(), ["letters-1"]);
        assert_eq!(bare.points, word.points[3..], "the letters' own points");
    }
}
