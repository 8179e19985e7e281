//! One opened card: its queue, its compiled shaders, its faults.
//!
//! Input: work as closures over the device. Output: their results or a [`GpuError`]. Invariants: nothing of wgpu panics
//! here, because every fault is caught by a scope or by the handlers. Cost: a shader is compiled once a process.

use super::{AdapterNote, GpuError};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// One compute shader with the entry point `main`.
#[derive(Clone, Copy, Debug)]
pub struct Shader {
    /// Its file's stem in `shaders/`.
    pub name: &'static str,
    /// Makes the whole source.
    pub source: fn() -> String,
}

/// An opened card.
#[derive(Debug)]
pub struct Gpu {
    /// What it is.
    pub note: AdapterNote,
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    /// Why it may no longer be used.
    lost: Arc<Mutex<Option<String>>>,
    /// Faults outside of scopes.
    stray: Arc<Mutex<Option<String>>>,
    /// Size of the largest buffer made, for the message when memory runs out.
    pub(super) largest: Mutex<u64>,
    buffer_limit: AtomicU64,
    pipelines: Mutex<BTreeMap<&'static str, wgpu::ComputePipeline>>,
}

impl Gpu {
    pub(super) fn open(note: AdapterNote, adapter: &wgpu::Adapter) -> Result<Self, GpuError> {
        let offered = adapter.limits();
        // Default limits suffice; larger buffers than the default mean fewer strips.
        let required_limits = wgpu::Limits {
            max_storage_buffer_binding_size: offered.max_storage_buffer_binding_size,
            max_buffer_size: offered.max_buffer_size,
            ..wgpu::Limits::defaults()
        };
        let descriptor = wgpu::DeviceDescriptor { label: Some("linocut"), required_limits, ..Default::default() };
        let refused = |error: wgpu::RequestDeviceError| GpuError::Refused {
            adapter: note.name.clone(),
            reason: error.to_string(),
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).map_err(refused)?;
        let (lost, stray) = (Arc::new(Mutex::new(None)), Arc::new(Mutex::new(None)));
        let on_lost = lost.clone();
        device.set_device_lost_callback(move |reason, text| {
            *on_lost.lock() = Some(format!("{reason:?} {text}").trim().to_owned());
        });
        let on_stray = stray.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            on_stray.lock().get_or_insert_with(|| error.to_string());
        }));
        let (largest, pipelines) = (Mutex::new(0), Mutex::new(BTreeMap::new()));
        let limits = device.limits();
        let buffer_limit = AtomicU64::new(limits.max_storage_buffer_binding_size.min(limits.max_buffer_size));
        Ok(Self { note, device, queue, lost, stray, largest, buffer_limit, pipelines })
    }

    /// Whether the device is gone.
    pub fn is_lost(&self) -> bool {
        self.lost.lock().is_some()
    }

    /// Gives the device back at once; what runs on it ends with [`GpuError::Lost`].
    pub fn destroy(&self) {
        self.device.destroy();
        self.lost.lock().get_or_insert_with(|| "it was given back".to_owned());
    }

    /// Bytes that one shader may see of one buffer, and that one buffer may have.
    pub fn largest_buffer(&self) -> u64 {
        self.buffer_limit.load(Ordering::Relaxed)
    }

    /// Lowers [`Self::largest_buffer`], to leave memory to others: larger work is then cut into strips.
    pub fn limit_buffers(&self, bytes: u64) {
        self.buffer_limit.fetch_min(bytes, Ordering::Relaxed);
    }

    /// Runs `work`, whose calls may fail, inside error scopes.
    ///
    /// # Errors
    /// [`GpuError::Lost`], [`GpuError::OutOfMemory`], [`GpuError::Driver`].
    pub fn guarded<R>(&self, work: impl FnOnce(&wgpu::Device, &wgpu::Queue) -> R) -> Result<R, GpuError> {
        let filters = [wgpu::ErrorFilter::Internal, wgpu::ErrorFilter::Validation, wgpu::ErrorFilter::OutOfMemory];
        let [internal, validation, memory] = filters.map(|filter| self.device.push_error_scope(filter));
        let result = work(&self.device, &self.queue);
        let faults = [memory.pop(), validation.pop(), internal.pop()];
        let mut faults = faults.into_iter().filter_map(pollster::block_on);
        let fault = faults.next();
        self.check()?;
        let adapter = || self.note.name.clone();
        match fault {
            None => Ok(result),
            Some(wgpu::Error::OutOfMemory { .. }) => {
                Err(GpuError::OutOfMemory { adapter: adapter(), bytes: *self.largest.lock() })
            }
            Some(error) => Err(GpuError::Driver { adapter: adapter(), reason: error.to_string() }),
        }
    }

    /// Whether nothing failed behind the scenes.
    ///
    /// # Errors
    /// [`GpuError::Lost`], [`GpuError::Driver`].
    pub fn check(&self) -> Result<(), GpuError> {
        let adapter = || self.note.name.clone();
        if let Some(reason) = self.lost.lock().clone() {
            return Err(GpuError::Lost { adapter: adapter(), reason });
        }
        match self.stray.lock().take() {
            None => Ok(()),
            Some(reason) => Err(GpuError::Driver { adapter: adapter(), reason }),
        }
    }

    /// The compiled shader.
    ///
    /// # Errors
    /// [`GpuError::Driver`] when the driver refuses it.
    pub fn pipeline(&self, shader: &Shader) -> Result<wgpu::ComputePipeline, GpuError> {
        let mut pipelines = self.pipelines.lock();
        if let Some(pipeline) = pipelines.get(shader.name) {
            return Ok(pipeline.clone());
        }
        let pipeline = self.guarded(|device, _| {
            let source = wgpu::ShaderSource::Wgsl((shader.source)().into());
            let module = device.create_shader_module(wgpu::ShaderModuleDescriptor { label: Some(shader.name), source });
            device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(shader.name),
                layout: None,
                module: &module,
                entry_point: Some("main"),
                compilation_options: wgpu::PipelineCompilationOptions {
                    // Every variable of a workgroup is written before it is read.
                    zero_initialize_workgroup_memory: false,
                    ..Default::default()
                },
                cache: None,
            })
        })?;
        pipelines.insert(shader.name, pipeline.clone());
        Ok(pipeline)
    }
}
