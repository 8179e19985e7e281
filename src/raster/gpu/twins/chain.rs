//! The twins one after the other, with the buffers of [`super::super::session::Session`].
//!
//! Input: a scene. Output: buffers `image`, `point_grads`, `fill_grads`. Invariants: lists that are too short are counted, grow
//! to what was counted, and the pass is repeated; stages run in the order of the tables in `stages.rs`. Determinism: one thread.
//! Cost: seconds where a card takes milliseconds; meant for scenes of tests.

use std::ops::Range;

use super::super::constants::{Frame, TILE, TRAINED_OPACITY, TRAINED_POINTS, counter};
use super::super::geometry::{Geometry, paints_of};
use super::super::stages::{BACKWARD, FORWARD, GATHER};
use super::common::{Item, Line, PathCells};
use super::tile::PIXELS;
use super::vector::{Vec2, Vec4, Vector};
use crate::gpu::Stage;
use crate::raster::{SceneGrad, Size, TOLERANCE_PX, Trained};
use crate::scene::Scene;

/// How long each list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Capacity {
    pub lines: u32,
    pub refs: u32,
    pub cells: u32,
    pub items: u32,
    pub batches: u32,
}

impl Capacity {
    /// Part by part the larger one.
    pub(super) fn max(self, other: Self) -> Self {
        Self {
            lines: self.lines.max(other.lines),
            refs: self.refs.max(other.refs),
            cells: self.cells.max(other.cells),
            items: self.items.max(other.items),
            batches: self.batches.max(other.batches),
        }
    }
}

/// Every buffer by its name in the shaders.
#[derive(Default)]
pub(super) struct Buffers {
    points: Vec<Vec2>,
    paints: Vec<Vec4>,
    bounds: Vec<[u32; 4]>,
    path_cells: Vec<PathCells>,
    curve_lines: Vec<[u32; 2]>,
    pub counters: Vec<u32>,
    lines: Vec<Line>,
    refs: Vec<[u32; 2]>,
    cell_lines: Vec<[u32; 2]>,
    cells: Vec<[u32; 2]>,
    winding: Vec<i32>,
    pub items: Vec<Item>,
    checkpoints: Vec<Vec4>,
    moments: Vec<Vec4>,
    cell_grads: Vec<Vec4>,
    curve_grads: Vec<Vec2>,
    path_grads: Vec<Vec4>,
    pub point_grads: Vec<Vec2>,
    pub fill_grads: Vec<Vec4>,
    pub image: Vec<Vec4>,
    pub image_grad: Vec<Vec4>,
}

/// A scene, drawn and undone by the twins.
pub(super) struct Chain {
    geometry: Geometry,
    frame: Frame,
    strips: Vec<Range<u32>>,
    pub capacity: Capacity,
    pub buffers: Buffers,
}

impl Chain {
    /// In strips of at most `strip_rows` rows of tiles, with lists of length `capacity`.
    pub(super) fn new(
        scene: &Scene,
        size: Size,
        [r, g, b]: [f32; 3],
        trained: Trained,
        strip_rows: u32,
        capacity: Capacity,
    ) -> Self {
        let geometry = Geometry::of(scene);
        let scale = |px: usize, canvas: f32| (px as f64 / f64::from(canvas)) as f32;
        let bit = |bit: u32, set: bool| if set { bit } else { 0 };
        let frame = Frame {
            background: [r, g, b, 0.0],
            scale: [scale(size.width_px, scene.width), scale(size.height_px, scene.height)],
            tolerance_px: TOLERANCE_PX as f32,
            trained: bit(TRAINED_POINTS, trained.points) | bit(TRAINED_OPACITY, trained.opacity),
            width: size.width_px as u32,
            height: size.height_px as u32,
            tiles_x: (size.width_px as u32).div_ceil(TILE),
            curves: geometry.curves.len() as u32,
            paths: geometry.paths.len() as u32,
            fills: geometry.fills,
            points: geometry.points,
            checkpoint_stride: if geometry.has_layers { 2 } else { 1 },
            ..Frame::default()
        };
        let rows = frame.height.div_ceil(TILE);
        let strips: Vec<_> =
            (0..rows).step_by(strip_rows as usize).map(|first| first..(first + strip_rows).min(rows)).collect();
        let (curves, paths) = (geometry.curves.len(), geometry.paths.len());
        let pixels = size.width_px * size.height_px;
        let buffers = Buffers {
            bounds: vec![[0; 4]; paths],
            path_cells: vec![PathCells::default(); paths],
            curve_lines: vec![[0; 2]; curves],
            curve_grads: vec![Vec2::ZERO; 4 * curves],
            path_grads: vec![Vec4::ZERO; paths],
            point_grads: vec![Vec2::ZERO; scene.points.len()],
            fill_grads: vec![Vec4::ZERO; geometry.fills as usize],
            image: vec![Vec4::ZERO; pixels],
            image_grad: vec![Vec4::ZERO; pixels],
            ..Buffers::default()
        };
        let mut chain = Self { geometry, frame, strips, capacity, buffers };
        chain.upload(scene);
        chain.make_lists();
        chain
    }

    /// Takes the numbers of `scene`, whose shape is that of the first one.
    pub(super) fn upload(&mut self, scene: &Scene) {
        self.buffers.points = scene.points.iter().copied().map(Vector).collect();
        self.buffers.paints = paints_of(scene).into_iter().map(Vector).collect();
    }

