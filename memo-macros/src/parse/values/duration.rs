//! Values that are durations: `250ms`, `1h 30m`.

use std::time::Duration;

use proc_macro2::Ident;
use syn::{Expr, ExprLit, Lit, LitBool, LitStr};

use crate::parse::argument_names::example;
use crate::parse::raw_argument::Form;
use crate::parse::values::expression::{error, expression, plain};
use crate::parse::values::unit::{self, split};

/// A duration: known at expansion, or an expression that is evaluated at run time.
pub(crate) enum TimeSpan {
    Literal(Duration),
    Expression(Expr),
}

/// The durations that are accepted, for errors.
const ACCEPTED: &str = "durations are written like `250ms`, `30s`, `5m`, `1h 30m` or `2d`";

/// The units from the largest to the smallest, in milliseconds.
const UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Other spellings of a unit, for the suggestion in an error.
const OTHER_UNITS: [(&str, &[&str]); 5] = [
    ("d", &["day", "days"]),
    ("h", &["hr", "hrs", "hour", "hours"]),
    ("m", &["min", "mins", "minute", "minutes"]),
    ("s", &["sec", "secs", "second", "seconds"]),
    ("ms", &["msec", "msecs", "milli", "millis", "millisecond", "milliseconds"]),
];

/// `ttl`: text, or an expression that gives a `Duration`.
pub(crate) fn time_span(name: &Ident, form: Form) -> syn::Result<TimeSpan> {
    let value = expression(name, form)?;
    match plain(&value) {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
            Ok(TimeSpan::Literal(above_zero(name, text)?))
        }
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => {
            let digits = number.base10_digits();
            if digits == "0" {
                return Err(error(number, format!("`{name}` has to be longer than zero")));
            }
            Err(error(
                number,
                format!("this number has no unit: write `{name} = \"{digits}s\"` for seconds"),
            ))
        }
        Expr::Lit(other) => Err(error(other, format!("`{name}` is a time: `{}`", example(name)))),
        _ => Ok(TimeSpan::Expression(value)),
    }
}

/// `wait_limit` and `stale_while_disconnected`: a time as [`time_span`] reads it, or `"0s"`.
pub(crate) fn limit(name: &Ident, form: Form) -> syn::Result<TimeSpan> {
    if let Form::Value(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) = &form {
        if text.value().trim() == "0s" {
            return Ok(TimeSpan::Literal(Duration::ZERO));
        }
    }
    time_span(name, form)
}

/// `cache_err`: without a value, or with a duration as text.
pub(crate) fn flag_or_duration(name: &Ident, form: Form) -> syn::Result<Option<Duration>> {
    if let Form::Flag = form {
        return Ok(None);
    }
    let value = expression(name, form)?;
    match plain(&value) {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => above_zero(name, text).map(Some),
        Expr::Lit(ExprLit { lit: Lit::Bool(LitBool { value: true, .. }), .. }) => Err(error(
            &value,
            format!(
                "`{name}` alone caches errors as long as values, and with a duration at most that long: `{}`",
                example(name)
            ),
        )),
        other => Err(error(
            other,
            format!("`{name}` takes no value or a duration as text: `{}`", example(name)),
        )),
    }
}

fn above_zero(name: &Ident, text: &LitStr) -> syn::Result<Duration> {
    match parse(&text.value()) {
        Ok(Duration::ZERO) => Err(error(text, format!("`{name}` has to be longer than zero"))),
        Ok(duration) => Ok(duration),
        Err(_) if is_code(text) => {
            let code = text.value();
            Err(error(text, format!("an expression needs no quotes: `{name} = {code}`")))
        }
        Err(message) => Err(error(text, message)),
    }
}

/// Whether the text is code that may give a duration, such as `Duration::from_secs(60)`.
fn is_code(text: &LitStr) -> bool {
    match text.parse() {
        Ok(Expr::Call(_) | Expr::MethodCall(_)) => true,
        Ok(Expr::Path(path)) => path.path.segments.len() > 1,
        _ => false,
    }
}

/// Reads a duration; the error is a message that says what is accepted.
fn parse(text: &str) -> Result<Duration, String> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(format!("no duration is given; {ACCEPTED}"));
    }
    let mut millis: u64 = 0;
    let mut larger = None;
    while !rest.is_empty() {
        let (number, after) = split(rest, |c| c.is_ascii_digit());
        if number.is_empty() {
            return Err(unexpected(rest));
        }
        let (unit, after) = split(after.trim_start(), char::is_alphabetic);
        let place = place_of(unit, number, after)?;
        if larger.is_some_and(|larger| place <= larger) {
            return Err(format!(
                "`{unit}` is out of place: write the units from the largest to the smallest, each once; {ACCEPTED}"
            ));
        }
        larger = Some(place);
        millis = number
            .parse::<u64>()
            .ok()
            .and_then(|count| count.checked_mul(UNITS[place].1))
            .and_then(|part| millis.checked_add(part))
            .ok_or_else(|| {
                format!(
                    "`{text}` is longer than can be counted; leave the argument out for no limit"
                )
            })?;
        rest = after.trim_start();
    }
    Ok(Duration::from_millis(millis))
}

/// The index in [`UNITS`] of a unit as written.
fn place_of(unit: &str, number: &str, after: &str) -> Result<usize, String> {
    if let Some(place) = UNITS.iter().position(|&(name, _)| name == unit) {
        return Ok(place);
    }
    if unit.is_empty() {
        return Err(if after.is_empty() {
            format!("`{number}` has no unit: write `{number}s` for seconds; {ACCEPTED}")
        } else {
            unexpected(after)
        });
    }
    let names = UNITS.map(|(name, _)| name);
    Err(unit::unknown(number, unit, &names, &OTHER_UNITS, ACCEPTED))
}

fn unexpected(rest: &str) -> String {
    match rest.chars().next() {
        Some('.' | ',') => {
            format!("no fractions: write `1s 500ms` for one and a half seconds; {ACCEPTED}")
        }
        Some('-') => format!("a duration cannot be negative; {ACCEPTED}"),
        _ => format!("`{rest}` is not a number with a unit; {ACCEPTED}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted() {
        for (text, millis) in [
            ("250ms", 250),
            ("30s", 30_000),
            ("5m", 300_000),
            ("1h 30m", 5_400_000),
            ("1h30m", 5_400_000),
            (" 2 d ", 172_800_000),
            ("1d 2h 3m 4s 5ms", 93_784_005),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn refused_with_the_fix() {
        for (text, fix) in [
            ("", "no duration is given"),
            ("30", "write `30s`"),
            ("soon", "`soon` is not a number with a unit"),
            ("1.5s", "no fractions"),
            ("-1s", "negative"),
            ("30sec", "did you mean `30s`"),
            ("2H", "did you mean `2h`"),
            ("10 minutes", "did you mean `10m`"),
            ("5 fortnights", "unknown unit `fortnights`"),
            ("30m 1h", "`h` is out of place"),
            ("1s 1s", "`s` is out of place"),
            ("99999999999999999999s", "longer than can be counted"),
            ("300000000000d", "longer than can be counted"),
            ("1s!", "`!` is not a number"),
        ] {
            let message = parse(text).expect_err(text);
            assert!(message.contains(fix), "{text}: {message}");
        }
    }
}
