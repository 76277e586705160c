//! Dates, times and spans.

use chrono::{
    DateTime, FixedOffset, Month, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc,
    Weekday,
};
use chrono_tz::Tz;
use jiff::tz::{Offset, TimeZone as Zone};
use jiff::{SignedDuration, Span, Timestamp, ToSpan};
use time::macros::{date, datetime, offset};

use crate::row::Row;
use crate::subject::{argument, opaque, value};

pub fn rows() -> Vec<Row> {
    [chrono_instants(), chrono_parts(), time_crate(), jiff_crate()].into_iter().flatten().collect()
}

fn utc() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2024, 5, 6, 7, 0, 0).unwrap()
}

/// 3:04:05 on the second of January 1900, at an offset in seconds.
fn local(seconds: i32) -> DateTime<FixedOffset> {
    let offset = FixedOffset::east_opt(seconds).expect("a valid offset");
    offset.with_ymd_and_hms(1900, 1, 2, 3, 4, 5).unwrap()
}

fn chrono_instants() -> Vec<Row> {
    let two = FixedOffset::east_opt(7200).expect("a valid offset");
    vec![
        value("chrono::DateTime<Utc>", move || {
            [("07:00Z", utc()), ("from +02:00", utc().with_timezone(&two).to_utc()), ("later", utc() + TimeDelta::days(1))]
        })
        .row(),
        value("chrono::DateTime<FixedOffset>", move || {
            [("07:00Z", utc().fixed_offset()), ("09:00+02:00", utc().with_timezone(&two)), ("08:00Z", (utc() + TimeDelta::hours(1)).into())]
        })
        .way("`==` looks at the instant only: `key = time.to_utc()`"),
        value("chrono::DateTime<FixedOffset> (offset with seconds)", || {
            [("+00:19:32", local(1172)), ("+00:19:31", local(1171)), ("+00:20", local(1200))]
        })
        .way("the text rounds the offset to minutes: `key = (time.to_utc(), time.offset().local_minus_utc())`, and store `DateTime<Utc>`"),
        argument("chrono::DateTime<chrono_tz::Tz>", || {
            let in_zone = |zone: Tz| utc().with_timezone(&zone);
            [("Berlin", in_zone(Tz::Europe__Berlin)), ("Paris", in_zone(Tz::Europe__Paris)), ("UTC", in_zone(Tz::UTC))]
        })
        .seen(|time| format!("{time:?} {:?}", time.timezone()))
        .way("the text has the offset and not the zone: `key = (time, time.timezone())`"),
    ]
}

fn chrono_parts() -> Vec<Row> {
    let day = |d| NaiveDate::from_ymd_opt(2024, 2, d).expect("a valid date");
    let at = |s, ns| NaiveTime::from_hms_nano_opt(1, 2, s, ns).expect("a valid time");
    vec![
        value("chrono::NaiveDate", move || [("2024-02-01", day(1)), ("2024-02-02", day(2))]).row(),
        value("chrono::NaiveTime", move || {
            [("01:02:59", at(59, 0)), ("leap second", at(59, 1_000_000_000))]
        })
        .row(),
        value("chrono::NaiveDateTime", move || {
            [
                ("a", NaiveDateTime::new(day(1), at(3, 0))),
                ("b", NaiveDateTime::new(day(1), at(3, 1))),
            ]
        })
        .row(),
        value("chrono::TimeDelta", || {
            [
                ("60 s", TimeDelta::seconds(60)),
                ("1 min", TimeDelta::minutes(1)),
                ("0", TimeDelta::zero()),
            ]
        })
        .row(),
        value("chrono::Weekday", || {
            [("Mon", Weekday::Mon), ("Sun + 1", Weekday::Sun.succ()), ("Tue", Weekday::Tue)]
        })
        .row(),
        value("chrono::Month", || {
            [
                ("January", Month::January),
                ("December + 1", Month::December.succ()),
                ("May", Month::May),
            ]
        })
        .row(),
        value("chrono_tz::Tz", || {
            [("Kolkata", Tz::Asia__Kolkata), ("Calcutta", Tz::Asia__Calcutta)]
        })
        .way("aliases are different zones"),
    ]
}

