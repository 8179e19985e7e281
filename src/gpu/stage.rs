//! One step of work on a card: a shader, what it is bound to, and how often it runs.
//!
//! Input: a [`Stage`] and the buffers that its table names. Output: a [`Bound`], ready to be dispatched again and again.
//! Invariants: binding 0 is the uniform `frame`, the others are storage buffers in the order of the table; a unit test of
//! each table holds the shaders to it. Cost: one bind group a stage; a dispatch is three calls.

use super::{Gpu, GpuError, Shader};

/// Threads of a workgroup that serves no tile: what WebGPU allows.
pub const GROUP: u32 = 256;
/// Workgroups in a row of a dispatch; a dimension takes 65 535.
const MOST_COLUMNS: u32 = 32_768;

/// A shader and the buffers behind its bindings 1, 2, ...
#[derive(Clone, Copy, Debug)]
pub struct Stage {
    /// The shader.
    pub shader: Shader,
    /// Names of the buffers, as the shader spells them.
    pub buffers: &'static [&'static str],
}

/// A stage with its buffers.
#[derive(Debug)]
pub struct Bound {
    pipeline: wgpu::ComputePipeline,
    group: wgpu::BindGroup,
    workgroups: u32,
}

/// A [`Stage`] of `shaders/<stem>.wgsl`: its stem, its buffers, the files in front of it, and what writes the constants.
macro_rules! stage {
    ($stem:literal, [$($buffer:literal),*], [$($part:literal),*], $constants:path) => {
        $crate::gpu::Stage {
            shader: $crate::gpu::Shader {
                name: $stem,
                source: || {
                    [
                        $constants().as_str(),
                        $(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/", $part, ".wgsl")),)*
                        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/", $stem, ".wgsl")),
                    ]
                    .concat()
                },
            },
            buffers: &[$($buffer),*],
        }
    };
}
pub(crate) use stage;

impl Gpu {
    /// Binds `stage` to its `frame` and to what `resource_of` finds for each name of its table.
    ///
    /// # Errors
    /// [`GpuError::Driver`] when a buffer is missing or the driver refuses the shader.
    pub fn bind<'a>(
        &self,
        stage: &Stage,
        frame: &'a wgpu::Buffer,
        workgroups: u32,
        resource_of: impl Fn(&'static str) -> Option<wgpu::BindingResource<'a>>,
    ) -> Result<Bound, GpuError> {
        let pipeline = self.pipeline(&stage.shader)?;
        let mut entries = vec![wgpu::BindGroupEntry { binding: 0, resource: frame.as_entire_binding() }];
        for (&name, binding) in stage.buffers.iter().zip(1..) {
            let missing = || GpuError::Driver {
                adapter: self.note.name.clone(),
                reason: format!("the stage {} finds no buffer '{name}'", stage.shader.name),
            };
            entries.push(wgpu::BindGroupEntry { binding, resource: resource_of(name).ok_or_else(missing)? });
        }
        let group = self.guarded(|device, _| {
            device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some(stage.shader.name),
                layout: &pipeline.get_bind_group_layout(0),
                entries: &entries,
            })
        })?;
        Ok(Bound { pipeline, group, workgroups })
    }
}

/// Constants as WGSL: whole numbers, and others.
pub fn constants(unsigned: &[(&str, u32)], floats: &[(&str, f64)]) -> String {
    let unsigned = unsigned.iter().map(|(name, value)| format!("const {name} = {value}u;\n"));
    unsigned.chain(floats.iter().map(|(name, value)| format!("const {name} = f32({value:e});\n"))).collect()
}

/// Commands that run `stages` one after the other.
pub fn dispatch<'a>(commands: &mut wgpu::CommandEncoder, stages: impl IntoIterator<Item = &'a Bound>) {
    let mut pass = commands.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
    stages.into_iter().for_each(|bound| bound.dispatch(&mut pass));
}

impl Bound {
    /// Runs it, in two dimensions; a shader's linear index is `group.x + group.y * groups.x`.
    fn dispatch(&self, pass: &mut wgpu::ComputePass<'_>) {
        if self.workgroups == 0 {
            return;
        }
        let columns = self.workgroups.min(MOST_COLUMNS);
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.group, &[]);
        pass.dispatch_workgroups(columns, self.workgroups.div_ceil(columns), 1);
    }
}

/// Fails when a shader is not valid, is bound otherwise than its table and `shaders/README.md` say, or asks for more than
/// WebGPU promises.
#[cfg(test)]
pub(crate) fn assert_sound(stages: &[Stage]) {
    let row = |stage: &Stage| format!("| `{}` | `{}` |\n", stage.shader.name, stage.buffers.join("`, `"));
    let table = "| stage | bindings 1, 2, ... |\n| --- | --- |\n".to_owned();
    let expected = table + &stages.iter().map(row).collect::<String>() + "\n";
    // A check-out on Windows may have other ends of lines.
    let readme = include_str!("../../shaders/README.md").replace('\r', "");
    assert!(readme.contains(&expected), "a table in shaders/README.md must be\n\n{expected}");
    for stage in stages {
        let (name, source) = (stage.shader.name, (stage.shader.source)());
        let module = naga::front::wgsl::parse_str(&source)
            .unwrap_or_else(|error| panic!("{}", error.emit_to_string_with_path(&source, name)));
        let (flags, capabilities) = (naga::valid::ValidationFlags::all(), naga::valid::Capabilities::empty());
        naga::valid::Validator::new(flags, capabilities)
            .validate(&module)
            .unwrap_or_else(|error| panic!("{}", error.emit_to_string_with_path(&source, name)));
        let variables = || module.global_variables.iter().map(|(_, variable)| variable);
        let mut bound = variables()
            .filter_map(|variable| Some((variable.binding?.binding, variable.name.clone()?)))
            .collect::<Vec<_>>();
        bound.sort();
        let names = std::iter::once("frame").chain(stage.buffers.iter().copied());
        let expected = (0..).zip(names.map(str::to_owned)).collect::<Vec<(u32, String)>>();
        assert_eq!(bound, expected, "bindings of {name}");
        assert!(stage.buffers.len() <= 8, "{name} asks for more buffers than WebGPU promises");
        let mut layouter = naga::proc::Layouter::default();
        layouter.update(module.to_ctx()).unwrap();
        let shared = variables().filter(|variable| variable.space == naga::AddressSpace::WorkGroup);
        let bytes = shared.map(|variable| layouter[variable.ty].size).sum::<u32>();
        assert!(bytes <= 16_384, "{name} uses {bytes} bytes a workgroup");
    }
}