    fn make_lists(&mut self) {
        let Capacity { lines, refs, cells, items, batches } = self.capacity;
        let to = &mut self.buffers;
        to.lines = vec![Line::default(); lines as usize];
        to.refs = vec![[0; 2]; refs as usize];
        to.cell_lines = vec![[0; 2]; refs as usize];
        to.moments = vec![Vec4::ZERO; refs as usize];
        to.cells = vec![[0; 2]; cells as usize];
        to.winding = vec![0; (TILE * cells) as usize];
        to.cell_grads = vec![Vec4::ZERO; cells as usize];
        to.items = vec![Item::default(); items as usize];
        to.checkpoints = vec![Vec4::ZERO; (self.frame.checkpoint_stride * batches) as usize * PIXELS];
        let frame = &mut self.frame;
        (frame.line_capacity, frame.ref_capacity, frame.cell_capacity) = (lines, refs, cells);
        (frame.item_capacity, frame.batch_capacity) = (items, batches);
    }

    /// Draws once, whether or not the lists are long enough; returns how long they must be as far as can be known.
    pub(super) fn pass(&mut self) -> Capacity {
        let mut need = Capacity { lines: 0, refs: 0, cells: 0, items: 0, batches: 0 };
        for strip in self.strips.clone() {
            self.draw_strip(&strip);
            let counters = &self.buffers.counters;
            need = need.max(Capacity {
                lines: counters[counter::LINES],
                refs: counters[counter::REFS],
                cells: counters[counter::CELLS],
                items: self.frame.tiles_x * (strip.end - strip.start) + counters[counter::ITEMS],
                batches: counters[counter::BATCHES],
            });
        }
        need
    }

    /// Draws as often as it takes for all lists to be long enough; returns how often that was.
    pub(super) fn forward(&mut self) -> usize {
        for passes in 1..8 {
            let wants = self.pass().max(self.capacity);
            if wants == self.capacity {
                return passes;
            }
            self.capacity = wants;
            self.make_lists();
        }
        panic!("the lists never fit, last {:?}", self.capacity);
    }

    /// Undoes what was drawn; needs `image_grad`.
    pub(super) fn backward(&mut self) -> SceneGrad {
        self.buffers.curve_grads.fill(Vec2::ZERO);
        self.buffers.path_grads.fill(Vec4::ZERO);
        for strip in self.strips.clone() {
            if self.strips.len() > 1 {
                self.draw_strip(&strip);
            }
            self.buffers.moments.fill(Vec4::ZERO);
            self.buffers.cell_grads.fill(Vec4::ZERO);
            BACKWARD.iter().for_each(|stage| self.run(stage, &strip));
        }
        GATHER.iter().for_each(|stage| self.run(stage, &(0..0)));
        SceneGrad {
            points: self.buffers.point_grads.iter().map(|point| point.0).collect(),
            fills: self.buffers.fill_grads.iter().map(|fill| fill.0).collect(),
        }
    }

    fn draw_strip(&mut self, strip: &Range<u32>) {
        self.buffers.bounds.fill([0; 4]);
        self.buffers.cells.fill([0; 2]);
        self.buffers.winding.fill(0);
        self.buffers.counters = vec![0; counter::COUNT];
        FORWARD.iter().for_each(|stage| self.run(stage, strip));
    }

    /// A dispatch.
    fn run(&mut self, stage: &Stage, strip: &Range<u32>) {
        let frame = &Frame { first_row: strip.start, end_row: strip.end, ..self.frame };
        let width = frame.width as usize;
        let pixels = (strip.start * TILE) as usize * width..(strip.end * TILE).min(frame.height) as usize * width;
        let Geometry { curves, paths, fill_paths, .. } = &self.geometry;
        let Buffers {
            points,
            paints,
            bounds,
            path_cells,
            curve_lines,
            counters,
            lines,
            refs,
            cell_lines,
            cells,
            winding,
            items,
            checkpoints,
            moments,
            cell_grads,
            curve_grads,
            path_grads,
            point_grads,
            fill_grads,
            image,
            image_grad,
        } = &mut self.buffers;
        let (image, image_grad) = (&mut image[pixels.clone()], &image_grad[pixels]);
        match stage.shader.name {
            "flatten" => super::flatten::run(frame, points, curves, bounds, lines, curve_lines, counters),
            "cells" => super::cells::run(frame, bounds, path_cells, counters),
            "bin" => super::bin::run(frame, lines, curves, path_cells, counters, cells, winding, refs),
            "backdrop" => super::backdrop::run(frame, path_cells, cells, winding, counters),
            "place" => super::place::run(frame, lines, refs, cells, counters, cell_lines),
            "tile_lists" => {
                super::tile_lists::run(frame, path_cells, paths, paints, cells, winding, items, counters);
            }
            "fine_forward" => super::fine_forward::run(frame, items, winding, cell_lines, lines, checkpoints, image),
            "fine_backward" => super::fine_backward::run(
                frame,
                items,
                winding,
                cell_lines,
                lines,
                checkpoints,
                image_grad,
                moments,
                cell_grads,
            ),
            "reduce_curves" => super::reduce_curves::run(frame, curve_lines, lines, moments, curve_grads),
            "reduce_paths" => super::reduce_paths::run(frame, path_cells, cell_grads, path_grads),
            "gather_points" => super::gather_points::run(frame, curves, curve_grads, point_grads),
            "gather_fills" => super::gather_fills::run(frame, fill_paths, path_grads, fill_grads),
            other => panic!("stage '{other}' has no twin"),
        }
    }
}
