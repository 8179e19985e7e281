//! The render action: the host's picture in, the edited picture out.
//!
//! Input: an instance and the action's arguments. Output: the render window of the Output clip. Invariants: mix and mask
//! are laid on last and never edit again; where they show the source, its numbers are kept to the bit, those above 1
//! too. Determinism: as the task. Cost: as the task, or a few tens of milliseconds from the cache.

use super::clips::HostImage;
use super::props::Props;
use super::session;
use super::suites::Suites;
use super::sys::*;
use super::task::{self, Inputs, MASK, Task, TaskError};
use crate::image::{Alpha, Image};
use crate::nodes::param::Values;
use crate::nodes::{self, Node, hosted};
use crate::pipeline;
use crate::raster::Size;

/// Renders what `arguments` ask of the instance `effect`.
///
/// # Errors
/// [`TaskError`]; the output is then left as the host made it.
pub(super) fn render(
    node: &Node,
    effect: OfxImageEffectHandle,
    arguments: &Props,
    suites: Suites,
) -> Result<(), TaskError> {
    let flag = |name| arguments.int(name, 0).unwrap_or(0) != 0;
    let draft = flag(kOfxImageEffectPropRenderQualityDraft) || flag(kOfxImageEffectPropInteractiveRenderStatus);
    let task = Task::new(node, effect, arguments, suites);
    let inputs = task.inputs()?;
    let mask = task.image(MASK, "Mask")?;
    let mut output = task.image(kOfxImageEffectOutputClipName, "Output")?.ok_or(TaskError::NoOutput)?;
    let window = arguments.rect(kOfxImageEffectPropRenderWindow).unwrap_or(output.frame.bounds);
    let edited = edit(&task, node, draft, &inputs)?;
    write(&mut output, window, &edited, &inputs.source, mask.as_ref(), &inputs.finish);
    Ok(())
}

/// The edited picture in the space and kind of alpha of the source.
fn edit(task: &Task<'_>, node: &Node, draft: bool, inputs: &Inputs) -> Result<Image, TaskError> {
    let Inputs { source, space, wanted, .. } = inputs;
    let ctx = session::ctx()?;
    let picture = inputs.picture(&ctx)?;
    let drawn = task.wait(&ctx, || {
        let done = task::work(node, draft, &picture, wanted, &ctx)?.done;
        let size = Size { width_px: picture.width, height_px: picture.height };
        let detail = nodes::detail(node, &wanted.values);
        Ok(ctx.install(|| pipeline::draw(&done.finished, size, Some(&picture), detail, &ctx))?)
    })?;
    let in_host_space = ctx.install(|| drawn.into_space(*space));
    let premultiplied = source.alpha == Some(Alpha::Premultiplied);
    Ok(if premultiplied { in_host_space.into_premultiplied() } else { in_host_space })
}

/// Lays the edit over the source in the host's own numbers, by mix and mask, and writes the window.
fn write(
    output: &mut HostImage,
    window: OfxRectI,
    edited: &Image,
    source: &HostImage,
    mask: Option<&HostImage>,
    finish: &Values,
) {
    let mix = finish.number(hosted::MIX.id) as f32;
    let invert = finish.switch(hosted::MASK_INVERT.id);
    let bounds = source.frame.bounds;
    output.write(window, |x, y| {
        let column = i64::from(x) - i64::from(bounds.x1);
        let row = i64::from(bounds.y2) - 1 - i64::from(y);
        let Some(before) = source.pixel(x, y) else { return [0.0; 4] };
        let at = row as usize * edited.width + column as usize;
        let after = [0, 1, 2, 3].map(|plane| edited.planes[plane].get(at).copied().unwrap_or(0.0));
        let shown = match mask {
            None => mix,
            Some(mask) => {
                let [.., alpha] = mask.pixel(x, y).unwrap_or([0.0; 4]);
                let part = if alpha.is_finite() { alpha.clamp(0.0, 1.0) } else { 0.0 };
                mix * if invert { 1.0 - part } else { part }
            }
        };
        if shown >= 1.0 {
            return after;
        }
        if shown <= 0.0 {
            return before;
        }
        [0, 1, 2, 3].map(|plane| before[plane] + shown * (after[plane] - before[plane]))
    });
}
