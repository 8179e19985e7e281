//! Scene: an ordered list of closed filled paths in groups, the one thing that is optimised, cached and drawn.
//!
//! Input: vectorization, SVG files, font outlines. Output: the rasterizer's and the optimiser's flat arrays.
//! Invariants (checked by [`Scene::validate`]): every contour is a closed chain of cubics stored as `3 n` points
//! (anchor, control, control, anchor, …; the last segment ends at the first point), contours, paths and groups
//! partition their lists in order, back to front; coordinates are canvas pixels with y down; all numbers finite.
//! Determinism: plain data, no maps. Cost: 8 bytes a point.

pub mod contours;
pub mod hit;
mod names;
pub mod palette_out;
pub mod subdivide;
pub mod svg_in;
pub mod svg_out;

use crate::fault::Fault;
use std::ops::Range;

/// A closed filled path's colour: red, green, blue, opacity; display-referred sRGB, straight alpha, each 0 to 1.
pub type Rgba = [f32; 4];

/// Id of the group of what lies below everything else: one rectangle.
pub const GROUND: &str = "ground";
/// Id of the group of a word's letters.
pub const LETTERS: &str = "letters";

/// Which winding numbers are inside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FillRule {
    /// Inside where the winding number is not zero.
    #[default]
    NonZero,
    /// Inside where the winding number is odd.
    EvenOdd,
}

/// One closed filled path, possibly of several contours.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// Stable name, unique in the scene; the `id` of the SVG element.
    pub id: String,
    /// Its contours, as a range of [`Scene::contours`].
    pub contours: Range<u32>,
    /// Its fill, as an index into [`Scene::fills`]; several paths share a fill where the SVG shares a class.
    pub fill: u32,
    /// Which winding numbers are inside.
    pub rule: FillRule,
}

/// A run of paths drawn as one layer: a round of vectorization or an SVG group.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Stable name, unique in the scene; the `id` of the SVG `g`.
    pub id: String,
    /// Opacity of the composited layer, 0 to 1. Exactly 1 for rounds: then the group is only a name.
    pub opacity: f32,
    /// Its paths, as a range of [`Scene::paths`].
    pub paths: Range<u32>,
}

/// Canvas size and everything drawn on it, back to front.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scene {
    /// Canvas width in pixels.
    pub width: f32,
    /// Canvas height in pixels.
    pub height: f32,
    /// All control points, contour after contour.
    pub points: Vec<[f32; 2]>,
    /// Closed chains of cubics: each a range of [`Scene::points`] whose length is a positive multiple of 3.
    pub contours: Vec<Range<u32>>,
    /// Back to front.
    pub paths: Vec<Path>,
    /// Fill colours, shared or one a path.
    pub fills: Vec<Rgba>,
    /// Back to front; together they hold every path once.
    pub groups: Vec<Group>,
}

/// A scene that breaks an invariant.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SceneError {
    /// Canvas size is not a positive finite number.
    #[error("canvas of {width} x {height} pixels: both sides must be positive and finite")]
    Canvas {
        /// Width as found.
        width: f32,
        /// Height as found.
        height: f32,
    },
    /// A number is NaN or infinite.
    #[error("{what} {index} holds {value}, which is not a finite number")]
    NotFinite {
        /// Kind of element.
        what: &'static str,
        /// Its index.
        index: usize,
        /// The number.
        value: f32,
    },
    /// Ranges or indices do not fit together.
    #[error("{what} {index} is out of order or out of range")]
    Structure {
        /// Kind of element.
        what: &'static str,
        /// Its index.
        index: usize,
    },
}

impl SceneError {
    /// What kind of fault it is.
    pub fn fault(&self) -> Fault {
        Fault::Work
    }
}

impl Scene {
    /// An empty scene of the given canvas size in pixels.
    pub fn new(width: f32, height: f32) -> Self {
        Self { width, height, ..Self::default() }
    }

    /// Number of cubic segments.
    pub fn segments(&self) -> usize {
        self.points.len() / 3
    }

    /// Opens a new group at the top; paths pushed from now on belong to it.
    pub fn push_group(&mut self, id: String, opacity: f32) {
        let end = self.paths.len() as u32;
        self.groups.push(Group { id, opacity, paths: end..end });
    }

    /// Adds a fill and returns its index.
    pub fn push_fill(&mut self, rgba: Rgba) -> u32 {
        self.fills.push(rgba);
        (self.fills.len() - 1) as u32
    }

