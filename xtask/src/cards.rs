//! The tests that need a graphics card: run where there is one, counted where there is none.
//!
//! On a Linux machine without a card, and with the rights to install packages, Mesa's drawing in software is installed.

use crate::tools::{SAMPLES, execute, linocut, root, samples, say};
use std::process::{Command, Stdio};

/// What all of these tests have in their names.
const NAMED: &str = "gpu";
/// These need the sample drawings as well.
const WITH_SAMPLES: &str = "the_samples";

/// Runs the tests that need a card, or says how many are left out.
pub(crate) fn test(has_nextest: bool) -> Result<(), String> {
    if cards()?.is_empty() && may_install() {
        say("no graphics card: installing mesa-vulkan-drivers, which draws in software");
        if install().is_err() {
            execute("apt-get", &["update"], &[])?;
            install()?;
        }
    }
    let cards = cards()?;
    if cards.is_empty() {
        say(&format!("{} tests ignored: they need a graphics card, and there is none", count()?));
        return Ok(());
    }
    say(&format!("tests on {}", cards.join(", ")));
    let has_samples = samples().is_some();
    if !has_samples {
        say(&format!("ignored: {WITH_SAMPLES}*, which needs a folder of sample drawings in {SAMPLES}"));
    }
    if has_nextest {
        let without = if has_samples { String::new() } else { format!(" - test({WITH_SAMPLES})") };
        let filter = format!("test({NAMED}){without}");
        let args = [
            "nextest",
            "run",
            "--workspace",
            "--release",
            "--locked",
            "--run-ignored",
            "only",
            "--no-fail-fast",
            "-E",
            &filter,
        ];
        return execute("cargo", &args, &[]);
    }
    let skip: &[&str] = if has_samples { &[] } else { &["--skip", WITH_SAMPLES] };
    // One at a time: they share a card, and one of them takes it away.
    let one = [
        "test",
        "--workspace",
        "--release",
        "--locked",
        "--no-fail-fast",
        NAMED,
        "--",
        "--ignored",
        "--test-threads=1",
    ];
    let args = [&one[..], skip].concat();
    execute("cargo", &args, &[])
}

/// Names of the cards that the program finds. It must have been built: a build of its own would compile half of the
/// dependencies once more, because tests and programs ask for other features of them.
pub(crate) fn cards() -> Result<Vec<String>, String> {
    let doctor = linocut(&["doctor"])?;
    let cards = doctor["cards"].as_array().into_iter().flatten();
    Ok(cards.filter_map(|card| Some(format!("{} ({})", card["name"].as_str()?, card["kind"].as_str()?))).collect())
}

/// Whether this is a Debian-like machine and we are its administrator.
fn may_install() -> bool {
    let answer = |program: &str, args: &[&str]| {
        Command::new(program).args(args).stderr(Stdio::null()).output().ok().filter(|output| output.status.success())
    };
    cfg!(target_os = "linux")
        && answer("apt-get", &["--version"]).is_some()
        && answer("id", &["-u"]).is_some_and(|id| id.stdout.trim_ascii() == b"0")
}

fn install() -> Result<(), String> {
    execute("apt-get", &["install", "-y", "--no-install-recommends", "mesa-vulkan-drivers"], &[])
}

fn count() -> Result<usize, String> {
    let args = ["test", "--workspace", "--release", "--locked", "--quiet", NAMED, "--", "--ignored", "--list"];
    let output = Command::new("cargo").args(args).current_dir(root()).stderr(Stdio::null()).output();
    let output = output.map_err(|error| format!("cargo test --list: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).lines().filter(|line| line.ends_with(": test")).count())
}
