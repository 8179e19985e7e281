//! `cargo xtask gallery`: runs the README's before/after pairs and writes them with their commands and cosines.
//!
//! The list was chosen before the shipped encoder was run on it and stays as it is when a pair fails; first stands what the
//! README's first command makes.

use crate::report::{linocut, number, replace_section};
use crate::{build, root};
use serde_json::Value;

struct Pair {
    name: &'static str,
    input: &'static str,
    args: &'static [&'static str],
}

const PAIRS: &[Pair] = &[
    Pair { name: "gold", input: "coffee.jpg", args: &["edit", "--prompt", "made of gold"] },
    Pair { name: "night", input: "coffee.jpg", args: &["edit", "--prompt", "a cup of coffee at night"] },
    Pair { name: "sunset", input: "rocket.jpg", args: &["recolor", "--prompt", "a photo at sunset"] },
    Pair { name: "snow", input: "chelsea.jpg", args: &["recolor", "--prompt", "a cat in the snow"] },
    Pair { name: "underwater", input: "astronaut.jpg", args: &["recolor", "--prompt", "underwater"] },
    Pair {
        name: "green-cup",
        input: "coffee.jpg",
        args: &["edit", "--detail", "1", "--region", "130,4,250,240:a green cup"],
    },
    Pair { name: "tiger", input: "chelsea.jpg", args: &["edit", "--prompt", "a tiger"] },
    Pair { name: "moon", input: "rocket.jpg", args: &["edit", "--prompt", "a full moon in the night sky"] },
];

/// Runs every pair and writes `docs/gallery` and the README's section.
pub(crate) fn run() -> Result<(), String> {
    build()?;
    let failed = |error: std::io::Error| error.to_string();
    std::fs::create_dir_all(root().join("docs/gallery")).map_err(failed)?;
    let mut short = "| before | after | prompt |\n|---|---|---|\n".to_owned();
    let mut long =
        "# Gallery\nMade by `cargo xtask gallery` with the built-in encoder. The list was chosen before the \
                    shipped encoder was run on it; what failed stays in.\n\n| before | after | command | cosine |\n|---|---|---|---|\n"
            .to_owned();
    for Pair { name, input, args } in PAIRS {
        let (input, output) = (format!("examples/{input}"), format!("docs/gallery/{name}.jpg"));
        let (command, flags) = args.split_first().ok_or("a pair without a command")?;
        let report = linocut(&[&[*command, &input, "-o", &output, "--cache", "off"][..], flags].concat())?;
        let shown = flags.iter().map(|arg| if arg.contains(' ') { format!("\"{arg}\"") } else { (*arg).to_owned() });
        let shown = format!("`linocut {command} {input} {}`", shown.collect::<Vec<_>>().join(" "));
        let prompt = flags.last().copied().unwrap_or_default();
        short += &format!("| ![]({input}) | ![]({output}) | {command}: {prompt} |\n");
        long += &format!("| ![](../{input}) | ![](gallery/{name}.jpg) | {shown} | {} |\n", cosines(&report));
    }
    std::fs::write(root().join("docs/gallery.md"), long).map_err(failed)?;
    replace_section("gallery", &short)
}

fn cosines(report: &Value) -> String {
    let moved =
        |value: &Value| format!("{:.3} -> {:.3}", number(value, "cosine_before"), number(value, "cosine_after"));
    let regions = report["regions"].as_array().into_iter().flatten().map(|region| format!("region {}", moved(region)));
    let whole = report["cosine_before"].is_number().then(|| moved(report));
    whole.into_iter().chain(regions).collect::<Vec<_>>().join(", ")
}
