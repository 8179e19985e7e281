//! Shapes of the last picture of an instance, to be picked in a viewer.
//!
//! Input: finished scenes, a pen in canonical pixels. Output: the outline of the front shape under the pen, and its rectangle.
//! Invariants: one scene an instance is kept, and only where a viewer may show it. Cost: a copy of the scene an edit; a pick is
//! a look through the shapes.

use super::clips::Frame;
use super::handles::Rectangle;
use crate::plan::Key;
use crate::scene::{Scene, hit};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What was seen last.
#[derive(Clone)]
struct Seen {
    key: Key,
    scene: Arc<Scene>,
    frame: Frame,
}

/// A shape in canonical pixels.
pub(super) struct Shape {
    /// Its contours.
    pub outline: Vec<Vec<[f64; 2]>>,
    /// What it fits into.
    pub bounds: Rectangle,
}

static SEEN: Mutex<BTreeMap<usize, Seen>> = Mutex::new(BTreeMap::new());

/// Keeps the shapes that the instance at `effect` shows in `frame`, those of the artifact `key`.
pub(super) fn remember(effect: usize, key: Key, scene: &Scene, frame: Frame) {
    let mut all = SEEN.lock();
    match all.get_mut(&effect).filter(|seen| seen.key == key) {
        Some(seen) => seen.frame = frame,
        None => {
            all.insert(effect, Seen { key, scene: Arc::new(scene.clone()), frame });
        }
    }
}

/// Forgets an instance.
pub(super) fn forget(effect: usize) {
    SEEN.lock().remove(&effect);
}

/// The front shape under the pen.
pub(super) fn under(effect: usize, [x, y]: [f64; 2]) -> Option<Shape> {
    let Seen { scene, frame, .. } = SEEN.lock().get(&effect).cloned()?;
    let [left, top, ..] = frame.rect_px_from_canonical([x, y], [0.0, 0.0]);
    let per_px = [f64::from(scene.width) / frame.width() as f64, f64::from(scene.height) / frame.height() as f64];
    let path = hit::path_under(&scene, [(left * per_px[0]) as f32, (top * per_px[1]) as f32])?;
    let outline = hit::outline_of(&scene, scene.paths.get(path)?);
    let [low_x, low_y, high_x, high_y] = hit::bounds_of(outline.iter().flatten())?;
    let canonical = |[x, y]: [f32; 2]| frame.canonical_from_px([f64::from(x) / per_px[0], f64::from(y) / per_px[1]]);
    // The top left of the canvas is the corner with the least x and the greatest y.
    let ([left, top], [right, bottom]) = (canonical([low_x, low_y]), canonical([high_x, high_y]));
    let bounds = Rectangle::new([left, bottom], [right - left, top - bottom])?;
    let outline = outline.into_iter().map(|line| line.into_iter().map(canonical).collect());
    Some(Shape { outline: outline.collect(), bounds })
}
