//! Small charts as SVG text: dark words on white, no scripts, no fonts of their own. Pure.

use std::fmt::Write;

/// Bars that share a scale.
pub struct Group {
    /// What is measured.
    pub title: String,
    /// Names and values.
    pub bars: Vec<(String, f64)>,
}

const WIDTH: f64 = 720.0;
const LEFT: f64 = 110.0;
const BAR: f64 = 22.0;

/// Horizontal bars, group below group, each with its value at its end.
pub fn bar_chart(title: &str, groups: &[Group]) -> String {
    let mut body = String::new();
    let mut top = 64.0;
    for group in groups {
        label(&mut body, 20.0, top, &group.title, "font-weight='600'");
        top += 12.0;
        let largest = group
            .bars
            .iter()
            .map(|(_, value)| *value)
            .fold(f64::MIN_POSITIVE, f64::max);
        for (name, value) in &group.bars {
            let width = (WIDTH - LEFT - 90.0) * value / largest;
            let fill = if name == "nginx" { "#9aa5b1" } else { "#2f6f8f" };
            let _ = write!(
                body,
                "<rect x='{LEFT}' y='{top:.1}' width='{width:.1}' height='16' rx='2' fill='{fill}'/>"
            );
            label(&mut body, LEFT - 8.0, top + 13.0, name, "text-anchor='end'");
            label(
                &mut body,
                LEFT + width + 8.0,
                top + 13.0,
                &format!("{value:.1}"),
                "",
            );
            top += BAR;
        }
        top += 24.0;
    }
    frame(title, top, &body)
}

/// One line over time, from zero up.
pub fn line_plot(title: &str, unit: &str, points: &[(f64, f64)]) -> String {
    let (top, bottom) = (60.0, 320.0);
    let end = points.iter().map(|(at, _)| *at).fold(1.0, f64::max);
    let most = points.iter().map(|(_, value)| *value).fold(1.0, f64::max) * 1.15;
    let x = |at: f64| 70.0 + (WIDTH - 100.0) * at / end;
    let y = |value: f64| bottom - (bottom - top) * value / most;
    let mut body = String::new();
    for step in 0..=4 {
        let value = most * f64::from(step) / 4.0;
        let height = y(value);
        let _ = write!(body, "<path d='M70 {height:.1}H{:.1}' stroke='#d9dee3'/>", x(end));
        label(
            &mut body,
            62.0,
            height + 4.0,
            &format!("{value:.1}"),
            "text-anchor='end'",
        );
    }
    let line: Vec<String> = points
        .iter()
        .map(|(at, value)| format!("{:.1},{:.1}", x(*at), y(*value)))
        .collect();
    let _ = write!(
        body,
        "<polyline points='{}' fill='none' stroke='#2f6f8f' stroke-width='2'/>",
        line.join(" ")
    );
    label(&mut body, 70.0, bottom + 22.0, "0 s", "");
    label(
        &mut body,
        x(end),
        bottom + 22.0,
        &format!("{end:.0} s"),
        "text-anchor='end'",
    );
    label(&mut body, 20.0, 48.0, unit, "");
    frame(title, bottom + 40.0, &body)
}

fn frame(title: &str, height: f64, body: &str) -> String {
    let mut head = String::new();
    label(&mut head, 20.0, 30.0, title, "font-size='17' font-weight='600'");
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height:.0}' font-family='sans-serif' \
         font-size='13'><rect width='{WIDTH}' height='{height:.0}' fill='#fff'/>{head}{body}</svg>\n"
    )
}

fn label(out: &mut String, x: f64, y: f64, text: &str, extra: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let _ = write!(
        out,
        "<text x='{x:.1}' y='{y:.1}' fill='#1f2933' {extra}>{text}</text>"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_fills_the_width() {
        let bars = vec![("nginx".to_owned(), 10.0), ("a<b".to_owned(), 20.0)];
        let chart = bar_chart(
            "t",
            &[Group {
                title: "g".to_owned(),
                bars,
            }],
        );
        assert!(
            chart.contains("width='520.0'") && chart.contains("width='260.0'") && chart.contains("a&lt;b")
        );
    }

    #[test]
    fn a_plot_without_points_is_still_a_picture() {
        let plot = line_plot("t", "MiB", &[]);
        assert!(plot.starts_with("<svg") && plot.trim_end().ends_with("</svg>") && !plot.contains("NaN"));
    }
}
