//! A plot with two logarithmic axes, as SVG.

use std::fmt::Write;

/// A line of the plot.
pub struct Series {
    /// What it shows.
    pub name: &'static str,
    /// Its points, both coordinates above zero.
    pub points: Vec<(f64, f64)>,
}

/// The drawing area, in pixels: left, top, width and height.
const AREA: (f64, f64, f64, f64) = (70.0, 40.0, 520.0, 260.0);
const COLOURS: [&str; 3] = ["#0072b2", "#d55e00", "#009e73"];

/// Draws lines over decades.
pub fn plot(title: &str, series: &[Series]) -> String {
    let points = || series.iter().flat_map(|line| line.points.iter());
    let decades = |values: &mut dyn Iterator<Item = f64>| {
        let (least, most) = values.fold((f64::MAX, 1.0), |(least, most): (f64, f64), value| {
            (least.min(value), most.max(value))
        });
        (least.log10().floor(), most.log10().ceil())
    };
    let (x0, x1) = decades(&mut points().map(|point| point.0));
    let (y0, y1) = decades(&mut points().map(|point| point.1));
    let (left, top, width, height) = AREA;
    let x = |value: f64| left + width * (value.log10() - x0) / (x1 - x0);
    let y = |value: f64| top + height * (1.0 - (value.log10() - y0) / (y1 - y0));

    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 620 400\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"620\" height=\"400\" fill=\"white\"/>\n\
         <text x=\"{left}\" y=\"24\" font-size=\"14\">{title}</text>\n"
    );
    let (right, bottom) = (left + width, top + height);
    for decade in x0 as i32..=x1 as i32 {
        let value = 10f64.powi(decade);
        let (at, below) = (x(value), bottom + 16.0);
        let _ = writeln!(
            svg,
            "<path d=\"M{at:.1} {top}V{bottom}\" stroke=\"#ddd\"/>\
             <text x=\"{at:.1}\" y=\"{below}\" text-anchor=\"middle\">{value}</text>"
        );
    }
    for decade in y0 as i32..=y1 as i32 {
        let value = 10f64.powi(decade);
        let (at, before) = (y(value), left - 6.0);
        let _ = writeln!(
            svg,
            "<path d=\"M{left} {at:.1}H{right}\" stroke=\"#ddd\"/>\
             <text x=\"{before}\" y=\"{at:.1}\" text-anchor=\"end\" dy=\"4\">{value}</text>"
        );
    }
    for (number, (line, colour)) in series.iter().zip(COLOURS).enumerate() {
        let at = |&(px, py): &(f64, f64)| format!("{:.1} {:.1}", x(px), y(py));
        let path = line.points.iter().map(at).collect::<Vec<_>>().join("L");
        let _ = writeln!(
            svg,
            "<path d=\"M{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
        );
        for &(px, py) in &line.points {
            let (px, py) = (x(px), y(py));
            let _ =
                writeln!(svg, "<circle cx=\"{px:.1}\" cy=\"{py:.1}\" r=\"3\" fill=\"{colour}\"/>");
        }
        let below = bottom + 40.0 + 18.0 * number as f64;
        let _ = writeln!(
            svg,
            "<text x=\"{left}\" y=\"{below}\" fill=\"{colour}\">{}</text>",
            line.name
        );
    }
    svg.push_str("</svg>\n");
    svg
}
