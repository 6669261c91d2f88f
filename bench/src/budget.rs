//! The budgets, and the table that compares measurements with them.

use std::fmt::Write;

use crate::measure::{Certainty, Counted, Measured, Memory};

/// The kind of a function, which decides its budgets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It makes, reads or ends sessions, with DynamoDB only.
    Session,
    /// It seals or opens credentials with KMS.
    Sealing,
    /// It sends a browser to a provider.
    StartOauth,
    /// It makes a connection from a code, for which it calls the provider.
    FinishOauth,
}

/// A measured function, ours or a peer.
pub struct Row {
    /// The head of its column.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// Its counts.
    pub counted: Counted,
    /// Its memory.
    pub memory: Memory,
    /// How often its first calls waited for their CPU share, if that was measured.
    pub throttled: Option<u64>,
}

/// A measurement and its limits.
pub struct Budget {
    /// What is measured.
    pub what: &'static str,
    /// The limit that `bench check` enforces for each kind, in the order of `Kind`. There is none
    /// for what depends on the speed of the machine or only explains another measurement.
    musts: [Option<f64>; 4],
    /// Of a session function.
    aim: Option<f64>,
    digits: usize,
    of: fn(&Row) -> Option<Measured>,
}

/// The measurements of each function.
pub const BUDGETS: [Budget; 11] = [
    Budget {
        what: "stripped binary, MB",
        musts: [Some(7.0), Some(8.0), Some(8.0), Some(8.0)],
        aim: Some(5.7),
        digits: 2,
        of: |row| row.counted.binary_mb.map(exactly),
    },
    Budget {
        what: "the same zipped, MB",
        musts: [Some(3.2), Some(3.8), Some(3.8), Some(3.8)],
        aim: Some(2.6),
        digits: 2,
        of: |row| row.counted.zip_mb.map(exactly),
    },
    Budget {
        what: "instructions, start to first answer, M",
        musts: [Some(8.0), Some(14.0), Some(9.0), Some(16.0)],
        aim: Some(6.0),
        digits: 2,
        of: |row| Some(row.counted.first.in_units_of(1e6)),
    },
    Budget {
        what: "instructions of a warm request per DynamoDB call, k",
        musts: [Some(800.0), None, None, None],
        aim: Some(680.0),
        digits: 0,
        of: |row| Some(row.counted.warm?.in_units_of(1e3 * row.counted.warm_calls.len() as f64)),
    },
    Budget {
        what: "instructions of a warm request, M",
        musts: [None, Some(2.5), Some(2.5), None],
        aim: None,
        digits: 2,
        of: |row| Some(row.counted.warm?.in_units_of(1e6)),
    },
    Budget {
        what: "connections in 1,000 calls",
        musts: [Some(1.0), Some(2.0), Some(2.0), Some(2.0)],
        aim: Some(1.0),
        digits: 0,
        of: |row| Some(exactly(row.counted.connections as f64)),
    },
    Budget {
        what: "full TLS handshakes in 1,000 calls",
        musts: [Some(1.0), Some(2.0), Some(2.0), Some(2.0)],
        aim: Some(1.0),
        digits: 0,
        of: |row| Some(exactly(row.counted.full_handshakes as f64)),
    },
    Budget {
        what: "VmRSS after 1,000 calls, MB",
        musts: [Some(9.0), Some(14.0), Some(14.0), Some(14.0)],
        aim: Some(7.0),
        digits: 1,
        of: |row| Some(exactly(row.memory.rss_mb)),
    },
    Budget {
        what: "growth over calls 1,000 to 5,000, MB",
        musts: [Some(0.5); 4],
        aim: Some(0.1),
        digits: 2,
        of: |row| Some(exactly(row.memory.growth_mb)),
    },
    Budget {
        what: "throttled periods in ten first calls at a 128 MB share",
        musts: [None; 4],
        aim: Some(0.0),
        digits: 0,
        of: |row| row.throttled.map(|periods| exactly(periods as f64)),
    },
    Budget {
        what: "instructions of the start alone, M",
        musts: [None; 4],
        aim: None,
        digits: 2,
        of: |row| Some(row.counted.init.in_units_of(1e6)),
    },
];

impl Budget {
    fn must(&self, kind: Kind) -> Option<f64> {
        self.musts[kind as usize]
    }

    fn aim(&self, kind: Kind) -> Option<f64> {
        self.aim.filter(|_| kind == Kind::Session)
    }
}

fn exactly(value: f64) -> Measured {
    Measured { value, certainty: Certainty::Exact }
}

/// A table with a line for each measurement and a column for each function. A "must" is checked in
/// CI; the budgets of other functions, which are checked by hand, are "limits". `of` marks a limit
/// that is not the one of the table's kind.
pub fn table(kind: Kind, rows: &[Row]) -> String {
    let head = if kind == Kind::Session { "must" } else { "limit" };
    let mut text = format!("| what | {head} | aim |");
    for row in rows {
        let _ = write!(text, " {} |", row.name);
    }
    text.push_str("\n|---|--:|--:|");
    text.push_str(&"--:|".repeat(rows.len()));
    for budget in &BUDGETS {
        let Budget { what, digits, of, .. } = budget;
        let [must, aim] = [budget.must(kind), budget.aim(kind)]
            .map(|limit| limit.map_or_else(String::new, |limit| limit.to_string()));
        let _ = write!(text, "\n| {what} | {must} | {aim} |");
        for row in rows {
            match of(row) {
                Some(measured) => {
                    let _ = write!(text, " {measured:.digits$}");
                    let own = budget.must(row.kind).filter(|own| Some(*own) != budget.must(kind));
                    if let Some(own) = own {
                        let _ = write!(text, " of {own}");
                    }
                    text.push_str(" |");
                }
                None => text.push_str(" – |"),
            }
        }
    }
    text.push_str("\n| calls of AWS, first and warm | the same | |");
    for Row { counted, .. } in rows {
        let _ = write!(text, " {} and {} |", counted.first_calls.len(), counted.warm_calls.len());
    }
    text.push_str("\n| unsigned requests before the first call | 1 | |");
    for Row { counted, .. } in rows {
        let _ = write!(text, " {} |", counted.pings);
    }
    text.push('\n');
    text
}

/// A sentence for each must that is not kept. A value that is only near the true one neither keeps
/// nor breaks a must.
pub fn broken(row: &Row, first_calls: &[&str], warm_calls: &[&str]) -> Vec<String> {
    let mut broken = Vec::new();
    let name = row.name;
    for budget in &BUDGETS {
        let Budget { what, digits, of, .. } = budget;
        let (Some(must), Some(measured)) = (budget.must(row.kind), of(row)) else { continue };
        if measured.certainty == Certainty::Unknown
            || (measured.certainty == Certainty::AtMost && measured.value > must)
        {
            broken.push(format!("{name}: {what}: no two undisturbed runs agree"));
        } else if measured.value > must {
            broken.push(format!("{name}: {what}: {:.digits$}, not {must}", measured.value));
        }
    }
    let calls = [(&row.counted.first_calls, first_calls), (&row.counted.warm_calls, warm_calls)];
    for (made, granted) in calls.into_iter().filter(|(made, granted)| made != granted) {
        broken.push(format!("{name}: calls: {made:?}, not {granted:?}"));
    }
    if row.counted.pings != 1 {
        broken.push(format!("{name}: {} unsigned requests, not 1", row.counted.pings));
    }
    broken
}
