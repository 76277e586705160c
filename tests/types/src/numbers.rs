//! Numbers: decimals, fractions, big integers, floats in a wrapper, quantities.

use bigdecimal::BigDecimal;
use fastnum::D128;
use fraction::{Fraction, GenericFraction, Sign};
use num_bigint::BigInt;
use num_complex::Complex;
use num_rational::Ratio;
use ordered_float::{NotNan, OrderedFloat};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uom::si::f64::{Length, ThermodynamicTemperature};
use uom::si::{length, thermodynamic_temperature};

use crate::row::Row;
use crate::subject::value;

pub fn rows() -> Vec<Row> {
    [decimals(), fractions(), integers(), floats(), quantities()].into_iter().flatten().collect()
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct AsText(#[serde(with = "rust_decimal::serde::str")] Decimal);

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct AsFloat(#[serde(with = "rust_decimal::serde::float")] Decimal);

/// Decimals by their text.
fn parsed<T, const N: usize>(
    texts: [&'static str; N],
    of: impl Fn(Decimal) -> T,
) -> [(&'static str, T); N] {
    texts.map(|text| (text, of(text.parse().expect("a decimal"))))
}

fn decimals() -> Vec<Row> {
    vec![
        value("rust_decimal::Decimal", || parsed(["1.0", "1.00", "0", "-0", "0.1"], |n| n))
            .way("`key = n.normalize()`; as a result `with = \"rust_decimal::serde::str\"` needs no codec"),
        value("rust_decimal::serde::str", || parsed(["1.0", "1.00", "0", "-0", "0.1"], AsText)).row(),
        value("rust_decimal::serde::float", || {
            parsed(["1.0", "1.00", "0.1", "0.1000000000000000000001"], AsFloat)
        })
        .way("a float has no more than 17 digits: `with = \"rust_decimal::serde::str\"`"),
        value("bigdecimal::BigDecimal", || {
            ["1.0", "1.00", "1e2", "100", "0.1"]
                .map(|text| (text, text.parse::<BigDecimal>().expect("a decimal")))
        })
        .seen(|n| format!("{:?}", n.as_bigint_and_exponent()))
        .way("`key = n.normalized()`; only a function that looks at the exponent tells 1e2 from 100"),
        value("fastnum::D128", || {
            let of = |text: &str| text.parse::<D128>().expect("a decimal");
            [
                ("1.0", of("1.0")),
                ("1.00", of("1.00")),
                ("0.1", of("0.1")),
                ("0.1 inexact", (of("1") / of("3")).round(1) - of("0.2")),
            ]
        })
        .seen(|n| format!("{n} {}", n.is_op_inexact()))
        .way("the text leaves out the signals of the computation: `key = (n, n.is_op_inexact())`"),
    ]
}

fn fractions() -> Vec<Row> {
    vec![
        value("num_rational::Ratio<i64>", || {
            [
                ("1/2", Ratio::new(1, 2)),
                ("2/4", Ratio::new(2, 4)),
                ("2/4 not reduced", Ratio::new_raw(2, 4)),
                ("1/3", Ratio::new(1, 3)),
            ]
        })
        .way("`key = n.reduced()`"),
        value("fraction::Fraction", || {
            [
                ("1/2", Fraction::new(1_u64, 2_u64)),
                ("2/4", Fraction::new(2_u64, 4_u64)),
                ("2/4 not reduced", GenericFraction::new_raw(2, 4)),
                ("0", Fraction::new(0_u64, 1_u64)),
                ("-0", Fraction::new_neg(0_u64, 1_u64)),
                ("infinity", GenericFraction::Infinity(Sign::Plus)),
            ]
        })
        .row(),
    ]
}

fn integers() -> Vec<Row> {
    vec![
        value("num_bigint::BigInt", || {
            let big = || BigInt::from(2).pow(200);
            [("7", BigInt::from(7)), ("big - big + 7", big() - big() + 7), ("-7", BigInt::from(-7))]
        })
        .row(),
        value("ruint::Uint<256, 4>", || {
            let of = ruint::Uint::<256, 4>::from::<u64>;
            [("7", of(7)), ("8 - 1", of(8) - of(1)), ("max", ruint::Uint::MAX)]
        })
        .row(),
        value("fixed::types::I16F16", || {
            let of = fixed::types::I16F16::from_num::<f64>;
            [("1.5", of(1.5)), ("0.75 * 2", of(0.75) * of(2.0)), ("1", of(1.0))]
        })
        .row(),
    ]
}

fn floats() -> Vec<Row> {
    let payload = f64::from_bits(f64::NAN.to_bits() | 1);
    vec![
        value("ordered_float::OrderedFloat<f64>", move || {
            [
                ("0", OrderedFloat(0.0)),
                ("-0", OrderedFloat(-0.0)),
                ("NaN", OrderedFloat(f64::NAN)),
                ("NaN with a payload", OrderedFloat(payload)),
            ]
        })
        .seen(|x| x.to_bits().to_string())
        .way("as `f64`"),
        value("ordered_float::NotNan<f64>", || {
            let of = |x: f64| NotNan::new(x).expect("a number");
            [("0", of(0.0)), ("-0", of(-0.0)), ("1.5", of(1.5))]
        })
        .row(),
        value("half::f16", || {
            [
                ("0", half::f16::from_bits(0)),
                ("-0", half::f16::from_bits(0x8000)),
                ("NaN", half::f16::NAN),
                ("NaN with a payload", half::f16::from_bits(0x7e01)),
            ]
        })
        .seen(|x| x.to_bits().to_string())
        .way("its bits are the key: NaN differ by their payload"),
        value("num_complex::Complex<f64>", || {
            [
                ("0", Complex::new(0.0, 1.0)),
                ("-0", Complex::new(-0.0, 1.0)),
                ("1", Complex::new(1.0, 1.0)),
            ]
        })
        .row(),
    ]
}

fn quantities() -> Vec<Row> {
    vec![
        value("uom::Length<f64>", || {
            [
                ("1 km", Length::new::<length::kilometer>(1.0)),
                ("1000 m", Length::new::<length::meter>(1000.0)),
                ("1 in", Length::new::<length::inch>(1.0)),
                ("0.0254 m", Length::new::<length::meter>(0.0254)),
            ]
        })
        .way("the value in metres"),
        value("uom::ThermodynamicTemperature<f64>", || {
            type T = ThermodynamicTemperature;
            [
                ("0 °C", T::new::<thermodynamic_temperature::degree_celsius>(0.0)),
                ("273.15 K", T::new::<thermodynamic_temperature::kelvin>(273.15)),
                ("32 °F", T::new::<thermodynamic_temperature::degree_fahrenheit>(32.0)),
            ]
        })
        .way("the value in kelvins"),
    ]
}
