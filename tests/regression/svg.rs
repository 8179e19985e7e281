//! SVG files that fuzzing found.

use linocut::scene::svg_in::{SvgError, scene_from_svg};
use linocut::scene::svg_out::{Metadata, svg_from_scene};

fn in_svg(body: &str) -> String {
    format!("<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'>{body}</svg>")
}

#[test]
fn absurd_radii_and_widths_took_minutes() {
    for body in [
        "<circle r='1e38'/>",
        "<ellipse rx='1' ry='100000000000000000'/>",
        "<path d='M0 0a1e30 1E+30 0 0 1 5 5z'/>",
        "<path stroke='red' stroke-width='1e9' d='M0 0h9v9z'/>",
        "<path style='stroke:red;stroke-width:12345678px' d='M0 0h9v9z'/>",
        "<style>path{stroke-width:1e9}</style><path stroke='red' d='M0 0h9v9z'/>",
    ] {
        let result = scene_from_svg(in_svg(&body.repeat(1000)).as_bytes());
        assert!(
            matches!(result, Err(SvgError::Number { .. })),
            "{body}: {:?}",
            result.map(|(scene, _)| scene.paths.len())
        );
    }
    let fine =
        "<circle r='0000000000004.00000000000001'/><path d='M0 0a1e3 12345.5 0 0 1 5 5e-20z' stroke-width='123456.5'/>";
    assert_eq!(scene_from_svg(in_svg(fine).as_bytes()).unwrap().0.paths.len(), 2);
}

#[test]
fn what_lies_below_a_decimal_changed_when_written_twice() {
    let write = |svg: &str| svg_from_scene(&scene_from_svg(svg.as_bytes()).unwrap().0, &Metadata::default());
    for body in [
        "<path d='M0 0l1e-9 0c1e-9 1e-9 0 1e-9 2e-9 0z'/>",
        "<rect width='8' height='1e-9'/>",
        "<g id='g' opacity='.99999'><path d='M0 0h9v9z'/><path d='M0 0h9v9z'/></g>",
    ] {
        let once = write(&in_svg(body));
        assert_eq!(write(&once), once, "{body}");
    }
}
