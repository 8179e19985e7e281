//! What does not change while a scene is optimised, as flat tables for the card.
//!
//! Input: a scene. Output: [`Geometry`]. Invariants: cubic c has its points at 3c, 3c + 1, 3c + 2 and its last where the
//! table says. Cost: one pass over the scene.

use crate::gpu::table_of;
use crate::scene::{FillRule, Scene, as_usize};

/// Tables that are uploaded once.
#[derive(Debug, Default)]
pub(super) struct Geometry {
    /// One a cubic: path, last point, cubic before it in its contour.
    pub curves: Vec<[u32; 4]>,
    /// One a path: fill, 1 for even-odd, group.
    pub paths: Vec<[u32; 4]>,
    /// For each fill where its paths begin; the end; then the paths.
    pub fill_paths: Vec<u32>,
    /// Control points.
    pub points: u32,
    /// Fills.
    pub fills: u32,
    /// Groups.
    pub groups: u32,
    /// Whether a group is a layer.
    pub has_layers: bool,
}

impl Geometry {
    pub(super) fn of(scene: &Scene) -> Self {
        let mut out = Self {
            points: scene.points.len() as u32,
            fills: scene.fills.len() as u32,
            groups: scene.groups.len() as u32,
            has_layers: scene.groups.iter().any(|group| group.opacity < 1.0),
            ..Self::default()
        };
        let mut users = vec![Vec::new(); scene.fills.len()];
        for (group, paths) in scene.groups.iter().map(|group| as_usize(&group.paths)).enumerate() {
            for index in paths {
                let Some(path) = scene.paths.get(index) else { break };
                out.paths.push([path.fill, u32::from(path.rule == FillRule::EvenOdd), group as u32, 0]);
                if let Some(users) = users.get_mut(path.fill as usize) {
                    users.push(index as u32);
                }
                for contour in scene.contours.get(as_usize(&path.contours)).unwrap_or_default() {
                    out.push_contour(index as u32, contour.start, contour.end);
                }
            }
        }
        out.fill_paths = table_of(&users);
        out
    }

    fn push_contour(&mut self, path: u32, start: u32, end: u32) {
        let (first, count) = (start / 3, (end - start) / 3);
        for at in 0..count {
            let next_anchor = if at + 1 == count { start } else { start + 3 * (at + 1) };
            let previous = first + (at + count - 1) % count;
            self.curves.push([path, next_anchor, previous, 0]);
        }
    }
}

/// Fills, then the opacity of groups, four values each.
pub(super) fn paints_of(scene: &Scene) -> Vec<[f32; 4]> {
    let groups = scene.groups.iter().map(|group| [group.opacity, 0.0, 0.0, 0.0]);
    scene.fills.iter().copied().chain(groups).collect()
}
