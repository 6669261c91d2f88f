//! How many cases of each section were replayed, and why the others were not.

use std::collections::BTreeMap;
use std::sync::Mutex;

use tests::case::Case;

/// Counts of one run.
#[derive(Debug, Default)]
pub struct Tally {
    sections: Mutex<BTreeMap<String, Section>>,
}

#[derive(Debug, Default)]
struct Section {
    passed: usize,
    replayed: usize,
    /// The reasons for not replaying cases, each with its cases.
    ignored: BTreeMap<String, Vec<String>>,
}

impl Tally {
    /// Counts a case that will be replayed, or notes the reason why it will not.
    pub fn expect(&self, case: &Case, ignored: Option<String>) {
        self.change(case, |section| {
            if let Some(reason) = ignored {
                section.ignored.entry(reason).or_default().push(case.name.clone());
            }
        });
    }

    /// Notes the result of replaying a case.
    pub fn count(&self, case: &Case, has_passed: bool) {
        self.change(case, |section| {
            section.replayed += 1;
            section.passed += usize::from(has_passed);
        });
    }

    fn change(&self, case: &Case, change: impl FnOnce(&mut Section)) {
        let mut sections = self.sections.lock().expect("no panic");
        change(sections.entry(case.section.clone()).or_default());
    }

    /// Prints a line for each section, and one for each reason to ignore cases of it.
    #[expect(clippy::print_stdout, reason = "a test run reports on standard output")]
    pub fn print(&self) {
        let sections = self.sections.lock().expect("no panic");
        let (mut passed, mut replayed) = (0, 0);
        for (name, section) in sections.iter() {
            passed += section.passed;
            replayed += section.replayed;
            println!("{name}: {} of {}", section.passed, section.replayed);
            for (reason, cases) in &section.ignored {
                println!("  {} ignored, {reason}", cases.len());
                if !reason.starts_with("not built yet") {
                    println!("    {}", cases.join("\n    "));
                }
            }
        }
        println!("all sections: {passed} of {replayed}\n");
    }
}
