//! Connected components of a label map and their statistics.
//!
//! Input: label map, `OKLab` pixels, source pixels. Output: [`Regions`], a partition of the labelled pixels into
//! 4-connected components with area, colour and neighbours. Invariants: components are numbered by their first pixel
//! in reading order; areas add up to the number of labelled pixels. Determinism: sequential, in pixel order.
//! Cost: linear in pixels (union by index with path halving).

use super::palette::NO_LABEL;

/// Component number of a pixel that gives no shape.
pub(super) const NONE: u32 = u32::MAX;

/// One component's statistics; sums are additive, so merging is addition.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Region {
    /// Number of pixels.
    pub(super) area: u32,
    /// Palette label of its largest part.
    pub(super) label: u16,
    /// Area of that part.
    pub(super) label_area: u32,
    /// Sum of the pixels in `OKLab`.
    pub(super) lab_sum: [f64; 3],
    /// Sum of the source pixels, display-referred sRGB over white.
    pub(super) rgb_sum: [f64; 3],
}

impl Region {
    /// Mean in `OKLab`.
    pub(super) fn lab(&self) -> [f32; 3] {
        self.lab_sum.map(|sum| (sum / f64::from(self.area.max(1))) as f32)
    }

    /// Mean of the source pixels.
    pub(super) fn rgb(&self) -> [f32; 3] {
        self.rgb_sum.map(|sum| (sum / f64::from(self.area.max(1))) as f32)
    }

    /// Takes in all pixels of `other`.
    pub(super) fn absorb(&mut self, other: &Self) {
        self.area += other.area;
        if other.label_area > self.label_area {
            (self.label, self.label_area) = (other.label, other.label_area);
        }
        for (sum, value) in self.lab_sum.iter_mut().zip(other.lab_sum) {
            *sum += value;
        }
        for (sum, value) in self.rgb_sum.iter_mut().zip(other.rgb_sum) {
            *sum += value;
        }
    }
}

/// A partition of a picture.
#[derive(Clone, Debug)]
pub(super) struct Regions {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Component of each pixel, or [`NONE`].
    pub(super) of_pixel: Vec<u32>,
    pub(super) regions: Vec<Region>,
}

/// The pixels that statistics are gathered from.
pub(super) struct Colors<'a> {
    pub(super) lab: &'a [[f32; 3]],
    pub(super) rgb: &'a [[f32; 3]],
}

/// 4-connected components of equal labels.
pub(super) fn connected(labels: &[u16], width: usize, colors: &Colors<'_>) -> Regions {
    let mut sets = Sets::new(labels.len());
    for (index, &label) in labels.iter().enumerate().filter(|&(_, &label)| label != NO_LABEL) {
        let is_same = |other: usize| labels.get(other) == Some(&label);
        if index % width > 0 && is_same(index - 1) {
            sets.union(index as u32, index as u32 - 1);
        }
        if index >= width && is_same(index - width) {
            sets.union(index as u32, (index - width) as u32);
        }
    }
    let mut regions = Regions { width, height: labels.len() / width.max(1), of_pixel: Vec::new(), regions: Vec::new() };
    regions.of_pixel = number_sets(&mut sets, |index| labels.get(index) != Some(&NO_LABEL), &mut regions.regions);
    for ((&region, &label), (lab, rgb)) in regions.of_pixel.iter().zip(labels).zip(colors.lab.iter().zip(colors.rgb)) {
        if let Some(region) = regions.regions.get_mut(region as usize) {
            let pixel =
                Region { area: 1, label, label_area: 0, lab_sum: lab.map(f64::from), rgb_sum: rgb.map(f64::from) };
            region.absorb(&pixel);
            (region.label, region.label_area) = (label, region.area);
        }
    }
    regions
}

impl Regions {
    /// Pairs of touching components, the smaller number first; a pair may occur more than once.
    pub(super) fn edges(&self) -> Vec<[u32; 2]> {
        let mut edges = Vec::new();
        let mut push = |a: u32, b: u32| {
            if a != b && a != NONE && b != NONE {
                edges.push([a.min(b), a.max(b)]);
            }
        };
        for (y, row) in self.of_pixel.chunks(self.width.max(1)).enumerate() {
            for pair in row.windows(2) {
                if let &[a, b] = pair {
                    push(a, b);
                }
            }
            let below = self.of_pixel.get((y + 1) * self.width..).unwrap_or_default();
            for (&a, &b) in row.iter().zip(below) {
                push(a, b);
            }
        }
        edges
    }

