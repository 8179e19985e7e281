//! Residency: every model is loaded once a process, shared, and let go of when memory runs short.
//!
//! Input: a kind, a key and a loader. Output: one shared value a kind and key. Invariants: threads that ask for the same one at the
//! same time load it once; different ones do not wait for each other; a failed load leaves nothing behind. Where the values
//! together exceed the budget, those used longest ago go first and one that somebody holds never does: a budget that is too
//! small costs time and never a failure. Determinism: results do not depend on who loads or on what stays. Cost: two short locks a
//! call once it is resident.

use super::error::ModelError;
use super::kind::Kind;
use parking_lot::Mutex;
use std::any::Any;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Environment variable with the budget in bytes, or with a number and K, M, G or T.
pub const BUDGET: &str = "LINOCUT_MODEL_BUDGET";
/// Part of the machine's memory that models may take unless told otherwise.
const PART: u64 = 3;

/// Memory of a small machine, bytes.
const SMALL: u64 = 8 << 30;

/// What may be resident: it says how much memory it takes.
pub trait Weighs: Send + Sync + 'static {
    /// Bytes of memory that are free again when it is gone.
    fn bytes(&self) -> u64;
}

/// A table of loaded values of all kinds; make it a `static` for the process-wide one.
#[derive(Debug)]
pub struct Residency {
    slots: Mutex<BTreeMap<(Kind, String), Slot>>,
    /// Counts calls: what was used at the smallest count was used longest ago.
    calls: AtomicU64,
}

#[derive(Clone, Debug, Default)]
struct Slot {
    value: Arc<Mutex<Option<Held>>>,
    used: u64,
}

#[derive(Clone, Debug)]
struct Held {
    value: Arc<dyn Any + Send + Sync>,
    bytes: u64,
}

/// One value of the table, for reports.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Resident {
    /// What it is.
    pub kind: Kind,
    /// What it was loaded from.
    pub key: String,
    /// Memory it takes.
    pub bytes: u64,
}

impl Residency {
    /// An empty table.
    pub const fn new() -> Self {
        Self { slots: Mutex::new(BTreeMap::new()), calls: AtomicU64::new(0) }
    }

    /// The value of `kind` and `key`, loaded by `load` if it is not resident; whoever comes second waits for the first. After a
    /// load, others go until the table takes `budget` bytes at most.
    ///
    /// # Errors
    /// What `load` returns; the next caller tries again.
    pub fn get_or_load<T: Weighs, E>(
        &self,
        kind: Kind,
        key: &str,
        budget: u64,
        load: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let slot = {
            let mut slots = self.slots.lock();
            let slot = slots.entry((kind, key.to_owned())).or_default();
            slot.used = self.calls.fetch_add(1, Ordering::Relaxed);
            slot.value.clone()
        };
        let mut held = slot.lock();
        if let Some(value) = held.as_ref().and_then(|held| held.value.clone().downcast::<T>().ok()) {
            return Ok(value);
        }
        let loaded = Arc::new(load()?);
        *held = Some(Held { value: loaded.clone(), bytes: loaded.bytes() });
        drop(held);
        self.shrink(budget);
        Ok(loaded)
    }

    /// Lets go of what nobody holds, longest unused first, until the rest takes `budget` bytes at most.
    fn shrink(&self, budget: u64) {
        let mut slots = self.slots.lock();
        // What is being loaded is locked; its bytes count when it is there.
        let bytes = |slot: &Slot| slot.value.try_lock().and_then(|held| Some(held.as_ref()?.bytes)).unwrap_or(0);
        let mut total: u64 = slots.values().map(bytes).sum();
        let is_free = |slot: &Slot| {
            let alone = |held: &Held| Arc::strong_count(&held.value) == 1;
            Arc::strong_count(&slot.value) == 1
                && slot.value.try_lock().is_some_and(|held| held.as_ref().is_none_or(alone))
        };
        let free = slots.iter().filter(|(_, slot)| is_free(slot));
        let mut free = free.map(|(at, slot)| (slot.used, at.clone(), bytes(slot))).collect::<Vec<_>>();
        free.sort();
        for (_, at, bytes) in free {
            if total <= budget {
                break;
            }
            slots.remove(&at);
            total -= bytes;
        }
    }

