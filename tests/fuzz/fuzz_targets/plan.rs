//! Any text as a plan: refused with a message, or a plan whose canonical form is stable.

#![no_main]

use libfuzzer_sys::fuzz_target;
use linocut::plan::Plan;

fuzz_target!(|text: &str| {
    if let Ok(plan) = Plan::from_json(text) {
        let canonical = plan.canonical();
        let again = Plan::from_json(&canonical).expect("the canonical form can be read");
        assert_eq!(again.canonical(), canonical, "the canonical form is stable");
    }
});
