//! Bad input on the command line: the exact message, the exit code, and nothing half-written.

use crate::util::{file, folder, linocut, names, write_disc};
use std::path::Path;

/// Runs `edit IN` with quick settings in `folder`; the output would be `out.png`.
fn edit(folder: &Path, input: &str, more: &[&str]) -> crate::util::Ran {
    let quick = ["edit", input, "--iterations", "1", "--patches", "1", "-o", "out.png"];
    linocut(folder, &[&quick, more].concat())
}

/// Asserts that `input` is refused with `code` and `message`, and that no output appeared.
fn refused(folder: &Path, input: &str, more: &[&str], code: i32, message: &str) {
    let before = names(folder);
    let ran = edit(folder, input, more);
    assert_eq!(ran.stderr.trim_end(), format!("linocut: {message}"), "message for {input} {more:?}");
    assert_eq!(ran.code, code, "exit code for {input} {more:?}");
    assert_eq!(names(folder), before, "files left behind for {input} {more:?}");
}

#[test]
fn a_missing_picture_is_named() {
    let folder = folder();
    let message = "absent.png: cannot be read (No such file or directory (os error 2))";
    refused(folder.path(), "absent.png", &["--prompt", "x"], 1, message);
}

#[test]
fn a_file_that_is_no_picture_says_what_would_be() {
    let folder = folder();
    std::fs::write(folder.path().join("in.txt"), "hello").unwrap();
    let message = "in.txt: not a picture; give PNG, JPEG, WebP, TIFF, EXR or SVG";
    refused(folder.path(), "in.txt", &["--prompt", "x"], 1, message);
}

#[test]
fn a_cut_off_picture_is_not_edited() {
    let folder = folder();
    let whole = std::fs::read(file("examples/coffee.jpg")).unwrap();
    std::fs::write(folder.path().join("in.jpg"), &whole[..200]).unwrap();
    let ran = edit(folder.path(), "in.jpg", &["--prompt", "x"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.starts_with("linocut: in.jpg: cannot be decoded ("), "{}", ran.stderr);
    assert!(ran.stderr.trim_end().ends_with("; is the file whole?"), "{}", ran.stderr);
}

#[test]
fn a_huge_picture_is_refused_before_memory_is_taken() {
    let folder = folder();
    // A PNG header that promises 100000 x 100000 pixels, with its true checksum.
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\x01\x86\xa0\0\x01\x86\xa0\x08\x02\0\0\0".to_vec();
    png.extend(crc32(&png[12..]).to_be_bytes());
    png.extend(b"\0\0\0\x10IDAT0123456789abcdef0000");
    std::fs::write(folder.path().join("in.png"), png).unwrap();
    let message = "in.png: the picture is 100000 x 100000 pixels, more than 32768 a side or 268435456 in all; \
                   scale it down first";
    refused(folder.path(), "in.png", &["--prompt", "x"], 1, message);
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes
        .iter()
        .fold(!0u32, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 * (crc & 1))))
}

#[test]
fn a_picture_with_nan_pixels_names_the_pixel() {
    let folder = folder();
    let mut pixels = image::Rgba32FImage::from_pixel(4, 3, image::Rgba([0.5, 0.5, 0.5, 1.0]));
    pixels.put_pixel(2, 1, image::Rgba([0.5, f32::NAN, 0.5, 1.0]));
    image::DynamicImage::ImageRgba32F(pixels).save(folder.path().join("in.exr")).unwrap();
    let message = "in.exr: pixel (2, 1) holds NaN, which is not a finite number; repair the picture first";
    refused(folder.path(), "in.exr", &["--prompt", "x"], 1, message);
}

#[test]
fn an_empty_prompt_asks_for_one() {
    let folder = folder();
    write_disc(&folder.path().join("in.png"), 48);
    let message = "no prompt: say what the picture should become, for the whole picture or for a region";
    refused(folder.path(), "in.png", &["--prompt", "  "], 2, message);
}

#[test]
fn a_prompt_longer_than_the_context_says_both_lengths() {
    let folder = folder();
    write_disc(&folder.path().join("in.png"), 48);
    let long = "moon ".repeat(60);
    let ran = edit(folder.path(), "in.png", &["--prompt", &long]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("tokens long, but this encoder takes"), "{}", ran.stderr);
    assert_eq!(names(folder.path()), ["in.png"], "nothing was left");
}

