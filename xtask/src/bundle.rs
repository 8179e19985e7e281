//! `cargo xtask bundle` and `cargo xtask install`: the plug-in as hosts want it.
//!
//! The layout is that of the OpenFX standard: `Linocut.ofx.bundle/Contents/<platform>/Linocut.ofx` beside Info.plist and
//! Resources. The built library is checked: the three symbols of the standard and no other, and no library but the
//! system's.

use crate::tools::{build, copy, copy_folder, execute, files, root, say, text_of};
use object::Object;
use object::read::elf::{Dyn, FileHeader};
use std::fs;
use std::path::{Path, PathBuf};

const NAME: &str = "Linocut.ofx.bundle";
const SYMBOLS: [&str; 3] = ["OfxGetNumberOfPlugins", "OfxGetPlugin", "OfxSetHost"];
/// Beginnings of the names of libraries that every machine of the platform has.
const SYSTEM_LIBRARIES: &[&str] = &[
    "libc.so",
    "libm.so",
    "libgcc_s.so",
    "libdl.so",
    "libpthread.so",
    "librt.so",
    "ld-linux",
    "/usr/lib/",
    "/System/",
    "kernel32",
    "KERNEL32",
    "ntdll",
    "ADVAPI32",
    "bcrypt",
    "ws2_32",
    "api-ms-win-",
    "VCRUNTIME140",
    "SHELL32",
];

const OF_THE_PROGRAM: [&str; 6] = ["clap", "indicatif", "ctrlc", "tracing-subscriber", "ureq", "rustls"];

/// Builds `target/bundle/Linocut.ofx.bundle`.
pub(crate) fn bundle() -> Result<PathBuf, String> {
    build()?;
    execute("cargo", &["build", "--release", "--locked", "--lib", "--no-default-features"], &[])?;
    check_tree()?;
    let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let library = root().join(format!("target/release/{prefix}linocut{suffix}"));
    check(&library)?;
    let bundle = root().join("target/bundle").join(NAME);
    let _ = fs::remove_dir_all(&bundle);
    let resources = lay_out(&bundle, &library, platform(std::env::consts::OS, std::env::consts::ARCH)?)?;
    for icon in files(&resources)? {
        draw(&icon, &resources)?;
    }
    say(&format!("{}\ninstall it with: cargo xtask install [FOLDER]", bundle.display()));
    Ok(bundle)
}

/// Puts `library` and all that belongs to it into the folder `bundle`, as hosts on `platform` look for it; returns the folder of the
/// icons.
fn lay_out(bundle: &Path, library: &Path, platform: &str) -> Result<PathBuf, String> {
    let contents = bundle.join("Contents");
    let (binaries, resources) = (contents.join(platform), contents.join("Resources"));
    for folder in [&binaries, &resources] {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    copy(library, &binaries.join("Linocut.ofx"))?;
    let sources = root().join("plugin-bundle");
    let plist = fs::read_to_string(sources.join("Info.plist.in")).map_err(|error| format!("Info.plist.in: {error}"))?;
    let plist = plist.replace("@VERSION@", env!("CARGO_PKG_VERSION"));
    fs::write(contents.join("Info.plist"), plist).map_err(|error| format!("Info.plist: {error}"))?;
    for icon in files(&sources.join("Resources"))? {
        copy(&icon, &resources.join(icon.file_name().unwrap_or_default()))?;
    }
    Ok(resources)
}

/// Builds the bundle and copies it into `folder`, or into the per-user folder that hosts are told to search.
pub(crate) fn install(folder: Option<&String>) -> Result<(), String> {
    if let Some(flag) = folder.filter(|folder| folder.starts_with('-')) {
        return Err(format!("{flag} is no folder: cargo xtask install [FOLDER]"));
    }
    let bundle = bundle()?;
    let folder = match folder {
        Some(folder) => PathBuf::from(folder),
        None => std::env::home_dir().ok_or("there is no home folder; name one")?.join("OFX").join("Plugins"),
    };
    let target = folder.join(NAME);
    let _ = fs::remove_dir_all(&target);
    copy_folder(&bundle, &target)?;
    say(&format!(
        "{}\nhosts that do not search there find it with OFX_PLUGIN_PATH={}",
        target.display(),
        folder.display()
    ));
    Ok(())
}

/// What only the program needs is not among the plug-in's dependencies.
fn check_tree() -> Result<(), String> {
    let args =
        ["tree", "--package", "linocut", "--edges", "normal", "--no-default-features", "--prefix", "none", "--locked"];
    let tree = text_of(Path::new("cargo"), &args)?;
    let strangers = tree.lines().filter_map(|line| line.split(' ').next()).filter(|name| OF_THE_PROGRAM.contains(name));
    match strangers.collect::<Vec<_>>().as_slice() {
        [] => Ok(()),
        strangers => Err(format!("the plug-in depends on {strangers:?}, which are the command line's")),
    }
}

/// Name of the folder of a platform's binary.
fn platform(os: &str, arch: &str) -> Result<&'static str, String> {
    match (os, arch) {
        ("linux", "x86_64") => Ok("Linux-x86-64"),
        ("linux", "aarch64") => Ok("Linux-arm-64"),
        ("macos", _) => Ok("MacOS"),
        ("windows", "x86_64") => Ok("Win64"),
        (os, arch) => Err(format!("OpenFX names no folder for {os} on {arch}")),
    }
}

