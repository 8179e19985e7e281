//! Residency: each encoder is loaded once a process and shared.
//!
//! Input: a key and a loader. Output: one shared value a key. Invariants: threads that ask for the same key at the
//! same time load it once; different keys do not wait for each other; a failed load leaves nothing behind.
//! Determinism: results do not depend on who loads. Cost: two short locks a call once it is resident.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

/// A table of loaded values; make it a `static` for the process-wide one.
#[derive(Debug)]
pub struct Registry<T> {
    slots: Mutex<BTreeMap<String, Slot<T>>>,
}

type Slot<T> = Arc<Mutex<Option<Arc<T>>>>;

impl<T> Registry<T> {
    /// An empty table.
    pub const fn new() -> Self {
        Self { slots: Mutex::new(BTreeMap::new()) }
    }

    /// The value of `key`, loaded by `load` if it is not resident. Whoever comes second waits for the first.
    ///
    /// # Errors
    /// What `load` returns; the next caller tries again.
    pub fn get_or_load<E>(&self, key: &str, load: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
        let slot = self.slots.lock().entry(key.to_owned()).or_default().clone();
        let mut value = slot.lock();
        if let Some(resident) = value.as_ref() {
            return Ok(resident.clone());
        }
        let loaded = Arc::new(load()?);
        *value = Some(loaded.clone());
        Ok(loaded)
    }

    /// Lets go of every value that nobody else holds; returns how many.
    pub fn evict_unused(&self) -> usize {
        let mut slots = self.slots.lock();
        let before = slots.len();
        slots.retain(|_, slot| {
            let loading = Arc::strong_count(slot) > 1;
            loading || slot.lock().as_ref().is_some_and(|value| Arc::strong_count(value) > 1)
        });
        before - slots.len()
    }

    /// How many values are resident.
    pub fn resident(&self) -> usize {
        let slots: Vec<Slot<T>> = self.slots.lock().values().cloned().collect();
        slots.iter().filter(|slot| slot.lock().is_some()).count()
    }
}

impl<T> Default for Registry<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    #[test]
    fn threads_that_ask_at_once_load_a_model_once() {
        static TABLE: Registry<u32> = Registry::new();
        let loads = AtomicUsize::new(0);
        let slow = || {
            loads.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(30));
            Ok::<_, ()>(7)
        };
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| assert_eq!(TABLE.get_or_load("a", slow).as_deref(), Ok(&7)));
            }
        });
        assert_eq!(loads.load(Ordering::SeqCst), 1, "one load for eight threads");
    }

    #[test]
    fn a_failed_load_is_tried_again_and_leaves_nothing() {
        let table = Registry::new();
        assert_eq!(table.get_or_load("a", || Err::<u32, _>("no file")), Err("no file"));
        assert_eq!(table.resident(), 0);
        assert_eq!(table.get_or_load("a", || Ok::<_, ()>(3)).as_deref(), Ok(&3), "second try succeeds");
    }

    #[test]
    fn eviction_keeps_what_is_in_use() {
        let table = Registry::new();
        let held = table.get_or_load("held", || Ok::<_, ()>(1)).unwrap();
        table.get_or_load("idle", || Ok::<_, ()>(2)).unwrap();
        assert_eq!((table.evict_unused(), table.resident(), *held), (1, 1, 1));
    }
}
