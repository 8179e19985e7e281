//! Outlines of stacked components: order, growth under later shapes, and the walk along pixel edges.
//!
//! Input: [`Regions`] of one round. Output: for every component its closed outlines on the pixel lattice, back to
//! front. Invariants: larger filled outlines lie below, so a component enclosed by another lies on it; a component
//! grows only under components drawn later, so what is visible is exactly the partition; shapes that touch the
//! canvas edge reach [`BLEED_PX`] beyond it. Determinism: components are independent of each other.
//! Cost: linear in outline length times growth. (`visioncortex::PathWalker` walks a bitmap cut out for each shape,
//! which costs the bounding boxes, not the outlines, and panics on shapes that touch themselves diagonally.)

use rayon::prelude::*;

use super::regions::{NONE, Regions};

/// How far shapes at the canvas edge reach beyond it, in pixels.
pub(super) const BLEED_PX: usize = 2;
const PAD: usize = BLEED_PX + 1;

/// A closed walk along unit edges between pixels, in canvas coordinates, the shape on the right-hand side (clockwise
/// with y down; holes run the other way).
pub(super) type Outline = Vec<[i32; 2]>;

/// One component's outlines, the outer first.
pub(super) struct Traced {
    /// Component number in its [`Regions`].
    pub(super) region: u32,
    pub(super) outlines: Vec<Outline>,
}

/// Traces all components, back to front. `bleeds` says which canvas sides (left, top, right, bottom) shapes reach
/// beyond; `keeps_holes` traces inner outlines too, for pictures with transparent parts.
pub(super) fn trace(regions: &Regions, overlap: u32, bleeds: [bool; 4], keeps_holes: bool) -> Vec<Traced> {
    let map = Map::new(regions, bleeds);
    let (pixels, starts) = map.regions.pixel_lists();
    let list = |region: u32| {
        let bound = |index: u32| starts.get(index as usize).map_or(0, |&start| start as usize);
        pixels.get(bound(region)..bound(region + 1)).unwrap_or_default()
    };
    let all: Vec<u32> = (0..regions.regions.len() as u32).collect();
    let filled: Vec<i64> = all.par_iter().map(|&region| map.filled_area(region, list(region))).collect();
    let mut order = all;
    order.sort_unstable_by_key(|&region| (std::cmp::Reverse(filled.get(region as usize)), region));
    let mut rank = vec![0u32; order.len()];
    for (place, &region) in order.iter().enumerate() {
        if let Some(rank) = rank.get_mut(region as usize) {
            *rank = place as u32;
        }
    }
    let trace_one = |marks: &mut Marks, &region: &u32| {
        let first = map.grow(region, list(region), &rank, overlap, marks);
        Traced { region, outlines: map.outlines(region, list(region), first, keeps_holes, marks) }
    };
    order.par_iter().map_init(|| Marks::new(map.regions.of_pixel.len()), trace_one).collect()
}

/// Per-thread notes on pixels; an entry counts only when it holds the current component's stamp.
struct Marks {
    grown: Vec<u32>,
    walked: Vec<u32>,
    added: Vec<u32>,
}

impl Marks {
    fn new(pixels: usize) -> Self {
        Self { grown: vec![0; pixels], walked: vec![0; pixels], added: Vec::new() }
    }
}

/// The component map with a margin, so that no walk ever leaves it.
struct Map {
    regions: Regions,
}

impl Map {
    fn new(regions: &Regions, [left, top, right, bottom]: [bool; 4]) -> Self {
        let (width, height) = (regions.width + 2 * PAD, regions.height + 2 * PAD);
        let source = |at: usize, size: usize, low: bool, high: bool| {
            let inner = PAD..PAD + size;
            let bleeds = (low && (1..PAD).contains(&at)) || (high && (inner.end..inner.end + BLEED_PX).contains(&at));
            (bleeds || inner.contains(&at)).then(|| at.clamp(PAD, PAD + size - 1) - PAD)
        };
        let columns: Vec<Option<usize>> = (0..width).map(|x| source(x, regions.width, left, right)).collect();
        let mut of_pixel = vec![NONE; width * height];
        for (y, row) in of_pixel.chunks_mut(width).enumerate() {
            let Some(y) = source(y, regions.height, top, bottom) else { continue };
            let line = regions.of_pixel.get(y * regions.width..).unwrap_or_default();
            for (value, x) in row.iter_mut().zip(&columns) {
                *value = x.and_then(|x| line.get(x)).copied().unwrap_or(NONE);
            }
        }
        Self { regions: Regions { width, height, of_pixel, regions: regions.regions.clone() } }
    }

