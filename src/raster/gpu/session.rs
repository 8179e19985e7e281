//! One scene on one card: buffers that live as long as the loop, and the commands of a pass.
//!
//! Input: a scene, then new points and paints. Output: filled buffers `image`, `point_grads`, `fill_grads`. Invariants: no
//! list has a cap: what does not fit is counted, the buffers grow and the pass is repeated; what no buffer can hold is drawn
//! in strips of tile rows. Determinism: positions in lists differ from run to run, results do not: areas are sums of
//! integers, everything else is summed in a fixed order. Cost: seven dispatches there, five back.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::constants::{Frame, TILE, bytes};
use super::constants::{GROUP, TRAINED_OPACITY, TRAINED_POINTS, counter};
use super::geometry::{Geometry, paints_of};
use super::stages::{BACKWARD, FORWARD, GATHER};
use crate::gpu::{self, Bound, Gpu, GpuError, Read, Stage, bytes_of};
use crate::raster::{RasterError, Size, TOLERANCE_PX, Trained};
use crate::scene::Scene;

/// How long each list may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Capacity {
    lines: u64,
    refs: u64,
    cells: u64,
    items: u64,
    batches: u64,
}

/// What a drawing held: the figures that a card's limit is computed from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines of the cubics that can touch the canvas; once for each strip they touch.
    pub lines: u64,
    /// Lines in tiles.
    pub line_tiles: u64,
    /// Tiles within the bounds of paths.
    pub cells: u64,
    /// Paths in tiles that they cover something of.
    pub tile_pairs: u64,
    /// Strips that the picture was cut into.
    pub strips: u64,
}

/// What a session is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::raster) struct Purpose {
    /// Raster size.
    pub size: Size,
    /// Red, green, blue, transmittance behind the scene.
    pub background: [f32; 4],
    /// What the way back must deliver; none: there is no way back, and only one strip's image is held at a time.
    pub trained: Option<Trained>,
}

/// A range of rows of tiles, drawn by itself, and the stages that draw it.
#[derive(Debug)]
struct Strip {
    rows: Range<u32>,
    /// Place of its counters in the buffer of all strips' counters.
    counters_at: u64,
    forward: Vec<Bound>,
    /// None where there is no way back.
    backward: Vec<Bound>,
}

/// A scene on a card.
#[derive(Debug)]
pub(in crate::raster) struct Session {
    pub(super) gpu: Arc<Gpu>,
    pub(super) geometry: Geometry,
    pub(super) purpose: Purpose,
    scale: [f32; 2],
    pub(super) capacity: Capacity,
    strips: Vec<Strip>,
    /// The stages that end the way back.
    gather: Vec<Bound>,
    buffers: BTreeMap<&'static str, wgpu::Buffer>,
    /// Room for what comes back from a drawing; grows.
    read: Read,
    /// What the last drawing held.
    pub(super) counts: Counts,
}

/// Counters of one strip are this far from the next one's, as bindings must be.
const COUNTER_BYTES: u64 = 256;
/// Repetitions after which a pass that never fits is given up; each makes lists longer or halves the strips.
const MOST_REPEATS: usize = 24;

impl Session {
    pub(in crate::raster) fn new(gpu: Arc<Gpu>, scene: &Scene, purpose: Purpose) -> Result<Self, RasterError> {
        let geometry = Geometry::of(scene);
        let curves = geometry.curves.len() as u64;
        let rows = (purpose.size.height_px as u32).div_ceil(TILE);
        let tiles = u64::from((purpose.size.width_px as u32).div_ceil(TILE)) * u64::from(rows);
        let capacity = Capacity {
            lines: 3 * curves + 1024,
            refs: 4 * curves + 1024,
            cells: 8 * geometry.paths.len() as u64 + 4 * tiles,
            items: 16 * tiles,
            batches: 2 * tiles,
        };
        let scale = |px: usize, canvas: f32| (px as f64 / f64::from(canvas)) as f32;
        let read = gpu.reader(COUNTER_BYTES)?;
        let mut session = Self {
            gpu,
            geometry,
            purpose,
            scale: [scale(purpose.size.width_px, scene.width), scale(purpose.size.height_px, scene.height)],
            capacity,
            strips: Vec::new(),
            gather: Vec::new(),
            buffers: BTreeMap::new(),
            read,
            counts: Counts::default(),
        };
        session.make_fixed_buffers(scene)?;
        // Counters are 32 bits wide: a strip may not have more cells than they can count.
        let cells = session.geometry.paths.len() as u64 * tiles;
        session.make_strips((cells >> 31) as u32 + 1)?;
        Ok(session)
    }

