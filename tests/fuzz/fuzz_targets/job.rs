//! Any text as a job: refused with a message, or a job whose canonical form is stable.

#![no_main]

use libfuzzer_sys::fuzz_target;
use linocut::job::Job;

fuzz_target!(|text: &str| {
    if let Ok(job) = Job::from_json(text) {
        let canonical = job.canonical();
        let again = Job::from_json(&canonical).expect("the canonical form can be read");
        assert_eq!(again.canonical(), canonical, "the canonical form is stable");
    }
});
