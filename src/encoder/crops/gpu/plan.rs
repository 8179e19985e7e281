//! What the card is told once about a set of windows: tables, places in scratch memory, and the dispatches of both ways.
//!
//! Input: [`Crops`]. Output: [`Plan`]. Invariants: windows are served in groups whose scratch fits the card, in their order;
//! within a group no two windows share scratch, and nothing in scratch outlives one way. Cost: one pass over the axes'
//! weights, and some hundred operations for each 16 x 16 pixels of a warp.

use super::super::resize::Axis;
use super::super::{Crop, Crops};
use super::stages::{ALONG_COLUMNS, ALONG_ROWS, BLOCK, Resize, Tile, Warp, Window};
use super::warp::warp_of;
use crate::gpu::GROUP;

/// Scratch of one kind that a group of windows may take; one window may take more.
pub(super) const GROUP_BYTES: u64 = 64 << 20;
/// Lines of values that a thread of a resize makes.
pub(super) const LINES: usize = 2;
/// Bytes of a value of a plane.
pub(super) const VALUE_BYTES: u64 = 16;

/// What one dispatch does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Rows of the picture to lines.
    ImageToLines,
    /// Lines to planes.
    LinesToPlanes,
    /// Planes to lines.
    PlanesToLines,
    Warp,
    Unwarp,
    Normalise,
    Denormalise,
    /// Lines of all windows to the picture's gradient.
    Sum,
}

/// One dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub task: Task,
    pub first_job: u32,
    pub jobs: u32,
    pub groups_per_job: u32,
    /// See `Frame::adds`.
    pub adds: bool,
}

/// Everything that is uploaded, and everything that is run.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub runs: Vec<[u32; 4]>,
    pub weights: Vec<[f32; BLOCK]>,
    pub resizes: Vec<Resize>,
    pub warps: Vec<Warp>,
    pub fills: Vec<[f32; 4]>,
    pub tiles: Vec<Tile>,
    pub windows: Vec<Window>,
    pub forward: Vec<Step>,
    pub adjoint: Vec<Step>,
    /// Values of the scratch for half-resized windows.
    pub lines: u64,
    /// Values of the scratch for resized and warped windows.
    pub planes: u64,
}

/// Resizes of one group, each list for one dispatch.
#[derive(Debug, Default)]
struct Lists {
    rows: Vec<Resize>,
    columns: Vec<Resize>,
    last_rows: Vec<Resize>,
    last_columns: Vec<Resize>,
    back_last_columns: Vec<Resize>,
    back_last_rows: Vec<Resize>,
    back_columns: Vec<Resize>,
}

/// Values that a window takes, or where its values begin, in lines and in planes.
#[derive(Clone, Copy, Debug, Default)]
struct Room {
    lines: usize,
    planes: usize,
}

impl Room {
    fn of(crop: &Crop, side: usize) -> Self {
        let (lo, hi) = crop.first.columns.used();
        let rows = crop.first.rows.len();
        let mut room = Self { lines: rows * (hi - lo), planes: rows * crop.first.columns.len() };
        if let Some(warp) = &crop.warp {
            room.planes += warp.to * warp.to;
        }
        if crop.last.is_some() {
            room.lines = room.lines.max(side * crop.middle_width);
            room.planes += side * side;
        }
        room
    }

    fn plus(self, other: Self) -> Self {
        Self { lines: self.lines + other.lines, planes: self.planes + other.planes }
    }
}

impl Plan {
    /// Values of scratch of one kind that the largest window takes: what cannot be divided.
    pub(super) fn largest_window(crops: &Crops) -> u64 {
        let rooms = crops.crops.iter().map(|crop| Room::of(crop, crops.side));
        rooms.map(|room| room.lines.max(room.planes) as u64).max().unwrap_or(0)
    }

    /// Plans `crops`, none of which is larger than a buffer, with groups that take at most `group_bytes` of each kind of
    /// scratch, or one window.
    pub(super) fn new(crops: &Crops, group_bytes: u64) -> Self {
        let mut plan = Self::default();
        let limit = (group_bytes / VALUE_BYTES) as usize;
        let mut rest = crops.crops.as_slice();
        loop {
            let mut room = Room::default();
            let fits = |crop: &&Crop| {
                room = room.plus(Room::of(crop, crops.side));
                room.lines <= limit && room.planes <= limit
            };
            let count = rest.iter().take_while(fits).count().max(1).min(rest.len());
            let (group, behind) = rest.split_at(count);
            // Without any window there is one group, which empties the gradient.
            plan.add_group(crops, group);
            rest = behind;
            if rest.is_empty() {
                return plan;
            }
        }
    }