fn check(library: &Path) -> Result<(), String> {
    let bytes = fs::read(library).map_err(|error| format!("{}: {error}", library.display()))?;
    let file = object::File::parse(bytes.as_slice()).map_err(|error| format!("{}: {error}", library.display()))?;
    let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_start_matches('_').to_owned();
    let mut exported =
        file.exports().map_err(|error| error.to_string())?.iter().map(|e| name(e.name())).collect::<Vec<_>>();
    exported.sort();
    if exported != SYMBOLS {
        return Err(format!("the library exports {exported:?}, not {SYMBOLS:?}"));
    }
    for library in needed(&file, &bytes).map_err(|error| error.to_string())? {
        if !SYSTEM_LIBRARIES.iter().any(|known| library.starts_with(known)) {
            return Err(format!("the library needs {library}, which is not part of the system"));
        }
    }
    say(&format!("exports {}; {} bytes", exported.join(", "), bytes.len()));
    Ok(())
}

/// Names of the libraries that must be there when this one is loaded.
fn needed(file: &object::File<'_>, bytes: &[u8]) -> object::Result<Vec<String>> {
    let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    if file.format() != object::BinaryFormat::Elf {
        return Ok(file.imports()?.iter().map(|import| text(import.library())).collect());
    }
    let header = object::elf::FileHeader64::<object::Endianness>::parse(bytes)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, bytes)?;
    let Some((entries, link)) = sections.dynamic(endian, bytes)? else { return Ok(Vec::new()) };
    let strings = sections.strings(endian, bytes, link)?;
    let names = entries.iter().filter(|entry| entry.tag32(endian) == Some(object::elf::DT_NEEDED));
    names.map(|entry| Ok(text(entry.string(endian, strings)?))).collect()
}

/// Hosts that do not read SVG get the same icon as PNG, drawn by the program itself.
fn draw(icon: &Path, resources: &Path) -> Result<(), String> {
    let program = root().join("target/release").join(format!("linocut{}", std::env::consts::EXE_SUFFIX));
    let png = resources.join(icon.file_stem().unwrap_or_default()).with_added_extension("png");
    let scratch = root().join("target/bundle/icon.svg");
    let args = [Path::new("vectorize"), icon, Path::new("-o"), &scratch, Path::new("--png"), &png];
    execute(&program.to_string_lossy(), &args, &[])?;
    fs::remove_file(&scratch).map_err(|error| format!("{}: {error}", scratch.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_has_its_binary_where_each_platform_looks_for_it() {
        let folder = std::env::temp_dir().join(format!("linocut-bundle-{}", std::process::id()));
        let library = folder.join("library");
        fs::create_dir_all(&folder).unwrap();
        fs::write(&library, b"the plug-in").unwrap();
        let platforms = [
            ("linux", "x86_64"),
            ("linux", "aarch64"),
            ("macos", "aarch64"),
            ("macos", "x86_64"),
            ("windows", "x86_64"),
        ];
        let wanted = ["Linux-x86-64", "Linux-arm-64", "MacOS", "MacOS", "Win64"];
        for ((os, arch), wanted) in platforms.into_iter().zip(wanted) {
            let bundle = folder.join(format!("{os}-{arch}")).join(NAME);
            let resources = lay_out(&bundle, &library, platform(os, arch).unwrap()).unwrap();
            let contents = bundle.join("Contents");
            assert_eq!(fs::read(contents.join(wanted).join("Linocut.ofx")).unwrap(), b"the plug-in", "{os} {arch}");
            assert!(fs::read_to_string(contents.join("Info.plist")).unwrap().contains("<plist"), "{os} {arch}");
            let icon = resources.join("org.linocut.PromptEdit.svg");
            assert!(resources == contents.join("Resources") && icon.is_file(), "{} is missing", icon.display());
        }
        assert!(platform("plan9", "x86_64").is_err());
        fs::remove_dir_all(&folder).unwrap();
    }
}
