//! Values that are numbers without a unit.

use proc_macro2::Ident;
use syn::{Expr, ExprLit, ExprUnary, Lit, LitInt};

use crate::parse::argument_names::example;
use crate::parse::raw_argument::Form;
use crate::parse::values::expression::{error, expression, plain};

/// `max`: a number above zero, or an expression.
pub(crate) fn entries(name: &Ident, form: Form) -> syn::Result<Expr> {
    let value = expression(name, form)?;
    match plain(&value) {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => whole(name, number, &value),
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if text.value().parse() == Ok(0_u64) => {
            Err(error(text, zero_entries(name)))
        }
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if text.value().parse::<u64>().is_ok() => {
            Err(error(text, format!("a number needs no quotes: `{name} = {}`", text.value())))
        }
        Expr::Lit(_) | Expr::Unary(ExprUnary { op: syn::UnOp::Neg(_), .. }) => Err(error(
            &value,
            format!("`{name}` is a whole number above zero: `{}`", example(name)),
        )),
        _ => Ok(value),
    }
}

/// `explain`: alone, or a number above zero, or an expression.
pub(crate) fn departures(name: &Ident, form: Form) -> syn::Result<Expr> {
    const USUAL: usize = 1000;
    if let Form::Flag = form {
        return Ok(syn::parse_quote!(#USUAL));
    }
    let value = expression(name, form)?;
    match plain(&value) {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) if number.base10_digits() == "0" => {
            Err(error(number, format!("nothing would be remembered: leave `{name}` out")))
        }
        _ => entries(name, Form::Value(value)),
    }
}

fn zero_entries(name: &Ident) -> String {
    format!("a cache without room for an entry caches nothing: leave `{name}` out for no bound")
}

/// The literal as a `usize`, since rustc would make an `i32` of a literal without a type.
fn whole(name: &Ident, number: &LitInt, value: &Expr) -> syn::Result<Expr> {
    let count: u64 =
        number.base10_parse().map_err(|_| error(number, "this number is too large"))?;
    if count == 0 {
        return Err(error(number, zero_entries(name)));
    }
    if !number.suffix().is_empty() {
        return Ok(value.clone());
    }
    let typed = LitInt::new(&format!("{count}usize"), number.span());
    Ok(Expr::Lit(ExprLit { attrs: Vec::new(), lit: Lit::Int(typed) }))
}

/// `shards`: a power of two, or an expression.
pub(crate) fn shards(name: &Ident, form: Form) -> syn::Result<Expr> {
    const MOST: u64 = 1 << 16;
    let value = expression(name, form)?;
    let Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) = plain(&value) else {
        return entries(name, Form::Value(value));
    };
    let fix = match number.base10_parse::<u64>() {
        Ok(0) => format!("`{name} = 1`"),
        Ok(count) if count.is_power_of_two() && count <= MOST => {
            return entries(name, Form::Value(value));
        }
        Ok(count) if count < MOST => {
            format!("`{name} = {}` or `{name} = {}`", 1 << count.ilog2(), count.next_power_of_two())
        }
        _ => format!("`{name} = {MOST}`, which is the most"),
    };
    Err(error(number, format!("`{name}` is a power of two: {fix}")))
}

/// `verify`: a fraction, or an expression that gives an `f64`.
pub(crate) fn fraction(name: &Ident, form: Form) -> syn::Result<Expr> {
    let value = expression(name, form)?;
    let message = || format!("`{name}` is a share between 0 and 1: `{}`", example(name));
    match plain(&value) {
        Expr::Lit(ExprLit { lit: lit @ (Lit::Float(_) | Lit::Int(_)), .. }) => {
            let digits = match lit {
                Lit::Float(float) => float.base10_digits(),
                Lit::Int(int) => int.base10_digits(),
                _ => "",
            };
            match digits.parse::<f64>() {
                Ok(share) if (0.0..=1.0).contains(&share) => {
                    let share = syn::LitFloat::new(&format!("{share:?}f64"), lit.span());
                    Ok(Expr::Lit(ExprLit { attrs: Vec::new(), lit: Lit::Float(share) }))
                }
                _ => Err(error(&value, message())),
            }
        }
        Expr::Lit(_) | Expr::Unary(ExprUnary { op: syn::UnOp::Neg(_), .. }) => {
            Err(error(&value, message()))
        }
        _ => Ok(value),
    }
}
