//! Which cards there are and which one is taken.
//!
//! Input: nothing, an index, or a part of a name. Output: a card. Invariants: the order is discrete, integrated, virtual,
//! software, then by name, so that index 0 is what is taken by itself. Cost: the drivers are loaded at each listing.

use super::{Gpu, GpuError};
use parking_lot::Mutex;
use std::sync::{Arc, OnceLock};

/// What a card is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A card with its own memory.
    Discrete,
    /// Part of the processor.
    Integrated,
    /// In a virtual machine, or unknown.
    Virtual,
    /// The processor itself.
    Software,
}

impl Kind {
    /// Word for reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Discrete => "discrete",
            Self::Integrated => "integrated",
            Self::Virtual => "virtual",
            Self::Software => "software",
        }
    }
}

/// One card, as reports show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdapterNote {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// vulkan, metal or dx12.
    pub api: String,
    /// Name and version of its driver.
    pub driver: String,
    /// Bytes that one shader may see of one buffer.
    pub binding_bytes: u64,
}

/// Which card the user wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// The first one.
    #[default]
    Any,
    /// The n-th of the list.
    Index(usize),
    /// The first whose name contains this, in any case.
    Named(String),
    /// None.
    Off,
}

impl Wanted {
    /// From a flag, a parameter or `LINOCUT_GPU`: an index, `off`, a part of a name, or nothing.
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        match text.parse() {
            _ if text.is_empty() => Self::Any,
            _ if text.eq_ignore_ascii_case("off") => Self::Off,
            Ok(index) => Self::Index(index),
            Err(_) => Self::Named(text.to_lowercase()),
        }
    }

    /// What `LINOCUT_GPU` says, or anything.
    pub fn from_environment() -> Self {
        std::env::var("LINOCUT_GPU").map_or(Self::Any, |text| Self::parse(&text))
    }

    fn matches(&self, index: usize, note: &AdapterNote) -> bool {
        match self {
            Self::Any => true,
            Self::Index(wanted) => index == *wanted,
            Self::Named(name) => note.name.to_lowercase().contains(name),
            Self::Off => false,
        }
    }

    /// The card that [`Self::open`] would open, of those that were there when the process first asked.
    fn note(&self) -> Option<&'static AdapterNote> {
        static LISTED: OnceLock<Vec<AdapterNote>> = OnceLock::new();
        let listed = LISTED.get_or_init(list);
        listed.iter().enumerate().find(|(index, note)| self.matches(*index, note)).map(|(_, note)| note)
    }

    /// The card, opened at most once a process as long as it works.
    ///
    /// # Errors
    /// [`GpuError::Off`], [`GpuError::NoAdapter`], [`GpuError::NotFound`], [`GpuError::Refused`].
    pub fn open(&self) -> Result<Arc<Gpu>, GpuError> {
        static OPEN: Mutex<Vec<(Wanted, Arc<Gpu>)>> = Mutex::new(Vec::new());
        if *self == Self::Off {
            return Err(GpuError::Off);
        }
        let mut open = OPEN.lock();
        open.retain(|(_, gpu)| !gpu.is_lost());
        if let Some((_, gpu)) = open.iter().find(|(wanted, _)| wanted == self) {
            return Ok(gpu.clone());
        }
        let adapters = adapters();
        if adapters.is_empty() {
            return Err(GpuError::NoAdapter);
        }
        let mut listed = adapters.iter().enumerate();
        let Some((_, (note, adapter))) = listed.find(|(index, (note, _))| self.matches(*index, note)) else {
            let found = adapters.iter().enumerate().map(|(index, (note, _))| format!("{index} {}", note.name));
            let wanted = match self {
                Self::Index(index) => index.to_string(),
                Self::Named(name) => name.clone(),
                Self::Any | Self::Off => String::new(),
            };
            return Err(GpuError::NotFound { wanted, found: found.collect::<Vec<_>>().join(", ") });
        };
        let gpu = Arc::new(Gpu::open(note.clone(), adapter)?);
        open.push((self.clone(), gpu.clone()));
        Ok(gpu)
    }

    /// Runs `work` on the card, and once more on one opened anew where `is_worth_a_retry` says so of the failure.
    ///
    /// # Errors
    /// As [`Self::open`] and `work`.
    pub fn run<R, E: From<GpuError>>(
        &self,
        is_worth_a_retry: impl Fn(&E) -> bool,
        mut work: impl FnMut(&Arc<Gpu>) -> Result<R, E>,
    ) -> Result<R, E> {
        let gpu = self.open()?;
        match work(&gpu) {
            Err(error) if is_worth_a_retry(&error) => {
                tracing::warn!("{} failed; trying once more", gpu.note.name);
                gpu.destroy();
                drop(gpu);
                work(&self.open()?)
            }
            result => result,
        }
    }
}