    fn at(&self, pixel: usize) -> u32 {
        self.regions.of_pixel.get(pixel).copied().unwrap_or(NONE)
    }

    fn neighbors(&self, pixel: u32) -> [u32; 4] {
        let width = self.regions.width as u32;
        [pixel.wrapping_sub(width), pixel + 1, pixel + width, pixel.wrapping_sub(1)]
    }

    /// Area inside the outer outline, holes included.
    fn filled_area(&self, region: u32, pixels: &[u32]) -> i64 {
        let Some(&first) = pixels.first() else { return 0 };
        let outline = self.walk(first, |pixel| self.at(pixel) == region, |_| {});
        let mut doubled = 0;
        for (&[xa, ya], &[xb, yb]) in outline.iter().zip(outline.iter().cycle().skip(1)) {
            doubled += i64::from(xa) * i64::from(yb) - i64::from(xb) * i64::from(ya);
        }
        doubled / 2
    }

    /// Grows `region` by `steps` pixels under components of a higher rank; returns its new first pixel.
    fn grow(&self, region: u32, pixels: &[u32], rank: &[u32], steps: u32, marks: &mut Marks) -> u32 {
        let own = rank.get(region as usize).copied().unwrap_or(0);
        let lies_on_top = |pixel: u32| rank.get(self.at(pixel as usize) as usize).is_some_and(|&other| other > own);
        let stamp = region + 1;
        marks.added.clear();
        let mut first = pixels.first().copied().unwrap_or(0);
        let mut ring = 0..0;
        for step in 0..steps {
            let sources = if step == 0 { pixels.len() } else { ring.len() };
            let begin = marks.added.len();
            for index in 0..sources {
                let list = if step == 0 { pixels.get(index) } else { marks.added.get(ring.start + index) };
                let Some(&pixel) = list else { continue };
                for neighbor in self.neighbors(pixel) {
                    let Some(mark) = marks.grown.get_mut(neighbor as usize) else { continue };
                    if *mark != stamp && lies_on_top(neighbor) {
                        *mark = stamp;
                        marks.added.push(neighbor);
                        first = first.min(neighbor);
                    }
                }
            }
            ring = begin..marks.added.len();
        }
        first
    }

    /// Outlines of the grown component: the outer one, then the holes in reading order if wanted.
    fn outlines(&self, region: u32, pixels: &[u32], first: u32, keeps_holes: bool, marks: &mut Marks) -> Vec<Outline> {
        let stamp = region + 1;
        let Marks { grown, walked, added } = marks;
        let is_inside = |pixel: usize| self.at(pixel) == region || grown.get(pixel) == Some(&stamp);
        let mut walk_from = |start: u32| {
            self.walk(start, is_inside, |pixel| {
                if let Some(mark) = walked.get_mut(pixel) {
                    *mark = stamp;
                }
            })
        };
        let mut outlines = vec![walk_from(first)];
        if keeps_holes {
            let mut starts: Vec<u32> = pixels.iter().chain(added.iter()).copied().collect();
            starts.retain(|&pixel| !is_inside((pixel as usize).wrapping_sub(self.regions.width)));
            starts.sort_unstable();
            for start in starts {
                if marks.walked.get(start as usize) != Some(&stamp) {
                    let walked = &mut marks.walked;
                    outlines.push(self.walk(start, is_inside, |pixel| {
                        if let Some(mark) = walked.get_mut(pixel) {
                            *mark = stamp;
                        }
                    }));
                }
            }
        }
        outlines
    }