fn time_crate() -> Vec<Row> {
    let noon = datetime!(2024-05-06 12:00 UTC);
    vec![
        value("time::OffsetDateTime", move || {
            [
                ("12:00 UTC", noon),
                ("14:00 +2", noon.to_offset(offset!(+2))),
                ("later", noon + time::Duration::DAY),
            ]
        })
        .way("`==` looks at the instant only: `key = time.to_offset(UtcOffset::UTC)`"),
        value("time::PrimitiveDateTime", || {
            [("a", datetime!(2024-05-06 12:00)), ("b", datetime!(2024-05-06 12:01))]
        })
        .row(),
        value("time::UtcOffset", || [("+2", offset!(+2)), ("+00:19:32", offset!(+00:19:32))]).row(),
        value("time::Date", || {
            [
                ("2024-02-29", date!(2024 - 02 - 29)),
                ("day 60", date!(2024 - 060)),
                ("other", date!(2024 - 061)),
            ]
        })
        .row(),
        value("time::Time", || {
            [("1:00", time::macros::time!(1:00)), ("2:00", time::macros::time!(2:00))]
        })
        .row(),
        value("time::Duration", || {
            [
                ("60 s", time::Duration::seconds(60)),
                ("1 min", time::Duration::minutes(1)),
                ("1 ns", time::Duration::NANOSECOND),
            ]
        })
        .row(),
        value("time::Month", || [("January", time::Month::January), ("May", time::Month::May)])
            .row(),
        value("time::Weekday", || {
            [("Monday", time::Weekday::Monday), ("Friday", time::Weekday::Friday)]
        })
        .row(),
    ]
}

/// An instant at a fixed offset in seconds.
fn zoned(seconds: i32) -> jiff::ZonedDateTime {
    Timestamp::UNIX_EPOCH
        .to_zoned_datetime(Zone::fixed(Offset::from_seconds(seconds).expect("a valid offset")))
}

fn jiff_crate() -> Vec<Row> {
    vec![
        value("jiff::Timestamp", || {
            [("1970", Timestamp::UNIX_EPOCH), ("1 ns later", Timestamp::UNIX_EPOCH + 1.nanosecond())]
        })
        .row(),
        value("jiff::ZonedDateTime", || [("UTC", zoned(0)), ("+02", zoned(7200)), ("+03", zoned(10_800))])
            .way("`==` looks at the instant only: `key = time.timestamp()`"),
        value("jiff::ZonedDateTime (offset with seconds)", || {
            [("+00:19:32", zoned(1172)), ("+00:20", zoned(1200)), ("later", zoned(0) + 1.hour())]
        })
        .seen(|time| format!("{:?} {}", time.timestamp(), time.offset().seconds()))
        .way("the text rounds the offset to minutes; store `Timestamp`"),
        opaque("jiff::Span", |span: &Span| format!("{:?}", span.fieldwise()), || {
            [("1 s", 1.second()), ("1000 ms", 1000.milliseconds()), ("1 h", 1.hour()), ("60 min", 60.minutes())]
        })
        .way("the text adds up what is below a second: `key = (span.get_seconds(), span.get_milliseconds(), ..)`"),
        value("jiff::SignedDuration", || {
            [("60 s", SignedDuration::from_secs(60)), ("1 min", SignedDuration::from_mins(1)), ("-1 ns", SignedDuration::from_nanos(-1))]
        })
        .row(),
        value("jiff::civil::Date", || [("a", jiff::civil::date(2024, 2, 29)), ("b", jiff::civil::date(2024, 3, 1))]).row(),
        value("jiff::civil::Time", || [("a", jiff::civil::time(1, 2, 3, 0)), ("b", jiff::civil::time(1, 2, 3, 1))]).row(),
        value("jiff::civil::DateTime", || {
            [("a", jiff::civil::date(2024, 2, 29).at(1, 2, 3, 0)), ("b", jiff::civil::date(2024, 2, 29).at(1, 2, 3, 1))]
        })
        .row(),
    ]
}