/// Where shapes are drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// On the processor: the same bits for every step of one class (see [`crate::ctx::Ctx::backend_class`]).
    #[default]
    Cpu,
    /// On a card.
    Gpu(Wanted),
}

impl Backend {
    /// What users call it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Gpu(_) => "gpu",
        }
    }

    /// What results of it are known by: they are bit-identical within one class. A card is named with its interface and
    /// driver; `gpu` alone where there is none, which fails as soon as something is to be made. Cost: the drivers are
    /// loaded once a process; nothing for [`Self::Cpu`].
    pub fn class(&self) -> String {
        let card = match self {
            Self::Cpu => None,
            Self::Gpu(wanted) => wanted.note(),
        };
        card.map_or_else(|| self.name().to_owned(), |card| format!("gpu {} ({}, {})", card.name, card.api, card.driver))
    }

    /// What a flag or parameter names: `cpu`, `gpu` or `auto`; `wanted` is the card.
    pub fn named(name: &str, wanted: &Wanted) -> Self {
        match name {
            "gpu" => Self::Gpu(wanted.clone()),
            "auto" => Self::automatic(wanted).0,
            _ => Self::Cpu,
        }
    }

    /// The card where `wanted` names one or there is one that is not software; else the processor. With the reason.
    pub fn automatic(wanted: &Wanted) -> (Self, String) {
        if *wanted == Wanted::Off {
            return (Self::Cpu, "graphics cards are switched off".to_owned());
        }
        match wanted.open() {
            Err(error) => (Self::Cpu, error.to_string()),
            Ok(gpu) if *wanted == Wanted::Any && gpu.note.kind == Kind::Software => {
                (Self::Cpu, format!("{} draws in software, which is slower than doing without", gpu.note.name))
            }
            Ok(gpu) => (Self::Gpu(wanted.clone()), format!("{} is there", gpu.note.name)),
        }
    }
}

/// Every card, in the order in which they are taken.
pub fn list() -> Vec<AdapterNote> {
    adapters().into_iter().map(|(note, _)| note).collect()
}

fn adapters() -> Vec<(AdapterNote, wgpu::Adapter)> {
    let backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = backends;
    let instance = wgpu::Instance::new(descriptor);
    let found = pollster::block_on(instance.enumerate_adapters(backends));
    let mut found = found.into_iter().map(|adapter| (note_of(&adapter), adapter)).collect::<Vec<_>>();
    found.retain(|(note, _)| note.binding_bytes >= wgpu::Limits::defaults().max_storage_buffer_binding_size);
    found.sort_by(|(a, _), (b, _)| (a.kind, &a.name, &a.api).cmp(&(b.kind, &b.name, &b.api)));
    found
}

fn note_of(adapter: &wgpu::Adapter) -> AdapterNote {
    let info = adapter.get_info();
    let kind = match info.device_type {
        wgpu::DeviceType::DiscreteGpu => Kind::Discrete,
        wgpu::DeviceType::IntegratedGpu => Kind::Integrated,
        wgpu::DeviceType::VirtualGpu | wgpu::DeviceType::Other => Kind::Virtual,
        wgpu::DeviceType::Cpu => Kind::Software,
    };
    AdapterNote {
        name: info.name,
        kind,
        api: info.backend.to_string(),
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
        binding_bytes: adapter.limits().max_storage_buffer_binding_size,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_an_index_a_name_or_off() {
        assert_eq!(Wanted::parse(""), Wanted::Any);
        assert_eq!(Wanted::parse(" 1 "), Wanted::Index(1));
        assert_eq!(Wanted::parse("OFF"), Wanted::Off);
        assert_eq!(Wanted::parse("llvmpipe"), Wanted::Named("llvmpipe".to_owned()));
        assert_eq!(Wanted::Off.open().err(), Some(GpuError::Off));
    }

    #[test]
    fn discrete_cards_come_first_and_software_last() {
        let mut kinds = [Kind::Software, Kind::Virtual, Kind::Discrete, Kind::Integrated];
        kinds.sort();
        assert_eq!(kinds, [Kind::Discrete, Kind::Integrated, Kind::Virtual, Kind::Software]);
    }
}
