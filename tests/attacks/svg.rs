//! Hostile and broken SVG files: each ends in a message, none in a crash, a hang or a look at another file.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use linocut::scene::Scene;
use linocut::scene::svg_in::{Feature, MAX_BYTES, Notice, SvgError, scene_from_svg};

fn read(svg: &str) -> Result<(Scene, Vec<Notice>), SvgError> {
    scene_from_svg(svg.as_bytes())
}

fn message(svg: &str) -> String {
    read(svg).expect_err("the file must be refused").to_string()
}

fn in_svg(body: &str) -> String {
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' width='10' height='10'>{body}</svg>"
    )
}

/// `text` is refused or read within a few seconds even by an unoptimised build.
fn quick(svg: &str) -> Result<(Scene, Vec<Notice>), SvgError> {
    let start = Instant::now();
    let result = read(svg);
    assert!(start.elapsed() < Duration::from_secs(20), "took {:?}", start.elapsed());
    result
}

#[test]
fn nested_100_000_deep_is_refused_without_overflowing_the_stack() {
    let svg = in_svg(&format!("{}<path d='M0 0h9v9z'/>{}", "<g>".repeat(100_000), "</g>".repeat(100_000)));
    assert_eq!(message(&svg), "elements are nested 100002 deep; at most 1000 are followed");
}

#[test]
fn nesting_at_the_limit_is_drawn() {
    let svg = in_svg(&format!("{}<path d='M0 0h9v9z'/>{}", "<g opacity='.9'>".repeat(990), "</g>".repeat(990)));
    assert_eq!(read(&svg).unwrap().0.paths.len(), 1);
}

#[test]
fn chains_of_masks_clip_paths_and_patterns_are_bounded() {
    for (element, attribute) in [("mask", "mask"), ("clipPath", "clip-path")] {
        let mut chain = String::new();
        for link in 0..50_000 {
            write!(
                chain,
                "<{element} id='m{link}' {attribute}='url(#m{})'><path d='M0 0h9v9z'/></{element}>",
                link + 1
            )
            .unwrap();
        }
        let svg = in_svg(&format!("{chain}<path d='M0 0h9v9z' {attribute}='url(#m0)'/>"));
        assert!(matches!(quick(&svg), Err(SvgError::TooDeep { .. })), "{element}");
    }
    let mut chain = String::from("<style>.next{fill:url(#p3)}</style>");
    for link in 0..20_000 {
        let next = link + 1;
        write!(
            chain,
            "<pattern id='p{link}' width='1' height='1'><path style='fill:url(#p{next})' d='M0 0h9v9z'/></pattern>"
        )
        .unwrap();
    }
    assert!(matches!(quick(&in_svg(&chain)), Err(SvgError::TooDeep { .. })));
}

#[test]
fn references_in_circles_are_named() {
    let mask = "<mask id='a' mask='url(#b)'><path d='M0 0h9v9z'/></mask><mask id='b' mask='url( \"#a\" )'><path d='M0 0h9'/></mask>";
    assert_eq!(message(&in_svg(mask)), "element `a` refers to itself, directly or through others");
    let by_class = "<style>.x{clip-path:url(#c)}</style><clipPath id='c'><path class='x' d='M0 0h9v9z'/></clipPath>";
    assert_eq!(message(&in_svg(by_class)), "element `c` refers to itself, directly or through others");
    let by_use = "<g id='g'><use href='#g'/></g>";
    assert_eq!(message(&in_svg(by_use)), "element `g` refers to itself, directly or through others");
}

#[test]
fn use_that_unfolds_to_billions_is_refused() {
    let mut body = String::from("<path id='u0' d='M0 0h9v9z'/>");
    for level in 1..=12 {
        let uses = format!("<use href='#u{}'/>", level - 1).repeat(10);
        write!(body, "<g id='u{level}'>{uses}</g>").unwrap();
    }
    assert!(matches!(quick(&in_svg(&body)), Err(SvgError::TooManyElements { .. })));
}

#[test]
fn masks_that_unfold_to_billions_are_refused() {
    let mut body = String::new();
    for level in 1..=11 {
        let paths = format!("<path mask='url(#m{})' d='M0 0h9v9z'/>", level - 1).repeat(10);
        write!(body, "<mask id='m{level}'>{paths}</mask>").unwrap();
    }
    body.push_str("<path mask='url(#m11)' d='M0 0h9v9z'/>");
    assert!(matches!(quick(&in_svg(&body)), Err(SvgError::TooManyElements { .. })));
}

#[test]
fn entities_that_unfold_to_billions_are_refused() {
    let mut dtd = String::from("<!DOCTYPE svg [<!ENTITY a0 '<path d=\"M0 0h9v9z\"/>'>");
    for level in 1..=12 {
        write!(dtd, "<!ENTITY a{level} '{}'>", format!("&a{};", level - 1).repeat(10)).unwrap();
    }
    assert!(quick(&format!("{dtd}]>{}", in_svg("&a12;"))).is_err());
}

