//! Cache entries: what is written comes back bit for bit, and no bytes make the reader panic.

use linocut::cache::Entry;
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
    fn what_is_written_comes_back_bit_for_bit(finished in scene(), initial in scene(), loss in any::<f64>(), job in any::<[u8; 32]>()) {
        let job = blake3::Hash::from_bytes(job);
        let entry = Entry { scene: finished, initial, report: serde_json::json!({"loss": loss, "note": "\u{1f3a8}"}) };
        let bytes = entry.to_bytes(&job).unwrap();
        let read = Entry::from_bytes(&job, &bytes).unwrap();
        prop_assert_eq!(&read, &entry);
        prop_assert_eq!(bits(&read.scene), bits(&entry.scene));
        prop_assert_eq!(read.to_bytes(&job).unwrap(), bytes, "one byte sequence an entry");
    }

    #[test]
    fn no_bytes_make_the_reader_panic(mut body in vec(any::<u8>(), 0..400), framed in any::<bool>()) {
        let job = blake3::hash(b"job");
        if framed {
            body.splice(..0, *job.as_bytes());
            let mut bytes = b"linocut\n\x01\0\0\0".to_vec();
            bytes.extend_from_slice(&(body.len() as u64).to_le_bytes());
            bytes.extend_from_slice(blake3::hash(&body).as_bytes());
            bytes.extend_from_slice(&body);
            body = bytes;
        }
        if let Ok(entry) = Entry::from_bytes(&job, &body) {
            prop_assert!(entry.scene.validate().is_ok(), "what is accepted is a scene");
        }
    }
}
