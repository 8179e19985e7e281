//! Link options of the plug-in.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let unix_like_elf = std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux" || os == "freebsd");
    if unix_like_elf {
        // Worker threads outlive a host's dlclose: without this it would unmap the code they run.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
