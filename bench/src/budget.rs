//! The budgets of issue 5, and the table that holds measurements against them.

use std::fmt::Write;

use crate::measure::{Exact, Noisy};

/// A measured function, ours or a peer.
pub struct Row {
    /// The head of its column.
    pub name: &'static str,
    /// What comes out the same on every run.
    pub exact: Exact,
    /// What the machine has a say in, unless that was left out.
    pub noisy: Option<Noisy>,
}

/// A limit on one of the measurements.
pub struct Budget {
    /// What is measured.
    pub what: &'static str,
    must: f64,
    aim: f64,
    digits: usize,
    of: fn(&Row) -> Option<f64>,
}

/// What must hold for each of the four endpoints.
pub const BUDGETS: [Budget; 9] = [
    Budget {
        what: "stripped binary, MB",
        must: 7.0,
        aim: 5.7,
        digits: 2,
        of: |row| row.exact.binary_mb,
    },
    Budget {
        what: "the same zipped, MB",
        must: 3.2,
        aim: 2.6,
        digits: 2,
        of: |row| row.exact.zip_mb,
    },
    Budget {
        what: "instructions, start to first answer, M",
        must: 8.0,
        aim: 6.0,
        digits: 2,
        of: |row| Some(row.exact.first_m),
    },
    Budget {
        what: "instructions of a warm request per DynamoDB call, k",
        must: 800.0,
        aim: 680.0,
        digits: 0,
        of: |row| Some(row.exact.warm_k? / row.exact.warm_calls.len() as f64),
    },
    Budget {
        what: "connections in 1,000 calls",
        must: 1.0,
        aim: 1.0,
        digits: 0,
        of: |row| Some(row.exact.connections as f64),
    },
    Budget {
        what: "full TLS handshakes in 1,000 calls",
        must: 1.0,
        aim: 1.0,
        digits: 0,
        of: |row| Some(row.exact.full_handshakes as f64),
    },
    Budget {
        what: "throttled periods in ten first calls at a 128 MB share",
        must: 3.0,
        aim: 0.0,
        digits: 0,
        of: |row| Some(row.noisy?.throttled? as f64),
    },
    Budget {
        what: "VmRSS after 1,000 calls, MB",
        must: 9.0,
        aim: 7.0,
        digits: 1,
        of: |row| Some(row.noisy?.rss_mb),
    },
    Budget {
        what: "growth over calls 1,000 to 5,000, MB",
        must: 0.5,
        aim: 0.1,
        digits: 2,
        of: |row| Some(row.noisy?.growth_mb),
    },
];

/// A table with a line for each budget, and a column for each row.
pub fn table(rows: &[Row]) -> String {
    let mut text = String::from("| what | must | aim |");
    for row in rows {
        let _ = write!(text, " {} |", row.name);
    }
    text.push_str("\n|---|--:|--:|");
    text.push_str(&"--:|".repeat(rows.len()));
    for Budget { what, must, aim, digits, of } in &BUDGETS {
        let _ = write!(text, "\n| {what} | {must} | {aim} |");
        for row in rows {
            match of(row) {
                Some(value) => _ = write!(text, " {value:.digits$} |"),
                None => text.push_str(" – |"),
            }
        }
    }
    text.push_str("\n| DynamoDB calls, first and warm | DESIGN | same |");
    for Row { exact, .. } in rows {
        let _ = write!(text, " {} and {} |", exact.first_calls.len(), exact.warm_calls.len());
    }
    text.push_str("\n| unsigned requests before the first call | | |");
    for Row { exact, .. } in rows {
        let _ = write!(text, " {} |", exact.pings);
    }
    text.push_str("\n| instructions of the start alone, M | | |");
    for Row { exact, .. } in rows {
        let _ = write!(text, " {:.2} |", exact.init_m);
    }
    text.push('\n');
    text
}

/// The sentences about what breaks a must.
pub fn broken(row: &Row, first_calls: &[&str], warm_calls: &[&str]) -> Vec<String> {
    let mut broken = Vec::new();
    for Budget { what, must, digits, of, .. } in &BUDGETS {
        let value = of(row).filter(|value| value > must);
        let name = row.name;
        broken.extend(value.map(|value| format!("{name}: {what}: {value:.digits$}, not {must}")));
    }
    let calls = [(&row.exact.first_calls, first_calls), (&row.exact.warm_calls, warm_calls)];
    for (made, granted) in calls.into_iter().filter(|(made, granted)| made != granted) {
        broken.push(format!("{}: DynamoDB calls: {made:?}, not {granted:?}", row.name));
    }
    if row.exact.pings != 1 {
        broken.push(format!("{}: {} unsigned requests, not 1", row.name, row.exact.pings));
    }
    broken
}