#[test]
fn a_region_outside_the_picture_names_both() {
    let folder = folder();
    write_disc(&folder.path().join("in.png"), 48);
    let message = "region 100,0,10,10 lies outside the picture of 48 x 48 pixels; give x,y,w,h inside it";
    refused(folder.path(), "in.png", &["--region", "100,0,10,10:moon"], 2, message);
    let message = "region 4,4,0,10 lies outside the picture of 48 x 48 pixels; give x,y,w,h inside it";
    refused(folder.path(), "in.png", &["--region", "4,4,0,10:moon"], 2, message);
}

#[test]
fn a_mask_of_another_size_names_both_sizes() {
    let folder = folder();
    write_disc(&folder.path().join("in.png"), 48);
    write_disc(&folder.path().join("mask.png"), 40);
    let message = "--mask mask.png: it is 40 x 40 pixels, but the source is 48 x 48; give both one size";
    refused(folder.path(), "in.png", &["--prompt", "x", "--mask", "mask.png"], 2, message);
}

#[test]
fn a_schedule_that_cannot_be_read_names_its_line() {
    let folder = folder();
    write_disc(&folder.path().join("in.png"), 48);
    std::fs::write(folder.path().join("keys.txt"), "0: a moon\nnight").unwrap();
    let message = "line 2 of the prompt schedule, 'night', has no ':' between frame and prompt; \
                   write one key a line, such as '24: a town at night'";
    refused(folder.path(), "in.png", &["--schedule", "keys.txt"], 2, message);
}

#[test]
fn a_malformed_region_is_a_usage_error() {
    let folder = folder();
    write_disc(&folder.path().join("in.png"), 48);
    let message = "Region (--region) is '1,2,3:moon': give x,y,w,h:TEXT, repeatable";
    refused(folder.path(), "in.png", &["--region", "1,2,3:moon"], 2, message);
}