#[test]
fn entities_used_as_illustrator_does_are_read() {
    let dtd = "<!DOCTYPE svg [<!ENTITY p '<path d=\"M0 0h9v9z\"/>'><!ENTITY blue '#0000ff'>]>";
    let (scene, _) = read(&format!("{dtd}{}", in_svg("&p;<g>&p;</g><path fill='&blue;' d='M0 0h9v9z'/>"))).unwrap();
    assert_eq!(scene.paths.len(), 3);
    assert_eq!(scene.fills[scene.paths[2].fill as usize], [0.0, 0.0, 1.0, 1.0]);
}

#[test]
fn no_other_file_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner.svg");
    std::fs::write(&inner, in_svg("<path d='M0 0h9v9z'/>")).unwrap();
    let href = inner.display();
    let body = format!(
        "<image id='file' href='{href}' width='9' height='9'/><image id='data' width='9' height='9' \
         href='data:image/svg+xml;utf8,&lt;svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"/>'/>\
         <use href='{href}#x'/><style>@import url('{href}');</style>"
    );
    let (scene, notices) = read(&in_svg(&body)).unwrap();
    assert_eq!(scene.paths.len(), 0);
    assert_eq!(notices.iter().filter(|notice| notice.feature == Feature::Image).count(), 2);
    let entity = format!("<!DOCTYPE svg [<!ENTITY f SYSTEM 'file://{href}'>]>{}", in_svg("&f;"));
    assert!(read(&entity).is_err(), "an external entity must not be fetched");
}

#[test]
fn pictures_without_a_size_are_refused() {
    for size in ["width='0' height='10'", "width='10' height='-1'", "viewBox='0 0 0 10' width='0' height='0'"] {
        let svg = format!("<svg xmlns='http://www.w3.org/2000/svg' {size}><path d='M0 0h9v9z'/></svg>");
        assert!(message(&svg).starts_with("the picture has no size"), "{size}");
    }
    let huge = "<svg xmlns='http://www.w3.org/2000/svg' width='1e6' height='10'/>";
    assert_eq!(
        message(huge),
        "the canvas is 1000000 x 10 pixels; at most 65536 a side: scale `width` and `height` down"
    );
}

#[test]
fn a_missing_size_is_the_drawing_itself() {
    let (scene, _) = read("<svg xmlns='http://www.w3.org/2000/svg'><path d='M5 5h25v15z'/></svg>").unwrap();
    assert_eq!((scene.width, scene.height), (30.0, 20.0));
}

#[test]
fn numbers_beyond_reason_never_reach_the_scene() {
    for data in ["M0 0L1e39 0L0 9z", "M0 0L3e38 3e38 -3e38 0z", "M0 0Lnan 0L0 9z", "M1e20 0h9v9z"] {
        let body = format!("<path id='x' d='{data}'/><path id='t' transform='scale(1e30)' d='M1 1h9v9z'/>");
        let (scene, _) = read(&in_svg(&body)).unwrap();
        assert!(scene.points.iter().flatten().all(|value| value.abs() < 1e7), "{data}");
    }
    let (scene, notices) = read(&in_svg("<path id='far' d='M0 0h1e8v9z'/>")).unwrap();
    assert_eq!(
        (scene.paths.len(), notices[0].to_string().as_str()),
        (0, "far: coordinates: left out: not finite or too far away")
    );
}

#[test]
fn dashes_by_the_million_are_bounded() {
    let body = "<path d='M0 0H9999999' stroke='red' stroke-dasharray='.001' stroke-linecap='round'/>".repeat(20);
    let result = quick(&in_svg(&body));
    assert!(result.is_err() || result.unwrap().0.points.len() < 20_000_000);
}

#[test]
fn bytes_that_are_not_svg_are_refused_with_a_reason() {
    let refused = |bytes: &[u8]| scene_from_svg(bytes).expect_err("must be refused").to_string();
    assert!(refused(&[0x1f, 0x8b, 8, 0]).starts_with("the file is gzip-compressed (.svgz); unpack it first"));
    assert_eq!(refused(b"<svg>\xff</svg>"), "the file is not UTF-8 text: byte 5 is invalid; save it as UTF-8");
    assert!(refused(b"").starts_with("the file is not a well-formed SVG"));
    assert!(refused(b"<html/>").ends_with("the root element is `html`, not `svg`"));
    assert!(
        refused(b"<svg xmlns='http://www.w3.org/2000/svg'><g></svg>").starts_with("the file is not a well-formed SVG")
    );
    assert!(refused(&vec![b' '; MAX_BYTES + 1]).contains("at most 134217728 are read"));
}

#[test]
fn duplicate_and_empty_ids_become_unique() {
    let body = "<path id='a' d='M0 0h9v9z'/><path id='a' d='M0 0h9v9z'/><path id='' d='M0 0h9v9z'/><g id='a'><path id='path-1' d='M0 0h9v9z'/><path d='M0 0h9v9z'/></g>";
    let (scene, _) = read(&in_svg(body)).unwrap();
    let mut ids: Vec<_> = scene.paths.iter().map(|path| path.id.clone()).collect();
    ids.extend(scene.groups.iter().map(|group| group.id.clone()));
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), scene.paths.len()), (count, 5), "{ids:?}");
}
