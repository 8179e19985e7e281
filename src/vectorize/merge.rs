//! Merging of components: specks into their closest neighbour, then the least important until the budget holds.
//!
//! Input: [`Regions`]. Output: the same partition made coarser. Invariants: no component below the minimum area
//! remains unless it has no neighbour; at most `budget` components remain. Determinism: ties go to the smaller
//! number. Cost: linear in pixels plus edges: every pass joins whole sets at once (Boruvka's scheme), so that a pass
//! for areas below 2^k costs the edges that are left, and the number of passes is bounded by the logarithm of the
//! area (specks) or of the count (budget).

use super::prefilter::distance_squared;
use super::regions::{NONE, Region, Regions, Sets};

/// Share of the surplus candidates that one budget pass may join: small enough to be close to the greedy order.
const PASS_SHARE: usize = 6;

/// Joins every component below `min_area` pixels to the neighbour of the closest colour, smallest first.
pub(super) fn merge_specks(regions: &mut Regions, min_area: u32) {
    let mut graph = Graph::new(regions);
    let mut limit = 1;
    while limit < min_area {
        limit = limit.saturating_mul(2).min(min_area);
        loop {
            let closest = graph.best_neighbors(|area| area < limit as f32, color_distance);
            if !graph.join(closest.iter().enumerate().map(|(index, best)| (index as u32, best.0))) {
                break;
            }
        }
    }
    graph.finish(regions);
}

/// Joins components until at most `budget` remain, least important first. Importance of a component is the rise in
/// squared colour error when it joins its best neighbour, `a b / (a + b) |c_a - c_b|^2` (Ward 1963), so that a small
/// highlight outlives a large patch of nearly its neighbour's colour. Islands without neighbours go last: they are
/// dropped, smallest first, only when nothing else is left to join.
pub(super) fn merge_to_budget(regions: &mut Regions, budget: usize) {
    let mut graph = Graph::new(regions);
    while graph.alive > budget {
        graph.remove_duplicate_edges();
        let best = graph.best_neighbors(|_| true, ward_cost);
        let mut candidates: Vec<(f32, u32)> = Vec::new();
        for (index, &(neighbor, cost)) in best.iter().enumerate() {
            if neighbor != NONE {
                candidates.push((cost, index as u32));
            }
        }
        if candidates.is_empty() {
            break;
        }
        let surplus = graph.alive - budget;
        let count = surplus.min(candidates.len().div_ceil(PASS_SHARE)).max(1);
        candidates.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        candidates.truncate(count);
        let joins = candidates.iter().map(|&(_, index)| (index, best.get(index as usize).map_or(NONE, |best| best.0)));
        graph.join(joins);
    }
    graph.finish(regions);
    drop_smallest(regions, budget);
}

/// Area above which a component is kept when all that is left are islands.
fn drop_smallest(regions: &mut Regions, budget: usize) {
    if regions.regions.len() <= budget {
        return;
    }
    let mut order: Vec<u32> = (0..regions.regions.len() as u32).collect();
    let area = |index: u32| regions.regions.get(index as usize).map_or(0, |region| region.area);
    order.sort_unstable_by_key(|&index| (std::cmp::Reverse(area(index)), index));
    order.truncate(budget);
    order.sort_unstable();
    let mut number = vec![NONE; regions.regions.len()];
    for (new, &old) in order.iter().enumerate() {
        if let Some(number) = number.get_mut(old as usize) {
            *number = new as u32;
        }
    }
    for pixel in &mut regions.of_pixel {
        *pixel = number.get(*pixel as usize).copied().unwrap_or(NONE);
    }
    regions.regions = order.iter().filter_map(|&old| regions.regions.get(old as usize).copied()).collect();
}

fn color_distance(a: &Mean, b: &Mean) -> f32 {
    distance_squared(a.lab, b.lab)
}

fn ward_cost(a: &Mean, b: &Mean) -> f32 {
    a.area * b.area / (a.area + b.area) * distance_squared(a.lab, b.lab)
}

/// What the choice of a neighbour reads of a component, packed because every edge reads it.
struct Mean {
    lab: [f32; 3],
    area: f32,
}

/// Components as nodes, touching pairs as edges; joining keeps statistics at the set's root.
struct Graph {
    /// Node of every component that the graph began with.
    node_of_component: Vec<u32>,
    sets: Sets,
    nodes: Vec<Region>,
    edges: Vec<[u32; 2]>,
    alive: usize,
}

impl Graph {
    fn new(regions: &Regions) -> Self {
        let nodes = regions.regions.clone();
        let count = nodes.len();
        let node_of_component = (0..count as u32).collect();
        Self { node_of_component, sets: Sets::new(count), nodes, edges: regions.edges(), alive: count }
    }

    /// For every root whose area `wants` a neighbour: the neighbour of least `cost`, or ([`NONE`], infinity).
    fn best_neighbors(&self, wants: impl Fn(f32) -> bool, cost: impl Fn(&Mean, &Mean) -> f32) -> Vec<(u32, f32)> {
        let mean = |node: &Region| Mean { lab: node.lab(), area: node.area as f32 };
        let means: Vec<Mean> = self.nodes.iter().map(mean).collect();
        let mut best = vec![(NONE, f32::INFINITY); self.nodes.len()];
        let mut offer = |to: u32, neighbor: u32, cost: f32| {
            if let Some(best) = best.get_mut(to as usize)
                && (cost, neighbor) < (best.1, best.0)
            {
                *best = (neighbor, cost);
            }
        };
        for &[a, b] in &self.edges {
            let (Some(mean_a), Some(mean_b)) = (means.get(a as usize), means.get(b as usize)) else { continue };
            let (a_wants, b_wants) = (wants(mean_a.area), wants(mean_b.area));
            if a_wants || b_wants {
                let cost = cost(mean_a, mean_b);
                if a_wants {
                    offer(a, b, cost);
                }
                if b_wants {
                    offer(b, a, cost);
                }
            }
        }
        best
    }

