//! Space between pairs of letters, from the font's `GPOS` table or, where that has none, its `kern` table.
//!
//! Input: a font. Output: the change of the first letter's advance in font units. Invariants: a malformed table means no
//! kerning, never an error: letters stand where their advances put them. The `kern` feature of every script is used
//! (OpenType 1.9, pair adjustment formats 1 and 2). Cost: two binary searches a pair and subtable.

use skrifa::raw::TableProvider as _;
use skrifa::raw::tables::gpos::{Gpos, PairPos, PositionSubtables};
use skrifa::raw::tables::kern::{Kern, SubtableKind};
use skrifa::{FontRef, GlyphId, GlyphId16, Tag};

/// Most lookups and most subtables a lookup that are read; real fonts have a handful.
const MAX_LOOKUPS: usize = 64;
const MAX_SUBTABLES: usize = 256;

/// Pair kerning of one font.
pub(super) struct Kerning<'a> {
    /// Lookups of the `kern` feature, in order, each as its subtables.
    lookups: Vec<Vec<PairPos<'a>>>,
    legacy: Option<Kern<'a>>,
}

impl<'a> Kerning<'a> {
    pub(super) fn new(font: &FontRef<'a>) -> Self {
        let lookups = font.gpos().ok().and_then(|gpos| lookups_of(&gpos)).unwrap_or_default();
        let legacy = if lookups.is_empty() { font.kern().ok() } else { None };
        Self { lookups, legacy }
    }

    /// Font units to add between `left` and `right`.
    pub(super) fn between(&self, left: GlyphId, right: GlyphId) -> f32 {
        let (Ok(first), Ok(second)) = (GlyphId16::try_from(left), GlyphId16::try_from(right)) else { return 0.0 };
        // Within a lookup the first subtable that knows the pair decides.
        let sum: i32 = self
            .lookups
            .iter()
            .filter_map(|subtables| subtables.iter().find_map(|subtable| adjustment(subtable, first, second)))
            .map(i32::from)
            .sum();
        sum as f32 + self.legacy.as_ref().map_or(0.0, |kern| legacy_kerning(kern, left, right))
    }
}

fn lookups_of<'a>(gpos: &Gpos<'a>) -> Option<Vec<Vec<PairPos<'a>>>> {
    let features = gpos.feature_list().ok()?;
    let mut indices = Vec::new();
    for record in features.feature_records().iter().filter(|record| record.feature_tag() == Tag::new(b"kern")) {
        let feature = record.feature(features.offset_data()).ok()?;
        indices.extend(feature.lookup_list_indices().iter().map(|index| index.get()));
    }
    indices.sort_unstable();
    indices.dedup();
    let list = gpos.lookup_list().ok()?;
    let mut lookups = Vec::new();
    for index in indices.into_iter().take(MAX_LOOKUPS) {
        let lookup = list.lookups().get(usize::from(index)).ok()?;
        if let Ok(PositionSubtables::Pair(pairs)) = lookup.subtables() {
            let pairs: Vec<_> = pairs.iter().take(MAX_SUBTABLES).filter_map(Result::ok).collect();
            lookups.push(pairs);
        }
    }
    Some(lookups)
}

/// The change of the first advance; `None` when the subtable does not know the pair.
fn adjustment(subtable: &PairPos<'_>, first: GlyphId16, second: GlyphId16) -> Option<i16> {
    match subtable {
        PairPos::Format1(table) => {
            let set = table.coverage().ok()?.get(first)?;
            let record = table.pair_sets().get(usize::try_from(set).ok()?).ok()?.find_pair_value_record(second)?;
            Some(record.value_record1().x_advance().unwrap_or(0))
        }
        PairPos::Format2(table) => {
            table.coverage().ok()?.get(first)?;
            let (first, second) = (table.class_def1().ok()?.get(first), table.class_def2().ok()?.get(second));
            let [record, _] = table.value_record_refs(u16::try_from(first).ok()?, u16::try_from(second).ok()?)?;
            Some(record.x_advance().unwrap_or(0))
        }
        // Formats 3 and 4 serve fonts of more than 65 535 glyphs.
        _ => None,
    }
}

fn legacy_kerning(kern: &Kern<'_>, left: GlyphId, right: GlyphId) -> f32 {
    let mut sum = 0.0;
    for subtable in kern.subtables().filter_map(Result::ok) {
        if !subtable.is_horizontal() || subtable.is_cross_stream() || subtable.is_variable() {
            continue;
        }
        let kerning = match subtable.kind() {
            Ok(SubtableKind::Format0(pairs)) => pairs.kerning(left, right),
            Ok(SubtableKind::Format2(pairs)) => pairs.kerning(left, right),
            Ok(SubtableKind::Format3(pairs)) => pairs.kerning(left, right),
            _ => None,
        };
        sum += kerning.unwrap_or(0) as f32;
    }
    sum
}
