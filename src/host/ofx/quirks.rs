//! What single hosts do otherwise than the standard says.
//!
//! Input: the name that the host gives itself. Output: [`Quirks`]. Invariants: a host that is not known behaves as the standard says.
//! Cost: one host call.

use super::props::Props;
use super::suites::Suites;
use super::sys::kOfxPropName;

/// Departures of the host at hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Quirks {
    /// It renders at full size and shrinks that where a region of definition fails at a render scale (Natron).
    pub shrinks_full_renders: bool,
    /// It says of inputs that nobody connected that they are (Resolve).
    pub has_phantom_inputs: bool,
    /// It shows a text that is a label without the name of its parameter, and black on grey where it is switched off (Natron).
    pub shows_bare_labels: bool,
}

impl Quirks {
    /// Of the host that loaded this library.
    pub(super) fn of_host(suites: Suites) -> Self {
        Self::named(&Props::of_host(suites).string(kOfxPropName, 0).unwrap_or_default())
    }

    fn named(name: &str) -> Self {
        let is_natron = name.contains("Natron");
        Self {
            shrinks_full_renders: is_natron,
            has_phantom_inputs: name.starts_with("DaVinciResolve"),
            shows_bare_labels: is_natron,
        }
    }

    /// What a read-out called `label` shows for `text`.
    pub(super) fn words(self, label: &str, text: &str) -> String {
        if self.shows_bare_labels { format!("{label}: {text}") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::Quirks;

    #[test]
    fn hosts_are_known_by_their_names() {
        let known = |name| {
            let Quirks { shrinks_full_renders, has_phantom_inputs, .. } = Quirks::named(name);
            (shrinks_full_renders, has_phantom_inputs)
        };
        assert_eq!(known("fr.inria.Natron"), (true, false));
        assert_eq!(known("DaVinciResolveLite"), (false, true));
        assert_eq!(known("uk.co.thefoundry.nuke"), (false, false));
        assert_eq!(known(""), (false, false), "a host without a name keeps to the standard");
    }
}