    /// What is resident, by kind and key.
    pub fn list(&self) -> Vec<Resident> {
        let slots = self.slots.lock().clone();
        let each = slots.into_iter().filter_map(|((kind, key), slot)| {
            let bytes = slot.value.lock().as_ref()?.bytes;
            Some(Resident { kind, key, bytes })
        });
        each.collect()
    }
}

impl Default for Residency {
    fn default() -> Self {
        Self::new()
    }
}

/// The budget of this process, bytes: what [`BUDGET`] says, else a third of the memory that the machine, or the container
/// around the process, has.
///
/// # Errors
/// [`ModelError::Budget`] where [`BUDGET`] is no number of bytes.
pub fn budget() -> Result<u64, ModelError> {
    static MEMORY: OnceLock<u64> = OnceLock::new();
    match std::env::var(BUDGET) {
        Ok(text) => bytes_of(&text).ok_or(ModelError::Budget { text }),
        Err(_) => Ok(MEMORY.get_or_init(memory) / PART),
    }
}

fn memory() -> u64 {
    let kind = sysinfo::MemoryRefreshKind::nothing().with_ram();
    // A system that does not tell is held to be small.
    let Ok(system) = sysinfo::System::new_with_specifics(sysinfo::RefreshKind::nothing().with_memory(kind)) else {
        return SMALL;
    };
    let contained = system.cgroup_limits().map_or(u64::MAX, |limits| limits.total_memory);
    system.total_memory().min(contained)
}

/// A number of bytes, or of the larger units that a letter names.
fn bytes_of(text: &str) -> Option<u64> {
    let text = text.trim();
    let (number, shift) = match text.char_indices().next_back()? {
        (at, letter) if letter.is_ascii_alphabetic() => {
            let shift = 10 * (1 + "kmgt".find(letter.to_ascii_lowercase())? as u32);
            (text.get(..at)?, shift)
        }
        _ => (text, 0),
    };
    number.trim().parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::time::Duration;

    impl Weighs for u64 {
        fn bytes(&self) -> u64 {
            *self
        }
    }

    fn get(table: &Residency, key: &str, bytes: u64, budget: u64) -> Arc<u64> {
        table.get_or_load(Kind::Clip, key, budget, || Ok::<_, ()>(bytes)).unwrap()
    }

    fn keys(table: &Residency) -> Vec<String> {
        table.list().into_iter().map(|resident| resident.key).collect()
    }

    #[test]
    fn threads_that_ask_at_once_load_a_model_once() {
        static TABLE: Residency = Residency::new();
        let loads = AtomicUsize::new(0);
        let slow = || {
            loads.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(30));
            Ok::<u64, ()>(7)
        };
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| assert_eq!(TABLE.get_or_load(Kind::Clip, "a", 0, slow).as_deref(), Ok(&7)));
            }
        });
        assert_eq!(loads.load(Ordering::SeqCst), 1, "one load for eight threads");
    }

    #[test]
    fn a_failed_load_is_tried_again_and_leaves_nothing() {
        let table = Residency::new();
        assert_eq!(table.get_or_load(Kind::Clip, "a", 9, || Err::<u64, _>("no file")), Err("no file"));
        assert!(table.list().is_empty());
        assert_eq!(*get(&table, "a", 3, 9), 3, "second try succeeds");
    }

    #[test]
    fn what_was_used_longest_ago_goes_first_and_what_is_in_use_stays() {
        let table = Residency::new();
        let held = get(&table, "held", 40, 100);
        for key in ["old", "new"] {
            get(&table, key, 30, 100);
        }
        get(&table, "old", 30, 100);
        get(&table, "next", 30, 100);
        assert_eq!(keys(&table), ["held", "next", "old"], "'new' was used before 'old'");
        get(&table, "giant", 500, 100);
        assert_eq!(keys(&table), ["giant", "held"], "what is in use stays, however large it is");
        drop(held);
        let total = |table: &Residency| table.list().iter().map(|resident| resident.bytes).sum::<u64>();
        get(&table, "small", 61, 100);
        assert_eq!((keys(&table), total(&table)), (vec!["small".to_owned()], 61));
    }

    #[test]
    fn a_budget_is_a_number_with_or_without_a_letter() {
        let read = ["1000", "2k", " 3 G ", "1t", "", "x", "5x", "-1", "99999999999999999999"].map(bytes_of);
        assert_eq!(read, [Some(1000), Some(2048), Some(3 << 30), Some(1 << 40), None, None, None, None, None]);
        assert!(memory() > 1 << 28, "the machine's memory is {}", memory());
    }
}