    /// Joins each pair and brings edges up to date; whether anything was joined.
    fn join(&mut self, pairs: impl Iterator<Item = (u32, u32)>) -> bool {
        let before = self.alive;
        for (a, b) in pairs.filter(|&(_, b)| b != NONE) {
            let Some([kept, given_up]) = self.sets.union(a, b) else { continue };
            let absorbed = self.nodes.get(given_up as usize).copied().unwrap_or_default();
            if let Some(node) = self.nodes.get_mut(kept as usize) {
                node.absorb(&absorbed);
            }
            self.alive -= 1;
        }
        let sets = &mut self.sets;
        if self.alive < before {
            self.edges.retain_mut(|[a, b]| {
                let (root_a, root_b) = (sets.find(*a), sets.find(*b));
                (*a, *b) = (root_a.min(root_b), root_a.max(root_b));
                root_a != root_b
            });
        }
        if self.alive < self.nodes.len() / 2 {
            self.compact();
        }
        self.alive < before
    }

    /// Numbers the roots anew, in order, so that later passes cost what is left and not what there was.
    fn compact(&mut self) {
        let mut new_of_old = vec![NONE; self.nodes.len()];
        let mut nodes = Vec::with_capacity(self.alive);
        for (old, node) in self.nodes.iter().enumerate() {
            if self.sets.find(old as u32) == old as u32
                && let Some(new) = new_of_old.get_mut(old)
            {
                *new = nodes.len() as u32;
                nodes.push(*node);
            }
        }
        let sets = &mut self.sets;
        let mut renew = |old: &mut u32| *old = new_of_old.get(sets.find(*old) as usize).copied().unwrap_or(NONE);
        self.node_of_component.iter_mut().for_each(&mut renew);
        self.edges.iter_mut().flatten().for_each(renew);
        self.sets = Sets::new(nodes.len());
        self.nodes = nodes;
    }

    /// A planar graph has fewer than three edges a node; sorts only when there are many more, so rarely.
    fn remove_duplicate_edges(&mut self) {
        if self.edges.len() > 6 * self.alive {
            self.edges.sort_unstable();
            self.edges.dedup();
        }
    }

    fn finish(mut self, regions: &mut Regions) {
        self.compact();
        regions.renumber(&self.node_of_component, &self.nodes);
    }
}

#[cfg(test)]
mod tests {
    use super::super::regions::{Colors, connected};
    use super::*;

    fn stripes(levels: &[(f32, usize)]) -> Regions {
        let values: Vec<[f32; 3]> =
            levels.iter().flat_map(|&(level, n)| std::iter::repeat_n([level, 0.0, 0.0], n)).collect();
        let labels: Vec<u16> =
            levels.iter().enumerate().flat_map(|(i, &(_, n))| std::iter::repeat_n(i as u16, n)).collect();
        connected(&labels, values.len(), &Colors { lab: &values, rgb: &values })
    }

    fn areas(regions: &Regions) -> Vec<u32> {
        regions.regions.iter().map(|region| region.area).collect()
    }

    #[test]
    fn a_speck_joins_the_neighbour_of_the_closest_colour() {
        let mut regions = stripes(&[(0.1, 10), (0.8, 2), (0.9, 10)]);
        merge_specks(&mut regions, 3);
        assert_eq!(areas(&regions), [10, 12], "0.8 is closer to 0.9");
        assert_eq!(regions.regions[1].label, 2, "the label of the larger part stays");
    }

    #[test]
    fn the_budget_keeps_contrast_before_area() {
        let mut regions = stripes(&[(0.50, 40), (0.51, 30), (0.50, 40), (1.0, 5)]);
        merge_to_budget(&mut regions, 2);
        assert_eq!(areas(&regions), [110, 5], "the small highlight outlives the large pale patch");
    }

    #[test]
    fn a_checkerboard_of_single_pixels_meets_any_budget() {
        let (width, height) = (32, 32);
        let labels: Vec<u16> = (0..width * height).map(|i| ((i % width + i / width) % 2) as u16).collect();
        let values: Vec<[f32; 3]> = labels.iter().map(|&label| [f32::from(label), 0.0, 0.0]).collect();
        for budget in [1, 2, 7, 100] {
            let mut regions = connected(&labels, width, &Colors { lab: &values, rgb: &values });
            assert_eq!(regions.regions.len(), width * height, "every pixel is a component");
            merge_to_budget(&mut regions, budget);
            assert_eq!(regions.regions.len(), budget, "budget {budget}");
            assert_eq!(areas(&regions).iter().sum::<u32>() as usize, width * height, "no pixel is lost");
        }
    }

    #[test]
    fn islands_over_the_budget_are_dropped_smallest_first() {
        use super::super::palette::NO_LABEL;
        let labels = [0, NO_LABEL, 1, 1, NO_LABEL, 2, 2, 2];
        let values = [[0.5, 0.0, 0.0]; 8];
        let mut regions = connected(&labels, 8, &Colors { lab: &values, rgb: &values });
        merge_to_budget(&mut regions, 2);
        assert_eq!(areas(&regions), [2, 3], "the single pixel goes");
        assert_eq!(regions.of_pixel, [NONE, NONE, 0, 0, NONE, 1, 1, 1], "map");
    }
}
