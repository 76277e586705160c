//! Charts with curves of ratios over percents, with a panel for each subject.

use std::path::Path;

use super::svg::{Anchor, Svg};

pub(crate) struct Panel {
    pub(crate) title: String,
    /// Names and points. A point is a percent and a ratio between 0 and 1.
    pub(crate) curves: Vec<(&'static str, Vec<(f64, f64)>)>,
}

const COLUMNS: usize = 3;
const WIDTH: f64 = 290.0;
const HEIGHT: f64 = 230.0;
const TOP: f64 = 60.0;
const PLOT: [f64; 2] = [220.0, 160.0];

pub(crate) fn write(
    panels: &[Panel],
    title: &str,
    directory: &Path,
    name: &str,
) -> Result<(), String> {
    let columns = panels.len().clamp(2, COLUMNS);
    let height = TOP + panels.len().div_ceil(columns) as f64 * HEIGHT;
    let mut svg = Svg::new(columns as f64 * WIDTH, height);
    svg.text(16.0, 22.0, &Anchor::Start, "title", title);
    if let Some(panel) = panels.first() {
        svg.legend(panel.curves.iter().map(|curve| curve.0), 16.0, 44.0);
    }
    for (at, panel) in panels.iter().enumerate() {
        let corner =
            [(at % columns) as f64 * WIDTH + 45.0, (at / columns) as f64 * HEIGHT + TOP + 25.0];
        panel.draw(&mut svg, corner);
    }
    super::write(directory, name, svg)
}

impl Panel {
    fn draw(&self, svg: &mut Svg, [left, top]: [f64; 2]) {
        let points = || self.curves.iter().flat_map(|curve| &curve.1);
        let most = points().fold(0.1, |most: f64, point| most.max(point.1));
        let high = (most * 5.0).ceil() / 5.0;
        let widest = points().fold(1.0, |most: f64, point| most.max(point.0));
        let place = |percent: f64, ratio: f64| {
            [left + PLOT[0] * (percent / widest).sqrt(), top + PLOT[1] * (1.0 - ratio / high)]
        };
        svg.text(left, top - 10.0, &Anchor::Start, "title", &self.title);
        for quarter in 0..=4 {
            let ratio = high * f64::from(quarter) / 4.0;
            let [_, y] = place(0.0, ratio);
            svg.line([left, y], [left + PLOT[0], y], "grid");
            svg.text(left - 6.0, y + 4.0, &Anchor::End, "faint", &format!("{ratio:.2}"));
        }
        for (percent, _) in self.curves.first().into_iter().flat_map(|curve| &curve.1) {
            let [x, y] = place(*percent, 0.0);
            svg.text(x, y + 16.0, &Anchor::Middle, "faint", &format!("{percent} %"));
        }
        // A curve that is drawn earlier is wider, so that all curves are visible where they are equal. The models are
        // drawn last, on top, and are dashed.
        let is_model = |name: &str| ["MIN", "LRU", "SIEVE", "S3-FIFO", "LIRS"].contains(&name);
        let (models, caches): (Vec<_>, Vec<_>) = self.curves.iter().partition(|c| is_model(c.0));
        let width = 1.2 + 1.0 * caches.len() as f64;
        let widths = std::iter::successors(Some(width), |width| Some((width - 1.0).max(1.2)));
        for ((name, points), width) in caches.iter().rev().chain(&models).zip(widths) {
            let points: Vec<_> = points.iter().map(|(x, y)| place(*x, *y)).collect();
            svg.curve(&points, name, width, is_model(name));
        }
    }
}
