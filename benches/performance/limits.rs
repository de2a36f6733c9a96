//! What was measured, held against what it may be.

/// All that has a limit, in the order in which it was measured.
#[derive(Default)]
pub(crate) struct Limits {
    measured: Vec<Measured>,
}

struct Measured {
    what: String,
    is: f64,
    limit: f64,
    unit: &'static str,
}

impl Limits {
    /// Notes something that may not be more than `limit`.
    pub(crate) fn hold(&mut self, what: impl Into<String>, is: f64, limit: f64, unit: &'static str) {
        let what = what.into();
        self.measured.push(Measured {
            what,
            is,
            limit,
            unit,
        });
    }

    /// Prints everything with its ratio, and says whether all of it is kept.
    pub(crate) fn print(&self) -> bool {
        println!("\n# Against the limits\n");
        println!("| what | measured | limit | ratio | |");
        println!("|---|---|---|---|---|");
        for Measured {
            what,
            is,
            limit,
            unit,
        } in &self.measured
        {
            let ratio = is / limit;
            let kept = if ratio <= 1.0 { "kept" } else { "NOT KEPT" };
            println!("| {what} | {is:.2}{unit} | {limit:.2}{unit} | {ratio:.2} | {kept} |");
        }
        self.measured.iter().all(|measured| measured.is <= measured.limit)
    }
}
