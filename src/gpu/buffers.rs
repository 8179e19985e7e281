//! Numbers to the card and back.
//!
//! Input: slices. Output: buffers, and slices read back. Invariants: a buffer is never empty, because drivers refuse
//! those; sizes are multiples of 4. Cost: one copy each way; a read waits for everything submitted before it.

use super::{Gpu, GpuError};

/// A place to read a buffer back through; kept between reads.
#[derive(Debug)]
pub struct Read {
    staging: wgpu::Buffer,
    bytes: u64,
}

/// The bytes of a slice of plain numbers.
pub fn bytes_of<T: bytemuck::NoUninit>(values: &[T]) -> &[u8] {
    bytemuck::cast_slice(values)
}

/// Lists of numbers as one table: where each begins, the end, and then all of them.
pub fn table_of(lists: &[Vec<u32>]) -> Vec<u32> {
    let mut table = vec![0];
    let mut end = 0;
    for list in lists {
        end += list.len() as u32;
        table.push(end);
    }
    table.extend(lists.iter().flatten());
    table
}

impl Gpu {
    /// A buffer of at least `bytes` bytes for shaders, all zero.
    ///
    /// # Errors
    /// [`GpuError::TooLarge`], [`GpuError::OutOfMemory`].
    pub fn storage(&self, what: &'static str, bytes: u64) -> Result<wgpu::Buffer, GpuError> {
        use wgpu::BufferUsages as Usage;
        self.buffer(what, bytes, Usage::STORAGE | Usage::COPY_DST | Usage::COPY_SRC, self.largest_buffer())
    }

    /// As [`Self::storage`], for a buffer of which shaders see only parts: it may be larger than what they can see at once.
    ///
    /// # Errors
    /// As [`Self::storage`].
    pub fn storage_in_parts(&self, what: &'static str, bytes: u64) -> Result<wgpu::Buffer, GpuError> {
        use wgpu::BufferUsages as Usage;
        let limit = self.device.limits().max_buffer_size;
        self.buffer(what, bytes, Usage::STORAGE | Usage::COPY_DST | Usage::COPY_SRC, limit)
    }

    /// A buffer of constants for shaders.
    ///
    /// # Errors
    /// As [`Self::storage`].
    pub fn uniform(&self, what: &'static str, bytes: &[u8]) -> Result<wgpu::Buffer, GpuError> {
        use wgpu::BufferUsages as Usage;
        let buffer = self.buffer(what, bytes.len() as u64, Usage::UNIFORM | Usage::COPY_DST, self.largest_buffer())?;
        self.write(&buffer, bytes)?;
        Ok(buffer)
    }

    /// A buffer that holds `values`.
    ///
    /// # Errors
    /// As [`Self::storage`].
    pub fn storage_of<T: bytemuck::NoUninit>(
        &self,
        what: &'static str,
        values: &[T],
    ) -> Result<wgpu::Buffer, GpuError> {
        let buffer = self.storage(what, std::mem::size_of_val(values) as u64)?;
        self.write(&buffer, bytes_of(values))?;
        Ok(buffer)
    }

    fn buffer(
        &self,
        what: &'static str,
        bytes: u64,
        usage: wgpu::BufferUsages,
        limit: u64,
    ) -> Result<wgpu::Buffer, GpuError> {
        let size = bytes.max(64).next_multiple_of(16);
        if size > limit {
            return Err(GpuError::TooLarge { adapter: self.note.name.clone(), what, bytes: size, limit });
        }
        {
            let mut largest = self.largest.lock();
            *largest = size.max(*largest);
        }
        self.guarded(|device, _| {
            device.create_buffer(&wgpu::BufferDescriptor { label: Some(what), size, usage, mapped_at_creation: false })
        })
    }

    /// Writes `bytes` to the start of `buffer` before the next submission.
    ///
    /// # Errors
    /// [`GpuError::Driver`] when they do not fit, [`GpuError::Lost`].
    pub fn write(&self, buffer: &wgpu::Buffer, bytes: &[u8]) -> Result<(), GpuError> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.guarded(|_, queue| queue.write_buffer(buffer, 0, bytes))
    }

    /// Room to read back `bytes` bytes.
    ///
    /// # Errors
    /// As [`Self::storage`].
    pub fn reader(&self, bytes: u64) -> Result<Read, GpuError> {
        use wgpu::BufferUsages as Usage;
        let limit = self.device.limits().max_buffer_size;
        let staging = self.buffer("staging", bytes, Usage::MAP_READ | Usage::COPY_DST, limit)?;
        Ok(Read { staging, bytes })
    }

    /// Submits `commands` and waits for what `read` was told to copy; shows the bytes to `f`.
    ///
    /// # Errors
    /// [`GpuError::Lost`], [`GpuError::OutOfMemory`], [`GpuError::Driver`].
    pub fn finish<R>(
        &self,
        commands: wgpu::CommandEncoder,
        read: &Read,
        f: impl FnOnce(&[u8]) -> R,
    ) -> Result<R, GpuError> {
        let result = self.guarded(|device, queue| {
            queue.submit([commands.finish()]);
            let slice = read.staging.slice(..read.bytes.next_multiple_of(4));
            let (tell, told) = std::sync::mpsc::channel();
            slice.map_async(wgpu::MapMode::Read, move |mapped| {
                // Nobody listens any more if the wait failed.
                let _ = tell.send(mapped);
            });
            device.poll(wgpu::PollType::wait_indefinitely()).map_err(|error| error.to_string())?;
            told.try_recv().map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
            let shown = {
                let view = slice.get_mapped_range().map_err(|error| error.to_string())?;
                let bytes: &[u8] = &view;
                f(bytes.get(..read.bytes as usize).unwrap_or(bytes))
            };
            read.staging.unmap();
            Ok(shown)
        })?;
        result.map_err(|reason: String| self.failure(reason))
    }

    /// Submits `commands` and waits until they have run.
    ///
    /// # Errors
    /// As [`Self::finish`].
    pub fn run(&self, commands: wgpu::CommandEncoder) -> Result<(), GpuError> {
        let polled = self.guarded(|device, queue| {
            queue.submit([commands.finish()]);
            device.poll(wgpu::PollType::wait_indefinitely())
        })?;
        polled.map(|_| ()).map_err(|error| self.failure(error.to_string()))
    }

    /// Why a wait failed: what the handlers heard, else what the call says.
    fn failure(&self, reason: String) -> GpuError {
        let adapter = self.note.name.clone();
        self.check().err().unwrap_or(GpuError::Driver { adapter, reason })
    }

    /// Submits `commands` without waiting.
    ///
    /// # Errors
    /// [`GpuError::Lost`], [`GpuError::OutOfMemory`], [`GpuError::Driver`].
    pub fn submit(&self, commands: wgpu::CommandEncoder) -> Result<(), GpuError> {
        self.guarded(|_, queue| {
            queue.submit([commands.finish()]);
        })
    }

    /// Commands to be filled and handed to [`Self::finish`].
    ///
    /// # Errors
    /// [`GpuError::Lost`].
    pub fn commands(&self) -> Result<wgpu::CommandEncoder, GpuError> {
        self.guarded(|device, _| device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default()))
    }
}

impl Read {
    /// Room in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Lets `commands` copy `bytes` bytes of `buffer` from `from` to place `to` of what is read.
    pub fn copy(&self, commands: &mut wgpu::CommandEncoder, buffer: &wgpu::Buffer, from: u64, to: u64, bytes: u64) {
        commands.copy_buffer_to_buffer(buffer, from, &self.staging, to, Some(bytes));
    }
}
