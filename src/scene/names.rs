//! Unique names for paths and groups, which share one space of ids in an SVG file.

use std::collections::{HashMap, HashSet};

/// Hands out unique ids: the wanted one, or with the first free suffix from `-2`.
#[derive(Default)]
pub(super) struct Names {
    taken: HashSet<String>,
    next: HashMap<String, u64>,
}

impl Names {
    pub(super) fn unique(&mut self, wanted: &str) -> String {
        if self.taken.insert(wanted.to_owned()) {
            return wanted.to_owned();
        }
        let next = self.next.entry(wanted.to_owned()).or_insert(2);
        loop {
            let name = format!("{wanted}-{next}");
            *next += 1;
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}
