//! The render action: the host's picture in, the edited picture out.
//!
//! Input: an instance and the action's arguments. Output: the render window of the Output clip, and what is to be mentioned.
//! Invariants: a draft is shown only where the host asks for one by the flag that its own cache keeps apart; mix and mask are
//! laid on last and never edit again; where they show the source, its numbers are kept to the bit, those above 1 too, and
//! so are those of a pixel without alpha: light that covers nothing. Determinism: as the task. Cost: as the task, or a few tens of milliseconds from the cache.

use super::clips::HostImage;
use super::error::TaskError;
use super::guard::Alone;
use super::inputs::{Effort, Inputs};
use super::props::Props;
use super::status;
use super::suites::Suites;
use super::sys::*;
use super::task::Task;
use crate::ctx::{Ctx, Silent};
use crate::finish::mixed;
use crate::image::{Alpha, Image, LEAST_ALPHA};
use crate::nodes::{Node, shared};
use crate::optimize::UNCLEAR_PROMPT;
use crate::raster::Size;
use std::sync::Arc;

/// Renders what `arguments` ask of the instance `effect`.
///
/// # Errors
/// [`TaskError`]; the output is then left as the host made it.
pub(super) fn render(
    node: &Node,
    effect: OfxImageEffectHandle,
    arguments: &Props,
    suites: Suites,
) -> Result<Option<String>, TaskError> {
    let alone = Alone::take();
    let may_be_draft = arguments.int(kOfxImageEffectPropRenderQualityDraft, 0).unwrap_or(0) != 0;
    let effort = match (&alone, may_be_draft) {
        (None, _) => Effort::Find,
        (Some(_), true) => Effort::Draft,
        (Some(_), false) => Effort::Whole,
    };
    let task = Task::new(node, effect, arguments, suites);
    let output = task.output()?;
    let inputs = task.inputs_into(output.as_ref().map(|output| output.depth))?;
    let mut output = output.ok_or(TaskError::NoOutput)?;
    let window = arguments.rect(kOfxImageEffectPropRenderWindow).unwrap_or(output.frame.bounds);
    let ctx = inputs.ctx(Arc::new(Silent))?;
    if inputs.source.is_some() && inputs.values.get(&shared::MIX) <= 0.0 {
        // Some hosts never ask whether the node changes anything.
        pass(&mut output, window, &inputs, &ctx);
        return Ok(None);
    }
    if inputs.source.is_some() && !inputs.has_aim(node) {
        pass(&mut output, window, &inputs, &ctx);
        status::remember_source(effect, no_aim(node));
        return Ok(Some(no_aim(node).to_owned()));
    }
    let (edited, is_unclear) = edit(&task, node, effort, &inputs, &output, &ctx)?;
    write(&mut output, window, &edited, &inputs, &ctx);
    let lost = |regions: &[String]| format!("{} lies beside the picture and changes nothing", regions.join(" and "));
    Ok(match inputs.lost_regions.as_slice() {
        _ if !inputs.has_aim(node) => Some(no_aim(node).to_owned()),
        [] => is_unclear.then(|| UNCLEAR_PROMPT.to_owned()),
        regions => Some(lost(regions)),
    })
}

/// What an artist is told who has not said yet what to edit towards.
fn no_aim(node: &Node) -> &'static str {
    if node.takes_reference() {
        "connect a picture to Reference, or name one under Reference file; at this frame there is none"
    } else {
        "type a prompt, or switch on a region and give it one"
    }
}

/// Writes the source as it is.
fn pass(output: &mut HostImage, window: OfxRectI, inputs: &Inputs, ctx: &Ctx) {
    output.write(window, ctx, |x, y| inputs.source.as_ref().and_then(|source| source.pixel(x, y)).unwrap_or_default());
}

/// The edited picture in the space and kind of alpha of the source, and whether the encoder hardly knew what was asked.
fn edit(
    task: &Task<'_>,
    node: &Node,
    effort: Effort,
    inputs: &Inputs,
    output: &HostImage,
    ctx: &Ctx,
) -> Result<(Image, bool), TaskError> {
    let Inputs { source, .. } = inputs;
    let frame = &output.frame;
    let material = inputs.material(Size { width_px: frame.width(), height_px: frame.height() }, ctx)?;
    let others = inputs.others(ctx)?;
    let (work, drawn) = task
        .wait(
            ctx,
            || false,
            || {
                let Some(work) = inputs.work(node, effort, &material, &others, ctx)? else { return Ok(None) };
                let drawn = inputs.drawn(&material, &work, ctx)?;
                Ok(Some((work, drawn)))
            },
        )?
        .ok_or(TaskError::Busy)?;
    let frame = source.as_ref().map_or(*frame, |source| source.frame);
    task.remember_shapes(node, &work, frame);
    if inputs.has_aim(node) {
        status::remember(task.effect(), &work, task.time(), source.as_ref(), inputs.space);
    } else {
        status::remember_source(task.effect(), no_aim(node));
    }
    // Letters in a picture without alpha lie on paper.
    let drawn = if source.is_none() && output.alpha.is_none() { drawn.over([1.0; 3]) } else { drawn };
    let in_host_space = ctx.install(|| drawn.into_space(inputs.space));
    let premultiplied = source.as_ref().unwrap_or(output).alpha == Some(Alpha::Premultiplied);
    let is_unclear = work.made.edited().is_some_and(|edited| edited.is_unclear());
    Ok((if premultiplied { in_host_space.into_premultiplied() } else { in_host_space }, is_unclear))
}

/// Lays the edit over the source in the host's own numbers, by mix and mask, and writes the window.
fn write(output: &mut HostImage, window: OfxRectI, edited: &Image, inputs: &Inputs, ctx: &Ctx) {
    let Inputs { source, mask, values, .. } = inputs;
    let mix = values.get(&shared::MIX) as f32;
    let invert = values.get(&shared::MASK_INVERT);
    let bounds = source.as_ref().map_or(output.frame.bounds, |source| source.frame.bounds);
    let is_colorless = source.is_none() && output.alpha == Some(Alpha::Straight);
    output.write(window, ctx, |x, y| {
        let before = match source {
            None => [0.0; 4],
            Some(source) => match source.pixel(x, y) {
                Some(before) if before[3] <= LEAST_ALPHA => return before,
                Some(before) => before,
                None => return [0.0; 4],
            },
        };
        let column = i64::from(x) - i64::from(bounds.x1);
        let row = i64::from(bounds.y2) - 1 - i64::from(y);
        let at = row as usize * edited.width + column as usize;
        let after = [0, 1, 2, 3].map(|plane| edited.planes[plane].get(at).copied().unwrap_or(0.0));
        // Below a word is nothing, and nothing has no colour that could come through.
        let before = if is_colorless { [after[0], after[1], after[2], 0.0] } else { before };
        let shown = mask.as_ref().map_or(mix, |mask| mix * mask.cover(x, y, invert));
        mixed(before, after, shown)
    });
}