    /// Adds a path on top, into the last group; each contour is a closed chain of `3 n` points.
    /// A group is opened when there is none. Contours without points are dropped.
    pub fn push_path(&mut self, id: String, fill: u32, rule: FillRule, contours: &[Vec<[f32; 2]>]) {
        if self.groups.is_empty() {
            self.push_group("scene".to_owned(), 1.0);
        }
        let first = self.contours.len() as u32;
        for contour in contours.iter().filter(|contour| !contour.is_empty()) {
            let start = self.points.len() as u32;
            self.points.extend_from_slice(contour);
            self.contours.push(start..self.points.len() as u32);
        }
        self.paths.push(Path { id, contours: first..self.contours.len() as u32, fill, rule });
        if let Some(group) = self.groups.last_mut() {
            group.paths.end = self.paths.len() as u32;
        }
    }

    /// The contours of `path`, each as its points.
    pub fn contours_of<'a>(&'a self, path: &Path) -> impl Iterator<Item = &'a [[f32; 2]]> + use<'a> {
        let contours = self.contours.get(as_usize(&path.contours)).unwrap_or_default();
        contours.iter().map(|contour| self.points.get(as_usize(contour)).unwrap_or_default())
    }

    /// The same shapes painted with one number each, all three channels the same, at the opacity that they have: what a
    /// drawing of them over black says is how much of the number each pixel takes.
    pub fn painted(&self, values: &[f32]) -> Self {
        let mut painted = self.clone();
        painted.fills.clear();
        for (index, path) in painted.paths.iter_mut().enumerate() {
            let value = values.get(index).copied().unwrap_or(0.0);
            let opacity = self.fills.get(path.fill as usize).map_or(1.0, |fill| fill[3]);
            path.fill = index as u32;
            painted.fills.push([value, value, value, opacity]);
        }
        painted
    }

    /// Checks every invariant of the module header.
    ///
    /// # Errors
    /// The first [`SceneError`] found.
    pub fn validate(&self) -> Result<(), SceneError> {
        check_finite("point", self.points.iter().map(<[f32; 2]>::as_slice))?;
        check_finite("fill", self.fills.iter().map(<[f32; 4]>::as_slice))?;
        check_finite("group", self.groups.iter().map(|group| std::slice::from_ref(&group.opacity)))?;
        self.validate_structure()
    }

    /// Checks that canvas, ranges and indices fit together, and leaves the numbers to who reads them anyway.
    ///
    /// # Errors
    /// [`SceneError::Canvas`] or [`SceneError::Structure`].
    pub fn validate_structure(&self) -> Result<(), SceneError> {
        let positive = |side: f32| side.is_finite() && side > 0.0;
        if !positive(self.width) || !positive(self.height) {
            return Err(SceneError::Canvas { width: self.width, height: self.height });
        }
        check_partition("contour", self.points.len(), self.contours.iter())?;
        check_partition("path", self.contours.len(), self.paths.iter().map(|path| &path.contours))?;
        check_partition("group", self.paths.len(), self.groups.iter().map(|group| &group.paths))?;
        let uneven = self.contours.iter().position(|contour| contour.is_empty() || contour.len() % 3 != 0);
        let unfilled = self.paths.iter().position(|path| path.fill as usize >= self.fills.len());
        match (uneven, unfilled) {
            (Some(index), _) => Err(SceneError::Structure { what: "contour", index }),
            (_, Some(index)) => Err(SceneError::Structure { what: "fill of path", index }),
            _ => Ok(()),
        }
    }
}

/// `range` as indices.
pub fn as_usize(range: &Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}

fn check_finite<'a>(what: &'static str, items: impl Iterator<Item = &'a [f32]>) -> Result<(), SceneError> {
    for (index, item) in items.enumerate() {
        if let Some(&value) = item.iter().find(|value| !value.is_finite()) {
            return Err(SceneError::NotFinite { what, index, value });
        }
    }
    Ok(())
}

fn check_partition<'a>(
    what: &'static str,
    total: usize,
    ranges: impl Iterator<Item = &'a Range<u32>>,
) -> Result<(), SceneError> {
    let (mut next, mut count) = (0, 0);
    for (index, range) in ranges.enumerate() {
        if range.start != next || range.end < range.start {
            return Err(SceneError::Structure { what, index });
        }
        next = range.end;
        count = index;
    }
    if next as usize == total { Ok(()) } else { Err(SceneError::Structure { what, index: count }) }
}
