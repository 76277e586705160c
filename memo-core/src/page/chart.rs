//! Charts of hit ratios, as SVG within the page.

use std::fmt::Write as _;

use super::text::{Escaped, number, percent, timestamp};
use crate::advice::curve::Point;
use crate::advice::summary::Advice;
use crate::advice::unit::Unit;
use crate::statistics::report::size;
use crate::statistics::samples::{Sample, hit_ratio};

/// The size of the plot in units of the drawing.
const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 100.0;
/// A line has no more steps than this, for a short page.
const MOST_STEPS: usize = 80;

/// What stands below the left and the right end, and what a person who sees nothing is told.
struct Labels {
    left: String,
    right: String,
    summary: String,
}

/// Draws the hit ratio over time. `None`: no calls are known.
pub(super) fn over_time(samples: &[Sample]) -> Option<String> {
    let (first, last) = (samples.first()?, samples.last()?);
    let span = last.at.duration_since(first.at).ok().filter(|span| !span.is_zero())?.as_secs_f64();
    let after = |sample: &Sample| sample.at.duration_since(first.at).unwrap_or_default();
    // The clock may have been set meanwhile.
    let at = |sample: &Sample| (after(sample).as_secs_f64() / span).clamp(0.0, 1.0);
    // The ratio is that of all the time between two samples.
    let points: Vec<_> = thinned(samples)
        .windows(2)
        .flat_map(|pair| {
            let ratio = hit_ratio(pair[0], pair[1]);
            [(at(pair[0]), ratio), (at(pair[1]), ratio)]
        })
        .collect();
    let known: Vec<f64> = points.iter().filter_map(|(_, ratio)| *ratio).collect();
    let latest = *known.last()?;
    let (least, most) = known
        .iter()
        .fold((1.0_f64, 0.0_f64), |(least, most), ratio| (least.min(*ratio), most.max(*ratio)));
    let labels = Labels {
        left: timestamp(first.at),
        right: timestamp(last.at),
        summary: format!(
            "Hit ratio over time: lowest {}, highest {}, latest {}",
            percent(least),
            percent(most),
            percent(latest)
        ),
    };
    Some(draw(&path(&points), None, &labels))
}

/// Draws the hit ratio by capacity, which grows by the same factor in equal steps.
pub(super) fn by_capacity(advice: &Advice) -> Option<String> {
    let most = advice.curve.last()?.capacity.max(advice.capacity.unwrap_or(0)).max(2);
    let at = |capacity: u64| logarithm(capacity) / logarithm(most);
    let mut points = Vec::new();
    for Point { capacity, hit_ratio } in thinned(&advice.curve) {
        // From one point to the next it stays the same.
        let before = points.last().and_then(|(_, ratio)| *ratio);
        points.push((at(*capacity), before));
        points.push((at(*capacity), Some(*hit_ratio)));
    }
    points.push((1.0, points.last().and_then(|(_, ratio)| *ratio)));
    let labels = Labels {
        left: match advice.unit {
            Unit::Entries => "1 entry".to_owned(),
            Unit::Bytes => size(1),
        },
        right: capacity_text(most, advice.unit),
        summary: format!("Hit ratio by capacity: {advice}"),
    };
    Some(draw(&path(&points), advice.capacity.map(at), &labels))
}

fn capacity_text(capacity: u64, unit: Unit) -> String {
    match unit {
        Unit::Entries => format!("{} entries", number(capacity)),
        Unit::Bytes => size(capacity),
    }
}

/// Returns some of many, among them the first and the last.
fn thinned<T>(all: &[T]) -> Vec<&T> {
    let (every, last) = (all.len().div_ceil(MOST_STEPS).max(1), all.len().saturating_sub(1));
    all.iter()
        .enumerate()
        .filter(|(n, _)| n % every == 0 || *n == last)
        .map(|(_, one)| one)
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "a place in a drawing")]
fn logarithm(capacity: u64) -> f64 {
    (capacity.max(1) as f64).ln()
}

/// Returns the path of a line. It has a gap where a ratio is not known.
fn path(points: &[(f64, Option<f64>)]) -> String {
    let (mut path, mut is_begun) = (String::new(), false);
    for (x, ratio) in points {
        if let Some(ratio) = ratio {
            let command = if is_begun { 'L' } else { 'M' };
            let _ = write!(path, "{command}{:.1} {:.1}", x * WIDTH, (1.0 - ratio) * HEIGHT);
            if !is_begun {
                // A point alone is seen as well.
                path.push_str("h.1");
            }
        }
        is_begun = ratio.is_some();
    }
    path
}

fn draw(path: &str, mark: Option<f64>, labels: &Labels) -> String {
    let Labels { left, right, summary } = labels;
    let mark = mark.map_or_else(String::new, |at| {
        format!(
            "<line class=\"mark\" x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"0\" y2=\"{HEIGHT}\"/>",
            at * WIDTH
        )
    });
    format!(
        "<figure><div class=\"plot\"><span>100 %</span>\
         <svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">\
         <path class=\"line\" d=\"{path}\"/>{mark}</svg><span>0 %</span></div>\
         <figcaption><span>{}</span><span>{}</span></figcaption></figure>\n",
        Escaped(summary),
        Escaped(left),
        Escaped(right),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_gaps_and_points_alone() {
        let points = [(0.0, Some(1.0)), (0.5, None), (0.75, Some(0.5)), (1.0, Some(0.0))];
        assert_eq!(path(&points), "M0.0 0.0h.1M240.0 50.0h.1L320.0 100.0");
    }
}
