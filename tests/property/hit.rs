//! A shape that is picked is the one that is seen.

use super::vectorize_support::ctx;
use crate::gpu::scenes;
use linocut::raster::{Background, Size, render};
use linocut::scene::hit::path_under;

#[test]
fn what_is_picked_is_what_the_rasterizer_draws_on_top() {
    for seed in 1..5 {
        let mut scene = scenes::random(seed, 64.0, 12);
        scene.groups.iter_mut().for_each(|group| group.opacity = 1.0);
        // Every path has a colour of its own and hides what lies behind it.
        scene.fills = (0..scene.paths.len()).map(|at| [at as f32 / 255.0, 0.5, 0.0, 1.0]).collect();
        (0..).zip(&mut scene.paths).for_each(|(at, path)| path.fill = at);
        let side = 64;
        let drawn = render(&scene, Size { width_px: side, height_px: side }, Background::Transparent, &ctx(1)).unwrap();
        let drawn = drawn.into_straight();
        let (mut compared, mut alike) = (0, 0);
        for at in 0..side * side {
            let [red, _, _, alpha] = drawn.planes.each_ref().map(|plane| plane[at]);
            let number = red * 255.0;
            // Pixels that one path or none covers wholly.
            if alpha > 0.0 && (alpha < 1.0 || (number - number.round()).abs() > 1e-3) {
                continue;
            }
            let scale = [scene.width, scene.height].map(|length| length / side as f32);
            let middle = [((at % side) as f32 + 0.5) * scale[0], ((at / side) as f32 + 0.5) * scale[1]];
            let wanted = (alpha > 0.0).then(|| number.round() as usize);
            compared += 1;
            alike += usize::from(path_under(&scene, middle) == wanted);
        }
        assert!(compared > 1_000 && alike * 1_000 >= compared * 995, "seed {seed}: {alike} of {compared} pixels agree");
    }
}
