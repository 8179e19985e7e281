//! `cargo xtask machines [--program FILE]`: whether an edit is the same, bit for bit, on processors that this one is not.
//!
//! Input: the program, `examples`. Output: a line a machine, and a failure where a drawing differs from this machine's. Other
//! caches are shown to the program in the place of this machine's: matrix kernels size their blocks by them. Other
//! instructions are emulated where `qemu-x86_64` is installed (Debian: qemu-user). What the system forbids or lacks is said to be
//! left out. Cost: an edit of some seconds a cache, a small one of some ten seconds an emulated processor.

use crate::tools::{flag, program, root, say};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

const FOLDER: &str = "target/machines";
const CPUS: &str = "/sys/devices/system/cpu";

/// Name, then kilobytes and ways of the first, second and third level.
const CACHES: [(&str, [[u32; 2]; 3]); 3] = [
    ("caches of Zen 4", [[32, 8], [1024, 8], [32_768, 16]]),
    ("caches of Ice Lake", [[48, 12], [512, 8], [12_288, 12]]),
    ("caches of a small Skylake", [[32, 8], [256, 4], [3072, 12]]),
];
/// Emulated processors, and whether they have fused multiply-add: those without are of another class, so that their jobs have
/// other names.
const PROCESSORS: [(&str, bool); 3] = [("Haswell-noTSX", true), ("max", true), ("Nehalem", false)];
const EMULATOR: &str = "qemu-x86_64";

/// Edits with everything but their outputs: of a photograph, and one that an emulator is done with in ten seconds.
const EDIT: &[&str] = &["edit", "examples/coffee.jpg", "--prompt", "made of gold", "--quality", "draft"];
const SMALL_EDIT: &[&str] = &[
    "edit",
    "tests/golden/svg/shapes.svg",
    "--prompt",
    "red",
    "--encoder",
    "tests/fixtures/encoder/quick",
    "--quality",
    "paper",
    "--patches",
    "4",
    "--iterations",
    "2",
];

/// Compares the edits of all machines with this one's.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let program = flag(args, "--program")?.unwrap_or_else(program);
    std::fs::create_dir_all(root().join(FOLDER)).map_err(|error| format!("{FOLDER}: {error}"))?;
    let mut parted = Vec::new();
    let mut compare = |name: &str, [here, there]: [&Made; 2], is_of_class: bool| {
        let is_right = if is_of_class { here == there } else { here.job != there.job };
        let words = match (here.job == there.job, here.drawing == there.drawing) {
            (true, true) => "the same job and drawing",
            (true, false) => "ANOTHER DRAWING of the same job",
            (false, true) => "another job, the same drawing",
            (false, false) => "another job and drawing",
        };
        say(&format!("  {name}: {words}"));
        if !is_right {
            parted.push(name.to_owned());
        }
    };
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) && may_mount() {
        let here = made(Command::new(&program), EDIT)?;
        for (name, levels) in CACHES {
            let folder = caches(name, levels).map_err(|error| format!("{FOLDER}: {error}"))?;
            compare(name, [&here, &made(in_the_place_of_cpus(&folder, &program), EDIT)?], true);
        }
    } else {
        say(&format!("ignored: {} machines with other caches, which need Linux and the right to mount", CACHES.len()));
    }
    if has_emulator() {
        let here = made(Command::new(&program), SMALL_EDIT)?;
        for (processor, has_fma) in PROCESSORS {
            let mut command = Command::new(EMULATOR);
            command.args(["-cpu", processor]).arg(&program);
            compare(&format!("instructions of {processor}"), [&here, &made(command, SMALL_EDIT)?], has_fma);
        }
    } else {
        say(&format!("ignored: {} emulated processors, which need {EMULATOR}", PROCESSORS.len()));
    }
    if parted.is_empty() { Ok(()) } else { Err(format!("edits differ on {}", parted.join(", "))) }
}

/// What an edit made.
#[derive(PartialEq, Eq)]
struct Made {
    /// Name of the job.
    job: String,
    /// Its SVG without that name.
    drawing: String,
}

/// What `command`, ready but for the arguments of an edit, makes.
fn made(mut command: Command, edit: &[&str]) -> Result<Made, String> {
    let [svg, png] = ["out.svg", "out.png"].map(|name| format!("{FOLDER}/{name}"));
    let output = command.args(edit).args(["--cache", "off", "--svg", &svg, "-o", &png]).current_dir(root()).output();
    let output = output.map_err(|error| format!("{command:?}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    let text = std::fs::read_to_string(root().join(&svg)).map_err(|error| format!("{svg}: {error}"))?;
    let (_, after) = text.split_once("job=\"").ok_or_else(|| format!("{svg} names no job"))?;
    let job = after.split('"').next().unwrap_or_default().to_owned();
    Ok(Made { drawing: text.replace(&job, ""), job })
}

/// A folder that tells of processors with the caches of `levels`.
fn caches(name: &str, levels: [[u32; 2]; 3]) -> std::io::Result<PathBuf> {
    let folder = root().join(FOLDER).join(name.replace(' ', "-"));
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    for cpu in 0..count {
        for (index, [kilobytes, ways]) in levels.into_iter().enumerate() {
            let level = folder.join(format!("cpu{cpu}/cache/index{index}"));
            std::fs::create_dir_all(&level)?;
            let shared = if index == 2 { format!("0-{}", count - 1) } else { cpu.to_string() };
            let kind = if index == 0 { "Data" } else { "Unified" };
            for (file, value) in [
                ("level", (index + 1).to_string()),
                ("type", kind.to_owned()),
                ("size", format!("{kilobytes}K")),
                ("ways_of_associativity", ways.to_string()),
                ("shared_cpu_list", shared),
                ("coherency_line_size", "64".to_owned()),
            ] {
                std::fs::write(level.join(file), value + "\n")?;
            }
        }
    }
    std::path::absolute(folder)
}

/// `program` where `folder` stands for what the system says of its processors: in a name space of its own.
fn in_the_place_of_cpus(folder: &Path, program: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c"]);
    command.arg(format!("mount --bind \"$0\" {CPUS} && exec \"$@\""));
    command.args([OsString::from(folder), OsString::from(program)]);
    command
}

fn may_mount() -> bool {
    let quiet = in_the_place_of_cpus(Path::new("/tmp"), Path::new("true")).output();
    quiet.is_ok_and(|output| output.status.success())
}

fn has_emulator() -> bool {
    cfg!(target_arch = "x86_64")
        && Command::new(EMULATOR).arg("--version").output().is_ok_and(|out| out.status.success())
}