    fn make_fixed_buffers(&mut self, scene: &Scene) -> Result<(), GpuError> {
        let Geometry { curves, paths, fill_paths, .. } = &self.geometry;
        let (curve_count, path_count) = (curves.len() as u64, paths.len() as u64);
        let fixed = [
            ("points", self.gpu.storage_of("points", &scene.points)?),
            ("paints", self.gpu.storage_of("paints", &paints_of(scene))?),
            ("curves", self.gpu.storage_of("curves", curves)?),
            ("paths", self.gpu.storage_of("paths", paths)?),
            ("fill_paths", self.gpu.storage_of("fill_paths", fill_paths)?),
            ("bounds", self.gpu.storage("bounds", 16 * path_count)?),
            ("path_cells", self.gpu.storage("path_cells", bytes::PATH_CELLS * path_count)?),
            ("curve_lines", self.gpu.storage("curve_lines", 8 * curve_count)?),
        ];
        self.buffers.extend(fixed);
        if self.purpose.trained.is_some() {
            let back = [
                ("curve_grads", self.gpu.storage("curve_grads", 32 * curve_count)?),
                ("point_grads", self.gpu.storage("point_grads", 8 * scene.points.len() as u64)?),
                ("path_grads", self.gpu.storage("path_grads", 16 * path_count)?),
                ("fill_grads", self.gpu.storage("fill_grads", 16 * self.fill_count())?),
            ];
            self.buffers.extend(back);
        }
        Ok(())
    }

    pub(super) fn fill_count(&self) -> u64 {
        u64::from(self.geometry.fills)
    }

    fn tiles_x(&self) -> u32 {
        (self.purpose.size.width_px as u32).div_ceil(TILE)
    }

    fn tile_rows(&self) -> u32 {
        (self.purpose.size.height_px as u32).div_ceil(TILE)
    }

    /// Cuts the picture into `count` strips and makes everything whose size depends on them.
    fn make_strips(&mut self, count: u32) -> Result<(), GpuError> {
        let rows = self.tile_rows();
        let height = rows.div_ceil(count.clamp(1, rows));
        let cut = (0..rows).step_by(height as usize).map(|first| first..(first + height).min(rows)).collect();
        self.make_lists(cut)
    }

    fn image_bytes(&self, rows: &Range<u32>) -> u64 {
        16 * self.purpose.size.width_px as u64 * self.pixel_rows(rows)
    }

    /// Rows of pixels of a strip.
    fn pixel_rows(&self, rows: &Range<u32>) -> u64 {
        let height = self.purpose.size.height_px as u32;
        u64::from((rows.end * TILE).min(height) - rows.start * TILE)
    }

