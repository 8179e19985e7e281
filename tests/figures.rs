//! What the shipped encoder is said to do was measured on the weights that are shipped.

use crate::util::file;
use serde_json::Value;

const FOLDER: &str = "models/default";

/// A JSON file beside the weights, which names their hash.
fn of_shipped_weights(name: &str, remedy: &str) -> Value {
    let path = file(FOLDER).join(name);
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{FOLDER}/{name}: {error}; {remedy}"));
    let value: Value = serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{FOLDER}/{name}: {error}"));
    let weights = blake3::hash(&std::fs::read(file(FOLDER).join("model.safetensors")).unwrap()).to_hex();
    assert_eq!(value["weights_blake3"], weights.as_str(), "{FOLDER}/{name} is about other weights; {remedy}");
    value
}

#[test]
fn the_encoders_tests_are_those_of_the_shipped_weights() {
    let figures = of_shipped_weights("figures.json", "measure them with models/train/evaluate.py");
    let tests = figures["tests"].as_array().unwrap();
    assert!(!tests.is_empty(), "no test is listed");
    for test in tests {
        assert!(test["test"].is_string() && test["now"].is_number(), "a test without a name or a figure: {test}");
        let is_figure = |key: &str| test[key].is_number() || test[key].is_null();
        assert!(["chance", "first", "goal"].into_iter().all(is_figure), "{test}");
    }
}

#[test]
fn the_contact_sheet_shows_edits_of_the_shipped_weights() {
    let sheet = of_shipped_weights("sheet.json", "run 'cargo xtask sheet'");
    let cells = sheet["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 24 * 6, "prompts x pictures");
    let rising = cells.iter().filter(|cell| cell["judge"].as_f64().unwrap() > 0.0).count() as f64;
    let share = sheet["rises"].as_f64().unwrap();
    assert!((share - rising / cells.len() as f64).abs() < 1e-3, "{rising} cells rise, the summary says {share}");
    let picture = image::open(file(FOLDER).join("sheet.jpg")).unwrap();
    assert!(picture.height() > 24 * 96 && picture.width() > 6 * 96, "the sheet has lost rows or columns");
    let card = std::fs::read_to_string(file(FOLDER).join("README.md")).unwrap();
    assert!(card.contains("](sheet.jpg)"), "the model card does not show the sheet");
}
