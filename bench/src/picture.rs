//! The figures that matter to users, as a list and a picture of the table in `docs/benchmarks.md`.

use std::fmt::Write;

use crate::Failure;

/// The compared columns: their name in the table, their name in the picture, and their colour.
const PROGRAMS: [(&str, &str, &str); 3] = [
    ("create-session", "create-session", "#0072b2"),
    ("default Rust", "default Rust", "#999999"),
    ("Node 20", "Node 20", "#d55e00"),
];

/// A compared row.
struct Figure {
    /// Its name in the table.
    row: &'static str,
    title: &'static str,
    unit: &'static str,
    /// How many units of the row are one unit of the picture.
    per: f64,
}

const FIGURES: [Figure; 3] = [
    Figure {
        row: "instructions, start to first answer, M",
        title: "Cold start, up to its first answer",
        unit: "million instructions",
        per: 1.0,
    },
    Figure {
        row: "throttled periods in ten first calls at a 128 MB share",
        title: "Waiting for the CPU share of 128 MB, in a first call",
        unit: "periods of 20 ms",
        per: 10.0,
    },
    Figure {
        row: "VmRSS after 1,000 calls, MB",
        title: "Memory after 1,000 calls",
        unit: "MB",
        per: 1.0,
    },
];

/// The three figures as a list, and as a picture.
pub fn draw(document: &str) -> Result<(String, String), Failure> {
    let mut list = String::new();
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 620 330\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"620\" height=\"330\" fill=\"white\"/>\n",
    );
    for (number, figure) in FIGURES.iter().enumerate() {
        let Figure { row, title, unit, per } = figure;
        let values = values(document, row)?.map(|value| value / per);
        let [ours, rust, node] = values;
        let _ = writeln!(
            list,
            "- **{title}**: {ours:.1} {unit} (a default Rust function: {rust:.1}, Node 20: {node:.1})"
        );
        panel(&mut svg, 20.0 + 105.0 * number as f64, &format!("{title}, {unit}"), values);
    }
    svg.push_str("</svg>\n");
    Ok((list, svg))
}

/// A bar for each program.
fn panel(svg: &mut String, top: f64, title: &str, values: [f64; 3]) {
    let longest = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let _ = writeln!(svg, "<text x=\"20\" y=\"{top}\" font-size=\"14\">{title}</text>");
    for (number, ((_, name, colour), value)) in PROGRAMS.iter().zip(values).enumerate() {
        let y = top + 10.0 + 24.0 * number as f64;
        let (width, middle) = (400.0 * value / longest, y + 13.0);
        let after = 126.0 + width;
        let _ = writeln!(
            svg,
            "<text x=\"112\" y=\"{middle}\" text-anchor=\"end\">{name}</text>\
             <rect x=\"120\" y=\"{y}\" width=\"{width:.1}\" height=\"18\" fill=\"{colour}\"/>\
             <text x=\"{after:.1}\" y=\"{middle}\">{value:.1}</text>"
        );
    }
}

/// The values of a row of the first table that has it, in the columns of the programs.
fn values(document: &str, row: &str) -> Result<[f64; 3], Failure> {
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let lines = || document.lines().filter(|line| line.starts_with('|')).map(cells);
    let head = lines().find(|cells| cells[0] == "what").ok_or("no table")?;
    let found = lines().find(|cells| cells[0] == row).ok_or_else(|| format!("no row {row}"))?;
    let mut values = [0.0; 3];
    for (value, (column, ..)) in values.iter_mut().zip(PROGRAMS) {
        let at = head.iter().position(|name| name == column);
        let cell = at.and_then(|at| found.get(at)).ok_or_else(|| format!("no column {column}"))?;
        *value = cell.trim_start_matches(['~', '≤']).parse()?;
    }
    Ok(values)
}
