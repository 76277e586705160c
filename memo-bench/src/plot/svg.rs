//! The shapes that the charts consist of.

use std::fmt::Write;

/// The name of a contender, its colour on a light background, and its colour on a dark background. Colour-blind people
/// can tell the colours apart.
const COLOURS: [(&str, &str, &str); 13] = [
    ("memokit", "#0067b8", "#4aa8ff"),
    ("adaptive", "#3f9b0b", "#7ed957"),
    ("quick_cache", "#d97700", "#ffa62b"),
    ("cached", "#00805b", "#22c795"),
    ("moka", "#b0508d", "#e28cc4"),
    ("memoize", "#c43c14", "#ff7a52"),
    ("mutex_map", "#737373", "#a3a3a3"),
    ("plain", "#737373", "#a3a3a3"),
    ("LRU", "#1f1f1f", "#ededed"),
    ("MIN", "#8c8c8c", "#8c8c8c"),
    ("SIEVE", "#6b4fbb", "#a78bfa"),
    ("S3-FIFO", "#00798c", "#4cc9d9"),
    ("LIRS", "#8a4b00", "#c98a4b"),
];

const OTHER: (&str, &str) = ("#8a7a00", "#d6c53a");

const STYLE: &str = "\
text { font: 12px system-ui, sans-serif; fill: #1f2328 } .faint { fill: #59636e } .title { font-weight: 600 }
.grid { stroke: #d1d9e0 } .axis { stroke: #59636e } .curve { fill: none }
";
const DARK_STYLE: &str = "\
text { fill: #f0f6fc } .faint { fill: #9198a1 } .grid { stroke: #3d444d } .axis { stroke: #9198a1 }
";

pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

pub(crate) struct Svg {
    width: f64,
    height: f64,
    body: String,
}

impl Svg {
    pub(crate) fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    pub(crate) fn text(&mut self, x: f64, y: f64, anchor: &Anchor, class: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        self.add(format_args!(
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" class="{class}">{text}</text>"#
        ));
    }

    pub(crate) fn bar(&mut self, [x, y]: [f64; 2], width: f64, height: f64, name: &str) {
        let class = class(name);
        self.add(format_args!(
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" class="f{class}"/>"#
        ));
    }

    pub(crate) fn line(&mut self, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2], class: &str) {
        self.add(format_args!(
            r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" class="{class}"/>"#
        ));
    }

    /// Draws a curve through the points, with a dot on each.
    pub(crate) fn curve(&mut self, points: &[[f64; 2]], name: &str, width: f64, dashed: bool) {
        let class = class(name);
        let dashes = if dashed { r#" stroke-dasharray="5 4""# } else { "" };
        let through: Vec<_> = points.iter().map(|[x, y]| format!("{x:.1},{y:.1}")).collect();
        let through = through.join(" ");
        self.add(format_args!(
            r#"<polyline points="{through}" class="curve s{class}" stroke-width="{width:.1}"{dashes}/>"#
        ));
        for [x, y] in points {
            let radius = width / 2.0 + 1.2;
            self.add(format_args!(
                r#"<circle cx="{x:.1}" cy="{y:.1}" r="{radius:.1}" class="f{class}"/>"#
            ));
        }
    }

    /// Draws the names in one line, each beside its colour.
    pub(crate) fn legend<'a>(&mut self, names: impl Iterator<Item = &'a str>, mut x: f64, y: f64) {
        for name in names {
            self.bar([x, y - 9.0], 10.0, 10.0, name);
            self.text(x + 15.0, y, &Anchor::Start, "", name);
            x += 32.0 + 7.0 * name.len() as f64;
        }
    }

    fn add(&mut self, shape: std::fmt::Arguments<'_>) {
        writeln!(self.body, "{shape}").expect("writing to a String does not fail");
    }

    pub(crate) fn finish(self) -> String {
        let Self { width, height, body } = self;
        let (light, dark) =
            (colours(|at| COLOURS[at].1, OTHER.0), colours(|at| COLOURS[at].2, OTHER.1));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
             width=\"{width:.0}\" height=\"{height:.0}\">\n<style>\n{STYLE}{light}\
             @media (prefers-color-scheme: dark) {{\n{DARK_STYLE}{dark}}}\n</style>\n{body}</svg>\n"
        )
    }
}

/// Returns the index of the colour for the first word of a name.
fn class(name: &str) -> usize {
    let stem = name.split(' ').next().unwrap_or(name);
    COLOURS.iter().position(|known| known.0 == stem).unwrap_or(COLOURS.len())
}

fn colours(of: impl Fn(usize) -> &'static str, other: &str) -> String {
    (0..=COLOURS.len())
        .map(|at| {
            let colour = if at < COLOURS.len() { of(at) } else { other };
            format!(".f{at} {{ fill: {colour} }} .s{at} {{ stroke: {colour} }}\n")
        })
        .collect()
}