    fn add_group(&mut self, crops: &Crops, group: &[Crop]) {
        let (first_window, first_warp) = (self.windows.len(), self.warps.len());
        let (mut lists, mut at) = (Lists::default(), Room::default());
        for crop in group {
            self.add_crop(crop, crops, at, &mut lists);
            at = at.plus(Room::of(crop, crops.side));
        }
        self.lines = self.lines.max(at.lines as u64);
        self.planes = self.planes.max(at.planes as u64);
        let pixels = crops.side * crops.side;
        let windows = |task| step(task, first_window, group.len(), pixels);
        let warps = self.warps.get(first_warp..).unwrap_or_default();
        let largest = |size: fn(&Warp) -> u32| warps.iter().map(size).max().unwrap_or(0) as usize;
        let warp = step(Task::Warp, first_warp, warps.len(), largest(|warp| warp.to * warp.to));
        let unwarp =
            step(Task::Unwarp, first_warp, warps.len(), largest(|warp| warp.source_width * warp.source_height));
        let forward = [
            self.add_list(Task::ImageToLines, lists.rows),
            self.add_list(Task::LinesToPlanes, lists.columns),
            warp,
            self.add_list(Task::PlanesToLines, lists.last_rows),
            self.add_list(Task::LinesToPlanes, lists.last_columns),
            windows(Task::Normalise),
        ];
        let adjoint = [
            windows(Task::Denormalise),
            self.add_list(Task::PlanesToLines, lists.back_last_columns),
            self.add_list(Task::LinesToPlanes, lists.back_last_rows),
            unwarp,
            self.add_list(Task::PlanesToLines, lists.back_columns),
        ];
        let sum = Step { adds: first_window > 0, ..step(Task::Sum, first_window, group.len(), 1) };
        self.forward.extend(forward.into_iter().filter(|step| step.jobs > 0));
        self.adjoint.extend(adjoint.into_iter().filter(|step| step.jobs > 0).chain([sum]));
    }

    fn add_list(&mut self, task: Task, list: Vec<Resize>) -> Step {
        let threads = |job: &Resize| {
            let (along, across) =
                if job.along == ALONG_ROWS { (job.rows, job.columns) } else { (job.columns, job.rows) };
            (along as usize).div_ceil(BLOCK) * (across as usize).div_ceil(LINES)
        };
        let step = step(task, self.resizes.len(), list.len(), list.iter().map(threads).max().unwrap_or(0));
        self.resizes.extend(list);
        step
    }

    fn add_crop(&mut self, crop: &Crop, crops: &Crops, at: Room, lists: &mut Lists) {
        let axes = &crop.first;
        let ((left, right), (top, bottom)) = (axes.columns.used(), axes.rows.used());
        let [lines, span, middle] = [at.lines, right - left, at.planes].map(|value| value as u32);
        let [columns, rows] = [&axes.columns, &axes.rows].map(|axis| axis.len() as u32);
        let [r, g, b] = crop.fill;
        let fill = [r, g, b, 0.0];
        let from_image = Resize { source: left as u32, source_width: crops.width as u32, ..Resize::default() };
        let to_lines = Resize { result: lines, columns: span, rows, fill, ..from_image };
        lists.rows.push(Resize { runs: self.add_axis(&axes.rows, 0), along: ALONG_ROWS, ..to_lines });
        let from_lines = Resize { source: lines, source_width: span, ..Resize::default() };
        let to_plane = Resize { result: middle, columns, rows, fill, ..from_lines };
        lists.columns.push(Resize { runs: self.add_axis(&axes.columns, left), along: ALONG_COLUMNS, ..to_plane });
        let from_plane = Resize { source: middle, source_width: columns, ..Resize::default() };
        let back_to_lines = Resize { result: lines, columns: span, rows, ..from_plane };
        let back_columns = self.add_axis(&axes.columns.transposed((left, right)), 0);
        lists.back_columns.push(Resize { runs: back_columns, along: ALONG_COLUMNS, ..back_to_lines });
        let top = top - top % BLOCK;
        let back_rows = self.add_axis(&axes.rows.transposed((top, bottom)), 0);

        let mut square = middle;
        if let Some(warp) = &crop.warp {
            square = middle + columns * rows;
            self.warps.push(warp_of(warp, middle, square, &mut self.tiles));
            self.fills.push(fill);
        }
        if crop.last.is_some() {
            square = self.add_last(crop, crops.side as u32, lines, square, lists);
        }
        let [left, top, right, bottom] = [left, top, right, bottom].map(|value| value as u32);
        self.windows.push(Window { lines, span, left, top, right, bottom, runs: back_rows, square });
    }

