//! The manual says what the tables say.

use crate::util::{file, folder, linocut};

const UPDATE: &str = "LINOCUT_UPDATE_GOLDEN";

#[test]
fn the_golden_manual_and_the_pictures_of_panels_are_those_of_the_tables() {
    let folder = folder();
    let ran = linocut(folder.path(), &["nodes", "--manual", "made"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let made = folder.path().join("made");
    let names = crate::util::names(&made.join("panels"));
    assert_eq!(names.len(), linocut::nodes::NODES.len(), "a picture a node");
    let files = names.iter().map(|name| format!("panels/{name}")).chain(["nodes.md".to_owned()]);
    for name in files {
        let now = std::fs::read_to_string(made.join(&name)).unwrap();
        let kept = file("docs").join(&name);
        if std::env::var_os(UPDATE).is_some() {
            std::fs::write(&kept, &now).unwrap();
        }
        let held = std::fs::read_to_string(&kept).unwrap();
        assert!(held == now, "docs/{name} is not what the tables say: run cargo xtask docs");
    }
}

#[test]
fn the_readme_fits_two_screens_and_names_files_that_are_there() {
    let text = std::fs::read_to_string(file("README.md")).unwrap();
    assert!(text.lines().count() <= 80, "a newcomer reads {} lines", text.lines().count());
    for (link, _) in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')) {
        assert!(link.starts_with("http") || file(link).exists(), "{link} is not there");
    }
}
