//! Whether a family of editors fits without touching anything but its own folder and the places that name families.
//!
//! `posterize.patch` is a whole toy family: a stage, a recipe, a node with a clip more. `cargo xtask house` applies it to a
//! copy and has it compiled; here is what it may touch.

use crate::util::file;

/// The patch's files that are its own.
const OWN: [&str; 2] = ["src/posterize/mod.rs", "src/nodes/posterize.rs"];
/// Where families are named: the crate's list of modules, recipes and roles, the one match, the list of nodes, the panel.
const NAMED: [&str; 5] = ["src/lib.rs", "src/plan/mod.rs", "src/pipeline.rs", "src/nodes/mod.rs", "src/nodes/panel.rs"];

#[test]
fn a_new_family_touches_only_its_own_files_and_the_places_that_name_families() {
    let patch = std::fs::read_to_string(file("tests/house/posterize.patch")).unwrap();
    let touched = patch.lines().filter_map(|line| line.strip_prefix("+++ b/")).collect::<Vec<_>>();
    assert_eq!(touched.len(), OWN.len() + NAMED.len(), "{touched:?}");
    let strangers = touched.iter().filter(|path| !OWN.contains(path) && !NAMED.contains(path)).collect::<Vec<_>>();
    assert!(strangers.is_empty(), "the family had to touch {strangers:?}: mend the house");
    let taken = patch.lines().filter(|line| line.starts_with('-') && !line.starts_with("---")).count();
    assert!(taken <= 8, "{taken} lines of the house had to go");
}