    /// The resize behind a warp, from the plane at `warped`; says where the crop is.
    fn add_last(&mut self, crop: &Crop, side: u32, lines: u32, warped: u32, lists: &mut Lists) -> u32 {
        let Some(axes) = &crop.last else { return warped };
        let cut = crop.middle_width as u32;
        let square = warped + cut * cut;
        let whole = (0, crop.middle_width);
        let from_warped = Resize { source: warped, source_width: cut, ..Resize::default() };
        let to_lines = Resize { result: lines, columns: cut, rows: side, ..from_warped };
        lists.last_rows.push(Resize { runs: self.add_axis(&axes.rows, 0), along: ALONG_ROWS, ..to_lines });
        let from_lines = Resize { source: lines, source_width: cut, ..Resize::default() };
        let to_square = Resize { result: square, columns: side, rows: side, ..from_lines };
        lists.last_columns.push(Resize { runs: self.add_axis(&axes.columns, 0), along: ALONG_COLUMNS, ..to_square });
        let from_square = Resize { source: square, source_width: side, ..Resize::default() };
        let back_to_lines = Resize { result: lines, columns: cut, rows: side, ..from_square };
        let columns = self.add_axis(&axes.columns.transposed(whole), 0);
        lists.back_last_columns.push(Resize { runs: columns, along: ALONG_COLUMNS, ..back_to_lines });
        let back_to_warped = Resize { result: warped, columns: cut, rows: cut, ..from_lines };
        let rows = self.add_axis(&axes.rows.transposed(whole), 0);
        lists.back_last_rows.push(Resize { runs: rows, along: ALONG_ROWS, ..back_to_warped });
        square
    }

    /// Appends an axis whose source begins at `base`; says where its runs begin.
    fn add_axis(&mut self, axis: &Axis, base: usize) -> u32 {
        let first_run = self.runs.len() as u32;
        let results = axis.runs().collect::<Vec<_>>();
        for block in results.chunks(BLOCK) {
            let spans = || block.iter().filter(|result| !result.1.is_empty()).map(|(at, w)| (*at, at + w.len()));
            let start = spans().map(|span| span.0).min().unwrap_or(base);
            let count = spans().map(|span| span.1 - start).max().unwrap_or(0);
            let mut table = vec![[0.0; BLOCK]; count + 1];
            for (result, (at, weights)) in block.iter().enumerate() {
                // As `Resize::forward` in resize.rs sums them.
                let sum = weights.iter().sum::<f32>();
                let rows = table.iter_mut().skip(1 + at.saturating_sub(start)).zip(*weights);
                rows.filter_map(|(row, weight)| Some((row.get_mut(result)?, weight)))
                    .for_each(|(slot, weight)| *slot = *weight);
                if let Some(slot) = table.first_mut().and_then(|row| row.get_mut(result)) {
                    *slot = sum;
                }
            }
            self.runs.push([(start - base) as u32, self.weights.len() as u32, count as u32, 0]);
            self.weights.extend(table);
        }
        first_run
    }
}

fn step(task: Task, first_job: usize, jobs: usize, elements: usize) -> Step {
    // A job that does nothing still takes a workgroup, so that shaders may divide by their number.
    let groups_per_job = (elements as u32).div_ceil(GROUP).max(1);
    Step { task, first_job: first_job as u32, jobs: jobs as u32, groups_per_job, adds: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoder::Config;
    use crate::encoder::crops::draw::{CropPreset, Region, draw};
    use crate::rng::{Stage, Stream};

    #[test]
    fn small_scratch_means_more_groups_and_the_same_windows() {
        let config = Config { image_side_px: 16, ..Config::vit_b_32() };
        let preset = CropPreset::Paper { patches: 5 };
        let specs = draw(Region::whole(60, 40), (60, 40), preset, &mut Stream::new(1, 0, Stage::Test, 0)).unwrap();
        let crops = Crops::new(&specs, 60, 40, &config).unwrap();
        let sums = |plan: &Plan| plan.adjoint.iter().filter(|step| step.task == Task::Sum).count();
        let (whole, cut) = (Plan::new(&crops, GROUP_BYTES), Plan::new(&crops, 1));
        assert_eq!((sums(&whole), sums(&cut)), (1, 6), "groups");
        assert_eq!((whole.windows.len(), cut.windows.len()), (6, 6), "windows");
        assert!(cut.planes < whole.planes && cut.lines < whole.lines, "scratch");
        let added = cut.adjoint.iter().filter(|step| step.adds).count();
        assert_eq!(added, 5, "only the first group overwrites");
        let none = Plan::new(&Crops::new(&[], 60, 40, &config).unwrap(), GROUP_BYTES);
        assert_eq!((none.forward.len(), sums(&none)), (0, 1), "no windows: an empty gradient");
    }
}