    /// Replaces component `c` by `merged[target_of_component[c]]`, and numbers anew by first pixel.
    pub(super) fn renumber(&mut self, target_of_component: &[u32], merged: &[Region]) {
        let mut new_of_target = vec![NONE; merged.len()];
        let mut regions = Vec::with_capacity(merged.len());
        for pixel in self.of_pixel.iter_mut().filter(|pixel| **pixel != NONE) {
            let target = target_of_component.get(*pixel as usize).map_or(usize::MAX, |&target| target as usize);
            let (Some(new), Some(region)) = (new_of_target.get_mut(target), merged.get(target)) else { continue };
            if *new == NONE {
                *new = regions.len() as u32;
                regions.push(*region);
            }
            *pixel = *new;
        }
        self.regions = regions;
    }

    /// Pixel indices of every component, component after component, with the start of each.
    pub(super) fn pixel_lists(&self) -> (Vec<u32>, Vec<u32>) {
        let mut starts = vec![0u32; self.regions.len() + 1];
        for &region in self.of_pixel.iter().filter(|&&region| region != NONE) {
            if let Some(count) = starts.get_mut(region as usize + 1) {
                *count += 1;
            }
        }
        let mut total = 0;
        for start in &mut starts {
            total += *start;
            *start = total;
        }
        let mut next = starts.clone();
        let mut pixels = vec![0u32; total as usize];
        for (index, &region) in self.of_pixel.iter().enumerate().filter(|&(_, &region)| region != NONE) {
            let Some(slot) = next.get_mut(region as usize) else { continue };
            if let Some(pixel) = pixels.get_mut(*slot as usize) {
                *pixel = index as u32;
            }
            *slot += 1;
        }
        (pixels, starts)
    }
}

fn number_sets(sets: &mut Sets, is_labelled: impl Fn(usize) -> bool, regions: &mut Vec<Region>) -> Vec<u32> {
    let count = sets.len();
    let mut number_of_root = vec![NONE; count];
    let mut numbers = vec![NONE; count];
    for (index, number) in numbers.iter_mut().enumerate().filter(|&(index, _)| is_labelled(index)) {
        if let Some(of_root) = number_of_root.get_mut(sets.find(index as u32) as usize) {
            if *of_root == NONE {
                *of_root = regions.len() as u32;
                regions.push(Region::default());
            }
            *number = *of_root;
        }
    }
    numbers
}

/// Disjoint sets; the smallest index of a set is its root.
#[derive(Clone, Debug)]
pub(super) struct Sets(Vec<u32>);

impl Sets {
    pub(super) fn new(count: usize) -> Self {
        Self((0..count as u32).collect())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    fn parent(&self, index: u32) -> u32 {
        self.0.get(index as usize).copied().unwrap_or(index)
    }

    /// The root of `index`.
    pub(super) fn find(&mut self, mut index: u32) -> u32 {
        while self.parent(index) != index {
            let grandparent = self.parent(self.parent(index));
            if let Some(parent) = self.0.get_mut(index as usize) {
                *parent = grandparent;
            }
            index = grandparent;
        }
        index
    }

    /// Joins two sets; the root kept and the root given up, or nothing when they were one already.
    pub(super) fn union(&mut self, a: u32, b: u32) -> Option<[u32; 2]> {
        let (a, b) = (self.find(a), self.find(b));
        if a == b {
            return None;
        }
        let (kept, given_up) = (a.min(b), a.max(b));
        if let Some(parent) = self.0.get_mut(given_up as usize) {
            *parent = kept;
        }
        Some([kept, given_up])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_labels(labels: &[u16], width: usize) -> Regions {
        let colors = vec![[0.5; 3]; labels.len()];
        connected(labels, width, &Colors { lab: &colors, rgb: &colors })
    }

    #[test]
    fn components_are_4_connected_and_numbered_in_reading_order() {
        let none = NO_LABEL;
        let regions = of_labels(&[7, 8, 8, 7, 7, 8, none, 7, 8], 3);
        assert_eq!(regions.of_pixel, [0, 1, 1, 0, 0, 1, NONE, 0, 1], "map");
        assert_eq!(regions.regions.iter().map(|r| (r.area, r.label)).collect::<Vec<_>>(), [(4, 7), (4, 8)], "areas");
        assert_eq!(of_labels(&[1, 2, 2, 1], 2).regions.len(), 4, "diagonal pixels do not touch");
    }

    #[test]
    fn a_spiral_is_one_component() {
        let spiral = [1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 1];
        let regions = of_labels(&spiral, 4);
        assert_eq!(regions.regions.len(), 2, "the arm joins late in reading order");
        let (pixels, starts) = regions.pixel_lists();
        assert_eq!((pixels.len(), starts.as_slice()), (20, [0, 14, 20].as_slice()), "every pixel is listed once");
    }
}