#[test]
fn a_score_from_a_text_alone_or_from_a_missing_picture_is_refused() {
    let folder = folder();
    write_disc(&folder.path().join("in.png"), 48);
    let score = |more: &[&str]| linocut(folder.path(), &[&["score", "in.png", "--prompt", "moon"], more].concat());
    let ran = score(&["--reference", "a photo"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("--before <PICTURE>"), "{}", ran.stderr);
    let ran = score(&["--before", "absent.png"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.starts_with("linocut: absent.png: cannot be read ("), "{}", ran.stderr);
}

#[test]
fn a_malformed_svg_says_where() {
    let folder = folder();
    std::fs::write(folder.path().join("in.svg"), "<svg xmlns='http://www.w3.org/2000/svg'><path").unwrap();
    let ran = edit(folder.path(), "in.svg", &["--prompt", "x"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.starts_with("linocut: in.svg: "), "{}", ran.stderr);
}

#[test]
fn a_malformed_font_is_refused() {
    let folder = folder();
    std::fs::write(folder.path().join("font.ttf"), b"\0\x01\0\0 this is no font").unwrap();
    let args = ["stylize", "--text", "A", "--font", "font.ttf", "--prompt", "fire", "-o", "out.png"];
    let ran = linocut(folder.path(), &args);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert_eq!(names(folder.path()), ["font.ttf"], "nothing was left");
}

#[test]
fn a_missing_model_names_the_folders_and_the_command() {
    let folder = folder();
    write_disc(&folder.path().join("in.png"), 48);
    let ran = edit(folder.path(), "in.png", &["--prompt", "x", "--encoder", "openai/clip-vit-base-patch16"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("linocut models fetch openai/clip-vit-base-patch16"), "{}", ran.stderr);
    assert_eq!(names(folder.path()), ["in.png"], "nothing was left");
}

#[cfg(not(feature = "cuda"))]
#[test]
fn asking_for_cuda_in_a_build_without_it_is_refused_before_the_work() {
    let folder = folder();
    write_disc(&folder.path().join("disc.png"), 48);
    let before = names(folder.path());
    let ran = edit(folder.path(), "disc.png", &["--prompt", "x", "--encoder-device", "cuda-bf16"]);
    assert_ne!(ran.code, 0, "not done");
    assert!(
        ran.stderr.starts_with("linocut: the encoder cannot run on cuda:0 (bf16): this build has no CUDA"),
        "{}",
        ran.stderr
    );
    assert_eq!(names(folder.path()), before, "files left behind");
}

#[test]
fn an_unwritable_output_is_found_before_the_work() {
    let folder = folder();
    write_disc(&folder.path().join("in.png"), 48);
    let args = ["edit", "in.png", "--prompt", "x", "-o", "absent/out.png"];
    let ran = linocut(folder.path(), &args);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.starts_with("linocut: absent/out.png: cannot be written ("), "{}", ran.stderr);
    assert!(ran.stderr.trim_end().ends_with("; nothing was left there"), "{}", ran.stderr);
}

#[test]
fn an_output_of_unknown_kind_is_a_usage_error() {
    let folder = folder();
    write_disc(&folder.path().join("in.png"), 48);
    let ran = linocut(folder.path(), &["edit", "in.png", "--prompt", "x", "-o", "out.bmp"]);
    assert_eq!(ran.stderr, "linocut: out.bmp: end the output's name in png, jpg, webp, tiff or exr\n", "message");
    assert_eq!(ran.code, 2, "exit code");
}

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_nothing_behind() {
    let folder = folder();
    write_disc(&folder.path().join("in.png"), 200);
    // A limit on file sizes fails writes the way a full disk does.
    let script = "trap '' XFSZ; ulimit -f 1; exec \"$0\" vectorize in.png -o out.svg --cache off";
    let shell = std::process::Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_linocut")])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&shell.stderr);
    assert_eq!(shell.status.code(), Some(1), "{stderr}");
    assert!(stderr.starts_with("linocut: out.svg: cannot be written ("), "{stderr}");
    assert_eq!(names(folder.path()), ["in.png"], "nothing was left");
}

#[test]
fn asking_for_a_card_that_is_switched_off_says_so_before_any_work() {
    let folder = folder();
    write_disc(&folder.path().join("in.png"), 48);
    let message = "graphics cards are switched off (LINOCUT_GPU=off or --gpu off); choose the backend cpu or auto";
    refused(folder.path(), "in.png", &["--prompt", "x", "--backend", "gpu", "--gpu", "off"], 4, message);
}

#[test]
fn a_budget_that_is_no_number_is_a_usage_error_and_a_tiny_one_only_costs_time() {
    let folder = folder();
    write_disc(&folder.path().join("in.png"), 48);
    let edit = |budget: &str| {
        std::process::Command::new(env!("CARGO_BIN_EXE_linocut"))
            .args(["edit", "in.png", "--prompt", "red", "--quality", "draft", "--iterations", "1", "-o", "out.png"])
            .args(["--cache", "off"])
            .env("LINOCUT_MODEL_BUDGET", budget)
            .current_dir(folder.path())
            .output()
            .unwrap()
    };
    let refused = edit("plenty");
    let stderr = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("LINOCUT_MODEL_BUDGET is 'plenty', but must be a number of bytes"), "{stderr}");
    assert!(edit("1").status.success(), "what is in use stays whatever the budget");
}

#[test]
fn without_a_card_auto_draws_on_the_cpu_as_if_nothing_had_been_asked() {
    let folder = folder();
    write_disc(&folder.path().join("in.png"), 48);
    let edit = |more: &[&str]| {
        let args = ["edit", "in.png", "--prompt", "a moon", "--iterations", "2", "--json"];
        linocut(folder.path(), &[&args[..], more].concat()).json()
    };
    let plain = edit(&["-o", "plain.png"]);
    let auto = edit(&["-o", "auto.png", "--backend", "auto", "--gpu", "off"]);
    assert_eq!((&auto["backend"], &auto["job_hash"]), (&"cpu".into(), &plain["job_hash"]), "{auto}");
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    assert_eq!(read("plain.png"), read("auto.png"), "pictures");
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_at_once_leaves_no_file_and_exits_with_5() {
    let folder = folder();
    write_disc(&folder.path().join("in.png"), 256);
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_linocut"))
        .args(["edit", "in.png", "--prompt", "a moon", "--iterations", "9999", "-o", "out.png", "--svg", "out.svg"])
        .args(["--quality", "paper", "--cache", "off"])
        .current_dir(folder.path())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let stopped = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(stopped.success(), "the signal was sent");
    assert_eq!(child.wait().unwrap().code(), Some(5), "exit code");
    assert_eq!(names(folder.path()), ["in.png"], "nothing was left");
}