    fn list_bytes(&self) -> [(&'static str, u64); 9] {
        let Capacity { lines, refs, cells, items, batches } = self.capacity;
        let pixel_bytes = 16 * self.checkpoint_stride();
        [
            ("lines", bytes::LINE * lines),
            ("refs", 8 * refs),
            ("cell_lines", 8 * refs),
            ("cells", 8 * cells),
            ("winding", 4 * u64::from(TILE) * cells),
            ("items", bytes::ITEM * items),
            ("checkpoints", u64::from(GROUP) * pixel_bytes * batches),
            ("moments", if self.purpose.trained.is_some() { 16 * refs } else { 0 }),
            ("cell_grads", if self.purpose.trained.is_some() { 16 * cells } else { 0 }),
        ]
    }

    fn checkpoint_stride(&self) -> u64 {
        if self.geometry.has_layers { 2 } else { 1 }
    }

    /// Makes the lists for strips of these rows, cutting finer ones until every list fits the card.
    fn make_lists(&mut self, cut: Vec<Range<u32>>) -> Result<(), GpuError> {
        let limit = self.gpu.largest_buffer();
        let image = cut.iter().map(|rows| ("image", self.image_bytes(rows))).max_by_key(|image| image.1);
        let largest = self.list_bytes().into_iter().chain(image).max_by_key(|list| list.1);
        if let Some((what, bytes)) = largest.filter(|list| list.1 > limit) {
            let count = cut.len() as u32;
            if count >= self.tile_rows() {
                return Err(GpuError::TooLarge { adapter: self.gpu.note.name.clone(), what, bytes, limit });
            }
            let Capacity { lines, refs, cells, items, batches } = self.capacity;
            let tiles = u64::from(self.tiles_x());
            // Half the rows hold about half of everything; what they hold more is found by counting.
            self.capacity = Capacity {
                lines: lines / 2 + 256,
                refs: refs / 2 + 256,
                cells: cells / 2 + 256,
                items: (items / 2).max(2 * tiles),
                batches: batches / 2 + 64,
            };
            return self.make_strips(2 * count);
        }
        for (name, bytes) in self.list_bytes() {
            let buffer = self.gpu.storage(name, bytes)?;
            self.buffers.insert(name, buffer);
        }
        let counters = COUNTER_BYTES * cut.len() as u64;
        self.buffers.insert("counters", self.gpu.storage("counters", counters)?);
        let image = match self.purpose.trained {
            Some(_) => self.image_bytes(&(0..self.tile_rows())),
            None => image.map_or(0, |image| image.1),
        };
        if self.buffers.get("image").is_none_or(|buffer| buffer.size() < image || self.purpose.trained.is_none()) {
            self.buffers.insert("image", self.gpu.storage_in_parts("image", image)?);
            if self.purpose.trained.is_some() {
                self.buffers.insert("image_grad", self.gpu.storage_in_parts("image_grad", image)?);
            }
        }
        self.strips = (0..).zip(cut).map(|(index, rows)| self.strip(index, rows)).collect::<Result<_, _>>()?;
        if self.gather.is_empty() && self.purpose.trained.is_some() {
            self.gather = self.bind_gather()?;
        }
        Ok(())
    }

    fn frame(&self, rows: &Range<u32>) -> Frame {
        let Purpose { size, background, trained } = self.purpose;
        let trained = trained.unwrap_or_default();
        let Capacity { lines, refs, cells, items, batches } = self.capacity;
        let Geometry { curves, paths, points, fills, .. } = &self.geometry;
        let bit = |bit: u32, set: bool| if set { bit } else { 0 };
        Frame {
            background,
            scale: self.scale,
            tolerance_px: TOLERANCE_PX as f32,
            trained: bit(TRAINED_POINTS, trained.points) | bit(TRAINED_OPACITY, trained.opacity),
            width: size.width_px as u32,
            height: size.height_px as u32,
            tiles_x: self.tiles_x(),
            first_row: rows.start,
            end_row: rows.end,
            curves: curves.len() as u32,
            paths: paths.len() as u32,
            fills: *fills,
            points: *points,
            line_capacity: lines as u32,
            ref_capacity: refs as u32,
            cell_capacity: cells as u32,
            item_capacity: items as u32,
            batch_capacity: batches as u32,
            checkpoint_stride: self.checkpoint_stride() as u32,
            unused: 0,
        }
    }

    /// A strip with its stages bound to the lists as they are.
    fn strip(&self, index: u64, rows: Range<u32>) -> Result<Strip, GpuError> {
        let counters_at = COUNTER_BYTES * index;
        let frame = self.gpu.uniform("frame", bytes_of(&[self.frame(&rows)]))?;
        let bind = |stage: &Stage| {
            self.gpu.bind(stage, &frame, self.workgroups(stage, &rows), |name| {
                let buffer = self.buffers.get(name)?;
                Some(match name {
                    "counters" => part_of(buffer, counters_at, COUNTER_BYTES),
                    "image" | "image_grad" if self.purpose.trained.is_some() => {
                        part_of(buffer, self.image_bytes(&(0..rows.start)), self.image_bytes(&rows))
                    }
                    _ => buffer.as_entire_binding(),
                })
            })
        };
        let forward = FORWARD.iter().map(bind).collect::<Result<_, _>>()?;
        let back = BACKWARD.iter().filter(|_| self.purpose.trained.is_some());
        let backward = back.map(bind).collect::<Result<_, _>>()?;
        Ok(Strip { rows, counters_at, forward, backward })
    }

    /// The stages that end the way back, bound: they know neither strips nor lists, so that one binding lasts.
    fn bind_gather(&self) -> Result<Vec<Bound>, GpuError> {
        let rows = 0..self.tile_rows();
        let frame = self.gpu.uniform("frame", bytes_of(&[self.frame(&rows)]))?;
        let buffer = |name| self.buffers.get(name).map(wgpu::Buffer::as_entire_binding);
        GATHER.iter().map(|stage| self.gpu.bind(stage, &frame, self.workgroups(stage, &rows), buffer)).collect()
    }

    fn workgroups(&self, stage: &Stage, rows: &Range<u32>) -> u32 {
        let Geometry { curves, paths, points, .. } = &self.geometry;
        let threads = |count: u64| (count as u32).div_ceil(GROUP);
        match stage.shader.name {
            "flatten" | "reduce_curves" => threads(curves.len() as u64),
            "cells" => threads(paths.len() as u64),
            "bin" | "place" => threads(self.capacity.lines),
            "backdrop" | "reduce_paths" => paths.len() as u32,
            "gather_points" => threads(u64::from(*points)),
            "gather_fills" => threads(self.fill_count()),
            _ => self.tiles_x() * (rows.end - rows.start),
        }
    }

    /// Uploads the scene's numbers; its shape must be that of the first one.
    pub(in crate::raster) fn upload(&self, scene: &Scene) -> Result<(), GpuError> {
        self.gpu.write(self.buffer("points")?, bytes_of(&scene.points))?;
        self.gpu.write(self.buffer("paints")?, bytes_of(&paints_of(scene)))
    }

    /// A buffer by its name in the shaders.
    pub(super) fn buffer(&self, name: &'static str) -> Result<&wgpu::Buffer, GpuError> {
        let missing = || GpuError::Driver {
            adapter: self.gpu.note.name.clone(),
            reason: format!("the session has no buffer '{name}'"),
        };
        self.buffers.get(name).ok_or_else(missing)
    }

    fn clear(&self, commands: &mut wgpu::CommandEncoder, names: &[&'static str]) -> Result<(), GpuError> {
        names.iter().try_for_each(|name| {
            commands.clear_buffer(self.buffer(name)?, 0, None);
            Ok(())
        })
    }

    fn encode_strip(&self, commands: &mut wgpu::CommandEncoder, strip: &Strip) -> Result<(), GpuError> {
        self.clear(commands, &["bounds", "cells", "winding"])?;
        commands.clear_buffer(self.buffer("counters")?, strip.counters_at, Some(COUNTER_BYTES));
        gpu::dispatch(commands, &strip.forward);
        Ok(())
    }

    /// Commands that turn `image_grad` into `point_grads` and `fill_grads`; the lists must be those of the scene.
    pub(super) fn encode_backward(&self, commands: &mut wgpu::CommandEncoder) -> Result<(), GpuError> {
        self.clear(commands, &["curve_grads", "path_grads"])?;
        for strip in &self.strips {
            if self.strips.len() > 1 {
                self.encode_strip(commands, strip)?;
            }
            self.clear(commands, &["moments", "cell_grads"])?;
            gpu::dispatch(commands, &strip.backward);
        }
        gpu::dispatch(commands, &self.gather);
        Ok(())
    }

    /// Bytes of all strips' counters.
    fn counter_bytes(&self) -> u64 {
        COUNTER_BYTES * self.strips.len() as u64
    }

    /// Looks at counters read back after a drawing: whether the lists were long enough. Those that were not have grown.
    fn counted(&mut self, counters: &[u8], scene: &Scene) -> Result<bool, RasterError> {
        let mut need = Capacity { lines: 0, refs: 0, cells: 0, items: 0, batches: 0 };
        let mut counts = Counts { strips: self.strips.len() as u64, ..Counts::default() };
        for (strip, counters) in self.strips.iter().zip(counters.chunks(COUNTER_BYTES as usize)) {
            let at = |index: usize| {
                let bytes = counters.get(4 * index..4 * index + 4).and_then(|bytes| bytes.try_into().ok());
                bytes.map_or(0, u32::from_le_bytes)
            };
            if at(counter::BAD_PATH) > 0 {
                let path = self.geometry.paths.len() - at(counter::BAD_PATH) as usize;
                let path = scene.paths.get(path).map_or_else(String::new, |path| path.id.clone());
                return Err(RasterError::NotFinite { path });
            }
            let tiles = u64::from(self.tiles_x() * (strip.rows.end - strip.rows.start));
            counts.lines += u64::from(at(counter::LINES));
            counts.line_tiles += u64::from(at(counter::REFS));
            counts.cells += u64::from(at(counter::CELLS));
            counts.tile_pairs += u64::from(at(counter::ITEMS));
            need.lines = need.lines.max(at(counter::LINES).into());
            need.refs = need.refs.max(at(counter::REFS).into());
            need.cells = need.cells.max(at(counter::CELLS).into());
            need.items = need.items.max(tiles + u64::from(at(counter::ITEMS)));
            need.batches = need.batches.max(at(counter::BATCHES).into());
        }
        let grown = |have: u64, need: u64| if need > have { need + need / 4 + 64 } else { have };
        let has = self.capacity;
        let wants = Capacity {
            lines: grown(has.lines, need.lines),
            refs: grown(has.refs, need.refs),
            cells: grown(has.cells, need.cells),
            items: grown(has.items, need.items),
            batches: grown(has.batches, need.batches),
        };
        if wants == has {
            self.counts = counts;
            return Ok(true);
        }
        self.capacity = wants;
        self.make_lists(self.strips.iter().map(|strip| strip.rows.clone()).collect())?;
        Ok(false)
    }

    /// Runs `commands`, which end with a drawing, and shows the first bytes of `wanted`, as many as it says, to `take`. None:
    /// lists were too short and have grown, and the drawing must be repeated.
    fn attempt<R>(
        &mut self,
        mut commands: wgpu::CommandEncoder,
        scene: &Scene,
        wanted: Option<(&wgpu::Buffer, u64)>,
        take: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>, RasterError> {
        let counters = self.counter_bytes();
        let bytes = wanted.map_or(0, |(_, bytes)| bytes);
        if self.read.bytes() < counters + bytes {
            self.read = self.gpu.reader(counters + bytes)?;
        }
        self.read.copy(&mut commands, self.buffer("counters")?, 0, 0, counters);
        if let Some((buffer, bytes)) = wanted {
            self.read.copy(&mut commands, buffer, 0, counters, bytes);
        }
        let (counters, taken) = self.gpu.finish(commands, &self.read, |all| {
            let (counters, rest) = all.split_at_checked(counters as usize).unwrap_or((all, &[]));
            (counters.to_vec(), take(rest.get(..bytes as usize).unwrap_or(rest)))
        })?;
        Ok(self.counted(&counters, scene)?.then_some(taken))
    }

    /// Ends `commands` with a drawing into `image` and with what `follow` adds, and runs them; shows `wanted` to `take`. The
    /// drawing is repeated until all lists are long enough; what `commands` holds runs once.
    pub(super) fn draw<R>(
        &mut self,
        mut commands: wgpu::CommandEncoder,
        scene: &Scene,
        follow: impl Fn(&mut wgpu::CommandEncoder),
        wanted: Option<(&wgpu::Buffer, u64)>,
        take: impl Fn(&[u8]) -> R,
    ) -> Result<R, RasterError> {
        for _ in 0..MOST_REPEATS {
            self.strips.iter().try_for_each(|strip| self.encode_strip(&mut commands, strip))?;
            follow(&mut commands);
            if let Some(taken) = self.attempt(commands, scene, wanted, &take)? {
                return Ok(taken);
            }
            commands = self.gpu.commands()?;
        }
        Err(self.never_fits().into())
    }

    /// Draws into `image`.
    pub(in crate::raster) fn forward(&mut self, scene: &Scene) -> Result<(), RasterError> {
        self.draw(self.gpu.commands()?, scene, |_| (), None, |_| ())
    }

    /// Draws strip by strip and shows each strip's pixels with its first row.
    pub(in crate::raster) fn forward_strips(
        &mut self,
        scene: &Scene,
        mut show: impl FnMut(usize, &[[f32; 4]]) -> Result<(), RasterError>,
    ) -> Result<(), RasterError> {
        let (mut done, mut repeats) = (0, 0);
        // Strips that were cut anew may begin above the last row that was shown: rows that are not yet done decide.
        while let Some(strip) = self.strips.iter().find(|strip| strip.rows.end > done) {
            let rows = strip.rows.clone();
            let mut commands = self.gpu.commands()?;
            self.clear(&mut commands, &["counters"])?;
            self.encode_strip(&mut commands, strip)?;
            let image = (&self.buffer("image")?.clone(), self.image_bytes(&rows));
            let pixels = self.attempt(commands, scene, Some(image), bytemuck::pod_collect_to_vec::<u8, [f32; 4]>)?;
            match pixels {
                Some(pixels) => {
                    show((rows.start * TILE) as usize, &pixels)?;
                    (done, repeats) = (rows.end, 0);
                }
                None if repeats < MOST_REPEATS => repeats += 1,
                None => return Err(self.never_fits().into()),
            }
        }
        Ok(())
    }

    fn never_fits(&self) -> GpuError {
        let reason = format!("the lists of the scene never fit, last {:?}", self.capacity);
        GpuError::Driver { adapter: self.gpu.note.name.clone(), reason }
    }
}

fn part_of(buffer: &wgpu::Buffer, offset: u64, bytes: u64) -> wgpu::BindingResource<'_> {
    wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer, offset, size: std::num::NonZeroU64::new(bytes) })
}
