//! Bar charts, with a group of bars for each case.

use std::path::Path;

use super::svg::{Anchor, Svg};

/// What the length of a bar means.
pub(crate) enum Scale {
    /// Bars start at 0.
    Linear,
    /// Bars start at 1. Values below 1 go to the left. The axis is logarithmic.
    Ratio,
}

pub(crate) struct Chart {
    pub(crate) title: String,
    pub(crate) scale: Scale,
    pub(crate) groups: Vec<Group>,
}

pub(crate) struct Group {
    pub(crate) title: String,
    /// Names and values.
    pub(crate) bars: Vec<(String, f64)>,
}

const WIDTH: f64 = 860.0;
const LEFT: f64 = 230.0;
const RIGHT: f64 = 50.0;
const TOP: f64 = 70.0;
const BAR: f64 = 11.0;
const GAP: f64 = 12.0;

impl Chart {
    pub(crate) fn write(&self, directory: &Path, name: &str) -> Result<(), String> {
        super::write(directory, name, self.draw())
    }

    fn draw(&self) -> Svg {
        let bars: usize = self.groups.iter().map(|group| group.bars.len()).sum();
        let bottom = TOP + bars as f64 * BAR + self.groups.len() as f64 * GAP;
        let mut svg = Svg::new(WIDTH, bottom + 12.0);
        svg.text(16.0, 22.0, &Anchor::Start, "title", &self.title);
        svg.legend(self.names().into_iter(), 16.0, 44.0);
        let (ticks, place) = self.axis();
        for tick in ticks {
            let class =
                if matches!(self.scale, Scale::Ratio) && tick == 1.0 { "axis" } else { "grid" };
            svg.line([place(tick), TOP], [place(tick), bottom], class);
            svg.text(place(tick), TOP - 6.0, &Anchor::Middle, "faint", &short(tick));
        }
        let origin = place(if matches!(self.scale, Scale::Ratio) { 1.0 } else { 0.0 });
        let mut y = TOP + GAP / 2.0;
        for group in &self.groups {
            let middle = y + group.bars.len() as f64 * BAR / 2.0 + 4.0;
            svg.text(LEFT - 12.0, middle, &Anchor::End, "", &group.title);
            for (name, value) in &group.bars {
                let end = place(*value);
                svg.bar([end.min(origin), y], (end - origin).abs().max(1.0), BAR - 2.0, name);
                y += BAR;
            }
            y += GAP;
        }
        svg
    }

    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in self.groups.iter().flat_map(|group| &group.bars) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }

    /// Returns the values that have a grid line, and a function from a value to its x coordinate.
    fn axis(&self) -> (Vec<f64>, Box<dyn Fn(f64) -> f64>) {
        let values = || self.groups.iter().flat_map(|group| &group.bars).map(|bar| bar.1);
        let most = values().fold(0.0, f64::max);
        let width = WIDTH - LEFT - RIGHT;
        match self.scale {
            Scale::Linear => {
                let step = step(most);
                let end = (most / step).ceil().max(1.0);
                let ticks = (0..).map(f64::from).take_while(|n| *n <= end).map(|n| n * step);
                (ticks.collect(), Box::new(move |value| LEFT + width * value / (end * step)))
            }
            Scale::Ratio => {
                let low = values().fold(0.5, f64::min).log2().floor();
                let high = most.max(2.0).log2().ceil();
                let powers = std::iter::successors(Some(low), |power| Some(power + 1.0));
                let ticks = powers.take_while(|power| *power <= high).map(f64::exp2);
                let place = move |value: f64| LEFT + width * (value.log2() - low) / (high - low);
                (ticks.collect(), Box::new(place))
            }
        }
    }
}

/// Returns a step between grid lines: 1, 2 or 5 times a power of ten, so that there are at most about five lines.
fn step(most: f64) -> f64 {
    let rough = (most / 5.0).max(f64::MIN_POSITIVE);
    let power = 10f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|n| n * power)
        .into_iter()
        .find(|step| *step >= rough)
        .unwrap_or(rough)
}

fn short(value: f64) -> String {
    if value != 0.0 && value < 1.0 {
        let inverse = 1.0 / value;
        if (inverse - inverse.round()).abs() < 1e-9 {
            return format!("1/{inverse:.0}");
        }
    }
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(scale: Scale, values: &[f64]) -> Chart {
        let bars = values.iter().map(|value| ("moka".to_owned(), *value)).collect();
        Chart { title: String::new(), scale, groups: vec![Group { title: String::new(), bars }] }
    }

    #[test]
    fn every_value_is_within_the_chart() {
        for values in [&[0.03, 1.0, 5.8][..], &[0.9], &[3.0, 250.0], &[1e-3]] {
            for scale in [Scale::Linear, Scale::Ratio] {
                let chart = chart(scale, values);
                let (ticks, place) = chart.axis();
                assert!((2..20).contains(&ticks.len()), "{ticks:?}");
                for value in values.iter().chain(&ticks) {
                    let at = place(*value);
                    assert!((LEFT - 0.1..=WIDTH - RIGHT + 0.1).contains(&at), "{value} at {at}");
                }
            }
        }
    }

    #[test]
    fn ticks_are_shown_as_fractions_or_short_decimals() {
        assert_eq!(
            [0.25, 0.2, 1.0, 2.5, 250.0, 0.0].map(short),
            ["1/4", "1/5", "1", "2.5", "250", "0"]
        );
    }
}
