//! Values that are sizes: `64MiB`, or a number of bytes.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::{Expr, ExprLit, ExprUnary, Lit};

use crate::parse::argument_names::example;
use crate::parse::raw_argument::Form;
use crate::parse::values::expression::{error, expression, plain};
use crate::parse::values::unit::{self, split};

/// A number of bytes: known at expansion, or an expression that is evaluated at run time.
pub(crate) enum Size {
    Literal(u64),
    Expression(Expr),
}

/// The sizes that are accepted, for errors.
const ACCEPTED: &str = "sizes are written like `512KiB`, `64MiB`, `2GiB`, `500MB` or `100B`";

const UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

/// Other spellings of a unit, for the suggestion in an error.
const OTHER_UNITS: [(&str, &[&str]); 5] = [
    ("B", &["byte", "bytes"]),
    ("KiB", &["k", "ki", "kibibyte", "kibibytes"]),
    ("MiB", &["m", "mi", "meg", "megs", "mebibyte", "mebibytes"]),
    ("GiB", &["g", "gi", "gig", "gigs", "gibibyte", "gibibytes"]),
    ("TiB", &["t", "ti", "tebibyte", "tebibytes"]),
];

/// `max_bytes`, `max_disk` and `max_value`: text, a number of bytes above zero, or an expression that gives one.
pub(crate) fn size(name: &Ident, form: Form) -> syn::Result<Size> {
    let value = expression(name, form)?;
    let above_zero = |under: &dyn ToTokens, count| {
        let message = format!(
            "without room for a byte there is nothing to keep: leave `{name}` out for no bound"
        );
        if count == 0 { Err(error(under, message)) } else { Ok(Size::Literal(count)) }
    };
    match plain(&value) {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if text.value().parse::<u64>().is_ok() => {
            above_zero(text, text.value().parse().unwrap_or_default())?;
            Err(error(
                text,
                format!("a number of bytes needs no quotes: `{name} = {}`", text.value()),
            ))
        }
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => match parse(&text.value()) {
            Ok(bytes) => above_zero(text, bytes),
            Err(message) => Err(error(text, message)),
        },
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) if number.suffix().is_empty() => {
            let count = number.base10_parse();
            above_zero(number, count.map_err(|_| error(number, "this number is too large"))?)
        }
        Expr::Lit(ExprLit { lit: Lit::Int(_), .. }) => Ok(Size::Expression(value)),
        Expr::Lit(_) | Expr::Unary(ExprUnary { op: syn::UnOp::Neg(_), .. }) => {
            Err(error(&value, format!("`{name}` is a number of bytes: `{}`", example(name))))
        }
        _ => Ok(Size::Expression(value)),
    }
}

/// Reads a size; the error is a message that says what is accepted.
fn parse(text: &str) -> Result<u64, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(format!("no size is given; {ACCEPTED}"));
    }
    let (number, rest) = split(text, |c| c.is_ascii_digit());
    if number.is_empty() {
        return Err(unexpected(rest));
    }
    let (unit, rest) = split(rest.trim_start(), char::is_alphabetic);
    if unit.is_empty() {
        return Err(unexpected(rest));
    }
    let factor = factor_of(unit, number)?;
    if !rest.is_empty() {
        return Err(unexpected(rest.trim_start()));
    }
    let bytes = number.parse::<u64>().ok().and_then(|count| count.checked_mul(factor));
    bytes.ok_or_else(|| {
        format!("`{text}` is more than can be counted; leave the argument out for no bound")
    })
}

fn factor_of(unit: &str, number: &str) -> Result<u64, String> {
    if let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) {
        return Ok(*factor);
    }
    let names = UNITS.map(|(name, _)| name);
    Err(unit::unknown(number, unit, &names, &OTHER_UNITS, ACCEPTED))
}

fn unexpected(rest: &str) -> String {
    match rest.chars().next() {
        Some('.' | ',' | '_') => {
            format!(
                "write digits only, without fractions, such as `1536MiB` for one and a half GiB; {ACCEPTED}"
            )
        }
        Some('-') => format!("a size cannot be negative; {ACCEPTED}"),
        _ => format!("`{rest}` is not part of a size; {ACCEPTED}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted() {
        for (text, bytes) in [
            ("0B", 0),
            ("100B", 100),
            ("3KiB", 3 << 10),
            ("64MiB", 64 << 20),
            (" 64 MiB ", 64 << 20),
            ("2GiB", 2 << 30),
            ("1TiB", 1 << 40),
            ("5KB", 5_000),
            ("500MB", 500_000_000),
            ("1GB", 1_000_000_000),
            ("2TB", 2_000_000_000_000),
            ("18446744073709551615B", u64::MAX),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn refused_with_the_fix() {
        for (text, fix) in [
            ("", "no size is given"),
            ("MiB", "`MiB` is not part of a size"),
            ("lots", "`lots` is not part of a size"),
            ("1.5GiB", "without fractions"),
            ("64_000KB", "digits only"),
            ("-1MB", "negative"),
            ("64M", "did you mean `64MiB`"),
            ("64mb", "did you mean `64MB`"),
            ("64 Mib", "did you mean `64MiB`"),
            ("7 bytes", "did you mean `7B`"),
            ("7 gigs", "did you mean `7GiB`"),
            ("3 elephants", "unknown unit `elephants`"),
            ("64 MB?", "`?` is not part"),
            ("1GiB 5MiB", "`5MiB` is not part"),
            ("99999999TiB", "more than can be counted"),
            ("99999999999999999999B", "more than can be counted"),
        ] {
            let message = parse(text).expect_err(text);
            assert!(message.contains(fix), "{text}: {message}");
        }
    }
}