    /// Walks the outline that holds the top edge of pixel `start`, keeping the inside on the right. Where two inside
    /// pixels touch only diagonally the walk turns right, which keeps them apart. `on_top_edge` hears of every pixel
    /// whose top edge is walked; each outline has at least one.
    fn walk(&self, start: u32, is_inside: impl Fn(usize) -> bool, mut on_top_edge: impl FnMut(usize)) -> Outline {
        const STEPS: [[i32; 2]; 4] = [[1, 0], [0, 1], [-1, 0], [0, -1]];
        let width = self.regions.width as i32;
        let pixel_at = |x: i32, y: i32| (y * width + x) as usize;
        let begin = [start as i32 % width, start as i32 / width];
        let ([mut x, mut y], mut heading) = (begin, 0usize);
        let mut outline = Vec::new();
        loop {
            outline.push([x - PAD as i32, y - PAD as i32]);
            if heading == 0 {
                on_top_edge(pixel_at(x, y));
            }
            let [dx, dy] = STEPS.get(heading).copied().unwrap_or_default();
            (x, y) = (x + dx, y + dy);
            let (right, left) = match heading {
                0 => ((x, y), (x, y - 1)),
                1 => ((x - 1, y), (x, y)),
                2 => ((x - 1, y - 1), (x - 1, y)),
                _ => ((x, y - 1), (x - 1, y - 1)),
            };
            if !is_inside(pixel_at(right.0, right.1)) {
                heading = (heading + 1) % 4;
            } else if is_inside(pixel_at(left.0, left.1)) {
                heading = (heading + 3) % 4;
            }
            if [x, y] == begin && heading == 0 {
                return outline;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::regions::{Colors, connected};
    use super::*;

    fn trace_labels(labels: &[u16], width: usize, overlap: u32, keeps_holes: bool) -> Vec<Traced> {
        let colors = vec![[0.5; 3]; labels.len()];
        let regions = connected(labels, width, &Colors { lab: &colors, rgb: &colors });
        trace(&regions, overlap, [true; 4], keeps_holes)
    }

    fn area(outline: &Outline) -> i32 {
        let next = outline.iter().cycle().skip(1);
        outline.iter().zip(next).map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum::<i32>() / 2
    }

    #[test]
    fn an_enclosed_component_lies_on_top_and_leaves_no_hole() {
        let mut labels = [0u16; 25];
        labels[12] = 1;
        let traced = trace_labels(&labels, 5, 1, false);
        assert_eq!(traced.iter().map(|t| t.region).collect::<Vec<_>>(), [0, 1], "back to front");
        assert_eq!(area(&traced[0].outlines[0]), 81, "5 x 5 with 2 pixels of bleed, no hole");
        assert_eq!(traced[1].outlines, [vec![[2, 2], [3, 2], [3, 3], [2, 3]]], "the pixel itself");
    }

    #[test]
    fn a_transparent_hole_stays_open() {
        let mut labels = [0u16; 25];
        labels[12] = super::super::palette::NO_LABEL;
        let traced = trace_labels(&labels, 5, 3, true);
        assert_eq!(traced.len(), 1, "transparent pixels are no shape");
        assert_eq!(traced[0].outlines.iter().map(area).collect::<Vec<_>>(), [81, -1], "outer and hole");
    }

    #[test]
    fn a_shape_grows_under_later_shapes_only() {
        let labels: Vec<u16> = (0..40).map(|i| u16::from(i % 10 >= 6)).collect();
        let traced = trace_labels(&labels, 10, 2, false);
        assert_eq!(area(&traced[0].outlines[0]), 80, "6 columns, 2 of bleed, 2 under the other; 8 rows");
        assert_eq!(area(&traced[1].outlines[0]), 48, "4 columns and 2 of bleed, exact at the seam");
    }

    #[test]
    fn pixels_that_touch_diagonally_are_walked_apart() {
        let traced = trace_labels(&[0, 1, 1, 0, 0, 1, 1, 1, 1], 3, 0, true);
        let total: i32 = traced.iter().flat_map(|t| &t.outlines).map(area).sum();
        assert_eq!(total, 49, "3 x 3 with bleed is covered once");
    }
}
