//! `cargo xtask docs`: the manual of the nodes and the pictures of their panels, made by the program from its tables.

use crate::tools::{build, linocut_text, say};

/// Writes `docs/nodes.md` and `docs/panels`; a test holds them to the tables.
pub(crate) fn run() -> Result<(), String> {
    build()?;
    linocut_text(&["nodes", "--manual", "docs"])?;
    say("docs/nodes.md and docs/panels");
    Ok(())
}
