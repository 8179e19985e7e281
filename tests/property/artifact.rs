//! Artifacts: what is written comes back bit for bit, and no bytes make the reader panic.

use linocut::optimize::Edited;
use linocut::plan::Artifact;
use linocut::scene::{FillRule, Scene};
use proptest::collection::vec;
use proptest::prelude::*;

fn number() -> impl Strategy<Value = f32> {
    any::<u32>().prop_map(f32::from_bits).prop_filter("scenes hold finite numbers", |value| value.is_finite())
}

fn scene() -> impl Strategy<Value = Scene> {
    let contour = (1_usize..4).prop_flat_map(|segments| vec([number(), number()], 3 * segments));
    let path = ("\\PC{0,8}", any::<bool>(), vec(contour, 0..3), [number(), number(), number(), number()]);
    (vec(vec(path, 0..4), 0..4), 1.0_f32..1e4, 1.0_f32..1e4).prop_map(|(groups, width, height)| {
        let mut scene = Scene::new(width, height);
        for (index, paths) in groups.into_iter().enumerate() {
            scene.push_group(format!("round-{index}"), 1.0 / (1 + index) as f32);
            for (id, odd, contours, rgba) in paths {
                let fill = scene.push_fill(rgba);
                let rule = if odd { FillRule::EvenOdd } else { FillRule::NonZero };
                scene.push_path(id, fill, rule, &contours);
            }
        }
        scene
    })
}

fn bits(scene: &Scene) -> Vec<u32> {
    let points = scene.points.iter().flatten();
    points.chain(scene.fills.iter().flatten()).map(|value| value.to_bits()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_comes_back_bit_for_bit(finished in scene(), initial in scene(), loss in -1e3_f32..1e3) {
        let edited = Edited { scene: finished, loss_last: loss, rest: vec![[loss; 3]], ..Edited::untouched(&initial) };
        let edit = Artifact::Edit(Box::new(edited.clone()));
        let bytes = edit.to_bytes().unwrap();
        let Artifact::Edit(read) = Artifact::from_bytes(&bytes).unwrap() else { panic!("an edit is an edit") };
        prop_assert_eq!(bits(&read.scene), bits(&edited.scene));
        prop_assert_eq!(bits(&read.initial), bits(&edited.initial));
        prop_assert_eq!((read.loss_last.to_bits(), &*read), (loss.to_bits(), &edited));
        prop_assert_eq!(Artifact::Edit(read).to_bytes().unwrap(), bytes, "one byte sequence an artifact");
    }

    #[test]
    fn no_bytes_make_the_reader_panic(mut bytes in vec(any::<u8>(), 0..400), kind in 0_u8..4) {
        if let Some(first) = bytes.first_mut() {
            *first = kind;
        }
        if let Ok(Artifact::Scene(scene)) = Artifact::from_bytes(&bytes) {
            prop_assert!(scene.validate().is_ok(), "what is accepted is a scene");
        }
    }
}
